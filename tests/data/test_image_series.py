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

import shutil
from pathlib import Path

import nibabel as nib
import numpy as np
import pytest
from PIL import Image
from pydicom.examples import get_path
from pydicom.uid import generate_uid

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
    with pytest.raises(InputError, match=r"'DICOMDIR' is not a PNG, JPEG, TIFF, NIfTI or DICOM image"):
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


@pytest.mark.parametrize("content", [b"this is no DICOM file", b""])
def test_a_corrupt_dicom_file_is_named(folder, content):
    (folder / "p2" / "s1" / "broken.dcm").write_bytes(content)
    with pytest.raises(InputError, match=r"broken\.dcm cannot be read as DICOM .*; remove or repair it"):
        find_image_series(folder)


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
