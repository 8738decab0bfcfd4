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
"""Tests of reading pairs of frames: what is filled in, what is ignored and how faults are told."""

from __future__ import annotations

from pathlib import Path

import pytest

from scripts.io.input_error import InputError
from scripts.io.pairs_csv import FramePair, read_pairs_csv

HEADER = "source_image,source_frame,target_image,target_frame\n"


def read(tmp_path: Path, text: str | bytes) -> list[FramePair]:
    path = tmp_path / "pairs.csv"
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    return read_pairs_csv(path)


def test_reads_pairs_with_their_lines(tmp_path: Path) -> None:
    assert read(tmp_path, HEADER + 'a.dcm,3,b.dcm,5\n\n"knee, left.png",,hip.png,\n') == [
        FramePair("a.dcm", 3, "b.dcm", 5, line=2),
        FramePair("knee, left.png", 0, "hip.png", 0, line=4),
    ]


def test_an_empty_target_is_the_source_s_image(tmp_path: Path) -> None:
    assert read(tmp_path, HEADER + "a.dcm,3,,12\na.dcm,,,2\n") == [
        FramePair("a.dcm", 3, "a.dcm", 12, line=2),
        FramePair("a.dcm", 0, "a.dcm", 2, line=3),
    ]


def test_column_order_further_columns_case_and_space_do_no_harm(tmp_path: Path) -> None:
    text = "Target_Frame, source_image,note,target_image,SOURCE_FRAME\n2, a.dcm ,end of expiration,b.dcm,1\n"
    assert read(tmp_path, text) == [FramePair("a.dcm", 1, "b.dcm", 2, line=2)]


def test_what_spreadsheets_write_is_read(tmp_path: Path) -> None:
    text = "\r\nsource_image,source_frame,target_image,target_frame,\r\na.dcm,3.0,,4.0,\r\n,,,,\r\n"
    assert read(tmp_path, b"\xef\xbb\xbf" + text.encode()) == [FramePair("a.dcm", 3, "a.dcm", 4, line=3)]


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=rf"none.csv: there is no such file. Give .* {HEADER.strip()}\."):
        read_pairs_csv(tmp_path / "none.csv")


@pytest.mark.parametrize(
    ("text", "line", "fault", "remedy"),
    [
        ("", None, "the file is empty", f"Write the header {HEADER.strip()} and a row for each pair"),
        (HEADER, 2, "there is no pair", "Add a row for each pair of frames"),
        ("source_image,target_image\na,b\n", 1, "lacks source_frame, target_frame", f"must have {HEADER.strip()}"),
        (HEADER.replace(",", "|") + "a|0|b|1\n", 1, "lacks", "all with commas, or all with semicolons"),
        (HEADER.replace("\n", ",source_frame\n") + "a,0,b,1,2\n", 1, "source_frame more than once", "Keep one"),
        (HEADER + "a,0,b,1\n\na,-1,b,1\n", 4, "source_frame is '-1'", "whole number from 0, or leave it empty"),
        (HEADER + "a,0,b,1.5\n", 2, "target_frame is '1.5'", "for frame 0"),
        (HEADER + ",0,b,1\n", 2, "source_image is empty", "Write the name of the image"),
        (HEADER + "a,0,b,1,2\n", 2, "5 cells where the header has 4", "quotes"),
        (HEADER + 'a,0,"b"c,1\n', 2, "expected after", "Check the quotes"),
    ],
)
def test_faults_name_file_line_and_remedy(tmp_path: Path, text: str, line: int, fault: str, remedy: str) -> None:
    with pytest.raises(InputError) as caught:
        read(tmp_path, text)
    message = str(caught.value)
    assert "pairs.csv" in message
    assert line is None or f"line {line}:" in message
    assert fault in message
    assert remedy in message
    assert "\n" not in message


def test_another_encoding_is_told(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="pairs.csv, .*not UTF-8. Save the file as UTF-8"):
        read(tmp_path, (HEADER + "Höhe.png,,b.png,\n").encode("latin-1"))


def test_a_table_as_european_spreadsheets_save_it(tmp_path: Path) -> None:
    text = (HEADER + "a, b.png,0,,12\n").replace("a, b", "a- b").replace(",", ";").replace("a- b", "a, b")
    assert read(tmp_path, text.encode("utf-8-sig")) == [FramePair("a, b.png", 0, "a, b.png", 12, line=2)]
