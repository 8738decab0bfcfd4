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
"""Tests of the one tolerance for places, by hand-written numbers."""

from __future__ import annotations

import numpy as np
import pytest

from scripts.io.same_place import SAME_COSINE, first_alike, place_tolerance


@pytest.mark.parametrize(
    ("spacing", "expected"), [((1.5, 1.25), 0.05), ((0.25, 8.0), 0.05), ((0.1, 0.05), 0.01), (None, 0.05)]
)
def test_the_tolerance_is_a_twentieth_of_a_millimetre_or_a_fifth_of_a_pixel(spacing, expected):
    assert place_tolerance(spacing) == pytest.approx(expected)


def test_rows_are_compared_with_the_first_of_their_kind_and_not_with_the_last():
    drift = np.array([[0.004 * i, -30.0, 10.0] for i in range(6)])
    assert set(first_alike(drift, 0.05)) == {0}
    creep = np.array([[0.03 * i] for i in range(5)])
    assert first_alike(creep, 0.05).tolist() == [0, 0, 2, 2, 4]


@pytest.mark.parametrize("step", [0.05, -0.05])
def test_the_tolerance_itself_is_within_it(step):
    for start in (0.0, 10.0, -123.45, 1000.1):
        assert first_alike(np.array([[start], [start + step]]), 0.05).tolist() == [0, 0]
        assert first_alike(np.array([[start], [start + 1.1 * step]]), 0.05).tolist() == [0, 1]


def test_what_is_not_told_is_like_what_is_not_told_only():
    rows = np.array([[np.nan] * 3, [0.0] * 3, [np.nan] * 3, [0.0, 0.0, np.nan]])
    assert first_alike(rows, 0.05).tolist() == [0, 1, 0, 3]


def test_each_row_may_have_a_tolerance():
    assert first_alike(np.array([[0.0], [5.0], [0.3], [5.3]]), np.array([0.5, 0.1, 9.0, 9.0])).tolist() == [0, 1, 0, 3]


def test_cosines_of_a_degree_are_not_the_same():
    angles = np.radians([0, 1, 2, 0.01])
    along = np.stack([np.cos(angles), np.sin(angles), 0 * angles], axis=1)
    assert first_alike(along, SAME_COSINE).tolist() == [0, 1, 2, 0]


def test_many_places_take_no_time():
    places = np.stack([np.arange(3000) * 0.5, np.zeros(3000), np.zeros(3000)], axis=1)
    assert first_alike(places, 0.05).tolist() == list(range(3000))
