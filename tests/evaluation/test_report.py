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
"""Tests of the report of an evaluation: this run's figures beside the paper's, and all pictures in the one file."""

from __future__ import annotations

import base64
import re
from collections.abc import Mapping, Sequence
from html.parser import HTMLParser
from pathlib import Path

import pytest
import torch

from scripts.evaluation import (
    Calibration,
    CyclicMatching,
    EvaluationResult,
    LandmarkMatching,
    PixelMatching,
)
from scripts.evaluation.report import write_evaluation_report
from scripts.evaluation.result_files import write_result

ABOUT = {
    "Data": [("Series", "1"), ("Images", "8")],
    "Weights": [("Network", "SomeNetwork, SomeHead"), ("File", "model.pt")],
    "Versions": [("MONAI", "9.8.7")],
}
SHIFTS = [(0, 0), (1, -1), (-1, 2), (1, 1), (0, 2), (-2, -1), (2, 2), (1, 0)]
POINTS = {"left": (10, 12), "middle": (14, 17), "right": (18, 11)}
OFFSET = (3.0, -4.0)
TIME = EvaluationResult("inference_time", {"ms_per_image": 12.34, "examples": 20, "device": "cpu", "threads": 2})


class Page(HTMLParser):
    """What a reader sees: rows of cells by caption, text, sections, and the addresses that a browser would open."""

    def __init__(self, path: Path) -> None:
        super().__init__()
        self.html = path.read_text(encoding="utf-8")
        self.tables: dict[str, list[list[str]]] = {}
        self.sections: dict[str, str] = {}
        self.lists: list[str] = []
        self.addresses: list[str] = []
        self._open: list[str] = []
        self._heading = self._caption = ""
        self.feed(self.html)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.addresses += [value or "" for name, value in attrs if name in ("src", "href", "srcset", "data")]
        if tag in ("meta", "img", "br"):
            return
        self._open.append(tag)
        if tag in ("h2", "caption"):
            self._heading, self._caption = ("", "") if tag == "h2" else (self._heading, "")
        elif tag == "tr":
            self.tables.setdefault(self._caption, []).append([])
        elif tag in ("th", "td"):
            self.tables[self._caption][-1].append("")
        elif tag == "li":
            self.lists.append("")

    def handle_endtag(self, tag: str) -> None:
        assert self._open.pop() == tag

    def handle_data(self, data: str) -> None:
        tag = self._open[-1] if self._open else ""
        if tag == "h2":
            self._heading += data
        elif tag == "caption":
            self._caption += data
        elif tag in ("th", "td"):
            self.tables[self._caption][-1][-1] += data
        elif tag == "li":
            self.lists[-1] += data
        if tag not in ("", "style", "h2"):
            self.sections[self._heading] = self.sections.get(self._heading, "") + data

    def table(self, caption: str) -> dict[str, list[str]]:
        """Name of each row of the table whose caption begins like this to its other cells."""
        (found,) = (rows for name, rows in self.tables.items() if name.startswith(caption))
        assert len({row[0] for row in found}) == len(found)
        return {row[0]: row[1:] for row in found}

    def section(self, heading: str) -> str:
        (found,) = (text for name, text in self.sections.items() if name.startswith(heading))
        return found


class Run:
    """A clip of eight frames with known landmarks, and the report of what is asked about it."""

    def __init__(self, folder: Path, dataset, truth: Path) -> None:
        self.folder, self.dataset, self.truth = folder, dataset, truth

    def pixel(self, matcher, **options) -> EvaluationResult:
        return PixelMatching(self.dataset, 9, step=2, **options)(matcher)

    def cyclic(self, matcher) -> EvaluationResult:
        return CyclicMatching(self.dataset, 21)(matcher)

    def landmarks(self, matcher, **options) -> EvaluationResult:
        return LandmarkMatching(self.dataset, 9, self.truth, **options)(matcher)

    def report(
        self,
        *results: EvaluationResult,
        metrics: Mapping | None = None,
        notes: Sequence[str] = (),
        draw: bool = False,
        about: Mapping = ABOUT,
    ) -> Page:
        path = self.folder / "out" / "report.html"
        pictures = {result.name: write_result(path.parent, result) for result in results} if draw else {}
        write_evaluation_report(path, results, pictures, metrics or {}, about, notes)
        return Page(path)


