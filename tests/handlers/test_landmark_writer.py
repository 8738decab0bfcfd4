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
"""Tests of what inference writes, through MONAI's evaluator with cross-correlation in the network's place."""

from __future__ import annotations

import errno
import json
import math
import shutil
from pathlib import Path

import numpy as np
import pydicom
import pytest
import torch
from ignite.engine import Engine
from monai.engines import SupervisedEvaluator
from PIL import Image
from pydicom.data import get_testdata_file
from pydicom.examples import get_path
from torch.utils.data import DataLoader

from scripts.classical import NCCMatcher
from scripts.data.example_images import read_example_points
from scripts.data.frame_dataset import FrameDataset
from scripts.data.image_series import find_image_series
from scripts.engines import SeriesPrepareBatch
from scripts.handlers import LandmarkWriter, landmark_writer
from scripts.inferers import ExampleBank, MultiExampleInferer, Trust
from scripts.io.dicom_sr import read_dicom_sr
from scripts.io.input_error import InputError
from scripts.io.landmarks_csv import Landmark, read_landmarks_csv
from scripts.io.slicer_markups import read_slicer_markups

CLIP, STILL = "patient/clip.nii", "still.png"
SHIFTS = {CLIP: [(0, 0), (4, -2), (8, 4)], STILL: [(6, -4)]}
A, B = np.array([40, 30]), np.array([34, 28])  # in an image without a shift
APART = np.array([6, 0])  # the still's example of "a" is marked at another place of the texture
AFFINE = np.array([[0.5, 0, 0, 10], [0, 0.7, 0, -20], [0, 0, 1, 5], [0, 0, 0, 1]])


@pytest.fixture
def data(tmp_path, write_clip, texture_frames) -> Path:
    """A clip and a still of one texture, 80 x 60 px."""
    folder = tmp_path / "data"
    write_clip(folder / CLIP, SHIFTS[CLIP], affine=AFFINE)
    still = texture_frames((80, 60), SHIFTS[STILL])[0]
    Image.fromarray((still.T * 200 + 20).clip(0, 255).astype(np.uint8)).save(folder / STILL)
    return folder


def infer(data: Path, output: Path, *, within_subject: bool = False, runs: int = 1, **options) -> Path:
    """Find "a" and "b" at the network's size of 40 x 40 px; batches of three run across the images."""
    dataset = FrameDataset(find_image_series(data), (40, 40))
    at = A + SHIFTS[STILL][0] + APART
    rows = [f"{CLIP},0,a,{A[0]},{A[1]}", f"{CLIP},0,b,{B[0]},{B[1]}", f"{STILL},,a,{at[0]},{at[1]}"]
    table = data.parent / "examples.csv"
    table.write_text("\n".join(["image,frame,label,x,y", *rows]) + "\n")
    network = NCCMatcher()
    bank = ExampleBank(network, patch_size=15).add_points(read_example_points(table, dataset, data))
    evaluator = SupervisedEvaluator(
        device=torch.device("cpu"),
        val_data_loader=DataLoader(dataset, batch_size=3),
        network=network,
        inferer=MultiExampleInferer(bank),
        prepare_batch=SeriesPrepareBatch(dataset, within_subject=within_subject),
        val_handlers=[LandmarkWriter(output, dataset, bank, within_subject=within_subject, **options)],
        decollate=False,
    )
    for _ in range(runs):
        evaluator.run()
    return output


def test_rows_say_whether_an_example_lies_on_them(data, tmp_path):
    rows = read_landmarks_csv(infer(data, tmp_path / "out", max_pictures=0) / "landmarks.csv")
    examples = [(row.image, row.frame, row.label) for row in rows if row.is_example]
    assert examples == [(CLIP, 0, "a"), (CLIP, 0, "b"), (STILL, None, "a")]


def test_rows_are_unchecked_without_learned_limits_and_valid_within_them(data, tmp_path):
    # cross-correlation is sure to half the network's image, far more than a quarter of its patch
    statuses = {}
    for name, trust in [("lenient", None), ("wide", Trust({"sigma_px": 60.0})), ("of others", Trust({"dissent": 0.4}))]:
        output = infer(data, tmp_path / name, max_pictures=0, trust=trust)
        rows = [row for row in read_landmarks_csv(output / "landmarks.csv") if row.label == "b"]
        statuses[name] = {(row.status.value, row.reason) for row in rows}
    assert statuses == {
        "lenient": {("doubtful", "the uncertainty is too large")},
        "wide": {("valid", "")},
        "of others": {("unchecked", "")},
    }
    trust = Trust({"sigma_px": 60.0, "disagreement_px": 2.5})
    output = infer(data, tmp_path / "apart", max_pictures=0, trust=trust)
    for row in read_landmarks_csv(output / "landmarks.csv"):  # the two of "a" are 3 px from their mean
        expected = ("doubtful", "the examples disagree") if row.label == "a" else ("valid", "")
        assert (row.status, row.reason) == expected
    assert "4 valid, 4 doubtful." in (output / "index.html").read_text()
    described = (output / "markups" / f"{STILL}.mrk.json").read_text()
    assert "doubtful: the examples disagree" in described and "1 example(s), valid" in described


