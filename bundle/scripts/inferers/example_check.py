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

"""Whether examples are found again in the very image that they lie on."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import torch

from scripts.metrics.cyclic_error import Matcher, match_in_own_image
from scripts.transforms.image_fit import ImageFit
from scripts.transforms.patch import extract_patches

__all__ = ["ExampleCheck", "check_in_own_image"]

_BLANK = 2.0 / 255.0  # two grey levels: a patch of no more range shows nothing


@dataclass(frozen=True)
class ExampleCheck:
    """What became of N examples in their own image.

    Attributes:
        biases: (N, spatial_dims), by how much they are missed, px of the network's image; 0 for those with a reason.
        distances: (N,), the same as a length, px of the original image; NaN where they are not found at all.
        reasons: (N,), what is wrong with each, as the end of a sentence; an empty text for nothing.
    """

    biases: torch.Tensor
    distances: list[float]
    reasons: list[str]


@torch.no_grad()
def check_in_own_image(
    matcher: Matcher,
    image: torch.Tensor,
    image_code: torch.Tensor,
    patch_code: torch.Tensor,
    points: torch.Tensor,
    patch_size: int,
    *,
    sigma_per_scale: float = 1.0,
    fit: ImageFit | None = None,
) -> ExampleCheck:
    """Look for examples in their own image, see :class:`scripts.metrics.OwnMatch`; a blank patch can be anywhere.

    Args:
        matcher: the network, in evaluation mode, or another matcher.
        image: ``(1, C, *spatial)``.
        image_code: its code.
        patch_code: codes of the examples' patches.
        points: (N, spatial_dims), where they are, px of the image.
        patch_size: side of the patches, px.
        sigma_per_scale: standard deviation at scale 1.
        fit: how the original image became this one; None tells distances in px of this one.

    Example:
        >>> from scripts.classical import NCCMatcher
        >>> from scripts.metrics import encode_patches
        >>> image, matcher, points = torch.rand(1, 1, 64, 64), NCCMatcher(), torch.tensor([[20.0, 30.0], [50.0, 50.0]])
        >>> image[..., 40:, 40:] = 0.5
        >>> codes = matcher.encode_image(image), encode_patches(matcher, image, points, 16)
        >>> check_in_own_image(matcher, image, *codes, points, 16).reasons
        ['', 'lies on a blank part of its image']
    """
    how: dict[str, Any] = {"sigma_per_scale": sigma_per_scale}
    own = match_in_own_image(matcher, image_code, patch_code, points, image.shape[2:], patch_size, **how)
    blank = _ranges(image, points, patch_size) <= _BLANK
    biases = own.biases.where(~blank.unsqueeze(1), 0.0)
    distances = (fit.length_to_original(own.offsets) if fit else own.offsets).norm(dim=1).tolist()
    each = zip(own.found.tolist(), blank.tolist(), distances, strict=True)
    return ExampleCheck(biases, distances, [_reason(*one) for one in each])


def _reason(found: bool, blank: bool, distance: float) -> str:
    if blank:
        return "lies on a blank part of its image"
    if found:
        return ""
    if not math.isfinite(distance):
        return "is not found in its own image"
    return f"is found {distance:.1f} px away in its own image"


def _ranges(image: torch.Tensor, points: torch.Tensor, patch_size: int) -> torch.Tensor:
    """Range of the grey values around points (N,), of what lies in the image."""
    patches, inside = (extract_patches(one, points, patch_size) for one in (image, torch.ones_like(image)))
    there = inside > 0.5
    low = patches.where(there, torch.inf).flatten(1).amin(dim=1)
    return patches.where(there, -torch.inf).flatten(1).amax(dim=1) - low
