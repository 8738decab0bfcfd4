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


def tracking_errors(method: Method, cases: Sequence[TrackingCase]) -> tuple[torch.Tensor, float, float]:
    """Euclidean errors (N,), px, of all visible landmarks of all frames but the first.

    With it the share of lost landmarks, and the median ms a frame.

    A landmark that has no answer, or one outside of the frame, counts as where its example was: a tracker that gives up
    is no better than a copy, and is lost.
    """
    errors, lost, times = [], [], []
    for case in cases:
        tracker = method.make()
        tracker.set_examples([(case.frames[0], track[0].tolist(), label) for label, track in case.tracks.items()])
        for t in range(1, len(case.frames)):
            found = tracker.update(case.frames[t])
            times.append(working_ms(found))
            for label, track in case.tracks.items():
                if case.visible[label][t]:
                    at = usable(found.landmarks[label].point, case.frames.shape[1:])
                    lost.append(at is None)
                    errors.append(np.hypot(*((track[0] if at is None else at) - track[t])))
    return torch.tensor(errors), statistics.fmean(lost), statistics.median(times[WARM_UP:] or times)


def working_ms(found: TrackedFrame) -> float:
    """The time of a frame without that to check and scale it, which the trackers have in common."""
    return found.timings_ms["total"] - found.timings_ms["prepare"]


def cyclic_errors(
    make: Callable[[], Tracker], series: Sequence[np.ndarray], points: Sequence[np.ndarray]
) -> tuple[torch.Tensor, float]:
    """Errors (N,), px, of landmarks that are followed from each series' first frame to each other and back.

    One that is lost on either way has none; the share of these comes second.

    Args:
        make: a new tracker.
        series: each (T, X, Y).
        points: of each series, (N, 2), px of the first frame.
    """
    errors: list[float] = []
    for frames, places in zip(series, points, strict=True):
        for frame in frames[1:]:
            there = match(make(), frames[0], frame, places)
            known = np.isfinite(there).all(axis=1)
            back = np.full_like(there, np.nan)
            if known.any():
                back[known] = match(make(), frame, frames[0], there[known])
            errors += np.hypot(*(back - places).T).tolist()
    found = torch.tensor(errors)
    return found[found.isfinite()], found.isnan().double().mean().item()


def match(tracker: Tracker, source: np.ndarray, target: np.ndarray, places: np.ndarray) -> np.ndarray:
    """Where places (N, 2) of a frame are in another; NaN where they are lost."""
    inside = np.clip(places, 0, np.array(source.shape) - 1)  # an example lies in its frame
    tracker.set_examples([(source, place.tolist(), str(i)) for i, place in enumerate(inside)])
    found = tracker.update(target).landmarks
    answers = [usable(found[str(i)].point, target.shape) for i in range(len(places))]
    return np.array([np.full(2, np.nan) if at is None else at for at in answers])


def usable(found: torch.Tensor, shape: Sequence[int]) -> np.ndarray | None:
    """What was found in a frame of a shape, if it lies in it."""
    at = found.cpu().numpy().astype(float)
    inside = np.isfinite(at).all() and (at >= -0.5).all() and (at <= np.array(shape) - 0.5).all()
    return at if inside else None