@pytest.fixture
def run(tmp_path, write_frames, frame_dataset, write_marks) -> Run:
    write_frames(tmp_path / "data" / "clip.nii", SHIFTS, scrambled=True, spacing=(0.5, 0.5))
    truth = write_marks(tmp_path / "truth.csv", {"clip.nii": SHIFTS}, POINTS)
    return Run(tmp_path, frame_dataset(tmp_path / "data"), truth)


@pytest.fixture
def off(known_matcher):
    """Finds everything 5 px off."""
    return known_matcher(scrambled=True, offset=OFFSET)


@pytest.fixture
def little_off(known_matcher):
    """Finds everything 1 px off."""
    return known_matcher(scrambled=True, offset=(1.0, 0.0))


@pytest.fixture
def right_errs(known_matcher):
    """Finds what lies far to the right 5 px off, and all the rest exactly."""
    return known_matcher(scrambled=True, offset=lambda places: (places[:, :1] > 16) * torch.tensor(OFFSET))


def test_the_three_errors_stand_above_those_of_the_paper(run, off, little_off):
    page = run.report(run.pixel(off), run.cyclic(little_off), run.landmarks(off))
    table = page.table("As Table 1 of the paper")
    assert table["This run"] == ["5.00 ± 0.00", "2.00 ± 0.00", "5.00 ± 0.00"]
    assert table["Frueh et al. 2022, MR-LINAC"] == ["3.7 ± 5.4", "6.6 ± 8.7", "1.8 ± 1.7"]
    assert table["Frueh et al. 2022, abdominal MRI"] == ["2.2 ± 2.8", "4.3 ± 4.2", "2.1 ± 0.94"]
    assert table["Frueh et al. 2022, chest X-ray"] == ["2.2 ± 1.5", "4.4 ± 3.7", "5.8 ± 3.9"]
    assert list(table)[1] == "This run"  # the first row below the header
    assert "for orientation" in page.sections[""]


def test_what_was_not_asked_is_not_evaluated(run, little_off):
    page = run.report(run.cyclic(little_off))
    assert page.table("As Table 1 of the paper")["This run"] == ["not evaluated", "2.00 ± 0.00", "not evaluated"]
    assert not [name for name in page.sections if "III-A" in name or "III-C" in name or "uncertainty" in name]


def test_errors_of_patches_are_in_px_and_in_mm(run, off):
    page = run.report(run.pixel(off))
    table = page.table("Euclidean error")
    assert table["Unit"] == ["Mean ± sd", "Median", "Min", "Max"]
    assert table["px"] == ["5.00 ± 0.00", "5.00", "5.00", "5.00"]
    assert table["mm"] == ["2.50 ± 0.00", "2.50", "2.50", "2.50"]
    text = page.section("Pixel-wise template matching")
    assert "every second pixel of 8 images" in text and "mean sigma: 1.41 px" in text and "1,568 patches" in text


def test_how_the_pairs_were_found_is_told(run, off):
    text = run.report(run.cyclic(off)).section("Cross-image matching without labels")
    assert "1 key images" in text and "1 pairs" in text and "same series at the far end of its motion" in text


def test_landmarks_have_a_row_each_and_those_apart_one_of_their_own(run, right_errs):
    page = run.report(run.landmarks(right_errs, labels_apart=["right"]))
    for caption in ("One example", "4 examples"):
        table = page.table(caption)
        assert list(table) == ["Landmark", "All", "All reported apart", *POINTS]
        assert table["Landmark"][4:-1] == [f"≤ {radius} {unit}" for unit in ("px", "mm") for radius in (2, 4, 6)]
        assert table["All"][0] == table["left"][0] == table["middle"][0] == "0.00 ± 0.00"
        assert table["All reported apart"][0] == table["right"][0] == "5.00 ± 0.00"
        row = dict(zip(table["Landmark"], table["right"], strict=True))
        assert row["95 % interval"] == "5.00 to 5.00"
        assert (row["≤ 2 px"], row["≤ 4 px"], row["≤ 6 px"]) == ("0 %", "0 %", "100 %")
        assert (row["≤ 2 mm"], row["≤ 4 mm"]) == ("0 %", "100 %")  # of 0.5 mm a px
        assert row["Mean ± sd [mm]"] == "2.50 ± 0.00"
    text = page.section("Landmarks from examples")
    assert "Main figure: left, middle. Reported apart: right." in text
    assert "4 images of 1 patients" in text and "4 other frames of the same series" in text


