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
"""Landmarks as a DICOM Structured Report, a Measurement Report of TID 1500."""

from __future__ import annotations

import math
import os
import warnings
from collections.abc import Iterator, Sequence
from copy import deepcopy
from dataclasses import dataclass, replace
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
import pydicom
from pydicom import Dataset
from pydicom.uid import generate_uid

from scripts.io.atomic import atomic_path
from scripts.io.dicom_position import frame_spacing, is_placed
from scripts.io.functional_groups import number_of_frames
from scripts.io.input_error import InputError, first_line
from scripts.io.landmarks_csv import Landmark
from scripts.transforms.coordinates import index_to_lps

__all__ = ["ReportPoint", "check_report_sources", "read_dicom_sr", "write_dicom_sr"]

_NAME = "landmark-template-matching"
# codes of our own, where no standard has one; designators with 99 are free for this
_SCHEME = "99LTM"
_SIGMA = {
    "x": "Standard deviation of the position along a row",
    "y": "Standard deviation of the position along a column",
}
_COUNT = "Number of examples the position was fused from"
_REFERENCED = ("SOPClassUID", "SOPInstanceUID", "SeriesInstanceUID", "StudyInstanceUID")
# may be empty, but a report must have them
_INHERITED = (
    *("PatientID", "PatientName", "PatientBirthDate", "PatientSex", "AccessionNumber", "StudyID", "StudyDate"),
    *("StudyTime", "ReferringPhysicianName"),
)
_GROUP, _TRACKING_NAME, _TRACKING_UID, _FINDING = "125007", "112039", "112040", "121071"


@dataclass(frozen=True)
class ReportPoint:
    """A point of a report.

    Attributes:
        label: name of the landmark.
        image_uid: SOP Instance UID of the image file that it is on; None where the report has a place in the patient
            only.
        frame: index of the frame in that file from 0, or None where the report names no frame.
        x: position along the columns, px, pixel centres at integers; None without an image.
        y: position along the rows, likewise.
        lps: place in the patient, LPS mm, or None.

    Example:
        >>> ReportPoint("valve", "1.2.3", 0, x=101.0, y=64.5).label
        'valve'
    """

    label: str
    image_uid: str | None
    frame: int | None
    x: float | None
    y: float | None
    lps: tuple[float, float, float] | None = None


def write_dicom_sr(
    path: str | os.PathLike[str],
    landmarks: Sequence[Landmark],
    sources: Sequence[str | os.PathLike[str] | Dataset],
    affines: np.ndarray | None = None,
) -> list[Landmark]:
    """Write the landmarks of one DICOM series as a Comprehensive 3D SR document.

    Each landmark is a planar region of interest (TID 1410) of the graphic type POINT: on its image and frame, in
    DICOM's pixel coordinates, whose origin is the corner of the first pixel rather than its centre (PS3.3 C.18.6). Its
    name is the tracking identifier; one name of one series has the same tracking UID in all frames and in every run.
    Measurements are sigma along both axes, in mm where the file tells the spacing of its pixels and else in pixels, and
    the number of examples. Where the file has a frame of reference, a position and a spacing, a second group of the
    same tracking UID follows, with the point in the patient, since a region has one kind of coordinates only.

    Patient and study are those of the sources: **the file names the patient**.

    Args:
        path: the file, which is replaced.
        landmarks: of one series; x and y in px.
        sources: the files of the series in the order of its frames, or their headers.
        affines: (T, 4, 4), or (4, 4) for all frames: index (x, y, 0, 1) to RAS in mm; None for pixels only.

    Returns:
        The landmarks that are left out, as a report cannot hold them: outside of the image or with no finite position.
        If that is all of them there is no file.

    Raises:
        InputError: highdicom is missing, or a source cannot be read or referenced.
        ValueError: the landmarks are of several images, or of frames that the sources have not.

    Example:
        >>> landmark = Landmark("clip.dcm", 0, "valve", 101.0, 64.5, 1.2, 0.8, 3)
        >>> write_dicom_sr("clip.dcm.sr.dcm", [landmark], ["clip.dcm"])  # doctest: +SKIP
        []
    """
    highdicom = _import_highdicom()
    images = {landmark.image for landmark in landmarks}
    if len(images) > 1:
        raise ValueError(f"A report belongs to one series, but the landmarks are of {sorted(images)}.")
    frames = [(header, i) for header in map(_header, sources) for i in range(number_of_frames(header))]
    placed, left_out = [], []
    for landmark in landmarks:
        number = _frame_number(landmark, len(frames))
        header, frame = frames[number]
        if _is_inside(landmark, header):
            affine = None if affines is None else np.broadcast_to(affines, (len(frames), 4, 4))[number]
            placed.append((landmark, header, frame, affine))
        else:
            left_out.append(landmark)
    if placed:
        report = _report(highdicom, placed)
        with atomic_path(path) as temporary:
            report.save_as(temporary)
    else:
        # an earlier run's report would pass for this one's
        Path(path).unlink(missing_ok=True)
    return left_out


