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

"""The single-frame DICOM files of a series as one multi-frame file, for viewers that load one file."""

from __future__ import annotations

import contextlib
from collections.abc import Iterable
from pathlib import Path

import numpy as np
import pydicom
from pydicom.dataset import Dataset, FileMetaDataset
from pydicom.pixels import apply_color_lut, pixel_array
from pydicom.tag import Tag
from pydicom.uid import (
    ExplicitVRLittleEndian,
    SecondaryCaptureImageStorage,
    UltrasoundImageStorage,
    UltrasoundMultiFrameImageStorage,
    generate_uid,
)
from pydicom.valuerep import DSfloat

from scripts.data.dicom_decoder import choose_decoder
from scripts.data.image_reader import read_image_series
from scripts.data.image_series import ImageSeries
from scripts.data.series_image import SeriesImage
from scripts.io.atomic import atomic_path
from scripts.io.input_error import refuse_unreadable
from scripts.transforms.coordinates import JOINED_STEP_MM, LPS_TO_RAS, pixel_spacing

__all__ = ["write_joined_series"]

_LONGEST_PIXELS = 2**32 - 2  # bytes, of one element of DICOM
_WHOLE_NUMBER = 0.05  # so far may float32 bring a stored value from the whole number that it was
# whose image it is and how it was taken; of the frames' own attributes the first frame's, as DICOM has it (C.7.6.6)
_KEPT = (
    *("SpecificCharacterSet", "PatientName", "PatientID", "PatientBirthDate", "PatientSex", "PatientAge"),
    *("StudyInstanceUID", "StudyDate", "StudyTime", "StudyID", "StudyDescription", "AccessionNumber"),
    *("ReferringPhysicianName", "Modality", "SeriesDescription", "SeriesNumber", "BodyPartExamined", "Laterality"),
    *("FrameOfReferenceUID", "PositionReferenceIndicator", "Manufacturer", "ManufacturerModelName", "InstanceNumber"),
    *("AcquisitionDate", "AcquisitionTime", "AcquisitionDateTime", "ContentDate", "ContentTime", "TriggerTime"),
    *("PatientOrientation", "BurnedInAnnotation", "PixelSpacingCalibrationType", "PixelSpacingCalibrationDescription"),
    *("LossyImageCompression", "LossyImageCompressionRatio", "LossyImageCompressionMethod"),
)
_OF_GREY = ("RescaleType", "WindowCenter", "WindowWidth", "WindowCenterWidthExplanation", "VOILUTFunction")
# must be there, if empty
_EMPTY = (
    *("PatientName", "PatientID", "PatientBirthDate", "PatientSex", "StudyDate", "StudyTime", "StudyID"),
    *("AccessionNumber", "ReferringPhysicianName", "SeriesNumber", "InstanceNumber", "PatientOrientation"),
    *("Manufacturer", "Laterality"),
)


def write_joined_series(path: Path, series: ImageSeries) -> None:
    """Write a series as one uncompressed multi-frame file.

    Frames are in the order of time, and their time is told where they are evenly spaced. Grey values are those of
    :func:`scripts.data.read_image_series`, as 8, 16 or, where the files' rescaling differs, 32 bits; pixels keep their
    distance and place. Colours stay colours, of 8 bits. The same files make the same bytes.

    No class of DICOM for many frames that are not ultrasound is one whose place GDCM, and so ITK, reads: of those with
    functional groups it refuses frames at one place, and of multi-frame secondary captures it ignores it. So all else
    is a Secondary Capture with NumberOfFrames.

    Args:
        path: the file; it is replaced whole.
        series: more than one single-frame file.

    Raises:
        InputError: a file cannot be read, or there are more pixels than a DICOM file can have.

    Example:
        >>> write_joined_series(Path("clip.dcm"), image_series_of(["f1.dcm", "f2.dcm"], "."))  # doctest: +SKIP
    """
    image = read_image_series(series)
    headers = []
    for file in series.files:
        with refuse_unreadable(file):
            headers.append(pydicom.dcmread(file, stop_before_pixels=True))
    joined = _described(image, headers)
    with refuse_unreadable(series.files[0]):
        if all(_is_coloured(header) for header in headers):
            _add_colours(joined, series)
        else:
            _add_grey(joined, image.frames[:, 0].numpy(), headers[0])
    ultrasound = headers[0].get("SOPClassUID") == UltrasoundImageStorage and joined.BitsAllocated == 8
    joined.SOPClassUID = UltrasoundMultiFrameImageStorage if ultrasound else SecondaryCaptureImageStorage
    joined.file_meta = FileMetaDataset()
    joined.file_meta.TransferSyntaxUID = ExplicitVRLittleEndian
    joined.file_meta.MediaStorageSOPClassUID = joined.SOPClassUID
    joined.file_meta.MediaStorageSOPInstanceUID = joined.SOPInstanceUID
    with atomic_path(path) as temporary:
        joined.save_as(temporary, enforce_file_format=True)


