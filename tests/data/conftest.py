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
"""Fixtures of the data tests: small DICOM files, written as a scanner might, and NRRD and MetaImage files by hand."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pydicom
import pytest
from pydicom.uid import ExplicitVRLittleEndian, MRImageStorage, generate_uid


def _write_dicom(path: Path, pixels: np.ndarray | None, **tags) -> Path:
    """Write pixels (rows, columns), (frames, rows, columns) or none; tags by keyword."""
    meta = pydicom.dataset.FileMetaDataset()
    meta.TransferSyntaxUID = ExplicitVRLittleEndian
    meta.MediaStorageSOPClassUID = tags.get("SOPClassUID", MRImageStorage)
    meta.MediaStorageSOPInstanceUID = generate_uid()
    dataset = pydicom.Dataset()
    dataset.file_meta = meta
    dataset.SOPClassUID, dataset.SOPInstanceUID = meta.MediaStorageSOPClassUID, meta.MediaStorageSOPInstanceUID
    dataset.SeriesInstanceUID = generate_uid()
    dataset.Modality = "MR"
    if pixels is not None:
        bits = pixels.dtype.itemsize * 8
        dataset.Rows, dataset.Columns = pixels.shape[-2:]
        if pixels.ndim == 3:
            dataset.NumberOfFrames = len(pixels)
        dataset.SamplesPerPixel = 1
        dataset.PhotometricInterpretation = "MONOCHROME2"
        dataset.BitsAllocated = dataset.BitsStored = bits
        dataset.HighBit = bits - 1
        dataset.PixelRepresentation = int(pixels.dtype.kind == "i")
        dataset.PixelData = pixels.tobytes()
    for tag, value in tags.items():
        setattr(dataset, tag, value)
    path.parent.mkdir(parents=True, exist_ok=True)
    dataset.save_as(path, enforce_file_format=True)
    return path


_NRRD = {"type": "uint8", "dimension": "2", "sizes": "7 5", "encoding": "raw"}
_METAIMAGE = {
    "ObjectType": "Image",
    "NDims": "2",
    "BinaryData": "True",
    "DimSize": "7 5",
    "ElementType": "MET_UCHAR",
    "ElementDataFile": "LOCAL",
}


def _write_header(path: Path, pixels: bytes = bytes(range(35)), /, **fields: str | None) -> Path:
    """An NRRD or MetaImage file of 7 x 5 px by hand; a field of None is left out."""
    nrrd = path.suffix in (".nrrd", ".nhdr")
    told = {**(_NRRD if nrrd else _METAIMAGE), **fields}
    # the last line of MetaImage
    if not nrrd:
        told["ElementDataFile"] = told.pop("ElementDataFile")
    sign = ": " if nrrd else " = "
    lines = [f"{key}{sign}{value}\n" for key, value in told.items() if value is not None]
    path.write_bytes(b"NRRD0005\n" * nrrd + "".join(lines).encode("latin-1") + b"\n" * nrrd + pixels)
    return path


@pytest.fixture
def write_header() -> Callable[..., Path]:
    return _write_header


@pytest.fixture
def write_dicom() -> Callable[..., Path]:
    return _write_dicom
