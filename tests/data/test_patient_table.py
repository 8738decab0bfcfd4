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
"""Tests of tables that name the patient of each image, with real small files."""

from __future__ import annotations

import shutil
import sys
import unicodedata
from collections import Counter
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from pydicom.uid import generate_uid

from scripts.data.image_series import ImageSeries, find_image_series
from scripts.data.patient_key import PatientKeys
from scripts.data.patient_table import keys_by_table
from scripts.io.input_error import InputError

PIXELS = np.zeros((4, 4), dtype=np.uint8)


@pytest.fixture
def folder(tmp_path) -> Path:
    for name in ("a.png", "b.png", "deep/c.png", "deep/a.png"):
        path = tmp_path / "images" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        Image.fromarray(PIXELS).save(path)
    return tmp_path / "images"


COLUMNS = {"image_column": "file", "patient": "who", "rule": "as told"}


def told(folder: Path, text: str, encoding: str = "utf-8", **options) -> PatientKeys:
    path = folder.parent / "table.csv"
    path.write_text(text, encoding=encoding)
    return keys_by_table(find_image_series(folder), folder, path, **COLUMNS, **options)


def by_name(found: PatientKeys) -> dict[str, str]:
    return {one.name: key for one, key in found.keys.items()}


def test_images_are_found_by_path_and_by_the_end_of_the_path(folder):
    found = told(folder, "n,file,who\n1, a.png ,P1\n2,c.png,P2\n3,./deep/a.png,P3\n,,\n")
    assert by_name(found) == {"a.png": "P1", "deep/c.png": "P2", "deep/a.png": "P3"}
    assert found.notes == ("1 image left out, as no row that is used names them",)


def test_a_table_as_windows_writes_it(folder):
    assert by_name(told(folder, "file,who\r\ndeep\\c.png,P2\r\n", "utf-8-sig")) == {"deep/c.png": "P2"}


def test_rows_are_kept_by_the_value_of_a_column(folder):
    text = "file,who,view\na.png,P1,front\nnowhere.png,P2,side\n"
    found = told(folder, text, keep=("view", "front"))
    assert by_name(found) == {"a.png": "P1"}
    assert found.notes[0] == "rows left out, which do not have 'front' in column 'view': 1"
    with pytest.raises(InputError, match="no row with 'back' in column 'view'"):
        told(folder, text, keep=("view", "back"))


def test_any_file_names_a_dicom_series(tmp_path, write_dicom):
    uid, folder = generate_uid(), tmp_path / "images"
    for number in (1, 2):
        write_dicom(folder / f"{number}.dcm", PIXELS, SeriesInstanceUID=uid, InstanceNumber=number)
    assert by_name(told(folder, "file,who\n2.dcm,P1\n")) == {"1.dcm": "P1"}
    with pytest.raises(InputError, match=r"line 3: '1\.dcm' has another patient in an earlier row"):
        told(folder, "file,who\n2.dcm,P1\n1.dcm,P2\n")


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", r"lacks the columns 'file', 'who'; its columns are none"),
        ("file|who\na.png|1\n", r"lacks the columns 'file', 'who'; its columns are 'file|who'"),
        ("file,patient\na.png,1\n", r"lacks the column 'who'; its columns are 'file', 'patient'"),
        ("file,who,who\na.png,1,2\n", r"has the column 'who' more than once"),
        ("file,who\n", r"has no row; add some"),
        ("file,who\na.png\n", r"line 2: the row names no patient"),
        ("file,who\na.png,1\n,2\n", r"line 3: the row names no image"),
        ("file,who\na.png,1\na.png,2\n", r"line 3: 'a.png' has another patient in an earlier row"),
        ('file,who\n"a.png,1\n', r"line 2: unexpected end of data\. Check the quotes"),
        (
            "file,who\na.png,1\nx1,2\nx2,2\nx3,2\nx4,2\n",
            r"4 of 5 rows have no file .* \(line 3: 'x1', line 4: 'x2', line 5: 'x3' and 1 more\)",
        ),
    ],
)
def test_a_faulty_table_is_refused(folder, text, message):
    with pytest.raises(InputError, match=rf"table\.csv.*{message}"):
        told(folder, text)


