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

"""The order of single-frame files in time."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
from pydicom import Dataset

from scripts.data.frame_interval import regular_step
from scripts.data.frame_times import read_times
from scripts.io.natural_order import natural_key

__all__ = ["order_by_clock", "order_by_time"]

_NAMES_LAST = "file name"
# times of which even steps are a sign that they are right; ContentTime may be the time of a computation
_CLOCKS = ("TriggerTime", "AcquisitionDateTime", "AcquisitionTime")
# two attributes that one clock wrote do not confirm each other
_CLOCK_OF = {"AcquisitionDateTime": "acquisition", "AcquisitionTime": "acquisition"}
_JITTER = 0.05  # trigger times that differ by less than this share of the delay are one delay
# of what does not tell all files apart: times first, then numbers, which begin again in each acquisition
_COARSE = (
    "AcquisitionDateTime",
    "AcquisitionTime",
    "ContentTime",
    "TemporalPositionIdentifier",
    "AcquisitionNumber",
    "InstanceNumber",
    "TriggerTime",
)


def order_by_time(
    headers: Mapping[Path, Dataset], fallback: Sequence[Path] | None = None
) -> tuple[tuple[Path, ...], str]:
    """Put the single-frame files of a series in the order of time.

    The rules are TriggerTime, TemporalPositionIdentifier, AcquisitionDateTime, AcquisitionTime (with its date),
    ContentTime (with its date), InstanceNumber and AcquisitionNumber, see
    :func:`scripts.data.frame_times.read_times`. Those count that all files have and that tell them all apart. One that
    another contradicts may be wrong: TriggerTime is the delay after a heart beat, which jitters where each frame has a
    beat of its own, and which begins again in every beat of a stream. So the rule is the first of these, by rank:

    1. one with even steps, of TriggerTime and the times of acquisition, whose order another rule confirms,
    2. one with even steps, of these,
    3. one whose order another confirms,
    4. a time of acquisition, or one with even steps, of all: a number of an instance has them always,
    5. any.

    Where none tells all files apart, they are ordered by the times and numbers that tell some of them apart, then by
    name.

    Args:
        headers: of each file, as :func:`scripts.data.dicom_header.read_dicom_header` gives it.
        fallback: the files in the order that stands in for that of names, in which numbers count as numbers.

    Returns:
        The files, and the rule in words.

    Example:
        >>> headers = {Path("a.dcm"): Dataset(), Path("b.dcm"): Dataset()}
        >>> headers[Path("a.dcm")].TriggerTime, headers[Path("b.dcm")].TriggerTime = 40, 0
        >>> [path.name for path in order_by_time(headers)[0]], order_by_time(headers)[1]
        (['b.dcm', 'a.dcm'], 'TriggerTime')
    """
    paths = _in_fallback_order(headers, fallback)
    times = read_times([headers[path] for path in paths])
    told = {rule: np.array(values) for rule, values in times.items() if None not in values}
    orders = {rule: np.argsort(values) for rule, values in told.items() if len(set(values)) == len(paths)}
    if orders:
        # the first of the best
        rule = max(orders, key=lambda one: _trust(one, orders, told))
        return tuple(paths[i] for i in orders[rule]), rule
    return _order_by_some(paths, times)


def order_by_clock(headers: Mapping[Path, Dataset], fallback: Sequence[Path]) -> tuple[Path, ...]:
    """Put files of several series in order, by the times of day that they tell, then by number.

    A trigger time or a number of one series says nothing of another, so that no rule must tell all files apart.

    Args:
        headers: of each file.
        fallback: the files in the order of those that nothing else tells apart.

    Example:
        >>> headers = {Path("a.dcm"): Dataset(), Path("b.dcm"): Dataset()}
        >>> headers[Path("a.dcm")].ContentTime, headers[Path("b.dcm")].ContentTime = "1001", "1000"
        >>> [path.name for path in order_by_clock(headers, list(headers))]
        ['b.dcm', 'a.dcm']
    """
    paths = _in_fallback_order(headers, fallback)
    return _order_by_some(paths, read_times([headers[path] for path in paths]))[0]


def _in_fallback_order(headers: Mapping[Path, Dataset], fallback: Sequence[Path] | None) -> list[Path]:
    if fallback is not None:
        return list(fallback)
    return sorted(headers, key=lambda path: natural_key(str(path)))


def _trust(rule: str, orders: Mapping[str, np.ndarray], told: Mapping[str, np.ndarray]) -> int:
    """How far an order can be trusted, see :func:`order_by_time`."""
    order = orders[rule]
    same = [other for other in orders if (orders[other] == order).all()]
    steady = any(other in _CLOCKS and _is_even(other, told[other][order]) for other in same)
    agreeing = {_CLOCK_OF.get(other, other) for other in told if _grows(told[other][order])}
    if steady:
        return 4 if len(agreeing) > 1 else 3
    if len(agreeing) > 1:
        return 2
    return int(rule in _CLOCK_OF or any(_is_even(other, told[other][order]) for other in same))


def _grows(values: np.ndarray) -> bool:
    """Whether values never fall, and grow at all: a coarse clock confirms a fine one."""
    return bool((np.diff(values) >= 0).all() and values[-1] > values[0])


def _is_even(rule: str, values: np.ndarray) -> bool:
    """Whether values that grow do so by even steps, as what a scanner has planned."""
    if rule == "TriggerTime" and values[-1] - values[0] < _JITTER * abs(values[-1]):
        return False
    return regular_step(values) is not None


def _order_by_some(paths: Sequence[Path], times: Mapping[str, list[float | None]]) -> tuple[tuple[Path, ...], str]:
    """Sort by all that tells some files apart; what all files have goes first."""
    several = [rule for rule in _COARSE if len(set(times[rule])) > 1]
    several.sort(key=lambda rule: None in times[rule])
    keys: list[tuple] = [()] * len(paths)
    used: list[str] = []
    for rule in several:
        finer = [(*key, -np.inf if one is None else one) for key, one in zip(keys, times[rule], strict=True)]
        if len(set(finer)) > len(set(keys)):
            keys = finer
            used.append(rule)
    # sorting is stable: the paths' own order is the last rule
    ordered = sorted(range(len(paths)), key=keys.__getitem__)
    names = [*used, *([f"then {_NAMES_LAST}" if used else _NAMES_LAST] if len(set(keys)) < len(paths) else [])]
    return tuple(paths[i] for i in ordered), ", ".join(names)
