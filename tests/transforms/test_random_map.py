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
"""Tests of random maps against their ranges, drawn many times."""

from __future__ import annotations

import numpy as np
import pytest

from scripts.transforms.random_map import between, random_crop, random_image_map, random_rotation

DRAWN = np.random.default_rng(0).random((500, 6))


def test_between_reaches_both_ends():
    assert between(np.array([0.0, 0.25, 1.0]), (2.0, 6.0)).tolist() == [2.0, 3.0, 6.0]


def test_rotations_are_rotations_of_the_range():
    matrices = random_rotation(DRAWN[:, 0], 30.0)
    np.testing.assert_allclose(matrices @ matrices.swapaxes(-1, -2), np.broadcast_to(np.eye(2), (500, 2, 2)), atol=1e-9)
    angles = np.rad2deg(np.arctan2(matrices[:, 1, 0], matrices[:, 0, 0]))
    assert -30 <= angles.min() < -29
    assert 29 < angles.max() <= 30


def test_crops_lie_on_the_image_and_have_the_area_and_ratio_of_the_ranges():
    spatial = np.array([40, 30])
    crop, shift = random_crop(DRAWN[:, 2:], spatial, (0.1, 0.5), (0.5, 2.0))
    sides, middle = crop * spatial, (spatial - 1) / 2 + shift
    assert (middle - sides / 2).min() >= -0.5 - 1e-9
    assert ((middle + sides / 2) <= spatial - 0.5 + 1e-9).all()
    # of a whole side the other one is cut, too: area and ratio are then smaller
    free = (crop < 1).all(axis=1)
    assert free.mean() > 0.8
    area, ratio = crop[free].prod(axis=1), crop[free, 0] / crop[free, 1]
    assert 0.1 <= area.min() < 0.12
    assert 0.45 < area.max() <= 0.5
    assert 0.5 <= ratio.min() < 0.55
    assert 1.9 < ratio.max() <= 2.0
    assert abs(np.log(ratio).mean()) < 0.1


def test_an_image_map_magnifies_by_the_crop_and_the_scale():
    whole = {"rotate": 0.0, "scale": (1.0, 1.0), "crop_scale": (1.0, 1.0), "crop_ratio": (1.0, 1.0)}
    matrix, shift = random_image_map(DRAWN, (40, 30), **whole)
    np.testing.assert_allclose(matrix, np.broadcast_to(np.eye(2), (500, 2, 2)))
    assert not shift.any()
    matrix, shift = random_image_map(DRAWN, (40, 30), **{**whole, "scale": (2.0, 2.0), "crop_scale": (0.25, 0.25)})
    np.testing.assert_allclose(matrix, np.broadcast_to(np.eye(2) / 4, (500, 2, 2)))
    assert np.abs(shift).max(axis=0) == pytest.approx([10.0, 7.5], abs=0.1)
