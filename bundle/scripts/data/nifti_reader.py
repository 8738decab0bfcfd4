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
from scripts.transforms.coordinates import LPS_TO_RAS, pixel_spacing

__all__ = ["read_nifti"]

# mm in the header's unit of length: 1 is metre, 3 is micron; 2 is mm, and an unknown unit is taken for it
_MM = {1: 1000.0, 3: 0.001}
_SCANNER = 1  # the sform code of the scanner's own space
_RIGHT_ANGLE = 9e-5  # how far ITK lets the cosine of two axes be from 0
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
        frame_ms = _frame_ms(image)
        place, shown = _affines(image)
    pages, places = split_frames(path, pixels, place, plane)
    return SeriesImage.from_pages(
        series,
        pages,
        places if np.array_equal(shown, place) else shown @ np.linalg.inv(place) @ places,
        spacing_known=True,
        pixel_size=pixel_spacing(places[0]),
        places=places if max(_codes(image)) > 0 else None,
        frame_ms=frame_ms,
        spacing_source="affine of NIfTI",
    )


def _codes(image: Nifti1Pair) -> tuple[int, int]:
    return int(image.header["qform_code"]), int(image.header["sform_code"])


def _affines(image: Nifti1Pair) -> tuple[np.ndarray, np.ndarray]:
    """Where an image lies, and where ITK shows it: (4, 4), index to RAS mm.

    ITK takes the sform where it is of the scanner (code 1) or there is no qform, if its axes are at right angles, and
    else the qform; nibabel takes any sform first. It shows it with the distances of pixdim, which a program may have
    written without regard to the sform. With neither, x and y run to the left and the back from the first pixel, where
    nibabel puts the middle of the volume at the origin.
    """
    qform_code, sform_code = _codes(image)
    # both are in the unit of the header, told by its lowest three bits
    to_mm = _MM.get(int(image.header["xyzt_units"]) & 7, 1.0)
    scale = np.diag([to_mm, to_mm, to_mm, 1.0])
    form = None
    if sform_code > 0 and (sform_code == _SCANNER or qform_code <= 0) and _is_orthogonal(image.get_sform()):
        form = image.get_sform()
    elif qform_code > 0:
        form = image.get_qform()
    elif sform_code > 0:
        form = image.affine
    steps = np.abs(image.header["pixdim"][1:4].astype(float))
    steps[steps == 0] = 1.0
    place = LPS_TO_RAS @ np.diag([*steps, 1.0]) if form is None else form
    if not _is_orthogonal(place):
        # ITK reads no such file
        return (scale @ place,) * 2
    shown = place.copy()
    lengths = np.linalg.norm(place[:3, :3], axis=0)
    # the header has them in 32 bits
    shown[:3, :3] *= np.where(np.isclose(steps, lengths, rtol=1e-5), 1.0, steps / lengths)
    return scale @ place, scale @ (_flat(shown) if len(image.shape) == 2 else shown)


def _is_orthogonal(affine: np.ndarray) -> bool:
    lengths = np.linalg.norm(affine[:3, :3], axis=0)
    if lengths.min() <= 0:
        return False
    axes = affine[:3, :3] / lengths
    return bool(np.abs(axes.T @ axes - np.eye(3)).max() < _RIGHT_ANGLE)


def _flat(affine: np.ndarray) -> np.ndarray:
    """What ITK keeps of the place of a file of two axes, if these span the plane of x and y."""
    flat = np.eye(4)
    flat[:2, :2], flat[:2, 3] = affine[:2, :2], affine[:2, 3]
    return flat if np.linalg.matrix_rank(flat) == 4 else affine


def _frame_ms(image: Nifti1Pair) -> float | None:
    """The fourth pixdim; the third is of a place, even where this bundle takes that axis for time."""
    to_ms = _MS.get(int(image.header["xyzt_units"]) & 0x38)
    if len(image.shape) < 4 or image.shape[3] < 2 or to_ms is None:
        return None
    step = float(image.header["pixdim"][4]) * to_ms
    return step if np.isfinite(step) and step > 0 else None
