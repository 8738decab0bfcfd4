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

"""Whether an exported network finds what the network finds."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import NamedTuple

import torch
import torch.nn.functional as F

from scripts.networks.template_matching_network import TemplateMatchingNetwork
from scripts.transforms.coordinates import normalized_scale_to_index
from scripts.transforms.patch import extract_patches

__all__ = ["Agreement", "Difference"]

# numbers of images and of patches an image, numbers of examples: what is free must not have been fixed
_MATCHES = ((1, 1), (1, 5), (2, 3), (3, 1))
_EXAMPLES = (1, 2, 7)


class Difference(NamedTuple):
    """How far two answers are from each other.

    Attributes:
        px: the largest difference of a mean along an axis, px.
        log_scale: the largest difference of a log scale; 0.01 is a hundredth of sigma.
    """

    px: float
    log_scale: float

    @classmethod
    def of(cls, found: torch.Tensor, expected: torch.Tensor, shape: Sequence[int]) -> Difference:
        """Difference of predictions (N, 2 * spatial_dims), normalised, in an image of a spatial shape.

        Infinite where the predictions are not of one shape, NaN where one is NaN.

        Example:
            >>> Difference.of(torch.tensor([[0.25, 0.0]]), torch.tensor([[0.0, 0.0]]), (8,))
            Difference(px=1.0, log_scale=0.0)
        """
        if found.shape != expected.shape:
            return cls(math.inf, math.inf)
        means, log_scales = (found - expected).abs().chunk(2, dim=1)
        return cls(normalized_scale_to_index(means, shape).max().item(), log_scales.max().item())

    @classmethod
    def largest(cls, differences: Sequence[Difference]) -> Difference:
        """The largest of each kind; NaN, if one is."""
        return cls(*torch.tensor(differences, dtype=torch.float64).amax(dim=0).tolist())

    def within(self, tolerance_px: float) -> bool:
        """Whether positions agree to a tolerance and sigmas to a hundredth; NaN does not.

        A sigma is a root of a difference of moments and loses digits in float32 where the peak is sharp.
        """
        return self.px <= tolerance_px and self.log_scale <= 0.01


class Agreement:
    """Compare an exported network with the network it was made of, on smooth random images and patches cut from them.

    Args:
        network: the network, on the CPU and in evaluation mode.
        image_size: spatial shape of the images, px.
        patch_size: side of the patches, px.
        channels: channels of both.
        seed: of the images and of the patches' places.

    Example:
        >>> from scripts.networks import CorrelationHead, ResidualEncoder
        >>> encoders = ResidualEncoder(), ResidualEncoder()
        >>> network = TemplateMatchingNetwork(*encoders, CorrelationHead(*encoders)).eval()
        >>> Agreement(network, (64, 48), 32).matching(network)
        Difference(px=0.0, log_scale=0.0)
    """

    def __init__(
        self,
        network: TemplateMatchingNetwork,
        image_size: Sequence[int],
        patch_size: int,
        *,
        channels: int = 1,
        seed: int = 0,
    ) -> None:
        self.network = network
        self.image_size = tuple(image_size)
        self.patch_size = patch_size
        self.channels = channels
        self.seed = seed

    @torch.no_grad()
    def matching(self, match: Callable[[torch.Tensor, torch.Tensor], torch.Tensor]) -> Difference:
        """Largest difference of what takes images and patches, as the network does, for several numbers of both."""
        generator = torch.Generator().manual_seed(self.seed)
        found = []
        for images, patches in _MATCHES:
            pair = self._images(images, patches, generator)
            found.append(Difference.of(match(*pair), self.network(*pair), self.image_size))
        return Difference.largest(found)

    @torch.no_grad()
    def tracking(
        self,
        encode: Callable[[torch.Tensor], torch.Tensor],
        track: Callable[[torch.Tensor, torch.Tensor], torch.Tensor],
    ) -> Difference:
        """Largest difference of what encodes examples and of what finds them by these codes, one after the other.

        Args:
            encode: from patches to codes, see :class:`scripts.export.EncodeExample`.
            track: from a frame and codes to predictions, see :class:`scripts.export.TrackFrame`.
        """
        generator = torch.Generator().manual_seed(self.seed)
        found = []
        for examples in _EXAMPLES:
            image, patches = self._images(1, examples, generator)
            codes = encode(patches)
            for frame in (image, image.flip(-1)):
                found.append(Difference.of(track(frame, codes), self.network(frame, patches), self.image_size))
        return Difference.largest(found)

    def _images(self, images: int, patches: int, generator: torch.Generator) -> tuple[torch.Tensor, torch.Tensor]:
        """Images ``(B, C, *image_size)`` and patches of each ``(B * K, C, *patch)``."""
        dims = len(self.image_size)
        cells = [max(2, size // 8) for size in self.image_size]
        coarse = torch.rand(images, self.channels, *cells, generator=generator)
        mode = {1: "linear", 2: "bilinear", 3: "trilinear"}[dims]
        image = F.interpolate(coarse, size=self.image_size, mode=mode, align_corners=False)
        centers = torch.rand(images * patches, dims, generator=generator) * (torch.tensor(self.image_size) - 1)
        return image, extract_patches(image.repeat_interleave(patches, dim=0), centers, self.patch_size)
