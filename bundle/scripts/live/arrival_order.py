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
"""The order in which frames were taken, of files that are found together."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping
from pathlib import Path

import pydicom
from pydicom import Dataset
from pydicom.misc import is_dicom
from pydicom.tag import Tag

from scripts.data.dicom_identity import told_uid
from scripts.data.dicom_series import SERIES_TAGS, divide_series_files
from scripts.data.frame_order import order_by_clock, order_by_time
from scripts.data.frame_times import read_times
from scripts.io.natural_order import natural_key
from scripts.live.folder_watcher import Arrival

__all__ = ["in_order_of_arrival"]

_TAGS = [Tag(name) for name in SERIES_TAGS]


def in_order_of_arrival(arrivals: Iterable[Arrival]) -> list[Arrival]:
    """Sort files by the time of their last change, then by name, in which numbers count as numbers.

    DICOM files among them are sorted by what they say themselves, for they may be sent in another order: those of one
    image as :func:`scripts.data.frame_order.order_by_time` sorts the frames of a series, with the order of arrival in
    place of the names. Of several images first the times of day tell whose turn it is. A file that tells no time and no
    number, or that cannot be read, is sorted by its last change.

    Args:
        arrivals: the files.

    Example:
        >>> from pathlib import Path
        >>> late, early = (Arrival(name, Path(name), 9, ns, 0.0) for name, ns in (("a.png", 7), ("b.png", 5)))
        >>> [one.name for one in in_order_of_arrival([late, early])]
        ['b.png', 'a.png']
    """
    ordered = sorted(arrivals, key=lambda one: (one.mtime_ns, natural_key(one.name)))
    if len(ordered) < 2:
        return ordered
    headers = {one.path: header for one in ordered if (header := _timed_header(one.path)) is not None}
    by_path = {one.path: one for one in ordered}
    # the other files stay where they are
    dicom = iter(_in_order_of_time(headers))
    return [by_path[next(dicom)] if one.path in headers else one for one in ordered]


def _in_order_of_time(headers: Mapping[Path, Dataset]) -> list[Path]:
    """DICOM files that came in the order of ``headers``."""
    images = _images(headers)
    if len(images) == 1:
        return list(order_by_time(headers, list(headers))[0])
    turns = order_by_clock(headers, list(headers))
    image_of = {path: number for number, image in enumerate(images) for path in image}
    sorted_images = []
    for image in images:
        came = [path for path in turns if image_of[path] == image_of[image[0]]]
        sorted_images.append(iter(order_by_time({path: headers[path] for path in came}, came)[0]))
    return [next(sorted_images[image_of[path]]) for path in turns]


def _images(headers: Mapping[Path, Dataset]) -> list[list[Path]]:
    """Files of one image, as in a folder that is read as a whole, though a stream is one of stills too."""
    series: dict[str | None, dict[Path, Dataset]] = defaultdict(dict)
    for path, header in headers.items():
        series[told_uid(header, "SeriesInstanceUID")][path] = header
    return [image for files in series.values() for image in divide_series_files(files)[0]]


def _timed_header(path: Path) -> Dataset | None:
    """What a DICOM file tells of its series and its time; None where it tells no time and no number."""
    try:
        if not is_dicom(path):
            return None
        header = pydicom.dcmread(path, stop_before_pixels=True, specific_tags=_TAGS)
        told = any(values != [None] for values in read_times([header]).values())
    except Exception:  # a damaged header raises errors of many kinds; the reader will tell
        return None
    return header if told else None
