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

"""The time between frames."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from pydicom import Dataset
from pydicom.multival import MultiValue
from pydicom.tag import Tag

from scripts.data.frame_times import moment_of, moments_in_ms, read_times, value_of
from scripts.io.functional_groups import functional_groups

__all__ = ["file_interval", "frame_interval", "is_stored_in_order", "regular_step"]

_REGULAR = 0.1  # a step between frames may differ from the median by this share of it, or by 1 ms
_CLOCKS = ("TriggerTime", "AcquisitionDateTime", "AcquisitionTime")


def file_interval(headers: Sequence[Dataset]) -> float | None:
    """Time between the frames of a series of single-frame files, by TriggerTime or the time of acquisition.

    ContentTime does not count: it may be the time when an image was computed. FrameTime counts where none of the others
    tells two files apart.

    Args:
        headers: in the order of time.

    Returns:
        ms, or None where no such time is told, frames are not evenly spaced, or two times that are evenly spaced
        contradict each other.

    Example:
        >>> headers = [Dataset(), Dataset(), Dataset()]
        >>> for i, header in enumerate(headers):
        ...     header.AcquisitionTime = f"10000{i}.5"
        >>> file_interval(headers)
        1000.0
    """
    times = read_times(headers)
    told = [times[rule] for rule in _CLOCKS if len(set(times[rule])) > 1]
    even = [step for one in told if None not in one and (step := regular_step(one)) is not None]
    # what is told of all frames alike does not help where they are told to come unevenly
    return None if told and not even else _agreed([*even, *map(frame_interval, headers)])


def frame_interval(dataset: Dataset) -> float | None:
    """Time between the frames of one file.

    It is told by FrameTime or FrameTimeVector, whichever FrameIncrementPointer names, or, in an enhanced file, by the
    frames' nominal trigger delay, temporal position offset, acquisition time and reference time, where they are evenly
    spaced. CineRate and RecommendedDisplayFrameRate tell how fast frames are shown, and do not count.

    Args:
        dataset: the file.

    Returns:
        ms, or None where the file does not tell, frames are not evenly spaced, or two of these contradict each other.

    Example:
        >>> dataset = Dataset()
        >>> dataset.FrameTime = 40
        >>> frame_interval(dataset)
        40.0
    """
    steps = _file_steps(dataset)
    named = [name for name in steps if Tag(name) in _pointers(dataset)]
    counting = [steps[named[0]]] if len(named) == 1 else list(steps.values())
    return None if None in counting else _agreed([*counting, *map(regular_step, _frame_times(dataset))])


def is_stored_in_order(dataset: Dataset) -> bool:
    """Tell whether no time or temporal index of an enhanced file's frames runs backwards.

    Example:
        >>> is_stored_in_order(Dataset())
        True
    """
    indices = [value_of(lambda one: float(one.TemporalPositionIndex), one) for one in _groups(dataset, "FrameContent")]
    orders = [*_frame_times(dataset), *([indices] if indices and None not in indices else [])]
    return all((np.diff(order) >= 0).all() for order in orders)


def regular_step(times: Sequence[float | None] | np.ndarray) -> float | None:
    """Mean step of times in ms, or None where they do not grow evenly.

    Example:
        >>> regular_step([0, 33, 67, 100]), regular_step([0, 33, 90])
        (33.333333333333336, None)
    """
    steps = np.diff(np.asarray(times, dtype=float))
    if len(steps) == 0 or not np.isfinite(steps).all() or steps.min() <= 0:
        return None
    median = float(np.median(steps))
    # times are written in whole ms, which is much only where steps are a few
    slack = max(_REGULAR * median, min(1.0, median / 3))
    return float(steps.mean()) if np.abs(steps - median).max() <= slack + 1e-9 else None


def _agreed(steps: Sequence[float | None]) -> float | None:
    """The first of the steps that are told; None where they contradict one another."""
    known = [step for step in steps if step is not None]
    return known[0] if known and max(known) <= (1 + _REGULAR) * min(known) else None


def _file_steps(dataset: Dataset) -> dict[str, float | None]:
    """What the file's own attributes tell, ms, without those that tell nothing; None for uneven times."""
    steps: dict[str, float | None] = {}
    step = value_of(lambda one: float(one.FrameTime), dataset)
    # 0 is written where the time is not known
    if step is not None and step > 0:
        steps["FrameTime"] = step
    vector = value_of(lambda one: [float(value) for value in one.FrameTimeVector], dataset)
    if vector is not None and any(vector):
        frames = int(dataset.get("NumberOfFrames") or len(vector))
        # the first is the time before the first frame; and the vector may be longer than what was cut from a clip
        steps["FrameTimeVector"] = regular_step(np.cumsum(vector[:frames])) if len(vector) >= frames else None
    return steps


def _pointers(dataset: Dataset) -> set[int]:
    value = value_of(lambda one: one.FrameIncrementPointer, dataset)
    return set(value if isinstance(value, MultiValue) else [] if value is None else [value])


def _frame_times(dataset: Dataset) -> list[list[float]]:
    """Times of the frames of an enhanced file, ms; one list for each attribute that all frames have."""
    spans = (
        ("CardiacSynchronization", lambda one: float(one.NominalCardiacTriggerDelayTime)),
        ("TemporalPosition", lambda one: float(one.TemporalPositionTimeOffset) * 1000.0),
    )
    moments = (lambda one: moment_of(one.FrameAcquisitionDateTime), lambda one: moment_of(one.FrameReferenceDateTime))
    contents = _groups(dataset, "FrameContent")
    times = [[value_of(read, group) for group in _groups(dataset, name)] for name, read in spans]
    times += [moments_in_ms([value_of(read, group) for group in contents]) for read in moments]
    return [one for one in times if one and None not in one]


def _groups(dataset: Dataset, name: str) -> list[Dataset | None]:
    return functional_groups(dataset, f"{name}Sequence")
