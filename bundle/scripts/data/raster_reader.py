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

import numpy as np
from PIL import Image, ImageSequence

from scripts.data.image_header import RASTER_FORMATS, check_size, read_raster_header
from scripts.data.image_series import ImageSeries
from scripts.data.raster_resolution import display_spacing
from scripts.data.series_image import SeriesImage
from scripts.io.input_error import refuse_unreadable
from scripts.transforms.coordinates import LPS_TO_RAS, slice_affines

__all__ = ["read_raster"]


def read_raster(series: ImageSeries) -> SeriesImage:
    """Read all pages of a file; 16-bit and float pages keep their depth, everything else becomes 8-bit luma.

    Args:
        series: one file.

    Raises:
        InputError: see :func:`scripts.data.read_image_series`.

    Example:
        >>> read_raster(image_series_of(["a.png"], ".")).spacing_known  # doctest: +SKIP
        False
    """
    path = series.files[0]
    read_raster_header(path)
    pages = []
    with refuse_unreadable(path), Image.open(path, formats=RASTER_FORMATS) as picture:
        for page in ImageSequence.Iterator(picture):
            # each page of a TIFF has a size of its own
            check_size(path, *page.size)
            pages.append(_grey_page(page))
    # ITK takes the pages for slices that are 1 mm apart
    first = LPS_TO_RAS @ np.diag([*display_spacing(path), 1.0, 1.0])
    return SeriesImage.from_pages(series, pages, slice_affines(first, len(pages)), spacing_known=False, places=None)


def _grey_page(page: Image.Image) -> np.ndarray:
    grey = page if page.mode in ("I", "F") or page.mode.startswith("I;16") else page.convert("L")
    return np.asarray(grey, dtype=np.float32).T