def test_an_example_that_is_not_found_in_its_own_image_is_named_on_the_page(data, tmp_path, caplog):
    with Image.open(data / STILL) as still:
        pixels = np.asarray(still).copy()
    pixels[:, 30:] = 90
    Image.fromarray(pixels).save(data / STILL)  # where its example of "a" lies there is nothing now
    output = infer(data, tmp_path / "out", max_pictures=0, within_subject=True)
    line = f"example 'a' on {STILL}, lies on a blank part of its image"
    assert line in caplog.text
    assert line.replace("'", "&#x27;") in (output / "index.html").read_text()
    rows = {(row.image, row.label, row.frame or 0): row for row in read_landmarks_csv(output / "landmarks.csv")}
    doubted = rows[STILL, "a", 0]
    assert (doubted.status, doubted.reason) == ("doubtful", "its example lies on a blank part of its image")
    assert not rows[CLIP, "a", 0].reason.startswith("its example")


def check(row: Landmark, place: np.ndarray) -> None:
    np.testing.assert_allclose((row.x, row.y), place, atol=0.5)


def test_rows_are_in_px_of_the_original_and_fused_from_all_examples(data, tmp_path):
    rows = read_landmarks_csv(infer(data, tmp_path / "out", max_pictures=0) / "landmarks.csv")
    expected = [(CLIP, t, label) for t in range(3) for label in "ab"] + [(STILL, None, "a"), (STILL, None, "b")]
    assert [(row.image, row.frame, row.label) for row in rows] == expected
    for row in rows:
        shift = np.array(SHIFTS[row.image][row.frame or 0])
        # the two examples of "a" are equally sure and disagree by APART: their mean is half-way
        check(row, shift + (A + APART / 2 if row.label == "a" else B))
        assert row.n_examples == (2 if row.label == "a" else 1)
        # cross-correlation is sure to half the network's image, 20 of its px: the still's 80 px along x are 40,
        # the clip's 38, as its 60 px along y are longer ones and become 40
        half, half_y = (20 * 80 / 38, 30) if row.image == CLIP else (40, 40)
        assert row.sigma_x == pytest.approx(np.hypot(half, 3) if row.label == "a" else half, abs=0.1)
        assert row.sigma_y == pytest.approx(half_y, abs=0.1)
    table = (tmp_path / "out" / "landmarks.csv").read_text().splitlines()
    assert table[-1].startswith(f"{STILL},,b,")


def test_within_a_subject_its_own_examples_answer_alone(data, tmp_path):
    rows = read_landmarks_csv(infer(data, tmp_path / "out", within_subject=True, max_pictures=0) / "landmarks.csv")
    assert len(rows) == 8
    for row in rows:
        shift = np.array(SHIFTS[row.image][row.frame or 0])
        own_a = A if row.image == CLIP else A + APART
        check(row, shift + (own_a if row.label == "a" else B))  # the still has no "b" and takes the clip's
        assert row.n_examples == 1


def test_markups_have_every_point_in_lps_mm(data, tmp_path):
    output = infer(data, tmp_path / "out", max_pictures=0)
    rows = read_landmarks_csv(output / "landmarks.csv")
    clip = read_slicer_markups(output / "markups" / f"{CLIP}.mrk.json")
    still = read_slicer_markups(output / "markups" / f"{STILL}.mrk.json")
    assert [label for label, _ in clip] == ["a [0]", "b [0]", "a [1]", "b [1]", "a [2]", "b [2]"]
    assert [label for label, _ in still] == ["a", "b"]
    for (_, place), row in zip(clip, rows[:6], strict=True):
        np.testing.assert_allclose(place, (-(0.5 * row.x + 10), -(0.7 * row.y - 20), 5), atol=2e-3)
    for (_, place), row in zip(still, rows[6:], strict=True):
        np.testing.assert_allclose(place, (row.x, row.y, 0), atol=2e-3)


