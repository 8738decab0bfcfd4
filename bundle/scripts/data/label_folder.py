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

"""The landmarks that people set with the annotation page, found in its folder beside their images."""

from __future__ import annotations

import logging
import os
from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from scripts.data.image_series import ImageSeries, find_image_series
from scripts.data.marked_image import MarkedImage
from scripts.io.examples_csv import Example
from scripts.io.input_error import InputError
from scripts.io.label_file import LabelPoint, read_label
from scripts.io.name_index import NameIndex, nearest_names

__all__ = ["LabelledSeries", "find_label_files", "label_folder_examples", "labelled_series"]

_LABELS, _FINAL = ".landmarks", "final"


@dataclass(frozen=True)
class LabelledSeries:
    """An image with the landmarks that people have set on it.

    Attributes:
        name: path of its first file relative to the folder of images, with forward slashes.
        series: its files.
        points: at least one; of a series with the frame of each.
        where: the file of the landmarks relative to the folder of images, for messages.
    """

    name: str
    series: ImageSeries
    points: tuple[LabelPoint, ...]
    where: str


def find_label_files(path: str | os.PathLike[str]) -> list[Path]:
    """Find the files of the landmarks that people have set on the images of a folder.

    Args:
        path: the folder of images, or ``.landmarks`` in it. Anything else has no such files.

    Returns:
        A file for each image that was annotated, sorted; what the network found is not among them.

    Example:
        >>> find_label_files("images")  # doctest: +SKIP
        [PosixPath('/data/images/.landmarks/final/clip.dcm.json')]
    """
    files = (_images_folder(path) / _LABELS / _FINAL).glob("*.json")
    return sorted(file for file in files if not file.name.startswith("."))


def labelled_series(path: str | os.PathLike[str]) -> list[LabelledSeries]:
    """Read the landmarks that people have set on the images of a folder.

    A file of landmarks whose image is gone is left out with a warning, as the page leaves it out.

    Args:
        path: as in :func:`find_label_files`.

    Returns:
        The images that have at least one, sorted by the names of the landmarks' files.

    Raises:
        InputError: a file of landmarks is damaged, or there is no landmark.

    Example:
        >>> [(one.name, one.points[0].label) for one in labelled_series("images")]  # doctest: +SKIP
        [('clip.dcm', 'valve')]
    """
    folder = _images_folder(path)
    labels = {file: points for file in find_label_files(path) if (points := read_label(file).points)}
    images = _images_by_id(find_image_series(folder)) if labels else {}
    index, labelled = NameIndex(images), []
    for file, points in labels.items():
        where = file.relative_to(folder).as_posix()
        if (series := _find(index, file)) is not None:
            labelled.append(LabelledSeries(series.name, series, points, where))
            continue
        nearest = nearest_names(file.stem, images)
        told = "%s is left out: its image is not in %s any more%s"
        logging.getLogger("ImageSeries").warning(told, file, folder, nearest)
    if not labelled:
        raise InputError(f"{folder}: no landmark is set yet on its images. Set one with the annotation page.")
    return labelled


def label_folder_examples(
    path: str | os.PathLike[str], images: Iterable[MarkedImage], *, skip_others: bool = False
) -> list[Example]:
    """Take the landmarks that people have set on the images of a folder for examples.

    Args:
        path: as in :func:`find_label_files`.
        images: the data set, in which images are looked for.
        skip_others: pass over landmarks on images that are not in the data set.

    Returns:
        Examples; x and y in px of the original image, which is named by the full path of its first file or, outside of
        the data set, of the frame's.

    Raises:
        InputError: as :func:`labelled_series`; or a landmark is of a frame that the image has not.

    Example:
        >>> [one.label for one in label_folder_examples("images", dataset.series)]  # doctest: +SKIP
        ['valve']
    """
    known = {file.resolve(): (one.series, number) for one in images for number, file in enumerate(one.series.files)}
    examples = []
    for one in labelled_series(path):
        for number, point in enumerate(one.points, start=1):
            file, frame = _frame_file(one, point)
            if (found := known.get(file.resolve())) is not None:
                series, place = found
                file, frame = series.files[0], place if len(series.files) > 1 else frame
            elif skip_others:
                continue
            unit = f"{one.where}, landmark"
            examples.append(Example(str(file.absolute()), frame, point.label, point.x, point.y, number, unit=unit))
    return examples


def _frame_file(one: LabelledSeries, point: LabelPoint) -> tuple[Path, int | None]:
    """The file that a landmark is on, and which of the file's frames it is on."""
    files = one.series.files
    if len(files) == 1:
        return files[0], point.frame
    if point.frame is None or not 0 <= point.frame < len(files):
        raise InputError(
            f"{one.where}: {point.label!r} is of frame {point.frame}, but {one.name} has {len(files)} files of one "
            "frame each; annotate it again"
        )
    return files[point.frame], None


def _find(images: NameIndex[ImageSeries], file: Path) -> ImageSeries | None:
    """The image that a file of landmarks is named after."""
    try:
        return images.find(file.stem)
    except InputError as error:
        raise InputError(f"{file}: {error}") from error


def _images_folder(path: str | os.PathLike[str]) -> Path:
    place = Path(path).absolute()
    return place.parent if place.name == _LABELS else place


def _images_by_id(found: Sequence[ImageSeries]) -> dict[str, ImageSeries]:
    """The images by the page's ids: their names with ``~`` for ``/``, or folders of one image from a DICOM server."""
    by_folder = defaultdict(list)
    images: dict[str, ImageSeries] = {}
    for one in found:
        images.setdefault(one.name.replace("/", "~"), one)
        by_folder[one.name.partition("/")[0]].append(one)
    return {folder: inside[0] for folder, inside in by_folder.items() if len(inside) == 1} | images
