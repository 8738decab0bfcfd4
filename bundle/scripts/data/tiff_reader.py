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

"""The grey values of the pages of a TIFF file."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import tifffile
from PIL import Image

from scripts.data.luma import to_luma
from scripts.data.tiff_header import CMYK, GREY, INVERTED, PALETTE, RGB, YCBCR, open_tiff, photometric, tiff_pages

__all__ = ["read_tiff"]

_BEFORE_ALPHA = {RGB: 3, YCBCR: 3, CMYK: 4}  # how many numbers a pixel has before that of its opacity; else 1
_PREMULTIPLIED = 1  # of the tag ExtraSamples
_JPEG = 7


def read_tiff(path: Path) -> Iterator[tuple[np.ndarray, np.ndarray | None]]:
    """Read all pages as they are stored: the tag Orientation does not turn them.

    Args:
        path: a file whose header was checked.

    Yields:
        The grey values (rows, columns) of a page: of all depths, bright as high, those of fewer than 8 bits spread over
        0 to 255; and where it shows nothing (rows, columns), or None: the value that GDAL's tag calls no data.

    Raises:
        InputError: see :func:`scripts.data.tiff_header.tiff_pages`.

    Example:
        >>> [pixels.shape for pixels, _ in read_tiff(Path("a.tif"))]  # doctest: +SKIP
        [(480, 640)]
    """
    with open_tiff(path) as tiff:
        for page in tiff_pages(path, tiff):
            # (separate channels, 1, rows, columns, channels)
            stored = page.asarray(squeeze=False, maxworkers=1)[:, 0]
            yield _grey_page(page, np.concatenate(list(stored), axis=-1))


def _grey_page(page: tifffile.TiffPage, stored: np.ndarray) -> tuple[np.ndarray, np.ndarray | None]:
    kind = photometric(page)
    number = _BEFORE_ALPHA.get(kind, 1)
    values = stored[..., :number]
    padding = _no_data(page, values)
    if _PREMULTIPLIED in page.extrasamples[:1] and kind in (GREY, RGB):
        values = _unmultiplied(values, stored[..., number])
    if kind == RGB or (kind == YCBCR and page.compression == _JPEG):
        return _luma(values), padding
    if kind == PALETTE:
        return _luma(_palette(page)[values[..., 0].astype(np.int64)]), padding
    if kind == CMYK:
        return _luma(_without_ink(page, values)), padding
    # the first of YCbCr is luma itself
    return _bright_as_high(page, values[..., 0], inverted=kind == INVERTED), padding


def _luma(colours: np.ndarray) -> np.ndarray:
    if colours.dtype == np.uint8:  # whole numbers, as of a PNG or JPEG
        return np.asarray(Image.fromarray(np.ascontiguousarray(colours)).convert("L"))
    return to_luma(colours)


def _no_data(page: tifffile.TiffPage, values: np.ndarray) -> np.ndarray | None:
    """Where all numbers of a pixel are the one that GDAL calls no data."""
    tag = page.tags.get("GDAL_NODATA")
    try:
        told = None if tag is None else values.dtype.type(float(tag.value))
    except (TypeError, ValueError, OverflowError):  # no number, or one that no pixel can have
        told = None
    if told is None:
        return None
    return (np.isnan(values) if np.isnan(told) else values == told).all(axis=-1)


def _unmultiplied(values: np.ndarray, opacity: np.ndarray) -> np.ndarray:
    """Values that were multiplied by their opacity, before that; fully transparent ones as they are."""
    if values.dtype.kind != "u":
        return values / np.where(opacity > 0, opacity, 1)[..., None]
    full = np.iinfo(values.dtype).max
    before = values.astype(np.uint64) * full // np.maximum(opacity, 1)[..., None]
    return np.minimum(before, full).astype(values.dtype)


def _palette(page: tifffile.TiffPage) -> np.ndarray:
    """Colours (N, 3), of 8 bits where 16 tell no more."""
    colours = np.asarray(page.colormap).T
    if colours.max() < 256:  # some writers take the tag for one of 8 bits
        return colours.astype(np.uint8)
    if not (colours & 255).any() or (colours >> 8 == colours & 255).all():
        return (colours >> 8).astype(np.uint8)
    return colours


def _without_ink(page: tifffile.TiffPage, values: np.ndarray) -> np.ndarray:
    """Red, green and blue of cyan, magenta, yellow and black."""
    full = 1.0 if values.dtype.kind == "f" else float(2**page.bitspersample - 1)
    light = full - values.astype(np.float64)
    colours = light[..., :3] * light[..., 3:] / full
    return np.rint(colours).astype(values.dtype) if page.bitspersample == 8 else colours


def _bright_as_high(page: tifffile.TiffPage, values: np.ndarray, *, inverted: bool) -> np.ndarray:
    bits, kind = page.bitspersample, values.dtype.kind
    if bits < 8:
        values, bits, kind = np.rint(values * (255 / (2**bits - 1))), 8, "u"
    if not inverted:
        return values
    # as a number of other bits, of one more at most
    highest = {"u": 2.0**bits - 1, "i": -1.0}.get(kind, 0.0)
    return highest - values.astype(np.float64)
