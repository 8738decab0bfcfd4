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

"""The order of frames in time, and the time between them."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, date, datetime, time
from pathlib import Path
from typing import Any

import numpy as np
from pydicom import Dataset
from pydicom.valuerep import DA, DT, TM

from scripts.io.functional_groups import functional_groups

__all__ = ["file_interval", "frame_interval", "is_stored_in_order", "order_by_time"]

_US_OF_DAY = 86_400_000_000
_REGULAR = 0.1  # a step between frames may differ from the median by this share of it, or by 1 ms
_NAMES_LAST = "file name"


def order_by_time(headers: Mapping[Path, Dataset]) -> tuple[tuple[Path, ...], str]:
    """Put the single-frame files of a series in the order of time.

    The rule is the first of TriggerTime, TemporalPositionIdentifier, AcquisitionDateTime, AcquisitionTime (with its
    date), ContentTime (with its date) and InstanceNumber that all files have and that tells them all apart. Where there
    is none, files are ordered by InstanceNumber, then by name.

    Args:
        headers: of each file, as :func:`scripts.data.dicom_header.read_dicom_header` gives it.

    Returns:
        The files, and the rule in words.

    Example:
        >>> headers = {Path("a.dcm"): Dataset(), Path("b.dcm"): Dataset()}
        >>> headers[Path("a.dcm")].TriggerTime, headers[Path("b.dcm")].TriggerTime = 40, 0
        >>> [path.name for path in order_by_time(headers)[0]], order_by_time(headers)[1]
        (['b.dcm', 'a.dcm'], 'TriggerTime')
    """
    for rule, read in _RULES.items():
        values = {path: _value(read, header) for path, header in headers.items()}
        if None not in values.values() and len(set(values.values())) == len(values):
            return tuple(sorted(values, key=values.__getitem__)), rule
    numbers = {path: _value(_RULES["InstanceNumber"], header) or 0.0 for path, header in headers.items()}
    rule = f"InstanceNumber, then {_NAMES_LAST}" if len(set(numbers.values())) > 1 else _NAMES_LAST
    return tuple(sorted(headers, key=lambda path: (numbers[path], path))), rule


def file_interval(headers: Sequence[Dataset]) -> float | None:
    """Time between the frames of a series of single-frame files, by TriggerTime or the time of acquisition.

    ContentTime does not count: it may be the time when an image was computed.

    Args:
        headers: in the order of time.

    Returns:
        ms, or None where no such time is told or frames are not evenly spaced.

    Example:
        >>> headers = [Dataset(), Dataset(), Dataset()]
        >>> for i, header in enumerate(headers):
        ...     header.AcquisitionTime = f"10000{i}.5"
        >>> file_interval(headers)
        1000.0
    """
    for rule, per_ms in (("TriggerTime", 1.0), ("AcquisitionDateTime", 1000.0), ("AcquisitionTime", 1000.0)):
        times = [_value(_RULES[rule], header) for header in headers]
        if None not in times and (step := _regular_step([one / per_ms for one in times])) is not None:
            return step
    return None


def frame_interval(dataset: Dataset) -> float | None:
    """Time between the frames of one file.

    It is told by FrameTime, by FrameTimeVector, or, in an enhanced file, by the first of the frames' nominal trigger
    delay, temporal position offset, acquisition time and reference time that all have and that is evenly spaced.

    Args:
        dataset: the file.

    Returns:
        ms, or None where the file does not tell or frames are not evenly spaced.

    Example:
        >>> dataset = Dataset()
        >>> dataset.FrameTime = 40
        >>> frame_interval(dataset)
        40.0
    """
    step = _value(lambda one: float(one.FrameTime), dataset)
    if step is not None and 0 < step < np.inf:
        return step
    vector = _value(lambda one: [float(value) for value in one.FrameTimeVector], dataset)
    if vector is not None and len(vector) > 1:
        # the first is the time before the first frame
        return _regular_step(np.cumsum(vector))
    return next((found for times in _frame_times(dataset) if (found := _regular_step(times)) is not None), None)


def is_stored_in_order(dataset: Dataset) -> bool:
    """Tell whether no time or temporal index of an enhanced file's frames runs backwards.

    Example:
        >>> is_stored_in_order(Dataset())
        True
    """
    indices = [_value(lambda one: float(one.TemporalPositionIndex), one) for one in _groups(dataset, "FrameContent")]
    orders = [*_frame_times(dataset), *([indices] if indices and None not in indices else [])]
    return all((np.diff(order) >= 0).all() for order in orders)


def _frame_times(dataset: Dataset) -> list[list[float]]:
    """Times of the frames of an enhanced file, ms; one list for each attribute that all frames have."""
    told = (
        ("CardiacSynchronization", lambda one: float(one.NominalCardiacTriggerDelayTime)),
        ("TemporalPosition", lambda one: float(one.TemporalPositionTimeOffset) * 1000.0),
        ("FrameContent", lambda one: _moment(DT(one.FrameAcquisitionDateTime)) / 1000.0),
        ("FrameContent", lambda one: _moment(DT(one.FrameReferenceDateTime)) / 1000.0),
    )
    times = [[_value(read, group) for group in _groups(dataset, name)] for name, read in told]
    return [one for one in times if one and None not in one]


def _groups(dataset: Dataset, name: str) -> list[Dataset | None]:
    return functional_groups(dataset, f"{name}Sequence")


def _regular_step(times: Sequence[float] | np.ndarray) -> float | None:
    """Mean step of times in ms, or None where they do not grow evenly."""
    steps = np.diff(np.asarray(times, dtype=float))
    if len(steps) == 0 or not np.isfinite(steps).all() or steps.min() <= 0:
        return None
    median = float(np.median(steps))
    return float(steps.mean()) if np.abs(steps - median).max() <= max(_REGULAR * median, 1.0) else None


def _value(read: Callable[[Dataset], Any], header: Dataset | None) -> Any:
    """What an attribute tells, or None where it is absent, empty or damaged: no order is worth losing an image."""
    try:
        value = None if header is None else read(header)
        return None if isinstance(value, float) and not np.isfinite(value) else value
    except Exception:  # a damaged value raises errors of many kinds
        return None


def _moment(when: datetime) -> float:
    """Microseconds; only their differences mean something."""
    if when.tzinfo is not None:
        when = when.astimezone(UTC).replace(tzinfo=None)
    return (when.toordinal() * _US_OF_DAY) + _of_day(when.time())


def _of_day(when: time) -> float:
    return float(((when.hour * 60 + when.minute) * 60 + when.second) * 1_000_000 + when.microsecond)


def _date_and_time(header: Dataset, name: str) -> float:
    day: date | None = DA(header[f"{name}Date"].value) if header.get(f"{name}Date") else None
    return (day.toordinal() * _US_OF_DAY if day else 0.0) + _of_day(TM(header[f"{name}Time"].value))


_RULES: dict[str, Callable[[Dataset], float]] = {
    "TriggerTime": lambda header: float(header.TriggerTime),
    "TemporalPositionIdentifier": lambda header: float(header.TemporalPositionIdentifier),
    "AcquisitionDateTime": lambda header: _moment(DT(header.AcquisitionDateTime)),
    "AcquisitionTime": lambda header: _date_and_time(header, "Acquisition"),
    "ContentTime": lambda header: _date_and_time(header, "Content"),
    "InstanceNumber": lambda header: float(header.InstanceNumber),
}
