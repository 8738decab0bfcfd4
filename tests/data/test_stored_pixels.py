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
"""Tests of which pixels of a DICOM file are padding, and of stored bits that are not the lowest ones."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pydicom
import pytest
from pydicom import DataElement, Dataset
from pydicom.uid import ExplicitVRBigEndian

from scripts.data.image_reader import SeriesImage, read_image_series
from scripts.data.image_series import find_image_series
from scripts.data.prepared_series import PrepareSeries

ROWS, COLUMNS = np.mgrid[:40, :50]
INSIDE = np.hypot(ROWS - 20, COLUMNS - 25) < 19
TISSUE = (90 * np.sin(ROWS / 3) * np.cos(COLUMNS / 5)).round().astype(int) + 100  # 10 to 190


def read(path: Path, *, voi: bool = False) -> SeriesImage:
    (series,) = find_image_series(path)
    return read_image_series(series, voi=voi)


def check(path: Path, tissue: np.ndarray = TISSUE, *, voi: bool = False) -> None:
    """The padding is known and dark, and the tissue has the whole of the network's scale."""
    image = read(path, voi=voi)
    assert image.padding is not None
    for frame in image.padding[:, 0].numpy():
        np.testing.assert_array_equal(frame, ~INSIDE.T)
    if not voi:
        np.testing.assert_allclose(image.frames[0, 0].numpy()[INSIDE.T], tissue.T[INSIDE.T], rtol=1e-6)
    (series,) = find_image_series(path)
    frames = PrepareSeries((50, 40), voi=voi)({"series": series})["frames"].float()[:, 0].numpy()
    dark, bright = np.percentile(frames[:, INSIDE.T], (1, 99))
    assert dark < 0.05 and bright > 0.95
    # and its edge is not that of something bright
    assert frames[:, ~INSIDE.T].max() < 0.01


def padded(value: float, dtype: type, tissue: np.ndarray = TISSUE) -> np.ndarray:
    return np.where(INSIDE, tissue, value).astype(dtype)


@pytest.mark.parametrize(
    ("dtype", "stored", "tags"),
    [
        (np.uint8, 0, {"PixelPaddingValue": 0}),
        (np.uint16, 0, {"PixelPaddingValue": 0}),
        (np.uint16, 65535, {"PixelPaddingValue": 65535}),
        (np.int16, -2000, {"PixelPaddingValue": -2000}),
        (np.int16, -32768, {"PixelPaddingValue": -32768}),
        (np.uint32, 60000, {"PixelPaddingValue": 60000}),
        (np.int32, -5, {"PixelPaddingValue": -5}),
        # a stored value, before it is rescaled
        (np.int16, -2000, {"PixelPaddingValue": -2000, "RescaleSlope": 2, "RescaleIntercept": -1024}),
    ],
)
def test_a_padding_value_has_no_say_in_the_scale(tmp_path, write_dicom, dtype, stored, tags):
    slope, intercept = tags.get("RescaleSlope", 1), tags.get("RescaleIntercept", 0)
    check(write_dicom(tmp_path / "a.dcm", padded(stored, dtype), **tags), TISSUE * slope + intercept)


@pytest.mark.parametrize("limits", [(-2000, -900), (-900, -2000), (-1500, -1500)])
def test_a_range_of_padding_has_both_ends_in_either_order(tmp_path, write_dicom, limits):
    between = np.where(COLUMNS % 3 == 0, limits[0], np.where(COLUMNS % 3 == 1, limits[1], -1500)).astype(int)
    pixels = np.where(INSIDE, TISSUE, between).astype(np.int16)
    tags = dict(zip(("PixelPaddingValue", "PixelPaddingRangeLimit"), limits, strict=True))
    check(write_dicom(tmp_path / "a.dcm", pixels, **tags))


