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
"""Reading CSV files that people write: what is common to all of them, and the words for their faults."""

from __future__ import annotations

import csv
import math
import os
from collections.abc import Iterable, Iterator, Sequence

from scripts.io.atomic import atomic_path
from scripts.io.input_error import InputError

__all__ = ["parse_frame", "parse_pixels", "read_csv_columns", "read_csv_rows", "write_csv"]


def write_csv(path: str | os.PathLike[str], columns: Sequence[str], rows: Iterable[Sequence[object]]) -> None:
    """Write a table as UTF-8 CSV, whole or not at all.

    Numbers are written so that reading them gives the same number; None is an empty cell.

    Args:
        path: the file, which is replaced.
        columns: the header.
        rows: as many cells each.

    Raises:
        OSError: the file cannot be written.

    Example:
        >>> write_csv("errors.csv", ["label", "error_px"], [("apex", 1.5)])  # doctest: +SKIP
    """
    with atomic_path(path) as temporary, temporary.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(columns)
        writer.writerows(rows)


def read_csv_rows(path: str | os.PathLike[str], content: str) -> Iterator[tuple[int, list[str]]]:
    """Read a CSV file row by row: the header, then rows with as many cells.

    Blank lines, a byte order mark, white space around cells and empty cells at the end of a row do no harm.

    Args:
        path: the file, UTF-8.
        content: what the file shall have, in words.

    Yields:
        (line, cells) of each row that is not blank; the line is its last where quoted cells go over several.

    Raises:
        InputError: there is no such file, it is no CSV file or not UTF-8, or a row has more cells than the header.

    Example:
        >>> list(read_csv_rows("e.csv", "the columns image,label"))  # doctest: +SKIP
        [(1, ['image', 'label']), (2, ['knee.png', 'patella'])]
    """
    if not os.path.isfile(path):
        raise InputError(f"{path}: there is no such file. Give a CSV file with {content}.")
    width = None
    with open(path, newline="", encoding="utf-8-sig") as file:
        for line, cells in _rows(file, path):
            width = len(cells) if width is None else width
            if any(cells[width:]):
                raise InputError(
                    f"{path}, line {line}: {len(cells)} cells where the header has {width}. "
                    'Put quotes around a name with a comma ("a, b") and write decimals with a point.'
                )
            yield line, cells[:width] + [""] * (width - len(cells))


def read_csv_columns(
    path: str | os.PathLike[str], columns: Sequence[str], *, row: str, meaning: str
) -> Iterator[tuple[int, dict[str, str]]]:
    """Read the named columns of a CSV file, in any order and case; further columns are ignored.

    Args:
        path: the file, UTF-8.
        columns: their names, in small letters.
        row: what a row is, in one word, for messages.
        meaning: what a row stands for, likewise.

    Yields:
        (line, cells by column) of at least one row.

    Raises:
        InputError: see :func:`read_csv_rows`; or a column is missing or double, or there is no row below the header.

    Example:
        >>> cells = read_csv_columns("e.csv", ("label", "x"), row="example", meaning="marked point")
        >>> list(cells)  # doctest: +SKIP
        [(2, {'label': 'valve', 'x': '101.0'})]
    """
    names = ",".join(columns)
    rows = read_csv_rows(path, f"the columns {names}")
    first, header = next(rows, (1, []))
    if not header:
        raise InputError(f"{path}: the file is empty. Write the header {names} and a row for each {row}.")
    positions = _column_positions(header, columns, f"{path}, line {first}")
    line = None
    for line, cells in rows:
        yield line, {name: cells[position] for name, position in positions.items()}
    if line is None:
        raise InputError(f"{path}, line {first + 1}: there is no {row}. Add a row for each {meaning}.")


def parse_pixels(name: str, cell: str, where: str) -> float:
    """A position in pixels.

    Args:
        name: the column.
        cell: what is written there.
        where: file and line, for messages.

    Raises:
        InputError: the cell is no finite number.

    Example:
        >>> parse_pixels("x", "101.5", "e.csv, line 2")
        101.5
    """
    try:
        value = float(cell)
    except ValueError as error:
        raise InputError(f"{where}: {name} is {cell!r}. Write a number of pixels, such as 101.5.") from error
    if not math.isfinite(value):
        raise InputError(f"{where}: {name} is {cell!r}. Write a finite number of pixels, such as 101.5.")
    return value


def parse_frame(name: str, cell: str, where: str, empty: str) -> int | None:
    """The index of a frame from 0, or None for an empty cell.

    Args:
        name: the column.
        cell: what is written there.
        where: file and line, for messages.
        empty: what an empty cell stands for, in words.

    Raises:
        InputError: the cell is no whole number from 0.

    Example:
        >>> parse_frame("frame", "3.0", "e.csv, line 2", "a still image")
        3
    """
    if not cell:
        return None
    try:
        # Tables with empty cells often turn whole numbers into 3.0.
        value = float(cell)
    except ValueError:
        value = math.nan
    if not (value >= 0 and value.is_integer()):
        raise InputError(f"{where}: {name} is {cell!r}. Write a whole number from 0, or leave it empty for {empty}.")
    return int(value)


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


def _column_positions(header: list[str], columns: Sequence[str], where: str) -> dict[str, int]:
    names = [name.lower() for name in header]
    missing = [name for name in columns if name not in names]
    if missing:
        hint = " Separate the cells with commas, not semicolons or tabs." if len(names) == 1 else ""
        raise InputError(
            f"{where}: the header lacks {', '.join(missing)}; "
            f"it must have {','.join(columns)}, and is {','.join(header)!r}.{hint}"
        )
    double = [name for name in columns if names.count(name) > 1]
    if double:
        raise InputError(f"{where}: the header has {', '.join(double)} more than once. Keep one column of each name.")
    return {name: names.index(name) for name in columns}
