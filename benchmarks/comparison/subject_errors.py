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
"""Errors of landmarks in other subjects, for every kind of method."""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable, Sequence

import numpy as np
import torch
from tqdm import tqdm

from comparison.methods import Method, Tracker
from comparison.tracking_errors import usable, working_ms
from scripts.evaluation.labelled_frames import LabelledFrame, LandmarkGroup
from scripts.evaluation.landmark_answers import LandmarkAnswers
from scripts.evaluation.landmark_trial import LandmarkTrial

TIMED = 20  # images


def answers_of(method: Method, group: LandmarkGroup, labels: Sequence[str]) -> tuple[LandmarkAnswers, float]:
    """What a tracker answers that gets the landmarks of one candidate after the other, px of the original images.

    Answers that are lost count as the example's own place, as in :func:`tracking_errors`; their share comes second. All
    sigmas are 1: the classical methods have none.
    """
    shape = (len(group.candidates), len(group.targets), len(labels), 2)
    means, lost = torch.full(shape, torch.nan), torch.zeros(shape[:3])
    for c, candidate in enumerate(tqdm(group.candidates, desc=method.name, unit="example", leave=False, disable=None)):
        places = own_places(candidate, labels)
        tracker = started(method, candidate, labels)
        for t, target in enumerate(group.targets):
            found = tracker.update(as_frame(target)).landmarks
            seen = [usable(found[label].point, as_frame(target).shape) for label in labels]
            lost[c, t] = torch.tensor([one is None for one in seen])
            rows = [own if one is None else one for one, own in zip(seen, places.numpy(), strict=True)]
            at = torch.from_numpy(np.stack(rows)).float()
            means[c, t] = target.frame.prepared.fit.to_original(at)
    marked = torch.ones(len(group.candidates), len(labels), dtype=torch.bool)
    answers = LandmarkAnswers(group, marked, means, torch.ones(shape), truth_of(group.targets, labels))
    return answers, lost.mean().item()


def started(method: Method, candidate: LabelledFrame, labels: Sequence[str]) -> Tracker:
    """A tracker whose examples are the landmarks of a frame."""
    tracker, places = method.make(), own_places(candidate, labels).tolist()
    tracker.set_examples([(as_frame(candidate), at, label) for label, at in zip(labels, places, strict=True)])
    return tracker


def median_ms(method: Method, group: LandmarkGroup, labels: Sequence[str]) -> float:
    """Of one image, with one example."""
    tracker = started(method, group.candidates[0], labels)
    return statistics.median(working_ms(tracker.update(as_frame(one))) for one in group.targets[:TIMED])


def time_each(work: Callable[[LabelledFrame], object], targets: Sequence[LabelledFrame]) -> float:
    """Median of the times of some frames, ms; the first is not counted."""
    times = []
    for one in [targets[0], *targets[:TIMED]]:
        begin = time.perf_counter()
        work(one)
        times.append(1000 * (time.perf_counter() - begin))
    return statistics.median(times[1:])


def trained_trial(
    group: LandmarkGroup,
    labels: Sequence[str],
    counts: Sequence[int],
    draws: int,
    predict: Callable[[Sequence[LabelledFrame]], torch.Tensor],
    seed: int,
) -> LandmarkTrial:
    """Errors of a method that is trained on the examples.

    Args:
        group: the candidates and the targets.
        labels: the landmarks.
        counts: numbers of examples.
        draws: how often they are drawn: the first of the draws that the other methods get.
        predict: trains on candidates and gives the landmarks of the targets, (T, L, 2), px of the original images.
        seed: of the draws.
    """
    truth = truth_of(group.targets, labels)
    errors = {
        count: torch.stack([predict(chosen(group, count, seed, draw)) - truth for draw in range(draws)])
        for count in counts
        if count <= len(group.candidates)
    }
    blank = torch.full((len(group.candidates), *truth.shape), torch.nan)
    marked = torch.ones(len(group.candidates), len(labels), dtype=torch.bool)
    answers = LandmarkAnswers(group, marked, blank, blank, truth)
    return LandmarkTrial([answers], errors, {count: torch.full_like(one, torch.nan) for count, one in errors.items()})


def chosen(group: LandmarkGroup, count: int, seed: int, draw: int) -> list[LabelledFrame]:
    """The examples of a draw: those that :class:`LandmarkTrial` takes too."""
    order = np.random.RandomState([seed, draw]).permutation(len(group.candidates))
    return [group.candidates[i] for i in order[:count]]


def mean_error(predicted: torch.Tensor, targets: Sequence[LabelledFrame], labels: Sequence[str]) -> float:
    """Of (T, L, 2), px."""
    return (predicted - truth_of(targets, labels)).norm(dim=-1).nanmean().item()


def truth_of(targets: Sequence[LabelledFrame], labels: Sequence[str]) -> torch.Tensor:
    """(T, L, 2), px of the original images."""
    return torch.stack([torch.stack([one.points[label] for label in labels]) for one in targets])


def own_places(labelled: LabelledFrame, labels: Sequence[str]) -> torch.Tensor:
    """Landmarks (L, 2) of a frame, px at the size that all methods get."""
    return labelled.frame.prepared.fit.to_network(torch.stack([labelled.points[label] for label in labels]))


def as_frame(labelled: LabelledFrame) -> np.ndarray:
    """The frame at the size that all methods get, (X, Y)."""
    return labelled.frame.image()[0, 0].numpy()
