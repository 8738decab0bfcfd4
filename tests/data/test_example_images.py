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
"""Tests of finding and checking the images of examples."""

from __future__ import annotations

import unicodedata
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image
from pydicom.uid import generate_uid

from scripts.data import example_images
from scripts.data.example_images import read_example_points
from scripts.data.frame_dataset import FrameDataset
from scripts.data.image_reader import read_image_series
from scripts.data.image_series import find_image_series
from scripts.io.input_error import InputError

SHAPE = (20, 12)


def write_examples(path: Path, *rows: str) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("image,frame,label,x,y\n" + "".join(f"{row}\n" for row in rows))
    return path


def write_still(path: Path, seed: int = 0) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    pixels = np.random.default_rng(seed).integers(0, 255, SHAPE[::-1], dtype=np.uint8)
    Image.fromarray(pixels).save(path)
    return path


@pytest.fixture
def data(tmp_path, write_clip) -> Path:
    """A still and a clip of 3 frames."""
    write_still(tmp_path / "data" / "still.png")
    write_clip(tmp_path / "data" / "sub" / "clip.nii", [(0, 0), (1, 0), (2, 0)], shape=SHAPE)
    return tmp_path / "data"


@pytest.fixture
def dataset(data) -> FrameDataset:
    return FrameDataset(find_image_series(data), (40, 40))


def test_points_know_their_series_frame_and_place(tmp_path, data, dataset):
    path = write_examples(tmp_path / "examples.csv", "still.png,,a,3,4", "sub/clip.nii,2,b,10.5,0")
    still, clip = read_example_points(path, dataset, data)
    assert (still.label, still.frame, still.point.tolist()) == ("a", 0, [3, 4])
    assert (clip.label, clip.frame, clip.point.tolist()) == ("b", 2, [10.5, 0])
    assert still.prepared is dataset.series[0]
    assert clip.prepared is dataset.series[1]
    assert clip.image.shape == (1, 1, 40, 40)
    torch.testing.assert_close(clip.image[0], dataset[3]["image"].float())  # after the still and two frames
    # 20 x 12 px became 40 x 24, with 8 px above
    assert still.network_point.tolist() == [6.5, 16.5]


def test_no_file_gives_no_examples(data, dataset):
    assert read_example_points(None, dataset, data) == []


@pytest.mark.parametrize("place", ["absolute", "of the table", "of the data set"])
def test_paths_may_start_at(tmp_path, data, dataset, place):
    table = tmp_path / "tables" / "examples.csv"
    image = {"absolute": str(data / "still.png"), "of the table": "../data/still.png"}.get(place, "still.png")
    [point] = read_example_points(write_examples(table, f"{image},,a,3,4"), dataset, data)
    assert point.prepared is dataset.series[0]


def test_the_data_set_may_be_one_file(tmp_path, data):
    dataset = FrameDataset(find_image_series(data / "still.png"), (40, 40))
    table = write_examples(tmp_path / "tables" / "examples.csv", "still.png,,a,3,4")
    [point] = read_example_points(table, dataset, data / "still.png")
    assert point.prepared is dataset.series[0]


def test_images_outside_the_data_set_are_read_once_and_known_ones_never(tmp_path, data, dataset, monkeypatch):
    read = []
    prepare = example_images.prepare_series
    monkeypatch.setattr(example_images, "prepare_series", lambda *args: read.append(args[0].name) or prepare(*args))
    other = write_still(tmp_path / "atlas" / "still.png", seed=1)
    rows = ["atlas/still.png,,a,3,4", f"{other},,b,5,6", "data/still.png,,a,3,4", "sub/clip.nii,0,b,1,1"]
    first, second, still, clip = read_example_points(write_examples(tmp_path / "e.csv", *rows), dataset, data)
    assert read == ["still.png"]
    assert first.prepared is second.prepared
    assert first.prepared.series.files[0].resolve() == other.resolve()
    assert first.image.shape == (1, 1, 40, 40)
    assert still.prepared is dataset.series[0]
    assert clip.prepared is dataset.series[1]
    assert (first.image - still.image).abs().max() > 0.1  # another picture of the same name


