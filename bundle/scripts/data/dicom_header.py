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

"""The header of a DICOM file, checked before its pixels are decoded."""

from __future__ import annotations

import os
from pathlib import Path

import pydicom
from pydicom.errors import InvalidDicomError
from pydicom.filereader import read_partial
from pydicom.pixels.utils import get_expected_length
from pydicom.tag import BaseTag, Tag
from pydicom.uid import (
    UID,
    DeflatedExplicitVRLittleEndian,
    MediaStorageDirectoryStorage,
    SegmentationStorage,
)

from scripts.data.dicom_decoder import check_transfer_syntax
from scripts.data.dicom_geometry import dicom_geometry
from scripts.data.dicom_series import SERIES_TAGS
from scripts.data.frame_kind import mixed_kinds
from scripts.data.image_header import check_not_empty, check_size
from scripts.data.pixel_description import complete_pixel_description
from scripts.io.functional_groups import number_of_frames
from scripts.io.input_error import InputError, refuse_unreadable

__all__ = ["read_dicom_header"]

# plain numbers, which are compared for every attribute of every file
_PIXELS = frozenset(int(Tag(name)) for name in ("FloatPixelData", "DoubleFloatPixelData", "PixelData"))
# what is needed to know the image; with SERIES_TAGS its place in a series, too. Names of patients are not among it, and
# what identifies them is compared and never shown.
_HEADER: list[BaseTag | int] = [
    Tag(name)
    for name in (
        "PhotometricInterpretation",
        "BitsAllocated",
        "BitsStored",
        "PixelSpacing",
        "PixelSpacingCalibrationType",
        "ImagerPixelSpacing",
        "NominalScannedPixelSpacing",
        "ImagePlanePixelSpacing",
        "PixelAspectRatio",
        "SequenceOfUltrasoundRegions",
        "GridFrameOffsetVector",
        "SliceVector",
        "SliceLocationVector",
        *SERIES_TAGS,
    )
]
_UNDEFINED = 0xFFFFFFFF


def read_dicom_header(path: Path) -> pydicom.Dataset:
    """Read and check what a DICOM file tells of its image, and no pixel of it.

    Args:
        path: the file.

    Returns:
        The attributes that tell the image's size, its place in the patient and its place in a series.

    Raises:
        InputError: the file is no DICOM file, has no image of grey values or colours, is cut off or damaged, is
            compressed in a way that cannot be decoded here, has frames that lie at several places or that are of
            several kinds, such as magnitude and phase or two echoes, or see
            :func:`scripts.data.image_header.check_size`.

    Example:
        >>> from pydicom.examples import get_path
        >>> read_dicom_header(get_path("ct")).Rows
        128
    """
    check_not_empty(path)
    lengths: list[int] = []

    def at_pixels(tag: int, vr: str | None, length: int) -> bool:
        if tag in _PIXELS:
            lengths.append(length)
        return tag in _PIXELS

    with refuse_unreadable(path), open(path, "rb") as file:
        try:
            header = read_partial(file, at_pixels, specific_tags=_HEADER)
        except InvalidDicomError:
            raise InputError(f"{path} is no DICOM file of PS3.10 (no prefix 'DICM'); remove or convert it") from None
        pixels_at, size = file.tell(), os.fstat(file.fileno()).st_size
        _check_kind(path, header, has_pixels=bool(lengths))
        complete_pixel_description(header)
        syntax = check_transfer_syntax(path, header)
        frames = number_of_frames(header)
        check_size(path, int(header.Columns), int(header.Rows), frames)
        if not syntax.is_encapsulated and syntax != DeflatedExplicitVRLittleEndian:
            # the length stands in the last 4 bytes of 8 or 12 before the pixels
            _check_length(path, header, lengths[-1], size - pixels_at - 8)
        geometry, mixed = dicom_geometry(header), mixed_kinds(header)
    if geometry.places > 1:
        raise InputError(
            f"{path} has {frames} frames at {geometry.places} places in the patient: a stack or volume, not frames "
            "over time; write each place to a file of its own"
        )
    if mixed is not None:
        raise InputError(
            f"{path} mixes frames of {mixed} which are not one image over time; write each kind to a file of its own"
        )
    return header


def _check_kind(path: Path, header: pydicom.Dataset, *, has_pixels: bool) -> None:
    if not header.file_meta:
        raise InputError(f"{path} cannot be read as DICOM (it ends in its header); remove or repair it")
    kind = UID(str(header.file_meta.get("MediaStorageSOPClassUID") or header.get("SOPClassUID") or ""))
    if kind == MediaStorageDirectoryStorage:
        raise InputError(f"{path} is a DICOMDIR, a list of files and no image; remove it, or give the files it lists")
    if kind == SegmentationStorage:
        raise InputError(f"{path} is a DICOM segmentation and no image; remove it from the folder")
    if "MOSAIC" in str(header.get("ImageType") or "").upper():
        raise InputError(
            f"{path} is a mosaic: one sheet with all slices of a volume side by side; split it into slices, with "
            "dcm2niix for example"
        )
    if not has_pixels or "Rows" not in header or "Columns" not in header:
        raise InputError(f"{path} is DICOM without pixels ({kind.name or 'of no kind'}); remove it from the folder")


def _check_length(path: Path, header: pydicom.Dataset, length: int, left: int) -> None:
    if length == _UNDEFINED:
        raise InputError(f"{path} has pixels of no told length, though they are not compressed; repair or remove it")
    needed = get_expected_length(header)
    there = min(length, left)
    if there < needed:
        raise InputError(f"{path} is cut off: {max(there, 0)} of {needed} bytes of pixels are there; copy it again")
