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

"""Reading DICOM: one file of one or many frames, or the single-frame files of a series."""

from __future__ import annotations

import logging

import numpy as np
import pydicom
from pydicom.pixels import apply_color_lut, apply_modality_lut, apply_voi_lut, pixel_array

from scripts.data.dicom_decoder import choose_decoder
from scripts.data.dicom_geometry import dicom_geometry
from scripts.data.dicom_header import read_dicom_header
from scripts.data.frame_order import file_interval, frame_interval, is_stored_in_order
from scripts.data.image_header import check_size
from scripts.data.image_series import ImageSeries
from scripts.data.series_image import LUMA, SeriesImage
from scripts.io.dicom_position import is_placed
from scripts.io.functional_groups import frame_group, number_of_frames
from scripts.io.input_error import InputError, refuse_unreadable

__all__ = ["read_dicom"]

# of what grey values mean; an enhanced file has them for each frame, in the functional groups below
_GREY_TAGS = ("PhotometricInterpretation", "BitsStored", "PixelRepresentation")
_GREY_GROUPS = {
    "PixelValueTransformationSequence": ("RescaleSlope", "RescaleIntercept", "ModalityLUTSequence"),
    "FrameVOILUTSequence": ("WindowCenter", "WindowWidth", "VOILUTFunction", "VOILUTSequence"),
}


def read_dicom(series: ImageSeries, *, voi: bool = False) -> SeriesImage:
    """Read all frames, with the modality's rescaling applied and bright as high.

    Args:
        series: the files in the order of time.
        voi: apply the VOI LUT or the first window too, where there is one.

    Raises:
        InputError: see :func:`scripts.data.read_image_series`.

    Example:
        >>> read_dicom(image_series_of(["f1.dcm", "f2.dcm"], ".")).frame_ms  # doctest: +SKIP
        40.0
    """
    headers = [read_dicom_header(path) for path in series.files]
    total = sum(number_of_frames(header) for header in headers)
    check_size(series.files[0], int(headers[0].Columns), int(headers[0].Rows), total)
    pages: list[np.ndarray] = []
    affines: list[np.ndarray] = []
    sources: list[str | None] = []
    spacing_known, placed, frame_ms = True, True, None
    for path in series.files:
        with refuse_unreadable(path):
            dataset = pydicom.dcmread(path)
            frames = _grey_frames(dataset, voi=voi)
            geometry = dicom_geometry(dataset)
            if len(frames) != len(geometry.affines):
                raise InputError(
                    f"{path} has {len(frames)} frames, not {len(geometry.affines)} as it says; repair or remove it"
                )
            spacing_known = spacing_known and geometry.spacing_known
            placed = placed and spacing_known and _is_placed(dataset, geometry.affines)
            frame_ms = frame_interval(dataset)
            if not is_stored_in_order(dataset):
                logging.getLogger("ImageSeries").warning(
                    "%s: its frames are not stored in the order of their times; they are used as they are stored", path
                )
        pages += frames
        affines.append(geometry.affines)
        sources.append(geometry.spacing_source)
    if len(headers) > 1:
        frame_ms = file_interval(headers) or frame_ms
    return SeriesImage.from_pages(
        series,
        pages,
        np.concatenate(affines),
        spacing_known=spacing_known,
        placed=placed,
        frame_ms=frame_ms,
        spacing_source=next(filter(None, sources), None),
    )


def _is_placed(dataset: pydicom.Dataset, affines: np.ndarray) -> bool:
    return all(is_placed(dataset, frame, affine) for frame, affine in enumerate(affines))


def _grey_frames(dataset: pydicom.Dataset, *, voi: bool) -> list[np.ndarray]:
    """Each frame as (X, Y), float32, bright is high."""
    pixels = pixel_array(dataset, decoding_plugin=choose_decoder(dataset))
    # one frame comes without an axis of frames
    frames = pixels if number_of_frames(dataset) > 1 else pixels[None]
    return [_grey(one, dataset, frame, voi).T for frame, one in enumerate(frames)]


def _grey(pixels: np.ndarray, dataset: pydicom.Dataset, frame: int, voi: bool) -> np.ndarray:
    interpretation = dataset.get("PhotometricInterpretation")
    if interpretation == "PALETTE COLOR":
        pixels = apply_color_lut(pixels, dataset)
    if pixels.ndim == 3:
        return pixels[..., :3].astype(np.float32) @ LUMA
    meaning = _grey_meaning(dataset, frame)
    values = _apply_meaning(pixels, meaning, voi)
    if interpretation == "MONOCHROME1":
        # turned within the range that the stored bits can reach, so that all frames of a series share one scale
        values = _apply_meaning(_stored_range(dataset), meaning, voi).sum() - values
    return values.astype(np.float32)


def _grey_meaning(dataset: pydicom.Dataset, frame: int) -> pydicom.Dataset:
    """The attributes that say what the values of a frame mean, as an old single-frame file has them."""
    meaning = pydicom.Dataset()
    # tables of 16-bit values are kept as bytes, in the file's order
    meaning.file_meta = dataset.file_meta
    for name in _GREY_TAGS:
        if name in dataset:
            setattr(meaning, name, dataset[name].value)
    for group, names in _GREY_GROUPS.items():
        source = frame_group(dataset, group, frame) or dataset
        for name in names:
            # scanners write empty ones, which pydicom's functions fall over
            if name in source and not source[name].is_empty:
                meaning.add(source[name])
    return meaning


def _apply_meaning(pixels: np.ndarray, meaning: pydicom.Dataset, voi: bool) -> np.ndarray:
    values = apply_modality_lut(pixels, meaning)
    return (apply_voi_lut(values, meaning) if voi else values).astype(np.float64)


def _stored_range(dataset: pydicom.Dataset) -> np.ndarray:
    bits = int(dataset.BitsStored)
    signed = bool(dataset.get("PixelRepresentation"))
    lowest = -(2 ** (bits - 1)) if signed else 0
    return np.array([lowest, lowest + 2**bits - 1], dtype=np.int64)
