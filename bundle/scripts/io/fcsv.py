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
"""Point lists of 3D Slicer as ``.fcsv``, its format up to 4.10; later versions read and write it too."""

from __future__ import annotations

import csv
import math
import os

from scripts.io.input_error import InputError
from scripts.io.world_point import WorldPoint

__all__ = ["read_fcsv"]

_COLUMNS = ["id", "x", "y", "z", "ow", "ox", "oy", "oz", "vis", "sel", "lock", "label", "desc", "associatedNodeID"]
# Slicer up to 4.10 wrote the number, and all versions read both
_SYSTEMS = {"0": "RAS", "1": "LPS", "RAS": "RAS", "LPS": "LPS"}
# Slicer 5 may write the status of a position behind the named columns: 2 is placed
_PLACED = "2"


def read_fcsv(path: str | os.PathLike[str]) -> list[WorldPoint]:
    """Read the placed points of an FCSV file.

    The header tells the coordinate system (``# CoordinateSystem = LPS``, ``RAS``, ``0`` or ``1``), which must be there,
    and the order of the columns, which may be left out. Labels with commas or quotes stand in quotes, with quotes
    doubled. So 3D Slicer 4.10 writes them, with a number for the system and three decimals, and so does Slicer 5, with
    a name and all decimals.

    Args:
        path: the file, UTF-8.

    Returns:
        The points in file order, in LPS mm.

    Raises:
        InputError: there is no such file, or for any fault in it; the message names the file, the line and how to mend
            it.

    Example:
        >>> read_fcsv("knee.nii.gz.fcsv")  # doctest: +SKIP
        [WorldPoint(label='patella', lps=(-5.0, -10.0, 0.0), description='')]
    """
    if not os.path.isfile(path):
        raise InputError(f"{path}: there is no such file. Give an FCSV file of 3D Slicer.")
    system, columns, points = None, _COLUMNS, []
    try:
        with open(path, encoding="utf-8-sig") as file:
            for number, line in enumerate(file, start=1):
                where = f"{path}, line {number}"
                if line.startswith("#"):
                    name, _, value = line[1:].partition("=")
                    if name.strip() == "CoordinateSystem":
                        system = _system(value.strip(), where)
                    elif name.strip() == "columns":
                        columns = _columns(value, where)
                elif line.strip():
                    if system is None:
                        raise InputError(f"{where}: no '# CoordinateSystem = LPS' or RAS above the point. Add it.")
                    points += _points(_cells(line, where), columns, system, where)
    except UnicodeDecodeError as error:
        raise InputError(f"{path}: not UTF-8. Save the file as UTF-8.") from error
    if not points:
        raise InputError(f"{path}: there is no placed point. Save a point list of 3D Slicer as FCSV.")
    return points


def _system(value: str, where: str) -> str:
    if value.upper() not in _SYSTEMS:
        raise InputError(f"{where}: CoordinateSystem is {value!r}. Save the points in LPS or RAS.")
    return _SYSTEMS[value.upper()]


def _cells(line: str, where: str) -> list[str]:
    """The cells of a row, which 3D Slicer never breaks into lines."""
    try:
        return next(csv.reader([line.rstrip("\r\n")], strict=True))
    except csv.Error as error:
        raise InputError(f"{where}: {error}. Check the quotes on this line.") from error


def _columns(value: str, where: str) -> list[str]:
    columns = [name.strip() for name in value.split(",")]
    missing = [name for name in ("x", "y", "z", "label") if name not in columns]
    if missing:
        raise InputError(f"{where}: the columns lack {', '.join(missing)}. Slicer's are {','.join(_COLUMNS)}.")
    return columns


def _points(row: list[str], columns: list[str], system: str, where: str) -> list[WorldPoint]:
    """The row's point; none if it is not placed."""
    cells = dict(zip(columns, (cell.strip() for cell in row), strict=False))
    beyond = row[len(columns) :]
    if beyond and beyond[0].strip() not in ("", _PLACED):
        return []
    label = cells.get("label", "")
    if not label:
        raise InputError(f"{where}: the point has no label. Name it, and write all columns up to the label.")
    x, y, z = (_millimetres(name, cells[name], where) for name in "xyz")
    # adding zero turns -0.0 into 0.0
    lps = (x, y, z) if system == "LPS" else (-x + 0.0, -y + 0.0, z)
    return [WorldPoint(label, lps, cells.get("desc", ""))]


def _millimetres(name: str, cell: str, where: str) -> float:
    try:
        value = float(cell)
    except ValueError:
        value = math.nan
    if not math.isfinite(value):
        raise InputError(f"{where}: {name} is {cell!r}. Write a number of mm, with a point for decimals.")
    return value
