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
"""Tests of the pixels of PNG, JPEG and BMP, against OpenCV and files written by hand."""

from __future__ import annotations

import io
import struct
import zlib
from pathlib import Path

import cv2
import numpy as np
import pytest
from PIL import Image

from pictures import COLOUR, COLUMNS, GREY, LUMA, grey, read
from scripts.io.input_error import InputError


def chunk(name: bytes, content: bytes) -> bytes:
    return struct.pack(">I", len(content)) + name + content + struct.pack(">I", zlib.crc32(name + content))


def write_png(path: Path, depth: int, kind: int, values: np.ndarray, *chunks: bytes) -> Path:
    """By hand; values (rows, columns, numbers), of up to 16 bits."""
    bits = (values.reshape(len(values), -1, 1) >> np.arange(depth)[::-1]) & 1
    rows = b"".join(b"\0" + np.packbits(row).tobytes() for row in bits.reshape(len(values), -1).astype(np.uint8))
    head = struct.pack(">IIBBBBB", values.shape[1], len(values), depth, kind, 0, 0, 0)
    content = [chunk(b"IHDR", head), *chunks, chunk(b"IDAT", zlib.compress(rows)), chunk(b"IEND", b"")]
    path.write_bytes(b"\x89PNG\r\n\x1a\n" + b"".join(content))
    return path


@pytest.mark.parametrize("opacity", [None, 65535, 40000, 0])
def test_16_bit_colours_of_png_are_not_cut(tmp_path, opacity):
    more = [] if opacity is None else [np.full_like(GREY, opacity)]
    path = write_png(tmp_path / "a.png", 16, 2 if opacity is None else 6, np.dstack([COLOUR, *more]))
    np.testing.assert_allclose(grey(path), LUMA, rtol=1e-6)


@pytest.mark.parametrize("opacity", [65535, 40000, 0])
def test_16_bit_grey_with_opacity_is_not_cut(tmp_path, opacity):
    path = write_png(tmp_path / "a.png", 16, 4, np.dstack([GREY, np.full_like(GREY, opacity)]))
    np.testing.assert_array_equal(grey(path), GREY)


def test_16_bit_colours_of_opencv(tmp_path):
    cv2.imwrite(str(tmp_path / "a.png"), COLOUR[..., ::-1].astype(np.uint16))
    np.testing.assert_allclose(grey(tmp_path / "a.png"), LUMA, rtol=1e-6)
    (tmp_path / "b.png").write_bytes((tmp_path / "a.png").read_bytes()[:-400])
    with pytest.raises(InputError, match=r"b\.png cannot be read"):
        read(tmp_path / "b.png")


@pytest.mark.parametrize("depth", [1, 2, 4, 8, 16])
@pytest.mark.parametrize("transparent", [False, True])
def test_grey_png_of_every_depth(tmp_path, depth, transparent):
    values = GREY % 2**depth
    chunks = [chunk(b"tRNS", struct.pack(">H", 1))] * transparent
    path = write_png(tmp_path / "a.png", depth, 0, values[..., None], *chunks)
    expected = values * (255 // (2**depth - 1)) if depth < 8 else values
    np.testing.assert_array_equal(grey(path), expected)
    if not transparent:
        np.testing.assert_array_equal(grey(path), cv2.imread(str(path), cv2.IMREAD_UNCHANGED))


@pytest.mark.parametrize("depth", [1, 2, 4, 8])
@pytest.mark.parametrize("transparent", [False, True])
def test_png_with_a_palette(tmp_path, depth, transparent):
    colours = np.random.default_rng(0).integers(0, 256, (2**depth, 3), dtype=np.uint8)
    chunks = [chunk(b"PLTE", colours.tobytes()), *[chunk(b"tRNS", b"\0\x80")] * transparent]
    path = write_png(tmp_path / "a.png", depth, 3, (GREY % 2**depth)[..., None], *chunks)
    expected = colours[GREY % 2**depth] @ np.array([0.299, 0.587, 0.114])
    np.testing.assert_allclose(grey(path), expected, atol=0.51)


@pytest.mark.parametrize("mode", ["1", "L", "P", "RGB", "RGBA"])
def test_bmp(tmp_path, mode):
    noise = Image.fromarray(np.random.default_rng(0).integers(0, 256, (48, 64, 3), dtype=np.uint8))
    noise.convert(mode).save(tmp_path / "a.bmp")
    expected = cv2.imread(str(tmp_path / "a.bmp"), cv2.IMREAD_GRAYSCALE)
    np.testing.assert_allclose(grey(tmp_path / "a.bmp"), expected, atol=1)


@pytest.mark.parametrize("mode", ["L", "RGB", "CMYK"])
def test_jpeg(tmp_path, mode):
    ramp = Image.fromarray(np.dstack([GREY // 11, 255 - GREY // 11, COLUMNS]).astype(np.uint8))
    ramp.convert(mode).save(tmp_path / "a.jpg", quality=100)
    truth = np.asarray(ramp.convert("L")).astype(int)
    np.testing.assert_allclose(grey(tmp_path / "a.jpg"), truth, atol=4)


@pytest.mark.parametrize("size", [(64, 48), (32, 24)])
def test_what_a_jpeg_holds_besides_its_picture_is_no_frame(tmp_path, size):
    first = Image.fromarray((GREY // 11).astype(np.uint8))
    first.save(tmp_path / "a.jpg", format="MPO", save_all=True, append_images=[first.resize(size)], quality=100)
    with Image.open(io.BytesIO((tmp_path / "a.jpg").read_bytes())) as picture:
        assert picture.n_frames == 2
    image = read(tmp_path / "a.jpg")
    assert image.still and image.frames.shape == (1, 1, 64, 48)


def test_an_animated_png_of_16_bit_colours_is_refused_rather_than_cut(tmp_path):
    control = struct.pack(">IIIIIHHBB", 0, 64, 48, 0, 0, 1, 10, 0, 0)
    chunks = [chunk(b"acTL", struct.pack(">II", 2, 0)), chunk(b"fcTL", control)]
    path = write_png(tmp_path / "a.png", 16, 2, COLOUR, *chunks)
    with pytest.raises(InputError, match=r"a\.png has several frames of 16-bit colours"):
        read(path)
