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


def image(length: int, spacing: float = 1.0):
    """8 x 4 px, whose axes are the patient's left and back: x is L and y is P, in mm by the spacing."""
    return SimpleNamespace(
        name="clip.nii",
        series=SimpleNamespace(files=[FILE]),
        affines=np.tile(np.diag([-spacing, -spacing, 1.0, 1.0]), (length, 1, 1)),
        length=length,
        fit=SimpleNamespace(original=(8, 4)),
    )


def read(length: int, *points: WorldPoint, spacing: float = 1.0) -> list[Example]:
    return world_examples(points, image(length, spacing), "a.fcsv")


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
