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

from scripts.transforms.warp import RandShiftScale, lattice, on_image, sample_lattice, unwarp_points, warp_points

SHAPE = (40, 30)


def rand_map(count: int) -> tuple[torch.Tensor, torch.Tensor]:
    generator = torch.Generator().manual_seed(0)
    matrix = torch.eye(2) + 0.3 * torch.randn(count, 2, 2, generator=generator)
    return matrix, 4 * torch.randn(count, 2, generator=generator)


def test_a_lattice_goes_by_its_own_steps():
    matrix, origin = rand_map(3)
    points = lattice(origin, matrix, (4, 5))
    assert points.shape == (3, 4, 5, 2)
    for n in range(3):
        for i, j in ((0, 0), (3, 0), (0, 4), (2, 3)):
            expected = origin[n] + i * matrix[n, :, 0] + j * matrix[n, :, 1]
            torch.testing.assert_close(points[n, i, j], expected)


def test_points_are_warped_about_the_middle():
    matrix, shift = rand_map(3)
    middle = torch.tensor([19.5, 14.5])
    torch.testing.assert_close(warp_points(middle.expand(3, 2), matrix, shift, SHAPE), middle + shift)
    points = middle + torch.tensor([[1.0, 0.0], [0.0, 1.0], [2.0, -1.0]])
    moved = warp_points(points, matrix, shift, SHAPE) - middle - shift
    expected = torch.stack([matrix[0, :, 0], matrix[1, :, 1], 2 * matrix[2, :, 0] - matrix[2, :, 1]])
    torch.testing.assert_close(moved, expected, atol=1e-5, rtol=1e-5)


def test_each_image_is_read_at_its_own_lattices():
    images = torch.rand(3, 2, *SHAPE, generator=torch.Generator().manual_seed(1))
    steps, origin = rand_map(6)
    origin = origin + 10
    sampled = sample_lattice(images, origin, steps, (20, 15))
    assert sampled.shape == (3, 2, 2, 20, 15)
    i, j = np.meshgrid(np.arange(20), np.arange(15), indexing="ij")
    for n in range(6):
        x, y = (origin[n, axis].item() + i * steps[n, axis, 0].item() + j * steps[n, axis, 1].item() for axis in (0, 1))
        for channel in range(2):
            source = images[n // 2, channel].numpy()
            expected = map_coordinates(source, [x, y], order=1, mode="grid-constant")
            np.testing.assert_allclose(sampled[n // 2, channel, n % 2], expected, atol=2e-4)


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


def test_unwarped_points_are_warped_back():
    matrix, shift = rand_map(3)
    points = torch.rand(3, 5, 2, generator=torch.Generator().manual_seed(2)) * 30
    points[1, 2] = torch.nan
    moved = unwarp_points(points, matrix, shift, SHAPE)
    assert moved.isnan().equal(points.isnan())
    back = torch.stack([warp_points(moved[:, k], matrix, shift, SHAPE) for k in range(5)], dim=1)
    torch.testing.assert_close(back, points, atol=1e-4, rtol=0, equal_nan=True)


def test_an_image_ends_at_the_outer_edges_of_its_pixels():
    x = torch.tensor([-0.51, -0.49, 39.49, 39.51, torch.nan])
    y = torch.tensor([-0.51, -0.49, 29.49, 29.51, torch.nan])
    inside = [False, True, True, False, False]
    assert on_image(torch.stack([x, torch.full((5,), 3.0)], dim=-1), SHAPE).tolist() == inside
    assert on_image(torch.stack([torch.full((5,), 3.0), y], dim=-1), SHAPE).tolist() == inside
