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

"""Making a data list: find the images, tell their patients, divide them."""

from __future__ import annotations

import os
import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from scripts.data.datalist_presets import PRESETS, Preset
from scripts.data.image_series import ImageSeries, find_image_series, is_hidden
from scripts.data.patient_key import PatientKeys, keys_by_dicom, keys_by_folder, keys_by_pattern, patient_in_path
from scripts.data.patient_split import divide_series
from scripts.data.patient_table import keys_by_table
from scripts.io.input_error import InputError, printable

__all__ = ["MadeDatalist", "make_datalist"]


@dataclass(frozen=True)
class MadeDatalist:
    """A data list and what the user shall know of it.

    Attributes:
        content: what is written: ``name``, ``seed``, ``fractions``, ``preset``, and the parts ``training``,
            ``validation`` and ``test``, each a list of ``{"image": path or paths, "patient": number}``. Paths are
            relative to the data set's folder, with forward slashes.
        rule: how the patients were told apart, in words.
        notes: exceptions and what was left out, with counts.
    """

    content: dict[str, Any]
    rule: str
    notes: tuple[str, ...]


def make_datalist(
    dataset_dir: str | os.PathLike[str],
    *,
    preset: str = "any_folder",
    patient_pattern: str | None = None,
    table: str | os.PathLike[str] | None = None,
    image_column: str | None = None,
    patient_column: str | None = None,
    fractions: Sequence[float] = (0.6, 0.2, 0.2),
    seed: int = 0,
) -> MadeDatalist:
    """Divide a data set by patient. The same images and settings give the same data list on every machine.

    Args:
        dataset_dir: the folder.
        preset: a key of ``scripts.data.datalist_presets.PRESETS``.
        patient_pattern: regular expression for ``any_folder``: its first group, or the whole match where it has no
            group, found in an image's path relative to the folder, is the patient.
        table: a CSV file that names the patient of each image; None for that of the preset, if it has one.
        image_column: its column of images: paths relative to the folder, or the ends of such paths.
        patient_column: its column of patients.
        fractions: share of the patients for training, validation and test.
        seed: another seed gives another split.

    Raises:
        InputError: the folder holds no image that can be read, the patients cannot be told, the table is at fault, or
            there are fewer patients than parts.

    Example:
        >>> made = make_datalist("clips", fractions=(0.8, 0.1, 0.1))  # doctest: +SKIP
        >>> made.content["training"][0]  # doctest: +SKIP
        {'image': 'p1/cine.nii.gz', 'patient': 1}
    """
    if preset not in PRESETS:
        raise InputError(f"there is no preset {preset!r}; choose one of {', '.join(PRESETS)}")
    known, folder = PRESETS[preset], Path(dataset_dir)
    if not folder.is_dir():
        raise InputError(f"{folder} is no folder; --dataset_dir must be a folder of images")
    if table is None and (image_column or patient_column):
        raise InputError("--image_column and --patient_column belong to a table; give --table too")
    if patient_pattern is not None:
        _check_pattern(patient_pattern, preset, table)
    series, notes = _find_images(folder, known)
    if patient_pattern is not None:
        what = f"pattern {patient_pattern!r} in the path"
        found = keys_by_pattern(series, [patient_pattern], what, match_all=True)
    elif table is not None or known.table:
        found = _keys_by_preset_table(series, folder, known, table, image_column, patient_column)
    else:
        found = _keys_without_table(series, known)
    try:
        divided = divide_series(found.keys, fractions, seed)
    except InputError as error:
        raise InputError(f"{folder}: {error} (patients told by: {found.rule})") from error
    items = {
        part: [{"image": _paths(one, folder), "patient": number} for one, number in members]
        for part, members in divided.items()
    }
    settings = {"name": known.title, "seed": seed, "fractions": list(fractions), "preset": preset}
    return MadeDatalist({**settings, **items}, found.rule, notes + found.notes)


