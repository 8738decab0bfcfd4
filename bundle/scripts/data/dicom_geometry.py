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

from scripts.io.dicom_position import file_spacing, frame_orientation, frame_position, positive_pair
from scripts.io.functional_groups import functional_groups, number_of_frames
from scripts.io.same_place import SAME_COSINE, first_alike, place_tolerance
from scripts.transforms.coordinates import LPS_TO_RAS

__all__ = ["DicomGeometry", "dicom_geometry", "ultrasound_spacing"]

# PS3.3 C.8.5.5.1: what a region shows (tissue, colour flow over it), and the code of cm
_TWO_DIMENSIONAL, _TISSUE, _CENTIMETRE = 1, (1, 2), 3
_AXIAL = np.array([[1.0, 0.0, 0.0], [0.0, 1.0, 0.0]])
# at the detector, on a film, and in the plane of a portal image
_ELSEWHERE = ("ImagerPixelSpacing", "NominalScannedPixelSpacing", "ImagePlanePixelSpacing")
# (C.7.6.16.2) where a frame of an enhanced, an ultrasound volume or a microscopy file lies
_POSITIONS = ("PlanePositionSequence", "PlanePositionVolumeSequence", "PlanePositionSlideSequence")
# vectors of older multi-frame files: offsets of dose planes, slices of nuclear medicine and of secondary captures
_STACK_VECTORS = ("GridFrameOffsetVector", "SliceVector", "SliceLocationVector")


@dataclass(frozen=True)
class DicomGeometry:
    """Where frames lie.

    Attributes:
        affines: (T, 4, 4), float64: index (x, y, 0, 1) to RAS mm, with made up parts where the file does not tell.
        pixel_size: distance of pixel centres along x and y of the first frame: mm where ``spacing_known``, else the
            shape of a pixel that is 1 wide.
        spacing_known: True where the distance of pixels in the patient is told.
        spacing_source: the attribute that tells it; where ``spacing_known`` is False, the one that tells another
            distance, or None.
        places: how many different places the frames lie at.
    """

    affines: np.ndarray
    pixel_size: tuple[float, float]
    spacing_known: bool
    spacing_source: str | None
    places: int


def dicom_geometry(dataset: Dataset) -> DicomGeometry:
    """Find where the frames of a file lie (PS3.3 C.7.6.2.1.1), by the file's attributes or its functional groups.

    The distance of pixels is told by PixelSpacing, else by the largest two-dimensional ultrasound region of tissue, or
    of colour flow, whose units are cm. ImagerPixelSpacing, NominalScannedPixelSpacing and ImagePlanePixelSpacing tell
    it elsewhere, at the detector or on a film; a PixelSpacing that repeats ImagerPixelSpacing, but for rounding, with
    no word of a calibration is the detector's too (PS3.3 10.7.1.3). A pixel is then taken for 1 mm along x; along y it
    has the shape that these or PixelAspectRatio tell. A position or an orientation that cannot be one counts as absent.

    Args:
        dataset: a file, or its header.

    Example:
        >>> geometry = dicom_geometry(Dataset())
        >>> geometry.spacing_known, geometry.places
        (False, 1)
    """
    measures = functional_groups(dataset, "PixelMeasuresSequence") or [None] * number_of_frames(dataset)
    own = [None if one is None else positive_pair(one.get("PixelSpacing")) for one in measures]
    spacing, known, source = _file_spacing(dataset)
    affines = np.stack([_affine(dataset, frame, one or spacing) for frame, one in enumerate(own)])
    if own[0] is not None:
        # one frame that does not tell makes the lengths of the file unknown, as one file does those of a series
        spacing, known, source = own[0], None not in own, "PixelMeasuresSequence"
    return DicomGeometry(affines, spacing[::-1], known, source, _count_places(dataset, affines))


def _file_spacing(dataset: Dataset) -> tuple[tuple[float, float], bool, str | None]:
    """Distance of rows and of columns, mm; whether it is in the patient; and what tells it, or tells another one."""
    spacing = file_spacing(dataset)
    if spacing is not None:
        return spacing, True, "PixelSpacing"
    region = ultrasound_spacing(dataset)
    if region is not None:
        return region, True, "SequenceOfUltrasoundRegions"
    # what tells no length in the patient still tells the shape of pixels (PS3.3 C.7.6.3.1.7)
    for source in (*_ELSEWHERE, "PixelAspectRatio"):
        pair = positive_pair(dataset.get(source))
        if pair is not None:
            return (pair[0] / pair[1], 1.0), False, None if source == "PixelAspectRatio" else source
    return (1.0, 1.0), False, None


def ultrasound_spacing(dataset: Dataset) -> tuple[float, float] | None:
    """Distance of rows and of columns, mm, in the largest two-dimensional region of tissue or colour flow (C.8.5.5).

    Only regions whose units are cm along both axes count; of two that are as large the first.

    Example:
        >>> ultrasound_spacing(Dataset()) is None
        True
    """
    found = [_region(region) for region in dataset.get("SequenceOfUltrasoundRegions") or ()]
    return max(filter(None, found), key=lambda one: one[0], default=(0, None))[1]


def _region(region: Dataset) -> tuple[int, tuple[float, float]] | None:
    """Pixels and spacing of a region; None where it tells no distance."""
    if region.get("RegionSpatialFormat") != _TWO_DIMENSIONAL or region.get("RegionDataType") not in _TISSUE:
        return None
    if {region.get(f"PhysicalUnits{axis}Direction") for axis in "XY"} != {_CENTIMETRE}:
        return None
    # an axis that points the other way has a negative step
    steps = [abs(float(region.get(name) or 0.0)) * 10.0 for name in ("PhysicalDeltaY", "PhysicalDeltaX")]
    spacing = positive_pair(steps)
    return None if spacing is None else (_area(region), spacing)


def _area(region: Dataset) -> int:
    """Pixels of a region; 0 where it does not tell its place, which 3D Slicer takes all the same."""
    corners = [region.get(f"RegionLocation{name}") for name in ("MinX0", "MinY0", "MaxX1", "MaxY1")]
    if not all(isinstance(corner, int) for corner in corners):
        return 0
    left, top, right, bottom = corners
    return max(right - left + 1, 0) * max(bottom - top + 1, 0)


def _affine(dataset: Dataset, frame: int, spacing: tuple[float, float]) -> np.ndarray:
    along, position = frame_orientation(dataset, frame), frame_position(dataset, frame)
    affine = np.eye(4)
    affine[:3, :2] = (_AXIAL if along is None else along).T * spacing[::-1]
    affine[:3, 2] = np.cross(*(_AXIAL if along is None else along))
    affine[:3, 3] = 0.0 if position is None else position
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
