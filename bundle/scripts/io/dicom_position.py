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
"""Where the frames of a DICOM file lie and how large their pixels are, as far as its header tells."""

from __future__ import annotations

import math
from collections.abc import Sequence
from decimal import Decimal
from typing import Any

import numpy as np
from pydicom import Dataset

from scripts.io.functional_groups import frame_group
from scripts.io.same_place import place_tolerance
from scripts.transforms.coordinates import index_to_lps

__all__ = [
    "file_spacing",
    "frame_orientation",
    "frame_position",
    "frame_spacing",
    "is_placed",
    "numbers_of",
    "positive_pair",
]

_SAME_SPACING = 0.01  # of itself
# two spacings are one but for rounding: by this share, or by half of the last digit of the one that has fewer
_ROUNDED = 1e-3
_RIGHT_ANGLE = 1e-3  # a larger cosine between rows and columns is no orientation for GDCM either


def frame_position(dataset: Dataset, frame: int) -> np.ndarray | None:
    """The place of a frame's first pixel.

    Args:
        dataset: the header.
        frame: index of the frame in the file, from 0.

    Returns:
        (3,), the centre of the first pixel in LPS mm, from ImagePositionPatient or from the functional groups of an
        enhanced multi-frame file; None where the header tells none that can be one.

    Example:
        >>> dataset = Dataset()
        >>> dataset.ImagePositionPatient = [1, 2, 3]
        >>> frame_position(dataset, 0).tolist(), frame_position(Dataset(), 0)
        ([1.0, 2.0, 3.0], None)
    """
    told = numbers_of(_told(dataset, frame, "PlanePositionSequence", "ImagePositionPatient"), 3)
    return np.array(told) if told else None


def frame_orientation(dataset: Dataset, frame: int) -> np.ndarray | None:
    """The directions of a frame's rows and columns.

    Args:
        dataset: the header.
        frame: index of the frame in the file, from 0.

    Returns:
        (2, 3), unit vectors in LPS along x and along y, from ImageOrientationPatient or from the functional groups;
        None where the header tells none, or one that spans no plane: zeros, parallel or oblique axes. GDCM takes none
        of them either.

    Example:
        >>> dataset = Dataset()
        >>> dataset.ImageOrientationPatient = [2, 0, 0, 0, 2, 0]
        >>> frame_orientation(dataset, 0).tolist()
        [[1.0, 0.0, 0.0], [0.0, 1.0, 0.0]]
        >>> dataset.ImageOrientationPatient = [0, 0, 0, 0, 0, 0]
        >>> frame_orientation(dataset, 0) is None
        True
    """
    told = numbers_of(_told(dataset, frame, "PlaneOrientationSequence", "ImageOrientationPatient"), 6)
    if not told:
        return None
    along = np.reshape(told, (2, 3))
    lengths = np.linalg.norm(along, axis=1, keepdims=True)
    if lengths.min() <= 0:
        return None
    along = along / lengths
    return along if abs(along[0] @ along[1]) < _RIGHT_ANGLE else None


def frame_spacing(dataset: Dataset, frame: int) -> tuple[float, float] | None:
    """Distance of a frame's pixel centres in the patient.

    Args:
        dataset: the header.
        frame: index of the frame in the file, from 0.

    Returns:
        Along x and y, in mm, from PixelSpacing of the frame's functional group or of the file, see
        :func:`file_spacing`; None where the header tells none. ImagerPixelSpacing does not count: it is measured at the
        detector, where the patient is magnified.

    Example:
        >>> dataset = Dataset()
        >>> dataset.PixelSpacing = [0.5, 0.25]  # of rows, then of columns
        >>> frame_spacing(dataset, 0)
        (0.25, 0.5)
    """
    measures = frame_group(dataset, "PixelMeasuresSequence", frame)
    own = positive_pair(measures.get("PixelSpacing")) if measures is not None else None
    spacing = own or file_spacing(dataset)
    return None if spacing is None else spacing[::-1]


