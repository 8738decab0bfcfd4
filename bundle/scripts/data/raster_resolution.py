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

"""The resolution of a JPEG or TIFF file, which ITK takes for the distance of its pixels."""

from __future__ import annotations

from pathlib import Path

from PIL import Image

from scripts.data.image_header import RASTER_FORMATS
from scripts.io.input_error import refuse_unreadable

__all__ = ["display_spacing"]

_MM_OF_UNIT = {2: 25.4, 3: 10.0}  # TIFF: inch and cm; without a unit there is no length
_MM_OF_JFIF_UNIT = {1: 25.4, 2: 10.0}
_X, _Y, _UNIT = 282, 283, 296


def display_spacing(path: Path) -> tuple[float, float]:
    """Find the distance of pixels by which ITK, and so 3D Slicer, shows a picture.

    It is that of a scan or a print, not of the patient. ITK does not look at the resolution of PNG and BMP files.

    Args:
        path: a PNG, JPEG, TIFF or BMP file.

    Returns:
        Along x and along y, mm; 1 where the file does not tell.

    Raises:
        InputError: the file cannot be read.

    Example:
        >>> display_spacing(Path("scan_at_300_dpi.jpg"))  # doctest: +SKIP
        (0.08466666666666667, 0.08466666666666667)
    """
    with refuse_unreadable(path), Image.open(path, formats=RASTER_FORMATS) as picture:
        if picture.format == "JPEG":
            mm = _MM_OF_JFIF_UNIT.get(picture.info.get("jfif_unit", 0))
            x, y = picture.info.get("jfif_density", (0, 0))
        elif picture.format == "TIFF":
            tags = picture.getexif()
            mm = _MM_OF_UNIT.get(tags.get(_UNIT, 0))
            x, y = (tags.get(name, 1) for name in (_X, _Y))
        else:
            return 1.0, 1.0
    if mm is None or not (x > 0 and y > 0):
        return 1.0, 1.0
    return mm / float(x), mm / float(y)
