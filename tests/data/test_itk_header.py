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
"""Tests of what the header of an NRRD or MetaImage file tells, and of what is refused by it with a remedy."""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np
import pytest

from scripts.data.image_reader import read_image_series
from scripts.data.image_series import find_image_series, image_series_of
from scripts.data.itk_header import read_itk_header
from scripts.io.input_error import InputError

pytest.importorskip("itk")

NRRD = {"type": "uint8", "dimension": "2", "sizes": "7 5", "encoding": "raw"}
META = {
    "ObjectType": "Image",
    "NDims": "2",
    "BinaryData": "True",
    "DimSize": "7 5",
    "ElementType": "MET_UCHAR",
    "ElementDataFile": "LOCAL",
}
PIXELS = bytes(range(35))
SPACE = {
    "dimension": "3",
    "sizes": "7 5 1",
    "space": "left-posterior-superior",
    "space directions": "(0.5,0,0) (0,0.7,0) (0,0,3)",
    "space origin": "(1,2,3)",
}


def write(path: Path, pixels: bytes = PIXELS, /, **fields: str | None) -> Path:
    """A file by hand; a field of None is left out."""
    nrrd = path.suffix in (".nrrd", ".nhdr")
    told = {**(NRRD if nrrd else META), **fields}
    # the last line of MetaImage
    if not nrrd:
        told["ElementDataFile"] = told.pop("ElementDataFile")
    sign = ": " if nrrd else " = "
    lines = [f"{key}{sign}{value}\n" for key, value in told.items() if value is not None]
    path.write_bytes(b"NRRD0005\n" * nrrd + "".join(lines).encode("latin-1") + b"\n" * nrrd + pixels)
    return path


def refused(path: Path) -> str:
    with pytest.raises(InputError) as error:
        read_itk_header(path)
    assert str(error.value).startswith(str(path))
    return str(error.value).removeprefix(f"{path} ")


def told(path: Path) -> tuple[bool, bool]:
    image = read_image_series(find_image_series(path)[0])
    np.testing.assert_array_equal(image.frames.flatten(), np.arange(35).reshape(5, 7).T.flatten())
    return image.spacing_known, image.placed


# what is fine


@pytest.mark.parametrize("name", ["a.nrrd", "a.mha"])
def test_the_shortest_header_tells_no_spacing_and_no_place(tmp_path, name):
    assert read_itk_header(write(tmp_path / name)).shape == (7, 5)
    assert told(tmp_path / name) == (False, False)


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
        ({"space dimension": "2", "space directions": "(0.5,0) (0,0.7)", "space origin": "(1,2)"}, (True, False)),
    ],
)
def test_what_nrrd_tells(tmp_path, fields, expected):
    assert told(write(tmp_path / "a.nrrd", **fields)) == expected


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
def test_what_metaimage_tells(tmp_path, fields, expected):
    assert told(write(tmp_path / "a.mha", **fields)) == expected


@pytest.mark.parametrize("name", ["a.nhdr", "a.mhd"])
@pytest.mark.parametrize("pixels", ["a.raw", "more/a.raw", "a b.raw"])
def test_pixels_may_lie_in_a_file_of_the_folder_which_is_no_image_itself(tmp_path, name, pixels):
    (tmp_path / pixels).parent.mkdir(exist_ok=True)
    (tmp_path / pixels).write_bytes(PIXELS)
    write(tmp_path / name, b"", **{"data file" if name == "a.nhdr" else "ElementDataFile": pixels})
    assert [one.name for one in find_image_series(tmp_path)] == [name]
    assert told(tmp_path / name) == (False, False)


def test_what_anybody_adds_to_nrrd_is_not_looked_at(tmp_path):
    lines = f"NRRD0005\n# {'x' * 900}\ntype: uint8\ndimension: 2\nsizes: 7 5\nencoding: raw\nnote:={'y' * 9000}\n\n"
    (tmp_path / "a.nrrd").write_bytes(lines.encode() + PIXELS)
    assert told(tmp_path / "a.nrrd") == (False, False)


