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
"""Tests of what stored values mean where the header makes no sense, against SimpleITK, which has GDCM's rules."""

from __future__ import annotations

import logging
from pathlib import Path

import numpy as np
import pydicom
import pytest
from pydicom import Dataset
from pydicom.dataelem import RawDataElement
from pydicom.sequence import Sequence
from pydicom.tag import Tag
from pydicom.uid import EnhancedMRImageStorage

from scripts.data.image_reader import SeriesImage, read_image_series
from scripts.data.image_series import find_image_series
from scripts.io.input_error import InputError

sitk = pytest.importorskip("SimpleITK")

ROWS, COLUMNS = np.mgrid[:40, :50]
PIXELS = (1000 + 5 * COLUMNS + 3 * ROWS).astype(np.uint16)


def read(path: Path, *, voi: bool = False) -> SeriesImage:
    (series,) = find_image_series(path)
    return read_image_series(series, voi=voi)


def grey(path: Path, *, voi: bool = False) -> np.ndarray:
    return read(path, voi=voi).frames[0, 0].numpy().T


def write_raw(path: Path, **values: str | None) -> Path:
    """Change tags of a file to any text, in the form that is in the file; None removes one."""
    dataset = pydicom.dcmread(path)
    for name, value in values.items():
        if value is None:
            del dataset[name]
            continue
        text = value.encode() + b" " * (len(value) % 2)
        dataset[Tag(name)] = RawDataElement(Tag(name), "DS", len(text), text, 0, False, True)
    dataset.save_as(path)
    return path


@pytest.mark.filterwarnings("ignore:Invalid value for VR DS")
@pytest.mark.parametrize("kind", ["MONOCHROME2", "MONOCHROME1"])
@pytest.mark.parametrize(
    ("slope", "intercept", "told"),
    [
        ("2", "-1024", ""),
        ("-2", "7", ""),
        ("1e-5", "0", ""),
        ("0", "5", "RescaleSlope is 0; 1 is taken for it"),
        ("-0.0", "5", "RescaleSlope is -0.0; 1 is taken for it"),
        ("2", None, ""),
        (None, "-1000", ""),
        ("", "-1000", ""),
        ("2", "", ""),
        ("NaN", "5", "RescaleSlope is NaN; 1 is taken for it"),
        ("inf", "5", "RescaleSlope is inf; 1 is taken for it"),
        ("1", "NaN", "RescaleIntercept is NaN; 0 is taken for it"),
        ("abc", "0", "RescaleSlope is abc; 1 is taken for it"),
        ("2\\3", "0\\7", ""),
    ],
)
def test_rescaling_is_that_of_gdcm(tmp_path, write_dicom, caplog, kind, slope, intercept, told):
    path = write_dicom(tmp_path / "a.dcm", PIXELS, PhotometricInterpretation=kind, BitsStored=12, HighBit=11)
    numbers = {name: value for name, value in (("Slope", slope), ("Intercept", intercept)) if value is not None}
    write_raw(path, **{f"Rescale{name}": value for name, value in numbers.items()})
    caplog.clear()
    np.testing.assert_allclose(grey(path), sitk.GetArrayFromImage(sitk.ReadImage(str(path)))[0], rtol=1e-6)
    assert [record.getMessage() for record in caplog.records] == ([f"{path}: {told}"] if told else [])


@pytest.mark.parametrize(
    "tags",
    [
        {"BitsStored": None},
        {"BitsStored": 0},
        {"BitsStored": 32},
        {"BitsStored": 12, "HighBit": None},
        {"PixelRepresentation": None},
        {"PhotometricInterpretation": None},
        {"SamplesPerPixel": None},
    ],
    ids=str,
)
def test_what_the_header_does_not_tell_of_the_pixels_is_taken_as_by_gdcm(tmp_path, write_dicom, tags):
    path = write_dicom(tmp_path / "a.dcm", PIXELS)
    dataset = pydicom.dcmread(path)
    for name, value in tags.items():
        if value is None:
            del dataset[name]
        else:
            setattr(dataset, name, value)
    dataset.save_as(path)
    np.testing.assert_array_equal(grey(path), sitk.GetArrayFromImage(sitk.ReadImage(str(path)))[0])


@pytest.mark.parametrize(
    ("dtype", "stored"),
    [("u1", 8), ("i1", 8), ("u2", 16), ("u2", 12), ("i2", 16), ("i2", 12), ("u4", 32), ("i4", 32)],
)
def test_values_of_every_form_agree_with_simpleitk(tmp_path, write_dicom, dtype, stored):
    rng = np.random.default_rng(0)
    limit = np.iinfo(dtype)
    # all bits, those that are not stored too, as overlays in them
    pixels = rng.integers(limit.min, limit.max, (40, 50), dtype=dtype, endpoint=True)
    path = write_dicom(tmp_path / "a.dcm", pixels, BitsStored=stored, HighBit=stored - 1)
    expected = sitk.GetArrayFromImage(sitk.ReadImage(str(path)))[0]
    np.testing.assert_array_equal(grey(path), expected.astype(np.float32))


