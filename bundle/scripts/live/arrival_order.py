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

from collections.abc import Iterable

import pydicom
from pydicom.misc import is_dicom

from scripts.live.folder_watcher import Arrival

__all__ = ["in_order_of_arrival"]

_TIMES = ["AcquisitionDate", "AcquisitionTime", "ContentDate", "ContentTime"]
_TAGS = [*_TIMES, "InstanceNumber"]


def in_order_of_arrival(arrivals: Iterable[Arrival]) -> list[Arrival]:
    """Sort files by the time of their last change, then by name.

    DICOM files among them are sorted by what they say themselves, for they may be sent in another order: by
    AcquisitionTime, then ContentTime, then InstanceNumber. A file that has none of these, or that cannot be read, is
    sorted by its last change.

    Args:
        arrivals: the files.

    Example:
        >>> from pathlib import Path
        >>> late, early = (Arrival(name, Path(name), 9, ns, 0.0) for name, ns in (("a.png", 7), ("b.png", 5)))
        >>> [one.name for one in in_order_of_arrival([late, early])]
        ['b.png', 'a.png']
    """
    ordered = sorted(arrivals, key=lambda one: (one.mtime_ns, one.name))
    if len(ordered) < 2:
        return ordered
    keys = {one.name: key for one in ordered if (key := _dicom_key(one)) is not None}
    # the sort is stable: files of the same key stay in the order of their last change
    dicom = iter(sorted((one for one in ordered if one.name in keys), key=lambda one: keys[one.name]))
    return [next(dicom) if one.name in keys else one for one in ordered]


def _dicom_key(arrival: Arrival) -> tuple[str, str, int] | None:
    """Acquisition and content time as text that sorts by time, and the instance; None where there is none of them."""
    try:
        if not is_dicom(arrival.path):
            return None
        header = pydicom.dcmread(arrival.path, stop_before_pixels=True, specific_tags=_TAGS)
        acquired_on, acquired_at, made_on, made_at = (str(header.get(tag) or "") for tag in _TIMES)
        acquired = acquired_on + acquired_at if acquired_at else ""
        made = made_on + made_at if made_at else ""
        key = acquired, made, int(header.get("InstanceNumber") or 0)
    except Exception:  # a damaged header raises errors of many kinds; the reader will tell
        return None
    return key if any(key) else None
