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
"""Found landmarks as a CSV file, one row per landmark and frame."""

from __future__ import annotations

import os
from collections.abc import Iterable
from dataclasses import dataclass, fields

from scripts.io.csv_table import DecimalMarks, open_csv, write_csv
from scripts.io.landmark_status import LandmarkStatus

__all__ = ["PIXEL_COLUMNS", "Landmark", "read_landmarks_csv", "write_landmarks_csv"]


@dataclass(frozen=True)
class Landmark:
    """One landmark found in one image, or in one frame of a series.

    Attributes:
        image: name of the image, as the user gave it.
        frame: index of the frame from 0, or None for a still image.
        label: name of the landmark.
        x: position along axis 0 (columns), in pixels of the original image; pixel centres are at integers.
        y: position along axis 1 (rows, downwards), likewise.
        sigma_x: standard deviation of x, in pixels.
        sigma_y: standard deviation of y, in pixels.
        n_examples: how many examples the position was fused from.
        is_example: whether an example of this landmark lies in this very image and frame.
        status: whether to rely on it.
        reason: why not, in words; empty where nothing speaks against it.
        lps_x: place in the patient, mm to the left; None where the file does not tell its place.
        lps_y: mm to the back, likewise.
        lps_z: mm to the head, likewise.

    Example:
        >>> Landmark("knee.png", None, "patella", x=120.5, y=88.0, sigma_x=1.2, sigma_y=0.8, n_examples=3).label
        'patella'
    """

    image: str
    frame: int | None
    label: str
    x: float
    y: float
    sigma_x: float
    sigma_y: float
    n_examples: int
    is_example: bool = False
    status: LandmarkStatus = LandmarkStatus.UNCHECKED
    reason: str = ""
    lps_x: float | None = None
    lps_y: float | None = None
    lps_z: float | None = None


_COLUMNS = tuple(field.name for field in fields(Landmark))
_ABOUT = ("is_example", "status", "reason")
_PLACE = ("lps_x", "lps_y", "lps_z")
_MEASURED = ("x", "y", "sigma_x", "sigma_y", *_PLACE)
PIXEL_COLUMNS = tuple(name for name in _COLUMNS if name not in (*_ABOUT, *_PLACE))
# as files had them once: without the place, and without what a landmark says of itself
_EARLIER = (PIXEL_COLUMNS, (*PIXEL_COLUMNS, *_PLACE))


def write_landmarks_csv(path: str | os.PathLike[str], landmarks: Iterable[Landmark]) -> None:
    """Write landmarks as UTF-8 CSV.

    The columns are ``image,frame,label,x,y,sigma_x,sigma_y,n_examples,is_example,status,reason,lps_x,lps_y,lps_z``.
    Positions are in pixels with five decimals, so that they are exact to a thousandth of a mm where a pixel is 10 mm;
    sigmas are in pixels with three, places in the patient in LPS mm with four. ``is_example`` is 1 or 0. The frame of a
    still image, a place that is not known and the reason where there is none are empty cells.

    Args:
        path: the file to write; it is replaced whole.
        landmarks: the rows, in the order they shall have.

    Raises:
        OSError: if the file cannot be written.

    Example:
        >>> landmark = Landmark("knee.png", None, "patella", 120.5, 88.0, 1.2, 0.8, 3)
        >>> write_landmarks_csv("landmarks.csv", [landmark])  # doctest: +SKIP
    """
    write_csv(path, _COLUMNS, map(_row, landmarks))


def read_landmarks_csv(path: str | os.PathLike[str]) -> list[Landmark]:
    """Read what :func:`write_landmarks_csv` wrote, now or before it had all of its columns.

    Files of before lack the place in the patient, or what a landmark says of itself: it is then ``unchecked``.

    A spreadsheet may have saved it since, see :func:`scripts.io.csv_table.read_csv_rows`.

    Args:
        path: the file.

    Returns:
        The landmarks in file order; empty if the file has a header only.

    Raises:
        FileNotFoundError: if there is no such file.
        ValueError: if the header is another one or a cell cannot be read; the message names file and line.

    Example:
        >>> read_landmarks_csv("landmarks.csv")[0].label  # doctest: +SKIP
        'patella'
    """
    with open_csv(path) as (reader, separator):
        header: list[str] = next(reader, [])
        if tuple(header) not in (_COLUMNS, *_EARLIER):
            raise ValueError(f"{path}, line 1: the header must be {','.join(_COLUMNS)!r}, not {','.join(header)!r}.")
        marks = DecimalMarks(separator)
        return [_landmark(row, header, f"{path}, line {reader.line_num}", marks) for row in reader if row]


def _row(landmark: Landmark) -> list[str]:
    frame = "" if landmark.frame is None else str(int(landmark.frame))
    point = [f"{value:.5f}" for value in (landmark.x, landmark.y)]
    sigma = [f"{value:.3f}" for value in (landmark.sigma_x, landmark.sigma_y)]
    # adding zero turns -0.0 into 0.0
    lps = (landmark.lps_x, landmark.lps_y, landmark.lps_z)
    place = ["" if value is None else f"{round(value, 4) + 0.0:.4f}" for value in lps]
    about = [str(int(landmark.is_example)), str(landmark.status), landmark.reason]
    return [landmark.image, frame, landmark.label, *point, *sigma, str(int(landmark.n_examples)), *about, *place]


def _landmark(row: list[str], header: list[str], where: str, marks: DecimalMarks) -> Landmark:
    if len(row) != len(header):
        raise ValueError(f"{where}: expected {len(header)} cells, found {len(row)}.")
    cells = dict(zip(header, row, strict=True))
    cells |= {name: marks.with_point(cells[name], where) for name in _MEASURED if name in cells}
    try:
        return Landmark(
            image=cells["image"],
            frame=int(cells["frame"]) if cells["frame"] else None,
            label=cells["label"],
            **{name: float(cells[name]) for name in _MEASURED[:4]},
            n_examples=int(cells["n_examples"]),
            is_example=bool(int(cells.get("is_example", "0"))),
            status=LandmarkStatus(cells.get("status", LandmarkStatus.UNCHECKED)),
            reason=cells.get("reason", ""),
            **{name: float(cells[name]) for name in _PLACE if cells.get(name)},
        )
    except ValueError as error:
        raise ValueError(f"{where}: {error}.") from error
