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
"""Tests of the way between pixels and the patient."""

from __future__ import annotations

import nibabel as nib
import numpy as np
import pytest

from scripts.transforms.patient_space import index_to_lps, lps_to_index

OBLIQUE = np.array([[-0.4, 0.3, 0.5, 100.0], [0.3, 1.8, 2.0, 50.0], [0.1, -1.0, 3.0, -30.0], [0.0, 0.0, 0.0, 1.0]])


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