def test_over_time_each_landmark_has_its_own_markups(data, tmp_path):
    output = infer(data, tmp_path / "out", markups_layout="over_time")
    markups = output / "markups"
    assert files(markups) == {f"{image}/{label}.mrk.json" for image in (CLIP, STILL) for label in "ab"}
    rows = [row for row in read_landmarks_csv(output / "landmarks.csv") if row.label == "b" and row.image == CLIP]
    found = read_slicer_markups(markups / CLIP / "b.mrk.json")
    assert [label for label, _ in found] == ["b [0]", "b [1]", "b [2]"]
    for (_, place), row in zip(found, rows, strict=True):
        np.testing.assert_allclose(place, (-(0.5 * row.x + 10), -(0.7 * row.y - 20), 5), atol=1e-3)
    page = (output / "index.html").read_text()
    assert f"markups/{CLIP}/a.mrk.json" in page and f"markups/{STILL}/b.mrk.json" in page
    # and all of them come back as examples of their images
    dataset = FrameDataset(find_image_series(data), (40, 40))
    points = read_example_points(markups, dataset, data)
    assert len(points) == 8 and {one.prepared.name for one in points} == {CLIP, STILL}


def test_another_layout_is_refused(data, tmp_path):
    with pytest.raises(InputError, match="markups_layout is 'curves'; give one of 'points', 'over_time'"):
        infer(data, tmp_path / "out", markups_layout="curves")


def test_the_table_has_places_where_the_file_tells_them(data, tmp_path):
    rows = read_landmarks_csv(infer(data, tmp_path / "out", max_pictures=0) / "landmarks.csv")
    for row in rows[:6]:
        place = (row.lps_x, row.lps_y, row.lps_z)
        np.testing.assert_allclose(place, (-(0.5 * row.x + 10), -(0.7 * row.y - 20), 5), atol=2e-3)
    assert {(row.lps_x, row.lps_y, row.lps_z) for row in rows[6:]} == {(None, None, None)}  # a PNG


def write_found(folder: Path, output: Path, found: dict[str, tuple[float, float]], **options) -> Path:
    """Let the writer write points, normalised, that an engine is said to have found in each frame."""
    dataset = FrameDataset(find_image_series(folder), (40, 40))
    bank = ExampleBank(NCCMatcher(), patch_size=15)
    bank.add(dataset.series[0].image(0), torch.full((len(found), 2), 20.0), list(found))
    writer = LandmarkWriter(output, dataset, bank, max_pictures=0, **options)
    engine = Engine(
        lambda engine, batch: {
            "pred": torch.tensor([[*xy, 0.1, 0.1, math.nan, math.nan] for xy in found.values()])[None]
        }
    )
    writer.attach(engine)
    engine.run([{"series": torch.tensor([s]), "frame": torch.tensor([t])} for s, t in dataset.items])
    return output


def test_reports_are_written_of_dicom_series_when_asked(tmp_path, caplog):
    pytest.importorskip("highdicom")
    folder = tmp_path / "data"
    folder.mkdir()
    shutil.copy(get_testdata_file("CT_small.dcm"), folder / "slice.dcm")
    shutil.copy(get_path("ybr_color"), folder / "clip.dcm")
    Image.fromarray(np.arange(24, dtype=np.uint8).reshape(4, 6)).save(folder / "still.png")
    found = {"a": (0.0, 0.0), "b": (0.1, 0.95)}
    assert not (write_found(folder, tmp_path / "off", found) / "sr").exists()
    output = write_found(folder, tmp_path / "out", found, dicom_sr=True)
    assert files(output / "sr") == {"slice.dcm.dcm", "clip.dcm.dcm"}
    rows = [row for row in read_landmarks_csv(output / "landmarks.csv") if row.image == "slice.dcm"]
    points = read_dicom_sr(output / "sr" / "slice.dcm.dcm")
    assert [point.label for point in points] == ["a", "b"]
    for row, point in zip(rows, points, strict=True):
        np.testing.assert_allclose((point.x, point.y), (row.x, row.y), atol=2e-3)
        np.testing.assert_allclose(point.lps, (row.lps_x, row.lps_y, row.lps_z), atol=2e-3)
    # "b" lies below the wide clip, where the network's square image is padded
    points = read_dicom_sr(output / "sr" / "clip.dcm.dcm")
    assert [(point.label, point.frame) for point in points] == [("a", t) for t in range(30)]
    assert "sr/clip.dcm.dcm: 30 of 60 landmarks lie outside of their image and are left out" in caplog.text


def test_files_that_no_report_can_refer_to_are_told_before_the_work(tmp_path):
    pytest.importorskip("highdicom")
    folder = tmp_path / "data"
    folder.mkdir()
    source = pydicom.dcmread(get_testdata_file("CT_small.dcm"))
    del source.StudyInstanceUID
    source.save_as(folder / "slice.dcm")
    dataset = FrameDataset(find_image_series(folder), (40, 40))
    bank = ExampleBank(NCCMatcher(), patch_size=15)
    LandmarkWriter(tmp_path / "out", dataset, bank)
    with pytest.raises(InputError, match=r"slice\.dcm lacks StudyInstanceUID"):
        LandmarkWriter(tmp_path / "out", dataset, bank, dicom_sr=True)


