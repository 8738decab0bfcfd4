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

"""Where 3D Slicer shows a DICOM file: where ITK reads it to, by GDCM."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np
from pydicom import Dataset
from pydicom.tag import Tag

from scripts.data.dicom_geometry import DicomGeometry, ultrasound_spacing
from scripts.io.dicom_position import frame_orientation, frame_position, frame_spacing
from scripts.io.functional_groups import number_of_frames
from scripts.transforms.coordinates import LPS_TO_RAS, slice_affines

__all__ = ["display_affines"]

_STORAGE = "1.2.840.10008.5.1.4.1.1."
# X-rays of CR, DX, MG, intra-oral, XA and RF: GDCM takes the spacing at the detector, even where another is told
_AT_DETECTOR = {"1", "1.1", "1.1.1", "1.2", "1.2.1", "1.3", "1.3.1", "12.1", "12.2", "12.3"}
# CT, MR, ultrasound volume, secondary capture, nuclear medicine, PET
_IN_PATIENT = {"2", "4", "6.2", "7", "20", "128"}
# ultrasound, video endoscopy: it takes the slices for 1 mm thick; microscopy, photographs, dose
_ULTRASOUND = {"3", "3.1", "6", "6.1", "77.1.1.1"}
_OTHERS = {"77.1.2", "77.1.4", "481.2"}
_RT_IMAGE, _NUCLEAR, _SECONDARY_CAPTURE, _OPHTHALMIC_TOMOGRAPHY = "481.1", "20", "7", "77.1.5.4"
# enhanced XA, endoscopy, fundus photographs, whole slides: it knows no attribute that tells the spacing of these
_WITHOUT_SPACING = {"5", "12.1.1", "77.1.1", "77.1.2.1", "77.1.4.1", "77.1.5.1", "77.1.5.2", "77.1.6"}
# geometry in functional groups; GDCM does not look for it in others, such as enhanced XA
_ENHANCED = {
    *("2.1", "2.2", "4.1", "4.3", "4.4", "7.1", "7.2", "7.3", "7.4", "13.1.1", "13.1.2", "13.1.3", "13.1.4", "13.1.5"),
    *("14.1", "14.2", "66.4", "77.1.5.4", "128.1", "130"),
}


def display_affines(dataset: Dataset, geometry: DicomGeometry, *, as_volume: bool = False) -> np.ndarray:
    """Find where ITK, and so 3D Slicer, shows the frames of a file.

    That is where points of 3D Slicer's files are written to and read from. It is not always where a frame lies: which
    attribute GDCM takes for the spacing goes by the kind of image (X-rays: ImagerPixelSpacing), and frames that lie at
    one place are shown as the slices of a volume. An ultrasound image of one calibrated region has its spacing, as 3D
    Slicer's own reader of ultrasound has it. Where ITK reads nothing, frames are where they lie.

    Args:
        dataset: a file, or its header.
        geometry: where its frames lie.
        as_volume: by the reader of volumes, as ITK alone: it knows no ultrasound regions.

    Returns:
        (T, 4, 4), float64: index (x, y, 0, 1) to RAS mm; the third column leads to the next slice.

    Example:
        >>> from scripts.data.dicom_geometry import dicom_geometry
        >>> dataset = Dataset()
        >>> dataset.SOPClassUID = "1.2.840.10008.5.1.4.1.1.1.1"
        >>> dataset.PixelSpacing, dataset.ImagerPixelSpacing = [0.15, 0.15], [0.2, 0.2]
        >>> np.abs(display_affines(dataset, dicom_geometry(dataset))[0].diagonal()).tolist()
        [0.2, 0.2, 1.0, 1.0]
    """
    first = _first_affine(dataset, calibrated=not as_volume)
    if first is None:
        return geometry.affines
    return slice_affines(first, number_of_frames(dataset))


def _first_affine(dataset: Dataset, *, calibrated: bool) -> np.ndarray | None:
    """Of the first slice; None where each frame is shown where it lies, or ITK reads nothing."""
    kind = _kind(dataset)
    if kind in _ENHANCED:
        return _enhanced(dataset)
    if kind not in _AT_DETECTOR | _IN_PATIENT | _ULTRASOUND | _OTHERS | _WITHOUT_SPACING | {_RT_IMAGE}:
        return None
    regions = dataset.get("SequenceOfUltrasoundRegions") or ()
    region = ultrasound_spacing(dataset) if calibrated and len(regions) == 1 else None
    rows, columns = region or _spacing(dataset, kind)
    place = _without_groups(dataset)
    if kind == _NUCLEAR:
        detector = next(iter(dataset.get("DetectorInformationSequence") or ()), Dataset())
        place.ImagePositionPatient = detector.get("ImagePositionPatient")
        place.ImageOrientationPatient = detector.get("ImageOrientationPatient") or place.ImageOrientationPatient
    steps = (columns, rows, _slice_step(dataset, kind))
    return _affine(frame_orientation(place, 0), frame_position(place, 0), steps)


def _slice_step(dataset: Dataset, kind: str) -> float:
    """From slice to slice; the time from frame to frame is one for GDCM."""
    if kind in _ULTRASOUND:
        return 1.0
    if kind in _AT_DETECTOR | _IN_PATIENT | {_RT_IMAGE} and "SpacingBetweenSlices" in dataset:
        return _length(dataset.SpacingBetweenSlices)
    if number_of_frames(dataset) > 1 and dataset.get("FrameIncrementPointer") == Tag("FrameTime"):
        return _length(dataset.get("FrameTime"))
    return 1.0


def _enhanced(dataset: Dataset) -> np.ndarray | None:
    own, shared = dataset.get("PerFrameFunctionalGroupsSequence"), dataset.get("SharedFunctionalGroupsSequence")
    single = number_of_frames(dataset) == 1 and bool(own or shared)
    if not single and any(one.get("PlanePositionSequence") for one in own or ()):
        # of several frames at one place ITK refuses the distance of slices, which is 0
        return None
    # GDCM looks for no orientation among the groups of ophthalmic tomography
    turned = _without_groups(dataset) if _kind(dataset) == _OPHTHALMIC_TOMOGRAPHY else dataset
    # and without a position for each frame it leaves the distances out
    x, y = frame_spacing(dataset, 0) or (1.0, 1.0) if single else (1.0, 1.0)
    return _affine(frame_orientation(turned, 0), frame_position(dataset, 0) if own or shared else None, (x, y, 1.0))


def _without_groups(dataset: Dataset) -> Dataset:
    """The place that the file's own attributes tell, which is all that GDCM looks at in most kinds of images."""
    place = Dataset()
    place.ImagePositionPatient = dataset.get("ImagePositionPatient")
    place.ImageOrientationPatient = dataset.get("ImageOrientationPatient")
    return place


