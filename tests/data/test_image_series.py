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
"""Tests of finding the images of a folder and of naming one of them, with real small files."""

from __future__ import annotations

import builtins
import logging
import os
import re
import shutil
from pathlib import Path

import nibabel as nib
import numpy as np
import pydicom
import pytest
from PIL import Image
from pydicom.examples import get_path
from pydicom.uid import generate_uid

from scripts.data.image_reader import read_image_series
from scripts.data.image_series import ImageSeries, find_image_series, select_series
from scripts.io.input_error import InputError

PIXELS = np.arange(48, dtype=np.uint8).reshape(6, 8)


def write_png(path: Path) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(PIXELS).save(path)
    return path


def write_nifti(path: Path) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    nib.Nifti1Image(PIXELS.astype(np.float32), np.eye(4)).to_filename(path)
    return path


@pytest.fixture
def folder(tmp_path, write_dicom) -> Path:
    """A data set of all formats: a DICOM series of three files, whose names do not tell their order, and more."""
    uid = generate_uid()
    for name, number in [("zz.dcm", 1), ("aa.dcm", 2), ("mm.dcm", 10)]:
        write_dicom(tmp_path / "p2" / "s1" / name, PIXELS, SeriesInstanceUID=uid, InstanceNumber=number)
    write_png(tmp_path / "p1" / "b.png")
    write_png(tmp_path / "p1" / "A.JPG")
    write_nifti(tmp_path / "p1" / "deeper" / "c.nii.gz")
    write_nifti(tmp_path / "d.nii")
    return tmp_path


def names(series: list[ImageSeries]) -> list[str]:
    return [one.name for one in series]


def test_the_patient_is_not_compared():
    told, other, untold = (ImageSeries("a.png", (Path("a.png"),), "raster", patient) for patient in ("1", "2", None))
    assert told == other == untold == ImageSeries("a.png", (Path("a.png"),), "raster")
    assert len({told, other, untold}) == 1


# finding


def test_folders_tell_no_patient(folder):
    assert {one.patient for one in find_image_series(folder)} == {None}


def test_finds_all_formats_in_sub_folders_sorted_by_name(folder):
    series = find_image_series(folder)
    assert names(series) == ["d.nii", "p1/A.JPG", "p1/b.png", "p1/deeper/c.nii.gz", "p2/s1/zz.dcm"]
    assert [one.format for one in series] == ["nifti", "raster", "raster", "nifti", "dicom"]
    assert all(file.is_file() for one in series for file in one.files)
    assert find_image_series(str(folder)) == series


def test_files_of_a_dicom_series_are_in_the_order_of_their_instance_numbers(folder):
    series = find_image_series(folder / "p2")
    assert len(series) == 1
    assert [file.name for file in series[0].files] == ["zz.dcm", "aa.dcm", "mm.dcm"]


def test_single_frame_dicom_is_split_by_series_matrix_and_folder(tmp_path, write_dicom):
    uid, other = generate_uid(), generate_uid()
    write_dicom(tmp_path / "a1.dcm", PIXELS, SeriesInstanceUID=uid, InstanceNumber=1)
    write_dicom(tmp_path / "a2.dcm", PIXELS, SeriesInstanceUID=uid, InstanceNumber=2)
    write_dicom(tmp_path / "b1.dcm", PIXELS, SeriesInstanceUID=other, InstanceNumber=1)
    write_dicom(tmp_path / "scout.dcm", PIXELS[:4], SeriesInstanceUID=uid, InstanceNumber=0)
    write_dicom(tmp_path / "copy" / "a1.dcm", PIXELS, SeriesInstanceUID=uid, InstanceNumber=1)
    series = find_image_series(tmp_path)
    assert {one.name: len(one.files) for one in series} == {
        "a1.dcm": 2,
        "b1.dcm": 1,
        "scout.dcm": 1,
        "copy/a1.dcm": 1,
    }


def test_multi_frame_dicom_is_a_series_of_its_own(tmp_path, write_dicom):
    uid = generate_uid()
    for name in ("a.dcm", "b.dcm"):
        write_dicom(tmp_path / name, np.stack([PIXELS, PIXELS]), SeriesInstanceUID=uid, InstanceNumber=1)
    assert [len(one.files) for one in find_image_series(tmp_path)] == [1, 1]


@pytest.mark.parametrize("name", ["IM0001", "IM0001.DCM", "slice.ima", "1.2.840.113619.2.5"])
def test_dicom_is_known_by_its_suffix_or_its_content(tmp_path, write_dicom, name):
    write_dicom(tmp_path / name, PIXELS)
    assert [(one.name, one.format) for one in find_image_series(tmp_path)] == [(name, "dicom")]


