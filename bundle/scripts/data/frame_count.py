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

"""How many frames a series has, without reading pixels."""

from __future__ import annotations

import math

import nibabel as nib
import pydicom
from PIL import Image

from scripts.data.image_series import ImageSeries
from scripts.io.input_error import InputError

__all__ = ["count_frames"]

_MANY_PAGES = (".tif", ".tiff")


def count_frames(series: ImageSeries) -> int:
    """Count the frames of a series from its header. PNG, JPEG and BMP files are not opened: they count as one.

    Raises:
        InputError: the file cannot be read.

    Example:
        >>> from pydicom.examples import get_path
        >>> from scripts.data import find_image_series
        >>> count_frames(find_image_series(get_path("ybr_color"))[0])
        30
    """
    path = series.files[0]
    if len(series.files) > 1:
        return len(series.files)
    try:
        if series.format == "dicom":
            header = pydicom.dcmread(path, stop_before_pixels=True, specific_tags=["NumberOfFrames"])
            return int(header.get("NumberOfFrames") or 1)
        if series.format == "nifti":
            return math.prod(nib.load(path).shape[2:])
        if path.suffix.lower() in _MANY_PAGES:
            with Image.open(path) as picture:
                return getattr(picture, "n_frames", 1)
    except Exception as error:  # each library has errors of its own
        raise InputError(f"{path} cannot be read ({error}); remove or repair it") from error
    return 1
