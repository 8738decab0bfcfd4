# Copyright (c) 2026 The landmark bundle authors
# Licensed under the Apache License, Version 2.0 (the "License");
# you may not use this file except in compliance with the License.
# You may obtain a copy of the License at
#     http://www.apache.org/licenses/LICENSE-2.0
# Unless required by applicable law or agreed to in writing, software
# distributed under the License is distributed on an "AS IS" BASIS,
# WITHOUT WARRANTIES OR CONDITIONS OF ANY KIND, either express or implied.
# See the License for the specific language governing permissions and
# limitations under the License.

"""Patch-wise feature matching: the patch of an image that is most like the key patch."""

from __future__ import annotations

import torch
from torch import nn

from scripts.metrics.cyclic_error import encode_patches
from scripts.transforms.coordinates import index_to_normalized, normalized_to_index

__all__ = ["PatchAffinityMatcher"]


class PatchAffinityMatcher(nn.Module):
    """Find a patch by the affinity of its features to those of all patches of an image (Frueh et al. 2022, eq. 5).

    Whatever evaluates the template matching network evaluates this in its place, see
    :class:`scripts.metrics.cyclic_error.Matcher`. The patches of an image lie about the middles of equal cells, as near
    to ``stride`` px as they fill it, and past its border they are zero. Each is encoded on its own. The coarsest stage
    of one pass over the whole image is no substitute: its convolutions see the neighbourhood of a patch where the
    encoder of the patch alone was trained with zeros, and its stride of 32 px has one place a patch.

    Args:
        network: features (N, F) of norm 1 of patches, such as :class:`scripts.baselines.SimCLRNetwork`.
        patch_size: side of the patches, px.
        stride: distance of the patches of an image, px. Answers are not finer.
        chunk_size: number of patches encoded at once.

    Example:
        >>> from scripts.baselines import SimCLRNetwork
        >>> from scripts.networks import ResidualEncoder
        >>> matcher = PatchAffinityMatcher(SimCLRNetwork(ResidualEncoder()), patch_size=16).eval()
        >>> image = torch.rand(1, 1, 48, 40)
        >>> matcher.match(matcher.encode_image(image), matcher.encode_patch(image[..., :16, :16])).shape
        torch.Size([1, 4])
    """

    def __init__(self, network: nn.Module, patch_size: int = 32, *, stride: int = 4, chunk_size: int = 256) -> None:
        super().__init__()
        self.network = network
        self.patch_size = patch_size
        self.stride = stride
        self.chunk_size = chunk_size

    def encode_image(self, image: torch.Tensor) -> torch.Tensor:
        """Features of all patches of images (B, C, X, Y): (B, X / stride, Y / stride, F), sizes rounded."""
        cells = [max(1, round(size / self.stride)) for size in image.shape[2:]]
        centers = normalized_to_index(_cell_middles(cells, image.device), image.shape[2:])
        codes = [encode_patches(self, one[None], centers, self.patch_size, self.chunk_size) for one in image]
        return torch.stack(codes).unflatten(1, cells)

    def encode_patch(self, patch: torch.Tensor) -> torch.Tensor:
        """Features (N, F) of patches (N, C, P, P)."""
        return self.network(patch)

    def affinity(self, image_code: torch.Tensor, patch_code: torch.Tensor) -> torch.Tensor:
        """Inner products (N, X / stride, Y / stride) of key patches with those of their images, eq. 5.

        Args:
            image_code: codes of B images.
            patch_code: codes of N = B * K patches, those of one image after the other.
        """
        keys = patch_code.unflatten(0, (len(image_code), -1))
        return torch.einsum("bxyf,bkf->bkxy", image_code, keys).flatten(0, 1)

    def match(self, image_code: torch.Tensor, patch_code: torch.Tensor) -> torch.Tensor:
        """Places (N, 4) of the patches: normalised means, and zeros for the log scales, as it has no uncertainty."""
        cells = image_code.shape[1:3]
        best = self.affinity(image_code, patch_code).flatten(1).argmax(dim=1)
        found = _cell_middles(cells, best.device)[best].to(patch_code)
        return torch.cat([found, torch.zeros_like(found)], dim=1)

    def forward(self, image: torch.Tensor, patch: torch.Tensor, heatmap: bool = False) -> torch.Tensor:
        """Encode both and match, as :class:`scripts.networks.TemplateMatchingNetwork` does; there is no heatmap."""
        return self.match(self.encode_image(image), self.encode_patch(patch))


def _cell_middles(cells: list[int] | torch.Size, device: torch.device) -> torch.Tensor:
    """Middles (number, 2), normalised, of cells that divide an image, the last axis fastest."""
    axes = [torch.arange(size, dtype=torch.float32, device=device) for size in cells]
    return index_to_normalized(torch.stack(torch.meshgrid(axes, indexing="ij"), dim=-1).flatten(0, -2), cells)