@pytest.mark.parametrize("inside", [True, False])
def test_a_file_of_a_dicom_series_means_its_own_frame(tmp_path, write_dicom, inside):
    uid = generate_uid()
    folder = tmp_path / ("data" if inside else "elsewhere") / "series"
    for name, number in (("x", 3), ("y", 1), ("z", 2)):
        pixels = np.random.default_rng(number).integers(0, 255, (12, 20), dtype=np.uint8)
        write_dicom(folder / f"{name}.dcm", pixels, SeriesInstanceUID=uid, InstanceNumber=number)
    write_still(tmp_path / "data" / "still.png")
    dataset = FrameDataset(find_image_series(tmp_path / "data"), SHAPE)
    rows = [f"{folder / name}.dcm,,a,3,4" for name in "xyz"] + [f"{folder}/x.dcm,1,a,3,4", f"{folder},0,a,3,4"]
    points = read_example_points(write_examples(tmp_path / "e.csv", *rows), dataset, tmp_path / "data")
    assert [point.frame for point in points] == [2, 0, 1, 1, 0]
    assert len({id(point.prepared) for point in points}) == 1
    expected = np.random.default_rng(2).integers(0, 255, (12, 20), dtype=np.uint8).T
    frame = read_image_series(points[2].prepared.series).frames[points[2].frame, 0]
    np.testing.assert_array_equal(frame, expected)
    with pytest.raises(InputError, match=r"e\.csv, line 2: .*series has 3 frames; tell in the column 'frame'"):
        read_example_points(write_examples(tmp_path / "e.csv", f"{folder},,a,3,4"), dataset, tmp_path / "data")


def test_only_wanted_labels_are_read(tmp_path, data, dataset):
    path = write_examples(tmp_path / "e.csv", "still.png,,a,3,4", "gone.png,,b,3,4", "still.png,,c,5,6")
    assert [point.label for point in read_example_points(path, dataset, data, ["c", "a"])] == ["a", "c"]
    with pytest.raises(InputError, match=r"e\.csv, line 3: image 'gone\.png'"):
        read_example_points(path, dataset, data)


@pytest.mark.parametrize(
    ("row", "message"),
    [
        ("gone.png,,a,3,4", r"image 'gone\.png' is neither an existing absolute path nor found below .*data"),
        ("../e.csv,,a,3,4", r"'\.\./e\.csv' is not a PNG"),
        ("../broken.png,,a,3,4", r"broken\.png cannot be read"),
        ("../data,0,a,3,4", r"folder '\.\./data' holds 2 images; name a file"),
        ("still.png,1,a,3,4", r"frame 1 of still\.png does not exist; it has frames 0 to 0"),
        ("sub/clip.nii,3,a,3,4", r"frame 3 of sub/clip\.nii does not exist; it has frames 0 to 2"),
        ("sub/clip.nii,,a,3,4", r"sub/clip\.nii has 3 frames; tell in the column 'frame'"),
        ("still.png,,a,19.6,4", r"'a' at \(19\.6, 4\) lies outside still\.png \(20 x 12 px\); x is the column"),
        ("still.png,,a,-0.6,4", r"'a' at \(-0\.6, 4\) lies outside still\.png"),
        ("still.png,,a,4,15", r"'a' at \(4, 15\) lies outside still\.png"),
    ],
)
def test_a_fault_is_told_with_file_and_line(tmp_path, data, dataset, row, message):
    (tmp_path / "broken.png").write_bytes(b"nothing")
    path = write_examples(tmp_path / "data" / ".." / "e.csv", "still.png,,a,3,4", "", row)
    with pytest.raises(InputError, match=r"e\.csv, line 4: .*" + message):
        read_example_points(path, dataset, data)


def test_the_outermost_edges_are_inside(tmp_path, data, dataset):
    path = write_examples(tmp_path / "e.csv", "still.png,,a,-0.5,-0.5", "still.png,,b,19.5,11.5")
    corners = read_example_points(path, dataset, data)
    assert [corner.network_point.tolist() for corner in corners] == [[-0.5, 7.5], [39.5, 31.5]]


def test_a_point_outside_the_region_is_refused_though_in_the_image(tmp_path, data):
    dataset = FrameDataset(find_image_series(data), (40, 40), region=(5, 2, 15, 12))
    outside = write_still(tmp_path / "other.png")
    for image in ("still.png", outside):  # known or not, the region is the same
        path = write_examples(tmp_path / "e.csv", f"{image},,a,4,6")
        with pytest.raises(InputError, match=r"line 2: .*\(4, 6\) lies outside .*20 x 12 px, region \[5, 2, 15, 12\]"):
            read_example_points(path, dataset, data)
        path = write_examples(tmp_path / "e.csv", f"{image},,a,5,2")
        [point] = read_example_points(path, dataset, data)
        assert point.network_point.tolist() == [1.5, 1.5]  # of 4 x 4 network px each


