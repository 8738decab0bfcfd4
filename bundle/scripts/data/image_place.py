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
"""Which images tell where they lie in the patient."""

from __future__ import annotations

import nibabel as nib
import numpy as np
import pydicom

from scripts.data.image_series import ImageSeries
from scripts.io.dicom_position import is_placed

__all__ = ["knows_place"]


def knows_place(series: ImageSeries, affines: np.ndarray) -> bool:
    """Whether the affines of a series are its files' own, rather than made up; reads headers only.

    NIfTI tells its place if one of its form codes is set, DICOM by position, orientation and PixelSpacing; PNG, JPEG,
    TIFF and BMP do not.

    Args:
        series: the series, as it was read.
        affines: (T, 4, 4), of :func:`scripts.data.read_image_series`.

    Example:
        >>> from pydicom.examples import get_path
        >>> from scripts.data import find_image_series, read_image_series
        >>> image = read_image_series(find_image_series(get_path("ct"))[0])
        >>> knows_place(image.series, image.affines)
        True
    """
    if series.format == "nifti":
        header = nib.load(series.files[0]).header
        # older formats than NIfTI-1 have no codes, and no place
        return any(int(header[code]) > 0 for code in ("qform_code", "sform_code") if code in header)
    if series.format == "dicom":
        headers = [pydicom.dcmread(file, stop_before_pixels=True) for file in series.files]
        frames = [(one, i) for one in headers for i in range(max(1, int(one.get("NumberOfFrames") or 1)))]
        return all(is_placed(*frame, affine) for frame, affine in zip(frames, affines, strict=True))
    return False