def test_hidden_and_other_files_are_passed_over(folder):
    before = find_image_series(folder)
    write_png(folder / ".thumbnail.png")
    (folder / "p1" / "._b.png").write_bytes(b"resource fork")
    (folder / "examples.csv").write_text("image,frame,label,x,y\n")
    (folder / "notes").write_text("no suffix, no DICOM")
    (folder / "empty").write_bytes(b"")
    write_png(folder / "p1" / ".ipynb_checkpoints" / "b.png")
    write_png(folder / "__MACOSX" / "p1" / "b.png")
    assert find_image_series(folder) == before


def test_a_data_set_may_lie_in_a_hidden_folder(tmp_path):
    write_png(tmp_path / ".cache" / "a.png")
    assert names(find_image_series(tmp_path / ".cache")) == ["a.png"]


def test_dicom_without_pixels_is_no_image(folder, tmp_path_factory, write_dicom):
    before = find_image_series(folder)
    for name in ("p1/report.dcm", "p2/s1/state.dcm", "DICOMDIR"):
        write_dicom(folder / name, None, PatientID="P1")
    assert find_image_series(folder) == before
    alone = write_dicom(tmp_path_factory.mktemp("alone") / "DICOMDIR", None)
    with pytest.raises(InputError, match=rf"{alone.parent} holds no image"):
        find_image_series(alone.parent)
    with pytest.raises(InputError, match=r"DICOMDIR is DICOM without pixels \(MR Image Storage\)"):
        select_series([], "DICOMDIR", [alone.parent])


def test_one_file_is_a_data_set(folder):
    assert names(find_image_series(folder / "d.nii")) == ["d.nii"]


def test_a_folder_with_no_image_is_refused(tmp_path):
    (tmp_path / "readme.txt").write_text("nothing here")
    with pytest.raises(InputError, match=f"{tmp_path} holds no image; give a folder"):
        find_image_series(tmp_path)


def test_a_missing_folder_is_refused(tmp_path):
    with pytest.raises(InputError, match=r"nowhere does not exist; --dataset_dir"):
        find_image_series(tmp_path / "nowhere")