def check_report_sources(sources: Sequence[str | os.PathLike[str] | Dataset]) -> None:
    """Tell early whether :func:`write_dicom_sr` can write a report of these files.

    Args:
        sources: the files of a series, or their headers.

    Raises:
        InputError: highdicom is missing, or a source cannot be read or referenced.

    Example:
        >>> check_report_sources(["clip.dcm"])  # doctest: +SKIP
    """
    highdicom = _import_highdicom()
    headers = [_header(source) for source in sources]
    # what highdicom asks of a header is best asked of highdicom itself
    trial = Landmark("", None, "trial", x=0.0, y=0.0, sigma_x=1.0, sigma_y=1.0, n_examples=1)
    _report(highdicom, [(trial, headers[0], 0, None)])


def read_dicom_sr(path: str | os.PathLike[str]) -> list[ReportPoint]:
    """Read the points of a DICOM Structured Report with measurement groups, such as those of TID 1410 and TID 1501.

    Needs pydicom only. A group with a place in the patient that follows one with a place on an image and has the same
    tracking UID is the same point.

    Args:
        path: the file.

    Returns:
        At least one point, in file order; named by the tracking identifier or, where there is none, by the finding.

    Raises:
        InputError: there is no such file, it is no Structured Report, or it has no named point; the message names it.

    Example:
        >>> [(point.label, point.x, point.y) for point in read_dicom_sr("clip.dcm.sr.dcm")]  # doctest: +SKIP
        [('valve', 101.0, 64.5)]
    """
    if not os.path.isfile(path):
        raise InputError(f"{path}: there is no such file. Give a DICOM Structured Report with points.")
    try:
        report = pydicom.dcmread(path)
        if "ContentSequence" not in report:
            raise InputError(f"{path}: not a DICOM Structured Report. Give one with measurement groups.")
        points: list[tuple[str, ReportPoint]] = []
        for group in _items(report, _GROUP):
            _add_points(points, group)
    except InputError:
        raise
    except Exception as error:  # damaged files raise errors of many kinds
        raise InputError(f"{path}: cannot be read as a DICOM Structured Report ({first_line(error)}).") from error
    if not points:
        raise InputError(f"{path}: there is no named point. Give a report with measurement groups of the type POINT.")
    return [point for _, point in points]


def _import_highdicom() -> ModuleType:
    try:
        import highdicom
        import highdicom.sr
    except ImportError as error:
        raise InputError(
            "DICOM Structured Reports are written by highdicom, which is not installed: pip install highdicom "
            f"(the extra 'sr' of this project), or set dicom_sr to false ({first_line(error)})"
        ) from error
    return highdicom


def _header(source: str | os.PathLike[str] | Dataset) -> Dataset:
    """The source without its pixels, with all that a report takes over from it."""
    if isinstance(source, Dataset):
        header, name = deepcopy(source), source.get("SOPInstanceUID", "a dataset")
    else:
        name = os.fspath(source)
        try:
            header = pydicom.dcmread(source, stop_before_pixels=True)
        except Exception as error:
            raise InputError(f"{name} cannot be read as DICOM ({first_line(error)}); remove or repair it") from error
    missing = [keyword for keyword in _REFERENCED if not header.get(keyword)]
    if missing:
        raise InputError(
            f"{name} lacks {', '.join(missing)}, so that no report can refer to it; add what is missing, "
            "or set dicom_sr to false"
        )
    for keyword in _INHERITED:
        if keyword not in header:
            setattr(header, keyword, "")
    if header.PatientSex not in ("", "M", "F", "O"):
        header.PatientSex = ""
    return header


