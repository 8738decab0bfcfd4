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

"""The cyclic error: quality of matching between two images, without labels."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Protocol

import torch

from scripts.transforms.coordinates import normalized_scale_to_index, normalized_to_index
from scripts.transforms.patch import extract_patches

__all__ = [
    "Matcher",
    "OwnMatch",
    "RoundTrip",
    "cyclic_error",
    "encode_patches",
    "grid_points",
    "match_in_chunks",
    "match_in_own_image",
    "match_points",
    "matching_bias",
    "round_trips",
]


class Matcher(Protocol):
    """What finds patches in images: the network, or a classical method in its place."""

    def encode_image(self, image: torch.Tensor) -> torch.Tensor:
        """Codes (B, ...) of images ``(B, C, *spatial)``."""

    def encode_patch(self, patch: torch.Tensor) -> torch.Tensor:
        """Codes (N, ...) of patches ``(N, C, *patch_spatial)``."""

    def match(self, image_code: torch.Tensor, patch_code: torch.Tensor) -> torch.Tensor:
        """Means and natural logs of the scales of the patches' places, (N, 2 * spatial_dims), normalised.

        With N = B * K patches for B images, those of one image come after the other.
        """


def grid_points(shape: tuple[int, ...], step: int, first: int = 0) -> torch.Tensor:
    """Every ``step``-th pixel of an image from the ``first`` on, (N, spatial_dims), px.

    Example:
        >>> grid_points((4, 4), 2).tolist()
        [[0.0, 0.0], [0.0, 2.0], [2.0, 0.0], [2.0, 2.0]]
    """
    axes = [torch.arange(first, size, step, dtype=torch.float32) for size in shape]
    return torch.stack(torch.meshgrid(axes, indexing="ij"), dim=-1).flatten(0, -2)


def match_points(
    matcher: Matcher, image_code: torch.Tensor, patch_code: torch.Tensor, shape: Sequence[int]
) -> torch.Tensor:
    """Positions (N, spatial_dims), px, of N encoded patches in one encoded image of a spatial shape."""
    return normalized_to_index(matcher.match(image_code, patch_code).chunk(2, dim=1)[0], shape)


_LEAST_REACH = 3.0  # px: the matcher's own cells are 4 px, and half of all patches are found 1 to 3 px off
_GATE = 3.0  # sigmas


@dataclass(frozen=True)
class OwnMatch:
    """How a matcher finds patches in the very image they were cut from, where the true position is known.

    Attributes:
        offsets: (N, spatial_dims), found minus true, px; not finite where the matcher's answer is not.
        found: (N,), whether each is found again: within three sigmas, or 3 px where that is more, and never more than
            an eighth of the patch's side. Further off is another place, however unsure the matcher says it is.
    """

    offsets: torch.Tensor
    found: torch.Tensor

    @property
    def biases(self) -> torch.Tensor:
        """(N, spatial_dims), px, to be subtracted from positions in other images; 0 for patches not found again."""
        return self.offsets.where(self.found.unsqueeze(1), 0.0)


def match_in_own_image(
    matcher: Matcher,
    image_code: torch.Tensor,
    patch_code: torch.Tensor,
    points: torch.Tensor,
    shape: Sequence[int],
    patch_size: int,
    *,
    sigma_per_scale: float = 1.0,
    chunk_size: int = 256,
) -> OwnMatch:
    """Find patches again in the image they were cut from.

    Args:
        matcher: the network, in evaluation mode, or another matcher.
        image_code: code of the image that the patches were cut from.
        patch_code: codes of the patches.
        points: (N, spatial_dims), the patches' centres, px.
        shape: spatial shape of the image.
        patch_size: side of the patches, px.
        sigma_per_scale: standard deviation at scale 1.
        chunk_size: number of patches at once.

    Example:
        >>> from scripts.classical import NCCMatcher
        >>> image, matcher, point = torch.rand(1, 1, 48, 48), NCCMatcher(), torch.tensor([[20.0, 30.0]])
        >>> codes = matcher.encode_image(image), encode_patches(matcher, image, point, 16)
        >>> match_in_own_image(matcher, *codes, point, (48, 48), 16).found
        tensor([True])
    """
    where, scales = match_in_chunks(matcher, image_code, patch_code, shape, chunk_size)
    offsets = where - points
    farthest = patch_size / 8
    reach = (_GATE * sigma_per_scale * scales).clamp(min(_LEAST_REACH, farthest), farthest)
    return OwnMatch(offsets, (offsets / reach).square().sum(dim=1) <= 1.0)


def matching_bias(
    matcher: Matcher,
    image_code: torch.Tensor,
    patch_code: torch.Tensor,
    points: torch.Tensor,
    shape: Sequence[int],
    patch_size: int,
    chunk_size: int = 256,
) -> torch.Tensor:
    """How far off a matcher finds patches in the very image they were cut from.

    There the true position is known, and most of the error repeats in other images: taking it off leaves the rest.
    A patch that is not found in its own image, see :class:`OwnMatch`, tells no bias: it gets 0.

    Args:
        matcher: the network, in evaluation mode, or another matcher.
        image_code: code of the image that the patches were cut from.
        patch_code: codes of the patches.
        points: (N, spatial_dims), the patches' centres, px.
        shape: spatial shape of the image.
        patch_size: side of the patches, px.
        chunk_size: number of patches at once.

    Returns:
        (N, spatial_dims), px, to be subtracted from positions found with these codes.
    """
    return match_in_own_image(matcher, image_code, patch_code, points, shape, patch_size, chunk_size=chunk_size).biases


@dataclass(frozen=True)
class RoundTrip:
    """Points of a source image, found in one target and matched back.

    Attributes:
        found: (P, spatial_dims), where the points were found in the target, px.
        found_scale: (P, spatial_dims), the matcher's scales there, px; 1 times ``sigma_per_scale`` is a sigma.
        returned: (P, spatial_dims), where the target's patches were found in the source, px.
        returned_scale: (P, spatial_dims), the matcher's scales there, px.
    """

    found: torch.Tensor
    found_scale: torch.Tensor
    returned: torch.Tensor
    returned_scale: torch.Tensor


def encode_patches(
    matcher: Matcher, image: torch.Tensor, points: torch.Tensor, patch_size: int, chunk_size: int = 256
) -> torch.Tensor:
    """Codes of the patches of one image ``(1, C, *spatial)`` around points (P, spatial_dims), in chunks."""
    chunks = [extract_patches(image, part, patch_size) for part in points.split(chunk_size)]
    return torch.cat([matcher.encode_patch(chunk) for chunk in chunks])


def match_in_chunks(
    matcher: Matcher, image_code: torch.Tensor, patch_code: torch.Tensor, shape: Sequence[int], chunk_size: int = 256
) -> tuple[torch.Tensor, torch.Tensor]:
    """Positions and scales of P encoded patches in one encoded image of a spatial shape, ``chunk_size`` at a time.

    Returns:
        Both (P, spatial_dims), px; see :class:`RoundTrip` for what a scale is.
    """
    matched = torch.cat([matcher.match(image_code, part) for part in patch_code.split(chunk_size)])
    mean, log_scale = matched.chunk(2, dim=1)
    return normalized_to_index(mean, shape), normalized_scale_to_index(log_scale.exp(), shape)


@torch.no_grad()
def round_trips(
    matcher: Matcher,
    source: torch.Tensor,
    targets: Iterable[torch.Tensor],
    points: torch.Tensor,
    patch_size: int,
    *,
    chunk_size: int = 256,
    correct_bias: bool = False,
) -> Iterator[RoundTrip]:
    """Match points of a source image in each target and back again (Frueh et al. 2022, section II-D and Fig. 2).

    The source's patches are encoded once for all targets, each target image once, the backward patches once each.
    Memory holds the codes of all points, but only ``chunk_size`` patches and heatmaps. A point for which the matcher's
    answer is not finite does not return either: all its values are NaN.

    Args:
        matcher: the network, in evaluation mode, or another matcher.
        source: ``(1, C, *spatial)``.
        targets: images ``(1, C, *spatial)``, taken one after the other.
        points: (P, spatial_dims) in the source, px.
        patch_size: side of the patches, px.
        chunk_size: number of patches at once.
        correct_bias: take off each patch's bias, out and back, see :func:`matching_bias`.

    Yields:
        One round trip a target.
    """
    shape = source.shape[2:]

    def bias(image_code: torch.Tensor, patch_code: torch.Tensor, at: torch.Tensor) -> torch.Tensor | float:
        if not correct_bias:
            return 0.0
        return matching_bias(matcher, image_code, patch_code, at, shape, patch_size, chunk_size)

    source_code = matcher.encode_image(source)
    patch_code = encode_patches(matcher, source, points, patch_size, chunk_size)
    source_bias = bias(source_code, patch_code, points)
    for target in targets:
        target_code = matcher.encode_image(target)
        found, found_scale = match_in_chunks(matcher, target_code, patch_code, shape, chunk_size)
        found = found - source_bias
        found_code = encode_patches(matcher, target, found, patch_size, chunk_size)
        returned, returned_scale = match_in_chunks(matcher, source_code, found_code, shape, chunk_size)
        returned = returned - bias(target_code, found_code, found)
        lost = ~found.isfinite().all(dim=1, keepdim=True)
        yield RoundTrip(*(one.masked_fill(lost, torch.nan) for one in (found, found_scale, returned, returned_scale)))


def cyclic_error(
    matcher: Matcher,
    source: torch.Tensor,
    targets: torch.Tensor,
    points: torch.Tensor,
    patch_size: int,
    *,
    chunk_size: int = 256,
) -> torch.Tensor:
    """Distance between each point and where its way out and back ends (Frueh et al. 2022, eq. 4), see
    :func:`round_trips`.

    Args:
        matcher: the network, in evaluation mode, or another matcher.
        source: ``(1, C, *spatial)``.
        targets: ``(N, C, *spatial)``.
        points: (P, spatial_dims) in the source, px.
        patch_size: side of the patches, px.
        chunk_size: number of patches at once.

    Returns:
        (N, P), px.

    Example:
        >>> from scripts.classical import NCCMatcher
        >>> image = torch.rand(1, 1, 48, 48)
        >>> cyclic_error(NCCMatcher(), image, image.roll(5, 2), torch.tensor([[20.5, 20.5]]), 16).max().item() < 0.1
        True
    """
    each = (targets[i : i + 1] for i in range(len(targets)))
    trips = round_trips(matcher, source, each, points, patch_size, chunk_size=chunk_size)
    return torch.cat(
        [points.new_zeros(0, len(points)), *((trip.returned - points).norm(dim=1)[None] for trip in trips)]
    )
