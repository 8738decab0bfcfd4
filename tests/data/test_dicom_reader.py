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
"""Tests of the grey values of DICOM, and of enhanced multi-frame files written by hand."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pydicom
import pytest
from pydicom import Dataset
from pydicom.examples import get_path
from pydicom.pixels import get_decoder
from pydicom.sequence import Sequence
from pydicom.uid import EnhancedMRImageStorage

from scripts.data.image_reader import SeriesImage, read_image_series
from scripts.data.image_series import find_image_series
from scripts.io.input_error import InputError

FILES = Path(pydicom.__file__).parent / "data" / "test_files"
GREY = (np.arange(35).reshape(5, 7) * 7).astype(np.uint8)


def read(path: Path, *, voi: bool = False) -> SeriesImage:
    (series,) = find_image_series(path)
    return read_image_series(series, voi=voi)


def item(**tags: object) -> Sequence:
    dataset = Dataset()
    for name, value in tags.items():
        setattr(dataset, name, value)
    return Sequence([dataset])


def grey(image: SeriesImage, frame: int = 0) -> np.ndarray:
    return image.frames[frame, 0].numpy()


# grey values


def test_monochrome1_is_turned_within_the_stored_range(tmp_path, write_dicom):
    write_dicom(tmp_path / "a.dcm", GREY, PhotometricInterpretation="MONOCHROME1")
    np.testing.assert_array_equal(grey(read(tmp_path)), 255.0 - GREY.T)


def test_monochrome1_is_turned_within_the_rescaled_range(tmp_path, write_dicom):
    tags = {"RescaleSlope": 2, "RescaleIntercept": -1000, "BitsStored": 12, "HighBit": 11}
    pixels = GREY.astype(np.uint16) * 10
    write_dicom(tmp_path / "a.dcm", pixels, PhotometricInterpretation="MONOCHROME1", **tags)
    # 0 becomes -1000 and 4095 becomes 7190; each takes the other's place
    np.testing.assert_allclose(grey(read(tmp_path)), 7190 - 2.0 * pixels.T)


def test_signed_monochrome1_stays_within_its_range(tmp_path, write_dicom):
    pixels = GREY.astype(np.int16) - 100
    write_dicom(tmp_path / "a.dcm", pixels, PhotometricInterpretation="MONOCHROME1")
    np.testing.assert_allclose(grey(read(tmp_path)), -1.0 - pixels.T)


def test_empty_tags_of_grey_values_are_as_absent_ones(tmp_path, write_dicom):
    tags = dict.fromkeys(("RescaleSlope", "RescaleIntercept", "WindowCenter", "WindowWidth"))
    write_dicom(tmp_path / "a.dcm", GREY, **tags)
    np.testing.assert_array_equal(grey(read(tmp_path, voi=True)), GREY.T)


def test_a_modality_table_is_applied(tmp_path, write_dicom):
    table = (np.arange(256)[::-1] ** 2 // 10).astype(np.uint16)
    lut = item(LUTDescriptor=[256, 0, 16], LUTData=table.tobytes(), ModalityLUTType="US")
    write_dicom(tmp_path / "a.dcm", GREY, ModalityLUTSequence=lut)
    np.testing.assert_array_equal(grey(read(tmp_path)), table[GREY].T)


def test_a_window_is_applied_where_it_is_asked_for(tmp_path, write_dicom):
    path = write_dicom(tmp_path / "a.dcm", GREY, WindowCenter=[100.5, 7], WindowWidth=[101, 9])
    np.testing.assert_array_equal(grey(read(path)), GREY.T)
    # PS3.3 C.11.2.1.2: from 50 to 150, over the range of 8 bits; beyond it is black or white
    expected = np.interp(GREY, [50, 150], [0, 255])
    np.testing.assert_allclose(grey(read(path, voi=True)), expected.T, atol=1e-4)


def test_a_window_of_monochrome1_is_turned_after_it(tmp_path, write_dicom):
    tags = {"WindowCenter": 100.5, "WindowWidth": 101, "PhotometricInterpretation": "MONOCHROME1"}
    path = write_dicom(tmp_path / "a.dcm", GREY, **tags)
    expected = np.interp(GREY, [50, 150], [255, 0])
    np.testing.assert_allclose(grey(read(path, voi=True)), expected.T, atol=1e-4)


def test_a_voi_table_goes_before_a_window(tmp_path, write_dicom):
    table = (np.arange(256) ** 2).astype(np.uint16)
    lut = item(LUTDescriptor=[256, 0, 16], LUTData=table.tobytes())
    path = write_dicom(tmp_path / "a.dcm", GREY, VOILUTSequence=lut, WindowCenter=100, WindowWidth=10)
    np.testing.assert_array_equal(grey(read(path, voi=True)), table[GREY].T)


def test_what_tells_the_spacing_is_told(tmp_path, write_dicom):
    image = read(write_dicom(tmp_path / "a.dcm", GREY, ImagerPixelSpacing=[0.1, 0.1]))
    assert (image.spacing_known, image.spacing_source) == (False, "ImagerPixelSpacing")


PLACE = {"ImagePositionPatient": [1, 2, 3], "ImageOrientationPatient": [1, 0, 0, 0, 1, 0]}


@pytest.mark.parametrize(
    ("tags", "placed"),
    [
        ({}, False),
        (PLACE, False),
        ({"PixelSpacing": [0.5, 0.5]}, False),
        ({**PLACE, "PixelSpacing": [0.5, 0.5]}, True),
        ({**PLACE, "PixelSpacing": 0.5}, False),
        ({**PLACE, "ImagerPixelSpacing": [0.5, 0.5]}, False),
        # the detector's, so that its affine has pixels of 1 mm
        ({**PLACE, "PixelSpacing": [0.5, 0.5], "ImagerPixelSpacing": [0.5, 0.5]}, False),
    ],
)
def test_what_tells_the_place_in_the_patient(tmp_path, write_dicom, tags, placed):
    assert read(write_dicom(tmp_path / "a.dcm", GREY, **tags)).placed == placed


def test_a_ct_slice_is_placed_and_an_ultrasound_clip_is_not():
    assert read(Path(get_path("ct"))).placed
    assert not read(Path(get_path("ybr_color"))).placed


def test_a_series_is_placed_where_every_file_is(tmp_path, write_dicom):
    for number, spacing in enumerate([[0.5, 0.5], None]):
        tags = {"SeriesInstanceUID": "1.2.3", "InstanceNumber": number, "PixelSpacing": spacing}
        write_dicom(tmp_path / f"{number}.dcm", GREY, **PLACE, **tags)
    image = read(tmp_path)
    assert (len(image.frames), image.placed) == (2, False)


# enhanced multi-frame


def write_enhanced(write_dicom, path: Path, places: list[float], times: list[str], **tags: object) -> Path:
    frames = []
    for i, (place, time) in enumerate(zip(places, times, strict=True)):
        frame = Dataset()
        frame.PlanePositionSequence = item(ImagePositionPatient=[10.0, -20.0, place])
        frame.FrameContentSequence = item(FrameAcquisitionDateTime=time, TemporalPositionIndex=i + 1)
        frame.PixelValueTransformationSequence = item(RescaleSlope=1 + i, RescaleIntercept=-i, RescaleType="US")
        frame.FrameVOILUTSequence = item(WindowCenter=100.5, WindowWidth=101)
        frames.append(frame)
    shared = Dataset()
    shared.PixelMeasuresSequence = item(PixelSpacing=[0.7, 1.3], SliceThickness=8)
    shared.PlaneOrientationSequence = item(ImageOrientationPatient=[1, 0, 0, 0, 1, 0])
    pixels = np.stack([GREY] * len(places))
    return write_dicom(
        path,
        pixels,
        SOPClassUID=EnhancedMRImageStorage,
        Modality="MR",
        SharedFunctionalGroupsSequence=Sequence([shared]),
        PerFrameFunctionalGroupsSequence=Sequence(frames),
        **tags,
    )


TIMES = [f"20240101100000.{i}00000" for i in (0, 1, 2)]


def test_enhanced_mr(tmp_path, write_dicom, caplog):
    image = read(write_enhanced(write_dicom, tmp_path / "a.dcm", [5.0] * 3, TIMES))
    assert image.frames.shape == (3, 1, 7, 5)
    assert image.frame_ms == pytest.approx(100)
    assert (image.spacing_known, image.spacing_source) == (True, "PixelMeasuresSequence")
    assert image.placed
    expected = [[-1.3, 0, 0, -10], [0, -0.7, 0, 20], [0, 0, 1, 5], [0, 0, 0, 1]]
    np.testing.assert_allclose(image.affines, [expected] * 3)
    for i in range(3):  # each frame has a rescaling of its own
        np.testing.assert_allclose(grey(image, i), (GREY.T * (1.0 + i)) - i)
    assert caplog.text == ""


def test_a_frame_has_a_window_of_its_own(tmp_path, write_dicom):
    image = read(write_enhanced(write_dicom, tmp_path / "a.dcm", [5.0], TIMES[:1]), voi=True)
    np.testing.assert_allclose(grey(image), np.interp(GREY, [50, 150], [0, 255]).T, atol=1e-4)


def test_enhanced_frames_at_several_places_are_refused(tmp_path, write_dicom):
    path = write_enhanced(write_dicom, tmp_path / "a.dcm", [5.0, 10.0, 15.0], TIMES)
    with pytest.raises(InputError, match=r"a\.dcm has 3 frames at 3 places in the patient: a stack or volume"):
        read(path)


def write_components(write_dicom, path: Path, components: list[str | None], shared: str | None = None) -> Path:
    write_enhanced(write_dicom, path, [5.0] * len(components), TIMES[: len(components)])
    dataset = pydicom.dcmread(path)
    for frame, component in zip(dataset.PerFrameFunctionalGroupsSequence, components, strict=True):
        if component is not None:
            frame.MRImageFrameTypeSequence = item(ComplexImageComponent=component)
    if shared is not None:
        dataset.SharedFunctionalGroupsSequence[0].MRImageFrameTypeSequence = item(ComplexImageComponent=shared)
    dataset.save_as(path)
    return path


def test_enhanced_frames_of_several_kinds_are_refused(tmp_path, write_dicom):
    path = write_components(write_dicom, tmp_path / "a.dcm", ["MAGNITUDE", "PHASE", "MAGNITUDE"])
    with pytest.raises(InputError, match=r"a\.dcm mixes frames of MAGNITUDE and PHASE, .*; write each kind to a file"):
        read(path)


@pytest.mark.parametrize(("own", "shared"), [("MAGNITUDE", None), ("PHASE", "MAGNITUDE"), (None, "REAL"), (None, None)])
def test_enhanced_frames_of_one_kind_are_read(tmp_path, write_dicom, own, shared):
    assert len(read(write_components(write_dicom, tmp_path / "a.dcm", [own] * 2, shared)).frames) == 2


def test_frames_that_are_not_stored_in_order_are_used_as_stored_and_told(tmp_path, write_dicom, caplog):
    image = read(write_enhanced(write_dicom, tmp_path / "a.dcm", [5.0] * 3, TIMES[::-1]))
    assert image.frame_ms is None
    assert "a.dcm: its frames are not stored in the order of their times" in caplog.text


def test_an_ultrasound_clip_with_a_region_is_in_mm(tmp_path, write_dicom):
    regions = item(
        RegionSpatialFormat=1,
        RegionDataType=1,
        RegionLocationMinX0=0,
        RegionLocationMinY0=0,
        RegionLocationMaxX1=6,
        RegionLocationMaxY1=4,
        PhysicalUnitsXDirection=3,
        PhysicalUnitsYDirection=3,
        PhysicalDeltaX=0.03,
        PhysicalDeltaY=0.05,
    )
    pixels = np.stack([GREY, GREY])
    image = read(write_dicom(tmp_path / "a.dcm", pixels, SequenceOfUltrasoundRegions=regions, FrameTimeVector=[0, 20]))
    assert image.spacing_known
    assert image.pixel_size == pytest.approx((0.3, 0.5))
    # shown as two slices
    expected = np.array([np.diag([-0.3, -0.5, 1.0, 1.0])] * 2)
    expected[1, 2, 3] = 1.0
    np.testing.assert_allclose(image.affines, expected)


# against SimpleITK, which decodes with code of its own


@pytest.mark.parametrize("name", ["ct", "mr", "jpeg2k"])
def test_grey_values_agree_with_simpleitk(name):
    sitk = pytest.importorskip("SimpleITK")
    path = Path(get_path(name))
    expected = sitk.GetArrayFromImage(sitk.ReadImage(str(path))).astype(float)[0]
    if expected.ndim == 3:
        expected = expected @ np.array([0.299, 0.587, 0.114])
    np.testing.assert_allclose(grey(read(path)), expected.T, atol=1.0 if name == "jpeg2k" else 1e-4)


# compressed


RLE, JPEG_2000, JPEG_LS = "MR_small_RLE.dcm", "MR_small_jp2klossless.dcm", "MR_small_jpeg_ls_lossless.dcm"


@pytest.mark.parametrize("name", [RLE, JPEG_2000, JPEG_LS])
def test_lossless_compression_gives_the_pixels_of_the_uncompressed_file(name):
    if not get_decoder(pydicom.dcmread(FILES / name).file_meta.TransferSyntaxUID).is_available:
        pytest.skip("no decoder is installed")
    np.testing.assert_array_equal(read(FILES / name).frames, read(FILES / "MR_small.dcm").frames)
