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
"""Tests of what all CSV files have in common: rows and their lines, named columns, and cells that are numbers."""

from __future__ import annotations

from pathlib import Path

import pytest

from scripts.io.csv_table import parse_frame, parse_pixels, read_csv_columns, read_csv_rows, write_csv
from scripts.io.input_error import InputError


@pytest.fixture
def table(tmp_path: Path) -> Path:
    """A table as spreadsheets and people leave it; its header is on line 2."""
    path = tmp_path / "table.csv"
    path.write_bytes(b'\xef\xbb\xbf\r\nImage, x,y,\r\n"a, b.png",1\r\n,,,\r\n c.png ,,2,,,\r\n')
    return path


def test_rows_are_as_long_as_the_header_and_keep_its_case(table: Path) -> None:
    assert list(read_csv_rows(table, "points")) == [
        (2, ["Image", "x", "y", ""]),
        (3, ["a, b.png", "1", "", ""]),
        (5, ["c.png", "", "2", ""]),
    ]


def test_columns_are_named_in_small_letters_in_the_order_asked_for(table: Path) -> None:
    rows = list(read_csv_columns(table, ("y", "image"), row="point", meaning="point"))
    assert rows == [(3, {"y": "", "image": "a, b.png"}), (5, {"y": "2", "image": "c.png"})]
    assert list(rows[0][1]) == ["y", "image"]


def test_a_row_that_is_too_long_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "table.csv"
    path.write_text("image,x\na.png,1,5\n")
    with pytest.raises(InputError, match=r"table.csv, line 2: 3 cells where the header has 2\. .* decimals"):
        list(read_csv_rows(path, "points"))


def test_a_missing_file_is_told_with_what_it_shall_have(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"none.csv: there is no such file\. Give a CSV file with points\."):
        list(read_csv_rows(tmp_path / "none.csv", "points"))


def test_the_header_is_shown_as_it_is_written(table: Path) -> None:
    with pytest.raises(InputError, match=r"line 2: the header lacks z; it must have x,z, and is 'Image,x,y,'"):
        list(read_csv_columns(table, ("x", "z"), row="point", meaning="point"))


def test_a_header_alone_is_refused_in_the_words_of_the_format(tmp_path: Path) -> None:
    path = tmp_path / "table.csv"
    path.write_text("image\n")
    with pytest.raises(InputError, match=r"line 2: there is no example\. Add a row for each marked point\."):
        list(read_csv_columns(path, ("image",), row="example", meaning="marked point"))


@pytest.mark.parametrize("cell", ["", "one", "1,5", "nan", "-inf"])
def test_pixels_must_be_finite_numbers(cell: str) -> None:
    with pytest.raises(InputError, match=rf"t.csv, line 7: apex_x is '{cell}'\. Write a (finite )?number of pixels"):
        parse_pixels("apex_x", cell, "t.csv, line 7")


def test_frames_are_whole_numbers_or_empty() -> None:
    assert [parse_frame("frame", cell, "t.csv", "a still") for cell in ("0", "3.0", "")] == [0, 3, None]
    for cell in ("-1", "2.5", "first", "inf"):
        with pytest.raises(InputError, match=rf"frame is '{cell}'\. .*leave it empty for a still"):
            parse_frame("frame", cell, "t.csv", "a still")


def test_what_is_written_is_read_again(tmp_path: Path) -> None:
    path = tmp_path / "new" / "table.csv"
    rows = [("a, b.png", 0.1 + 0.2, None), ('say "ah"', -1e-300, 7)]
    write_csv(path, ["image", "x", "frame"], rows)
    lines = [cells for _, cells in read_csv_rows(path, "columns")]
    assert lines[0] == ["image", "x", "frame"]
    assert [(name, float(x), int(frame) if frame else None) for name, x, frame in lines[1:]] == rows
    assert path.read_bytes().count(b"\r") == 0


def test_rows_that_cannot_be_made_leave_the_table_there_was(tmp_path: Path) -> None:
    path = tmp_path / "table.csv"
    write_csv(path, ["x"], [[1]])
    before = path.read_bytes()
    with pytest.raises(ZeroDivisionError):
        write_csv(path, ["x"], ([1 / (2 - i)] for i in range(4)))
    assert path.read_bytes() == before
    assert list(tmp_path.iterdir()) == [path]


def points(path: Path, content: bytes) -> list[tuple[str, str, str]]:
    path.write_bytes(content)
    rows = read_csv_columns(path, ("image", "x", "y"), row="point", meaning="point", numbers=("x", "y"))
    return [(cells["image"], cells["x"], cells["y"]) for _, cells in rows]


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16"])
@pytest.mark.parametrize("separator", [";", "\t"])
def test_semicolons_and_tabs_separate_and_decimals_may_be_commas(tmp_path, separator, encoding):
    text = '\r\nImage;x;y;note\r\n"a; b, c.png";79,5;1,25e1;1,5\r\nHöhe.png;80;-0,125\r\n'.replace(";", separator)
    found = points(tmp_path / "table.csv", text.encode(encoding))
    assert found == [(f"a{separator} b, c.png", "79.5", "1.25e1"), ("Höhe.png", "80", "-0.125")]


def test_a_table_of_semicolons_may_have_points_too(tmp_path):
    assert points(tmp_path / "t.csv", b"image;x;y\na.png;101.250;79.5\n") == [("a.png", "101.250", "79.5")]
    assert points(tmp_path / "t.csv", b"image;x;y\na.png;80,5;79.5\n") == [("a.png", "80.5", "79.5")]
    assert points(tmp_path / "t.csv", b"image;x;y\na.png;101,250;79,5\n") == [("a.png", "101.250", "79.5")]


@pytest.mark.parametrize(
    ("rows", "line"),
    [
        ("a.png;1.234,5;2\n", 2),
        ("a.png;1,5;2\nb.png;1,234,567;2\n", 3),
        ("a.png;79,5;80,25\nb.png;1.234;2\n", 3),  # 1234, or 1 and a quarter?
        ("a.png;1.234;2\nb.png;79,5;2\n", 2),
    ],
)
def test_thousands_that_may_be_decimals_are_refused_with_their_line(tmp_path, rows, line):
    with pytest.raises(InputError, match=rf"t.csv, line {line}: x is '1[.,]234.*Write all decimals with one of them"):
        points(tmp_path / "t.csv", f"image;x;y\n{rows}".encode())


def test_a_comma_in_the_header_keeps_commas_the_separators(tmp_path):
    text = b"image,x,y,a note; or\ttwo\na.png,1,2,\n"
    assert points(tmp_path / "t.csv", text) == [("a.png", "1", "2")]
    with pytest.raises(
        InputError, match="line 1: the header lacks image, x; .*all with commas, or all with semicolons"
    ):
        points(tmp_path / "t.csv", b"image;x,y\na.png;1,2\n")


def test_decimal_commas_in_a_table_of_commas_stay_as_they_are(tmp_path):
    assert points(tmp_path / "t.csv", b'image,x,y\na.png,"1,5",2\n') == [("a.png", "1,5", "2")]


def test_only_columns_of_numbers_have_decimals(tmp_path):
    assert points(tmp_path / "t.csv", b"image;x;y\n1,5;1,5;three, four\n") == [("1,5", "1.5", "three, four")]


def test_a_row_of_semicolons_that_is_too_long_is_refused(tmp_path):
    with pytest.raises(InputError, match=r'line 2: 4 cells where the header has 3\. Put quotes .* \("a; b"\)\.$'):
        points(tmp_path / "t.csv", b"image;x;y\na;b.png;1;2\n")
