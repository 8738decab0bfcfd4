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
"""Pairs of frames, from one of which points are looked for in the other, as a CSV file."""

from __future__ import annotations

import os
from dataclasses import dataclass

from scripts.io.csv_table import parse_frame, read_csv_columns
from scripts.io.input_error import InputError

__all__ = ["FramePair", "read_pairs_csv"]

_COLUMNS = ("source_image", "source_frame", "target_image", "target_frame")


@dataclass(frozen=True)
class FramePair:
    """A frame that points are taken from, and the frame that they are looked for in.

    Attributes:
        source_image: name of the image that points are taken from, as written in the file.
        source_frame: index of its frame from 0; 0 for a still image.
        target_image: name of the image that they are looked for in; it may be the same.
        target_frame: index of its frame, likewise.
        line: line of the file it came from, for messages.

    Example:
        >>> FramePair("clip.dcm", 0, "clip.dcm", 12, line=2).target_frame
        12
    """

    source_image: str
    source_frame: int
    target_image: str
    target_frame: int
    line: int


def read_pairs_csv(path: str | os.PathLike[str]) -> list[FramePair]:
    """Read pairs from a CSV file with the columns ``source_image,source_frame,target_image,target_frame``.

    The columns may have any order, and further columns are ignored. An empty frame is frame 0, and an empty
    ``target_image`` is the source's image. :func:`scripts.io.csv_table.read_csv_rows` tells how it may be written.

    Args:
        path: the file.

    Returns:
        At least one pair, in file order.

    Raises:
        InputError: if there is no such file, or for any fault in it; the message names the file, the line and how to
            mend it.

    Example:
        >>> [(pair.source_frame, pair.target_frame) for pair in read_pairs_csv("pairs.csv")]  # doctest: +SKIP
        [(0, 12)]
    """
    rows = read_csv_columns(path, _COLUMNS, row="pair", meaning="pair of frames", numbers=_COLUMNS[1::2])
    return [_pair(cells, line, f"{path}, line {line}") for line, cells in rows]


def _pair(cells: dict[str, str], line: int, where: str) -> FramePair:
    if not cells["source_image"]:
        raise InputError(f"{where}: source_image is empty. Write the name of the image.")
    source, target = (
        parse_frame(name, cells[name], where, "frame 0") or 0 for name in ("source_frame", "target_frame")
    )
    return FramePair(cells["source_image"], source, cells["target_image"] or cells["source_image"], target, line)