def _frame_number(landmark: Landmark, count: int) -> int:
    if landmark.frame is None and count == 1:
        return 0
    if landmark.frame is None or not 0 <= landmark.frame < count:
        raise ValueError(f"{landmark.label!r} is of frame {landmark.frame}, but the sources have {count} frames.")
    return int(landmark.frame)


def _is_inside(landmark: Landmark, header: Dataset) -> bool:
    # false for NaN too
    return -0.5 <= landmark.x <= header.Columns - 0.5 and -0.5 <= landmark.y <= header.Rows - 0.5


def _groups(
    highdicom: ModuleType, landmark: Landmark, header: Dataset, frame: int, affine: np.ndarray | None
) -> list[Any]:
    """The measurement groups of one landmark: on its image and, where that can be told, in the patient."""
    sr = highdicom.sr
    tracking = sr.TrackingIdentifier(
        uid=generate_uid(entropy_srcs=[_NAME, header.SeriesInstanceUID, landmark.label]), identifier=landmark.label
    )
    group = sr.PlanarROIMeasurementsAndQualitativeEvaluations
    on_image = group(
        tracking_identifier=tracking,
        referenced_region=_image_region(sr, landmark, header, frame),
        measurements=_measurements(sr, landmark, frame_spacing(header, frame)),
    )
    if affine is None or not header.get("FrameOfReferenceUID") or not is_placed(header, frame, affine):
        return [on_image]
    lps = index_to_lps(np.array([[landmark.x, landmark.y]]), affine)
    region = sr.ImageRegion3D(sr.GraphicTypeValues3D.POINT, lps, frame_of_reference_uid=header.FrameOfReferenceUID)
    return [on_image, group(tracking_identifier=tracking, referenced_region=region)]


def _image_region(sr: ModuleType, landmark: Landmark, header: Dataset, frame: int) -> Any:
    numbers = [frame + 1] if number_of_frames(header) > 1 else None
    return sr.ImageRegion(
        sr.GraphicTypeValues.POINT,
        np.array([[landmark.x + 0.5, landmark.y + 0.5]]),
        sr.SourceImageForRegion(header.SOPClassUID, header.SOPInstanceUID, numbers),
    )


def _measurements(sr: ModuleType, landmark: Landmark, spacing: tuple[float, float] | None) -> list[Any]:
    unit = ("mm", "millimeter") if spacing else ("{pixels}", "pixels")
    measurements = []
    for axis, sigma, scale in zip("xy", (landmark.sigma_x, landmark.sigma_y), spacing or (1.0, 1.0), strict=True):
        if math.isfinite(sigma):
            name = sr.CodedConcept(f"sigma_{axis}", _SCHEME, _SIGMA[axis])
            value, derivation = (
                round(float(sigma) * scale, 6),
                sr.CodedConcept("386136009", "SCT", "Standard Deviation"),
            )
            code = sr.CodedConcept(unit[0], "UCUM", unit[1])
            measurements.append(sr.Measurement(name=name, value=value, unit=code, derivation=derivation))
    name, code = sr.CodedConcept("n_examples", _SCHEME, _COUNT), sr.CodedConcept("{examples}", "UCUM", "examples")
    return [*measurements, sr.Measurement(name=name, value=int(landmark.n_examples), unit=code)]


def _report(highdicom: ModuleType, placed: Sequence[tuple[Landmark, Dataset, int, np.ndarray | None]]) -> Dataset:
    """The document of landmarks, each with the header of its file, its frame there and the frame's affine."""
    first = placed[0][1]
    try:
        # highdicom warns of patient names without a caret; they are the source's
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            return _document(highdicom, placed)
    except (ValueError, TypeError, AttributeError, KeyError) as error:
        raise InputError(
            f"{first.get('filename') or first.SOPInstanceUID}: highdicom can make no report of this header "
            f"({first_line(error)}); repair it, or set dicom_sr to false"
        ) from error


