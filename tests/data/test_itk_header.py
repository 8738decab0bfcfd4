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

PIXELS = bytes(range(35))
SPACE = {
    "dimension": "3",
    "sizes": "7 5 1",
    "space": "left-posterior-superior",
    "space directions": "(0.5,0,0) (0,0.7,0) (0,0,3)",
    "space origin": "(1,2,3)",
}


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
def test_the_shortest_header_tells_no_spacing_and_no_place(write_header, tmp_path, name):
    assert read_itk_header(write_header(tmp_path / name)).shape == (7, 5)
    assert told(tmp_path / name) == (False, False)


@pytest.mark.parametrize("name", ["a.nhdr", "a.mhd"])
@pytest.mark.parametrize("pixels", ["a.raw", "more/a.raw", "a b.raw"])
def test_pixels_may_lie_in_a_file_of_the_folder_which_is_no_image_itself(write_header, tmp_path, name, pixels):
    (tmp_path / pixels).parent.mkdir(exist_ok=True)
    (tmp_path / pixels).write_bytes(PIXELS)
    write_header(tmp_path / name, b"", **{"data file" if name == "a.nhdr" else "ElementDataFile": pixels})
    assert [one.name for one in find_image_series(tmp_path)] == [name]
    assert told(tmp_path / name) == (False, False)


@pytest.mark.parametrize("name", ["a.nrrd", "a.mha"])
def test_headers_written_on_windows(write_header, tmp_path, name):
    path = write_header(tmp_path / name, b"")
    path.write_bytes(path.read_bytes().replace(b"\n", b"\r\n") + PIXELS)
    assert read_itk_header(path).shape == (7, 5)


# what is refused


def test_itk_is_asked_for_by_name(write_header, tmp_path, monkeypatch, caplog):
    path, other = write_header(tmp_path / "a.mha"), write_header(tmp_path / "b.nrrd")
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
def test_what_is_no_image_at_all(write_header, tmp_path, suffix):
    path = tmp_path / f"a.{suffix}"
    path.write_bytes(b"")
    assert refused(path) == "is empty; remove it or copy it again"
    kind = "NRRD" if suffix in ("nrrd", "nhdr") else "MetaImage"
    for content in (b"\n", b"NDims = 2\n", b"NRRD", b"\x89PNG\r\n\x1a\n" + bytes(200)):
        path.write_bytes(content)
        assert "has no header of" in refused(path) or "has a damaged header" in refused(path)
    path.write_bytes(write_header(tmp_path / ("b.mha" if kind == "NRRD" else "b.nrrd")).read_bytes())
    assert refused(path).startswith((f"has no header of {kind}", "has a damaged header"))


@pytest.mark.parametrize("name", ["a.nrrd", "a.mha", "a.nhdr", "a.mhd"])
def test_cut_off_pixels(write_header, tmp_path, name):
    if name in ("a.nrrd", "a.mha"):
        path = write_header(tmp_path / name, PIXELS[:-2])
    else:
        (tmp_path / "a.raw").write_bytes(PIXELS[:-2])
        path = write_header(tmp_path / name, b"", **{"data file" if name == "a.nhdr" else "ElementDataFile": "a.raw"})
    assert refused(path) == "is cut off: 33 of 35 bytes of pixels are there; copy it again"


@pytest.mark.parametrize("name", ["a.nrrd", "a.mha"])
def test_every_cut_of_a_file_is_refused(write_header, tmp_path, name):
    whole = write_header(tmp_path / name).read_bytes()
    for length in range(len(whole)):
        (tmp_path / name).write_bytes(whole[:length])
        refused(tmp_path / name)


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
def test_sizes(write_header, tmp_path, name, size, message):
    axes = str(len(size.split()))
    keys = ("dimension", "sizes") if name == "a.nrrd" else ("NDims", "DimSize")
    assert refused(write_header(tmp_path / name, **dict(zip(keys, (axes, size), strict=True)))).startswith(message)


def test_vectors_and_complex_values(tmp_path):
    sitk = pytest.importorskip("SimpleITK")
    vectors = sitk.GetImageFromArray(np.zeros((5, 7, 2), np.float32), isVector=True)
    signed = sitk.GetImageFromArray(np.zeros((5, 7, 3), np.int16), isVector=True)
    numbers = sitk.GetImageFromArray(np.zeros((5, 7), np.complex64))
    for suffix in ("nrrd", "mha"):
        for count, image in [(2, vectors), (3, signed), (2, numbers)]:
            sitk.WriteImage(image, str(tmp_path / f"a.{suffix}"))
            text = refused(tmp_path / f"a.{suffix}")
            assert text.startswith(f"has pixels of {count} numbers (") and text.endswith(
                "convert it to grey values or RGB"
            )


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
def test_affines_that_tell_no_place(write_header, tmp_path, name, fields):
    text = refused(write_header(tmp_path / name, **fields))
    assert text.startswith(("has an affine that tells no place (", "cannot be read ("))


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
def test_headers_that_itk_does_not_bear(write_header, tmp_path, name, fields):
    refused(write_header(tmp_path / name, **fields))


def test_the_error_of_itk_is_one_line(write_header, tmp_path):
    text = refused(write_header(tmp_path / "a.nrrd", type="nonsense"))
    assert text.startswith("cannot be read (") and text.endswith("); remove or repair it")
    assert "0x" not in text and "\n" not in text and ".cxx" not in text
