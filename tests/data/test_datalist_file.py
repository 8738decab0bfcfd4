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
"""Tests of data lists as files: written, read back by MONAI and by this package, and refused where at fault."""

from __future__ import annotations

import json
import unicodedata
from pathlib import Path

import numpy as np
import pytest
from monai.data import load_decathlon_datalist
from PIL import Image
from pydicom.uid import generate_uid

from scripts.data.datalist_file import read_datalist, write_datalist
from scripts.data.datalist_maker import make_datalist
from scripts.data.image_series import find_image_series, image_series_of
from scripts.io.input_error import InputError

PIXELS = np.zeros((4, 4), dtype=np.uint8)
PARTS = ("training", "validation", "test")


@pytest.fixture
def folder(tmp_path, write_dicom) -> Path:
    """Three patients: a series of two files in an order that names do not tell, and two multi-frame files."""
    uid, root = generate_uid(), tmp_path / "clips"
    for name, number in [("z.dcm", 1), ("a.dcm", 2)]:
        write_dicom(root / "p1" / name, PIXELS, SeriesInstanceUID=uid, InstanceNumber=number, PatientID="P1")
    for patient in ("p2", "p3"):
        write_dicom(root / patient / "clip", np.stack([PIXELS, PIXELS]), PatientID=patient)
    return root


@pytest.fixture
def datalist(folder) -> Path:
    path = folder.parent / "lists" / "datalist.json"
    write_datalist(path, make_datalist(folder).content)
    return path


@pytest.mark.parametrize("is_segmentation", [True, False])
def test_monai_reads_the_list(folder, datalist, is_segmentation):
    read = [load_decathlon_datalist(datalist, is_segmentation, part, base_dir=folder) for part in PARTS]
    images = [item["image"] for items in read for item in items]
    files = [file for image in images for file in (image if isinstance(image, list) else [image])]
    assert sorted(map(Path, files)) == sorted(path for path in folder.rglob("*") if path.is_file())
    assert sorted(item["patient"] for items in read for item in items) == [1, 2, 3]


def test_what_is_read_is_what_was_found(folder, datalist, monkeypatch):
    series = [one for part in PARTS for one in read_datalist(datalist, folder, part)]
    assert sorted(series, key=lambda one: one.name) == find_image_series(folder)
    assert next(one for one in series if len(one.files) > 1).name == "p1/z.dcm"
    monkeypatch.chdir(folder)
    assert [one.name for part in PARTS for one in read_datalist(datalist, ".", part)] == [one.name for one in series]


def test_a_list_of_monai_s_own_kind_is_read(tmp_path):
    Image.fromarray(PIXELS).save(tmp_path / "a.png")
    path = tmp_path / "datalist.json"
    path.write_text(json.dumps({"training": [{"image": "./a.png", "label": "a.nii"}], "test": ["a.png"]}))
    for part in ("training", "test"):
        assert [(one.name, one.format) for one in read_datalist(path, tmp_path, part)] == [("a.png", "raster")]
        assert read_datalist(path, tmp_path, part)[0].patient is None


def test_the_patient_is_read(folder, datalist):
    series = {one.name: one.patient for part in PARTS for one in read_datalist(datalist, folder, part)}
    assert sorted(series) == ["p1/z.dcm", "p2/clip", "p3/clip"]
    assert sorted(series.values()) == ["1", "2", "3"]


def test_patients_are_told_by_numbers_text_or_not_at_all(tmp_path):
    Image.fromarray(PIXELS).save(tmp_path / "a.png")
    (tmp_path / "p1").mkdir()  # a patient may be called like a folder
    items = [{"image": "a.png", "patient": patient} for patient in (0, 7, "7", "p1", "", None)]
    path = tmp_path / "datalist.json"
    path.write_text(json.dumps({"training": items}))
    assert [one.patient for one in read_datalist(path, tmp_path)] == ["0", "7", "7", "p1", None, None]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (None, "there is no such data list; make one with python -m scripts.data.datalist"),
        ("{", "is no JSON file"),
        ("[]", "has no part 'test'; its parts are none"),
        ('{"training": [], "fractions": [1]}', "has no part 'test'; its parts are 'training'"),
        ('{"test": []}', "part 'test' is empty; give the part a share with --fractions"),
        (
            '{"test": [{"image": "gone.dcm"}]}',
            r"part 'test': .*gone\.dcm: there is no such image; .* 'a\.png'; check --dataset_dir",
        ),
        ('{"test": [{"image": []}]}', "there is no such image"),
        ('{"test": [{"label": "a"}]}', 'each entry must be {"image": "a.png"}'),
        ('{"test": [{"image": 3}]}', 'each entry must be {"image": "a.png"}'),
        ('{"test": [{"image": "p2/clip"}, "p3/clip"]}', 'each entry must be {"image": "a.png"}'),
        ('{"test": [{"image": "notes.txt"}]}', r"notes\.txt is not a PNG"),
        ('{"test": [{"image": ["a.png", "a.png"]}]}', r"listed as one image; only DICOM files may be"),
    ],
)
def test_a_faulty_list_is_refused(folder, text, message):
    Image.fromarray(PIXELS).save(folder / "a.png")
    (folder / "notes.txt").write_text("no image")
    path = folder / "list.json"
    if text is not None:
        path.write_text(text)
    with pytest.raises(InputError, match=rf"^{path}.*{message}"):
        read_datalist(path, folder, "test")


def test_files_that_are_known_make_a_series(folder):
    files = [folder / "p1" / "z.dcm", folder / "p1" / "a.dcm"]
    assert image_series_of(files, folder) == find_image_series(folder)[0]
    with pytest.raises(InputError, match="there is no such image"):
        image_series_of([], folder)


@pytest.mark.parametrize(("there", "written"), [("NFD", "NFC"), ("NFC", "NFD")])
def test_names_and_patients_in_another_unicode_form_are_the_same(folder, there, written):
    name = unicodedata.normalize(there, "Müller/ä.png")
    (folder / name).parent.mkdir()
    Image.fromarray(PIXELS).save(folder / name)
    items = [{"image": unicodedata.normalize(form, "Müller/ä.png")} for form in (there, written)]
    path = folder / "list.json"
    for item, form in zip(items, (there, written), strict=True):
        item["patient"] = unicodedata.normalize(form, "Müller")
    path.write_text(json.dumps({"test": items}, ensure_ascii=False), encoding="utf-8")
    assert [one.name for one in read_datalist(path, folder, "test")] == [name, name]
    assert len({one.patient for one in read_datalist(path, folder, "test")}) == 1