def _document(highdicom: ModuleType, placed: Sequence[tuple[Landmark, Dataset, int, np.ndarray | None]]) -> Dataset:
    sr = highdicom.sr
    evidence = list({header.SOPInstanceUID: header for _, header, _, _ in placed}.values())
    observer = sr.ObserverContext(
        observer_type=sr.CodedConcept("121007", "DCM", "Device"),
        observer_identifying_attributes=sr.DeviceObserverIdentifyingAttributes(
            uid=generate_uid(entropy_srcs=[_NAME]), name=_NAME
        ),
    )
    procedure = evidence[0].get("ProcedureCodeSequence")
    content = sr.MeasurementReport(
        observation_context=sr.ObservationContext(observer_device_context=observer),
        procedure_reported=(
            sr.CodedConcept.from_dataset(procedure[0])
            if procedure
            else sr.CodedConcept("363679005", "SCT", "Imaging procedure")
        ),
        imaging_measurements=[group for one in placed for group in _groups(highdicom, *one)],
    )
    return sr.Comprehensive3DSR(
        evidence=evidence,
        content=content,
        series_instance_uid=generate_uid(),
        series_number=990,
        sop_instance_uid=generate_uid(),
        instance_number=1,
        manufacturer=_NAME,
        is_complete=True,
        series_description="Landmarks",
        # whatever the source's is: names of landmarks have any letters
        specific_character_set="ISO_IR 192",
        coding_schemes=[
            highdicom.coding_schemes.CodingSchemeIdentificationItem(_SCHEME, name=_NAME, responsible_organization=_NAME)
        ],
    )


def _items(parent: Dataset, code: str | None = None, kind: str | None = None) -> Iterator[Dataset]:
    """All content items below, in order, of a concept name's code or of a value type."""
    for item in parent.get("ContentSequence") or []:
        if (code is None or _code(item) == code) and (kind is None or item.get("ValueType") == kind):
            yield item
        yield from _items(item, code, kind)


def _code(item: Dataset) -> str | None:
    names = item.get("ConceptNameCodeSequence")
    return str(names[0].get("CodeValue")) if names else None


def _text(group: Dataset, code: str) -> str:
    for item in group.get("ContentSequence") or []:
        if _code(item) == code:
            concept = item.get("ConceptCodeSequence")
            return str(item.get("TextValue") or item.get("UID") or (concept[0].get("CodeMeaning") if concept else ""))
    return ""


def _add_points(points: list[tuple[str, ReportPoint]], group: Dataset) -> None:
    """Add the points of a group, and its places in the patient to points of the same tracking UID that lack theirs."""
    label, uid = _text(group, _TRACKING_NAME) or _text(group, _FINDING), _text(group, _TRACKING_UID)
    if not label:
        return
    start = len(points)
    for item in _items(group, kind="SCOORD"):
        if item.get("GraphicType") == "POINT":
            points.append((uid, _image_point(label, item)))
    for item in _items(group, kind="SCOORD3D"):
        if item.get("GraphicType") == "POINT":
            left, posterior, superior = (float(value) for value in item.GraphicData)
            lps = (left, posterior, superior)
            # of the same group, or the last point before it: a landmark has one UID in all frames
            if start < len(points) or (points and uid and points[-1][0] == uid):
                place = start if start < len(points) else -1
                if points[place][1].lps is None and points[place][1].image_uid is not None:
                    points[place] = (points[place][0], replace(points[place][1], lps=lps))
                    continue
            points.append((uid, ReportPoint(label, None, None, None, None, lps)))


def _image_point(label: str, item: Dataset) -> ReportPoint:
    column, row = (float(value) for value in item.GraphicData)
    reference = next(_items(item, kind="IMAGE")).ReferencedSOPSequence[0]
    numbers = reference.get("ReferencedFrameNumber")
    first = numbers[0] if isinstance(numbers, (list, pydicom.multival.MultiValue)) else numbers
    frame = int(first) - 1 if first is not None else None
    return ReportPoint(label, str(reference.ReferencedSOPInstanceUID), frame, column - 0.5, row - 0.5)
