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

"""The dual-encoder network that finds where a patch's centre lies in an image."""

from __future__ import annotations

import torch
from torch import nn

from scripts.io.input_error import InputError
from scripts.networks.parts import Encoder, Head

__all__ = ["TemplateMatchingNetwork"]


class TemplateMatchingNetwork(nn.Module):
    """Two encoders without weight sharing, and a head that matches their codes (Frueh et al. 2022, Fig. 1).

    An image is encoded once for any number of patches, a patch once for any number of images.

    Args:
        image_encoder: an encoder, see :class:`scripts.networks.parts.Encoder`.
        patch_encoder: another one, of its own weights.
        head: :class:`scripts.networks.CorrelationHead` or :class:`scripts.networks.RegressionHead`.
        patch_size: side of the central crop that serves as the patch where none is given, px.

    Raises:
        InputError: the patch encoder takes no patches of this size, or its zoom does not divide it.

    Example:
        >>> from scripts.networks import CorrelationHead, ResidualEncoder
        >>> encoders = ResidualEncoder(), ResidualEncoder()
        >>> network = TemplateMatchingNetwork(*encoders, CorrelationHead(*encoders)).eval()
        >>> tuple(network(torch.rand(2, 1, 64, 64), torch.rand(2, 1, 32, 32)).shape)
        (2, 4)
        >>> codes = network.encode_patch(torch.rand(20, 1, 32, 32))
        >>> tuple(network.match(network.encode_image(torch.rand(1, 1, 64, 64)), codes).shape)
        (20, 4)
    """

    def __init__(self, image_encoder: Encoder, patch_encoder: Encoder, head: Head, patch_size: int = 32) -> None:
        super().__init__()
        smallest = getattr(patch_encoder, "min_size", 1)
        if patch_size < smallest:
            raise InputError(
                f"patches of {patch_size} px are too small for the {type(patch_encoder).__name__}, which takes "
                f"{smallest} px and more; give --patch_size {smallest}, or another --encoder (residual, resnet18)"
            )
        zoom = getattr(patch_encoder, "zoom", 1)
        if patch_size % zoom != 0:
            raise InputError(
                f"patches of {patch_size} px cannot be seen {zoom} times smaller; give a --patch_size that is a "
                f"multiple of {zoom}, or --patch_zoom 1"
            )
        self.image_encoder = image_encoder
        self.patch_encoder = patch_encoder
        self.head = head
        self.patch_size = patch_size

    @torch.jit.export
    def encode_image(self, image: torch.Tensor) -> torch.Tensor:
        """Code of images ``(B, C, *spatial)``, as the head wants it: the first axis is the batch."""
        return self.head.encode_image(self.image_encoder(image))

    @torch.jit.export
    def encode_patch(self, patch: torch.Tensor) -> torch.Tensor:
        """Code of patches ``(B, C, *patch_spatial)``, as the head wants it: the first axis is the batch."""
        return self.head.encode_patch(self.patch_encoder(patch))

    @torch.jit.export
    def match(self, image_code: torch.Tensor, patch_code: torch.Tensor) -> torch.Tensor:
        """Where the patches lie.

        Args:
            image_code: codes of B images.
            patch_code: codes of N = B * K patches, those of one image after the other; with B = 1 all patches are
                looked for in the one image.

        Returns:
            (N, 2 * spatial_dims): means, then natural logs of the scales, an axis each, in normalised coordinates
            (see :mod:`scripts.transforms.coordinates`).
        """
        return self.head.match(image_code, patch_code)

    def forward(self, image: torch.Tensor, patch: torch.Tensor | None = None, heatmap: bool = False) -> torch.Tensor:
        """Encode both and match.

        Args:
            image: ``(B, C, *spatial)``.
            patch: ``(B * K, C, *patch_spatial)``, K patches an image, those of one image after the other; the central
                crop of the image if None, so that tools that know one input only (``verify_net_in_out``, tracing) can
                run the network.
            heatmap: append the logits of the head's heatmap, flattened, for the loss; a head with none appends none.

        Returns:
            (B * K, 2 * spatial_dims), see :meth:`match`; with ``heatmap`` (B * K, 2 * spatial_dims + cells).
        """
        if patch is None:
            patch = self._central_crop(image)
        image_code = self.encode_image(image)
        patch_code = self.encode_patch(patch)
        matched = self.match(image_code, patch_code)
        if heatmap:
            logits = self.head.heatmap(image_code, patch_code)
            matched = torch.cat([matched, logits.flatten(1)], dim=1)
        return matched

    def _central_crop(self, image: torch.Tensor) -> torch.Tensor:
        for axis in range(2, image.ndim):
            size = min(self.patch_size, image.shape[axis])
            image = image.narrow(axis, (image.shape[axis] - size) // 2, size)
        return image
