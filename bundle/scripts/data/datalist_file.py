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

"""Data lists in MONAI's form, as JSON files."""

from __future__ import annotations

import json
import os
from dataclasses import replace
from pathlib import Path
from typing import Any

from monai.data import load_decathlon_datalist

from scripts.data.image_series import ImageSeries, image_series_of
from scripts.data.patient_split import PARTS
from scripts.io.atomic import atomic_path
from scripts.io.input_error import InputError
from scripts.io.named_file import find_file
from scripts.io.unicode_form import composed

__all__ = ["read_datalist", "write_datalist"]


def write_datalist(path: str | os.PathLike[str], content: dict[str, Any]) -> None:
    """Write a data list, see :func:`scripts.data.make_datalist`.

    Args:
        path: the file; it is replaced whole.
        content: the data list.

    Raises:
        OSError: the file cannot be written.

    Example:
        >>> content = {"training": [{"image": "p1/chest.png", "patient": 1}]}
        >>> write_datalist("datalist.json", content)  # doctest: +SKIP
    """
    with atomic_path(path) as temporary:
        temporary.write_text(json.dumps(content, indent=1) + "\n", encoding="utf-8")


def read_datalist(
    path: str | os.PathLike[str], dataset_dir: str | os.PathLike[str], part: str = "training"
) -> list[ImageSeries]:
    """Read one part of a data list.

    Args:
        path: a JSON file in MONAI's form: ``{"training": [{"image": "a.png"}, {"image": ["f1.dcm", "f2.dcm"]}]}``.
        dataset_dir: the folder that the paths in it are relative to.
        part: ``training``, ``validation``, ``test``, or what other list the file has.

    Returns:
        The series, in the order of the file; with ``patient``, as text, where the list tells it.

    Raises:
        InputError: there is no such file, it is no JSON file, it lacks the part, the part is empty or not in the form
            above, or an image does not exist.

    Example:
        >>> [one.name for one in read_datalist("datalist.json", "clips", "test")]  # doctest: +SKIP
        ['patient_2/IM0001.dcm']
    """
    written = _read_part(path, part)
    root = Path(dataset_dir)
    root = root.parent if root.is_file() else root
    try:
        items = load_decathlon_datalist(path, is_segmentation=False, data_list_key=part, base_dir=root)
        return [_series_of(item["image"], root, one) for item, one in zip(items, written, strict=True)]
    except InputError as error:
        raise InputError(f"{path}, part {part!r}: {error}; check --dataset_dir, or make the data list anew") from error
    except (TypeError, KeyError, AttributeError) as error:
        raise InputError(
            f'{path}, part {part!r}: each entry must be {{"image": "a.png"}} or {{"image": ["f1.dcm", "f2.dcm"]}}; '
            "correct it, or make the data list anew with python -m scripts.data.datalist"
        ) from error


def _series_of(image: str | list[str], root: Path, written: dict[str, Any] | str) -> ImageSeries:
    files = image if isinstance(image, list) else [image]
    series = image_series_of([find_file(file, [root]) or root / file for file in files], root)
    # as it is written: MONAI makes a path of a patient who is called like a folder of the data set
    patient = written.get("patient") if isinstance(written, dict) else None
    return series if patient in (None, "") else replace(series, patient=composed(str(patient)))


def _read_part(path: str | os.PathLike[str], part: str) -> list[dict[str, Any] | str]:
    """A part as it is written; refuses what MONAI would refuse with other words, or not at all."""
    if not os.path.isfile(path):
        raise InputError(f"{path}: there is no such data list; make one with python -m scripts.data.datalist")
    try:
        content = json.loads(Path(path).read_text(encoding="utf-8"))
    except ValueError as error:
        raise InputError(f"{path} is no JSON file ({error}); make it anew") from error
    content = content if isinstance(content, dict) else {}
    lists = [key for key, value in content.items() if isinstance(value, list) and key != "fractions"]
    if part not in lists:
        there = ", ".join(map(repr, lists)) or "none"
        raise InputError(f"{path} has no part {part!r}; its parts are {there}")
    if not content[part]:
        remedy = "give the part a share with --fractions" if part in PARTS else "name another part"
        raise InputError(f"{path}: part {part!r} is empty; {remedy}")
    return content[part]
