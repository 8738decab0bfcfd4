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

from collections.abc import Sequence
from typing import Protocol

import torch

from scripts.transforms.coordinates import normalized_to_index
from scripts.transforms.patch import extract_patches

__all__ = ["Matcher", "cyclic_error", "grid_points", "match_points", "matching_bias"]


class Matcher(Protocol):
    """What finds patches in images: the network, or a classical method in its place."""

    def encode_image(self, image: torch.Tensor) -> torch.Tensor:
        """Code of images, (B, ...)."""

    def encode_patch(self, patch: torch.Tensor) -> torch.Tensor:
        """Code of patches, (N, ...)."""

    def match(self, image_code: torch.Tensor, patch_code: torch.Tensor) -> torch.Tensor:
        """Means and log scales of the patches' places, (N, 2 * spatial_dims), normalised."""


def grid_points(shape: tuple[int, ...], step: int) -> torch.Tensor:
    """Every ``step``-th pixel of an image, (N, spatial_dims), px.

    Example:
        >>> grid_points((4, 4), 2).tolist()
        [[0.0, 0.0], [0.0, 2.0], [2.0, 0.0], [2.0, 2.0]]
    """
    axes = [torch.arange(0, size, step, dtype=torch.float32) for size in shape]
    return torch.stack(torch.meshgrid(axes, indexing="ij"), dim=-1).flatten(0, -2)


def match_points(
    matcher: Matcher, image_code: torch.Tensor, patch_code: torch.Tensor, shape: Sequence[int]
) -> torch.Tensor:
    """Positions (N, spatial_dims) of N encoded patches in one encoded image of a spatial shape, px."""
    return normalized_to_index(matcher.match(image_code, patch_code).chunk(2, dim=1)[0], shape)


def matching_bias(
    matcher: Matcher,
    image_code: torch.Tensor,
    patch_code: torch.Tensor,
    points: torch.Tensor,
    shape: Sequence[int],
    patch_size: int,
) -> torch.Tensor:
    """How far off a matcher finds patches in the very image they were cut from.

    There the true position is known, and most of the error repeats in other images: taking it off leaves the rest.
    A patch that is not found in its own image (more than an eighth of its side away) tells no bias: it gets 0.

    Args:
        matcher: the network, in evaluation mode, or another matcher.
        image_code: code of the image that the patches were cut from.
        patch_code: codes of the patches.
        points: (N, spatial_dims), the patches' centres, px.
        shape: spatial shape of the image.
        patch_size: side of the patches, px.

    Returns:
        (N, spatial_dims), px, to be subtracted from positions found with these codes.
    """
    bias = match_points(matcher, image_code, patch_code, shape) - points
    return bias * (bias.norm(dim=1, keepdim=True) <= patch_size / 8)


def cyclic_error(
    matcher: Matcher, source: torch.Tensor, targets: torch.Tensor, points: torch.Tensor, patch_size: int
) -> torch.Tensor:
    """Match points of a source image in each target and back again (Frueh et al. 2022, eq. 4 and Fig. 2).

    The source's patches are encoded once for all targets, each image once for all patches. The error is the Euclidean
    distance between a point and where its way out and back ends.

    Args:
        matcher: the network, in evaluation mode, or another matcher.
        source: (1, C, *spatial).
        targets: (N, C, *spatial).
        points: (P, spatial_dims) in the source, px.
        patch_size: side of the patches, px.

    Returns:
        (N, P), px.

    Example:
        >>> from scripts.baselines import NCCMatcher
        >>> image = torch.rand(1, 1, 48, 48)
        >>> cyclic_error(NCCMatcher(), image, image.roll(5, 2), torch.tensor([[20.5, 20.5]]), 16).max().item() < 0.1
        True
    """
    shape = source.shape[2:]
    with torch.no_grad():
        source_code = matcher.encode_image(source)
        patch_code = matcher.encode_patch(extract_patches(source, points, patch_size))
        errors = []
        for target in targets.split(1):
            forward = match_points(matcher, matcher.encode_image(target), patch_code, shape)
            found = matcher.encode_patch(extract_patches(target, forward, patch_size))
            errors.append((match_points(matcher, source_code, found, shape) - points).norm(dim=1))
        return torch.stack(errors)
