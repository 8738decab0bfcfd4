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
from __future__ import annotations

from html.parser import HTMLParser
from pathlib import Path
from urllib.parse import unquote

import numpy as np
import pytest

from scripts.visualize.report import Section, write_report

VOID = {"meta", "img", "br"}


class Page(HTMLParser):
    """Reads a page, minds that each tag is closed in order, and collects text, links and pictures."""

    def __init__(self, path: Path) -> None:
        super().__init__()
        self.open: list[str] = []
        self.tags: list[str] = []
        self.addresses: list[str] = []
        self.rows: list[list[str]] = []
        self.text = ""
        self.feed(path.read_text(encoding="utf-8"))
        self.close()
        assert self.open == []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        self.addresses += [value or "" for name, value in attrs if name in ("src", "href")]
        if tag not in VOID:
            self.open.append(tag)
        if tag == "tr":
            self.rows.append([])
        if tag in ("th", "td"):
            self.rows[-1].append("")

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        if "style" in self.open:
            return
        self.text += data
        if self.open and self.open[-1] in ("th", "td"):
            self.rows[-1][-1] += data


def report(folder: Path, **options: object) -> Page:
    path = folder / "index.html"
    write_report(path, **{"title": "Liver", "intro": "One clip.", "sections": []} | options)
    return Page(path)


def test_pictures_and_files_are_there_and_reached_by_relative_paths(tmp_path: Path) -> None:
    names = ["clip.gif", "figures/50% & more #1?.png", "javascript:a.csv"]
    (tmp_path / "figures").mkdir()
    for name in names:
        (tmp_path / name).touch()
    page = report(tmp_path, sections=[Section("Motion", "Text.", pictures=names[:2], files=names[2:])])
    assert {unquote(address) for address in page.addresses} == {f"./{name}" for name in names}
    assert all((tmp_path / unquote(address)).is_file() for address in page.addresses)
    assert page.tags.count("img") == 2
    assert not any(address.startswith("javascript:") for address in page.addresses)


def test_nothing_is_fetched_or_run(tmp_path: Path) -> None:
    page = report(tmp_path)
    text = (tmp_path / "index.html").read_text()
    assert "script" not in page.tags and "link" not in page.tags
    assert "http" not in text and "@import" not in text and "url(" not in text
    assert "prefers-color-scheme: dark" in text


def test_all_text_is_escaped(tmp_path: Path) -> None:
    bad = '<script>alert("x")</script>&'
    (tmp_path / 'a"<b>.png').touch()
    section = Section(bad, bad, pictures=['a"<b>.png'], files=['a"<b>.png'])
    page = report(tmp_path, title=bad, intro=bad, sections=[section], metrics={bad: bad, "motion_px": {bad: 1.0}})
    assert "script" not in page.tags and "b" not in page.tags
    assert page.text.count(bad) == 8  # title twice, intro, heading, text, metric's name and value, landmark


def test_metrics_have_names_units_and_readable_numbers(tmp_path: Path) -> None:
    metrics = {
        "cyclic_error_px": 1.8349,
        "motion_mm": {"upper_left": 3.14159, "dome": {"x": np.float32(0.01234), "y": None}},
        "n_frames": 12000,
        "gpu_latency_ms": {"median": 8.126},
        "calibrated": True,
        "rate_fps": float("nan"),
        "size_px": [320, 240],
        "s": "text",
    }
    assert report(tmp_path, metrics=metrics).rows == [
        ["Measure", "Of", "Value", "Unit"],
        ["Cyclic error", "", "1.83", "px"],
        ["Motion", "upper_left", "3.14", "mm"],
        ["Motion", "dome / x", "0.012", "mm"],
        ["Motion", "dome / y", "not available", "mm"],
        ["Number of frames", "", "12,000", ""],
        ["GPU latency", "median", "8.13", "ms"],
        ["Calibrated", "", "yes", ""],
        ["Rate", "", "not available", "frames/s"],
        ["Size", "", "320, 240", "px"],
        ["S", "", "text", ""],
    ]


@pytest.mark.parametrize("metrics", [None, {}])
def test_without_metrics_there_is_no_table(tmp_path: Path, metrics: dict | None) -> None:
    assert "table" not in report(tmp_path, metrics=metrics).tags


def test_paragraphs_and_the_notice(tmp_path: Path) -> None:
    page = report(tmp_path, intro="One.\n\nTwo.")
    assert page.tags.count("p") == 2
    assert "Not a medical device" in page.text.split("Two.")[1]


def test_a_missing_picture_is_told_and_no_page_is_written(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError, match="none.png: the report refers to it"):
        report(tmp_path, sections=[Section("A", pictures=["none.png"])])
    assert not list(tmp_path.iterdir())


def test_an_absolute_path_is_refused(tmp_path: Path) -> None:
    (tmp_path / "a.png").touch()
    with pytest.raises(ValueError, match="relative"):
        report(tmp_path, sections=[Section("A", files=[str(tmp_path / "a.png")])])