@pytest.mark.parametrize("name", ["a.nrrd", "a.mha"])
def test_headers_written_on_windows(tmp_path, name):
    path = write(tmp_path / name, b"")
    path.write_bytes(path.read_bytes().replace(b"\n", b"\r\n") + PIXELS)
    assert read_itk_header(path).shape == (7, 5)


# what is refused


def test_itk_is_asked_for_by_name(tmp_path, monkeypatch, caplog):
    path, other = write(tmp_path / "a.mha"), write(tmp_path / "b.nrrd")
    (tmp_path / "c.png").write_bytes(b"")
    monkeypatch.setitem(sys.modules, "itk", None)
    assert refused(path) == "needs ITK to be read: pip install itk-io, or convert it to NIfTI"
    assert refused(other).startswith("needs ITK")
    with pytest.raises(InputError, match=r"a\.mha needs ITK to be read: pip install itk-io"):
        find_image_series(path)
    with pytest.raises(InputError, match=r"3 skipped, the first because .*a\.mha needs ITK"):
        find_image_series(tmp_path)
    with pytest.raises(InputError, match="needs ITK"):
        read_image_series(image_series_of([path], tmp_path))


@pytest.mark.parametrize("suffix", ["nrrd", "nhdr", "mha", "mhd"])
def test_what_is_no_image_at_all(tmp_path, suffix):
    path = tmp_path / f"a.{suffix}"
    path.write_bytes(b"")
    assert refused(path) == "is empty; remove it or copy it again"
    kind = "NRRD" if suffix in ("nrrd", "nhdr") else "MetaImage"
    for content in (b"\n", b"NDims = 2\n", b"NRRD", b"\x89PNG\r\n\x1a\n" + bytes(200)):
        path.write_bytes(content)
        assert "has no header of" in refused(path) or "has a damaged header" in refused(path)
    path.write_bytes(write(tmp_path / ("b.mha" if kind == "NRRD" else "b.nrrd")).read_bytes())
    assert refused(path).startswith((f"has no header of {kind}", "has a damaged header"))


@pytest.mark.parametrize("name", ["a.nrrd", "a.mha", "a.nhdr", "a.mhd"])
def test_cut_off_pixels(tmp_path, name):
    if name in ("a.nrrd", "a.mha"):
        path = write(tmp_path / name, PIXELS[:-2])
    else:
        (tmp_path / "a.raw").write_bytes(PIXELS[:-2])
        path = write(tmp_path / name, b"", **{"data file" if name == "a.nhdr" else "ElementDataFile": "a.raw"})
    assert refused(path) == "is cut off: 33 of 35 bytes of pixels are there; copy it again"


@pytest.mark.parametrize("name", ["a.nrrd", "a.mha"])
def test_every_cut_of_a_file_is_refused(tmp_path, name):
    whole = write(tmp_path / name).read_bytes()
    for length in range(len(whole)):
        (tmp_path / name).write_bytes(whole[:length])
        refused(tmp_path / name)


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
def test_pixels_that_are_not_in_one_file_of_the_folder(tmp_path, name, pixels, message):
    (tmp_path / "out.raw").write_bytes(PIXELS)
    (tmp_path / "in").mkdir()
    pixels, message = (text.format(out=tmp_path / "out.raw") if "{" in text else text for text in (pixels, message))
    key = "data file" if name == "a.nhdr" else "ElementDataFile"
    assert refused(write(tmp_path / "in" / name, b"", **{key: pixels})) == message


@pytest.mark.parametrize("name", ["a.nrrd", "a.mha"])
@pytest.mark.parametrize(
    ("size", "message"),
    [
        ("1 5", "has the shape (1, 5); an image must be (X, Y)"),
        ("7 5 2 3", "has the shape (7, 5, 2, 3); an image must be"),
        ("9000 9000", "has 9000 x 9000 px, more than 67 Mpx"),
        ("1000 1000 1000", "has 1000 frames of 1000 x 1000 px, more than 537 Mpx together"),
    ],
)
def test_sizes(tmp_path, name, size, message):
    axes = str(len(size.split()))
    keys = ("dimension", "sizes") if name == "a.nrrd" else ("NDims", "DimSize")
    assert refused(write(tmp_path / name, **dict(zip(keys, (axes, size), strict=True)))).startswith(message)