def test_an_end_of_several_paths_is_refused(folder):
    (folder / "other").mkdir()
    (folder / "deep" / "c.png").rename(folder / "other" / "a.png")
    (folder / "a.png").unlink()
    with pytest.raises(InputError, match=r"line 2: 'a.png' may be deep/a.png, other/a.png; write the path"):
        told(folder, "file,who\na.png,1\n")


def test_other_text_encodings_are_refused(folder):
    with pytest.raises(InputError, match="not UTF-8. Save the file as UTF-8 CSV"):
        told(folder, "file,who\nä.png,1\n", "latin-1")


def test_a_missing_table_is_refused(tmp_path):
    with pytest.raises(InputError, match=r"none\.csv: there is no such file"):
        keys_by_table([], tmp_path, tmp_path / "none.csv", **COLUMNS)


def test_absolute_paths_below_the_folder_are_found(folder, tmp_path, monkeypatch):
    (tmp_path / "link").symlink_to(folder)
    text = f"file,who\n{folder}/a.png,P1\n{tmp_path / 'link'}/deep/a.png,P2\n"
    expected = {"a.png": "P1", "deep/a.png": "P2"}
    assert by_name(told(tmp_path / "link", text)) == expected
    monkeypatch.chdir(tmp_path)
    assert by_name(told(Path("images"), text.replace("link", "images"))) == expected


def test_absolute_paths_elsewhere_are_refused(folder):
    with pytest.raises(
        InputError, match=r"1 of 1 rows .* '/elsewhere/a\.png'\).*--dataset_dir, .* must be relative to"
    ):
        told(folder, "file,who\n/elsewhere/a.png,P1\n")


def calls_to_match(tmp_path: Path, count: int) -> int:
    """How many functions are called to find the patients of images whose files all have the same name."""
    names = [f"train/patient{i:05d}/study1/view1_frontal.jpg" for i in range(count)]
    table = tmp_path / "table.csv"
    table.write_text("file,who\n" + "".join(f"{name.removeprefix('train/')},{i}\n" for i, name in enumerate(names)))
    series = [ImageSeries(name, (Path(name),), "raster") for name in names]
    calls: Counter[str] = Counter()
    before = sys.getprofile()
    sys.setprofile(lambda frame, event, argument: calls.update([event]))
    try:
        found = keys_by_table(series, tmp_path, table, **COLUMNS)
    finally:
        sys.setprofile(before)
    assert by_name(found) == {name: str(i) for i, name in enumerate(names)}
    return calls["call"] + calls["c_call"]


def test_equal_file_names_cost_no_more_than_others(tmp_path):
    assert calls_to_match(tmp_path, 2000) < 2.2 * calls_to_match(tmp_path, 1000)


def test_a_table_as_european_spreadsheets_save_it(folder):
    assert by_name(told(folder, "file;who\na.png;P1, senior\n", "utf-16")) == {"a.png": "P1, senior"}


@pytest.mark.parametrize(("there", "written"), [("NFD", "NFC"), ("NFC", "NFD")])
def test_images_and_patients_in_another_unicode_form_are_the_same(folder, there, written):
    names = [unicodedata.normalize(there, name) for name in ("ä.png", "ö.png")]
    for name in names:
        shutil.copy(folder / "a.png", folder / name)
    text = f"file,who\n{unicodedata.normalize(written, 'ä.png')},{unicodedata.normalize('NFC', 'Müller')}\n"
    text += f"{unicodedata.normalize(written, 'ö.png')},{unicodedata.normalize('NFD', 'Müller')}\n"
    found = by_name(told(folder, text))
    assert list(found) == names and len(set(found.values())) == 1


def test_an_image_that_is_not_there_is_told_with_the_nearest(folder):
    with pytest.raises(InputError, match=r"no file .*; the nearest names are 'deep/c\.png'"):
        told(folder, "file,who\ndeep/cc.png,1\n")
