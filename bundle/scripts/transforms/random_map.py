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

"""Random affine maps, made of numbers in [0, 1) that were drawn before."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

__all__ = ["between", "random_crop", "random_image_map", "random_rotation"]


def between(drawn: np.ndarray, ends: Sequence[float] | np.ndarray) -> np.ndarray:
    """From [0, 1) to the range between two ends.

    Example:
        >>> between(np.array([0.0, 0.5]), (2.0, 4.0)).tolist()
        [2.0, 3.0]
    """
    return ends[0] + (ends[1] - ends[0]) * drawn


def random_rotation(drawn: np.ndarray, degrees: float) -> np.ndarray:
    """Rotation matrices (..., 2, 2) by up to so many degrees either way, from numbers (...) in [0, 1).

    Example:
        >>> random_rotation(np.array(0.5), 10.0).tolist()
        [[1.0, -0.0], [0.0, 1.0]]
    """
    angle = np.deg2rad(between(drawn, (-degrees, degrees)))
    cos, sin = np.cos(angle), np.sin(angle)
    return np.stack([np.stack([cos, -sin], axis=-1), np.stack([sin, cos], axis=-1)], axis=-2)


def random_crop(
    drawn: np.ndarray, spatial: Sequence[int], scale: Sequence[float], ratio: Sequence[float]
) -> tuple[np.ndarray, np.ndarray]:
    """The part of an image that a random resized crop shows.

    Args:
        drawn: (N, 4), numbers in [0, 1): of the area, of the ratio of the sides, of the place along either axis.
        spatial: spatial shape of the image, px.
        scale: range of the crop's area, as a fraction of the image.
        ratio: range of the ratio of the crop's sides relative to the image's, drawn uniformly in its logarithm.

    Returns:
        The crop's sides as fractions of the image's, at most 1, and its middle relative to the image's, px; (N, 2).

    Example:
        >>> crop, shift = random_crop(np.array([[0.0, 0.5, 0.5, 0.0]]), (32, 32), (0.25, 1.0), (0.5, 2.0))
        >>> crop.tolist(), shift.tolist()
        ([[0.5, 0.5]], [[0.0, -8.0]])
    """
    area, ratios, *place = drawn.T
    area = between(area, scale)
    ratios = np.exp(between(ratios, np.log(ratio)))
    crop = np.minimum(np.stack([np.sqrt(area * ratios), np.sqrt(area / ratios)], axis=-1), 1.0)
    return crop, (np.stack(place, axis=-1) - 0.5) * (1.0 - crop) * np.asarray(spatial)


def random_image_map(
    drawn: np.ndarray,
    spatial: Sequence[int],
    *,
    rotate: float,
    scale: Sequence[float],
    crop_scale: Sequence[float],
    crop_ratio: Sequence[float],
) -> tuple[np.ndarray, np.ndarray]:
    """The map from rotated, scaled and cropped images to their sources, as :func:`scripts.transforms.warp.warp_points`
    takes it.

    Args:
        drawn: (B, 6), numbers in [0, 1): of rotation and scale, and four of :func:`random_crop`.
        spatial: spatial shape of the images, px.
        rotate: largest rotation, degrees.
        scale: range of the magnification.
        crop_scale: range of the area of the random resized crop, as a fraction of the image.
        crop_ratio: range of the ratio of the crop's sides relative to the image's.

    Returns:
        Matrices (B, 2, 2) and shifts (B, 2), px, about the images' middles.

    Example:
        >>> ranges = {"rotate": 0.0, "scale": (2.0, 2.0), "crop_scale": (1.0, 1.0), "crop_ratio": (1.0, 1.0)}
        >>> random_image_map(np.full((1, 6), 0.5), (32, 24), **ranges)[0].tolist()
        [[[0.5, -0.0], [0.0, 0.5]]]
    """
    crop, shift = random_crop(drawn[:, 2:], spatial, crop_scale, crop_ratio)
    zoom = crop / between(drawn[:, 1], scale)[:, None]
    return random_rotation(drawn[:, 0], rotate) * zoom[:, None, :], shift