def test_vectors_and_complex_values(tmp_path):
    sitk = pytest.importorskip("SimpleITK")
    vectors = sitk.GetImageFromArray(np.zeros((5, 7, 2), np.float32), isVector=True)
    deep = sitk.GetImageFromArray(np.zeros((5, 7, 3), np.uint16), isVector=True)
    numbers = sitk.GetImageFromArray(np.zeros((5, 7), np.complex64))
    for suffix in ("nrrd", "mha"):
        for count, image in [(2, vectors), (3, deep), (2, numbers)]:
            sitk.WriteImage(image, str(tmp_path / f"a.{suffix}"))
            text = refused(tmp_path / f"a.{suffix}")
            assert text.startswith(f"has pixels of {count} numbers (") and text.endswith("grey values or 8-bit colour")


@pytest.mark.parametrize(
    ("name", "fields"),
    [
        ("a.mha", {"ElementSpacing": "nan 1"}),
        ("a.mha", {"ElementSpacing": "0.5 0.7", "Offset": "inf 0"}),
        ("a.mha", {"TransformMatrix": "1 0 1 0"}),
        ("a.mha", {"TransformMatrix": "0 0 0 0"}),
        ("a.nrrd", {**SPACE, "space origin": "(nan,2,3)"}),
        ("a.nrrd", {**SPACE, "space directions": "(0.5,0,0) (0.5,0,0) (0,0,3)"}),
        ("a.nrrd", {**SPACE, "space directions": "(0,0,0) (0,0.7,0) (0,0,3)"}),
    ],
)
def test_affines_that_tell_no_place(tmp_path, name, fields):
    text = refused(write(tmp_path / name, **fields))
    assert text.startswith(("has an affine that tells no place (", "cannot be read ("))


def test_a_space_that_itk_does_not_turn(tmp_path):
    fields = {"dimension": "4", "sizes": "7 5 1 1", "space": "RAST"}
    text = refused(write(tmp_path / "a.nrrd", **fields))
    assert text.startswith("has the space rast, which ITK takes for LPS; write it in left-posterior-superior-time")


@pytest.mark.parametrize("fields", [{**SPACE, "space units": '"m" "m" "m"'}, {"units": '"cm" "cm"', "spacings": "1 1"}])
def test_lengths_that_are_not_in_mm(tmp_path, fields):
    assert refused(write(tmp_path / "a.nrrd", **fields)).endswith("; write it with lengths in mm")


# each of these ends the process, or may, if ITK gets it
@pytest.mark.parametrize(
    ("name", "fields"),
    [
        *[("a.mha", {"NDims": value}) for value in ("-1", "0", "5", "100", "1000000000", "1e308", "nan", "\xb2", "")],
        *[("a.mha", {"ElementNumberOfChannels": value}) for value in ("99999999999999", "1e308", "5", "-1")],
        *[("a.nrrd", {key: "x" * 1500}) for key in ("space", "units", "kinds", "type", "byte skip", "encoding")],
        ("a.nrrd", {"dimension": "17"}),
        ("a.mhd", {"ElementDataFile": "%s%n%d"}),
    ],
)
def test_headers_that_itk_does_not_bear(tmp_path, name, fields):
    refused(write(tmp_path / name, **fields))


@pytest.mark.parametrize("line", ["NDims = 2", "no sign of anything", "Comment = \x01"])
def test_damaged_lines(tmp_path, line):
    path = write(tmp_path / "a.mha")
    path.write_bytes(line.encode() + b"\n" + path.read_bytes())
    assert refused(path).startswith(f"has a damaged header (at {line!r}); repair or remove it")


def test_the_error_of_itk_is_one_line(tmp_path):
    text = refused(write(tmp_path / "a.nrrd", type="nonsense"))
    assert text.startswith("cannot be read (") and text.endswith("); remove or repair it")
    assert "0x" not in text and "\n" not in text and ".cxx" not in text