def files(output: Path) -> set[str]:
    return {path.relative_to(output).as_posix() for path in output.rglob("*") if path.is_file()}


TABLES = {"landmarks.csv", "index.html", f"markups/{CLIP}.mrk.json", f"markups/{STILL}.mrk.json"}
OF_CLIP = {f"pictures/{CLIP}.gif", f"pictures/{CLIP}.trajectories.png"}


def test_pictures_of_both_kinds_and_a_page_that_shows_them(data, tmp_path):
    output = infer(data, tmp_path / "out", title="Hearts & more")
    assert files(output) == TABLES | OF_CLIP | {f"pictures/{STILL}.png"}
    with Image.open(output / f"pictures/{CLIP}.gif") as gif:
        assert gif.n_frames == 3
        assert gif.info["duration"] == 100  # the file does not tell its rate
    with Image.open(output / f"pictures/{STILL}.png") as picture:
        assert picture.size == (900, 675)
    page = (output / "index.html").read_text()
    assert "Hearts &amp; more" in page
    assert "2 landmarks in 2 images, found from 3 examples." in page
    assert "Pictures show" not in page
    for name in files(output) - {"index.html"}:
        assert f'"./{name}"' in page
    assert "Metrics" not in page


def test_pictures_are_of_the_first_images_and_tables_of_all(data, tmp_path):
    output = infer(data, tmp_path / "out", max_pictures=1, max_fps=5.0)
    assert files(output) == TABLES | OF_CLIP
    assert len(read_landmarks_csv(output / "landmarks.csv")) == 8
    with Image.open(output / f"pictures/{CLIP}.gif") as gif:
        assert gif.info["duration"] == 200
    assert "Pictures show the first 1." in (output / "index.html").read_text()


@pytest.mark.parametrize("damaged", ["{", "[1]"])
def test_a_damaged_file_of_figures_is_named_before_anything_is_inferred(data, tmp_path, damaged):
    output = tmp_path / "out"
    output.mkdir()
    (output / "metrics.json").write_text(damaged)
    with pytest.raises(InputError, match=r"metrics\.json cannot be read"):
        infer(data, output)
    assert files(output) == {"metrics.json"}


def test_an_evaluations_figures_are_shown(data, tmp_path):
    output = tmp_path / "out"
    output.mkdir()
    matching = {"mean_px": 7.25, "notes": ["two images are too small"]}
    (output / "metrics.json").write_text(json.dumps({"cyclic_error_px": 1.875, "pixel_matching": matching}))
    (output / "report.html").write_text("all of it")
    page = (infer(data, output, max_pictures=0) / "index.html").read_text()
    assert "Cyclic error" in page
    assert "1.88" in page
    assert '"./metrics.json"' in page
    # an evaluation's own tables are in its report
    assert "7.25" not in page
    assert '"./report.html"' in page


def test_a_second_run_replaces_the_first(data, tmp_path):
    once = infer(data, tmp_path / "once", max_pictures=0) / "landmarks.csv"
    twice = infer(data, tmp_path / "twice", max_pictures=0, runs=2) / "landmarks.csv"
    assert twice.read_text() == once.read_text()


def test_the_page_names_the_images_that_could_not_be_used(data, tmp_path):
    (data / "empty.png").touch()
    content = (data / STILL).read_bytes()
    (data / "half.png").write_bytes(content[: len(content) // 2])
    page = (infer(data, tmp_path / "out") / "index.html").read_text()
    part = page[page.index("Images that could not be used") :]
    assert "empty.png is empty" in part
    assert "half.png cannot be read" in part
    rows = read_landmarks_csv(tmp_path / "out" / "landmarks.csv")
    assert {row.image for row in rows} == {CLIP, STILL}


def test_an_image_whose_files_cannot_be_written_loses_no_others(data, tmp_path, monkeypatch, caplog):
    written = landmark_writer.write_slicer_markups

    def refuse(path, *args):
        if STILL in Path(path).name:
            raise OSError(errno.ENAMETOOLONG, "File name too long", str(path))
        written(path, *args)

    monkeypatch.setattr(landmark_writer, "write_slicer_markups", refuse)
    output = infer(data, tmp_path / "out")
    assert (output / f"markups/{CLIP}.mrk.json").is_file()
    assert {row.image for row in read_landmarks_csv(output / "landmarks.csv")} == {CLIP, STILL}
    line = f"{STILL}: not all files were written"
    assert line in caplog.text
    assert line in (output / "index.html").read_text()
