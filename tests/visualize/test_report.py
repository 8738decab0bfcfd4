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

import base64
import re
from html.parser import HTMLParser
from pathlib import Path
from urllib.parse import unquote

import numpy as np
import pytest

from scripts.visualize.report import Section, Table, write_report

VOID = {"meta", "img", "br"}


class Page(HTMLParser):
    """Reads a page, minds that each tag is closed in order, and collects text, links and pictures."""

    def __init__(self, path: Path) -> None:
        super().__init__()
        self.open: list[str] = []
        self.tags: list[str] = []
        self.addresses: list[str] = []
        self.rows: list[list[str]] = []
        self.cells: list[tuple[str, dict[str, str | None]]] = []
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
            self.cells.append((tag, dict(attrs)))

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


ERRORS = Table(
    "Errors of <all>",
    ("", "Method", "Error [px]", "Images"),
    [
        ("This run", "matching", "2.1 ± 0.9", "1,024"),
        ("Paper, 2022", "ResNet-50 & more", "5: 8.5", "not given"),
        ("2", "-0.5 to 1.2", "≤ 5 px", "89.7 %"),
    ],
    note="Lengths are those of <the> image.",
    emphasis=[1],
)


def test_a_table_shows_its_cells_its_caption_and_its_note(tmp_path: Path) -> None:
    page = report(tmp_path, sections=[Section("Overview", tables=[ERRORS])])
    assert page.rows == [list(ERRORS.header), *map(list, ERRORS.rows)]
    assert page.tags.count("caption") == 1
    assert ERRORS.caption in page.text and ERRORS.note in page.text


def test_the_parts_of_a_section_come_in_order(tmp_path: Path) -> None:
    for name in ("a.png", "b.csv"):
        (tmp_path / name).touch()
    notes = ["3 images left out: a.png & more", "Another."]
    page = report(tmp_path, sections=[Section("Head", "Text.", ["a.png"], ["b.csv"], [ERRORS], notes)])
    order = ["Head", "Text.", ERRORS.caption, ERRORS.note, *notes, "a.png\n", "b.csv"]
    places = [page.text.index(part) for part in order]
    assert places == sorted(places)
    assert page.tags.count("li") == 3


def test_the_first_cell_of_a_row_heads_it_and_numbers_stand_to_the_right(tmp_path: Path) -> None:
    cells = report(tmp_path, sections=[Section("Overview", tables=[ERRORS])]).cells
    head, body = cells[:4], [cells[i : i + 4] for i in (4, 8, 12)]
    assert [tag for tag, _ in head] == ["td", "th", "th", "th"]
    assert all(options["scope"] == "col" for tag, options in head if tag == "th")
    for (first, options), *others in body:
        assert (first, options["scope"]) == ("th", "row")
        assert {tag for tag, _ in others} == {"td"}
    right = [["number" in (options.get("class") or "") for _, options in row] for row in body]
    assert right == [[False, False, True, True], [False] * 4, [True] * 4]


@pytest.mark.parametrize(
    ("cell", "number"),
    [
        ("0", True), ("-1.5e-3", True), ("12,000", True), ("3.7 ± 5.4 px", True), ("7 mm", True), ("1 / 4", True),
        ("", False), ("none", False), ("1.2.3", False), ("20: 5.8 ± 3.9", False), ("5 cows", False), ("a1", False),
    ],
)  # fmt: skip
def test_what_looks_like_a_number(tmp_path: Path, cell: str, number: bool) -> None:
    table = Table("", ("", ""), [("name", cell)])
    _, options = report(tmp_path, sections=[Section("A", tables=[table])]).cells[1]
    assert (options.get("class") == "number") == number


def test_rows_with_emphasis_are_bold(tmp_path: Path) -> None:
    report(tmp_path, sections=[Section("Overview", tables=[ERRORS])])
    text = (tmp_path / "index.html").read_text()
    rows = re.findall(r"<tr[^>]*>", text)
    assert ["emphasis" in row for row in rows] == [False, False, True, False]
    assert re.search(r"\.emphasis > \* \{ font-weight: 700", text)


def test_a_table_without_names_of_columns_has_no_head(tmp_path: Path) -> None:
    page = report(tmp_path, sections=[Section("About", tables=[Table("Data", ("", ""), [("Series", "3")])])])
    assert page.rows == [["Series", "3"]] and "thead" not in page.tags


def test_a_table_that_does_not_fit_together_is_refused() -> None:
    with pytest.raises(ValueError, match="2 columns, but a row of 1"):
        Table("Errors", ("a", "b"), [("1", "2"), ("1",)])
    with pytest.raises(ValueError, match="no emphasis"):
        Table("Errors", ("a",), [("1",)], emphasis=[1])


def test_an_embedding_page_holds_its_pictures_and_links_to_nothing(tmp_path: Path) -> None:
    (tmp_path / "maps").mkdir()
    contents = {"maps/a.png": bytes(range(256)), "clip.gif": b"GIF89a"}
    for name, content in contents.items():
        (tmp_path / name).write_bytes(content)
    (tmp_path / "maps" / "errors.csv").touch()
    page = report(tmp_path, embed=True, sections=[Section("A", pictures=list(contents), files=["maps/errors.csv"])])
    assert "a" not in page.tags and page.tags.count("img") == 2
    heads, data = zip(*(address.split(",", 1) for address in page.addresses), strict=True)
    assert heads == ("data:image/png;base64", "data:image/gif;base64")
    assert [base64.b64decode(one, validate=True) for one in data] == list(contents.values())
    assert "maps/errors.csv" in page.text and "a.png" in page.text


def test_a_picture_to_embed_must_exist(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError, match="none.png"):
        report(tmp_path, embed=True, sections=[Section("A", pictures=["none.png"])])


def test_print_is_black_on_white_whole_and_not_cut(tmp_path: Path) -> None:
    report(tmp_path)
    style = (tmp_path / "index.html").read_text().split("<style>")[1].split("</style>")[0]
    screen, paper = style.split("@media print {")
    rules: dict[str, set[str]] = {}
    for selectors, body in re.findall(r"([^{}]+)\{([^{}]*)\}", paper):
        for selector in selectors.split(","):
            rules.setdefault(selector.strip(), set()).update(re.split(r";\s*", body.strip().rstrip(";")))
    assert "prefers-color-scheme" in screen  # the rules of print come after those of dark screens and win
    assert {"--ground: #ffffff", "--card: #ffffff", "--ink: #000000"} <= rules[":root"]
    assert all("break-inside: avoid" in rules[one] for one in ("figure", "table", "tr"))
    assert all("break-after: avoid" in rules[one] for one in ("h1", "h2", "caption"))
    assert all("max-width: 100%" in rules[one] for one in ("figure", "img", "table"))
    assert "overflow: visible" in rules[".scroll"]
