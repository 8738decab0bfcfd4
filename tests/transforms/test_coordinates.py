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
"""Tests of the coordinate conversions against affine_grid, grid_sample, nibabel and hand-computed values."""

from __future__ import annotations

import nibabel as nib
import numpy as np
import pytest
import torch
import torch.nn.functional as F
from hypothesis import given, settings
from hypothesis import strategies as st

from scripts.transforms.coordinates import (
    index_to_grid,
    index_to_lps,
    index_to_normalized,
    lps_to_index,
    normalized_scale_to_index,
    normalized_to_index,
)

OBLIQUE = np.array([[-0.4, 0.3, 0.5, 100.0], [0.3, 1.8, 2.0, 50.0], [0.1, -1.0, 3.0, -30.0], [0.0, 0.0, 0.0, 1.0]])

shapes = st.lists(st.integers(1, 400), min_size=1, max_size=3)


def test_edges_and_centre_of_an_image():
    points = torch.tensor([[-0.5, -0.5], [3.5, 9.5], [1.5, 4.5], [0.0, 0.0]])
    expected = torch.tensor([[-1.0, -1.0], [1.0, 1.0], [0.0, 0.0], [-0.75, -0.9]])
    torch.testing.assert_close(index_to_normalized(points, (4, 10)), expected)


@settings(max_examples=50, deadline=None)
@given(shape=shapes, seed=st.integers(0, 99))
def test_round_trip(shape, seed):
    generator = torch.Generator().manual_seed(seed)
    points = (torch.rand(7, len(shape), generator=generator) * 1.5 - 0.25) * torch.tensor(shape)
    there = index_to_normalized(points, shape)
    torch.testing.assert_close(normalized_to_index(there, shape), points, atol=1e-4, rtol=0)


@settings(max_examples=50, deadline=None)
@given(shape=shapes, seed=st.integers(0, 99))
def test_a_scale_is_the_difference_of_two_points(shape, seed):
    first, second = torch.rand(2, 5, len(shape), generator=torch.Generator().manual_seed(seed))
    in_pixels = normalized_to_index(first, shape) - normalized_to_index(second, shape)
    torch.testing.assert_close(normalized_scale_to_index(first - second, shape), in_pixels, atol=1e-3, rtol=0)


@pytest.mark.parametrize("shape", [(5, 7), (4, 4), (3, 4, 6)])
def test_grid_of_all_pixels_is_the_identity_of_affine_grid(shape):
    axes = [torch.arange(size, dtype=torch.float32) for size in shape]
    points = torch.stack(torch.meshgrid(axes, indexing="ij"), dim=-1)[None]
    identity = torch.eye(len(shape), len(shape) + 1)[None]
    expected = F.affine_grid(identity, [1, 1, *shape], align_corners=False)
    torch.testing.assert_close(index_to_grid(points, shape), expected)


@pytest.mark.parametrize("point", [(0, 0), (3, 1), (2, 6)])
def test_grid_sample_reads_the_pixel_of_an_index(point):
    image = torch.arange(28.0).reshape(1, 1, 4, 7)
    grid = index_to_grid(torch.tensor([[[point]]], dtype=torch.float32), (4, 7))
    assert F.grid_sample(image, grid, align_corners=False).item() == pytest.approx(image[0, 0][point].item(), abs=1e-4)


def test_agrees_with_nibabel_but_for_the_signs_of_ras():
    points = np.array([[0.0, 0.0], [10.5, -3.0]])
    ras = nib.affines.apply_affine(OBLIQUE, np.column_stack([points, np.zeros(2)]))
    np.testing.assert_allclose(index_to_lps(points, OBLIQUE), ras * [-1, -1, 1])


def test_back_to_the_pixel_it_came_from():
    points = np.random.default_rng(0).uniform(-50, 500, (20, 2))
    index, off = lps_to_index(index_to_lps(points, OBLIQUE), OBLIQUE)
    np.testing.assert_allclose(index, points, atol=1e-9)
    np.testing.assert_allclose(off, 0, atol=1e-9)


def test_off_the_plane_is_at_right_angles_whatever_the_third_axis_is():
    normal = np.cross(OBLIQUE[:3, 0], OBLIQUE[:3, 1]) * [-1, -1, 1]
    place = index_to_lps(np.array([4.0, 7.0]), OBLIQUE) + 2.5 * normal / np.linalg.norm(normal)
    index, off = lps_to_index(place, OBLIQUE)
    np.testing.assert_allclose(index, (4, 7), atol=1e-9)
    assert abs(off) == pytest.approx(2.5)
    flat = OBLIQUE.copy()
    flat[:3, 2] = 0  # as 2D files may have it
    np.testing.assert_allclose(lps_to_index(place, flat)[0], (4, 7), atol=1e-9)


def test_an_affine_without_a_plane_is_refused():
    with pytest.raises(ValueError, match="do not span a plane"):
        lps_to_index(np.zeros(3), np.diag([1.0, 0.0, 1.0, 1.0]))
