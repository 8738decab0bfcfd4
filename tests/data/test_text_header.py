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
"""Tests of what the text of an NRRD or MetaImage header tells, and of what is refused by it with a remedy."""

from __future__ import annotations

from pathlib import Path

import pytest

from scripts.data.text_header import TextHeader, read_metaimage_text, read_nrrd_text
from scripts.io.input_error import InputError

PIXELS = bytes(range(35))
SPACE = {
    "dimension": "3",
    "sizes": "7 5 1",
    "space": "left-posterior-superior",
    "space directions": "(0.5,0,0) (0,0.7,0) (0,0,3)",
    "space origin": "(1,2,3)",
}


def read(path: Path) -> TextHeader:
    return (read_nrrd_text if path.suffix in (".nrrd", ".nhdr") else read_metaimage_text)(path)


def refused(path: Path) -> str:
    with pytest.raises(InputError) as error:
        read(path)
    assert str(error.value).startswith(str(path))
    return str(error.value).removeprefix(f"{path} ")


def told(path: Path) -> tuple[bool, bool]:
    header = read(path)
    return header.spacing_told, header.place_told


@pytest.mark.parametrize(
    ("fields", "expected"),
    [
        ({"spacings": "0.5 0.7"}, (True, False)),
        ({"spacings": "nan nan"}, (False, False)),
        ({"dimension": "3", "sizes": "7 5 1", "spacings": "0.5 0.7 nan"}, (True, False)),
        (SPACE, (True, True)),
        ({**SPACE, "space": "RAS"}, (True, True)),
        ({**SPACE, "space": "left-anterior-superior"}, (True, True)),
        ({**SPACE, "space": "scanner-xyz"}, (True, False)),
        ({"dimension": "3", "space dimension": "3", **SPACE, "space": None}, (True, False)),
        ({**SPACE, "space origin": None}, (True, False)),
        ({**SPACE, "space directions": "(0.5,0,0) (0,0.7,0) none", "kinds": "domain domain time"}, (True, True)),
        ({**SPACE, "space directions": None, "space origin": None}, (False, False)),
        ({**SPACE, "space units": '"mm" "mm" "mm"'}, (True, True)),
        ({**SPACE, "space units": '"Millimeters" "mm " ""'}, (True, True)),
        ({"dimension": "3", "sizes": "7 5 1", "spacings": "0.5 0.7 1", "units": '"mm" "mm" "sec"'}, (True, False)),
        ({"space dimension": "2", "space directions": "(0.5,0) (0,0.7)", "space origin": "(1,2)"}, (True, False)),
    ],
)
def test_what_nrrd_tells(write_header, tmp_path, fields, expected):
    assert told(write_header(tmp_path / "a.nrrd", **fields)) == expected


THREE = {"NDims": "3", "DimSize": "7 5 1", "ElementSpacing": "0.5 0.7 3"}


@pytest.mark.parametrize(
    ("fields", "expected"),
    [
        ({"ElementSpacing": "0.5 0.7"}, (True, False)),
        ({"ElementSize": "0.5 0.7"}, (True, False)),
        (THREE, (True, False)),
        ({**THREE, "Offset": "1 2 3"}, (True, False)),
        ({**THREE, "Offset": "1 2 3", "TransformMatrix": "1 0 0 0 1 0 0 0 1"}, (True, True)),
        ({**THREE, "Position": "1 2 3", "Orientation": "1 0 0 0 1 0 0 0 1"}, (True, True)),
        ({**THREE, "ElementSpacing": None, "Offset": "1 2 3", "TransformMatrix": "1 0 0 0 1 0 0 0 1"}, (False, False)),
        ({"Offset": "1 2", "TransformMatrix": "1 0 0 1", "ElementSpacing": "1 1"}, (True, False)),
    ],
)
def test_what_metaimage_tells(write_header, tmp_path, fields, expected):
    assert told(write_header(tmp_path / "a.mha", **fields)) == expected


def test_what_anybody_adds_to_nrrd_is_not_looked_at(tmp_path):
    lines = f"NRRD0005\n# {'x' * 900}\ntype: uint8\ndimension: 2\nsizes: 7 5\nencoding: raw\nnote:={'y' * 9000}\n\n"
    (tmp_path / "a.nrrd").write_bytes(lines.encode() + PIXELS)
    assert told(tmp_path / "a.nrrd") == (False, False)


