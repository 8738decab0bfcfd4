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

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest

from scripts.data.world_examples import world_examples
from scripts.io.examples_csv import Example
from scripts.io.input_error import InputError
from scripts.io.world_point import WorldPoint

FILE = Path("clip.nii").absolute()


def image(length: int, spacing: float = 1.0, step: float = 0.0):
    """8 x 4 px, whose axes are the patient's left and back: x is L and y is P, in mm by the spacing.

    Each frame lies by the step farther to the head than the last one.
    """
    affines = np.tile(np.diag([-spacing, -spacing, step or 1.0, 1.0]), (length, 1, 1))
    affines[:, 2, 3] = step * np.arange(length)
    return SimpleNamespace(
        name="clip.nii",
        series=SimpleNamespace(files=[FILE]),
        affines=affines,
        length=length,
        fit=SimpleNamespace(original=(8, 4)),
    )


def read(length: int, *points: WorldPoint, spacing: float = 1.0, step: float = 0.0) -> list[Example]:
    return world_examples(points, image(length, spacing, step), "a.fcsv")


def test_points_become_pixels_of_the_named_frame():
    points = [WorldPoint("valve [2]", (4.0, 2.0, 0.5)), WorldPoint("apex", (0.0, 7.0, 0.0), "sigma 1, frame 1")]
    assert read(3, *points, spacing=2.0) == [
        Example(str(FILE), 2, "valve", 2.0, 1.0, 1, unit="point"),
        Example(str(FILE), 1, "apex", 0.0, 3.5, 2, unit="point"),
    ]


@pytest.mark.parametrize(
    ("label", "description", "expected"),
    [
        ("valve", "", "valve"),
        ("valve [0]", "", "valve [0]"),
        ("valve [3]", "frame 12", "valve [3]"),
        # of a series, whose frame is a file of its own here
        ("valve [0]", "sigma 1.00 x 1.00 px, 1 example(s), frame 0", "valve"),
    ],
)
def test_the_label_of_a_still_is_as_it_is_unless_it_was_of_a_series(label, description, expected):
    [found] = read(1, WorldPoint(label, (1.0, 1.0, 0.0), description))
    assert (found.label, found.frame) == (expected, None)


def test_a_later_frame_of_a_series_is_not_on_its_first_file():
    with pytest.raises(InputError, match=r"a\.fcsv, point 1: 'valve \[3\]' is of frame 3, but clip\.nii has .*CSV"):
        read(1, WorldPoint("valve [3]", (1.0, 1.0, 0.0), "frame 3"))


@pytest.mark.parametrize("spacing", [0.05, 1.0, 10.0])
def test_rounding_to_a_thousandth_of_a_mm_does_not_push_the_corner_off_the_image(spacing):
    corner = tuple(-0.5 * spacing - 0.0007 for _ in range(2))
    [found] = read(1, WorldPoint("a", (*corner, 0.0)), spacing=spacing)
    assert (found.x, found.y) == (-0.5, -0.5)
    with pytest.raises(InputError, match="mm outside of clip.nii"):
        read(1, WorldPoint("a", (corner[0] - 0.02, 0.0, 0.0)), spacing=spacing)


def test_frames_that_are_shown_as_slices_are_told_by_the_place():
    points = [WorldPoint("valve", (4.0, 2.0, 6.9)), WorldPoint("apex [1]", (3.0, 1.0, 3.0)), WorldPoint("a", (0, 0, 0))]
    found = read(4, *points, step=3.0)
    assert [(one.label, one.frame, one.x, one.y) for one in found] == [
        ("valve", 2, 4.0, 2.0),
        ("apex", 1, 3.0, 1.0),
        ("a", 0, 0.0, 0.0),
    ]


def test_a_named_frame_may_lie_on_the_first_slice_but_on_no_other():
    # a program that shows one frame after the other has all at one place
    [found] = read(4, WorldPoint("valve [3]", (4.0, 2.0, 0.0)), step=3.0)
    assert (found.frame, found.x, found.y) == (3, 4.0, 2.0)
    with pytest.raises(InputError, match=r"point 1: 'valve \[3\]' lies 3\.0 mm off the plane of clip\.nii, frame 3"):
        read(4, WorldPoint("valve [3]", (4.0, 2.0, 6.0)), step=3.0)


def test_a_point_far_from_all_slices_is_refused():
    with pytest.raises(InputError, match=r"'valve' lies 11\.0 mm off the plane of clip\.nii, frame 3"):
        read(4, WorldPoint("valve", (4.0, 2.0, 20.0)), step=3.0)


def test_a_point_of_frames_at_one_place_must_name_its_frame():
    with pytest.raises(InputError, match=r"point 1: 'valve' tells no frame, and clip\.nii has 4"):
        read(4, WorldPoint("valve", (4.0, 2.0, 0.0)))
