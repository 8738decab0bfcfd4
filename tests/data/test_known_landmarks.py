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

import unicodedata
from pathlib import Path

import numpy as np
import pytest
from pydicom.uid import generate_uid

from scripts.data.frame_dataset import FrameDataset
from scripts.data.image_series import find_image_series
from scripts.data.known_landmarks import read_known_landmarks
from scripts.io.input_error import InputError
from scripts.io.landmarks_csv import Landmark
from scripts.io.slicer_markups import write_slicer_markups


@pytest.fixture
def dataset(tmp_path, write_clip) -> FrameDataset:
    for name in ("a/clip.nii", "b/clip.nii"):
        write_clip(tmp_path / "data" / name, [(0, 0)] * 2, shape=(20, 12))
    return FrameDataset(find_image_series(tmp_path / "data"), (20, 12))


def write_markups(path: Path, dataset: FrameDataset, x: float) -> Path:
    """A landmark of the second frame."""
    landmark = Landmark("any", 1, "valve", x, 4.0, 1.0, 1.0, 1)
    write_slicer_markups(path, [landmark], dataset.series[0].affines)
    return path


def rows(path: Path, dataset: FrameDataset) -> list[tuple]:
    return [(row.image, row.frame, row.label, row.x, row.y) for row in read_known_landmarks(path, dataset.series)]


def test_images_of_a_table_are_named_as_they_are(tmp_path, dataset):
    (tmp_path / "t.csv").write_text("image,frame,label,x,y\na/clip.nii,1,valve,3,4\nother.nii,,apex,5,6\n")
    assert rows(tmp_path / "t.csv", dataset) == [("a/clip.nii", 1, "valve", 3, 4), ("other.nii", None, "apex", 5, 6)]


def test_a_folder_of_markups_is_of_many_images_and_those_of_others_are_passed_over(tmp_path, dataset):
    folder = tmp_path / "markups"
    for name, x in (("a/clip.nii", 3.0), ("b/clip.nii", 5.0), ("c/other.nii", 7.0), (".hidden/clip.nii", 9.0)):
        write_markups(folder / f"{name}.mrk.json", dataset, x)
    (folder / "notes.txt").write_text("no points")
    expected = [("a/clip.nii", 1, "valve", 3.0, 4.0), ("b/clip.nii", 1, "valve", 5.0, 4.0)]
    assert rows(folder, dataset) == expected
    assert rows(folder / "b" / "clip.nii.mrk.json", dataset) == expected[1:]
    assert rows(folder / "c" / "other.nii.mrk.json", dataset) == []
    assert rows(folder / "c", dataset) == []


def test_an_image_of_another_part_that_is_called_alike_is_another(tmp_path, dataset):
    """As where a data list divides patients whose files all have one name."""
    folder = tmp_path / "markups"
    for name, x in (("a/clip.nii", 3.0), ("b/clip.nii", 5.0)):
        write_markups(folder / f"{name}.mrk.json", dataset, x)
    only_b = FrameDataset([dataset.series[1].series], (20, 12))
    assert rows(folder, only_b) == [("b/clip.nii", 1, "valve", 5.0, 4.0)]
    assert rows(folder / "a" / "clip.nii.mrk.json", only_b) == []


def test_what_is_wrong_with_a_file_is_told_all_the_same(tmp_path, dataset):
    path = write_markups(tmp_path / "a" / "clip.nii.mrk.json", dataset, 99.0)
    with pytest.raises(InputError, match=r"clip\.nii\.mrk\.json, point 1: 'valve \[1\]' lies 79\.5 mm outside of a/"):
        read_known_landmarks(path, dataset.series)


def test_any_file_names_a_dicom_series_and_without_a_frame_its_own(tmp_path, write_dicom):
    pixels, uid = np.arange(240, dtype=np.uint8).reshape(12, 20), generate_uid()
    for number in (1, 2, 3):
        write_dicom(tmp_path / f"data/p/{number}.dcm", pixels, SeriesInstanceUID=uid, InstanceNumber=number)
    dataset = FrameDataset(find_image_series(tmp_path / "data"), (20, 12))
    text = "image,frame,label,x,y\np/1.dcm,,a,3,4\np/3.dcm,,a,3,4\np/3.dcm,1,b,3,4\np/1.dcm,2,c,3,4\n"
    (tmp_path / "t.csv").write_text(text)
    found = [(image, frame, label) for image, frame, label, *_ in rows(tmp_path / "t.csv", dataset)]
    assert found == [("p/1.dcm", None, "a"), ("p/1.dcm", 2, "a"), ("p/1.dcm", 1, "b"), ("p/1.dcm", 2, "c")]


@pytest.mark.parametrize(("there", "written"), [("NFD", "NFC"), ("NFC", "NFD")])
def test_images_and_labels_in_another_unicode_form_are_the_same(tmp_path, write_clip, there, written):
    name = unicodedata.normalize(there, "Müller/clip.nii")
    write_clip(tmp_path / "data" / name, [(0, 0)] * 2, shape=(20, 12))
    dataset = FrameDataset(find_image_series(tmp_path / "data"), (20, 12))
    text = unicodedata.normalize(written, "image,frame,label,x,y\nMüller/clip.nii,1,Höhe,3,4\n")
    (tmp_path / "t.csv").write_text(text, encoding="utf-8")
    label = unicodedata.normalize("NFC", "Höhe")
    assert rows(tmp_path / "t.csv", dataset) == [(name, 1, label, 3.0, 4.0)]
    markups = tmp_path / "markups" / unicodedata.normalize(written, "Müller/clip.nii.mrk.json")
    landmark = Landmark("any", 1, unicodedata.normalize(written, "Höhe"), 3.0, 4.0, 1.0, 1.0, 1)
    write_slicer_markups(markups, [landmark], dataset.series[0].affines)
    assert rows(tmp_path / "markups", dataset) == rows(markups, dataset) == [(name, 1, label, 3.0, 4.0)]
