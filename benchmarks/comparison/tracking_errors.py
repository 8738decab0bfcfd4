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
"""Errors and times of trackers on series."""

from __future__ import annotations

import statistics
from collections.abc import Callable, Sequence

import numpy as np
import torch

from comparison.methods import Method, Tracker
from comparison.tracking_cases import TrackingCase
from scripts.inferers import TrackedFrame

WARM_UP = 3  # frames that are not timed


def tracking_errors(method: Method, cases: Sequence[TrackingCase]) -> tuple[torch.Tensor, float]:
    """Euclidean errors (N,), px, of all visible landmarks of all frames but the first, and the median ms a frame.

    A landmark that has no answer, or one outside of the frame, counts as where its example was: a tracker that gives up
    is no better than a copy.
    """
    errors, times = [], []
    for case in cases:
        tracker = method.make()
        tracker.set_examples([(case.frames[0], track[0].tolist(), label) for label, track in case.tracks.items()])
        for t in range(1, len(case.frames)):
            found = tracker.update(case.frames[t])
            times.append(working_ms(found))
            errors += [
                distance(found.landmarks[label].point, track[0], track[t], case.frames.shape[1:])
                for label, track in case.tracks.items()
                if case.visible[label][t]
            ]
    return torch.tensor(errors), statistics.median(times[WARM_UP:] or times)


def working_ms(found: TrackedFrame) -> float:
    """The time of a frame without that to check and scale it, which the trackers have in common."""
    return found.timings_ms["total"] - found.timings_ms["prepare"]


def cyclic_errors(
    make: Callable[[], Tracker], series: Sequence[np.ndarray], points: Sequence[np.ndarray]
) -> torch.Tensor:
    """Errors (N,), px, of landmarks that are followed from each series' first frame to each other and back.

    Args:
        make: a new tracker.
        series: each (T, X, Y).
        points: of each series, (N, 2), px of the first frame.
    """
    errors = []
    for frames, places in zip(series, points, strict=True):
        forward = make()
        forward.set_examples([(frames[0], place.tolist(), str(i)) for i, place in enumerate(places)])
        for frame in frames[1:]:
            found = forward.update(frame).landmarks
            there = np.array([usable(found[str(i)].point, place, frame.shape) for i, place in enumerate(places)])
            back = make()
            back.set_examples([(frame, place.tolist(), str(i)) for i, place in enumerate(there)])
            again = back.update(frames[0]).landmarks
            errors += [distance(again[str(i)].point, there[i], place, frame.shape) for i, place in enumerate(places)]
    return torch.tensor(errors)


def distance(found: torch.Tensor, instead: np.ndarray, true: np.ndarray, shape: Sequence[int]) -> float:
    """Between what was found in a frame of a shape, or else ``instead``, and the truth, px."""
    return float(np.hypot(*(usable(found, instead, shape) - true)))


def usable(found: torch.Tensor, instead: np.ndarray, shape: Sequence[int]) -> np.ndarray:
    """What was found, where that lies in the frame."""
    at = found.cpu().numpy().astype(float)
    inside = np.isfinite(at).all() and (at >= -0.5).all() and (at <= np.array(shape) - 0.5).all()
    return at if inside else instead
