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

"""Reading NIfTI."""

from __future__ import annotations

import numpy as np
from nibabel import Nifti1Pair

from scripts.data.image_header import read_nifti_header
from scripts.data.image_series import ImageSeries
from scripts.data.series_image import SeriesImage
from scripts.data.slice_plane import split_frames
from scripts.io.input_error import refuse_unreadable

__all__ = ["read_nifti"]

# mm in the header's unit of length: 1 is metre, 3 is micron; 2 is mm, and an unknown unit is taken for it
_MM = {1: 1000.0, 3: 0.001}
# ms in the header's unit of time; an unknown unit, or one of frequency, tells no time
_MS = {8: 1000.0, 16: 1.0, 24: 0.001}


def read_nifti(series: ImageSeries, *, plane: str | None = None) -> SeriesImage:
    """Read an image of shape (X, Y), (X, Y, 1), (X, Y, T) or (X, Y, 1, T), with the slope of its intensities applied.

    Args:
        series: one file.
        plane: give the slices of a volume as frames, see :func:`scripts.data.slice_plane.split_frames`.

    Raises:
        InputError: see :func:`scripts.data.read_image_series`.

    Example:
        >>> read_nifti(image_series_of(["cine.nii.gz"], ".")).spacing_known  # doctest: +SKIP
        True
    """
    path = series.files[0]
    image = read_nifti_header(path)
    with refuse_unreadable(path):
        pixels = image.get_fdata(dtype=np.float32)
        # nibabel's affine is in the unit of the header, told by its lowest three bits
        to_mm = _MM.get(int(image.header["xyzt_units"]) & 7, 1.0)
        frame_ms = _frame_ms(image)
    affine = np.diag([to_mm, to_mm, to_mm, 1.0]) @ image.affine
    pages, affines = split_frames(path, pixels, affine, plane)
    return SeriesImage.from_pages(
        series,
        pages,
        affines,
        spacing_known=True,
        placed=_is_placed(image),
        frame_ms=frame_ms,
        spacing_source="affine of NIfTI",
    )


def _is_placed(image: Nifti1Pair) -> bool:
    """Without a form code the affine is nibabel's own, with the volume's middle at the origin."""
    return any(int(image.header[code]) > 0 for code in ("qform_code", "sform_code"))


def _frame_ms(image: Nifti1Pair) -> float | None:
    """The fourth pixdim; the third is of a place, even where this bundle takes that axis for time."""
    to_ms = _MS.get(int(image.header["xyzt_units"]) & 0x38)
    if len(image.shape) < 4 or image.shape[3] < 2 or to_ms is None:
        return None
    step = float(image.header["pixdim"][4]) * to_ms
    return step if np.isfinite(step) and step > 0 else None
