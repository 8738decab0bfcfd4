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
"""Landmarks that are known, to judge by."""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import replace

from scripts.data.example_files import read_example_file
from scripts.data.marked_image import MarkedImage
from scripts.io.examples_csv import Example
from scripts.io.input_error import InputError
from scripts.io.name_index import NameIndex

__all__ = ["read_known_landmarks"]


def read_known_landmarks(path: str | os.PathLike[str], images: Sequence[MarkedImage]) -> list[Example]:
    """Read landmarks from any file that :func:`scripts.data.read_example_file` reads.

    Args:
        path: the file; a CSV file names images as the data set does, and a DICOM series by any of its files.
        images: the data set. A CSV file may have rows of other images too; points of other files that are on other
            images are passed over.

    Returns:
        The landmarks, with their images named as in the data set; x and y in px of the original image.

    Raises:
        InputError: the file is at fault.

    Example:
        >>> read_known_landmarks("markups/clip.dcm.mrk.json", dataset.series)[0].image  # doctest: +SKIP
        'clip.dcm'
    """
    frames: dict[str, tuple[str, int]] = {}
    for one in images:
        frames |= {name: (one.name, frame) for frame, name in enumerate(one.series.file_names)}
        frames[str(one.series.files[0].absolute())] = one.name, 0
    index = NameIndex(frames)
    return [_in_data_set(row, index, path) for row in read_example_file(path, images, skip_others=True)]


def _in_data_set(row: Example, index: NameIndex[tuple[str, int]], path: str | os.PathLike[str]) -> Example:
    try:
        name, frame = index.find(row.image) or (row.image, 0)
    except InputError as error:
        raise InputError(f"{path}, {row.unit} {row.line}: {error}") from error
    # a file of a series of single frames, where no frame is told, is its own frame
    return replace(row, image=name, frame=frame if row.frame is None and frame else row.frame)
