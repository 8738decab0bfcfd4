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

from scripts.transforms.coordinates import index_to_grid

__all__ = ["RandShiftScale", "pixel_points", "sample_warped"]


def pixel_points(spatial: Sequence[int], device: torch.device | str = "cpu") -> torch.Tensor:
    """The pixels of a 2D image as points, (1, X, Y, 2), px.

    Example:
        >>> pixel_points((1, 2)).tolist()
        [[[[0.0, 0.0], [0.0, 1.0]]]]
    """
    axes = [torch.arange(size, dtype=torch.float32, device=device) for size in spatial]
    return torch.stack(torch.meshgrid(axes, indexing="ij"), dim=-1).unsqueeze(0)


def sample_warped(
    images: torch.Tensor, points: torch.Tensor, matrix: torch.Tensor, shift: torch.Tensor
) -> torch.Tensor:
    """Intensities at points of warped images, read from the images before the warp by linear interpolation.

    A point ``p`` of the warped image shows what lies at ``middle + shift + matrix @ (p - middle)``; outside is zero.

    Args:
        images: (B, C, X, Y).
        points: (B or 1, H, W, 2), px in the warped images.
        matrix: (B, 2, 2).
        shift: (B, 2), px.

    Returns:
        (B, C, H, W).

    Example:
        >>> image = torch.arange(4.0).reshape(1, 1, 4, 1)
        >>> shifted = sample_warped(image, pixel_points((4, 1)), torch.eye(2)[None], torch.tensor([[1.0, 0.0]]))
        >>> shifted.flatten().tolist()
        [1.0, 2.0, 3.0, 0.0]
    """
    spatial = images.shape[2:]
    middle = (torch.tensor(spatial, dtype=points.dtype, device=points.device) - 1.0) / 2.0
    source = (points - middle) @ matrix[:, None].transpose(-1, -2) + (middle + shift)[:, None, None]
    grid = index_to_grid(source, spatial)
    return F.grid_sample(images, grid, mode="bilinear", padding_mode="zeros", align_corners=False)


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
        zoom = 1.0 / self.R.uniform(*self.scale, size=(batch, 1, 1))
        matrix = torch.from_numpy(zoom * np.eye(2)).to(images)
        return sample_warped(images, pixel_points(spatial, images.device), matrix, torch.from_numpy(shift).to(images))
