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

"""Where the frames of a DICOM file lie in the patient, and what tells the distance of their pixels."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from pydicom import Dataset
from pydicom.multival import MultiValue

from scripts.io.dicom_position import file_spacing, positive_pair
from scripts.io.functional_groups import functional_groups, number_of_frames
from scripts.io.same_place import SAME_COSINE, first_alike, place_tolerance
from scripts.transforms.coordinates import LPS_TO_RAS

__all__ = ["DicomGeometry", "dicom_geometry"]

# PS3.3 C.8.5.5.1: what a region shows, and the code of cm
_TWO_DIMENSIONAL, _TISSUE, _CENTIMETRE = 1, 1, 3
# (C.7.6.16.2) where a frame of an enhanced, an ultrasound volume or a microscopy file lies
_POSITIONS = ("PlanePositionSequence", "PlanePositionVolumeSequence", "PlanePositionSlideSequence")
# vectors of older multi-frame files: offsets of dose planes, slices of nuclear medicine and of secondary captures
_STACK_VECTORS = ("GridFrameOffsetVector", "SliceVector", "SliceLocationVector")


@dataclass(frozen=True)
class DicomGeometry:
    """Where frames lie.

    Attributes:
        affines: (T, 4, 4), float64: index (x, y, 0, 1) to RAS mm.
        spacing_known: True where the distance of pixels in the patient is told.
        spacing_source: the attribute that tells it; where ``spacing_known`` is False, the one that tells another
            distance, or None.
        places: how many different places the frames lie at.
    """

    affines: np.ndarray
    spacing_known: bool
    spacing_source: str | None
    places: int


def dicom_geometry(dataset: Dataset) -> DicomGeometry:
    """Find where the frames of a file lie (PS3.3 C.7.6.2.1.1), by the file's attributes or its functional groups.

    The distance of pixels is told by PixelSpacing, else by the largest two-dimensional ultrasound region of tissue
    whose units are cm. ImagerPixelSpacing and NominalScannedPixelSpacing tell it elsewhere, at the detector or on a
    film; a PixelSpacing that repeats ImagerPixelSpacing with no word of a calibration is the detector's too (PS3.3
    10.7.1.3). A pixel is then taken for 1 mm along x; along y it has the shape that these or PixelAspectRatio tell.

    Args:
        dataset: a file, or its header.

    Raises:
        ValueError: an attribute has not as many numbers as it should, or one is NaN or infinite.

    Example:
        >>> geometry = dicom_geometry(Dataset())
        >>> geometry.spacing_known, geometry.places
        (False, 1)
    """
    frames = number_of_frames(dataset)
    measures = functional_groups(dataset, "PixelMeasuresSequence") or [None] * frames
    orientations = functional_groups(dataset, "PlaneOrientationSequence") or [None] * frames
    positions = functional_groups(dataset, "PlanePositionSequence") or [None] * frames
    spacing, known, source = _file_spacing(dataset)
    affines = np.empty((frames, 4, 4))
    for i, (measure, orientation, position) in enumerate(zip(measures, orientations, positions, strict=True)):
        own = positive_pair(measure.get("PixelSpacing")) if measure is not None else None
        affines[i] = _affine(
            own or spacing,
            _numbers(orientation or dataset, "ImageOrientationPatient", (1, 0, 0, 0, 1, 0)),
            _numbers(position or dataset, "ImagePositionPatient", (0, 0, 0)),
        )
        if own is not None and i == 0:
            source = "PixelMeasuresSequence"
    if source == "PixelMeasuresSequence":
        # one frame that does not tell makes the lengths of the file unknown, as one file does those of a series
        known = all(one is not None and positive_pair(one.get("PixelSpacing")) for one in measures)
    return DicomGeometry(affines, known, source, _count_places(dataset, affines))


def _file_spacing(dataset: Dataset) -> tuple[tuple[float, float], bool, str | None]:
    """Distance of rows and of columns, mm; whether it is in the patient; and what tells it, or tells another one."""
    spacing = file_spacing(dataset)
    if spacing is not None:
        return spacing, True, "PixelSpacing"
    region = _tissue_spacing(dataset)
    if region is not None:
        return region, True, "SequenceOfUltrasoundRegions"
    # what tells no length in the patient still tells the shape of pixels (PS3.3 C.7.6.3.1.7)
    for source in ("ImagerPixelSpacing", "NominalScannedPixelSpacing", "PixelAspectRatio"):
        pair = positive_pair(dataset.get(source))
        if pair is not None:
            return (pair[0] / pair[1], 1.0), False, None if source == "PixelAspectRatio" else source
    return (1.0, 1.0), False, None


def _tissue_spacing(dataset: Dataset) -> tuple[float, float] | None:
    largest, spacing = 0, None
    for region in dataset.get("SequenceOfUltrasoundRegions") or ():
        codes = [
            region.get(name)
            for name in (
                "RegionSpatialFormat",
                "RegionDataType",
                "PhysicalUnitsXDirection",
                "PhysicalUnitsYDirection",
            )
        ]
        if codes != [_TWO_DIMENSIONAL, _TISSUE, _CENTIMETRE, _CENTIMETRE]:
            continue
        corners = [region.get(f"RegionLocation{name}") for name in ("MinX0", "MinY0", "MaxX1", "MaxY1")]
        if not all(isinstance(corner, int) for corner in corners):
            continue
        left, top, right, bottom = corners
        area = (right - left + 1) * (bottom - top + 1) if right >= left and bottom >= top else 0
        # an axis that points the other way has a negative step
        steps = [abs(float(region.get(name) or 0.0)) * 10.0 for name in ("PhysicalDeltaY", "PhysicalDeltaX")]
        pair = positive_pair(steps)
        if area > largest and pair is not None:
            largest, spacing = area, pair
    return spacing


def _numbers(dataset: Dataset, name: str, default: Sequence[float]) -> np.ndarray:
    values = np.atleast_1d(np.array(dataset.get(name) or default, dtype=float))
    if len(values) != len(default) or not np.isfinite(values).all():
        raise ValueError(f"{name} must be {len(default)} numbers")
    return values


def _affine(spacing: tuple[float, float], orientation: np.ndarray, position: np.ndarray) -> np.ndarray:
    row_spacing, column_spacing = spacing
    along = orientation.reshape(2, 3)
    affine = np.eye(4)
    affine[:3, 0] = along[0] * column_spacing
    affine[:3, 1] = along[1] * row_spacing
    affine[:3, 2] = np.cross(along[0], along[1])
    affine[:3, 3] = position
    return LPS_TO_RAS @ affine


def _count_places(dataset: Dataset, affines: np.ndarray) -> int:
    if len(affines) < 2:
        return 1
    axes = affines[:, :3, :2]
    sides = np.linalg.norm(axes, axis=1)
    tolerance = place_tolerance((float(sides[0].min()), float(sides[0].max())))
    labels = [
        first_alike(affines[:, :3, 3], tolerance),
        first_alike((axes / sides[:, None]).reshape(len(affines), 6), SAME_COSINE),
    ]
    counts = [len(np.unique(np.stack(labels), axis=1).T)]
    for name in _POSITIONS[1:]:
        groups = functional_groups(dataset, name)
        counts.append(len(set(first_alike(_numbers_of_groups(groups), tolerance))) if groups else 1)
    for name in _STACK_VECTORS:
        values = dataset.get(name)
        # one number comes alone; and the vector may be longer than what was cut from the stack
        if isinstance(values, MultiValue):
            counts.append(len(set(first_alike(np.array(values[: len(affines)], dtype=float)[:, None], tolerance))))
    return max(counts)


def _numbers_of_groups(groups: Sequence[Dataset | None]) -> np.ndarray:
    """All numbers of each frame's group, (T, K), in the order of their attributes; NaN where it has fewer."""
    rows = [[float(value) for one in group or () for value in np.atleast_1d(one.value)] for group in groups]
    width = max(1, *map(len, rows))
    return np.array([[*row, *[np.nan] * (width - len(row))] for row in rows])
