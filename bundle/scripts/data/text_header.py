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

"""The text of an NRRD or MetaImage header: what ITK does not tell of it, and a check of what ITK would not bear."""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import zip_longest
from pathlib import Path

from scripts.io.input_error import InputError, refuse_unreadable

__all__ = ["TextHeader", "read_metaimage_text", "read_nrrd_text"]

_LONGEST_HEADER = 2**20  # bytes
# ITK's readers end the process on some damaged headers: on longer lines, from about 1000 characters on, on more axes or
# numbers a pixel than there can be, and on a pattern of file names that is none
_LONGEST_LINE = 500
_CONTROL = re.compile(r"[\x00-\x08\x0a-\x1f]")
_MOST_AXES = 5  # one of which, in NRRD, may be that of colours
_MOST_COMPONENTS = 4
# of the spaces that NRRD names, those of the patient, which ITK turns the right way; and those that it does not
_PATIENT = ("left-posterior-superior", "right-anterior-superior", "left-anterior-superior", "lps", "ras", "las")
_TURNED_WRONG = ("right-anterior-superior-time", "left-anterior-superior-time", "rast", "last")
# each under any of its names
_META_PLACE = (
    ("elementspacing", "elementsize"),
    ("offset", "position", "origin"),
    ("transformmatrix", "rotation", "orientation"),
)
_FRAMES = ("time", "list")
_NOT_RGB = ("hsv-color", "xyz-color", "quaternion")
_NRRD_AXES = ("domain", "space", "time", "???", "none")
# what an axis may be counted in, in the spellings that programs use; the rest is another length, or none at all
_MILLIMETRES = {"", "???", "none", "mm", "millimeter", "millimeters", "millimetre", "millimetres"}
_TIMES = {
    *("s", "sec", "secs", "second", "seconds", "ms", "msec", "msecs", "millisecond", "milliseconds"),
    *("us", "microsecond", "microseconds", "min", "minute", "minutes", "frame", "frames"),
}


@dataclass(frozen=True)
class TextHeader:
    """What the text of a header tells.

    Attributes:
        pixel_file: the file that holds the pixels, which may be the header's own.
        pixels_at: the byte of it that they begin at, where no field says otherwise.
        plain: True where the pixels are bytes as they are, so that their number tells whether the file is whole.
        zipped: True for pixels that are one zlib or gzip stream from there on.
        spacing_told: True where there is a distance of pixels.
        place_told: True where there are an origin, directions and distances in the patient, of three axes.
        time_axis: which of ITK's axes its ``kinds`` call time or a list of frames; None where they do not tell.
        listed: True where ITK takes the frames for the numbers of a pixel: a list in NRRD, as 3D Slicer writes it.
    """

    pixel_file: Path
    pixels_at: int
    plain: bool
    zipped: bool
    spacing_told: bool
    place_told: bool
    time_axis: int | None = None
    listed: bool = False


def read_nrrd_text(path: Path) -> TextHeader:
    """Read and check the text of an NRRD header.

    Raises:
        InputError: it is no NRRD header or a damaged one, its lengths are not in mm, its space is one that ITK turns
            the wrong way, or its pixels lie in several files, in one that is missing or in one outside of its folder.

    Example:
        >>> read_nrrd_text(Path("cine.nrrd")).place_told  # doctest: +SKIP
        True
    """
    lines, end = _read_lines(path, is_last=lambda line: not line)
    if not lines or not re.fullmatch(r"NRRD\d{4}", lines[0]):
        raise InputError(f"{path} has no header of NRRD; remove or convert it")
    # comments, and the pairs that anybody may add, are not looked at
    fields = _fields(path, [line for line in lines[1:] if not line.startswith("#") and ":=" not in line], ":")
    _check_number(path, fields, "dimension", _MOST_AXES)
    space = fields.get("space", "").lower()
    if space in _TURNED_WRONG:
        raise InputError(
            f"{path} has the space {space}, which ITK takes for LPS; write it in left-posterior-superior-time"
        )
    for key in ("spaceunits", "units"):
        told = fields.get(key, "")
        _check_units(path, re.findall('"(.*?)"', told) or told.split())
    directions, kinds = fields.get("spacedirections", "").lower(), fields.get("kinds", "").lower().split()
    _check_kinds(path, kinds)
    # what else there may be is no axis of ITK's: the numbers of a pixel
    axes = [kind for kind in kinds if kind in _NRRD_AXES]
    vectors = directions.count("(")
    if "none" in directions and directions.count(",") == 4 and ("list" in kinds or "time" in axes[:-1]):
        raise InputError(
            f"{path} has a series of two axes in a space of three, which ITK does not read; write it as (X, Y, 1, T) "
            "with a third direction"
        )
    each = zip_longest(fields.get("spacings", "").lower().split(), kinds)
    spacings = [spacing for spacing, kind in each if spacing and kind not in _FRAMES][:2]
    name, encoding = fields.get("datafile"), fields.get("encoding", "").lower()
    skips = not {"byteskip", "lineskip"}.isdisjoint(fields)
    return TextHeader(
        pixel_file=path if name is None else _find_pixels(path, name),
        pixels_at=end if name is None else 0,
        plain=encoding == "raw",
        zipped=encoding in ("gzip", "gz") and not skips,
        spacing_told=vectors > 1 or bool(spacings and "nan" not in spacings),
        place_told=space.removesuffix("-time") in _PATIENT and "spaceorigin" in fields and vectors > 1,
        time_axis=axes.index("time") if "time" in axes else None,
        listed="list" in kinds,
    )


