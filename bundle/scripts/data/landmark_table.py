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

"""The command line of landmark tables: from a row for each image to a row for each landmark.

In ``bundle/``:

    python -m scripts.data.landmark_table --table points.csv --image_column file --output landmarks.csv
"""

from __future__ import annotations

import argparse
from collections import Counter
from collections.abc import Iterable, Sequence
from pathlib import Path, PurePosixPath

from scripts.data.image_series import is_hidden
from scripts.data.path_index import PathIndex
from scripts.io.csv_table import parse_pixels, read_csv_rows, write_csv
from scripts.io.examples_csv import EXAMPLE_COLUMNS
from scripts.io.input_error import InputError, report_input_errors
from scripts.io.name_index import nearest_names
from scripts.io.unicode_form import composed

__all__ = ["main"]


def _build_parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m scripts.data.landmark_table",
        description="Turn a table with a row for each image and the columns <label>_x and <label>_y into one with the "
        "columns image,frame,label,x,y. Positions are in px of the original image, x the column and y the row, and "
        "the centre of the first pixel is 0. An empty cell is a landmark that is not marked in the image.",
    )
    add = parser.add_argument
    add("--table", type=Path, required=True, metavar="FILE.csv", help="table to read, CSV")
    add("--image_column", default="image", metavar="NAME", help="its column of images (default: image)")
    add("--image_folder", default="", metavar="PATH", help="folder to put before the name of each image")
    add("--images", type=Path, metavar="DIR", help="find the images below this folder, write their paths from there")
    add("--labels", metavar="A,B", help="landmarks to take (default: all that have a column for x and one for y)")
    add("--output", type=Path, required=True, metavar="FILE.csv", help="file to write")
    return parser


def _choose_labels(header: list[str], image_column: str, wanted: str | None, where: str) -> list[str]:
    pairs = dict.fromkeys(name[:-2] for name in header if name[-2:] == "_x" != name and f"{name[:-2]}_y" in header)
    labels = list(pairs) if wanted is None else [label.strip() for label in composed(wanted).split(",")]
    there = f"its columns are {', '.join(map(repr, header)) or 'none'}"
    if image_column not in header:
        raise InputError(f"{where}: there is no column {image_column!r}; give --image_column; {there}")
    if not pairs:
        raise InputError(f"{where}: there is no label with a column <label>_x and a column <label>_y; {there}")
    for label in labels:
        if label not in pairs:
            raise InputError(f"{where}: --labels has {label!r}, but the labels are {', '.join(pairs)}")
    for name in (image_column, *(f"{label}_{axis}" for label in labels for axis in "xy")):
        if header.count(name) > 1:
            raise InputError(f"{where}: there is more than one column {name!r}; keep one")
    return labels


def _point(cells: dict[str, str], label: str, where: str) -> tuple[float, ...]:
    """The position (x, y), px; empty where the landmark is not marked."""
    columns = [f"{label}_x", f"{label}_y"]
    empty = [name for name in columns if not cells[name]]
    if len(empty) == 1:
        raise InputError(f"{where}: only {empty[0]} of {' and '.join(columns)} is empty; fill in both or none")
    return () if empty else tuple(parse_pixels(name, cells[name], where) for name in columns)


def _find_below(root: Path, names: Iterable[str]) -> dict[str, str]:
    """The path from ``root`` of each name, which is that path or the end of it."""
    if not root.is_dir():
        raise InputError(f"{root}: there is no such folder; --images must be the folder of the images")
    files = [
        path.relative_to(root).as_posix()
        for path in sorted(root.rglob("*"))
        if path.is_file() and not is_hidden(path, root)
    ]
    paths = PathIndex(files)
    found, missing = {}, []
    for name in dict.fromkeys(names):
        ends = paths.find(name)
        if len(ends) > 1:
            raise InputError(f"image {name!r} may be {' or '.join(ends[:3])} below {root}; tell with --image_folder")
        found[name] = "".join(ends)
        missing += [] if ends else [name]
    if missing:
        first = ", ".join(missing[:3]) + (", ..." if len(missing) > 3 else "")
        nearest = nearest_names(missing[0], files)
        raise InputError(
            f"{len(missing)} of {len(found)} images are not below {root}: {first}; correct --images{nearest}"
        )
    return found


def _read_points(options: argparse.Namespace) -> tuple[list[str], dict[str, dict[str, tuple[float, ...]]]]:
    """The labels, and by image and label the position, which is empty where the landmark is not marked."""
    content = "a row for each image and the columns <label>_x and <label>_y"
    table = read_csv_rows(options.table, content, is_number=lambda name: name.endswith(("_x", "_y")))
    line, header = next(table, (1, []))
    column = composed(options.image_column)
    labels = _choose_labels(header, column, options.labels, f"{options.table}, line {line}")
    points = {}
    for line, row in table:
        where, cells = f"{options.table}, line {line}", dict(zip(header, row, strict=True))
        name = str(PurePosixPath(options.image_folder, cells[column]))
        if not cells[column] or name in points:
            raise InputError(f"{where}: {column} is empty or has an image again; write a row for each")
        points[name] = {label: _point(cells, label, where) for label in labels}
    if not any(point for marks in points.values() for point in marks.values()):
        raise InputError(f"{options.table}: no landmark is marked in any image; fill in some positions")
    return labels, points


def main(arguments: Sequence[str] | None = None) -> None:
    """Turn a table as the command line says, and print in how many images each landmark is marked.

    Args:
        arguments: what follows the command; ``None`` takes it from ``sys.argv``.

    Raises:
        InputError: the table is at fault, or an image is not found or may be several files.

    Example:
        >>> main(["--table", "points.csv", "--output", "landmarks.csv"])  # doctest: +SKIP
    """
    options = _build_parser().parse_args(arguments)
    if options.output.is_dir() or options.output.resolve() == options.table.resolve():
        raise InputError(f"{options.output} is a folder or the table itself; --output must be another file")
    labels, points = _read_points(options)
    paths = _find_below(options.images, points) if options.images else {name: name for name in points}
    rows = [(paths[name], "", label, *at) for name, marks in points.items() for label, at in marks.items() if at]
    write_csv(options.output, EXAMPLE_COLUMNS, rows)
    marked = Counter(label for _, _, label, *_ in rows)
    width = max(map(len, ["label", *labels]))
    print(f"{'label':<{width}}{'images marked':>16}{'images not marked':>20}")
    for label in labels:
        print(f"{label:<{width}}{marked[label]:>16}{len(points) - marked[label]:>20}")
    print(f"wrote {options.output}")


if __name__ == "__main__":
    report_input_errors()
    main()