def _kind(dataset: Dataset) -> str:
    """The SOP class, without what those of images have in common."""
    meta = getattr(dataset, "file_meta", Dataset())
    uid = meta.get("MediaStorageSOPClassUID") or dataset.get("SOPClassUID") or ""
    return str(uid).removeprefix(_STORAGE)


def _spacing(dataset: Dataset, kind: str) -> tuple[float, float]:
    """Distance of rows and of columns; GDCM takes 1 for 0, and one number for both."""
    names = ["ImagerPixelSpacing" if kind in _AT_DETECTOR else "PixelSpacing"]
    if kind == _RT_IMAGE:
        names = ["ImagePlanePixelSpacing"]
    elif kind == _SECONDARY_CAPTURE:
        names += ["NominalScannedPixelSpacing"]
    elif kind in _WITHOUT_SPACING:
        names = []
    told = next((dataset[name].value for name in names if dataset.get(name)), 1.0)
    values = list(told) if isinstance(told, Sequence) else [told]
    return _length(values[0]), _length(values[-1])


def _length(value: Any) -> float:
    """1 for what can be none: no image is worth losing for where it is shown."""
    try:
        number = float(value)
    except (TypeError, ValueError):
        return 1.0
    return number if number and math.isfinite(number) else 1.0


def _affine(along: np.ndarray | None, position: np.ndarray | None, steps: tuple[float, float, float]) -> np.ndarray:
    """Of the directions of rows and columns, the first pixel, and the distances of columns, rows and slices."""
    axes = np.eye(3)
    if along is not None:
        axes[2] = np.cross(*along)
        # ITK makes rows that are not quite at right angles so
        axes[0], axes[1] = np.cross(along[1], axes[2]), along[1]
    affine = np.eye(4)
    affine[:3, :3] = axes.T * steps
    affine[:3, 3] = 0.0 if position is None else position
    return LPS_TO_RAS @ affine
