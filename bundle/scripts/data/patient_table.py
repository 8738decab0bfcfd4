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

"""Tables that name the patient of each image."""

from __future__ import annotations

import csv
import os
import re
from collections import Counter, defaultdict
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import PurePosixPath

from scripts.data.image_series import ImageSeries
from scripts.data.patient_key import PatientKeys
from scripts.io.input_error import InputError

__all__ = ["PatientTable", "TableRow", "keys_by_table", "read_patient_table"]

_SHOWN = 3  # files named in a message


@dataclass(frozen=True)
class TableRow:
    """An image and its patient.

    Attributes:
        line: line of the table, for messages.
        image: the image as written, with forward slashes.
        patient: the patient as written; it is compared, never shown.
    """

    line: int
    image: str
    patient: str


@dataclass(frozen=True)
class PatientTable:
    """What a table says.

    Attributes:
        path: the file.
        rows: the rows that are used.
        notes: what was left out, with counts.
    """

    path: str
    rows: tuple[TableRow, ...]
    notes: tuple[str, ...] = ()


def read_patient_table(
    path: str | os.PathLike[str],
    image_column: str,
    patient: str | Callable[[str], str],
    keep: tuple[str, str] | None = None,
    image_prefix: str = "",
) -> PatientTable:
    """Read a CSV table with a header.

    Args:
        path: the file, UTF-8, comma-separated.
        image_column: name of the column of image files.
        patient: name of the column of patients, or what tells the patient from the image's path ("" if it cannot).
        keep: a column and the value that a row must have there to be used; None for all rows.
        image_prefix: regular expression of what to take off the beginning of the images' paths.

    Raises:
        InputError: there is no such file, it is no CSV file, a column is missing, a cell is empty, or an image has
            two patients.

    Example:
        >>> table = read_patient_table("table.csv", "file", "patient")  # doctest: +SKIP
        >>> table.rows[0].image  # doctest: +SKIP
        'p1/chest.png'
    """
    if not os.path.isfile(path):
        raise InputError(f"{path}: there is no such table; give a CSV file with a column of images and one of patients")
    columns = [image_column, *([patient] if isinstance(patient, str) else []), *(keep[:1] if keep else [])]
    with open(path, newline="", encoding="utf-8-sig") as file:
        reader = csv.DictReader(file, strict=True)
        try:
            _check_columns(path, reader.fieldnames or [], columns)
            cells = [(reader.line_num, {name: (row[name] or "").strip() for name in columns}) for row in reader]
        except (csv.Error, UnicodeDecodeError) as error:
            raise InputError(f"{path}, after line {reader.line_num}: {error}; save it as UTF-8 CSV") from error
    cells = [(line, row) for line, row in cells if any(row.values())]  # spreadsheets pad with rows of empty cells
    kept = [(line, row) for line, row in cells if keep is None or row[keep[0]] == keep[1]]
    rows = []
    for line, row in kept:
        key = row[patient] if isinstance(patient, str) else patient(row[image_column])
        if not row[image_column] or not key:
            missing = "patient" if row[image_column] else "image"
            raise InputError(f"{path}, line {line}: the row names no {missing}; fill it in or remove the row")
        image = re.sub(rf"^{image_prefix}", "", row[image_column].replace("\\", "/"))
        rows.append(TableRow(line, str(PurePosixPath(image)), key))
    if not rows:
        raise InputError(f"{path} has no row{f' with {keep[1]!r} in column {keep[0]!r}' if keep else ''}; add some")
    dropped = len(cells) - len(kept)
    note = f"rows left out, which do not have {keep[1]!r} in column {keep[0]!r}: {dropped}" if keep and dropped else ""
    return PatientTable(str(path), tuple(rows), (note,) if note else ())


def keys_by_table(series: Sequence[ImageSeries], table: PatientTable, rule: str) -> PatientKeys:
    """Find the images of a table among the series, by path or by the end of the path.

    A series that no row names is left out. A DICOM series is named by any of its files.

    Args:
        series: all images.
        table: what to look for.
        rule: how the table tells the patient, in words.

    Raises:
        InputError: a row has no file, or more than one, or a series has two patients.

    Example:
        >>> from pathlib import Path
        >>> chest = ImageSeries("p1/chest.png", (Path("p1/chest.png"),), "raster")
        >>> keys_by_table([chest], PatientTable("t.csv", (TableRow(2, "chest.png", "x"),)), "as told").notes
        ()
    """
    by_file_name = _files_by_name(series)
    keys: dict[ImageSeries, str] = {}
    without_file = []
    for row in table.rows:
        found = by_file_name.get(PurePosixPath(row.image).name, {})
        # a path from the data set's folder is meant before the same ending in a folder below
        ends = [row.image] if row.image in found else [name for name in found if name.endswith("/" + row.image)]
        if not ends:
            without_file.append(row)
            continue
        if len(ends) > 1:
            raise InputError(
                f"{table.path}, line {row.line}: {row.image!r} may be {_list(sorted(ends))}; "
                "write the path from the data set's folder, or remove the copies"
            )
        one = found[ends[0]]
        if keys.setdefault(one, row.patient) != row.patient:
            raise InputError(
                f"{table.path}, line {row.line}: {row.image!r} has another patient in an earlier row; correct one"
            )
    if without_file:
        lines = _list([f"line {row.line}: {row.image!r}" for row in without_file])
        raise InputError(
            f"{table.path}: {len(without_file)} of {len(table.rows)} rows have no file below the data set's folder "
            f"({lines}); complete the images, correct --dataset_dir, or take the rows out of the table"
        )
    left_out = len(series) - len(keys)
    note = f"{left_out} image{'' if left_out == 1 else 's'} left out, as no row that is used names them"
    return PatientKeys(keys, rule, table.notes + ((note,) if left_out else ()))


def _check_columns(path: str | os.PathLike[str], names: Sequence[str], wanted: Sequence[str]) -> None:
    missing = [name for name in wanted if name not in names]
    if missing:
        there = ", ".join(map(repr, filter(None, names))) or "none"
        raise InputError(
            f"{path} lacks the column{'s' if len(missing) > 1 else ''} {', '.join(map(repr, missing))}; "
            f"its columns are {there}. Columns are separated by commas."
        )
    double = [name for name in wanted if Counter(names)[name] > 1]
    if double:
        raise InputError(f"{path} has the column {double[0]!r} more than once; keep one")


def _files_by_name(series: Sequence[ImageSeries]) -> dict[str, dict[str, ImageSeries]]:
    """For each file name the paths, relative to the data set's folder, that end with it, and their series."""
    found: dict[str, dict[str, ImageSeries]] = defaultdict(dict)
    for one in series:
        folder = PurePosixPath(one.name).parent
        for file in one.files:  # all of a series lie in one folder
            found[file.name][str(folder / file.name)] = one
    return found


def _list(names: Sequence[str]) -> str:
    more = len(names) - _SHOWN
    return ", ".join(names[:_SHOWN]) + (f" and {more} more" if more > 0 else "")
