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

"""The times and numbers in DICOM headers by which frames can be put in order."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

import numpy as np
from pydicom import Dataset

from scripts.io.functional_groups import frame_group

__all__ = ["RULES", "TIME_TAGS", "Moment", "moment_of", "moments_in_ms", "read_times", "value_of"]

TIME_TAGS = (
    "TriggerTime",
    "TemporalPositionIdentifier",
    "AcquisitionDateTime",
    "AcquisitionDate",
    "AcquisitionTime",
    "ContentDate",
    "ContentTime",
    "InstanceNumber",
    "AcquisitionNumber",
    "FrameIncrementPointer",
    "FrameTime",
    "FrameTimeVector",
)
_DAY_MS = 86_400_000.0
# a series is no longer than this if its days are not told
_HALF_DAY_MS = _DAY_MS / 2
# PS3.5 6.2, where parts may be left out from the end, and colons (ACR-NEMA) and dots as in old files
_TIME = re.compile(r"(\d\d)(?::?(\d\d)(?::?(\d\d)(\.\d*)?)?)?")
_DATE = re.compile(r"(\d{4})[.-]?(\d\d)[.-]?(\d\d)")
_DATE_TIME = re.compile(r"(\d{4})(\d\d)?(\d\d)?(?:(\d\d[\d.]*))?([+-]\d{4})?")


@dataclass(frozen=True)
class Moment:
    """A time of day, with its day and its distance from UTC where they are told.

    Attributes:
        ms: after midnight.
        day: number of the day, or None.
        zone_ms: what the local time is ahead of UTC, or None.
    """

    ms: float
    day: int | None = None
    zone_ms: float | None = None


def read_times(headers: Sequence[Dataset]) -> dict[str, list[float | None]]:
    """What files of one frame tell of their order in time.

    Args:
        headers: of the files of one series.

    Returns:
        For each rule, of the highest rank first, a number for each file, or None where that is absent or damaged:
        TriggerTime and the times in ms, the others as they are. Of a file with functional groups (PS3.3 C.7.6.16) those
        of its frame count. Only the differences of times mean something, see :func:`moments_in_ms`.

    Example:
        >>> headers = [Dataset(), Dataset()]
        >>> headers[0].AcquisitionTime, headers[1].AcquisitionTime = "235959.9", "000000.1"
        >>> first, second = read_times(headers)["AcquisitionTime"]
        >>> round(second - first)
        200
    """
    times: dict[str, list[float | None]] = {}
    for rule, read in RULES.items():
        values = [value_of(read, header) for header in headers]
        times[rule] = moments_in_ms(values) if rule in _MOMENTS else values
    return times


def moments_in_ms(moments: Sequence[Moment | None]) -> list[float | None]:
    """Put moments on one scale.

    Days and time zones count where all moments have them. Where no day is told, or the same for all though the times
    are more than twelve hours apart, midnight lies in the widest gap between two of them.

    Returns:
        ms; None where there is no moment.

    Example:
        >>> moments_in_ms([Moment(86_399_000.0), Moment(500.0), None])
        [86399000.0, 86400500.0, None]
    """
    known = [one for one in moments if one is not None]
    days = {one.day for one in known}
    zoned = all(one.zone_ms is not None for one in known)
    dated = len(days) > 1 and None not in days
    turned = 0.0 if dated else _after_midnight([one.ms for one in known])
    scale: list[float | None] = []
    for one in moments:
        if one is None:
            scale.append(None)
            continue
        day = float(one.day or 0) if dated else float(one.ms < turned)
        scale.append(day * _DAY_MS + one.ms - (one.zone_ms or 0.0 if zoned else 0.0))
    return scale


def _after_midnight(times: Sequence[float]) -> float:
    """Times of day before this one are of the next day, ms; 0 where none are."""
    ordered = sorted(set(times))
    if len(ordered) < 2 or ordered[-1] - ordered[0] <= _HALF_DAY_MS:
        return 0.0
    gaps = np.diff(ordered)
    widest = int(gaps.argmax())
    return ordered[widest + 1] if gaps[widest] > _DAY_MS - (ordered[-1] - ordered[0]) else 0.0


def moment_of(text: Any) -> Moment:
    """Read a date with time (DT).

    Raises:
        ValueError: it is none.

    Example:
        >>> moment_of("20240101083000.5+0100").ms
        30600500.0
    """
    found = _DATE_TIME.fullmatch(str(text).strip(" \0"))
    if found is None:
        raise ValueError("no date with time")
    year, month, day, clock, zone = found.groups()
    ahead = None
    if zone is not None:
        ahead = (int(zone[1:3]) * 60 + int(zone[3:5])) * 60_000.0 * (-1 if zone[0] == "-" else 1)
    return Moment(_clock_ms(clock or "00"), date(int(year), int(month or 1), int(day or 1)).toordinal(), ahead)


def _clock_ms(text: Any) -> float:
    """Read a time of day (TM), ms."""
    found = _TIME.fullmatch(str(text).strip(" \0"))
    if found is None:
        raise ValueError("no time of day")
    hours, minutes, seconds = (int(part or 0) for part in found.groups()[:3])
    # midnight may be written as 24 o'clock, and a leap second is the 60th
    if hours > 24 or minutes > 59 or seconds > 60:
        raise ValueError("no time of day")
    fraction = found[4] or ""
    return float(((hours * 60 + minutes) * 60 + seconds) * 1000) + (float(f"0{fraction}") * 1000 if fraction else 0.0)


def _day(text: Any) -> int | None:
    found = _DATE.fullmatch(str(text).strip(" \0"))
    try:
        return date(*map(int, found.groups())).toordinal() if found else None
    except ValueError:
        return None


def value_of(read: Callable[[Dataset], Any], header: Dataset | None) -> Any:
    """What an attribute tells, or None where it is absent, empty or damaged: no order is worth losing an image.

    Example:
        >>> value_of(lambda header: float(header.TriggerTime), Dataset()) is None
        True
    """
    try:
        value = None if header is None else read(header)
        return None if isinstance(value, float) and not np.isfinite(value) else value
    except Exception:  # a damaged value raises errors of many kinds
        return None


def _date_and_time(name: str) -> Callable[[Dataset], Moment]:
    return lambda header: Moment(_clock_ms(header[f"{name}Time"].value), _day(header.get(f"{name}Date") or ""))


def _own(header: Dataset, group: str, name: str, plain: str) -> Any:
    """An attribute of the first frame's functional group, else one of the file."""
    item = frame_group(header, group, 0)
    value = None if item is None else item.get(name)
    return header[plain].value if value in (None, "") else value


RULES: dict[str, Callable[[Dataset], Any]] = {
    "TriggerTime": lambda header: float(
        _own(header, "CardiacSynchronizationSequence", "NominalCardiacTriggerDelayTime", "TriggerTime")
    ),
    "TemporalPositionIdentifier": lambda header: float(
        _own(header, "FrameContentSequence", "TemporalPositionIndex", "TemporalPositionIdentifier")
    ),
    "AcquisitionDateTime": lambda header: moment_of(
        _own(header, "FrameContentSequence", "FrameAcquisitionDateTime", "AcquisitionDateTime")
    ),
    "AcquisitionTime": _date_and_time("Acquisition"),
    "ContentTime": _date_and_time("Content"),
    "InstanceNumber": lambda header: float(header.InstanceNumber),
    "AcquisitionNumber": lambda header: float(header.AcquisitionNumber),
}
_MOMENTS = ("AcquisitionDateTime", "AcquisitionTime", "ContentTime")
