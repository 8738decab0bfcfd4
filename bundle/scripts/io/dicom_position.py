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

import numpy as np
from pydicom import Dataset

from scripts.io.functional_groups import frame_group
from scripts.io.same_place import place_tolerance
from scripts.transforms.coordinates import index_to_lps

__all__ = ["file_spacing", "frame_position", "frame_spacing", "is_placed", "positive_pair"]

_SAME_SPACING = 0.01  # of itself


def frame_position(dataset: Dataset, frame: int) -> np.ndarray | None:
    """The place of a frame's first pixel.

    Args:
        dataset: the header.
        frame: index of the frame in the file, from 0.

    Returns:
        (3,), the centre of the first pixel in LPS mm, from ImagePositionPatient or from the functional groups of an
        enhanced multi-frame file; None where the header tells none, or no orientation.

    Example:
        >>> dataset = Dataset()
        >>> dataset.ImagePositionPatient, dataset.ImageOrientationPatient = [1, 2, 3], [1, 0, 0, 0, 1, 0]
        >>> frame_position(dataset, 0).tolist(), frame_position(Dataset(), 0)
        ([1.0, 2.0, 3.0], None)
    """
    position = _told(dataset, frame, "PlanePositionSequence", "ImagePositionPatient")
    along = _told(dataset, frame, "PlaneOrientationSequence", "ImageOrientationPatient")
    if not position or not along or np.size(position) != 3 or np.size(along) != 6:
        return None
    return np.array([float(value) for value in position])


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
        None where there is none, or where it repeats ImagerPixelSpacing with no word of a calibration: it is the
        detector's then (PS3.3 10.7.1.3).

    Example:
        >>> dataset = Dataset()
        >>> dataset.PixelSpacing = dataset.ImagerPixelSpacing = [0.5, 0.25]
        >>> file_spacing(dataset) is None
        True
    """
    spacing = positive_pair(dataset.get("PixelSpacing"))
    repeats = spacing == positive_pair(dataset.get("ImagerPixelSpacing"))
    return None if repeats and not dataset.get("PixelSpacingCalibrationType") else spacing


def positive_pair(values: Sequence[float] | None) -> tuple[float, float] | None:
    """Two numbers above 0; None for anything else, for scanners write 0 or one number where they know none.

    Example:
        >>> positive_pair(["0.5", "0.25"]), positive_pair([0, 0])
        ((0.5, 0.25), None)
    """
    try:
        numbers = [float(value) for value in values or ()]
    except (TypeError, ValueError):
        return None
    if len(numbers) != 2 or not all(math.isfinite(number) and number > 0 for number in numbers):
        return None
    return numbers[0], numbers[1]


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
    if position is None or spacing is None:
        return False
    there = index_to_lps(np.zeros(2), affine)
    same_place = np.allclose(there, position, rtol=0, atol=place_tolerance(spacing))
    return bool(same_place and np.allclose(np.linalg.norm(affine[:3, :2], axis=0), spacing, rtol=_SAME_SPACING))


def _told(dataset: Dataset, frame: int, group: str, name: str) -> list[float] | None:
    """An attribute of the file, or of a functional group of the frame."""
    return dataset.get(name) or (frame_group(dataset, group, frame) or Dataset()).get(name)
