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

"""Reading PNG, JPEG, TIFF and BMP."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import cv2
import numpy as np
from PIL import Image, ImageSequence

from scripts.data.image_header import RASTER_FORMATS, read_raster_header
from scripts.data.image_series import ImageSeries
from scripts.data.luma import to_luma
from scripts.data.raster_display import display_affine
from scripts.data.series_image import SeriesImage
from scripts.data.tiff_header import is_tiff
from scripts.data.tiff_reader import read_tiff
from scripts.io.input_error import InputError, refuse_unreadable
from scripts.transforms.coordinates import slice_affines

__all__ = ["read_raster"]

# bytes of a PNG's header: bits a number, and which numbers a pixel has, of which 0 is grey alone
_DEPTH_AT, _KIND_AT = 24, 25
_DEEP = 16


def read_raster(series: ImageSeries) -> SeriesImage:
    """Read all pages of a file as they are stored; pages of more than 8 bits keep their depth, of colours too.

    Neither EXIF's orientation nor TIFF's turns a picture. What is transparent counts as what is not.

    Args:
        series: one file.

    Raises:
        InputError: see :func:`scripts.data.read_image_series`.

    Example:
        >>> read_raster(image_series_of(["a.png"], ".")).spacing_known  # doctest: +SKIP
        False
    """
    path = series.files[0]
    header = read_raster_header(path)
    pages, padding = [], []
    with refuse_unreadable(path):
        pictures = read_tiff(path) if is_tiff(path) else ((page, None) for page in _read_pictures(path))
        for page, padded in pictures:
            pages.append(page.T.astype(np.float32))
            padding.append(None if padded is None else padded.T)
    affines = slice_affines(display_affine(path, header), len(pages))
    return SeriesImage.from_pages(series, pages, affines, spacing_known=False, places=None, padding=padding)


def _read_pictures(path: Path) -> Iterator[np.ndarray]:
    """The frames of a PNG, or the picture of a JPEG or BMP, (rows, columns)."""
    with Image.open(path, formats=RASTER_FORMATS) as picture:
        if picture.format == "PNG" and _is_deep_colour(path):
            if getattr(picture, "n_frames", 1) > 1:
                raise InputError(f"{path} has several frames of 16-bit colours; write each to a file of its own")
            # which errs where the file is damaged
            picture.load()
            yield _deep_colour(path)
            return
        for page in ImageSequence.Iterator(picture) if picture.format == "PNG" else [picture]:
            yield _grey_page(page)


def _grey_page(page: Image.Image) -> np.ndarray:
    deep = page.mode == "I" or page.mode.startswith("I;16")
    return np.asarray(page if deep else page.convert("L"))


def _is_deep_colour(path: Path) -> bool:
    """Whether a PNG has more than one number of 16 bits a pixel, of which Pillow would cut 8."""
    with open(path, "rb") as file:
        head = file.read(_KIND_AT + 1)
    return head[_DEPTH_AT] == _DEEP and head[_KIND_AT] != 0


def _deep_colour(path: Path) -> np.ndarray:
    values = cv2.imdecode(np.fromfile(path, np.uint8), cv2.IMREAD_UNCHANGED)
    if values is None or values.dtype != np.uint16 or values.ndim != 3:
        raise InputError(f"{path} cannot be decoded; repair or remove it")
    # blue comes first, and opacity last
    return to_luma(values[..., 2::-1])
