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
"""Points of a DICOM Structured Report as examples on the images that it refers to."""

from __future__ import annotations

import os
from collections.abc import Iterable, Sequence
from typing import NamedTuple

import pydicom

from scripts.data.marked_image import MarkedImage
from scripts.io.dicom_sr import ReportPoint
from scripts.io.examples_csv import Example
from scripts.io.functional_groups import number_of_frames
from scripts.io.input_error import InputError

__all__ = ["report_examples"]


class _File(NamedTuple):
    """A DICOM file: the image that it is of, its first frame there, and how many it has."""

    image: MarkedImage
    first: int
    frames: int


def report_examples(
    points: Sequence[ReportPoint],
    images: Iterable[MarkedImage],
    path: str | os.PathLike[str],
    *,
    skip_others: bool = False,
) -> list[Example]:
    """Find the images of a report's points by their SOP Instance UIDs.

    Args:
        points: the points of the report.
        images: where their files are looked for; headers are read until all are found.
        path: the report, for messages.
        skip_others: leave out points on files that are not there, rather than refuse them.

    Returns:
        An example a point, in the same order; images are named by the full path of their first file.

    Raises:
        InputError: a point has a place in the patient only, is on a file that is not there, or on a frame that the file
            has not.

    Example:
        >>> report_examples(read_dicom_sr("sr/clip.dcm"), dataset.series, "sr/clip.dcm")[0].label  # doctest: +SKIP
        'valve'
    """
    files = _find_files(images, {point.image_uid for point in points if point.image_uid is not None})
    examples = []
    for number, point in enumerate(points, start=1):
        where = f"{path}, point {number}: {point.label!r}"
        if point.image_uid is None:
            raise InputError(f"{where} has a place in the patient only. Give a report with points on images.")
        if point.image_uid in files:
            examples.append(_example(point, number, files[point.image_uid], where))
        elif not skip_others:
            raise InputError(
                f"{where} is on the image with the SOP Instance UID {point.image_uid}, which is not in the data set. "
                "Add its file."
            )
    return examples


def _example(point: ReportPoint, number: int, file: _File, where: str) -> Example:
    image, first, count = file
    if point.frame is None and count > 1:
        raise InputError(f"{where} is on {image.name} and tells no frame, but there are {count}.")
    if point.frame is not None and point.frame >= count:
        raise InputError(f"{where} is of frame {point.frame}, but {image.name} has frames 0 to {count - 1}.")
    frame = first + (point.frame or 0)
    # a point on an image has both
    assert point.x is not None
    assert point.y is not None
    return Example(str(image.series.files[0].absolute()), frame, point.label, point.x, point.y, number, unit="point")


def _find_files(images: Iterable[MarkedImage], wanted: set[str]) -> dict[str, _File]:
    """The wanted files, by SOP Instance UID."""
    found: dict[str, _File] = {}
    for image in images:
        if found.keys() >= wanted:
            break
        first = 0
        for path in image.series.files if image.series.format == "dicom" else ():
            try:
                header = pydicom.dcmread(
                    path, specific_tags=["SOPInstanceUID", "NumberOfFrames"], stop_before_pixels=True
                )
                uid, count = str(header.get("SOPInstanceUID")), number_of_frames(header)
            except Exception:  # damaged, or not yet written to its end: not what a report was made of
                break
            if uid in wanted:
                found[uid] = _File(image, first, count)
            first += count
    return found
