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
"""The user's examples: where a landmark is in a few images, as a CSV file."""

from __future__ import annotations

import os
from dataclasses import dataclass

from scripts.io.csv_table import parse_frame, parse_pixels, read_csv_columns
from scripts.io.input_error import InputError
from scripts.io.unicode_form import composed

__all__ = ["EXAMPLE_COLUMNS", "Example", "read_examples_csv"]

EXAMPLE_COLUMNS = ("image", "frame", "label", "x", "y")
_NUMBERS = ("frame", "x", "y")


@dataclass(frozen=True)
class Example:
    """One marked point that shall be found again in other images.

    Attributes:
        image: name of the image, as written in the file.
        frame: index of the frame from 0, or None for a still image.
        label: name of the landmark.
        x: position along axis 0 (columns), in pixels of the original image; pixel centres are at integers.
        y: position along axis 1 (rows, downwards), likewise.
        line: line of the file it came from, for messages.
        unit: what ``line`` counts: lines, or points in a file that has no lines.

    The label comes in composed Unicode, so that it is the same landmark in whatever form files have it.

    Example:
        >>> Example("clip.dcm", 0, "valve", x=101.0, y=64.5, line=2).label
        'valve'
    """

    image: str
    frame: int | None
    label: str
    x: float
    y: float
    line: int
    unit: str = "line"

    def __post_init__(self) -> None:
        object.__setattr__(self, "label", composed(self.label))


def read_examples_csv(path: str | os.PathLike[str]) -> list[Example]:
    """Read examples from a CSV file with the columns ``image,frame,label,x,y``.

    The columns may have any order, and further columns are ignored, so a ``landmarks.csv`` serves as examples.
    ``frame`` is empty for a still image. :func:`scripts.io.csv_table.read_csv_rows` tells how the file may be written.

    Args:
        path: the file.

    Returns:
        At least one example, in file order; x and y in pixels of the original image.

    Raises:
        InputError: if there is no such file, or for any fault in it; the message names the file, the line and how to
            mend it.

    Example:
        >>> [(example.label, example.x, example.y) for example in read_examples_csv("e.csv")]  # doctest: +SKIP
        [('valve', 101.0, 64.5)]
    """
    rows = read_csv_columns(path, EXAMPLE_COLUMNS, row="example", meaning="marked point", numbers=_NUMBERS)
    return [_example(cells, line, f"{path}, line {line}") for line, cells in rows]


def _example(cells: dict[str, str], line: int, where: str) -> Example:
    for name, what in (("image", "the name of the image"), ("label", "the name of the landmark")):
        if not cells[name]:
            raise InputError(f"{where}: {name} is empty. Write {what}.")
    return Example(
        image=cells["image"],
        frame=parse_frame("frame", cells["frame"], where, "a still image"),
        label=cells["label"],
        x=parse_pixels("x", cells["x"], where),
        y=parse_pixels("y", cells["y"], where),
        line=line,
    )
