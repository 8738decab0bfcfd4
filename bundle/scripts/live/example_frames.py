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
"""The examples of a live stream, as frames in their original pixels."""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import torch

from scripts.data.example_files import is_examples_csv, read_example_file, select_labels
from scripts.data.image_reader import SeriesImage, read_image_series
from scripts.data.image_series import image_series_of
from scripts.io.examples_csv import Example
from scripts.io.input_error import InputError
from scripts.io.name_index import nearest_names
from scripts.io.named_file import find_file
from scripts.live.stream_image import find_stream_images

__all__ = ["ExampleFrame", "read_example_frames"]


@dataclass(frozen=True)
class ExampleFrame:
    """A frame with the examples that are given on it.

    Attributes:
        image: (X, Y), float32, in the units of its file.
        points: (x, y) of each example, px.
        labels: the landmark of each.
        where: file and line of the first one, for messages.
        spacing: distance of pixel centres along x and y, mm; where the file does not tell, of a made-up place.
        name: of the image, and the frame where it has several, for messages.
    """

    image: torch.Tensor
    points: list[tuple[float, float]]
    labels: list[str]
    where: str
    spacing: tuple[float, float]
    name: str


def read_example_frames(
    path: str | os.PathLike[str] | None,
    folder: str | os.PathLike[str],
    labels: Sequence[str] | None = None,
    *,
    voi: bool = False,
) -> list[ExampleFrame]:
    """Read examples from a CSV file, Markups, FCSV or a DICOM report, and the frames that they are on.

    Each row of a CSV file names an image file, absolute, or relative to the CSV file or to the folder of the stream;
    the images of other files, see :func:`scripts.data.read_example_file`, are looked for beside them and in and below
    that folder. Unlike for a finished data set, DICOM files of a series are not put together, as the series is still
    growing: each is an image of its own, and in CSV ``frame`` is empty for a file of one frame.

    Args:
        path: the file, or a folder of Markups and FCSV files.
        folder: into which the stream is written.
        labels: the landmarks that are wanted; None for all in the file.
        voi: apply the window of DICOM files, see :func:`scripts.data.read_image_series`.

    Returns:
        At least one, all of one size, in file order.

    Raises:
        InputError: there is no file, or it is at fault (see :func:`scripts.data.read_example_file`); an image is
            missing or unreadable, has not that frame, does not hold the point or is not of the size of the others; or
            a wanted label has no example.

    Example:
        >>> [frame.labels for frame in read_example_frames("examples.csv", "incoming")]  # doctest: +SKIP
        [['valve', 'apex']]
    """
    if path is None:
        raise InputError("landmarks are found from examples; give --examples FILE.csv (image,frame,label,x,y)")
    near = [Path(path).parent, Path(folder)]
    # the folder of the stream may have many files: a CSV file names its own
    rows = read_example_file(path, () if is_examples_csv(path) else find_stream_images(near))
    images: dict[Path, SeriesImage] = {}
    frames: dict[tuple[Path, int], ExampleFrame] = {}
    for row in select_labels(rows, labels, path):
        where = f"{path}, {row.unit} {row.line}"
        try:
            _add(row, where, near, images, frames, voi)
        except InputError as error:
            raise InputError(f"{where}: {error}") from error
    return list(frames.values())


def _add(
    row: Example,
    where: str,
    near: Sequence[Path],
    images: dict[Path, SeriesImage],
    frames: dict[tuple[Path, int], ExampleFrame],
    voi: bool,
) -> None:
    file = find_file(row.image, near)
    if file is None or not file.is_file():
        places = " or ".join(map(str, near))
        nearest = nearest_names(row.image, [one.name for one in find_stream_images(near)])
        raise InputError(f"image {row.image!r} is neither an existing file nor found below {places}{nearest}")
    if file not in images:
        images[file] = read_image_series(image_series_of([file], file.parent), voi=voi)
    image = images[file].frames
    if row.frame is None and len(image) > 1:
        raise InputError(f"{row.image} has {len(image)} frames; tell in the column 'frame' which one the example is on")
    if (row.frame or 0) >= len(image):
        raise InputError(
            f"frame {row.frame} of {row.image} does not exist; it has {len(image)}. "
            "Name the file of the frame itself, and leave 'frame' empty"
        )
    key = file, row.frame or 0
    spacing = images[file].pixel_size
    name = row.image if row.frame is None else f"{row.image}, frame {row.frame}"
    shown = frames.setdefault(key, ExampleFrame(image[key[1], 0], [], [], where, spacing, name))
    _check(row, shown, next(iter(frames.values())))
    shown.points.append((row.x, row.y))
    shown.labels.append(row.label)


def _check(row: Example, shown: ExampleFrame, first: ExampleFrame) -> None:
    width, height = shown.image.shape
    if not (-0.5 <= row.x <= width - 0.5 and -0.5 <= row.y <= height - 0.5):
        raise InputError(
            f"example {row.label!r} at ({row.x:g}, {row.y:g}) lies outside {row.image} ({width} x {height} px); "
            "x is the column and y the row, and the first pixel is 0"
        )
    if shown.image.shape != first.image.shape:
        raise InputError(
            f"{row.image} has {width} x {height} px, the image of {first.where} "
            f"{first.image.shape[0]} x {first.image.shape[1]}; give examples on frames of the stream's size"
        )
