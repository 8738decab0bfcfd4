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

"""Affine warps of a batch of images about their centres, and a random one that shifts and scales."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import torch
import torch.nn.functional as F
from monai.transforms import Randomizable

from scripts.transforms.coordinates import index_scale_to_normalized, index_to_grid

__all__ = ["RandShiftScale", "lattice", "on_image", "sample_lattice", "unwarp_points", "warp_points"]


def lattice(origin: torch.Tensor, steps: torch.Tensor, shape: Sequence[int]) -> torch.Tensor:
    """Points ``origin + i * steps[..., 0] + j * steps[..., 1]``.

    One addition a point: a warp of every pixel by matrices of two rows would take most of an augmentation's time.

    Args:
        origin: (N, 2), the point of i = j = 0.
        steps: (N, 2, 2); the columns are the steps along the lattice's axes.
        shape: numbers of i and of j, (H, W).

    Returns:
        (N, H, W, 2).

    Example:
        >>> lattice(torch.tensor([[5.0, 7.0]]), torch.eye(2)[None], (1, 2)).tolist()
        [[[[5.0, 7.0], [5.0, 8.0]]]]
    """
    i, j = (torch.arange(size, dtype=origin.dtype, device=origin.device) for size in shape)
    first = origin[:, None, :] + i[:, None] * steps[:, None, :, 0]
    return first[:, :, None, :] + (j[:, None] * steps[:, None, :, 1])[:, None, :, :]


def warp_points(
    points: torch.Tensor, matrix: torch.Tensor, shift: torch.Tensor, spatial: Sequence[int]
) -> torch.Tensor:
    """Where points of warped images come from: ``p`` shows what lies at ``middle + shift + matrix @ (p - middle)``.

    Args:
        points: (N, 2), px in the warped images.
        matrix: (N, 2, 2).
        shift: (N, 2), px.
        spatial: spatial shape of the images, whose middle the warp is about.

    Returns:
        (N, 2), px in the images before the warp.

    Example:
        >>> warp_points(torch.tensor([[3.0, 1.0]]), 2 * torch.eye(2)[None], torch.zeros(1, 2), (5, 3)).tolist()
        [[4.0, 1.0]]
    """
    middle = (torch.tensor(spatial, dtype=points.dtype, device=points.device) - 1.0) / 2.0
    return (matrix @ (points - middle).unsqueeze(-1)).squeeze(-1) + middle + shift


def unwarp_points(
    points: torch.Tensor, matrix: torch.Tensor, shift: torch.Tensor, spatial: Sequence[int]
) -> torch.Tensor:
    """Where points come to lie in warped images: the inverse of :func:`warp_points`, for several points an image.

    Args:
        points: (N, K, 2), px in the images before the warp; NaN stays NaN.
        matrix: (N, 2, 2), not singular.
        shift: (N, 2), px.
        spatial: spatial shape of the images, whose middle the warp is about.

    Returns:
        (N, K, 2), px in the warped images.

    Example:
        >>> unwarp_points(torch.tensor([[[4.0, 1.0]]]), 2 * torch.eye(2)[None], torch.zeros(1, 2), (5, 3)).tolist()
        [[[3.0, 1.0]]]
    """
    middle = (torch.tensor(spatial, dtype=points.dtype, device=points.device) - 1.0) / 2.0
    return (points - middle - shift[:, None]) @ torch.linalg.inv(matrix).mT + middle


def on_image(points: torch.Tensor, spatial: Sequence[int]) -> torch.Tensor:
    """Whether points (..., 2), px, lie on an image of a spatial shape, to the outer edges of its pixels; NaN does not.

    Example:
        >>> on_image(torch.tensor([[-0.4, 2.0], [0.0, 2.6], [torch.nan, 0.0]]), (4, 3)).tolist()
        [True, False, False]
    """
    size = torch.tensor(spatial, dtype=points.dtype, device=points.device)
    x, y = ((points > -0.5) & (points < size - 0.5)).unbind(dim=-1)
    return x & y


def sample_lattice(
    images: torch.Tensor, origin: torch.Tensor, steps: torch.Tensor, shape: Sequence[int]
) -> torch.Tensor:
    """Intensities at the points of a :func:`lattice`, by linear interpolation; outside the image is zero.

    Args:
        images: (B, C, X, Y).
        origin: (B * K, 2), px; the K lattices of one image after the other.
        steps: (B * K, 2, 2), px.
        shape: (H, W).

    Returns:
        (B, C, K, H, W).

    Example:
        >>> image = torch.arange(4.0).reshape(1, 1, 4, 1)
        >>> sample_lattice(image, torch.tensor([[1.0, 0.0]]), torch.eye(2)[None], (4, 1)).flatten().tolist()
        [1.0, 2.0, 3.0, 0.0]
    """
    spatial = images.shape[2:]
    # the conversion to a sampling grid is affine, so that of origin and steps is that of every point
    start = index_to_grid(origin, spatial)
    step = torch.stack([index_scale_to_normalized(one, spatial).flip(-1) for one in steps.unbind(dim=-1)], dim=-1)
    # the lattices of an image are sampled as one tall grid
    grid = lattice(start, step, shape).reshape(len(images), -1, shape[1], 2)
    sampled = F.grid_sample(images, grid, mode="bilinear", padding_mode="zeros", align_corners=False)
    return sampled.unflatten(2, (-1, shape[0]))


class RandShiftScale(Randomizable):
    """Shift and scale images at random, so that nothing is where it was.

    A network that answers with the position a patch came from, whatever the image shows, has no cyclic error on two
    images that lie alike. On a target that was shifted and scaled it has one.

    Args:
        shift: largest shift along each axis, as a fraction of the image.
        scale: range of the magnification.
        seed: seed of the draws; None draws differently in each run.

    Example:
        >>> tuple(RandShiftScale(seed=0)(torch.rand(2, 1, 32, 24)).shape)
        (2, 1, 32, 24)
    """

    def __init__(self, shift: float = 0.1, scale: Sequence[float] = (0.9, 1.1), seed: int | None = None) -> None:
        self.shift = shift
        self.scale = scale
        self.set_random_state(seed)

    def __call__(self, images: torch.Tensor) -> torch.Tensor:
        """Warp (B, C, X, Y), each image by a draw of its own."""
        batch, spatial = len(images), images.shape[2:]
        shift = self.R.uniform(-self.shift, self.shift, size=(batch, 2)) * np.asarray(spatial)
        low, high = self.scale
        zoom = 1.0 / self.R.uniform(low, high, size=(batch, 1, 1))
        matrix = torch.from_numpy(zoom * np.eye(2)).to(images)
        origin = warp_points(torch.zeros(batch, 2).to(images), matrix, torch.from_numpy(shift).to(images), spatial)
        return sample_lattice(images, origin, matrix, spatial).squeeze(2)