def test_the_error_is_told_for_each_number_of_examples(run, off):
    table = run.report(run.landmarks(off, counts=[1, 3, 4])).table("Error against the number of examples")
    assert list(table) == ["Examples", "1", "3", "4"]
    assert table["3"][:2] == ["5.00 ± 0.00", "5.00 to 5.00"]


def test_one_example_alone_has_one_table(run, off):
    captions = run.report(run.landmarks(off, counts=[1])).tables
    assert "One example" in captions and "1 examples" not in captions


def test_methods_and_their_time_stand_beside_those_of_the_paper(run, off, known_matcher):
    exact = known_matcher(scrambled=True)
    page = run.report(run.landmarks(exact, baselines={"Cross-correlation": off}), TIME)
    table = page.table("As Table 2 of the paper")
    assert table["This run"] == ["4: 0.00 ± 0.00", "0.00 ± 0.00", "12.3"]
    assert table["Cross-correlation, this run"] == ["4: 5.00 ± 0.00", "5.00 ± 0.00", ""]
    paper = {name.split(", ", 1)[1]: cells for name, cells in table.items() if name.startswith("Frueh")}
    assert paper["template matching network"][1] == "5.8 ± 3.9"
    assert paper["supervised ResNet-50"][0] == "50: 8.5"
    assert paper["SimCLR patches"][0] == "5: 6.6"
    assert paper["supervised, SimCLR pre-trained"][0] == "50: 6.3"
    assert "against 20 encoded patches, on cpu, torch threads: 2" in page.section("Landmarks from examples")


def test_without_a_measured_time_there_is_none(run, off):
    assert run.report(run.landmarks(off)).table("As Table 2 of the paper")["This run"][2] == ""


def test_the_choices_are_told_as_in_table_3(run, off):
    judged = Calibration(distribution="laplace")(off, "cpu", {})
    page = run.report(run.landmarks(off), judged)
    row = page.table("As Table 3 of the paper")["This run"]
    assert row == ["SomeNetwork, SomeHead", "laplace", "4: 5.00 ± 0.00"]


def test_the_calibration_is_told_for_each_kind_of_answer_and_stage(run, known_matcher):
    matcher = known_matcher(scrambled=True, noise=2.0, too_small=3.0)
    result = run.pixel(matcher)
    calibration = Calibration([PixelMatching(run.dataset, 9, step=2)])(matcher, "cpu", result.residuals)
    page = run.report(result, calibration)
    rows = page.tables["Coverage"]
    assert rows[0][2:5] == ["50 % ellipse", "90 % ellipse", "95 % ellipse"]
    assert [row[:2] for row in rows[1:]] == [["self-matching", "before"], ["self-matching", "after"]]
    for row, stage in zip(rows[1:], ("before", "after"), strict=True):
        figures = calibration.metrics["self-matching"][stage]
        assert row[2:5] == [f"{figures[f'coverage_{level}_percent']:.1f} %" for level in (50, 90, 95)]
        assert row[5] == f"{figures['expected_calibration_error_percent']:.1f} %"
    temperature = calibration.metrics["temperature"]["self-matching"]
    assert f"self-matching: {temperature:.2f}" in page.section("Calibration of the uncertainty")


def test_a_calibration_that_could_not_be_fitted_says_so(run, off):
    result = run.pixel(off)
    page = run.report(result, Calibration()(off, "cpu", result.residuals))
    assert [row[:2] for row in page.tables["Coverage"][1:]] == [["self-matching", "before"]]
    assert "No temperature." in page.section("Calibration of the uncertainty")
    assert any("no validation split to fit on" in line for line in page.lists)


def test_conformal_radii_have_a_row(run, known_matcher):
    matcher = known_matcher(scrambled=True, noise=2.0)
    residuals = run.landmarks(matcher, correct_bias=False).residuals
    fit = LandmarkMatching(run.dataset, 9, run.truth, correct_bias=False)
    page = run.report(Calibration([fit])(matcher, "cpu", residuals))
    stages = [row[1] for row in page.tables["Coverage"][1:]]
    assert stages == ["before", "conformal"] * 2
    assert page.tables["Coverage"][2][-2:] == ["", ""]


def test_everything_that_was_left_out_is_listed(run, known_matcher):
    blind = known_matcher(scrambled=True, lost=lambda places: places[:, 0] < 0)
    results = [run.pixel(blind, images=5), LandmarkMatching(run.dataset, 9)(blind)]
    page = run.report(*results, notes=["left of clip.nii: no true position in 1 of 8 frames"])
    notes = [note for result in results for note in result.notes]
    assert len(notes) == 3 and len(page.lists) == 4
    for note in notes:
        assert any(line.endswith(f": {note}") for line in page.lists)
    assert "Pixel matching: 5 of 8 images, drawn with seed 0" in page.lists
    assert "Followed examples: left of clip.nii: no true position in 1 of 8 frames" in page.lists


