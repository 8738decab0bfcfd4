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
    lps_x: float | None = None
    lps_y: float | None = None
    lps_z: float | None = None


_COLUMNS = tuple(field.name for field in fields(Landmark))
_PLACE = ("lps_x", "lps_y", "lps_z")
# without the place, as files had them once
PIXEL_COLUMNS = _COLUMNS[: -len(_PLACE)]


def write_landmarks_csv(path: str | os.PathLike[str], landmarks: Iterable[Landmark]) -> None:
    """Write landmarks as UTF-8 CSV: ``image,frame,label,x,y,sigma_x,sigma_y,n_examples,lps_x,lps_y,lps_z``.

    Positions are in pixels with five decimals, so that they are exact to a thousandth of a mm where a pixel is 10 mm;
    sigmas are in pixels with three, places in the patient in LPS mm with four. The frame of a still image and a place
    that is not known are empty cells.

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
    """Read what :func:`write_landmarks_csv` wrote, with or without the columns of the place in the patient.

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
        if tuple(header) not in (_COLUMNS, PIXEL_COLUMNS):
            raise ValueError(f"{path}, line 1: the header must be {','.join(_COLUMNS)!r}, not {','.join(header)!r}.")
        marks = DecimalMarks(separator)
        return [_landmark(row, len(header), f"{path}, line {reader.line_num}", marks) for row in reader if row]


def _row(landmark: Landmark) -> list[str]:
    frame = "" if landmark.frame is None else str(int(landmark.frame))
    point = [f"{value:.5f}" for value in (landmark.x, landmark.y)]
    sigma = [f"{value:.3f}" for value in (landmark.sigma_x, landmark.sigma_y)]
    # adding zero turns -0.0 into 0.0
    lps = (landmark.lps_x, landmark.lps_y, landmark.lps_z)
    place = ["" if value is None else f"{round(value, 4) + 0.0:.4f}" for value in lps]
    return [landmark.image, frame, landmark.label, *point, *sigma, str(int(landmark.n_examples)), *place]


def _landmark(row: list[str], width: int, where: str, marks: DecimalMarks) -> Landmark:
    if len(row) != width:
        raise ValueError(f"{where}: expected {width} cells, found {len(row)}.")
    image, frame, label, *numbers = row
    x, y, sigma_x, sigma_y, n_examples, *place = (marks.with_point(cell, where) for cell in numbers)
    try:
        return Landmark(
            image=image,
            frame=int(frame) if frame else None,
            label=label,
            x=float(x),
            y=float(y),
            sigma_x=float(sigma_x),
            sigma_y=float(sigma_y),
            n_examples=int(n_examples),
            **{name: float(cell) for name, cell in zip(_PLACE, place, strict=False) if cell},
        )
    except ValueError as error:
        raise ValueError(f"{where}: {error}.") from error
