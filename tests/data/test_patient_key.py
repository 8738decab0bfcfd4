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
"""Tests of telling patients by folder and by DICOM header; paths alone are tested with the presets."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from scripts.data.image_series import ImageSeries, find_image_series
from scripts.data.patient_key import keys_by_dicom, keys_by_folder, keys_by_pattern
from scripts.io.input_error import InputError

PIXELS = np.zeros((4, 4), dtype=np.uint8)


def named(*names: str) -> list[ImageSeries]:
    return [ImageSeries(name, (Path(name),), "raster") for name in names]


def groups(keys: dict[ImageSeries, str]) -> list[set[str]]:
    """The names of the images of each patient."""
    return [{one.name for one, key in keys.items() if key == patient} for patient in dict.fromkeys(keys.values())]


def test_three_sub_folders_are_three_patients():
    found = keys_by_folder(named("a/1.png", "a/deep/2.png", "b/1.png", "c/1.png"))
    assert groups(found.keys) == [{"a/1.png", "a/deep/2.png"}, {"b/1.png"}, {"c/1.png"}]
    assert found.rule == "the first sub-folder is the patient"
    assert found.notes == ()


def test_loose_images_beside_sub_folders_are_counted_and_never_a_folder_s():
    found = keys_by_folder(named("a/1.png", "b/1.png", "c/1.png", "a", "z.png"))
    assert len(groups(found.keys)) == 5
    assert found.notes == ("2 images in no sub-folder: each is a patient of its own",)


def test_two_sub_folders_are_no_patients():
    found = keys_by_folder(named("images/1.png", "images/2.png", "masks/1.png"))
    assert len(groups(found.keys)) == 3
    assert found.rule.startswith("each image is a patient of its own")


def test_the_patient_id_is_taken_across_folders(tmp_path, write_dicom):
    for name, patient in [("x/1.dcm", "P1"), ("y/1.dcm", "P1 "), ("z/1.dcm", "P2")]:
        write_dicom(tmp_path / name, PIXELS, PatientID=patient)
    found = keys_by_dicom(find_image_series(tmp_path))
    assert groups(found.keys) == [{"x/1.dcm", "y/1.dcm"}, {"z/1.dcm"}]
    assert found.notes == ()


def test_what_stands_in_for_a_blank_patient_id_is_counted(tmp_path, write_dicom):
    write_dicom(tmp_path / "a" / "named.dcm", PIXELS, PatientID="P1", StudyInstanceUID="1.1")
    write_dicom(tmp_path / "b" / "blank.dcm", PIXELS, PatientID="", StudyInstanceUID="1.1")
    write_dicom(tmp_path / "c" / "missing.dcm", PIXELS, StudyInstanceUID="1.2")
    write_dicom(tmp_path / "d" / "missing.dcm", PIXELS, StudyInstanceUID="1.2")
    write_dicom(tmp_path / "e" / "bare1.dcm", PIXELS)
    write_dicom(tmp_path / "e" / "bare2.dcm", PIXELS)
    found = keys_by_dicom(find_image_series(tmp_path))
    assert groups(found.keys) == [
        {"a/named.dcm", "b/blank.dcm"},
        {"c/missing.dcm", "d/missing.dcm"},
        {"e/bare1.dcm", "e/bare2.dcm"},
    ]
    assert found.notes == (
        "1 image without PatientID: another image of the study taken instead",
        "2 images without PatientID: StudyInstanceUID taken instead",
        "2 images without PatientID: the folder taken instead",
    )


def test_a_folder_stands_in_for_a_patient_id(tmp_path, write_dicom):
    write_dicom(tmp_path / "SCD01" / "a.dcm", PIXELS, PatientID="SCD01")
    write_dicom(tmp_path / "SCD01" / "b.dcm", PIXELS, StudyInstanceUID="1.2")
    found = keys_by_dicom(find_image_series(tmp_path), r"(?:^|/)(SCD\d+)")
    assert len(groups(found.keys)) == 1
    assert found.notes == ("1 image without PatientID: the folder's name taken instead",)


def test_paths_that_tell_no_patient_are_refused():
    with pytest.raises(InputError, match=r"none of 1 image, such as 'a\.png', .* \(the number\); check the layout"):
        keys_by_pattern(named("a.png"), (r"p(\d+)",), "the number")