def test_nothing_left_out_is_said_too(run, off):
    page = run.report(run.pixel(off))
    assert page.lists == []
    assert "Nothing." in page.section("Left out or missing")


def test_open_questions_do_not_break_the_report(run, off, known_matcher):
    nowhere = known_matcher(scrambled=True, lost=lambda places: torch.ones(len(places), dtype=torch.bool))
    page = run.report(run.pixel(nowhere), run.cyclic(nowhere), LandmarkMatching(run.dataset, 9)(nowhere), draw=True)
    assert page.table("As Table 1 of the paper")["This run"] == ["none ± none", "none ± none", "not evaluated"]
    assert "Not evaluated" in page.section("Landmarks from examples")
    page = run.report(run.landmarks(nowhere))
    assert page.table("One example")["left"][0] == "none ± none"
    assert page.table("One example")["left"][1] == "none to none"


def test_figures_of_the_training_task_and_the_followed_examples_are_shown(run, off):
    metrics = {"self_matching_error_px": 1.25, "motion_px": {"dome": 12.5}, "ncc_pixel_cyclic_error_px": None}
    page = run.report(run.pixel(off), metrics=metrics)
    text = page.section("Training task and followed examples")
    assert "Self matching error" in text and "1.25" in text and "dome" in text and "12.5" in text


def test_data_weights_and_versions_are_told(run, off):
    page = run.report(run.pixel(off))
    assert page.table("Data") == {"Series": ["1"], "Images": ["8"]}
    assert page.table("Weights") == {"Network": ["SomeNetwork, SomeHead"], "File": ["model.pt"]}
    assert page.table("Versions") == {"MONAI": ["9.8.7"]}


def test_pictures_are_in_the_file_and_nothing_comes_from_outside(run, right_errs):
    results = [run.pixel(right_errs, images=2), run.cyclic(right_errs), run.landmarks(right_errs)]
    page = run.report(*results, draw=True)
    assert len(page.addresses) == sum(len(result.figures) for result in results) == 2 + 1 + 3
    written = {path.read_bytes() for path in (run.folder / "out").rglob("*.png")}
    prefix = "data:image/png;base64,"
    assert {base64.b64decode(address.removeprefix(prefix)) for address in page.addresses} == written
    without_pictures = re.sub(r'"data:image/png;base64,[^"]*"', '""', page.html)
    assert not re.search(r"https?://|//[a-z]|url\(|<script|<link|<iframe|@import", without_pictures)


def test_at_most_six_maps_are_shown_evenly_spread(run, off):
    page = run.report(run.pixel(off), draw=True)
    assert len(list((run.folder / "out" / "pixel_matching").iterdir())) == 8
    assert len(page.addresses) == 4
    shown = re.findall(r"<figcaption>(.*?)</figcaption>", page.html)
    assert shown == ["map_001.png", "map_003.png", "map_005.png", "map_007.png"]
    assert "Shown are 4 of 8; all are in the folder pixel_matching" in page.section("Pixel-wise template matching")


@pytest.mark.parametrize(("number", "shown"), [(1, 1), (6, 6), (7, 4), (13, 5), (100, 6)])
def test_there_are_never_more_than_six_maps(run, off, number, shown):
    (run.folder / "out").mkdir()
    (run.folder / "out" / "map.png").write_bytes(b"a picture")
    pictures = {"cyclic_matching": ["map.png"] * number, "pixel_matching": ["map.png"] * number}
    write_evaluation_report(
        run.folder / "out" / "report.html", [run.pixel(off, images=1), run.cyclic(off)], pictures, {}, ABOUT
    )
    page = Page(run.folder / "out" / "report.html")
    assert len(page.addresses) == 2 * shown
    assert ("Shown are" in page.section("Cross-image matching")) == (shown < number)


def test_names_with_marks_of_html_are_shown_as_they_are(run, off):
    about = {**ABOUT, "Data": [("<b>Series</b>", "a & b")]}
    page = run.report(run.pixel(off), about=about, notes=["<i>x</i>.nii"])
    assert page.table("Data") == {"<b>Series</b>": ["a & b"]}
    assert "Followed examples: <i>x</i>.nii" in page.lists