BAD = {
    "broken.dcm": (b"this is no DICOM file", r"is no DICOM file of PS3\.10"),
    "empty.dcm": (b"", "is empty"),
    "empty.png": (b"", "is empty"),
    "empty.nii.gz": (b"", "is empty"),
    "text.png": (b"this is no PNG file", "cannot be read"),
    "text.nii": (b"this is no NIfTI file", "cannot be read"),
    "script.jpg": (b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 9 9\n", "cannot be read"),
}


@pytest.mark.parametrize("name", BAD)
def test_a_bad_file_is_skipped_and_named_and_loses_no_other(folder, caplog, name):
    before, (content, reason) = find_image_series(folder), BAD[name]
    path = folder / "p2" / "s1" / name
    path.write_bytes(content)
    caplog.clear()
    assert find_image_series(folder) == before
    named, closing = [record.getMessage() for record in caplog.records if record.levelname == "WARNING"]
    assert re.search(rf"^skipped: {re.escape(str(path))} {reason}", named)
    assert closing == f"1 files below {folder} skipped, 5 images found"
    with pytest.raises(InputError, match=f"{name} {reason}"):
        find_image_series(path)
    with pytest.raises(InputError, match=f"{name} {reason}"):
        select_series(before, str(path), [folder])


def test_a_folder_of_bad_files_says_why(tmp_path):
    (tmp_path / "a.png").write_bytes(b"")
    (tmp_path / "b.png").write_bytes(b"")
    with pytest.raises(InputError, match=r"holds no image that can be used; .*; 2 skipped, .*a\.png is empty"):
        find_image_series(tmp_path)
    with pytest.raises(InputError, match="folder '.' holds no image that can be used"):
        select_series([], ".", [tmp_path])


def test_a_wrong_suffix_does_no_harm_where_the_content_is_known(folder):
    shutil.copy(folder / "p1" / "b.png", folder / "p1" / "b.jpg")
    assert "p1/b.jpg" in names(find_image_series(folder))


def test_an_instance_that_is_there_twice_is_taken_once(folder, caplog):
    before = find_image_series(folder)
    shutil.copy(folder / "p2" / "s1" / "mm.dcm", folder / "p2" / "s1" / "nn.dcm")
    assert find_image_series(folder) == before
    assert "nn.dcm is the same DICOM instance as mm.dcm beside it" in caplog.text
    # each is itself where it is named
    assert names(find_image_series(folder / "p2" / "s1" / "nn.dcm")) == ["nn.dcm"]
    assert select_series([], "p2/s1/nn.dcm", [folder]).files[0].name == "nn.dcm"


def test_links_to_folders_are_not_followed(folder, caplog):
    before = find_image_series(folder)
    (folder / "p1" / "loop").symlink_to(folder)
    (folder / "p1" / "self.png").symlink_to(folder / "p1" / "self.png")
    (folder / "p1" / "nothing.png").symlink_to(folder / "p1" / "gone.png")
    os.mkfifo(folder / "p1" / "pipe.png")
    assert find_image_series(folder) == before
    assert "loop is a link to a folder, which is not followed" in caplog.text


def test_what_cannot_be_opened_is_skipped(folder, caplog, monkeypatch):
    # a test may run as a user who may read everything, so the system's refusal is made up
    def refuse(path, *args, **kwargs):
        if Path(path).name in ("b.png", "noname"):
            raise PermissionError(13, "Permission denied")
        return opened(path, *args, **kwargs)

    opened = builtins.open
    before = names(find_image_series(folder))
    (folder / "noname").write_bytes(b"any")
    monkeypatch.setattr(builtins, "open", refuse)
    assert names(find_image_series(folder)) == [name for name in before if name != "p1/b.png"]
    assert "b.png cannot be read ([Errno 13] Permission denied)" in caplog.text
    assert "noname cannot be read ([Errno 13] Permission denied)" in caplog.text


def test_nothing_that_is_logged_names_a_patient(tmp_path, write_dicom, caplog, capsys):
    secret = {"PatientName": "Doe^Jane", "PatientID": "SECRET-7", "PatientBirthDate": "19700101"}
    for number in range(3):
        write_dicom(tmp_path / f"{number}.dcm", PIXELS, SeriesInstanceUID="1.2.3", InstanceNumber=number, **secret)
    cut = write_dicom(tmp_path / "cut.dcm", PIXELS, **secret)
    cut.write_bytes(cut.read_bytes()[:-9])
    write_dicom(tmp_path / "report.dcm", None, **secret)
    with caplog.at_level(logging.DEBUG, "ImageSeries"):
        series = find_image_series(tmp_path)
    assert len(series) == 1 and len(caplog.records) == 4
    told = caplog.text + "".join(capsys.readouterr()) + repr(series) + repr(read_image_series(series[0]))
    assert not any(value in told for value in ("Doe", "Jane", "SECRET", "19700101"))


def test_values_that_break_the_rules_are_not_quoted(tmp_path, write_dicom, caplog, recwarn):
    with pydicom.config.disable_value_validation():
        path = write_dicom(tmp_path / "a.dcm", PIXELS, PatientBirthDate="7 May 1970", SeriesInstanceUID="1.2.07")
    recwarn.clear()
    caplog.set_level(logging.DEBUG)
    read_image_series(find_image_series(tmp_path)[0])
    assert str(pydicom.dcmread(path).PatientBirthDate) == "7 May 1970"
    told = caplog.text + "".join(str(warning.message) for warning in recwarn)
    assert "May" not in told and "1.2.07" not in told


# order


def test_the_rule_of_order_is_part_of_the_series_and_logged_once(folder, caplog):
    with caplog.at_level(logging.INFO):
        series = find_image_series(folder)
    assert {one.name: one.order for one in series if one.order} == {"p2/s1/zz.dcm": "InstanceNumber"}
    assert caplog.messages == ["p2/s1/zz.dcm: 3 frames, ordered by InstanceNumber"]


def test_time_goes_before_instance_numbers(tmp_path, write_dicom):
    for number, (name, trigger) in enumerate([("a", 80.0), ("b", 0.0), ("c", 40.0)]):
        tags = {"SeriesInstanceUID": "1.2.3", "InstanceNumber": number, "TriggerTime": trigger}
        write_dicom(tmp_path / f"{name}.dcm", PIXELS, **tags)
    (series,) = find_image_series(tmp_path)
    assert ([file.name for file in series.files], series.order) == (["b.dcm", "c.dcm", "a.dcm"], "TriggerTime")
    assert read_image_series(series).frame_ms == 40.0


def test_two_orientations_in_one_folder_are_two_series(tmp_path, write_dicom):
    for number in range(4):
        along = [1, 0, 0, 0, 1, 0] if number % 2 else [1, 0, 0, 0, 0, -1]
        tags = {"SeriesInstanceUID": "1.2.3", "InstanceNumber": number, "ImageOrientationPatient": along}
        write_dicom(tmp_path / f"{number}.dcm", PIXELS, **tags)
    assert [len(one.files) for one in find_image_series(tmp_path)] == [2, 2]


def write_kinds(folder: Path, write_dicom, kinds: list) -> list[list[str]]:
    """Files of one series by time, each of a kind; how they are grouped."""
    for number, kind in enumerate(kinds):
        tags = {"SeriesInstanceUID": "1.2.3", "InstanceNumber": number, "ImageType": kind}
        write_dicom(folder / f"{number}.dcm", PIXELS, **tags)
    return [[file.stem for file in one.files] for one in find_image_series(folder)]


@pytest.mark.parametrize(
    ("first", "second"),
    [
        (["ORIGINAL", "PRIMARY", "M", "ND"], ["ORIGINAL", "PRIMARY", "P", "ND"]),
        (["ORIGINAL", "PRIMARY", "M_FFE", "M", "FFE"], ["DERIVED", "PRIMARY", "PHASE MAP", "P", "FFE"]),
        (["ORIGINAL", "PRIMARY"], ["ORIGINAL", "PRIMARY", "P"]),
        (["ORIGINAL", "PRIMARY", "M"], ["DERIVED", "SECONDARY", "M"]),
        (["ORIGINAL", "PRIMARY", "BIPLANE A"], None),
    ],
)
def test_images_of_two_kinds_in_one_dicom_series_are_two_series(tmp_path, write_dicom, first, second):
    assert write_kinds(tmp_path, write_dicom, [first, second, first, second]) == [["0", "2"], ["1", "3"]]


@pytest.mark.parametrize(
    ("first", "second"),
    [
        (["ORIGINAL", "PRIMARY", "M"], ["DERIVED", "PRIMARY", "M"]),
        (["ORIGINAL", "PRIMARY"], ["ORIGINAL", "PRIMARY", ""]),
        ("ORIGINAL", None),
        (["ORIGINAL", "PRIMARY", "M"], ["ORIGINAL", "PRIMARY", "M"]),
    ],
)
def test_images_of_one_kind_are_one_series_however_they_were_made(tmp_path, write_dicom, first, second):
    assert write_kinds(tmp_path, write_dicom, [first, second]) == [["0", "1"]]


# selecting


@pytest.fixture
def series(folder) -> list[ImageSeries]:
    return find_image_series(folder)


@pytest.mark.parametrize(
    ("path", "name"),
    [
        ("d.nii", "d.nii"),
        ("p1/b.png", "p1/b.png"),
        ("./p1/../p1/b.png", "p1/b.png"),
        ("p2/s1/aa.dcm", "p2/s1/zz.dcm"),  # any file of a series
        ("p2/s1/zz.dcm", "p2/s1/zz.dcm"),
        ("p2/s1", "p2/s1/zz.dcm"),  # a folder that holds one series
        ("p2", "p2/s1/zz.dcm"),
    ],
)
@pytest.mark.parametrize("absolute", [False, True])
def test_selects_a_known_series(folder, series, path, name, absolute):
    given = str(folder / path) if absolute else path
    found = select_series(series, given, [folder])
    assert found is next(one for one in series if one.name == name)


def test_the_first_folder_that_has_the_file_wins(tmp_path, folder, series):
    table = tmp_path / "tables"
    own = write_nifti(table / "d.nii")
    assert select_series(series, "d.nii", [table, folder]).files == (own.resolve(),)
    assert select_series(series, "d.nii", [folder, table]).files == (folder / "d.nii",)
    assert select_series(series, "p1/b.png", [table, folder]).name == "p1/b.png"


def test_a_link_means_the_file_that_it_points_to(tmp_path, folder, series):
    link = tmp_path / "link.png"
    link.symlink_to(folder / "p1" / "b.png")
    assert select_series(series, "link.png", [tmp_path]).name == "p1/b.png"


def test_a_file_outside_the_data_set_is_read_with_its_series(tmp_path_factory, write_dicom, series):
    outside, uid = tmp_path_factory.mktemp("outside"), generate_uid()
    for number, name in enumerate(["c.dcm", "b.dcm", "a.dcm"]):
        write_dicom(outside / name, PIXELS, SeriesInstanceUID=uid, InstanceNumber=number)
    write_png(outside / "still.png")
    found = select_series(series, str(outside / "b.dcm"), [outside])
    assert [file.name for file in found.files] == ["c.dcm", "b.dcm", "a.dcm"]
    assert select_series(series, "still.png", [outside]).format == "raster"


def test_an_unknown_path_is_refused(folder, series):
    with pytest.raises(InputError, match=rf"'p9/x\.png' is neither .* nor found below {folder}"):
        select_series(series, "p9/x.png", [folder])


def test_a_folder_of_several_images_is_refused(folder, series):
    with pytest.raises(InputError, match=r"folder 'p1' holds 3 images; name a file"):
        select_series(series, "p1", [folder])


def test_a_file_that_is_no_image_is_refused(folder, series):
    (folder / "notes.txt").write_text("nothing")
    with pytest.raises(InputError, match=r"'notes\.txt' is not a PNG"):
        select_series(series, "notes.txt", [folder])


def test_the_example_files_of_pydicom(tmp_path):
    shutil.copy(get_path("ybr_color"), tmp_path / "us.dcm")
    assert [(one.name, len(one.files)) for one in find_image_series(tmp_path)] == [("us.dcm", 1)]
