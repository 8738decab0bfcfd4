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
"""Tests of batched warps against scipy and of the random shift and scale by ramps."""

from __future__ import annotations

import numpy as np
import torch
from scipy.ndimage import map_coordinates
from scipy.stats import kstest

from scripts.transforms.warp import RandShiftScale, pixel_points, sample_warped

SHAPE = (40, 30)


def test_pixel_points_are_the_indices():
    points = pixel_points((4, 3))
    assert points.shape == (1, 4, 3, 2)
    assert all(points[0, i, j].tolist() == [i, j] for i in range(4) for j in range(3))


def test_each_image_is_read_through_its_own_map():
    generator = torch.Generator().manual_seed(0)
    images = torch.rand(3, 2, *SHAPE, generator=generator)
    matrix = torch.eye(2) + 0.3 * torch.randn(3, 2, 2, generator=generator)
    shift = 4 * torch.randn(3, 2, generator=generator)
    warped = sample_warped(images, pixel_points(SHAPE), matrix, shift)
    middle = (np.array(SHAPE) - 1) / 2
    pixels = np.stack(np.meshgrid(*[np.arange(size) for size in SHAPE], indexing="ij"), axis=-1)
    for i in range(3):
        at = (pixels - middle) @ matrix[i].numpy().T + middle + shift[i].numpy()
        for channel in range(2):
            source = images[i, channel].numpy()
            expected = map_coordinates(source, np.moveaxis(at, -1, 0), order=1, mode="grid-constant")
            np.testing.assert_allclose(warped[i, channel], expected, atol=2e-4)


def test_shift_and_scale_are_uniform_in_their_ranges():
    x, y = torch.meshgrid(*[torch.arange(float(size)) for size in SHAPE], indexing="ij")
    ramps = torch.stack([x, y]).expand(400, -1, -1, -1)
    warped = RandShiftScale(shift=0.1, scale=(0.8, 1.25), seed=0)(ramps)[:, :, 10:30, 8:22].double().numpy()
    slope = (warped[:, 0, -1, 0] - warped[:, 0, 0, 0]) / 19
    across = (warped[:, 1, 0, -1] - warped[:, 1, 0, 0]) / 13
    np.testing.assert_allclose(slope, across, atol=1e-4)
    assert kstest(1 / slope, "uniform", args=(0.8, 0.45)).pvalue > 1e-3
    for axis, size in enumerate(SHAPE):
        # the middle of the cut is the middle of the image
        shift = (warped[:, axis].mean(axis=(1, 2)) - (size - 1) / 2) / size
        assert kstest(shift, "uniform", args=(-0.1, 0.2)).pvalue > 1e-3
    # nothing is turned
    np.testing.assert_allclose(warped[:, 0, :, 0], warped[:, 0, :, -1], atol=1e-4)


def test_same_seed_same_warp():
    images = torch.rand(2, 1, *SHAPE)
    first, again = RandShiftScale(seed=1), RandShiftScale(seed=1)
    assert torch.equal(first(images), again(images))
    assert not torch.equal(first(images), RandShiftScale(seed=1)(images))