def read_metaimage_text(path: Path) -> TextHeader:
    """Read and check the text of a MetaImage header.

    Raises:
        InputError: it is no MetaImage header or a damaged one, its lengths are not in mm, or its pixels lie in several
            files, in one that is missing or in one outside of its folder.

    Example:
        >>> read_metaimage_text(Path("cine.mha")).place_told  # doctest: +SKIP
        True
    """
    lines, end = _read_lines(path, is_last=lambda line: line.startswith("ElementDataFile"))
    fields = _fields(path, lines, "[=:]")
    if not {"ndims", "dimsize", "elementtype", "elementdatafile"} <= fields.keys():
        raise InputError(f"{path} has no header of MetaImage; remove or convert it")
    _check_units(path, fields.get("distanceunits", "").replace("?", "").split())
    _check_number(path, fields, "ndims", _MOST_AXES - 1)
    _check_number(path, fields, "elementnumberofchannels", _MOST_COMPONENTS)
    name = fields["elementdatafile"]
    inside = name.upper() == "LOCAL"
    binary, zipped = (fields.get(key, "").startswith(("T", "t", "1")) for key in ("binarydata", "compresseddata"))
    kinds = fields.get("kinds", "").lower().split()
    _check_kinds(path, kinds)
    spacing, origin, axes = ([fields[key] for key in keys if key in fields] for keys in _META_PLACE)
    numbers = " ".join([*spacing, *origin, *axes])
    if not re.fullmatch(r"[\d\s.eE+-]*", numbers):
        # ITK would take 0 for what is no number
        raise InputError(f"{path} has an affine that tells no place ({numbers}); correct it")
    return TextHeader(
        pixel_file=path if inside else _find_pixels(path, name),
        pixels_at=end if inside else 0,
        plain=binary and not zipped,
        zipped=zipped,
        spacing_told=bool(spacing),
        place_told=bool(spacing and origin and axes) and fields["ndims"] != "2",
        time_axis=next((axis for axis, kind in enumerate(kinds) if kind in _FRAMES), None),
    )


def _read_lines(path: Path, is_last: Callable[[str], bool]) -> tuple[list[str], int]:
    """The lines of a header, and the byte behind it."""
    with refuse_unreadable(path), open(path, "rb") as file:
        head = file.read(_LONGEST_HEADER)
    lines, end = [], 0
    for line in head.splitlines(keepends=True):
        end += len(line)
        try:
            lines.append(line.decode().strip())
        except UnicodeDecodeError:  # of a program that knows no Unicode, or pixels
            lines.append(line.decode("latin-1").strip())
        if is_last(lines[-1]):
            break
    return lines, end


def _fields(path: Path, lines: list[str], separator: str) -> dict[str, str]:
    """The values of a header by their keys, in which neither case nor spaces count."""
    fields: dict[str, str] = {}
    for line in filter(None, lines):
        key, *value = re.split(separator, line, maxsplit=1)
        key = key.replace(" ", "").lower()
        if not value or key in fields or len(line) > _LONGEST_LINE or _CONTROL.search(line):
            raise InputError(f"{path} has a damaged header (at {line[:40]!r}); repair or remove it")
        fields[key] = value[0].strip()
    return fields


def _check_units(path: Path, units: Sequence[str]) -> None:
    """Refuse lengths in anything but mm, as ITK takes their numbers for mm. Of three and more axes one may be time."""
    others = [unit for unit in units if unit.strip().lower() not in _MILLIMETRES]
    if len(units) > 2 and len(others) == 1 and others[0].strip().lower() in _TIMES:
        return
    if others:
        raise InputError(f"{path} has lengths in {others[0]!r}; write it with lengths in mm")


def _check_kinds(path: Path, kinds: list[str]) -> None:
    other = next((kind for kind in kinds if kind in _NOT_RGB), None)
    if other is not None:
        raise InputError(f"{path} has pixels of the kind {other}; convert it to grey values or RGB")
    if sum(kind in _FRAMES for kind in kinds) > 1:
        raise InputError(f"{path} has several axes of frames ({' '.join(kinds)}); write them as one, the last")


def _check_number(path: Path, fields: dict[str, str], key: str, most: int) -> None:
    """ITK trusts it."""
    value = fields.get(key, "1")
    if not (value.isascii() and value.isdigit() and 1 <= int(value) <= most):
        raise InputError(f"{path} has the {key} {value!r}, which must be 1 to {most}; convert or remove it")


def _find_pixels(path: Path, name: str) -> Path:
    if "%" in name or name.split()[:1] == ["LIST"]:
        raise InputError(f"{path} has its pixels in several files ({name}); write them into one")
    folder = os.path.abspath(path.parent)
    file = Path(os.path.abspath(os.path.join(folder, name)))
    if not file.is_relative_to(folder):
        raise InputError(f"{path} has its pixels outside of its folder ({name}); move that file beside it")
    if not file.is_file():
        raise InputError(f"{path} has its pixels in {name}, which is missing; copy that file beside it")
    return file
