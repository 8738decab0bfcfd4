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
"""The images that the examples of a live view may be on: each file is one of its own."""

from __future__ import annotations

import os
from collections.abc import Sequence
from functools import cached_property
from pathlib import Path

import numpy as np

from scripts.data.image_reader import SeriesImage, read_image_series
from scripts.data.image_series import ImageSeries, image_series_of, is_hidden
from scripts.io.input_error import InputError
from scripts.transforms.image_fit import ImageFit

__all__ = ["StreamImage", "find_stream_images"]


class StreamImage:
    """A file as a :class:`scripts.data.MarkedImage`, which is read when something is asked of its pixels or place.

    Args:
        series: the file.

    Example:
        >>> from pydicom.examples import get_path
        >>> image = StreamImage(image_series_of([get_path("ct")], Path(get_path("ct")).parent))
        >>> image.length, image.fit.original
        (1, (128, 128))
    """

    def __init__(self, series: ImageSeries) -> None:
        self.series = series

    @cached_property
    def _image(self) -> SeriesImage:
        return read_image_series(self.series)

    @property
    def name(self) -> str:
        """Path of the file from the folder that it was found in."""
        return self.series.name

    @property
    def affines(self) -> np.ndarray:
        """(T, 4, 4): index (x, y, 0, 1) to RAS mm."""
        return self._image.affines

    @property
    def length(self) -> int:
        """Number of frames T."""
        return len(self._image.frames)

    @property
    def fit(self) -> ImageFit:
        """Of its own size, px."""
        size = tuple(self._image.frames.shape[2:])
        return ImageFit(size, size)


def find_stream_images(folders: Sequence[str | os.PathLike[str]]) -> list[StreamImage]:
    """Find the files of images in some folders, and below the last of them, by their names; none is read.

    Args:
        folders: where to look; of a file that is in several, the first counts.

    Returns:
        A file each, of a series of DICOM files too.

    Example:
        >>> [image.name for image in find_stream_images(["incoming"])]  # doctest: +SKIP
        ['IM0001.dcm', 'IM0002.dcm']
    """
    found: dict[Path, StreamImage] = {}
    for folder in map(Path, folders):
        for parent, inner, names in os.walk(folder):
            inner[:] = sorted(inner) if folder == Path(folders[-1]) else []
            for file in (Path(parent, name) for name in sorted(names)):
                if file.resolve() in found or is_hidden(file, folder):
                    continue
                try:
                    found[file.resolve()] = StreamImage(image_series_of([file], folder))
                except InputError:  # no image, or one that may not be opened
                    continue
    return list(found.values())
