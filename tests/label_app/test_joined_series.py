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
"""Single-frame files as one: what pydicom and ITK read of it, beside what they read of the files."""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pydicom
import pytest
import SimpleITK
from pydicom.uid import (
    ExplicitVRLittleEndian,
    MRImageStorage,
    RLELossless,
    UltrasoundImageStorage,
    UltrasoundMultiFrameImageStorage,
    generate_uid,
)

from label_app.joined_series import write_joined_series
from scripts.data import find_image_series
from scripts.data.image_series import ImageSeries, image_series_of
from scripts.io.input_error import InputError
from scripts.transforms.coordinates import index_to_lps, joined_affines

X, Y = np.meshgrid(np.arange(24), np.arange(18))
TIMES = ("100002", "100000.5", "100001.25", "100003.75")  # of the files by their names
ORDER = (1, 2, 0, 3)
DIGITAL_XRAY = "1.2.840.10008.5.1.4.1.1.1.1"
PLACE = {
    "PixelSpacing": [0.75, 0.5],
    "ImagePositionPatient": [10.5, -20, 5],
    "ImageOrientationPatient": [0.8, 0, -0.6, 0, 1, 0],
}


def grey(i: int) -> np.ndarray:
    """(Y, X), uint16."""
    return (200 + 100 * i + 7 * X + 3 * Y).astype(np.uint16)


def write_files(
    folder: Path, pixels: Callable[[int], np.ndarray] = grey, *, count: int = 4, syntax: str = "", **attributes: Any
) -> ImageSeries:
    """Attributes that can be called are asked for each file."""
    for i in range(count):
        page = pixels(i)
        one = pydicom.Dataset()
        one.file_meta = pydicom.dataset.FileMetaDataset()
        one.file_meta.TransferSyntaxUID = ExplicitVRLittleEndian
        one.SOPClassUID, one.SOPInstanceUID = MRImageStorage, generate_uid(entropy_srcs=[str(i)])
        one.StudyInstanceUID, one.SeriesInstanceUID, one.FrameOfReferenceUID = "1.2.3", "1.2.3.4", "1.2.3.5"
        one.PatientName, one.SpecificCharacterSet, one.Modality = "Müller^Zoë", "ISO_IR 100", "MR"
        one.AcquisitionTime, one.InstanceNumber = TIMES[i % 4], i + 1
        one.Rows, one.Columns = page.shape[:2]
        one.SamplesPerPixel, one.PhotometricInterpretation = (3, "RGB") if page.ndim == 3 else (1, "MONOCHROME2")
        if page.ndim == 3:
            one.PlanarConfiguration = 0
        one.BitsAllocated = one.BitsStored = 8 * page.dtype.itemsize
        one.PixelRepresentation = int(page.dtype.kind == "i")
        one.PixelData = page.tobytes()
        for name, value in attributes.items():
            setattr(one, name, value(i) if callable(value) else value)
        one.HighBit = one.BitsStored - 1
        one.file_meta.MediaStorageSOPClassUID, one.file_meta.MediaStorageSOPInstanceUID = (
            one.SOPClassUID,
            one.SOPInstanceUID,
        )
        if syntax:
            one.compress(syntax)
        (folder / "run").mkdir(exist_ok=True)
        one.save_as(folder / "run" / f"{i}.dcm", enforce_file_format=True)
    if one.SOPClassUID != MRImageStorage or len({np.ndim(pixels(i)) for i in range(count)}) > 1:
        # a data list may put files together that are found as images of their own
        return image_series_of([folder / "run" / f"{i}.dcm" for i in ORDER[:count]], folder)
    (series,) = find_image_series(folder)
    return series


def join(folder: Path, series: ImageSeries) -> tuple[pydicom.Dataset, SimpleITK.Image]:
    write_joined_series(folder / "joined.dcm", series)
    return pydicom.dcmread(folder / "joined.dcm"), SimpleITK.ReadImage(str(folder / "joined.dcm"))


def pages(files: Sequence[Path]) -> np.ndarray:
    """(T, Y, X), as ITK reads each file by itself."""
    return np.concatenate([SimpleITK.GetArrayFromImage(SimpleITK.ReadImage(str(file))) for file in files])