@pytest.mark.parametrize(
    ("dtype", "stored", "vr", "written"),
    [
        (np.int16, -2000, "US", 63536),
        (np.int32, -2000, "US", 63536),
        (np.int8, -48, "US", 208),
        (np.int8, -48, "SS", -48),
        (np.uint16, 63536, "SS", -2000),
        (np.uint8, 255, "SS", -1),
        (np.int16, -2000, "OW", b"\x30\xf8"),
        (np.int16, -2000, "SL", -2000),
        (np.int16, -2000, "DS", "-2000"),
    ],
)
def test_a_padding_value_may_have_the_sign_and_form_of_another_vr(tmp_path, write_dicom, dtype, stored, vr, written):
    tissue = TISSUE % 100 if np.dtype(dtype).itemsize == 1 else TISSUE
    path = write_dicom(tmp_path / "a.dcm", padded(stored, dtype, tissue))
    dataset = pydicom.dcmread(path)
    dataset.add(DataElement(0x00280120, vr, written))
    dataset.save_as(path)
    check(path, tissue)


def test_padding_of_big_endian(tmp_path, write_dicom):
    path = write_dicom(tmp_path / "a.dcm", padded(-2000, np.int16), PixelPaddingValue=-2000)
    dataset = pydicom.dcmread(path)
    dataset.PixelData = padded(-2000, np.int16).astype(">i2").tobytes()
    big = Dataset()
    big.update(dataset)
    big.file_meta = dataset.file_meta
    big.file_meta.TransferSyntaxUID = ExplicitVRBigEndian
    big["PixelData"].VR = "OW"
    big.save_as(path, implicit_vr=False, little_endian=False, enforce_file_format=True)
    check(path)


def test_padding_that_the_stored_bits_do_not_reach_is_known_by_the_others(tmp_path, write_dicom):
    # 0x0830 is left of it in 12 bits, a value that tissue may have too
    pixels = padded(0xF830, np.uint16, TISSUE + 0x0800)
    assert (pixels[INSIDE] == 0x0830).any()
    check(write_dicom(tmp_path / "a.dcm", pixels, BitsStored=12, HighBit=11, PixelPaddingValue=0xF830), TISSUE + 0x0800)


@pytest.mark.parametrize("value", [0, 4095])
def test_padding_of_monochrome1_is_dark_too(tmp_path, write_dicom, value):
    tags = {"PhotometricInterpretation": "MONOCHROME1", "BitsStored": 12, "HighBit": 11, "PixelPaddingValue": value}
    check(write_dicom(tmp_path / "a.dcm", padded(value, np.uint16), **tags), 4095 - TISSUE)


def test_padding_of_several_frames_and_of_the_files_of_a_series(tmp_path, write_dicom):
    pixels = np.stack([padded(-2000, np.int16)] * 3)
    check(write_dicom(tmp_path / "a.dcm", pixels, PixelPaddingValue=-2000))
    for number, value in enumerate([-2000, -3024]):  # each file tells its own
        tags = {"SeriesInstanceUID": "1.2.3", "InstanceNumber": number, "PixelPaddingValue": value}
        write_dicom(tmp_path / "b" / f"{number}.dcm", padded(value, np.int16), **tags)
    check(tmp_path / "b")


def test_a_series_of_which_one_file_has_padding(tmp_path, write_dicom):
    for number, tags in enumerate([{}, {"PixelPaddingValue": -2000}]):
        pixels = padded(-2000 if tags else 100, np.int16)
        write_dicom(tmp_path / f"{number}.dcm", pixels, SeriesInstanceUID="1.2.3", InstanceNumber=number, **tags)
    padding = read(tmp_path).padding
    assert padding is not None
    assert not padding[0].any() and padding[1].sum() == (~INSIDE).sum()


@pytest.mark.parametrize("voi", [False, True])
@pytest.mark.parametrize(
    ("keyword", "dtype", "value"),
    [
        ("FloatPixel", "<f4", -1e9),
        ("FloatPixel", "<f4", np.nan),
        ("DoubleFloatPixel", "<f8", 0.1),
    ],
)
def test_padding_of_floats(tmp_path, write_dicom, keyword, dtype, value, voi):
    path = write_dicom(tmp_path / "a.dcm", padded(0, np.int16), WindowCenter=100, WindowWidth=190)
    dataset = pydicom.dcmread(path)
    for name in ("PixelData", "BitsStored", "HighBit", "PixelRepresentation"):
        delattr(dataset, name)
    dataset.BitsAllocated = 8 * np.dtype(dtype).itemsize
    setattr(dataset, f"{keyword}Data", padded(value, dtype).tobytes())
    setattr(dataset, f"{keyword}PaddingValue", value)
    dataset.save_as(path)
    check(path, voi=voi)