def _described(image: SeriesImage, headers: list[Dataset]) -> Dataset:
    """All but the pixels."""
    first, joined = headers[0], Dataset()
    _keep(joined, first, _KEPT)
    for name in (*_EMPTY, *(["PositionReferenceIndicator"] if "FrameOfReferenceUID" in joined else [])):
        if name not in joined:
            setattr(joined, name, None)
    names = [
        f"{header.get('SOPInstanceUID')} {file.name}" for header, file in zip(headers, image.series.files, strict=True)
    ]
    joined.SOPInstanceUID = generate_uid(entropy_srcs=["joined", *names])
    joined.SeriesInstanceUID = generate_uid(entropy_srcs=["joined series", *names])
    if "StudyInstanceUID" not in joined:
        joined.StudyInstanceUID = generate_uid(entropy_srcs=["study", *names])
    joined.Modality = joined.get("Modality") or "OT"
    kind = [str(value) for value in np.atleast_1d(first.get("ImageType") or [])]
    joined.ImageType = ["DERIVED", "SECONDARY", *kind[2:]]
    joined.ConversionType = "WSD"
    joined.DerivationDescription = f"{len(headers)} single-frame files of one series, as frames of one file"
    _add_time(joined, len(headers), image.frame_ms)
    _add_place(joined, image)
    return joined


def _keep(joined: Dataset, first: Dataset, names: Iterable[str]) -> None:
    for name in names:
        with contextlib.suppress(Exception):  # a damaged value raises errors of many kinds; no pixel is worse for it
            joined.add(first[name])


def _add_time(joined: Dataset, frames: int, frame_ms: float | None) -> None:
    joined.NumberOfFrames = frames
    if frame_ms is None:  # the frames have an order, and no more
        joined.FrameIncrementPointer = Tag("PageNumberVector")
        joined.PageNumberVector = list(range(1, frames + 1))
    else:
        joined.FrameIncrementPointer = Tag("FrameTime")
        joined.FrameTime = _decimal(frame_ms)


def _add_place(joined: Dataset, image: SeriesImage) -> None:
    """Distance of pixels, position and orientation, by the affine of the first frame, where they are not made up."""
    # else GDCM takes the time between frames for their distance
    joined.SpacingBetweenSlices = _decimal(JOINED_STEP_MM)
    affine = LPS_TO_RAS @ image.affines[0]
    x, y = pixel_spacing(affine)
    along = affine[:3, :2] / [x, y]
    if image.spacing_known or not np.allclose((x, y), 1):
        joined.PixelSpacing = [_decimal(y), _decimal(x)]
    if not image.spacing_known and "PixelSpacing" in joined:
        # two that are the same, with no word of a calibration, are not of the patient (10.7.1.3)
        joined.ImagerPixelSpacing = joined.PixelSpacing
        joined.pop("PixelSpacingCalibrationType", None)
    if image.placed or not np.allclose(along, np.eye(3)[:, :2]) or affine[:3, 3].any():
        joined.ImagePositionPatient = [_decimal(value) for value in affine[:3, 3]]
        joined.ImageOrientationPatient = [_decimal(value) for value in along.T.flatten()]


def _decimal(value: float) -> DSfloat:
    return DSfloat(float(value), auto_format=True)


def _is_coloured(header: Dataset) -> bool:
    return header.get("SamplesPerPixel") == 3 or header.get("PhotometricInterpretation") == "PALETTE COLOR"


def _add_colours(joined: Dataset, series: ImageSeries) -> None:
    joined.SamplesPerPixel, joined.PhotometricInterpretation, joined.PlanarConfiguration = 3, "RGB", 0
    pages = (_colours(file) for file in series.files)
    _add_pixels(joined, pages, np.dtype(np.uint8), 8)


