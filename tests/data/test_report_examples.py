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

import numpy as np
import pytest

from scripts.data.frame_dataset import FrameDataset
from scripts.data.image_series import find_image_series
from scripts.data.report_examples import report_examples
from scripts.io.dicom_sr import ReportPoint
from scripts.io.input_error import InputError

PIXELS = np.zeros((3, 4, 8), np.uint8)


@pytest.fixture
def dataset(tmp_path, write_dicom) -> FrameDataset:
    """A series of two files that are stored against their order, and a clip of 3 frames."""
    for number in (1, 2):
        uids = {"SeriesInstanceUID": "1.2.3", "SOPInstanceUID": f"1.2.3.{number}"}
        write_dicom(tmp_path / f"{3 - number}.dcm", PIXELS[0], InstanceNumber=number, **uids)
    write_dicom(tmp_path / "clip.dcm", PIXELS, SOPInstanceUID="1.2.4")
    return FrameDataset(find_image_series(tmp_path), (8, 8))


def point(uid: str | None, frame: int | None = None) -> ReportPoint:
    return ReportPoint("valve", uid, frame, 1.5, 2.0)


def test_points_are_on_the_frame_of_their_file(dataset, tmp_path):
    found = report_examples([point("1.2.3.2"), point("1.2.4", 2), point("1.2.3.1", 0)], dataset.series, "sr.dcm")
    assert [(Path(one.image).name, one.frame, one.line) for one in found] == [
        ("2.dcm", 1, 1),
        ("clip.dcm", 2, 2),
        ("2.dcm", 0, 3),
    ]
    assert {(one.label, one.x, one.y, one.unit) for one in found} == {("valve", 1.5, 2.0, "point")}


def test_points_on_files_that_are_not_there(dataset):
    points = [point("1.2.9"), point("1.2.3.1")]
    with pytest.raises(InputError, match=r"sr\.dcm, point 1: 'valve' is on the image .* 1\.2\.9, which is not"):
        report_examples(points, dataset.series, "sr.dcm")
    assert [one.line for one in report_examples(points, dataset.series, "sr.dcm", skip_others=True)] == [2]


@pytest.mark.parametrize(
    ("faulty", "message"),
    [
        (point(None), "has a place in the patient only"),
        (point("1.2.4"), "is on clip.dcm and tells no frame, but there are 3"),
        (point("1.2.4", 3), "is of frame 3, but clip.dcm has frames 0 to 2"),
        (point("1.2.3.1", 1), "is of frame 1, but 2.dcm has frames 0 to 0"),
    ],
)
def test_points_on_no_frame(dataset, faulty, message):
    with pytest.raises(InputError, match=f"sr.dcm, point 1: 'valve' {message}"):
        report_examples([faulty], dataset.series, "sr.dcm", skip_others=True)


def test_a_file_that_cannot_be_read_is_passed_over(dataset, tmp_path):
    (tmp_path / "clip.dcm").write_bytes(b"")
    found = report_examples([point("1.2.3.1"), point("1.2.4", 0)], dataset.series[::-1], "sr.dcm", skip_others=True)
    assert [one.line for one in found] == [1]