KINDS: dict[str, dict[str, Any]] = {
    "16 bits": {},
    "12 bits": {"BitsStored": 12},
    "8 bits": {"pixels": lambda i: (grey(i) // 4).astype(np.uint8)},
    "signed": {"pixels": lambda i: grey(i).astype(np.int16) - 400},
    "rescaled": {"pixels": lambda i: grey(i).astype(np.int16), "RescaleSlope": "1", "RescaleIntercept": "-1024"},
    "in tenths": {"RescaleSlope": "0.1", "RescaleIntercept": "-7.7"},
    "other intercepts": {"RescaleSlope": "1", "RescaleIntercept": lambda i: str(-1000 + i)},
    "other slopes": {"RescaleSlope": lambda i: str(0.1 + 0.013 * i), "RescaleIntercept": "0"},
    "bright is low": {"PhotometricInterpretation": "MONOCHROME1", "BitsStored": 12},
    "compressed": {"syntax": RLELossless},
    "other types": {"pixels": lambda i: grey(i) if i else grey(i).astype(np.int16) - 500},
    "colours": {"pixels": lambda i: np.stack([grey(i) // 4, grey(i) // 5, grey(i) // 6], -1).astype(np.uint8)},
}


@pytest.mark.parametrize("kind", KINDS.values(), ids=KINDS)
def test_each_frame_has_the_values_of_its_file(tmp_path, kind):
    series = write_files(tmp_path, **PLACE, **kind)
    assert [file.name for file in series.files] == [f"{i}.dcm" for i in ORDER]
    joined, volume = join(tmp_path, series)
    assert int(joined.NumberOfFrames) == 4
    np.testing.assert_allclose(SimpleITK.GetArrayFromImage(volume), pages(series.files), rtol=1e-6, atol=1e-5)


def test_a_palette_becomes_colours(tmp_path):
    names = ("Red", "Green", "Blue")
    tables = {f"{name}PaletteColorLookupTableDescriptor": [256, 0, 16] for name in names}
    for name, step in zip(names, (256, 128, 64), strict=True):
        tables[f"{name}PaletteColorLookupTableData"] = (np.arange(256) * step).astype("<u2").tobytes()
    stored = (grey(0) // 4).astype(np.uint8)
    series = write_files(tmp_path, lambda i: stored + np.uint8(i), PhotometricInterpretation="PALETTE COLOR", **tables)
    joined, _ = join(tmp_path, series)
    assert (joined.SamplesPerPixel, joined.PhotometricInterpretation) == (3, "RGB")
    expected = stored[..., None] * np.array([1, 0.5, 0.25])
    np.testing.assert_array_equal(joined.pixel_array[1], np.floor(expected + [2, 1, 0.5]))


def test_colours_beside_grey_values_become_grey(tmp_path):
    series = write_files(
        tmp_path, lambda i: np.full((18, 24, 3), 60 + i, np.uint8) if i else np.full((18, 24), 60, np.uint8)
    )
    joined, _ = join(tmp_path, series)
    assert joined.pixel_array[:, 3, 5].tolist() == [60 + i for i in ORDER]


def test_pixels_keep_their_distance_and_place(tmp_path):
    series = write_files(tmp_path, **PLACE)
    joined, volume = join(tmp_path, series)
    for name, values in PLACE.items():
        np.testing.assert_allclose(joined[name].value, values, atol=1e-9)
    np.testing.assert_allclose(volume.GetSpacing(), (0.5, 0.75, 1.0))
    np.testing.assert_allclose(volume.GetOrigin(), (10.5, -20, 5))
    np.testing.assert_allclose(np.reshape(volume.GetDirection(), (3, 3))[:, 0], (0.8, 0, -0.6), atol=1e-9)
    one = SimpleITK.ReadImage(str(series.files[0]))
    np.testing.assert_allclose(volume.GetDirection(), one.GetDirection(), atol=1e-9)
    affines = joined_affines(np.repeat([_affine(one)], 4, axis=0))
    for frame in range(4):
        place = volume.TransformIndexToPhysicalPoint((7, 5, frame))
        np.testing.assert_allclose(index_to_lps(np.array([7.0, 5.0]), affines[frame]), place, atol=1e-6)


def _affine(image: SimpleITK.Image) -> np.ndarray:
    """Index to RAS."""
    affine = np.eye(4)
    affine[:3, :3] = np.reshape(image.GetDirection(), (3, 3)) * image.GetSpacing()
    affine[:3, 3] = image.GetOrigin()
    return np.diag([-1, -1, 1, 1]) @ affine


def test_no_place_is_made_up(tmp_path):
    joined, volume = join(tmp_path, write_files(tmp_path))
    assert not {"PixelSpacing", "ImagePositionPatient", "ImageOrientationPatient"} & set(joined.dir())
    assert volume.GetSpacing() == (1, 1, 1) and volume.GetOrigin() == (0, 0, 0)


def test_a_distance_at_the_detector_is_told_as_one(tmp_path):
    joined, _ = join(tmp_path, write_files(tmp_path, SOPClassUID=DIGITAL_XRAY, ImagerPixelSpacing=[0.6, 0.2]))
    assert joined.PixelSpacing == joined.ImagerPixelSpacing and "PixelSpacingCalibrationType" not in joined
    assert joined.PixelSpacing[0] / joined.PixelSpacing[1] == pytest.approx(3)


def test_the_time_is_told_where_frames_are_evenly_spaced(tmp_path):
    (tmp_path / "even").mkdir()
    even, volume = join(tmp_path, write_files(tmp_path / "even", AcquisitionTime=lambda i: f"1000{10 + 2 * i}"))
    assert even.FrameTime == 2000 and even.FrameIncrementPointer == pydicom.tag.Tag("FrameTime")
    assert volume.GetSpacing()[2] == 1  # a time is no distance
    (tmp_path / "uneven").mkdir()
    uneven, _ = join(tmp_path, write_files(tmp_path / "uneven"))
    assert "FrameTime" not in uneven and uneven.FrameIncrementPointer == pydicom.tag.Tag("PageNumberVector")


def test_the_same_files_make_the_same_bytes_with_ids_of_their_own(tmp_path):
    series = write_files(tmp_path, **PLACE)
    write_joined_series(tmp_path / "a.dcm", series)
    write_joined_series(tmp_path / "b.dcm", series)
    assert (tmp_path / "a.dcm").read_bytes() == (tmp_path / "b.dcm").read_bytes()
    joined, first = pydicom.dcmread(tmp_path / "a.dcm"), pydicom.dcmread(series.files[0])
    assert str(joined.PatientName) == "Müller^Zoë" and joined.StudyInstanceUID == first.StudyInstanceUID
    assert joined.SeriesInstanceUID != first.SeriesInstanceUID and joined.SOPInstanceUID != first.SOPInstanceUID


@pytest.mark.skipif(not shutil.which("dciodvfy"), reason="apt-get install dicom3tools")
@pytest.mark.parametrize("kind", ["8 bits", "colours"])
def test_ultrasound_is_a_valid_file_of_many_frames(tmp_path, kind):
    series = write_files(tmp_path, SOPClassUID=UltrasoundImageStorage, **KINDS[kind] | {"Modality": "US"})
    joined, _ = join(tmp_path, series)
    assert joined.SOPClassUID == UltrasoundMultiFrameImageStorage
    told = subprocess.run(["dciodvfy", tmp_path / "joined.dcm"], capture_output=True, text=True).stderr
    assert "USMultiFrameImage" in told and "Error" not in told


def test_a_damaged_file_is_named(tmp_path):
    series = write_files(tmp_path)
    series.files[2].write_bytes(series.files[2].read_bytes()[:-100])
    with pytest.raises(InputError, match=series.files[2].name):
        write_joined_series(tmp_path / "joined.dcm", series)
    assert not (tmp_path / "joined.dcm").exists()


def test_too_much_for_one_file_is_refused(tmp_path, monkeypatch):
    series = write_files(tmp_path)
    monkeypatch.setattr("label_app.joined_series._LONGEST_PIXELS", 100)
    with pytest.raises(InputError, match="4 frames are too much"):
        write_joined_series(tmp_path / "joined.dcm", series)
