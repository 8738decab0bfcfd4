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

"""From an image of any size to the network's size, and points both ways."""

from __future__ import annotations

import math
from dataclasses import dataclass

import torch
import torch.nn.functional as F

__all__ = ["ImageFit"]

_SQUARE = 1.01  # largest ratio of a pixel's sides that counts as 1


@dataclass(frozen=True)
class ImageFit:
    """Scale an image, or a region of it, until it fits; keep its aspect ratio; pad with zeros on both sides.

    The aspect ratio is that of the patient: pixels that are longer along one axis become square ones. Pixel areas are
    scaled, not pixel centres: index ``i`` of the region becomes ``(i + 0.5) * scale - 0.5 + offset``.

    Args:
        original: spatial shape of the image, px.
        network: spatial shape that the network takes, px.
        region: first pixel and end of the part that is used, ``(x0, y0, x1, y1)`` in px, ends excluded; None for all.
        spacing: distance of pixel centres along each axis, in any unit, as only their ratio counts; None for square
            pixels. A ratio within 1 % of 1 counts as square: headers round.
        stretch: fill the network's image, with no padding and another aspect ratio, as the paper does.

    Raises:
        ValueError: the region is empty or not inside the image, or a distance is not a positive number.

    Example:
        >>> fit = ImageFit((320, 240), (160, 160))
        >>> fit.scale, fit.offset
        ((0.5, 0.5), (0, 20))
        >>> fit.to_network(torch.tensor([[0.5, 0.5]]))
        tensor([[ 0., 20.]])
    """

    original: tuple[int, ...]
    network: tuple[int, ...]
    region: tuple[int, ...] | None = None
    spacing: tuple[float, ...] | None = None
    stretch: bool = False

    def __post_init__(self) -> None:
        if self.spacing is not None and not all(0 < length < math.inf for length in self.spacing):
            raise ValueError(f"the distance of pixels is {self.spacing}; it must be positive along each axis")
        edges = zip(self.start, self.stop, self.original, strict=False)
        if len(self.stop) != len(self.original) or not all(0 <= start < stop <= size for start, stop, size in edges):
            raise ValueError(f"region {self.region} (x0, y0, x1, y1) is not inside an image of {self.original} px")

    @property
    def start(self) -> tuple[int, ...]:
        """First pixel of the part that is used."""
        return (0,) * len(self.original) if self.region is None else tuple(self.region[: len(self.original)])

    @property
    def stop(self) -> tuple[int, ...]:
        """End of the part that is used, excluded."""
        return self.original if self.region is None else tuple(self.region[len(self.original) :])

    @property
    def _used(self) -> tuple[int, ...]:
        return tuple(stop - start for start, stop in zip(self.start, self.stop, strict=True))

    @property
    def _pixel(self) -> tuple[float, ...]:
        """Lengths of a pixel along the axes, of which only the ratio counts."""
        if self.spacing is None or max(self.spacing) <= _SQUARE * min(self.spacing):
            return (1.0,) * len(self.original)
        return self.spacing

    @property
    def scaled(self) -> tuple[int, ...]:
        """Size of the used part in network px, without the padding."""
        if self.stretch:
            return self.network
        lengths = tuple(used * length for used, length in zip(self._used, self._pixel, strict=True))
        zoom = min(new / length for new, length in zip(self.network, lengths, strict=True))
        return tuple(min(new, max(1, round(length * zoom))) for new, length in zip(self.network, lengths, strict=True))

    @property
    def scale(self) -> tuple[float, ...]:
        """Network px an original px, one an axis.

        Of square pixels that are not stretched they differ by the rounding to whole pixels only.
        """
        return tuple(new / old for new, old in zip(self.scaled, self._used, strict=True))

    @property
    def offset(self) -> tuple[int, ...]:
        """Network px of padding before the image, one an axis."""
        return tuple((full - part) // 2 for full, part in zip(self.network, self.scaled, strict=True))

    def crop(self, images: torch.Tensor) -> torch.Tensor:
        """The part that is used of (B, C, X, Y)."""
        for axis, (start, used) in enumerate(zip(self.start, self._used, strict=True)):
            images = images.narrow(axis + 2, start, used)
        return images

    def resample(self, cropped: torch.Tensor) -> torch.Tensor:
        """Scale and pad what :meth:`crop` gave to ``(B, C, *network)``, antialiased where it shrinks."""
        scaled = F.interpolate(cropped, size=self.scaled, mode="bilinear", antialias=True, align_corners=False)
        padding: list[int] = []
        for before, part, full in zip(self.offset, self.scaled, self.network, strict=True):
            padding = [before, full - part - before, *padding]
        return F.pad(scaled, padding)

    def contains(self, points: torch.Tensor) -> torch.Tensor:
        """Whether points (..., 2) in px of the original image lie on the part that is used."""
        start, stop = (torch.tensor(edge, dtype=points.dtype, device=points.device) for edge in (self.start, self.stop))
        return ((points >= start - 0.5) & (points <= stop - 0.5)).all(dim=-1)

    def to_network(self, points: torch.Tensor) -> torch.Tensor:
        """Points (..., 2) in px of the original image to px of the network's image."""
        start, scale, offset = self._tensors(points)
        return (points - start + 0.5) * scale - 0.5 + offset

    def to_original(self, points: torch.Tensor) -> torch.Tensor:
        """The inverse of :meth:`to_network`."""
        start, scale, offset = self._tensors(points)
        return (points + 0.5 - offset) / scale - 0.5 + start

    def length_to_original(self, lengths: torch.Tensor) -> torch.Tensor:
        """Lengths along the axes (..., 2), such as sigmas, from px of the network's image to the original's."""
        return lengths / self._tensors(lengths)[1]

    def _tensors(self, like: torch.Tensor) -> list[torch.Tensor]:
        values = (self.start, self.scale, self.offset)
        return [torch.tensor(value, dtype=like.dtype, device=like.device) for value in values]