def _colours(file: Path) -> np.ndarray:
    """(Y, X, 3), uint8."""
    with refuse_unreadable(file):
        dataset = pydicom.dcmread(file)
        pixels = pixel_array(dataset, decoding_plugin=choose_decoder(dataset))
        bits = int(dataset.BitsStored)
        if dataset.PhotometricInterpretation == "PALETTE COLOR":
            pixels = apply_color_lut(pixels, dataset)
            bits = 8 * pixels.dtype.itemsize
    return (pixels[..., :3] >> max(bits - 8, 0)).astype(np.uint8)


def _add_grey(joined: Dataset, values: np.ndarray, first: Dataset) -> None:
    """Values (T, X, Y), bright is high, as whole numbers and what makes values of them."""
    joined.SamplesPerPixel, joined.PhotometricInterpretation = 1, "MONOCHROME2"
    # a window of values that were turned is another
    if first.get("PhotometricInterpretation") == "MONOCHROME2":
        _keep(joined, first, _OF_GREY)
    slope, intercept, low, high = _whole_numbers(values, first)
    if (slope, intercept) != (1.0, 0.0) or "RescaleSlope" in first:
        joined.RescaleSlope, joined.RescaleIntercept = _decimal(slope), _decimal(intercept)
        joined.RescaleType = joined.get("RescaleType") or "US"
    dtype, bits = _number_type(low, high, first)
    pages = (np.rint((page.T.astype(np.float64) - intercept) / slope).astype(dtype) for page in values)
    _add_pixels(joined, pages, dtype, bits)


def _whole_numbers(values: np.ndarray, first: Dataset) -> tuple[float, float, int, int]:
    """Slope and intercept by which all values are whole numbers, and the least and the greatest of these."""
    own = float(first.get("RescaleSlope") or 1), float(first.get("RescaleIntercept") or 0)
    for slope, intercept in (own, (1.0, 0.0)):
        bounds = [_bounds((page.astype(np.float64) - intercept) / slope) for page in values]
        if None not in bounds:
            found = np.array(bounds)
            return slope, intercept, int(found.min()), int(found.max())
    low, high = float(values.min()), float(values.max())
    slope = float(_decimal((high - low) / (2**32 - 2) or 1.0))
    intercept = float(_decimal(low))
    return slope, intercept, 0, 2**32 - 1


def _bounds(page: np.ndarray) -> tuple[float, float] | None:
    """The least and the greatest of whole numbers, of no more than 31 bits; None where they are others."""
    whole = np.rint(page)
    if np.abs(page - whole).max() > _WHOLE_NUMBER or np.abs(whole).max() >= 2**31:
        return None
    return float(whole.min()), float(whole.max())


def _number_type(low: int, high: int, first: Dataset) -> tuple[np.dtype, int]:
    """That of the files where it has room, and the bits of it that are used."""
    own, signed = int(first.get("BitsStored") or 8), bool(first.get("PixelRepresentation"))
    if low >= -(2 ** (own - 1)) * signed and high < 2 ** (own - signed) and first.get("BitsAllocated") in (8, 16, 32):
        return np.dtype(f"<{'i' if signed else 'u'}{int(first.BitsAllocated) // 8}"), own
    kinds = [np.dtype(f"<{'i' if low < 0 else 'u'}{size}") for size in (1, 2, 4)]
    dtype = next(one for one in kinds if np.iinfo(one).min <= low and high <= np.iinfo(one).max)
    return dtype, 8 * dtype.itemsize


def _add_pixels(joined: Dataset, pages: Iterable[np.ndarray], dtype: np.dtype, bits: int) -> None:
    """Pages (Y, X) or (Y, X, 3) of a type, of whose bits some are used."""
    content: list[bytes] = []
    for page in pages:
        content.append(page.tobytes())
        joined.Rows, joined.Columns = page.shape[:2]
    if sum(map(len, content)) > _LONGEST_PIXELS:
        raise ValueError(f"{len(content)} frames are too much for one DICOM file; make several series of them")
    joined.BitsAllocated = 8 * dtype.itemsize
    joined.BitsStored, joined.HighBit = bits, bits - 1
    joined.PixelRepresentation = int(dtype.kind == "i")
    pixels = b"".join(content)
    joined.add_new("PixelData", "OB" if dtype.itemsize == 1 else "OW", pixels + bytes(len(pixels) % 2))