def file_spacing(dataset: Dataset) -> tuple[float, float] | None:
    """Distance of a file's rows and of its columns in the patient, in mm, by the file's own PixelSpacing.

    Returns:
        None where there is none, or where it repeats ImagerPixelSpacing, but for rounding, with no word of a
        calibration: it is the detector's then (PS3.3 10.7.1.3).

    Example:
        >>> dataset = Dataset()
        >>> dataset.PixelSpacing = dataset.ImagerPixelSpacing = [0.5, 0.25]
        >>> file_spacing(dataset) is None
        True
    """
    spacing = positive_pair(dataset.get("PixelSpacing"))
    if spacing is None or dataset.get("PixelSpacingCalibrationType"):
        return spacing
    imager = positive_pair(dataset.get("ImagerPixelSpacing"))
    if imager is None:
        return spacing
    repeats = map(_is_same_but_rounded, dataset.PixelSpacing, dataset.ImagerPixelSpacing)
    return None if all(repeats) else spacing


def numbers_of(value: Any, count: int | None = None) -> tuple[float, ...]:
    """The numbers of an attribute; () where it has none, one is no number, or there are not ``count`` of them.

    Example:
        >>> numbers_of("2.50"), numbers_of([1, 2, 3], 3), numbers_of([1, 2], 3), numbers_of(None)
        ((2.5,), (1.0, 2.0, 3.0), (), ())
    """
    if value is None or value == "":
        return ()
    several = not isinstance(value, str) and np.ndim(value)
    try:
        numbers = tuple(float(one) for one in (value if several else [value]))
    except (TypeError, ValueError):
        return ()
    return numbers if np.isfinite(numbers).all() and count in (None, len(numbers)) else ()


def positive_pair(values: Sequence[float] | None) -> tuple[float, float] | None:
    """Two numbers above 0; None for anything else, for scanners write 0 or one number where they know none.

    Example:
        >>> positive_pair(["0.5", "0.25"]), positive_pair([0, 0])
        ((0.5, 0.25), None)
    """
    numbers = numbers_of(values, 2)
    return (numbers[0], numbers[1]) if numbers and min(numbers) > 0 else None


def is_placed(dataset: Dataset, frame: int, affine: np.ndarray) -> bool:
    """Whether an affine is the header's own: it has the position and the spacing that are there, beside an orientation.

    Readers make up an affine where they find none, or its spacing where the header tells that of the detector, so that
    it alone does not tell.

    Args:
        dataset: the header.
        frame: index of the frame in the file, from 0.
        affine: (4, 4), index (x, y, 0, 1) to RAS mm.

    Example:
        >>> is_placed(Dataset(), 0, np.eye(4))
        False
    """
    position, spacing = frame_position(dataset, frame), frame_spacing(dataset, frame)
    if position is None or spacing is None or frame_orientation(dataset, frame) is None:
        return False
    there = index_to_lps(np.zeros(2), affine)
    same_place = np.allclose(there, position, rtol=0, atol=place_tolerance(spacing))
    return bool(same_place and np.allclose(np.linalg.norm(affine[:3, :2], axis=0), spacing, rtol=_SAME_SPACING))


def _told(dataset: Dataset, frame: int, group: str, name: str) -> Any:
    """An attribute of the file, or of a functional group of the frame."""
    return dataset.get(name) or (frame_group(dataset, group, frame) or Dataset()).get(name)


def _is_same_but_rounded(one: Any, other: Any) -> bool:
    last = max(_last_digit(one), _last_digit(other))
    return abs(float(one) - float(other)) <= max(last / 2 * (1 + 1e-9), _ROUNDED * float(other))


def _last_digit(value: Any) -> float:
    """What one more in the last digit of a number adds, as it is written: 0.01 of 0.14; 0 where it is taken for exact.

    One digit alone, as in 0.2, is rather the detector's own than a rounded number.
    """
    _, digits, exponent = Decimal(str(value)).as_tuple()
    return math.pow(10.0, exponent) if isinstance(exponent, int) and len(digits) > 1 else 0.0
