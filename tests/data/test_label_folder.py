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
"""Landmarks of the annotation page as examples and as truth, against what its server was asked to keep."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from pydicom.uid import generate_uid

from scripts.data import find_image_series
from scripts.data.example_files import check_example_file, read_example_file, select_labels
from scripts.data.example_images import read_example_points
from scripts.data.frame_dataset import FrameDataset
from scripts.data.known_landmarks import read_known_landmarks
from scripts.data.label_folder import find_label_files, labelled_series
from scripts.io.input_error import InputError
from scripts.live.example_frames import read_example_frames

CLIP = "sub/clip.nii.gz"


@pytest.fixture
def studies(tmp_path: Path, write_clip, write_dicom) -> Path:
    """A clip, two stills whose ids look alike, and a series of three files whose names are not in order of time."""
    folder = tmp_path / "studies"
    write_clip(folder / CLIP, [(0, 0), (1, 0), (2, 0)], shape=(20, 12))
    for name in ("a.png", "sub/a.png", "x~y.png"):
        Image.fromarray(np.arange(240, dtype=np.uint8).reshape(12, 20)).save(folder / name)
    uids = {"SeriesInstanceUID": generate_uid(), "StudyInstanceUID": generate_uid()}
    for number, name in enumerate("cab"):
        pixels = np.random.default_rng(number).integers(0, 255, (12, 20), dtype=np.uint8)
        write_dicom(folder / "series" / f"{name}.dcm", pixels, InstanceNumber=number, **uids)
    return folder


def annotate(studies: Path, image: str, *points: tuple[str, int | None, float, float], tag: str = "final") -> Path:
    """As the server keeps it."""
    file = studies / ".landmarks" / tag / f"{image.replace('/', '~')}.json"
    file.parent.mkdir(parents=True, exist_ok=True)
    entries = [
        {"label": label, "x": x, "y": y} | ({} if frame is None else {"frame": frame}) for label, frame, x, y in points
    ]
    file.write_text(json.dumps({"landmarks": entries, "info": {"ts": 1}}))
    return file


@pytest.fixture
def annotated(studies: Path) -> Path:
    annotate(studies, CLIP, ("valve", 2, 3.25, 4), ("apex", 0, 1, 2))
    annotate(studies, "sub/a.png", ("valve", None, 5.5, 6))
    annotate(studies, "x~y.png", ("Klappe, ä", None, -0.5, 0))
    annotate(studies, "series/c.dcm", ("valve", 1, 7, 8), ("valve", 2, 9, 10))
    annotate(studies, "a.png", ("found", None, 1, 1), tag="original")
    annotate(studies, "a.png")  # all was removed again
    return studies


EXPECTED = {
    (CLIP, 2, "valve", 3.25, 4),
    (CLIP, 0, "apex", 1, 2),
    ("sub/a.png", 0, "valve", 5.5, 6),
    ("x~y.png", 0, "Klappe, ä", -0.5, 0),
    ("series/c.dcm", 1, "valve", 7, 8),
    ("series/c.dcm", 2, "valve", 9, 10),
}


@pytest.mark.parametrize("given", ["", ".landmarks"])
def test_the_folder_of_the_page_gives_examples(annotated, given):
    dataset = FrameDataset(find_image_series(annotated), (40, 40))
    check_example_file(annotated / given)
    found = read_example_points(annotated / given, dataset, annotated)
    assert {(one.prepared.name, one.frame, one.label, *one.point.tolist()) for one in found} == EXPECTED
    assert len(read_example_points(annotated / given, dataset, annotated, "apex")) == 1


def test_the_images_may_be_others_than_those_of_the_data_set(annotated, tmp_path, monkeypatch):
    other = tmp_path / "other"
    other.mkdir()
    Image.fromarray(np.arange(240, dtype=np.uint8).reshape(12, 20)).save(other / "b.png")
    dataset = FrameDataset(find_image_series(other), (40, 40))
    monkeypatch.chdir(tmp_path)
    found = read_example_points("studies", dataset, other)
    truth = {(str(annotated / image), *rest) for image, *rest in EXPECTED}
    assert {(one.prepared.source, one.frame, one.label, *one.point.tolist()) for one in found} == truth


@pytest.mark.parametrize("part", ["", "sub", "series"])
def test_a_truth_is_of_the_images_of_the_data_set(annotated, part):
    series = find_image_series(annotated / part)
    rows = read_known_landmarks(annotated, FrameDataset(series, (40, 40)).series)
    prefix = f"{part}/" if part else ""
    expected = {(image.removeprefix(prefix), *rest) for image, *rest in EXPECTED if image.startswith(prefix)}
    assert {(row.image, row.frame or 0, row.label, row.x, row.y) for row in rows} == expected


def test_the_live_view_takes_it_too(annotated, tmp_path):
    (tmp_path / "incoming").mkdir()
    frames = read_example_frames(annotated, tmp_path / "incoming")
    found = [
        (label, *point, frame) for frame in frames for label, point in zip(frame.labels, frame.points, strict=True)
    ]
    assert {one[:3] for one in found} == {row[2:] for row in EXPECTED}
    (last,) = [frame.image for *point, frame in found if point == ["valve", 9, 10]]
    assert (last.numpy() == np.random.default_rng(2).integers(0, 255, (12, 20), dtype=np.uint8).T).all()


def test_images_of_a_dicom_server_are_folders(tmp_path, write_dicom):
    uid = "1.2.840.10008.1"
    pixels = np.zeros((12, 20), np.uint8)
    write_dicom(tmp_path / uid / "00000.dcm", pixels, SeriesInstanceUID=uid, StudyInstanceUID="1.2")
    annotate(tmp_path, uid, ("valve", None, 3, 4))
    (one,) = labelled_series(tmp_path)
    assert one.name == f"{uid}/00000.dcm" and one.points[0].label == "valve"


def test_only_whole_files_of_people_count(annotated):
    (annotated / ".landmarks" / "final" / ".0123456789ab-a.png.json").write_text("{")
    names = [file.name for file in find_label_files(annotated)]
    assert names == ["a.png.json", "series~c.dcm.json", "sub~a.png.json", "sub~clip.nii.gz.json", "x~y.png.json"]


def test_a_damaged_file_is_named_before_images_are_read(annotated):
    (annotated / ".landmarks" / "final" / "a.png.json").write_text("{")
    for read in (check_example_file, lambda path: read_example_file(path, [])):
        with pytest.raises(InputError, match=r"final/a\.png\.json is not JSON"):
            read(annotated)


def test_where_nothing_is_set_yet_it_is_told(studies):
    annotate(studies, "a.png")
    with pytest.raises(InputError, match="no landmark is set yet"):
        read_example_file(studies, [])
    (studies / ".landmarks" / "final" / "a.png.json").unlink()
    with pytest.raises(InputError, match="no landmarks that were set with the annotation page"):
        read_example_file(studies, [])


def test_landmarks_of_an_image_that_is_gone_are_left_out_with_a_word(annotated, caplog):
    (annotated / CLIP).unlink()
    assert {one.name for one in labelled_series(annotated)} == {"sub/a.png", "x~y.png", "series/c.dcm"}
    assert "sub~clip.nii.gz.json is left out" in caplog.text


def test_names_and_labels_mean_the_same_in_any_unicode_form(studies, caplog):
    composed, apart = "H\u00fcfte", "Hu\u0308fte"
    (studies / "a.png").rename(studies / f"{composed}.png")
    annotate(studies, f"{apart}.png", (apart, None, 3, 4))  # as a Mac names files
    annotate(studies, "sub/b.png", ("apex", None, 1, 2))
    (one,) = read_example_file(studies, [])
    assert (one.image, one.label) == (str(studies / f"{composed}.png"), composed)
    assert select_labels([one], apart, studies) == [one]
    assert "sub~b.png.json is left out" in caplog.text and "the nearest names are 'sub~a.png'" in caplog.text


def test_landmarks_that_two_images_may_have_are_refused(studies):
    names = ["\u1e69.png", "s\u0323\u0307.png", "s\u0307\u0323.png"]
    for name in names[1:]:
        shutil.copy(studies / "a.png", studies / name)
    annotate(studies, names[0], ("valve", None, 3, 4))
    with pytest.raises(InputError, match=r"final/.*json: .* is the name of 2 files"):
        read_example_file(studies, [])


def test_a_frame_that_a_series_has_not_is_refused(annotated):
    (annotated / "series" / "b.dcm").unlink()
    with pytest.raises(InputError, match=r"series~c\.dcm\.json: 'valve' is of frame 2"):
        read_example_file(annotated, [])
