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

import os
import re
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from pathlib import PurePosixPath

from scripts.data.image_series import ImageSeries
from scripts.data.path_index import PathIndex
from scripts.data.patient_key import PatientKeys
from scripts.io.csv_table import read_csv_rows
from scripts.io.input_error import InputError
from scripts.io.name_index import nearest_names
from scripts.io.unicode_form import composed

__all__ = ["keys_by_table"]

_SHOWN = 3  # files named in a message


def keys_by_table(
    series: Sequence[ImageSeries],
    dataset_dir: str | os.PathLike[str],
    table: str | os.PathLike[str],
    *,
    image_column: str,
    patient: str | Callable[[str], str],
    rule: str,
    keep: tuple[str, str] | None = None,
    image_prefix: str = "",
) -> PatientKeys:
    """Look up the patients in a CSV table with a header, which names images by path or by the end of the path.

    A series that no row names is left out. A DICOM series is named by any of its files.

    Args:
        series: all images.
        dataset_dir: the folder that their names are relative to.
        table: the file, see :func:`scripts.io.csv_table.read_csv_rows`.
        image_column: name of the column of image files.
        patient: name of the column of patients, or what tells the patient from the image's path ("" if it cannot).
        rule: how the table tells the patient, in words.
        keep: a column and the value that a row must have there to be used; None for all rows.
        image_prefix: regular expression of what to take off the beginning of the images' paths.

    Raises:
        InputError: there is no such file, it is no CSV file, a column is missing, a cell is empty, a row has no file,
            or more than one, or a series has two patients.

    Example:
        >>> options = {"image_column": "file", "patient": "who", "rule": "column 'who'"}
        >>> keys_by_table(find_image_series("clips"), "clips", "t.csv", **options).notes  # doctest: +SKIP
        ('1 image left out, as no row that is used names them',)
    """
    image_column, patient = composed(image_column), composed(patient) if isinstance(patient, str) else patient
    columns = [image_column, *([patient] if isinstance(patient, str) else []), *(keep[:1] if keep else [])]
    cells = _read_cells(table, columns)
    kept = [(line, row) for line, row in cells if keep is None or row[keep[0]] == keep[1]]
    if not kept:
        raise InputError(f"{table} has no row{f' with {keep[1]!r} in column {keep[0]!r}' if keep else ''}; add some")
    roots = {os.path.abspath(dataset_dir), os.path.realpath(dataset_dir)}
    rows = []
    for line, row in kept:
        written = row[image_column]
        key = composed(row[patient] if isinstance(patient, str) else patient(written))
        if not written or not key:
            missing = "patient" if written else "image"
            raise InputError(f"{table}, line {line}: the row names no {missing}; fill it in or remove the row")
        rows.append((line, _below(roots, re.sub(rf"^{image_prefix}", "", written.replace("\\", "/"))), key))
    keys = _match(series, rows, table)
    return PatientKeys(keys, rule, tuple(_left_out(keep, len(cells) - len(kept), len(series) - len(keys))))


def _read_cells(path: str | os.PathLike[str], columns: Sequence[str]) -> list[tuple[int, dict[str, str]]]:
    """The number of each line that is not empty, and its cells in the columns that are wanted."""
    rows = read_csv_rows(path, "a column of images and one of patients")
    _, header = next(rows, (1, []))
    _check_columns(path, header, columns)
    cells = [(line, dict(zip(header, row, strict=True))) for line, row in rows]
    return [(line, row) for line, row in cells if any(row[name] for name in columns)]


def _check_columns(path: str | os.PathLike[str], names: Sequence[str], wanted: Sequence[str]) -> None:
    missing = [name for name in wanted if name not in names]
    if missing:
        there = ", ".join(map(repr, filter(None, names))) or "none"
        raise InputError(
            f"{path} lacks the column{'s' if len(missing) > 1 else ''} {', '.join(map(repr, missing))}; "
            f"its columns are {there}"
        )
    double = [name for name in wanted if Counter(names)[name] > 1]
    if double:
        raise InputError(f"{path} has the column {double[0]!r} more than once; keep one")


def _below(roots: Iterable[str], image: str) -> str:
    """A path as names of series are; of an absolute one the data set's folder is taken off."""
    path = PurePosixPath(image)
    root = next((root for root in roots if path.is_relative_to(PurePosixPath(root))), None) if path.root else None
    return str(path if root is None else path.relative_to(root))


def _left_out(keep: tuple[str, str] | None, rows: int, images: int) -> Iterator[str]:
    if keep and rows:
        yield f"rows left out, which do not have {keep[1]!r} in column {keep[0]!r}: {rows}"
    if images:
        yield f"{images} image{'' if images == 1 else 's'} left out, as no row that is used names them"


def _match(
    series: Sequence[ImageSeries], rows: Sequence[tuple[int, str, str]], table: str | os.PathLike[str]
) -> dict[ImageSeries, str]:
    """Find the series of each row: line, image and patient."""
    series_of = {name: one for one in series for name in one.file_names}
    index = PathIndex(series_of)
    keys: dict[ImageSeries, str] = {}
    without_file, nearest = [], ""
    for line, image, patient in rows:
        paths = index.find(image)
        if not paths:
            nearest = nearest or nearest_names(image, series_of)
            without_file.append(f"line {line}: {image!r}")
            continue
        if len(paths) > 1:
            raise InputError(
                f"{table}, line {line}: {image!r} may be {_list(sorted(paths))}; "
                "write the path from the data set's folder, or remove the copies"
            )
        if keys.setdefault(series_of[paths[0]], patient) != patient:
            raise InputError(f"{table}, line {line}: {image!r} has another patient in an earlier row; correct one")
    if without_file:
        raise InputError(
            f"{table}: {len(without_file)} of {len(rows)} rows have no file below the data set's folder "
            f"({_list(without_file)}); complete the images, correct --dataset_dir, which paths must be relative to, or "
            f"take the rows out of the table{nearest}"
        )
    return keys


def _list(names: Sequence[str]) -> str:
    more = len(names) - _SHOWN
    return ", ".join(names[:_SHOWN]) + (f" and {more} more" if more > 0 else "")
