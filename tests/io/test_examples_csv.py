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

from pathlib import Path

import pytest

from scripts.io.examples_csv import Example, read_examples_csv
from scripts.io.input_error import InputError
from scripts.io.landmarks_csv import Landmark, write_landmarks_csv

HEADER = "image,frame,label,x,y\n"


def read(tmp_path: Path, text: str | bytes) -> list[Example]:
    path = tmp_path / "examples.csv"
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    return read_examples_csv(path)


def test_reads_stills_and_frames_with_their_lines(tmp_path: Path) -> None:
    examples = read(tmp_path, HEADER + 'knee.png,,"patella, top",101,64.5\n\nclip.dcm,3,valve,-0.5,1e2\n')
    assert examples == [
        Example("knee.png", None, "patella, top", 101.0, 64.5, line=2),
        Example("clip.dcm", 3, "valve", -0.5, 100.0, line=4),
    ]


def test_column_order_further_columns_case_and_space_do_no_harm(tmp_path: Path) -> None:
    examples = read(tmp_path, "Y, X,who,label,image,frame\n2,1,me, valve ,a.png,\n")
    assert examples == [Example("a.png", None, "valve", 1.0, 2.0, line=2)]


def test_what_spreadsheets_write_is_read(tmp_path: Path) -> None:
    text = "\r\n\r\nimage,frame,label,x,y,\r\na.dcm,3.0,valve,1,2,\r\n,,,,,\r\n"
    assert read(tmp_path, b"\xef\xbb\xbf" + text.encode()) == [Example("a.dcm", 3, "valve", 1.0, 2.0, line=4)]


def test_found_landmarks_serve_as_examples(tmp_path: Path) -> None:
    path = tmp_path / "landmarks.csv"
    write_landmarks_csv(path, [Landmark("a.dcm", 4, "valve", 1.5, 2.25, 1, 1, 3)])
    assert read_examples_csv(path) == [Example("a.dcm", 4, "valve", 1.5, 2.25, line=2)]


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="none.csv: there is no such file"):
        read_examples_csv(tmp_path / "none.csv")


@pytest.mark.parametrize(
    ("text", "line", "fault", "remedy"),
    [
        ("", None, "the file is empty", "Write the header image,frame,label,x,y"),
        ("\n\n", None, "the file is empty", "Write the header"),
        (HEADER, 2, "no example", "Add a row"),
        ("image,label,x\na,b,1\n", 1, "lacks frame, y", "must have image,frame,label,x,y"),
        ("image;frame;label,x,y\na;;b,1,2\n", 1, "lacks image, frame", "all with commas, or all with semicolons"),
        ("image,frame,label,x,y,x\na,,b,1,2,3\n", 1, "x more than once", "Keep one"),
        (HEADER + "a,,b,1,2\n\na,,b,one,2\n", 4, "x is 'one'", "Write a number"),
        (HEADER + "a,,b,1,\n", 2, "y is ''", "Write a number"),
        (HEADER + "a,,b\n", 2, "x is ''", "Write a number"),
        (HEADER + "a,,b,nan,2\n", 2, "x is 'nan'", "finite"),
        (HEADER + "a,,b,1,-inf\n", 2, "y is '-inf'", "finite"),
        (HEADER + "a,-1,b,1,2\n", 2, "frame is '-1'", "whole number from 0"),
        (HEADER + "a,2.5,b,1,2\n", 2, "frame is '2.5'", "whole number from 0"),
        (HEADER + "a,first,b,1,2\n", 2, "frame is 'first'", "leave it empty"),
        (HEADER + "a,inf,b,1,2\n", 2, "frame is 'inf'", "leave it empty"),
        (HEADER + "a,, ,1,2\n", 2, "label is empty", "Write the name of the landmark"),
        (HEADER + ",,b,1,2\n", 2, "image is empty", "Write the name of the image"),
        (HEADER + "a,,b,1,5,2,5\n", 2, "7 cells where the header has 5", "quotes"),
        (HEADER + 'a,,"b"c,1,2\n', 2, "expected after", "Check the quotes"),
    ],
)
def test_faults_name_file_line_and_remedy(tmp_path: Path, text: str, line: int, fault: str, remedy: str) -> None:
    with pytest.raises(ValueError) as caught:
        read(tmp_path, text)
    message = str(caught.value)
    assert "examples.csv" in message
    assert line is None or f"line {line}:" in message
    assert fault in message
    assert remedy in message
    assert "\n" not in message


def test_another_encoding_is_told(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="examples.csv, .*not UTF-8. Save the file as UTF-8"):
        read(tmp_path, (HEADER + "a,,Höhe,1,2\n").encode("latin-1"))


def test_a_table_as_european_spreadsheets_save_it(tmp_path: Path) -> None:
    text = "image;frame;label;x;y\r\nclip.dcm;3;Höhe, links;79,5;1,25\r\na.png;;b;2,0;12\r\n"
    for content in (text.encode("utf-8-sig"), text.replace(";", "\t").encode("utf-16")):
        assert read(tmp_path, content) == [
            Example("clip.dcm", 3, "Höhe, links", 79.5, 1.25, line=2),
            Example("a.png", None, "b", 2.0, 12.0, line=3),
        ]
