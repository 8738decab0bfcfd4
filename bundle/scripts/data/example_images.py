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

"""The examples of a file, found on disk and checked against their images."""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import torch

from scripts.data.example_files import read_example_file, select_labels
from scripts.data.frame_dataset import FrameDataset
from scripts.data.image_series import ImageSeries, select_series
from scripts.data.prepared_series import PreparedSeries, prepare_series
from scripts.io.examples_csv import Example
from scripts.io.input_error import InputError

__all__ = ["ExamplePoint", "read_example_points"]


@dataclass(frozen=True)
class ExamplePoint:
    """A point given on one frame.

    Attributes:
        label: name of the landmark.
        prepared: the series that it is given on.
        frame: index of the frame in that series.
        point: (2,), px of the original image.
    """

    label: str
    prepared: PreparedSeries
    frame: int
    point: torch.Tensor

    @property
    def image(self) -> torch.Tensor:
        """The frame as the network sees it, ``(1, 1, *image_size)``."""
        return self.prepared.image(self.frame)

    @property
    def network_point(self) -> torch.Tensor:
        """(2,), px of the network's image."""
        return self.prepared.fit.to_network(self.point)


def read_example_points(
    path: str | os.PathLike[str] | None,
    dataset: FrameDataset,
    dataset_dir: str | os.PathLike[str],
    labels: Sequence[str] | None = None,
) -> list[ExamplePoint]:
    """Read ``image,frame,label,x,y`` rows or points of another file, and find and check their images.

    Points of 3D Slicer and of DICOM reports are of images of the data set, see :func:`scripts.data.read_example_file`.
    In a CSV file an image's path is absolute, or relative to the CSV file or to the data set's folder; it need not lie
    in the data set. ``frame`` is empty for still images; for a file of a single-frame DICOM series it may be empty too
    and then means that file's frame.

    Args:
        path: the file; None gives no examples.
        dataset: the data set, whose series are not read twice.
        dataset_dir: its folder, or its one file.
        labels: the landmarks that are wanted; None for all in the file.

    Returns:
        The points, in file order.

    Raises:
        InputError: the file is at fault (see :func:`scripts.data.read_example_file`), an image is unknown or
            unreadable, a frame is missing or out of range, a point lies outside its image, or a wanted label has no
            example.

    Example:
        >>> [(one.label, one.frame) for one in read_example_points("e.csv", dataset, "clips")]  # doctest: +SKIP
        [('valve', 0)]
    """
    if path is None:
        return []
    rows = select_labels(read_example_file(path, dataset.series), labels, path)
    folder = Path(dataset_dir)
    near = [Path(path).parent, folder.parent if folder.is_file() else folder]
    known = {prepared.series: prepared for prepared in dataset.series}
    points = []
    for row in rows:
        try:
            points.append(_example_point(row, known, near, dataset))
        except InputError as error:
            raise InputError(f"{path}, {row.unit} {row.line}: {error}") from error
    return points


def _example_point(
    row: Example, known: dict[ImageSeries, PreparedSeries], near: Sequence[Path], dataset: FrameDataset
) -> ExamplePoint:
    series = select_series(known, row.image, near)
    if series not in known:
        known[series] = prepare_series(series, dataset.prepare)
    prepared = known[series]
    frame = _frame_index(row, prepared, near)
    point = torch.tensor([row.x, row.y])
    if not prepared.fit.contains(point):
        fit = prepared.fit
        size = " x ".join(map(str, fit.original))
        region = "" if fit.region is None else f", region {list(fit.region)}"
        raise InputError(
            f"example {row.label!r} at ({row.x:g}, {row.y:g}) lies outside {row.image} ({size} px{region}); "
            "x is the column and y the row, and the first pixel is 0"
        )
    return ExamplePoint(row.label, prepared, frame, point)


def _frame_index(row: Example, prepared: PreparedSeries, near: Sequence[Path]) -> int:
    count, files = prepared.length, prepared.series.files
    if row.frame is not None:
        if row.frame >= count:
            raise InputError(f"frame {row.frame} of {row.image} does not exist; it has frames 0 to {count - 1}")
        return row.frame
    if count == 1:
        return 0
    named = [(folder / row.image).resolve() for folder in near]
    own = [i for i, file in enumerate(files) if len(files) > 1 and file.resolve() in named]
    if not own:
        raise InputError(f"{row.image} has {count} frames; tell in the column 'frame' which one the example is on")
    return own[0]
