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
import pydicom
import pytest

from scripts.data.image_series import ImageSeries, find_image_series
from scripts.data.patient_key import keys_by_dicom, keys_by_folder, keys_by_pattern, patient_in_path
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
    assert len(found.notes) == 1
    assert found.notes[0].startswith("WARNING: 2 images in no sub-folder: each is a patient of its own, and the split")


@pytest.mark.parametrize("wrapper", ["export/", "test/", "export/2026/"])
def test_folders_that_all_images_share_are_no_patients(wrapper):
    found = keys_by_folder(named(*(f"{wrapper}{name}" for name in ("a/1.png", "a/deep/2.png", "b/1.png", "c/1.png"))))
    assert [len(files) for files in groups(found.keys)] == [2, 1, 1]
    assert found.rule == "the first sub-folder is the patient"


@pytest.mark.parametrize("wrapper", ["", "all/"])
def test_without_sub_folders_each_image_is_a_patient_with_a_warning(wrapper):
    found = keys_by_folder(named(f"{wrapper}1.png", f"{wrapper}2.png"))
    assert len(groups(found.keys)) == 2
    assert found.rule == "each image is a patient of its own, as there are no sub-folders"
    assert found.notes == (
        "WARNING: the split leaks if a patient has several images; then give --patient_pattern or --table",
    )


@pytest.mark.parametrize(
    ("folders", "message"),
    [
        (("images", "masks"), r"fewer than three sub-folders \('images', 'masks'\)"),
        (("x/images", "x/masks"), r"fewer than three sub-folders \('images', 'masks'\)"),
        (("images", "."), r"fewer than three sub-folders \('images'\)"),
        (("train", "val", "test"), r"sub-folders of which 'test' is named like a part \('test', 'train', 'val'\)"),
        (
            ("x/Training", "x/p1", "x/p2"),
            r"sub-folders of which 'Training' is named like a part \('Training', 'p1', 'p2'\)",
        ),
    ],
)
def test_sub_folders_that_are_no_patients_are_refused(folders, message):
    names = [f"{folder}/p3_{i}.png".removeprefix("./") for folder in folders for i in range(4)]
    with pytest.raises(InputError, match=rf"{message}, which are no patients; .*--patient_pattern, .* --table"):
        keys_by_folder(named(*names))


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
    write_dicom(tmp_path / "SCD01" / "a.dcm", PIXELS, PatientID="", StudyInstanceUID="1.1")
    write_dicom(tmp_path / "SCD01" / "b.dcm", PIXELS, StudyInstanceUID="1.2")
    found = keys_by_dicom(find_image_series(tmp_path), r"(?:^|/)(SCD\d+)")
    assert len(groups(found.keys)) == 1
    assert found.notes == ("2 images without PatientID: the folder's name taken instead",)


def test_the_patient_of_the_folder_stands_in_before_the_folder_s_name(tmp_path, write_dicom):
    write_dicom(tmp_path / "SCD01" / "x" / "a.dcm", PIXELS, PatientID="anonymous 7")
    write_dicom(tmp_path / "SCD01" / "y" / "b.dcm", PIXELS, StudyInstanceUID="1.2")
    for name, patient in [("c", "P2"), ("d", "P3"), ("e", "")]:  # two patients: neither is taken
        write_dicom(tmp_path / "SCD02" / f"{name}.dcm", PIXELS, PatientID=patient)
    found = keys_by_dicom(find_image_series(tmp_path), r"(?:^|/)(SCD\d+)")
    assert groups(found.keys)[0] == {"SCD01/x/a.dcm", "SCD01/y/b.dcm"}
    assert [len(files) for files in groups(found.keys)] == [2, 1, 1, 1]
    assert found.notes == (
        "1 image without PatientID: another image of the folder taken instead",
        "1 image without PatientID: the folder's name taken instead",
    )


def test_a_study_of_two_patients_is_refused(tmp_path, write_dicom):
    for name, patient in [("a", "secret-1"), ("b", ""), ("c", "secret-2")]:
        write_dicom(tmp_path / f"{name}.dcm", PIXELS, PatientID=patient, StudyInstanceUID="1.2")
    with pytest.raises(InputError, match=r"a\.dcm and c\.dcm are of one study but have different PatientIDs") as caught:
        keys_by_dicom(find_image_series(tmp_path))
    assert "secret" not in str(caught.value)


def test_paths_that_tell_no_patient_are_refused():
    with pytest.raises(InputError, match=r"none of 1 image .* \(the number\), such as 'a\.png'; check the layout"):
        keys_by_pattern(named("a.png"), (r"p(\d+)",), "the number")


def test_each_path_must_tell_the_patient_where_that_is_asked():
    images = named("p1.png", *(f"{letter}.png" for letter in "abcd"))
    assert list(keys_by_pattern(images, (r"p\d+",), "the number").keys.values()) == ["p1"]
    with pytest.raises(InputError, match=r"4 of 5 images tell no patient .*, such as 'a\.png', 'b\.png', 'c\.png'; "):
        keys_by_pattern(images, (r"p\d+",), "the number", match_all=True)


@pytest.mark.parametrize(
    ("pattern", "patient"), [(r"p\d+", "p7"), (r"p(\d+)_(\d)", "7"), (r"q|(x)", ""), (r"(z*)", ""), ("no", "")]
)
def test_the_first_group_or_the_whole_match_is_the_patient(pattern, patient):
    assert patient_in_path(["never", pattern], "val/p7_2_q.png") == patient


@pytest.mark.parametrize("uid", ["REMOVED", "0", "", "1.2.840.9"])
def test_a_study_uid_that_all_patients_share_neither_refuses_nor_joins_them(tmp_path, write_dicom, uid):
    with pydicom.config.disable_value_validation():
        for i in range(6):
            path = tmp_path / f"{i}" / "a.dcm"
            write_dicom(path, PIXELS, PatientID=f"secret-{i}" if i < 4 else "", StudyInstanceUID=uid)
    found = keys_by_dicom(find_image_series(tmp_path))
    assert groups(found.keys) == [{f"{i}/a.dcm"} for i in range(6)]
    assert "secret" not in "".join(found.notes)
    shared = "6 images with a StudyInstanceUID that 3 or more patients share: it counts as none"
    folder = "2 images without PatientID: the folder taken instead"
    assert found.notes == ((shared, folder) if uid.startswith("1.") else (folder,))


@pytest.mark.parametrize("word", ["ANONYMOUS", "anon", "Removed", "0000", "XXX", "N/A"])
def test_a_word_that_stands_for_all_patients_joins_none(tmp_path, write_dicom, word):
    for i in range(4):
        for image in range(2):
            path = tmp_path / f"{i}-{image}.dcm"
            write_dicom(path, PIXELS, PatientID=word, StudyInstanceUID=f"1.2.840.{i}", InstanceNumber=image)
    write_dicom(tmp_path / "named.dcm", PIXELS, PatientID="P7", StudyInstanceUID="1.2.840.0")
    found = keys_by_dicom(find_image_series(tmp_path))
    assert groups(found.keys) == [
        {"0-0.dcm", "0-1.dcm", "named.dcm"},
        *({f"{i}-0.dcm", f"{i}-1.dcm"} for i in (1, 2, 3)),
    ]
    assert found.notes == (
        "2 images without PatientID: another image of the study taken instead",
        "6 images without PatientID: StudyInstanceUID taken instead",
    )
