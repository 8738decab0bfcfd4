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

"""Reading an image series: grey frames with x first, and where they lie in the patient."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import nibabel as nib
import numpy as np
import pydicom
import torch
from PIL import Image, ImageSequence
from pydicom.pixels import apply_color_lut, apply_modality_lut, pixel_array

from scripts.data.image_series import ImageSeries
from scripts.io.input_error import InputError, first_line

__all__ = ["SeriesImage", "read_image_series"]

# ITU-R 601 luma, as PIL's own conversion to grey
_LUMA = np.array([0.299, 0.587, 0.114], dtype=np.float32)
_LPS_TO_RAS = np.diag([-1.0, -1.0, 1.0, 1.0])
# mm in the header's unit of length: 1 is metre, 3 is micron; 2 is mm, and an unknown unit is taken for it
_NIFTI_UNIT = {1: 1000.0, 3: 0.001}


@dataclass(frozen=True)
class SeriesImage:
    """The pixels of a series.

    Attributes:
        series: what was read.
        frames: (T, 1, X, Y), float32, in the units of the file.
        affines: (T, 4, 4), float64: index (x, y, 0, 1) to RAS mm.
        still: True for an image with no time axis.
        spacing_known: True where the file tells the distance of its pixels in the patient, so that lengths by
            ``affines`` are real mm: NIfTI, and DICOM with PixelSpacing. DICOM's ImagerPixelSpacing does not count: it
            is measured at the detector, where the patient is magnified.
        frame_ms: time between frames in ms, or None where the file does not tell.
    """

    series: ImageSeries
    frames: torch.Tensor
    affines: np.ndarray
    still: bool
    spacing_known: bool
    frame_ms: float | None = None


def read_image_series(series: ImageSeries) -> SeriesImage:
    """Read all frames of a series. Colour becomes grey (ITU-R 601 luma).

    Axis 0 is x: the column of a PNG or DICOM image, the first index of a NIfTI image. Where a file tells nothing
    of its place in the patient, a pixel is taken for 1 mm, with the first pixel's centre at the origin (LPS), as
    3D Slicer does.

    Raises:
        InputError: a file cannot be read, is not two-dimensional, has NaN or infinite pixels, or the frames of a
            series differ in size.

    Example:
        >>> from pydicom.examples import get_path
        >>> from scripts.data import find_image_series
        >>> image = read_image_series(find_image_series(get_path("ybr_color"))[0])
        >>> tuple(image.frames.shape)
        (30, 1, 320, 240)
    """
    read = {"raster": _read_raster, "nifti": _read_nifti, "dicom": _read_dicom}[series.format]
    image = read(series)
    if not torch.isfinite(image.frames).all():
        raise InputError(f"{series.files[0]} has pixels that are NaN or infinite; replace them, by 0 for example")
    return image


@contextmanager
def _unreadable(path: Path) -> Iterator[None]:
    """Name the file in whatever error its library raises; each has errors of its own."""
    try:
        yield
    except InputError:
        raise
    except Exception as error:
        raise InputError(f"{path} cannot be read ({first_line(error)}); remove or repair it") from error


def _read_raster(series: ImageSeries) -> SeriesImage:
    with _unreadable(series.files[0]), Image.open(series.files[0]) as picture:
        pages = [_grey_page(page) for page in ImageSequence.Iterator(picture)]
    return _series_image(series, pages, _LPS_TO_RAS, still=len(pages) == 1, spacing_known=False)


def _grey_page(page: Image.Image) -> np.ndarray:
    # 16-bit and float pages keep their depth; everything else goes through 8-bit luma
    grey = page if page.mode in ("I", "F") or page.mode.startswith("I;16") else page.convert("L")
    return np.asarray(grey, dtype=np.float32).T


def _read_nifti(series: ImageSeries) -> SeriesImage:
    with _unreadable(series.files[0]):
        image = nib.load(series.files[0])
    shape = image.shape
    if not (len(shape) in (2, 3) or (len(shape) == 4 and shape[2] == 1)) or min(shape[:2]) < 2:
        raise InputError(
            f"{series.files[0]} has the shape {shape}; an image must be (X, Y), (X, Y, 1), (X, Y, T) or (X, Y, 1, T)"
        )
    with _unreadable(series.files[0]):
        pixels = image.get_fdata(dtype=np.float32).reshape(*shape[:2], -1)
        # the lowest three bits are the unit of length; nibabel's affine is in that unit
        to_mm = _NIFTI_UNIT.get(int(image.header["xyzt_units"]) & 7, 1.0)
    affine = np.diag([to_mm, to_mm, to_mm, 1.0]) @ image.affine
    pages = list(np.moveaxis(pixels, -1, 0))
    return _series_image(series, pages, affine, still=len(pages) == 1, spacing_known=True)


def _read_dicom(series: ImageSeries) -> SeriesImage:
    pages: list[np.ndarray] = []
    affines: list[np.ndarray] = []
    spacing_known = True
    for path in series.files:
        with _unreadable(path):
            dataset = pydicom.dcmread(path)
            if "PixelData" not in dataset:
                raise InputError(f"{path} is DICOM without pixels; remove it from the folder")
            frames = _dicom_frames(dataset)
            affines += [_dicom_affine(dataset)] * len(frames)
            spacing_known = spacing_known and bool(dataset.get("PixelSpacing"))
            frame_ms = float(dataset.get("FrameTime") or 0.0) or None
        pages += list(frames)
    still = len(pages) == 1
    return _series_image(series, pages, np.stack(affines), still=still, spacing_known=spacing_known, frame_ms=frame_ms)


def _dicom_frames(dataset: pydicom.Dataset) -> np.ndarray:
    """(T, X, Y), grey, bright is high."""
    pixels = pixel_array(dataset)
    if dataset.get("PhotometricInterpretation") == "PALETTE COLOR":
        pixels = apply_color_lut(pixels, dataset)[..., :3].astype(np.float32) @ _LUMA
    elif dataset.get("SamplesPerPixel", 1) == 3:
        pixels = pixels.astype(np.float32) @ _LUMA
    else:
        pixels = apply_modality_lut(pixels, dataset).astype(np.float32)
    if dataset.get("PhotometricInterpretation") == "MONOCHROME1":
        pixels = 2.0**dataset.BitsStored - 1.0 - pixels
    frames = pixels if pixels.ndim == 3 else pixels[None]
    return frames.swapaxes(1, 2)


def _dicom_affine(dataset: pydicom.Dataset) -> np.ndarray:
    """Index (x, y, 0, 1) to RAS mm, DICOM PS3.3 C.7.6.2.1.1."""
    row_spacing, column_spacing = (float(value) for value in dataset.get("PixelSpacing") or (1.0, 1.0))
    along = np.array(dataset.get("ImageOrientationPatient") or (1, 0, 0, 0, 1, 0), dtype=float).reshape(2, 3)
    affine = np.eye(4)
    affine[:3, 0] = along[0] * column_spacing
    affine[:3, 1] = along[1] * row_spacing
    affine[:3, 2] = np.cross(along[0], along[1])
    affine[:3, 3] = np.array(dataset.get("ImagePositionPatient") or (0, 0, 0), dtype=float)
    return _LPS_TO_RAS @ affine


def _series_image(
    series: ImageSeries,
    pages: list[np.ndarray],
    affine: np.ndarray,
    *,
    still: bool,
    spacing_known: bool,
    frame_ms: float | None = None,
) -> SeriesImage:
    sizes = sorted({page.shape for page in pages})
    if len(sizes) > 1:
        raise InputError(f"{series.files[0]}: frames of one series differ in size ({sizes}); split them into files")
    frames = torch.from_numpy(np.stack(pages).astype(np.float32)).unsqueeze(1)
    affines = np.broadcast_to(affine, (len(pages), 4, 4)).copy()
    return SeriesImage(series, frames, affines, still, spacing_known, frame_ms)
