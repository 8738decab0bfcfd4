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
"""Examples in any of the files that hold landmarks: CSV, 3D Slicer Markups and FCSV, DICOM Structured Reports."""

from __future__ import annotations

import os
import re
from collections.abc import Sequence
from pathlib import Path, PurePosixPath

import numpy as np
import pydicom
from pydicom.misc import is_dicom

from scripts.data.prepared_series import PreparedSeries
from scripts.io.dicom_sr import ReportPoint, read_dicom_sr
from scripts.io.examples_csv import Example, read_examples_csv
from scripts.io.fcsv import read_fcsv
from scripts.io.functional_groups import number_of_frames
from scripts.io.input_error import InputError
from scripts.io.slicer_markups import read_slicer_points
from scripts.io.world_point import WorldPoint
from scripts.transforms.coordinates import lps_to_index

__all__ = ["check_example_file", "read_example_file"]

# farther off the image than this, or than half its slice spacing, a point is of another image
_MAX_OFF_MM = 1.0
# places are written with six decimals, so that a point on the very edge may come back beside it
_EDGE_PX = 1e-3
_LABEL_WITH_FRAME = re.compile(r"(.*\S)\s*\[(\d+)\]", re.DOTALL)
_DESCRIBED_FRAME = re.compile(r"\bframe (\d+)\b")
_POINT = "point"


def check_example_file(path: str | os.PathLike[str]) -> None:
    """Tell early whether a file of examples can be read, without its images.

    Raises:
        InputError: see :func:`read_example_file`, but for what concerns images.

    Example:
        >>> check_example_file("examples.csv")  # doctest: +SKIP
    """
    {"csv": read_examples_csv, "fcsv": read_fcsv, "markups": _read_markups, "report": read_dicom_sr}[_kind(path)](path)


def read_example_file(path: str | os.PathLike[str], series: Sequence[PreparedSeries]) -> list[Example]:
    """Read examples from a CSV file, 3D Slicer Markups, FCSV or a DICOM Structured Report.

    Which it is goes by the suffix (``.csv``, ``.json``, ``.fcsv``, ``.dcm``), and by the content where that says
    nothing. The points of Markups and FCSV lie in the patient, so the file must be **named after the image** that they
    are on, as ``markups/NAME.mrk.json`` of the results is: after its name in the data set, or the name of its file with
    or without suffix. In a series each label tells its frame, ``valve [3]``, or else the description, ``frame 3``.
    Points of a report name the image file that they are on; it must be in the data set.

    Args:
        path: the file.
        series: the data set, in which images are looked for; a CSV file may have others.

    Returns:
        At least one example; x and y in px of the original image.

    Raises:
        InputError: the file is at fault; its name or a point of it fits no image or several, or no frame; or a point in
            the patient lies outside of its image, or more than 1 mm and half the slice spacing off its plane.

    Example:
        >>> [row.label for row in read_example_file("markups/clip.dcm.mrk.json", dataset.series)]  # doctest: +SKIP
        ['valve']
    """
    kind = _kind(path)
    if kind == "csv":
        return read_examples_csv(path)
    if kind == "report":
        return _of_report(path, read_dicom_sr(path), series)
    points = read_fcsv(path) if kind == "fcsv" else _read_markups(path)
    image = _image_named_by(Path(path), series)
    return [_of_world_point(point, number, image, path) for number, point in enumerate(points, start=1)]


def _kind(path: str | os.PathLike[str]) -> str:
    suffix = Path(path).suffix.lower()
    known = {".csv": "csv", ".fcsv": "fcsv", ".json": "markups", ".dcm": "report"}
    if suffix in known or not os.path.isfile(path):
        return known.get(suffix, "csv")
    if is_dicom(path):
        return "report"
    with open(path, "rb") as file:
        start = file.read(256).removeprefix(b"\xef\xbb\xbf").lstrip()
    return "markups" if start.startswith(b"{") else "fcsv" if start.startswith(b"#") else "csv"


def _read_markups(path: str | os.PathLike[str]) -> list[WorldPoint]:
    if not os.path.isfile(path):
        raise InputError(f"{path}: there is no such file. Give a Markups file of 3D Slicer.")
    try:
        points = read_slicer_points(path)
    except ValueError as error:
        raise InputError(f"{error} Save the points as Markups JSON.") from error
    if not points:
        raise InputError(f"{path}: there is no placed point. Save a point list of 3D Slicer with points.")
    unnamed = next((number for number, point in enumerate(points, start=1) if not point.label.strip()), None)
    if unnamed is not None:
        raise InputError(f"{path}, point {unnamed}: it has no label. Name it after its landmark.")
    return points


