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
"""Tests of the pixels of TIFF: every kind of values keeps them, against what was written, Pillow and SimpleITK."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
import pytest
import tifffile
from PIL import Image

from pictures import COLOUR, COLUMNS, GREY, LUMA, grey, read
from scripts.data.image_header import read_raster_header
from scripts.data.image_series import find_image_series
from scripts.io.input_error import InputError

SMALL = GREY % 256


def write(path: Path, pixels: np.ndarray, *, byteorder: str | None = None, bigtiff: bool = False, **tags) -> Path:
    with tifffile.TiffWriter(path, byteorder=byteorder, bigtiff=bigtiff) as tiff:
        tiff.write(pixels, metadata=None, **{"photometric": "minisblack", **tags})
    return path


DTYPES = ["u1", "i1", "u2", "i2", "u4", "i4", "u8", "i8", "f2", "f4", "f8"]
FORMS = [
    {},
    {"byteorder": ">"},
    {"bigtiff": True},
    {"rowsperstrip": 7},
    {"tile": (16, 32)},
    {"compression": "lzw"},
    {"compression": "deflate", "tile": (32, 16)},
    {"compression": "zstd", "byteorder": ">"},
    {"compression": "lzma"},
    {"compression": "packbits"},
]


@pytest.mark.parametrize("form", FORMS, ids=str)
@pytest.mark.parametrize("dtype", DTYPES)
def test_every_type_of_values_in_every_form(tmp_path, dtype, form):
    limit = np.dtype(dtype).itemsize == 1
    pixels = ((SMALL - (128 if dtype == "i1" else 0)) if limit else GREY - (1000 if "u" not in dtype else 0)).astype(
        dtype
    )
    np.testing.assert_array_equal(grey(write(tmp_path / "a.tif", pixels, **form)), pixels.astype(np.float32))


@pytest.mark.parametrize("dtype", ["u1", "i1", "u2", "i2", "u4", "i4", "f4"])
def test_values_agree_with_simpleitk(tmp_path, dtype):
    sitk = pytest.importorskip("SimpleITK")
    path = write(tmp_path / "a.tif", SMALL.astype(dtype) * 5, compression="lzw")
    np.testing.assert_array_equal(grey(path), sitk.GetArrayFromImage(sitk.ReadImage(str(path))).astype(np.float32))


@pytest.mark.parametrize(("compression", "predictor"), [("lzw", 2), ("deflate", 2), ("lzw", 3), ("zstd", 3)])
def test_predictors(tmp_path, compression, predictor):
    pixels = GREY.astype(np.uint16) if predictor == 2 else (GREY / 7).astype(np.float32)
    path = write(tmp_path / "a.tif", pixels, compression=compression, predictor=predictor)
    np.testing.assert_array_equal(grey(path), pixels)


@pytest.mark.parametrize("bits", [1, 2, 4, 10, 12, 14])
@pytest.mark.parametrize("inverted", [False, True])
def test_values_of_other_depths(tmp_path, bits, inverted):
    pixels = GREY % 2**bits
    stored = pixels.astype(bool) if bits == 1 else pixels.astype(np.uint8 if bits < 8 else np.uint16)
    tags = {} if bits == 1 else {"bitspersample": bits}
    path = write(tmp_path / "a.tif", stored, photometric="miniswhite" if inverted else "minisblack", **tags)
    # spread over 8 bits, as Pillow and libtiff have them; values of more bits are what they are
    expected = pixels * (255 // (2**bits - 1)) if bits < 8 else pixels
    highest = 255 if bits < 8 else 2**bits - 1
    np.testing.assert_array_equal(grey(path), highest - expected if inverted else expected)


@pytest.mark.parametrize(
    ("dtype", "highest"), [("u1", 255), ("u2", 65535), ("i1", -1), ("i2", -1), ("i4", -1), ("u4", 2**32 - 1), ("f4", 0)]
)
def test_where_low_is_white_it_is_turned_so_that_bright_is_high(tmp_path, dtype, highest):
    pixels = (SMALL // 2).astype(dtype)
    path = write(tmp_path / "a.tif", pixels, photometric="miniswhite")
    np.testing.assert_array_equal(grey(path), (highest - pixels.astype(float)).astype(np.float32))
    if dtype == "u1":
        np.testing.assert_array_equal(grey(path), np.asarray(Image.open(path)))


@pytest.mark.parametrize("dtype", ["u2", "u4", "f4"])
@pytest.mark.parametrize("form", [{}, {"compression": "lzw"}, {"tile": (16, 16), "compression": "deflate"}], ids=str)
@pytest.mark.parametrize("planar", [False, True])
def test_colours_of_more_than_8_bits_are_not_cut(tmp_path, dtype, form, planar):
    colour = np.moveaxis(COLOUR, -1, 0) if planar else COLOUR
    tags = {"photometric": "rgb", "planarconfig": "separate" if planar else "contig"}
    path = write(tmp_path / "a.tif", colour.astype(dtype), **tags, **form)
    np.testing.assert_allclose(grey(path), LUMA, rtol=1e-6)


def test_three_like_colours_are_that_grey_value(tmp_path):
    cv2.imwrite(str(tmp_path / "a.tif"), np.dstack([GREY * 20] * 3).astype(np.uint16))
    np.testing.assert_array_equal(grey(tmp_path / "a.tif"), GREY * 20)


@pytest.mark.parametrize("mode", ["L", "RGB", "RGBA", "RGBX", "LA", "P", "PA", "CMYK", "YCbCr", "1"])
def test_values_of_8_bits_are_those_of_pillow(tmp_path, mode):
    noise = Image.fromarray(np.random.default_rng(0).integers(0, 256, (48, 64, 3), dtype=np.uint8))
    noise.convert(mode).save(tmp_path / "a.tif")
    expected = np.asarray(Image.open(tmp_path / "a.tif").convert("L"))
    np.testing.assert_array_equal(grey(tmp_path / "a.tif"), expected)


@pytest.mark.parametrize("mode", ["L", "RGB", "YCbCr", "CMYK"])
def test_jpeg_inside_is_as_of_pillow(tmp_path, mode):
    ramp = Image.fromarray(np.dstack([SMALL, SMALL[::-1], SMALL[:, ::-1]]).astype(np.uint8))
    ramp.convert(mode).save(tmp_path / "a.tif", compression="jpeg", quality=95)
    expected = np.asarray(Image.open(tmp_path / "a.tif").convert("L")).astype(int)
    np.testing.assert_allclose(grey(tmp_path / "a.tif"), expected, atol=1)


@pytest.mark.parametrize("opacity", ["unassalpha", "assocalpha"])
@pytest.mark.parametrize("channels", [1, 3])
def test_opacity_is_no_colour(tmp_path, channels, opacity):
    colour = COLOUR if channels == 3 else GREY[..., None]
    part = np.where(COLUMNS % 2, 32768, 65535)[..., None]
    shown = colour * part / 65535 if opacity == "assocalpha" else colour
    pixels = np.concatenate([np.rint(shown), part], axis=-1).astype(np.uint16)
    kind = "rgb" if channels == 3 else "minisblack"
    path = write(tmp_path / "a.tif", pixels, photometric=kind, planarconfig="contig", extrasamples=[opacity])
    np.testing.assert_allclose(grey(path), LUMA if channels == 3 else GREY, atol=3 if opacity == "assocalpha" else 1e-3)


def test_palettes(tmp_path):
    deep = np.random.default_rng(0).integers(0, 65536, (3, 256)).astype(np.uint16)
    path = write(tmp_path / "a.tif", SMALL.astype(np.uint8), photometric="palette", colormap=deep)
    # of 16 bits, all of which count
    np.testing.assert_allclose(grey(path), deep.T[SMALL] @ np.array([0.299, 0.587, 0.114]), rtol=1e-6)
    whole = np.arange(256, dtype=np.uint16)
    for entries in (whole * 257, whole << 8, whole):  # of 8 bits, in all the ways they are written
        write(path, SMALL.astype(np.uint8), photometric="palette", colormap=np.stack([entries] * 3))
        np.testing.assert_array_equal(grey(path), SMALL)


def test_every_page_is_a_frame(tmp_path):
    pages = np.stack([GREY, GREY + 1, GREY + 2]).astype(np.uint16)
    image = read(write(tmp_path / "a.tif", pages, compression="zstd"))
    np.testing.assert_array_equal(image.frames[:, 0].numpy().transpose(0, 2, 1), pages)
    assert not image.still


@pytest.mark.parametrize("orientation", range(1, 9))
@pytest.mark.parametrize("compression", [None, "deflate"])
def test_orientation_turns_nothing_but_is_told(tmp_path, orientation, compression):
    tags = [(274, 3, 1, orientation, True)]
    path = write(tmp_path / "a.tif", GREY.astype(np.uint16), compression=compression, extratags=tags)
    np.testing.assert_array_equal(grey(path), GREY)
    assert read_raster_header(path).orientation == orientation


@pytest.mark.parametrize("suffix", ["png", "jpg"])
def test_the_orientation_of_exif_turns_nothing(tmp_path, suffix):
    exif = Image.Exif()
    exif[274] = 6
    Image.fromarray(SMALL.astype(np.uint8)).save(tmp_path / f"a.{suffix}", exif=exif)
    assert read(tmp_path / f"a.{suffix}").frames.shape[2:] == (64, 48)


@pytest.mark.parametrize(
    ("dtype", "value", "text"),
    [("i2", -9999, "-9999"), ("f4", -9999, "-9999.0"), ("f4", np.nan, "nan"), ("u1", 0, "0")],
)
def test_what_gdal_calls_no_data_is_padding(tmp_path, dtype, value, text):
    pixels = np.where(COLUMNS < 5, value, SMALL // 2 + 1).astype(dtype)
    image = read(write(tmp_path / "a.tif", pixels, extratags=[(42113, 2, 0, text, True)]))
    assert image.padding is not None
    np.testing.assert_array_equal(image.padding[0, 0], COLUMNS.T < 5)
    np.testing.assert_array_equal(image.frames[0, 0, 5:], pixels.T[5:])
    assert image.frames[0, 0, :5].max() <= 3


@pytest.mark.parametrize("text", ["none", "1e400", "-9999"])
def test_no_data_that_no_pixel_has_is_passed_over(tmp_path, text):
    image = read(write(tmp_path / "a.tif", SMALL.astype(np.uint8), extratags=[(42113, 2, 0, text, True)]))
    assert image.padding is None
    np.testing.assert_array_equal(image.frames[0, 0], SMALL.T)


# by the headers


def refused(path: Path) -> str:
    with pytest.raises(InputError) as error:
        read_raster_header(path)
    assert str(error.value).startswith(str(path))
    return str(error.value)


@pytest.mark.parametrize(("other", "told"), [((24, 32), "a smaller copy"), ((96, 128), "another image")])
def test_pages_of_several_sizes_are_told_by_the_header(tmp_path, caplog, other, told):
    path = tmp_path / "a.tif"
    with tifffile.TiffWriter(path) as tiff:
        for shape in ((48, 64), (48, 64), other):
            tiff.write(np.ones(shape, np.uint8), metadata=None)
    assert f"pages of several sizes: page 3, {told}, has {other[1]} x {other[0]} px, the first has 64 x 48" in refused(
        path
    )
    cv2.imwrite(str(tmp_path / "b.png"), SMALL)
    assert [one.name for one in find_image_series(tmp_path)] == ["b.png"]
    assert "a.tif has pages of several sizes" in caplog.text


def test_the_pages_count_together(tmp_path, monkeypatch):
    monkeypatch.setattr("scripts.data.image_header.LARGEST_SERIES", 48 * 64 * 4)
    write(tmp_path / "a.tif", np.zeros((4, 48, 64), np.uint8))
    assert read_raster_header(tmp_path / "a.tif").pages == 4
    assert "5 frames of 64 x 48 px, more than" in refused(write(tmp_path / "a.tif", np.zeros((5, 48, 64), np.uint8)))


@pytest.mark.parametrize(
    ("pixels", "tags", "told"),
    [
        (COLOUR.astype(np.uint16), {"planarconfig": "contig"}, "3 channels that are no colours"),
        (GREY.astype(np.complex64), {}, "values of a kind that cannot be read"),
        (COLOUR.astype(np.uint8), {"photometric": "cielab"}, r"cannot be read (CIELAB, 8 bits); convert it"),
        ((SMALL > 9), {"subfiletype": 4, "photometric": "mask"}, "is a mask of another page"),
    ],
)
def test_pages_that_are_no_grey_values(tmp_path, pixels, tags, told):
    assert told in refused(write(tmp_path / "a.tif", pixels, **tags))


def test_a_file_that_is_cut_off(tmp_path):
    whole = write(tmp_path / "a.tif", np.stack([GREY] * 3).astype(np.uint16)).read_bytes()
    for end in range(0, len(whole), 211):
        (tmp_path / "b.tif").write_bytes(whole[:end])
        refused(tmp_path / "b.tif")


def test_a_list_of_pages_that_leads_nowhere_or_back(tmp_path):
    path = write(tmp_path / "a.tif", np.stack([GREY] * 3).astype(np.uint16))
    with tifffile.TiffFile(path) as tiff:
        offsets = [page.offset for page in tiff.pages]
        entries = int.from_bytes(path.read_bytes()[offsets[-1] : offsets[-1] + 2], "little")
    for offset in (offsets[0], 2**31):
        content = bytearray(path.read_bytes())
        at = offsets[-1] + 2 + 12 * entries
        content[at : at + 4] = offset.to_bytes(4, "little")
        (tmp_path / "b.tif").write_bytes(content)
        refused(tmp_path / "b.tif")


def test_several_images_behind_one_header(tmp_path):
    tifffile.imwrite(tmp_path / "a.tif", np.zeros((5, 48, 64), np.uint8), truncate=True, photometric="minisblack")
    assert "several images behind the header of one" in refused(tmp_path / "a.tif")