def test_a_slope_of_0_for_a_frame_of_an_enhanced_file_is_told_once(tmp_path, write_dicom, caplog):
    frames = []
    for slope in (2, 0, 0):
        meaning = Dataset()
        meaning.RescaleSlope, meaning.RescaleIntercept, meaning.RescaleType = slope, 1, "US"
        frame = Dataset()
        frame.PixelValueTransformationSequence = Sequence([meaning])
        frames.append(frame)
    tags = {"SOPClassUID": EnhancedMRImageStorage, "PerFrameFunctionalGroupsSequence": Sequence(frames)}
    image = read(write_dicom(tmp_path / "a.dcm", np.stack([PIXELS] * 3), **tags))
    for frame, slope in zip(image.frames[:, 0].numpy(), (2, 1, 1), strict=True):
        np.testing.assert_array_equal(frame, PIXELS.T.astype(np.float32) * slope + 1)
    assert caplog.text.count("RescaleSlope is 0") == 1


def table(values: np.ndarray, depth: int, entries: int | None = None) -> Sequence:
    item = Dataset()
    item.LUTDescriptor = [len(values) if entries is None else entries, 0, depth]
    item.LUTData, item.ModalityLUTType = values.astype("<u2").tobytes(), "US"
    return Sequence([item])


@pytest.mark.parametrize("depth", [10, 12, 16])
def test_a_modality_table_of_any_depth(tmp_path, write_dicom, depth):
    values = (np.arange(4096) // 5).astype(np.uint16)
    path = write_dicom(tmp_path / "a.dcm", PIXELS, ModalityLUTSequence=table(values, depth))
    np.testing.assert_array_equal(grey(path), values[PIXELS])


@pytest.mark.parametrize("sequence", [Sequence([Dataset()]), table(np.arange(20), 16, entries=4096)])
def test_a_damaged_modality_table_is_refused_by_name(tmp_path, write_dicom, sequence):
    path = write_dicom(tmp_path / "a.dcm", PIXELS, ModalityLUTSequence=sequence)
    with pytest.raises(InputError, match=r"a\.dcm cannot be read"):
        read(path)


# windows


@pytest.mark.parametrize(
    ("center", "width"), [([0, 1100], [0, 201]), ([1100], [0]), ([1100], [-5]), ([1100], None), (None, [201])]
)
def test_a_window_of_no_width_is_passed_over_where_windows_are_asked_for(tmp_path, write_dicom, caplog, center, width):
    path = write_dicom(tmp_path / "a.dcm", PIXELS, WindowCenter=center, WindowWidth=width)
    np.testing.assert_array_equal(grey(path), PIXELS)
    assert caplog.text == ""
    second = center is not None and len(center) > 1
    expected = np.interp(PIXELS, [999.5, 1199.5], [0, 65535]) if second else PIXELS
    np.testing.assert_allclose(grey(path, voi=True), expected, atol=0.01)
    assert "a.dcm: a window without a centre or with no width is passed over" in caplog.text


def test_a_window_narrower_than_1_is_one_of_fractions(tmp_path, write_dicom):
    tags = {"RescaleSlope": 0.001, "RescaleIntercept": 0, "WindowCenter": 1.2, "WindowWidth": 0.2}
    values = grey(write_dicom(tmp_path / "a.dcm", PIXELS, **tags), voi=True)
    expected = np.interp(PIXELS * 0.001, [1.1, 1.3], [0, 1])
    np.testing.assert_allclose(values / values.max(), expected, atol=1e-4)


def test_a_window_keeps_bright_as_high_whatever_the_sign_of_the_slope(tmp_path, write_dicom):
    tags = {"RescaleSlope": -1, "RescaleIntercept": 0, "WindowCenter": -1200, "WindowWidth": 201}
    values = grey(write_dicom(tmp_path / "a.dcm", PIXELS, **tags), voi=True)
    expected = np.interp(-PIXELS.astype(float), [-1300.5, -1100.5], [0, 1])
    np.testing.assert_allclose(values / values.max(), expected, atol=0.01)


def test_pixels_of_one_value_are_told(tmp_path, write_dicom, caplog):
    path = write_dicom(tmp_path / "a.dcm", PIXELS, WindowCenter=9000, WindowWidth=10)
    caplog.set_level(logging.WARNING)
    grey(path)
    assert caplog.text == ""
    grey(path, voi=True)
    assert f"{path}: all its pixels have one value" in caplog.text