def _image_named_by(path: Path, series: Sequence[PreparedSeries]) -> PreparedSeries:
    lower = path.name.lower()
    suffix = next(one for one in (".mrk.json", ".json", ".fcsv", path.suffix.lower()) if lower.endswith(one))
    stem = path.name[: len(path.name) - len(suffix)]
    full = (path.absolute().parent / stem).parts

    def is_tail(one: PreparedSeries) -> bool:
        parts = PurePosixPath(one.name).parts
        return full[-len(parts) :] == parts

    tails = sorted(filter(is_tail, series), key=lambda one: len(PurePosixPath(one.name).parts))
    named = [one for one in series if PurePosixPath(one.name).name == stem]
    bare = [one for one in series if _without_suffix(one.name) == stem]
    found = tails[-1:] or named or bare
    if not found:
        raise InputError(
            f"{path}: it is named after no image of the data set. Its points lie in the patient, so name it after the "
            f"image that they are on, such as {PurePosixPath(series[0].name).name}{suffix}."
        )
    if len(found) > 1:
        names = ", ".join(one.name for one in found[:3])
        raise InputError(
            f"{path}: it is named after {len(found)} images ({names}). Put it into folders like those of the one that "
            f"is meant, such as markups/{found[0].name}{suffix}."
        )
    return found[0]


def _without_suffix(name: str) -> str:
    name = PurePosixPath(name).name
    return name[:-7] if name.lower().endswith(".nii.gz") else PurePosixPath(name).stem


def _of_world_point(point: WorldPoint, number: int, image: PreparedSeries, path: str | os.PathLike[str]) -> Example:
    where = f"{path}, {_POINT} {number}"
    label, frame = _label_and_frame(point, image, where)
    affine = image.affines[frame or 0]
    (x, y), off = lps_to_index(np.array(point.lps), affine)
    spacing = np.linalg.norm(affine[:3, :2], axis=0)
    normal = np.cross(affine[:3, 0], affine[:3, 1]) / np.linalg.norm(np.cross(affine[:3, 0], affine[:3, 1]))
    if abs(off) > max(_MAX_OFF_MM, abs(affine[:3, 2] @ normal) / 2):
        raise InputError(
            f"{where}: {point.label!r} lies {abs(off):.1f} mm off the plane of {image.name}. "
            "Name the file after the image that the point is on, or move the point."
        )
    beyond = [max(-0.5 - at, at - (size - 0.5), 0.0) for at, size in zip((x, y), image.fit.original, strict=True)]
    if max(beyond) > _EDGE_PX:
        raise InputError(
            f"{where}: {point.label!r} lies {np.linalg.norm(beyond * spacing):.1f} mm outside of {image.name}. "
            "Name the file after the image that the point is on, or move the point."
        )
    x, y = (float(np.clip(at, -0.5, size - 0.5)) for at, size in zip((x, y), image.fit.original, strict=True))
    return Example(str(image.series.files[0].absolute()), frame, label, x, y, number, unit=_POINT)


def _label_and_frame(point: WorldPoint, image: PreparedSeries, where: str) -> tuple[str, int | None]:
    """The landmark and the frame, as :func:`scripts.io.write_slicer_markups` writes them."""
    if image.length == 1:
        return point.label, None
    with_frame, described = _LABEL_WITH_FRAME.fullmatch(point.label), _DESCRIBED_FRAME.search(point.description)
    if with_frame is None and described is None:
        raise InputError(
            f"{where}: {point.label!r} tells no frame, and {image.name} has {image.length}. "
            f"Label it '{point.label} [N]' with the frame, from 0."
        )
    label, frame = (with_frame[1], int(with_frame[2])) if with_frame else (point.label, int(described[1]))
    if frame >= image.length:
        raise InputError(
            f"{where}: {point.label!r} is of frame {frame}, but {image.name} has frames 0 to {image.length - 1}."
        )
    return label, frame


def _of_report(
    path: str | os.PathLike[str], points: Sequence[ReportPoint], series: Sequence[PreparedSeries]
) -> list[Example]:
    files = _dicom_files(series)
    examples = []
    for number, point in enumerate(points, start=1):
        where = f"{path}, {_POINT} {number}: {point.label!r}"
        if point.image_uid is None:
            raise InputError(f"{where} has a place in the patient only. Give a report with points on images.")
        if point.image_uid not in files:
            raise InputError(
                f"{where} is on the image with the SOP Instance UID {point.image_uid}, which is not in the data set. "
                "Add its file."
            )
        image, first, count = files[point.image_uid]
        if point.frame is None and count > 1:
            raise InputError(f"{where} is on {image.name} and tells no frame, but there are {count}.")
        if point.frame is not None and point.frame >= count:
            raise InputError(f"{where} is of frame {point.frame}, but {image.name} has frames 0 to {count - 1}.")
        name = str(image.series.files[0].absolute())
        frame = first + (point.frame or 0)
        examples.append(Example(name, frame, point.label, point.x, point.y, number, unit=_POINT))
    return examples


def _dicom_files(series: Sequence[PreparedSeries]) -> dict[str, tuple[PreparedSeries, int, int]]:
    """By SOP Instance UID: the series that a file is of, its first frame there, and how many it has."""
    files = {}
    for one in series:
        first = 0
        for file in one.series.files if one.series.format == "dicom" else ():
            header = pydicom.dcmread(file, stop_before_pixels=True, specific_tags=["SOPInstanceUID", "NumberOfFrames"])
            count = number_of_frames(header)
            files[str(header.get("SOPInstanceUID"))] = one, first, count
            first += count
    return files
