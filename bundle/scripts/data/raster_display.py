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

"""Where 3D Slicer shows a picture: ITK takes the resolution of JPEG and TIFF for the distance of pixels."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from PIL import Image

from scripts.data.image_header import RASTER_FORMATS, RasterHeader
from scripts.data.tiff_header import is_tiff, open_tiff
from scripts.io.input_error import refuse_unreadable
from scripts.transforms.coordinates import LPS_TO_RAS

__all__ = ["display_affine"]

_MM_OF_UNIT = {2: 25.4, 3: 10.0}  # TIFF: inch and cm; without a unit there is no length
_MM_OF_JFIF_UNIT = {1: 25.4, 2: 10.0}
# ITK mirrors the pixels of TIFF by the tag Orientation, and turns none
_MIRRORS_X, _MIRRORS_Y = (2, 3, 6, 7), (3, 4, 7, 8)


def display_affine(path: Path, header: RasterHeader) -> np.ndarray:
    """Find where ITK, and so 3D Slicer, shows a picture, whose pixels are read as they are stored.

    Args:
        path: a PNG, JPEG, TIFF or BMP file.
        header: what :func:`scripts.data.image_header.read_raster_header` tells of it.

    Returns:
        (4, 4), float64: index (x, y, page, 1) to RAS mm. The distance of pixels is that of a scan or a print, not of
        the patient; pages are 1 mm apart.

    Raises:
        InputError: the file cannot be read.

    Example:
        >>> display_affine(Path("scan.png"), RasterHeader(640, 480, 1)).diagonal().tolist()  # doctest: +SKIP
        [-1.0, -1.0, 1.0, 1.0]
    """
    x, y = _display_spacing(path)
    affine = np.diag([x, y, 1.0, 1.0])
    for axis, mirrored, length in ((0, _MIRRORS_X, header.width), (1, _MIRRORS_Y, header.height)):
        if header.orientation in mirrored:
            affine[axis, 3] = (length - 1) * affine[axis, axis]
            affine[axis, axis] *= -1
    return LPS_TO_RAS @ affine


def _display_spacing(path: Path) -> tuple[float, float]:
    """Along x and along y, mm; 1 where the file does not tell. ITK does not look at the resolution of PNG and BMP."""
    if is_tiff(path):
        with open_tiff(path) as tiff:
            first = tiff.pages.first
            mm = _MM_OF_UNIT.get(first.tags.valueof("ResolutionUnit", 0))
            x, y = (_ratio(first.tags.valueof(name, (1, 1))) for name in ("XResolution", "YResolution"))
    else:
        with refuse_unreadable(path), Image.open(path, formats=RASTER_FORMATS) as picture:
            mm = _MM_OF_JFIF_UNIT.get(picture.info.get("jfif_unit", 0))
            x, y = picture.info.get("jfif_density", (0, 0))
    return (mm / x, mm / y) if mm is not None and x > 0 and y > 0 else (1.0, 1.0)


def _ratio(value: tuple[int, int]) -> float:
    return value[0] / value[1] if value[1] else 0.0