def test_wanted_labels_without_an_example_are_named(tmp_path, data, dataset):
    path = write_examples(tmp_path / "e.csv", "still.png,,a,3,4")
    with pytest.raises(InputError, match=r"e\.csv: no example of 'b', 'c'; add one for each"):
        read_example_points(path, dataset, data, ["b", "a", "c"])


def test_faults_of_the_table_are_passed_on(tmp_path, data, dataset):
    with pytest.raises(InputError, match=r"gone\.csv: there is no such file"):
        read_example_points(tmp_path / "gone.csv", dataset, data)


@pytest.mark.parametrize(("there", "written"), [("NFD", "NFC"), ("NFC", "NFD")])
def test_names_in_another_unicode_form_are_found_and_stay_as_they_are_on_disk(tmp_path, there, written):
    name = unicodedata.normalize(there, "Müller/Höhe.png")
    write_still(tmp_path / "data" / name)
    dataset = FrameDataset(find_image_series(tmp_path / "data"), (40, 40))
    row = unicodedata.normalize(written, "Müller/Höhe.png,,Spitze außen ö,3,4")
    labels = unicodedata.normalize(there, "Spitze außen ö")
    [point] = read_example_points(write_examples(tmp_path / "e.csv", row), dataset, tmp_path / "data", labels)
    assert (point.prepared.name, point.label) == (name, unicodedata.normalize("NFC", labels))


def test_two_files_that_differ_in_the_form_only_are_told_apart_by_it(tmp_path):
    names = [unicodedata.normalize(form, "ä ö.png") for form in ("NFC", "NFD")]
    for name in names:
        write_still(tmp_path / "data" / name)
    dataset = FrameDataset(find_image_series(tmp_path / "data"), (40, 40))
    path = write_examples(tmp_path / "e.csv", *(f"{name},,a,3,4" for name in names))
    assert [one.prepared.name for one in read_example_points(path, dataset, tmp_path / "data")] == names
    write_examples(path, f"{names[0][:2]}{names[1][-6:]},,a,3,4")
    with pytest.raises(InputError, match=r"e\.csv, line 2: .* is the name of 2 files, which differ in Unicode only"):
        read_example_points(path, dataset, tmp_path / "data")


def test_a_name_that_is_not_found_is_told_with_the_nearest(tmp_path, data, dataset, write_dicom):
    for name, nearest in (
        ("clip.nii", "sub/clip.nii"),
        ("Still.PNG", "still.png"),
        ("sub/clip.nii.gz", "sub/clip.nii"),
    ):
        path = write_examples(tmp_path / "examples.csv", f"{name},,a,3,4")
        with pytest.raises(InputError, match=rf"line 2: image '{name}' .*; the nearest names? (is|are) '{nearest}'"):
            read_example_points(path, dataset, data)


def test_a_label_that_is_not_found_is_told_with_the_nearest(tmp_path, data, dataset):
    path = write_examples(tmp_path / "examples.csv", "still.png,,left apex,3,4", "still.png,,valve,3,4")
    with pytest.raises(InputError, match=r"no example of 'left_apex'; .*; the nearest name is 'left apex'"):
        read_example_points(path, dataset, data, "left_apex")


def test_a_dicom_file_that_is_not_there_is_told_with_the_name_of_its_series(tmp_path, write_dicom):
    pixels, uid = np.arange(240, dtype=np.uint8).reshape(12, 20), generate_uid()
    for name, number in (("b.dcm", 1), ("a.dcm", 2)):
        write_dicom(tmp_path / "data" / "p1" / name, pixels, SeriesInstanceUID=uid, InstanceNumber=number)
    dataset = FrameDataset(find_image_series(tmp_path / "data"), (40, 40))
    path = write_examples(tmp_path / "e.csv", "p1/c.dcm,0,a,3,4")
    with pytest.raises(InputError, match=r"e\.csv, line 2: image 'p1/c\.dcm' .*; the nearest name is 'p1/b\.dcm'$"):
        read_example_points(path, dataset, tmp_path / "data")
