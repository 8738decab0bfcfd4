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
"""Tests of what a DICOM header tells of its frames' places."""

from __future__ import annotations

import numpy as np
import pytest
from pydicom import Dataset
from pydicom.sequence import Sequence

from scripts.io.dicom_position import frame_orientation, frame_position, frame_spacing, is_placed, numbers_of


def of(**values) -> Dataset:
    dataset = Dataset()
    for name, value in values.items():
        setattr(dataset, name, value)
    return dataset


def macro(name: str, **values) -> Dataset:
    return of(**{name: Sequence([of(**values)])})


ALONG = [1, 0, 0, 0, 1, 0]


def test_of_the_header_itself():
    header = of(ImagePositionPatient=[1, 2, 3], ImageOrientationPatient=ALONG, PixelSpacing=[0.5, 0.25])
    assert frame_position(header, 0).tolist() == [1, 2, 3]
    assert frame_position(header, 9).tolist() == [1, 2, 3]
    assert frame_spacing(header, 0) == (0.25, 0.5)  # of columns, along x, first


def test_of_functional_groups_the_frames_own_come_first():
    shared = macro("PlaneOrientationSequence", ImageOrientationPatient=ALONG)
    shared.PixelMeasuresSequence = Sequence([of(PixelSpacing=[0.5, 0.25])])
    own = [macro("PlanePositionSequence", ImagePositionPatient=[0, 0, 3 * i]) for i in range(2)]
    own[1].PixelMeasuresSequence = Sequence([of(PixelSpacing=[2, 1])])
    header = of(SharedFunctionalGroupsSequence=Sequence([shared]), PerFrameFunctionalGroupsSequence=Sequence(own))
    assert frame_position(header, 1).tolist() == [0, 0, 3]
    assert frame_position(header, 2) is None
    assert (frame_spacing(header, 0), frame_spacing(header, 1)) == ((0.25, 0.5), (1, 2))


def test_a_header_that_tells_nothing():
    assert frame_position(Dataset(), 0) is None
    assert frame_position(of(ImagePositionPatient=[1, 2]), 0) is None
    assert frame_orientation(of(ImageOrientationPatient=[1, 0, 0, 1, 0, 0]), 0) is None
    assert frame_spacing(of(ImagerPixelSpacing=[0.5, 0.25]), 0) is None
    assert frame_spacing(of(PixelSpacing=0.5), 0) is None  # scanners write one number, or 0
    assert frame_spacing(of(PixelSpacing=[0, 0]), 0) is None


def test_a_spacing_that_repeats_the_detectors_is_not_that_in_the_patient():
    header = of(PixelSpacing=[0.5, 0.25], ImagerPixelSpacing=[0.5, 0.25])
    assert frame_spacing(header, 0) is None
    header.PixelSpacingCalibrationType = "GEOMETRY"
    assert frame_spacing(header, 0) == (0.25, 0.5)
    assert frame_spacing(of(PixelSpacing=[0.4, 0.2], ImagerPixelSpacing=[0.5, 0.25]), 0) == (0.2, 0.4)


def test_an_affine_is_the_headers_if_it_has_its_position_and_spacing():
    header = of(ImagePositionPatient=[1, 2, 3], ImageOrientationPatient=ALONG, PixelSpacing=[0.5, 0.25])
    own = np.array([[-0.25, 0, 0, -1], [0, -0.5, 0, -2], [0, 0, 1, 3], [0, 0, 0, 1]])
    assert is_placed(header, 0, own)
    assert not is_placed(header, 0, np.eye(4))
    assert not is_placed(header, 0, own @ np.diag([4.0, 2.0, 1.0, 1.0]))
    del header.PixelSpacing
    assert not is_placed(header, 0, own)


@pytest.mark.parametrize(
    ("value", "count", "expected"),
    [
        ("2.50", None, (2.5,)),
        ([1, "2"], 2, (1.0, 2.0)),
        ([1, 2], 3, ()),
        ("text", None, ()),
        ([1, None], None, ()),
        (float("nan"), None, ()),
        ("", None, ()),
        (0, None, (0.0,)),
    ],
)
def test_numbers_of_an_attribute(value, count, expected):
    assert numbers_of(value, count) == expected
