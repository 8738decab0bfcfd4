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
"""Fixtures of the live view's tests: frames of a stream as files, examples, and weights."""

from __future__ import annotations

import csv
import os
from collections.abc import Callable
from pathlib import Path

import nibabel as nib
import numpy as np
import pydicom
import pytest
import torch
from PIL import Image
from pydicom.uid import ExplicitVRLittleEndian, SecondaryCaptureImageStorage, generate_uid

SHAPE = (64, 48)  # of the frames, (x, y) px
START = (30.0, 24.0)  # of the landmark in the first frame, px


def _write_frame(path: Path, pixels: np.ndarray, mtime_s: float | None = None, **tags: object) -> Path:
    """Write (X, Y) in [0, 1] as the format that the suffix tells; tags of DICOM by keyword."""
    path.parent.mkdir(parents=True, exist_ok=True)
    rows = (pixels.T * 255).astype(np.uint8)
    if path.name.endswith((".nii", ".nii.gz")):
        nib.Nifti1Image(pixels.astype(np.float32), np.eye(4)).to_filename(path)
    elif path.suffix == ".dcm":
        _write_dicom(path, rows, tags)
    else:
        Image.fromarray(rows).save(path)
    if mtime_s is not None:
        os.utime(path, (mtime_s, mtime_s))
    return path


def _write_dicom(path: Path, rows: np.ndarray, tags: dict[str, object]) -> None:
    meta = pydicom.dataset.FileMetaDataset()
    meta.TransferSyntaxUID = ExplicitVRLittleEndian
    meta.MediaStorageSOPClassUID = SecondaryCaptureImageStorage
    meta.MediaStorageSOPInstanceUID = generate_uid()
    dataset = pydicom.Dataset()
    dataset.file_meta = meta
    dataset.SOPClassUID, dataset.SOPInstanceUID = meta.MediaStorageSOPClassUID, meta.MediaStorageSOPInstanceUID
    dataset.Rows, dataset.Columns = rows.shape
    dataset.SamplesPerPixel, dataset.PhotometricInterpretation = 1, "MONOCHROME2"
    dataset.BitsAllocated, dataset.BitsStored, dataset.HighBit, dataset.PixelRepresentation = 8, 8, 7, 0
    dataset.PixelData = rows.tobytes()
    for tag, value in tags.items():
        setattr(dataset, tag, value)
    dataset.save_as(path, enforce_file_format=True)


@pytest.fixture
def write_frame() -> Callable[..., Path]:
    return _write_frame


@pytest.fixture
def shifts() -> list[tuple[int, int]]:
    return [(i % 5, -(i % 4)) for i in range(12)]


@pytest.fixture
def frames(texture_frames: Callable[..., np.ndarray], shifts: list[tuple[int, int]]) -> np.ndarray:
    """(12, X, Y) in [0, 1]; the landmark is at START plus the shift."""
    stream = texture_frames(SHAPE, shifts)
    return ((stream - stream.min()) / (stream.max() - stream.min())).astype(np.float32)


@pytest.fixture
def incoming(tmp_path: Path) -> Path:
    folder = tmp_path / "incoming"
    folder.mkdir()
    return folder


@pytest.fixture
def examples(tmp_path: Path, frames: np.ndarray) -> Path:
    """Two landmarks on a file outside of the incoming folder."""
    _write_frame(tmp_path / "example.png", frames[0])
    path = tmp_path / "examples.csv"
    path.write_text("image,frame,label,x,y\nexample.png,,valve,30,24\nexample.png,,apex,40,20\n")
    return path


@pytest.fixture
def weights(tmp_path: Path) -> Path:
    from scripts.networks import CorrelationHead, TemplateMatchingNetwork, build_encoder

    encoders = build_encoder("residual"), build_encoder("residual", zoom=2)
    path = tmp_path / "model.pt"
    torch.save(TemplateMatchingNetwork(*encoders, CorrelationHead(*encoders)).state_dict(), path)
    return path


@pytest.fixture
def read_table() -> Callable[[Path], list[dict[str, str]]]:
    def read(path: Path) -> list[dict[str, str]]:
        with path.open(newline="") as file:
            return list(csv.DictReader(file))

    return read
