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
"""The user's examples: where a landmark is in a few images, as a CSV file."""

from __future__ import annotations

import csv
import math
import os
from collections.abc import Iterator
from dataclasses import dataclass

from scripts.io.input_error import InputError

__all__ = ["Example", "read_examples_csv"]

_COLUMNS = ("image", "frame", "label", "x", "y")


@dataclass(frozen=True)
class Example:
    """One marked point that shall be found again in other images.

    Attributes:
        image: name of the image, as written in the file.
        frame: index of the frame from 0, or None for a still image.
        label: name of the landmark.
        x: position along axis 0 (columns), in pixels of the original image; pixel centres are at integers.
        y: position along axis 1 (rows, downwards), likewise.
        line: line of the file it came from, for messages.

    Example:
        >>> Example("clip.dcm", 0, "valve", x=101.0, y=64.5, line=2).label
        'valve'
    """

    image: str
    frame: int | None
    label: str
    x: float
    y: float
    line: int


def read_examples_csv(path: str | os.PathLike[str]) -> list[Example]:
    """Read examples from a CSV file with the columns ``image,frame,label,x,y``.

    The columns may have any order, and further columns are ignored, so a ``landmarks.csv`` serves as examples. Blank
    lines, a byte order mark and white space around cells do no harm. ``frame`` is empty for a still image.

    Args:
        path: the file, UTF-8.

    Returns:
        At least one example, in file order; x and y in pixels of the original image.

    Raises:
        InputError: if there is no such file, or for any fault in it; the message names the file, the line and how to
            mend it.

    Example:
        >>> [(example.label, example.x, example.y) for example in read_examples_csv("e.csv")]  # doctest: +SKIP
        [('valve', 101.0, 64.5)]
    """
    if not os.path.isfile(path):
        raise InputError(f"{path}: there is no such file. Give a CSV file with the columns {_names()}.")
    with open(path, newline="", encoding="utf-8-sig") as file:
        rows = _rows(file, path)
        line, header = next(rows, (1, []))
        if not header:
            raise InputError(f"{path}: the file is empty. Write the header {_names()} and a row for each example.")
        columns = _column_positions(header, f"{path}, line {line}")
        examples = [_example(row, line, columns, len(header), f"{path}, line {line}") for line, row in rows]
    if not examples:
        raise InputError(f"{path}, line {line + 1}: there is no example. Add a row for each marked point.")
    return examples


def _names() -> str:
    return ",".join(_COLUMNS)


def _rows(file: Iterator[str], path: str | os.PathLike[str]) -> Iterator[tuple[int, list[str]]]:
    """Yield (line number, stripped cells) for every row that is not blank."""
    reader = csv.reader(file, strict=True)
    try:
        for row in reader:
            cells = [cell.strip() for cell in row]
            # Spreadsheets pad with rows of empty cells; they are as blank as blank lines.
            if any(cells):
                yield reader.line_num, cells
    except csv.Error as error:
        raise InputError(f"{path}, line {reader.line_num}: {error}. Check the quotes on this line.") from error
    except UnicodeDecodeError as error:
        # Decoding runs ahead of the rows, so the true line can only be told as "after".
        raise InputError(f"{path}, after line {reader.line_num}: not UTF-8. Save the file as UTF-8 CSV.") from error


def _column_positions(header: list[str], where: str) -> dict[str, int]:
    names = [name.lower() for name in header]
    missing = [name for name in _COLUMNS if name not in names]
    if missing:
        hint = " Separate the cells with commas, not semicolons or tabs." if len(names) == 1 else ""
        raise InputError(
            f"{where}: the header lacks {', '.join(missing)}; "
            f"it must have {_names()}, and is {','.join(header)!r}.{hint}"
        )
    double = [name for name in _COLUMNS if names.count(name) > 1]
    if double:
        raise InputError(f"{where}: the header has {', '.join(double)} more than once. Keep one column of each name.")
    return {name: names.index(name) for name in _COLUMNS}


def _example(row: list[str], line: int, columns: dict[str, int], width: int, where: str) -> Example:
    if any(row[width:]):
        raise InputError(
            f"{where}: {len(row)} cells where the header has {width}. "
            'Put quotes around a name with a comma ("a, b") and write decimals with a point.'
        )
    cells = {name: row[position] if position < len(row) else "" for name, position in columns.items()}
    for name, what in (("image", "the name of the image"), ("label", "the name of the landmark")):
        if not cells[name]:
            raise InputError(f"{where}: {name} is empty. Write {what}.")
    return Example(
        image=cells["image"],
        frame=_frame(cells["frame"], where),
        label=cells["label"],
        x=_coordinate("x", cells["x"], where),
        y=_coordinate("y", cells["y"], where),
        line=line,
    )


def _coordinate(name: str, cell: str, where: str) -> float:
    try:
        value = float(cell)
    except ValueError as error:
        raise InputError(f"{where}: {name} is {cell!r}. Write a number of pixels, such as 101.5.") from error
    if not math.isfinite(value):
        raise InputError(f"{where}: {name} is {cell!r}. Write a finite number of pixels, such as 101.5.")
    return value


def _frame(cell: str, where: str) -> int | None:
    if not cell:
        return None
    try:
        # Tables with empty cells often turn whole numbers into 3.0.
        value = float(cell)
    except ValueError:
        value = math.nan
    if not (value >= 0 and value.is_integer()):
        raise InputError(
            f"{where}: frame is {cell!r}. Write a whole number from 0, or leave it empty for a still image."
        )
    return int(value)
