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
"""Files of examples in any format: which format it is, and which images it means."""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path, PurePosixPath

from pydicom.misc import is_dicom

from scripts.data.image_series import is_hidden
from scripts.data.label_folder import find_label_files, label_folder_examples
from scripts.data.marked_image import MarkedImage
from scripts.data.named_image import find_named_image, world_suffix
from scripts.data.report_examples import report_examples
from scripts.data.world_examples import world_examples
from scripts.io.dicom_sr import read_dicom_sr
from scripts.io.examples_csv import Example, read_examples_csv
from scripts.io.fcsv import read_fcsv
from scripts.io.input_error import InputError
from scripts.io.label_file import read_label
from scripts.io.name_index import nearest_names
from scripts.io.slicer_markups import read_slicer_points
from scripts.io.unicode_form import composed_labels
from scripts.io.world_point import WorldPoint

__all__ = ["check_example_file", "is_examples_csv", "read_example_file", "select_labels"]


def check_example_file(path: str | os.PathLike[str]) -> None:
    """Tell early whether a file of examples, or a folder of them, can be read, without its images.

    Raises:
        InputError: see :func:`read_example_file`, but for what concerns images.

    Example:
        >>> check_example_file("examples.csv")  # doctest: +SKIP
    """
    read = {"csv": read_examples_csv, "fcsv": read_fcsv, "markups": _read_markups, "report": read_dicom_sr}
    labels = find_label_files(path)
    for file in labels:
        read_label(file)
    for file in () if labels else _files(path):
        read[_kind(file)](file)


def is_examples_csv(path: str | os.PathLike[str]) -> bool:
    """Whether a file names its images itself, in rows, and is neither Markups, FCSV, a report nor a folder of them.

    Example:
        >>> is_examples_csv("examples.csv"), is_examples_csv("clip.dcm.mrk.json")
        (True, False)
    """
    return not os.path.isdir(path) and _kind(path) == "csv"


def read_example_file(
    path: str | os.PathLike[str], images: Sequence[MarkedImage], *, skip_others: bool = False
) -> list[Example]:
    """Read examples from a CSV file, 3D Slicer Markups, FCSV, a DICOM Structured Report or the annotation page.

    Which it is goes by the suffix (``.csv``, ``.json``, ``.fcsv``, ``.dcm``), and by the content where that says
    nothing. The points of Markups and FCSV lie in the patient, so the file must be **named after the image** that they
    are on, as ``markups/NAME.mrk.json`` of the results is, see :func:`scripts.data.find_named_image`; in a folder, and
    where others are passed over, after its whole name in the data set. In a series each label tells its frame,
    ``valve [3]``, or else the description, ``frame 3``. Points of a report name the image file that they are on; it
    must be in the data set. A folder of images that were annotated has its landmarks in ``.landmarks``: these are
    taken, as people have set them, and no other file of that folder.

    Args:
        path: the file; a folder of images that were annotated, or ``.landmarks`` in it; or a folder whose Markups and
            FCSV files are read, those of its sub-folders too.
        images: the data set, in which images are looked for; a CSV file may have others.
        skip_others: pass over points of images that are not in the data set, rather than refuse them.

    Returns:
        Examples; x and y in px of the original image. At least one, unless others are passed over.

    Raises:
        InputError: the file is at fault; its name or a point of it fits no image or several, or no frame; or a point in
            the patient lies outside of its image, or more than 1 mm and half the slice spacing off its plane.

    Example:
        >>> [row.label for row in read_example_file("markups/clip.dcm.mrk.json", dataset.series)]  # doctest: +SKIP
        ['valve']
    """
    if not os.path.isdir(path):
        return _read_file(path, images, skip_others, whole_names=skip_others)
    if find_label_files(path):
        return label_folder_examples(path, images, skip_others=skip_others)
    examples = []
    for file in _files(path):
        unit = f"{file.relative_to(path).as_posix()}, point"
        found = _read_file(file, images, skip_others, whole_names=True)
        examples += [replace(one, unit=unit) for one in found]
    return examples


def select_labels(rows: Sequence[Example], labels: Sequence[str] | None, path: str | os.PathLike[str]) -> list[Example]:
    """Leave out the examples of landmarks that are not wanted.

    Args:
        rows: the examples.
        labels: the landmarks that are wanted, of which one may come as a text; None for all.
        path: the file that the examples are from, for the message.

    Raises:
        InputError: a wanted landmark has no example.

    Example:
        >>> rows = [Example("clip.dcm", 0, label, x=1.0, y=2.0, line=2) for label in ("valve", "apex")]
        >>> [row.label for row in select_labels(rows, "apex", "examples.csv")]
        ['apex']
    """
    wanted = composed_labels(labels)
    if wanted is None:
        return list(rows)
    there = sorted({row.label for row in rows})
    if missing := [label for label in wanted if label not in there]:
        raise InputError(
            f"{path}: no example of {', '.join(map(repr, missing))}; add one for each or leave it out"
            f"{nearest_names(missing[0], there)}"
        )
    return [row for row in rows if row.label in wanted]


def _read_file(
    path: str | os.PathLike[str], images: Sequence[MarkedImage], skip_others: bool, whole_names: bool
) -> list[Example]:
    kind = _kind(path)
    if kind == "csv":
        return read_examples_csv(path)
    if kind == "report":
        return report_examples(read_dicom_sr(path), images, path, skip_others=skip_others)
    points = read_fcsv(path) if kind == "fcsv" else _read_markups(path)
    image = find_named_image(Path(path), images, whole_name=whole_names)
    if image is not None:
        return world_examples(points, image, path)
    if skip_others:
        return []
    names = [one.name if whole_names else PurePosixPath(one.name).name for one in images]
    suffix = world_suffix(Path(path))
    such_as = "".join(f", such as {name}{suffix}" for name in names[:1])
    nearest = nearest_names(Path(path).name.removesuffix(suffix), names)
    raise InputError(
        f"{path}: it is named after no image of the data set. Its points lie in the patient, so name it after the "
        f"image that they are on{such_as}{nearest}."
    )


def _files(path: str | os.PathLike[str]) -> list[Path]:
    """The file itself, or the Markups and FCSV files of a folder."""
    folder = Path(path)
    if not folder.is_dir():
        return [folder]
    files = [
        file
        for file in sorted(folder.rglob("*"))
        if file.name.lower().endswith((".mrk.json", ".fcsv")) and file.is_file() and not is_hidden(file, folder)
    ]
    if not files:
        raise InputError(
            f"{path}: the folder holds no Markups (.mrk.json), no FCSV file and no landmarks that were set with the "
            "annotation page. Give a file of points."
        )
    return files


def _kind(path: str | os.PathLike[str]) -> str:
    suffix = Path(path).suffix.lower()
    known = {".csv": "csv", ".fcsv": "fcsv", ".json": "markups", ".dcm": "report"}
    if suffix in known or not os.path.isfile(path):
        return known.get(suffix, "csv")
    if is_dicom(Path(path)):
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
