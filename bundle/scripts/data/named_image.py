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
"""The image that a file of points in the patient is named after."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import Path, PurePosixPath
from typing import TypeVar

from scripts.data.marked_image import MarkedImage
from scripts.io.input_error import InputError
from scripts.io.unicode_form import composed

__all__ = ["find_named_image", "world_suffix"]

T = TypeVar("T", bound=MarkedImage)


def find_named_image(path: Path, images: Sequence[T], *, whole_name: bool = False) -> T | None:
    """Find the image by the name of a file that itself names none: Markups and FCSV.

    The path without its suffix ends with the image's name, with or without the suffix of that: of ``sub/clip.nii.gz``
    are ``markups/sub/clip.nii.gz.mrk.json`` and ``markups/sub/clip.fcsv``. Or the path of its folder ends so, as that
    of ``markups/sub/clip.nii.gz/valve.mrk.json``. Else the name of the image's file is enough: ``clip.fcsv``.

    Args:
        path: the file.
        images: those that it may be named after.
        whole_name: the name of the image's file is not enough. Where the file may be of an image that is not among
            these, it may be called like one that is.

    Returns:
        The image, or None.

    Raises:
        InputError: the file is named after several images.

    Example:
        >>> find_named_image(Path("markups/sub/clip.nii.gz.mrk.json"), dataset.series).name  # doctest: +SKIP
        'sub/clip.nii.gz'
    """
    suffix = world_suffix(path)
    file = path.absolute().parent / path.name[: len(path.name) - len(suffix)]
    for place, spell in ((file, str), (file, _without_suffix), (file.parent, str)):
        spelt = [(one, PurePosixPath(spell(one.name)).parts) for one in images]
        found = _deepest(one for one, parts in spelt if _composed(place.parts[-len(parts) :]) == _composed(parts))
        if not (found or whole_name):
            found = [one for one, parts in spelt if composed(parts[-1]) == composed(place.name)]
        if len(found) > 1:  # the one in the very Unicode form of the path, if they differ in that only
            written = [one for one, parts in spelt if one in found and place.parts[-len(parts) :] == parts]
            found = written if len(written) == 1 else found
        if len(found) > 1:
            names = ", ".join(one.name for one in found[:3])
            raise InputError(
                f"{path}: it is named after {len(found)} images ({names}). Put it into folders like those of the one "
                f"that is meant, such as markups/{found[0].name}{suffix}."
            )
        if found:
            return found[0]
    return None


def world_suffix(path: Path) -> str:
    """The suffix of a file of points.

    Example:
        >>> world_suffix(Path("clip.nii.gz.mrk.json")), world_suffix(Path("clip.nii.gz.fcsv"))
        ('.mrk.json', '.fcsv')
    """
    return path.name[-9:] if path.name.lower().endswith(".mrk.json") else path.suffix


def _deepest(images: Iterable[T]) -> list[T]:
    """Those in most folders: a path that ends with sub/clip.png ends with clip.png too."""
    listed = list(images)
    deepest = max((one.name.count("/") for one in listed), default=0)
    return [one for one in listed if one.name.count("/") == deepest]


def _composed(parts: Sequence[str]) -> list[str]:
    return [composed(part) for part in parts]


def _without_suffix(name: str) -> str:
    return name[:-7] if name.lower().endswith(".nii.gz") else str(PurePosixPath(name).with_suffix(""))