def test_padding_does_not_turn_up_in_a_window(tmp_path, write_dicom):
    # in which it would be white
    tags = {"PixelPaddingValue": 4095, "WindowCenter": 100, "WindowWidth": 180}
    check(write_dicom(tmp_path / "a.dcm", padded(4095, np.uint16), **tags), voi=True)


def test_all_pixels_are_padding(tmp_path, write_dicom, caplog):
    even = np.full((40, 50), 7, np.int16)
    path = write_dicom(tmp_path / "a.dcm", even, PixelPaddingValue=7)
    image = read(path)
    assert image.padding is None and (image.frames == 7).all()
    assert f"{path}: it calls all its pixels padding, which is passed over" in caplog.text
    assert f"{path}: all its pixels have one value" in caplog.text
    # a range that leaves nothing is a mistake
    path = write_dicom(tmp_path / "b.dcm", TISSUE.astype(np.int16), PixelPaddingValue=-500, PixelPaddingRangeLimit=500)
    np.testing.assert_array_equal(read(path).frames[0, 0], TISSUE.T)


def test_tissue_of_one_value_is_told_though_there_is_padding(tmp_path, write_dicom, caplog):
    write_dicom(tmp_path / "a.dcm", padded(-2000, np.int16, np.full_like(TISSUE, 7)), PixelPaddingValue=-2000)
    assert (read(tmp_path).frames == 7).all()
    assert "a.dcm: all its pixels have one value" in caplog.text


@pytest.mark.parametrize("tags", [{}, {"PixelPaddingRangeLimit": 100}, {"PixelPaddingValue": 255}])
def test_a_file_without_padding_keeps_all_its_values(tmp_path, write_dicom, tags):
    image = read(write_dicom(tmp_path / "a.dcm", TISSUE.astype(np.uint8), **tags))
    assert image.padding is None
    np.testing.assert_array_equal(image.frames[0, 0], TISSUE.T)


def test_padding_outside_of_the_region_does_not_matter(tmp_path, write_dicom):
    path = write_dicom(tmp_path / "a.dcm", padded(-2000, np.int16), PixelPaddingValue=-2000)
    (series,) = find_image_series(path)
    x, y = 15, 10  # inside of the tissue
    frames = PrepareSeries((20, 20), region=(x, y, x + 20, y + 20))({"series": series})["frames"]
    assert frames.min() == 0 and frames.max() == 1


# stored bits


@pytest.mark.parametrize("signed", [False, True])
@pytest.mark.parametrize(("stored", "high"), [(12, 11), (12, 13), (12, 15), (16, 15), (16, 11), (10, 12)])
def test_the_high_bit_tells_where_the_stored_bits_are(tmp_path, write_dicom, stored, high, signed):
    values = (TISSUE - 100 * signed) * (20 if stored > 10 else 1)
    above = max(high + 1 - stored, 0)
    # the other bits may hold anything, overlays for instance
    other = (np.arange(TISSUE.size).reshape(TISSUE.shape) * 40503).astype(np.uint16)
    mask = ((1 << stored) - 1) << above
    pixels = ((values << above).astype(np.uint16) & mask) | (other & ~np.uint16(mask))
    tags = {"BitsStored": stored, "HighBit": high, "PixelRepresentation": int(signed)}
    image = read(write_dicom(tmp_path / "a.dcm", pixels.astype(np.uint16), **tags))
    np.testing.assert_array_equal(image.frames[0, 0], values.T)


def test_stored_bits_above_empty_ones(tmp_path, write_dicom):
    image = read(write_dicom(tmp_path / "a.dcm", (TISSUE << 4).astype(np.uint16), BitsStored=12, HighBit=15))
    np.testing.assert_array_equal(image.frames[0, 0], TISSUE.T)


def test_a_high_bit_that_the_values_do_not_reach_is_a_mistake(tmp_path, write_dicom):
    image = read(write_dicom(tmp_path / "a.dcm", TISSUE.astype(np.uint16), BitsStored=12, HighBit=15))
    np.testing.assert_array_equal(image.frames[0, 0], TISSUE.T)