@pytest.mark.parametrize("name", ["a.nhdr", "a.mhd"])
@pytest.mark.parametrize(
    ("pixels", "message"),
    [
        ("gone.raw", "has its pixels in gone.raw, which is missing; copy that file beside it"),
        ("../out.raw", "has its pixels outside of its folder (../out.raw); move that file beside it"),
        ("{out}", "has its pixels outside of its folder ({out}); move that file beside it"),
        ("more/../../out.raw", "has its pixels outside of its folder (more/../../out.raw); move that file beside it"),
        (".", "has its pixels in ., which is missing; copy that file beside it"),
        ("LIST", "has its pixels in several files (LIST); write them into one"),
        ("a%03d.raw 1 3 1", "has its pixels in several files (a%03d.raw 1 3 1); write them into one"),
    ],
)
def test_pixels_that_are_not_in_one_file_of_the_folder(write_header, tmp_path, name, pixels, message):
    (tmp_path / "out.raw").write_bytes(PIXELS)
    (tmp_path / "in").mkdir()
    pixels, message = (text.format(out=tmp_path / "out.raw") if "{" in text else text for text in (pixels, message))
    key = "data file" if name == "a.nhdr" else "ElementDataFile"
    assert refused(write_header(tmp_path / "in" / name, b"", **{key: pixels})) == message


OTHER_LENGTHS = ["um", "µm", "microns", "micrometer", "nm", "m", "meters", "cm", "Centimetres", "inch", "pixels"]


def test_a_space_that_itk_does_not_turn(write_header, tmp_path):
    fields = {"dimension": "4", "sizes": "7 5 1 1", "space": "RAST"}
    text = refused(write_header(tmp_path / "a.nrrd", **fields))
    assert text.startswith("has the space rast, which ITK takes for LPS; write it in left-posterior-superior-time")


@pytest.mark.parametrize("unit", OTHER_LENGTHS)
@pytest.mark.parametrize(
    "fields",
    [
        {**SPACE, "space units": '"{}" "{}" "{}"'},
        {**SPACE, "space units": '"mm" "{}" "mm"', "kinds": "domain domain domain"},
        {**SPACE, "space units": "{} {} {}"},
        {"units": '"{}" "{}"', "spacings": "1 1"},
    ],
)
def test_lengths_that_are_not_in_mm(write_header, tmp_path, fields, unit):
    path = write_header(tmp_path / "a.nrrd", **{key: value.replace("{}", unit) for key, value in fields.items()})
    assert refused(path) == f"has lengths in {unit!r}; write it with lengths in mm"


def test_one_axis_of_three_may_be_time_but_no_axis_of_two(write_header, tmp_path):
    axes = {"dimension": "3", "sizes": "7 5 1", "spacings": "1 1 1", "units": '"mm" "mm" "s"'}
    assert read(write_header(tmp_path / "a.nrrd", **axes)).spacing_told
    assert refused(write_header(tmp_path / "b.nrrd", **{**axes, "units": '"s" "s" "s"'})).startswith(
        "has lengths in 's'"
    )
    assert refused(write_header(tmp_path / "c.nrrd", spacings="1 1", units='"mm" "s"')).startswith("has lengths in 's'")


@pytest.mark.parametrize("unit", ["um", "cm"])
def test_metaimage_in_other_units(write_header, tmp_path, unit):
    assert read(write_header(tmp_path / "a.mha", DistanceUnits="mm", **THREE)).spacing_told
    assert read(write_header(tmp_path / "a.mha", DistanceUnits="?", **THREE)).spacing_told
    path = write_header(tmp_path / "a.mha", DistanceUnits=unit, **THREE)
    assert refused(path) == f"has lengths in {unit!r}; write it with lengths in mm"


@pytest.mark.parametrize("line", ["NDims = 2", "no sign of anything", "Comment = \x01"])
def test_damaged_lines(write_header, tmp_path, line):
    path = write_header(tmp_path / "a.mha")
    path.write_bytes(line.encode() + b"\n" + path.read_bytes())
    assert refused(path).startswith(f"has a damaged header (at {line!r}); repair or remove it")
