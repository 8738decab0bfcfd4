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

import codecs
import csv
import math
import os
import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any

from scripts.io.atomic import atomic_path
from scripts.io.input_error import InputError
from scripts.io.unicode_form import composed

__all__ = ["DecimalMarks", "open_csv", "parse_frame", "parse_pixels", "read_csv_columns", "read_csv_rows", "write_csv"]

_SEPARATORS = {",": "comma", ";": "semicolon", "\t": "tab"}
_NUMBER = re.compile(r"[+-]?[\d.,]+([eE][+-]?\d+)?")
# may be a decimal number, or a whole one whose thousands are marked
_GROUPED = re.compile(r"[+-]?[1-9]\d{0,2}[.,]\d{3}")


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


def read_csv_rows(
    path: str | os.PathLike[str], content: str, *, is_number: Callable[[str], bool] | None = None
) -> Iterator[tuple[int, list[str]]]:
    """Read a CSV file row by row: the header, then rows with as many cells.

    Blank lines, a byte order mark, white space around cells and empty cells at the end of a row do no harm. Cells are
    separated by commas, or by semicolons or tabs if the header has one of these and no comma. Then numbers may have
    a decimal comma, as spreadsheets write them in most of Europe.

    Args:
        path: the file, UTF-8, or UTF-16 with its byte order mark.
        content: what the file shall have, in words.
        is_number: tells by its name whether a column holds numbers; these come with a decimal point.

    Yields:
        (line, cells) of each row that is not blank; the line is its last where quoted cells go over several. The header
        has the names of the columns in composed Unicode.

    Raises:
        InputError: there is no such file, it is no CSV file or in another encoding, a row has more cells than the
            header, or it cannot be told where the decimals of a number begin.

    Example:
        >>> list(read_csv_rows("e.csv", "the columns image,label"))  # doctest: +SKIP
        [(1, ['image', 'label']), (2, ['knee.png', 'patella'])]
    """
    if not os.path.isfile(path):
        raise InputError(f"{path}: there is no such file. Give a CSV file with {content}.")
    with open_csv(path) as (reader, separator):
        rows = _rows(reader)
        line, header = next(rows, (1, []))
        header = [composed(name) for name in header]
        if header:
            yield line, header
        width = len(header)
        numbers = [column for column, name in enumerate(header) if is_number is not None and is_number(name)]
        decimals = DecimalMarks(separator)
        for line, cells in rows:
            if any(cells[width:]):
                point = " and write decimals with a point" if separator == "," else ""
                raise InputError(
                    f"{path}, line {line}: {len(cells)} cells where the header has {width}. Put quotes around a name "
                    f'with a {_SEPARATORS[separator]} ("a{separator} b"){point}.'
                )
            cells = cells[:width] + [""] * (width - len(cells))
            for column in numbers:
                cells[column] = decimals.with_point(cells[column], f"{path}, line {line}: {header[column]}")
            yield line, cells


def read_csv_columns(
    path: str | os.PathLike[str], columns: Sequence[str], *, row: str, meaning: str, numbers: Sequence[str] = ()
) -> Iterator[tuple[int, dict[str, str]]]:
    """Read the named columns of a CSV file, in any order and case; further columns are ignored.

    Args:
        path: the file, see :func:`read_csv_rows`.
        columns: their names, in small letters.
        row: what a row is, in one word, for messages.
        meaning: what a row stands for, likewise.
        numbers: those of the columns that hold numbers.

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
    rows = read_csv_rows(path, f"the columns {names}", is_number=lambda name: name.lower() in numbers)
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


@contextmanager
def open_csv(path: str | os.PathLike[str]) -> Iterator[tuple[Any, str]]:
    """Open a CSV file in its encoding, see :func:`read_csv_rows`.

    Yields:
        A reader of the module ``csv``, and what separates the cells.

    Raises:
        InputError: what is read is no CSV, or in another encoding.

    Example:
        >>> with open_csv("e.csv") as (reader, separator):  # doctest: +SKIP
        ...     header = next(reader)
    """
    with open(path, "rb") as binary:
        # a spreadsheet's "Unicode text" begins with this mark
        utf16 = binary.read(2) in (codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)
    with open(path, newline="", encoding="utf-16" if utf16 else "utf-8-sig") as file:
        separator = _separator(file)
        file.seek(0)
        reader = csv.reader(file, delimiter=separator, strict=True)
        try:
            yield reader, separator
        except csv.Error as error:
            raise InputError(f"{path}, line {reader.line_num}: {error}. Check the quotes on this line.") from error
        except UnicodeDecodeError as error:
            # Decoding runs ahead of the rows, so the true line can only be told as "after".
            raise InputError(f"{path}, after line {reader.line_num}: not UTF-8. Save the file as UTF-8 CSV.") from error


class DecimalMarks:
    """The numbers of a file, whose decimals may begin with a comma where that does not separate cells.

    Args:
        separator: what separates cells.

    Example:
        >>> DecimalMarks(";").with_point("79,5", "e.csv, line 2: x")
        '79.5'
    """

    def __init__(self, separator: str) -> None:
        self._comma = separator != ","
        self._marks: set[str] = set()
        self._doubtful = ""  # the first number that may have thousands

    def with_point(self, cell: str, where: str) -> str:
        """The number with a decimal point; what is no number stays as it is.

        Raises:
            InputError: commas and points cannot be told apart, in this number or in one before it.
        """
        marks = re.sub(r"[^.,]", "", cell)
        if not (self._comma and marks and _NUMBER.fullmatch(cell)):
            return cell
        self._marks.update(marks)
        if len(marks) > 1 or _GROUPED.fullmatch(cell):
            self._doubtful = self._doubtful or f"{where} is {cell!r}"
        if self._doubtful and (len(marks) > 1 or len(self._marks) > 1):
            raise InputError(
                f"{self._doubtful}, in a file whose numbers have commas and points. Write all decimals with one of "
                "them, and no thousands with the other."
            )
        return cell.replace(",", ".")


def _separator(file: Iterable[str]) -> str:
    """What separates the cells of the header, where that is one of the separators only; else the comma."""
    try:
        header = next((line for line in file if line.strip(" \t\r\n;,")), "")
    except UnicodeDecodeError:  # told later, with its line
        return ","
    used = [one for one in _SEPARATORS if one in re.sub(r'"[^"]*"', "", header)]
    return used[0] if len(used) == 1 else ","


def _rows(reader: Any) -> Iterator[tuple[int, list[str]]]:
    """Yield (line number, stripped cells) for every row that is not blank."""
    for row in reader:
        cells = [cell.strip() for cell in row]
        # Spreadsheets pad with rows of empty cells; they are as blank as blank lines.
        if any(cells):
            yield reader.line_num, cells


def _column_positions(header: list[str], columns: Sequence[str], where: str) -> dict[str, int]:
    names = [name.lower() for name in header]
    missing = [name for name in columns if name not in names]
    if missing:
        split = len(names) > 1 and not any(one in name for one in ";\t" for name in names)
        hint = "" if split else " Separate its cells all with commas, or all with semicolons or tabs."
        raise InputError(
            f"{where}: the header lacks {', '.join(missing)}; "
            f"it must have {','.join(columns)}, and is {','.join(header)!r}.{hint}"
        )
    double = [name for name in columns if names.count(name) > 1]
    if double:
        raise InputError(f"{where}: the header has {', '.join(double)} more than once. Keep one column of each name.")
    return {name: names.index(name) for name in columns}
