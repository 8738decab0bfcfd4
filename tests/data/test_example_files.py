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
"""Tests of examples in each kind of file, most of them there and back again."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import nibabel as nib
import numpy as np
import pytest
from PIL import Image
from pydicom.data import get_testdata_file
from pydicom.examples import get_path
from pydicom.uid import generate_uid

from scripts.data.example_files import check_example_file, is_examples_csv, read_example_file, select_labels
from scripts.data.example_images import read_example_points
from scripts.data.frame_dataset import FrameDataset
from scripts.data.image_series import find_image_series
from scripts.io.dicom_sr import write_dicom_sr
from scripts.io.examples_csv import Example
from scripts.io.input_error import InputError
from scripts.io.landmarks_csv import Landmark
from scripts.io.slicer_markups import write_slicer_markups

SHAPE = (20, 12)
# 0.5 x 2 mm, oblique, slices 1 mm apart
AFFINE = np.array([[-0.5, 0.0, 0.0, 100.0], [0.0, -1.6, 0.6, 50.0], [0.0, -1.2, -0.8, -30.0], [0.0, 0.0, 0.0, 1.0]])
NORMAL_LPS = np.array([0.0, -0.6, -0.8])
CLIP, STILL, SLICE = "sub/clip.nii.gz", "sub/still.png", "slice.dcm"


@pytest.fixture
def data(tmp_path, write_clip) -> Path:
    """A clip of 3 frames, a still that does not tell its place, and a CT slice."""
    folder = tmp_path / "data"
    write_clip(folder / CLIP, [(0, 0), (1, 0), (2, 0)], shape=SHAPE, affine=AFFINE)
    Image.fromarray(np.arange(240, dtype=np.uint8).reshape(SHAPE[::-1])).save(folder / STILL)
    shutil.copy(get_testdata_file("CT_small.dcm"), folder / SLICE)
    return folder


@pytest.fixture
def dataset(data) -> FrameDataset:
    return FrameDataset(find_image_series(data), (40, 40))


def prepared(dataset: FrameDataset, name: str):
    return next(one for one in dataset.series if one.name == name)


def landmark(image: str, label: str, frame: int | None, x: float, y: float) -> Landmark:
    return Landmark(image, frame, label, x, y, 1.25, 0.5, 3)


def lps(x: float, y: float, off: float = 0.0) -> list[float]:
    ras = nib.affines.apply_affine(AFFINE, [x, y, 0])
    return list(ras * [-1, -1, 1] + off * NORMAL_LPS)


def write_markups(path: Path, *points: tuple[str, list[float]], description: str = "") -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    listed = [{"label": label, "position": place, "description": description} for label, place in points]
    path.write_text(json.dumps({"markups": [{"coordinateSystem": "LPS", "controlPoints": listed}]}))
    return path


def write_fcsv(path: Path, *points: tuple[str, list[float]], description: str = "") -> Path:
    rows = [f'{i},{x},{y},{z},0,0,0,1,1,1,0,"{label}","{description}",' for i, (label, (x, y, z)) in enumerate(points)]
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("\n".join(["# Markups fiducial file version = 4.11", "# CoordinateSystem = LPS", *rows]) + "\n")
    return path


WRITERS = [(write_markups, ".mrk.json"), (write_fcsv, ".fcsv")]


def check(points, expected) -> None:
    assert [(one.prepared.name, one.label, one.frame) for one in points] == [row[:3] for row in expected]
    np.testing.assert_allclose([one.point.tolist() for one in points], [row[3] for row in expected], atol=1e-3)


def test_our_own_markups_come_back(tmp_path, data, dataset):
    rows = [landmark(CLIP, "a", 0, 3.25, 4), landmark(CLIP, "b, c", 2, -0.5, 11.5), landmark(CLIP, "a", 1, 19.5, -0.5)]
    path = tmp_path / "out" / "markups" / f"{CLIP}.mrk.json"
    write_slicer_markups(path, rows, prepared(dataset, CLIP).affines)
    check_example_file(path)
    expected = [(CLIP, "a", 0, (3.25, 4)), (CLIP, "b, c", 2, (-0.5, 11.5)), (CLIP, "a", 1, (19.5, -0.5))]
    check(read_example_points(path, dataset, data), expected)
    check(read_example_points(path, dataset, data, "b, c"), expected[1:2])


@pytest.mark.parametrize("image", [STILL, SLICE])
def test_our_own_markups_of_stills_come_back(tmp_path, data, dataset, image):
    path = tmp_path / "markups" / f"{image}.mrk.json"
    write_slicer_markups(path, [landmark(image, "a [1]", None, 3.25, 4)], prepared(dataset, image).affines)
    # a still has no frames to name: the label is as it is
    check(read_example_points(path, dataset, data), [(image, "a [1]", 0, (3.25, 4))])


def test_our_own_reports_come_back(tmp_path, data, write_dicom):
    pytest.importorskip("highdicom")
    uids = {"SeriesInstanceUID": generate_uid(), "StudyInstanceUID": generate_uid()}
    for number in (3, 1, 2):
        pixels = np.random.default_rng(number).integers(0, 255, SHAPE[::-1], dtype=np.uint8)
        write_dicom(data / "series" / f"{number}.dcm", pixels, InstanceNumber=number, **uids)
    shutil.copy(get_path("ybr_color"), data / "clip.dcm")
    dataset = FrameDataset(find_image_series(data), (40, 40))
    cases = {
        "series/1.dcm": [("a", 2, (3.25, 4)), ("b", 0, (-0.5, 11.5)), ("a", 1, (19.5, 0))],
        "clip.dcm": [("a", 29, (319.5, 239.5)), ("ä", 0, (101.125, 64.5))],
        SLICE: [("a", None, (10.5, 3))],
    }
    for image, points in cases.items():
        one = prepared(dataset, image)
        path = tmp_path / "any name.dcm"
        rows = [landmark(image, label, frame, *point) for label, frame, point in points]
        assert write_dicom_sr(path, rows, one.series.files, one.affines) == []
        check_example_file(path)
        found = read_example_points(path, dataset, data)
        check(found, [(image, label, frame or 0, point) for label, frame, point in points])


def test_a_csv_file_is_read_as_ever(tmp_path, data, dataset):
    path = tmp_path / "e.csv"
    path.write_text(f"image,frame,label,x,y\n{CLIP},1,a,3,4\n")
    check_example_file(path)
    check(read_example_points(path, dataset, data), [(CLIP, "a", 1, (3, 4))])


@pytest.mark.parametrize(("write", "suffix"), WRITERS)
@pytest.mark.parametrize(
    "name", ["markups/sub/clip.nii.gz", "clip.nii.gz", "clip", "elsewhere/clip.nii.gz", "elsewhere/clip"]
)
def test_the_file_is_named_after_its_image(tmp_path, data, dataset, write, suffix, name):
    path = write(tmp_path / "out" / f"{name}{suffix}", ("valve [2]", lps(3.25, 4)))
    check(read_example_points(path, dataset, data), [(CLIP, "valve", 2, (3.25, 4))])


def test_images_of_one_name_are_told_apart_by_folders(tmp_path, write_clip):
    for folder in "ab":
        write_clip(tmp_path / "data" / folder / "clip.nii", [(0, 0)] * 2, shape=SHAPE)
    dataset = FrameDataset(find_image_series(tmp_path / "data"), (40, 40))
    path = write_fcsv(tmp_path / "markups" / "b" / "clip.nii.fcsv", ("a [0]", [-3, -4, 0]))
    check(read_example_points(path, dataset, tmp_path / "data"), [("b/clip.nii", "a", 0, (3, 4))])
    path = write_fcsv(tmp_path / "clip.nii.fcsv", ("a [0]", [-3, -4, 0]))
    with pytest.raises(InputError, match=r"clip\.nii\.fcsv: it is named after 2 images \(a/clip\.nii, b/clip\.nii\)"):
        read_example_points(path, dataset, tmp_path / "data")


def test_a_folder_may_be_named_after_the_image(tmp_path, data, dataset):
    path = write_markups(tmp_path / "markups" / CLIP / "valve.mrk.json", ("valve [2]", lps(3.25, 4)))
    check(read_example_points(path, dataset, data), [(CLIP, "valve", 2, (3.25, 4))])
    # but its whole name: 'data' says nothing of an image data.png
    path = write_markups(tmp_path / "clip" / "valve.mrk.json", ("valve [2]", lps(3.25, 4)))
    with pytest.raises(InputError, match="named after no image"):
        read_example_points(path, dataset, data)


def test_a_folder_of_markups_and_fcsv_is_read_as_one(tmp_path, data, dataset):
    folder = tmp_path / "markups"
    write_markups(folder / CLIP / "valve.mrk.json", ("valve [2]", lps(3.25, 4)), ("valve [0]", lps(5, 6)))
    write_fcsv(folder / f"{STILL}.fcsv", ("tip", [1, 2, 0]))
    check_example_file(folder)
    expected = [(CLIP, "valve", 2, (3.25, 4)), (CLIP, "valve", 0, (5, 6)), (STILL, "tip", 0, (1, 2))]
    check(read_example_points(folder, dataset, data), expected)


def test_a_fault_in_a_folder_names_its_file(tmp_path, data, dataset):
    folder = tmp_path / "markups"
    folder.mkdir()
    with pytest.raises(InputError, match=r"markups: the folder holds no Markups"):
        check_example_file(folder)
    write_markups(folder / "a.mrk.json")
    with pytest.raises(InputError, match=r"a\.mrk\.json: there is no placed point"):
        check_example_file(folder)
    write_markups(folder / "a.mrk.json", ("valve [0]", lps(3, 4)))
    check_example_file(folder)
    with pytest.raises(InputError, match=r"a\.mrk\.json: it is named after no image"):
        read_example_file(folder, dataset.series)
    write_markups(folder / CLIP / "a.mrk.json", ("valve [0]", lps(3, 4)))
    (folder / "a.mrk.json").unlink()
    with pytest.raises(InputError, match=r"markups, sub/clip\.nii\.gz/a\.mrk\.json, point 1: .*outside"):
        read_example_points(folder, FrameDataset(find_image_series(data), (40, 40), region=(10, 0, 12, 3)), data)


@pytest.mark.parametrize(
    ("name", "text", "expected"),
    [("e.csv", "", True), ("e", "image,label", True), ("e", "{}", False), ("e.fcsv", "", False), ("e", "# x", False)],
)
def test_only_csv_names_its_images(tmp_path, name, text, expected):
    (tmp_path / name).write_text(text)
    assert is_examples_csv(tmp_path / name) is expected
    assert not is_examples_csv(tmp_path)


@pytest.mark.parametrize(("write", "suffix"), WRITERS)
def test_the_description_tells_the_frame_where_the_label_does_not(tmp_path, data, dataset, write, suffix):
    about = "sigma 1.25 x 0.50 px, 3 example(s), frame 1"
    path = write(tmp_path / f"clip{suffix}", ("renamed", lps(3, 4)), ("other [2]", lps(3, 4)), description=about)
    check(read_example_points(path, dataset, data), [(CLIP, "renamed", 1, (3, 4)), (CLIP, "other", 2, (3, 4))])


@pytest.mark.parametrize("off", [-0.9, 0.9])
def test_a_point_a_little_off_the_plane_is_taken(tmp_path, data, dataset, off):
    path = write_markups(tmp_path / "clip.mrk.json", ("a [0]", lps(3, 4, off)))
    check(read_example_points(path, dataset, data), [(CLIP, "a", 0, (3, 4))])


def test_half_a_thick_slice_is_on_the_image(tmp_path, write_clip):
    write_clip(tmp_path / "data" / "clip.nii", [(0, 0)] * 2, shape=SHAPE, affine=np.diag([1, 1, 8, 1]))
    dataset = FrameDataset(find_image_series(tmp_path / "data"), (40, 40))
    path = write_markups(tmp_path / "clip.mrk.json", ("a [0]", [-3, -4, 3.9]))
    check(read_example_points(path, dataset, tmp_path / "data"), [("clip.nii", "a", 0, (3, 4))])
    path = write_markups(tmp_path / "clip.mrk.json", ("a [0]", [-3, -4, 4.1]))
    with pytest.raises(InputError, match=r"lies 4\.1 mm off the plane"):
        read_example_points(path, dataset, tmp_path / "data")


@pytest.mark.parametrize(("write", "suffix"), WRITERS)
@pytest.mark.parametrize(
    ("name", "label", "place", "message"),
    [
        ("gone", "a [0]", lps(3, 4), r": it is named after no image of the data set.*such as slice\.dcm\."),
        ("clip", "a [0]", lps(3, 4, 1.1), r", point 2: 'a \[0\]' lies 1\.1 mm off the plane of sub/clip\.nii\.gz"),
        ("clip", "a [0]", lps(3, 4, -40), r", point 2: 'a \[0\]' lies 40\.0 mm off the plane"),
        # 4 px of 0.5 mm beyond the edge at 19.5, 3 px of 2 mm above the one at -0.5
        ("clip", "a [0]", lps(23.5, 4), r", point 2: 'a \[0\]' lies 2\.0 mm outside of sub/clip\.nii\.gz"),
        ("clip", "a [0]", lps(3, -3.5), r", point 2: 'a \[0\]' lies 6\.0 mm outside of sub/clip\.nii\.gz"),
        ("clip", "a", lps(3, 4), r", point 2: 'a' tells no frame, and sub/clip\.nii\.gz has 3\. Label it 'a \[N\]'"),
        ("clip", "a [3]", lps(3, 4), r", point 2: 'a \[3\]' is of frame 3, but sub/clip\.nii\.gz has frames 0 to 2"),
    ],
)
def test_a_point_that_fits_no_image_is_refused(tmp_path, data, dataset, write, suffix, name, label, place, message):
    path = write(tmp_path / f"{name}{suffix}", ("good [1]", lps(1, 1)), (label, place))
    with pytest.raises(InputError, match=rf"{name}{suffix}".replace(".", r"\.") + message):
        read_example_points(path, dataset, data)


def test_a_report_of_other_images_is_refused(tmp_path, data, dataset):
    pytest.importorskip("highdicom")
    path = tmp_path / "sr.dcm"
    write_dicom_sr(path, [landmark("clip.dcm", "a", 0, 3, 4)], [get_path("ybr_color")])
    with pytest.raises(InputError, match=r"sr\.dcm, point 1: 'a' is on the image with the SOP Instance UID 1\.2\.840"):
        read_example_file(path, dataset.series)


@pytest.mark.parametrize("suffix", ["", ".txt"])
def test_the_content_tells_where_the_suffix_does_not(tmp_path, suffix):
    pytest.importorskip("highdicom")
    path = tmp_path / f"examples{suffix}"
    write_dicom_sr(path, [landmark("clip.dcm", "a", 0, 3, 4)], [get_path("ybr_color")])
    check_example_file(path)
    check_example_file(write_markups(path, ("a", [1, 2, 3])))
    check_example_file(write_fcsv(path, ("a", [1, 2, 3])))
    path.write_text(f"image,frame,label,x,y\n{CLIP},1,a,3,4\n")
    check_example_file(path)
    path.write_text("image;label\n")
    with pytest.raises(InputError, match=r"examples.*, line 1: the header lacks"):
        check_example_file(path)


@pytest.mark.parametrize("name", ["gone.csv", "gone.mrk.json", "gone.fcsv", "gone.dcm", "gone"])
def test_a_missing_file_is_told(tmp_path, name):
    with pytest.raises(InputError, match=rf"{name}: there is no such file"):
        check_example_file(tmp_path / name)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("{}", r"not a 3D Slicer Markups file.*Save the points as Markups JSON"),
        ('{"markups": []}', r": there is no placed point"),
        ('{"markups": [{"controlPoints": [{"position": [1, 2, 3]}]}]}', r", point 1: it has no label"),
    ],
)
def test_faulty_markups_are_told_early(tmp_path, text, message):
    path = tmp_path / "a.mrk.json"
    path.write_text(text)
    with pytest.raises(InputError, match=r"a\.mrk\.json" + ".*" * message.startswith("not") + message):
        check_example_file(path)


def test_landmarks_that_are_wanted_are_selected_in_the_order_of_the_file():
    rows = [Example("a.png", None, label, x=1.0, y=2.0, line=line) for line, label in enumerate("abca", start=2)]
    assert select_labels(rows, None, "e.csv") == rows
    assert select_labels(rows, [], "e.csv") == []
    assert [row.line for row in select_labels(rows, "a", "e.csv")] == [2, 5]
    assert [row.line for row in select_labels(rows, ["c", "a"], "e.csv")] == [2, 4, 5]
    with pytest.raises(InputError, match="e.csv: no example of 'x', 'y'; add one for each"):
        select_labels(rows, ["x", "a", "y"], "e.csv")
