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
"""Tests of the files of an evaluation: its table and its pictures."""

from __future__ import annotations

import csv
import math
from collections.abc import Callable

import pytest
from matplotlib.figure import Figure
from PIL import Image

from scripts.evaluation.result import EvaluationResult
from scripts.evaluation.result_files import write_result


@pytest.fixture
def rows() -> list[dict]:
    return [{"image": "a, b.nii", "frame": 0, "mean_px": 2 / 3}, {"image": "c.nii", "mean_px": math.nan, "note": "x"}]


def square(color: str) -> Callable[[], Figure]:
    return lambda: Figure(figsize=(1, 1), facecolor=color)


def test_the_table_has_all_columns_and_numbers_of_four_decimals(tmp_path, rows):
    write_result(tmp_path, EvaluationResult("some_matching", {}, rows))
    with (tmp_path / "some_matching.csv").open(newline="", encoding="utf-8") as file:
        assert list(csv.DictReader(file)) == [
            {"image": "a, b.nii", "frame": "0", "mean_px": "0.6667", "note": ""},
            {"image": "c.nii", "frame": "", "mean_px": "nan", "note": "x"},
        ]


def test_without_rows_there_is_no_table(tmp_path):
    assert write_result(tmp_path, EvaluationResult("some_matching", {"mean_px": 1.0})) == []
    assert list(tmp_path.rglob("*.csv")) == []


def test_pictures_are_drawn_in_order_into_a_folder_of_the_name(tmp_path):
    figures = {"map_002": square("red"), "map_001": square("blue")}
    names = write_result(tmp_path, EvaluationResult("some_matching", {}, figures=figures))
    assert names == ["some_matching/map_002.png", "some_matching/map_001.png"]
    for name, color in zip(names, [(255, 0, 0), (0, 0, 255)], strict=True):
        with Image.open(tmp_path / name) as picture:
            assert picture.format == "PNG"
            assert picture.convert("RGB").getpixel((5, 5)) == color


def test_an_older_table_is_replaced_and_other_files_of_the_folder_stay(tmp_path, rows):
    write_result(tmp_path, EvaluationResult("some_matching", {}, rows, figures={"old": square("red")}))
    write_result(tmp_path, EvaluationResult("some_matching", {}, rows[:1], figures={"new": square("red")}))
    assert (tmp_path / "some_matching.csv").read_text().splitlines() == ["image,frame,mean_px", '"a, b.nii",0,0.6667']
    # what an earlier run wrote, and nothing else, is removed when the run ends: see OutputFolder
    assert sorted(path.name for path in (tmp_path / "some_matching").iterdir()) == ["new.png", "old.png"]


def test_other_evaluations_files_stay(tmp_path, rows):
    write_result(tmp_path, EvaluationResult("one", {}, rows, figures={"a": square("red")}))
    write_result(tmp_path, EvaluationResult("two", {}, rows, figures={"b": square("red")}))
    files = {path.relative_to(tmp_path).as_posix() for path in tmp_path.rglob("*") if path.is_file()}
    assert files == {"one.csv", "two.csv", "one/a.png", "two/b.png"}


def test_the_folder_is_made(tmp_path, rows):
    write_result(tmp_path / "new" / "folder", EvaluationResult("one", {}, rows))
    assert (tmp_path / "new" / "folder" / "one.csv").is_file()