def _check_pattern(pattern: str, preset: str, table: str | os.PathLike[str] | None) -> None:
    if preset != "any_folder" or table is not None:
        raise InputError("--patient_pattern is for --preset any_folder without --table; leave one of them out")
    try:
        re.compile(pattern)
    except re.error as error:
        raise InputError(f"--patient_pattern {pattern!r} is no regular expression ({error}); correct it") from error


def _find_images(folder: Path, preset: Preset) -> tuple[list[ImageSeries], tuple[str, ...]]:
    """All images that the preset takes, and notes of the files that are none."""
    series = find_image_series(folder)
    used = [one for one in series if _is_of(one, preset)]
    if not used:
        raise InputError(f"{folder} holds no image of {preset.title}; it must look so: {preset.layout}")
    notes = _passed_over(folder, series)
    if len(used) < len(series):
        kind = "DICOM" if preset.dicom else " or ".join(preset.suffixes or ())
        notes += (f"images left out, which are not {kind}: {len(series) - len(used)}",)
    return used, notes


def _is_of(series: ImageSeries, preset: Preset) -> bool:
    if preset.dicom:
        return series.format == "dicom"
    return preset.suffixes is None or series.name.lower().endswith(preset.suffixes)


def _passed_over(folder: Path, series: Sequence[ImageSeries]) -> tuple[str, ...]:
    images = {file for one in series for file in one.files}
    others = [path for path in folder.rglob("*") if path.is_file() and path not in images]
    kinds = Counter("hidden" if is_hidden(path, folder) else path.suffix.lower() or "no suffix" for path in others)
    told = ", ".join(f"{count} {printable(kind)}" for kind, count in kinds.most_common())
    return (f"files passed over, which are no images that can be read: {told}",) if others else ()


def _keys_without_table(series: Sequence[ImageSeries], preset: Preset) -> PatientKeys:
    if preset.dicom:
        return keys_by_dicom(series, *preset.patient_patterns)
    if preset.patient_patterns:
        return keys_by_pattern(series, preset.patient_patterns, preset.rule)
    formats = Counter(one.format == "dicom" for one in series)
    if len(formats) == 1:
        return keys_by_dicom(series) if formats[True] else keys_by_folder(series)
    # a header and a folder may name one patient in two ways, and the split would leak
    raise InputError(
        f"the folder holds {formats[True]} DICOM images and {formats[False]} of other formats, such as "
        f"{next(one.name for one in series if one.format != 'dicom')!r}; move one kind away, or tell the patients "
        "with --patient_pattern or --table"
    )


def _keys_by_preset_table(
    series: Sequence[ImageSeries],
    folder: Path,
    preset: Preset,
    table: str | os.PathLike[str] | None,
    image_column: str | None,
    patient_column: str | None,
) -> PatientKeys:
    image_column = image_column or preset.image_column
    patient = patient_column or preset.patient_column
    if not image_column or not (patient or preset.table):
        raise InputError(f"--table {table} needs --image_column and --patient_column, the names of two of its columns")
    rule = f"column {patient!r} of the table" if patient else preset.rule
    return keys_by_table(
        series,
        folder,
        _find_table(folder, preset) if table is None else table,
        image_column=image_column,
        patient=patient or (lambda path: patient_in_path(preset.patient_patterns, path)),
        rule=rule,
        keep=preset.keep,
        image_prefix=preset.image_prefix,
    )


def _find_table(folder: Path, preset: Preset) -> Path:
    assert preset.table is not None  # else the user gave one
    found = sorted([*folder.glob(preset.table), *folder.glob(f"*/{preset.table}")])
    if len(found) != 1:
        what = f"{len(found)} tables {preset.table}" if found else f"no table {preset.table}"
        raise InputError(f"{folder} has {what}; name it with --table. It must look so: {preset.layout}")
    return found[0]


def _paths(series: ImageSeries, folder: Path) -> str | list[str]:
    paths = [file.relative_to(folder).as_posix() for file in series.files]
    return paths if len(paths) > 1 else paths[0]
