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
"""Tests of the linear predictor on motions whose future is known."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable

import numpy as np
import pytest
import torch

from scripts.inferers.linear_predictor import LinearPredictor

SIGMA = torch.tensor([0.3, 0.3])
Motion = Callable[[float], np.ndarray]


def sine(seconds: float) -> np.ndarray:
    """Breaths of 3.7 s, 10 px deep along the first axis and 2 px, lagging, along the second."""
    phase = 2 * math.pi * seconds / 3.7
    return np.array([5 * math.sin(phase), 30 + math.sin(phase - 0.4)])


def rms_errors(
    predictor: LinearPredictor, motion: Motion, times: Iterable[float], ahead: float, *, noise: float, after: float
) -> tuple[float, float]:
    """RMS error of predictions and of the last observed position, px, from a time on; all times in seconds."""
    generator = np.random.default_rng(0)
    predicted, held = [], []
    for time in times:
        point = motion(time) + generator.normal(0, noise, 2)
        predictor.update(1000 * time, torch.tensor(point), SIGMA)
        if time >= after:
            truth = motion(time + ahead)
            predicted.append(predictor.predict(1000 * (time + ahead)).numpy() - truth)
            held.append(point - truth)
    return tuple(float(np.sqrt(np.square(errors).sum(axis=1).mean())) for errors in (predicted, held))


@pytest.mark.parametrize("rate", [2, 4, 8])
@pytest.mark.parametrize("ahead", [0.25, 1 / 3, 0.5])
def test_a_sine_is_predicted(rate: int, ahead: float):
    predictor = LinearPredictor(frame_ms=1000 / rate)
    predicted, held = rms_errors(predictor, sine, np.arange(0, 60, 1 / rate), ahead, noise=0.0, after=20)
    assert predicted < 0.1 * held


@pytest.mark.parametrize("rate", [2, 4, 8])
def test_a_noisy_sine_is_predicted(rate: int):
    predictor = LinearPredictor(frame_ms=1000 / rate)
    predicted, held = rms_errors(predictor, sine, np.arange(0, 60, 1 / rate), 0.5, noise=0.3, after=20)
    assert predicted < 0.3 * held


def test_a_noisy_sine_is_predicted_at_irregular_times_with_lost_frames():
    generator = np.random.default_rng(3)
    times = (np.arange(240) + generator.uniform(-0.2, 0.2, 240)) / 4
    times = np.delete(times, generator.choice(240, 24, replace=False))
    predicted, held = rms_errors(LinearPredictor(frame_ms=250.0), sine, times, 0.5, noise=0.3, after=20)
    assert predicted < 0.4 * held


def test_noise_about_a_place_is_averaged_wherever_the_first_point_was():
    def still(seconds: float) -> np.ndarray:
        return np.array([10.0, 20.0]) + (1.5 if seconds == 0 else 0.0)

    predictor = LinearPredictor(frame_ms=250.0)
    predicted, held = rms_errors(predictor, still, np.arange(0, 100, 0.25), 0.5, noise=0.3, after=25)
    assert predicted < 0.35 * held


def test_constant_velocity_is_predicted_but_for_the_margin():
    """A landmark that runs away is always at the end of the range seen."""

    def run(seconds: float) -> np.ndarray:
        return np.array([7.0 * seconds, 50 - 2.0 * seconds])

    predictor = LinearPredictor(frame_ms=250.0, ridge=1e-3)
    predicted, _ = rms_errors(predictor, run, np.arange(0, 60, 0.25), 0.5, noise=0.0, after=20)
    assert predicted < 1e-3
    bounded = LinearPredictor(frame_ms=250.0, ridge=1e-3, margin=0.0)
    predicted, held = rms_errors(bounded, run, np.arange(0, 60, 0.25), 0.5, noise=0.0, after=20)
    assert predicted == pytest.approx(held)


def test_holds_until_it_has_learnt():
    predictor = LinearPredictor(frame_ms=250.0, horizon_ms=500.0, memory_ms=1500.0)
    # 6 positions are looked at and up to 3 frames are predicted: the 9th teaches, and 12 lessons are wanted; one more
    # makes up for what is forgotten meanwhile
    for frame in range(9 + 12):
        position = torch.tensor(sine(frame / 4))
        predictor.update(250.0 * frame, position, SIGMA)
        expected = frame < 8 + 12
        assert torch.equal(predictor.predict(250.0 * frame + 500), position) == expected, frame


def test_holds_after_a_long_gap_until_the_recent_past_is_there_and_has_not_forgotten():
    predictor, times = LinearPredictor(frame_ms=250.0), np.arange(0, 40, 0.25)
    for time in times:
        predictor.update(1000 * time, torch.tensor(sine(time)), SIGMA)
    held = []
    for time in times[:10] + 45:
        position = torch.tensor(sine(time))
        predictor.update(1000 * time, position, SIGMA)
        held.append(torch.equal(predictor.predict(1000 * time + 500), position))
    assert held == [True] * 5 + [False] * 5
    error = predictor.predict(1000 * time + 500).numpy() - sine(time + 0.5)
    assert np.abs(error).max() < 0.3


def test_predicts_over_a_lost_frame():
    predictor = LinearPredictor(frame_ms=250.0, horizon_ms=500.0)
    for time in np.arange(0, 40, 0.25):
        predictor.update(1000 * time, torch.tensor(sine(time)), SIGMA)
    # the frame at 40 s is lost
    np.testing.assert_allclose(predictor.predict(40_500.0).numpy(), sine(40.5), atol=0.3)
    assert predictor.predict(40_500.0).tolist() == predictor.predict(1e9).tolist()


def test_predictions_of_no_time_are_the_last_position():
    predictor = LinearPredictor(frame_ms=250.0)
    for time in np.arange(0, 40, 0.25):
        predictor.update(1000 * time, torch.tensor(sine(time)), SIGMA)
    np.testing.assert_allclose(predictor.predict(39_750.0).numpy(), sine(39.75), atol=1e-12)


@pytest.mark.parametrize(("margin", "leaves"), [(0.0, False), (0.2, False), (100.0, True)])
def test_predictions_stay_near_the_range_seen(margin: float, leaves: bool):
    """Bursts that grow teach a linear predictor to grow further; only a margin without end lets it."""
    predictor, generator = LinearPredictor(frame_ms=250.0, margin=margin, ridge=1e-6), np.random.default_rng(0)
    lowest, highest, farthest = np.full(2, np.inf), np.full(2, -np.inf), 0.0
    for frame in range(400):
        point = generator.choice([-1, 1], 2) * 1.3 ** (frame % 20)
        predictor.update(250.0 * frame, torch.tensor(point), SIGMA)
        lowest, highest = np.minimum(lowest, point), np.maximum(highest, point)
        for ahead in (100.0, 500.0, 750.0):
            predicted = predictor.predict(250.0 * frame + ahead).numpy()
            outside = np.maximum(lowest - predicted, predicted - highest)
            farthest = max(farthest, (outside / np.maximum(highest - lowest, 1e-9)).max())
    assert (farthest > 0.2 + 1e-9) == leaves
    assert leaves or farthest == pytest.approx(margin)


def test_where_the_motion_lies_does_not_matter():
    here, there = LinearPredictor(frame_ms=250.0), LinearPredictor(frame_ms=250.0)
    for time in np.arange(0, 40, 0.25):
        here.update(1000 * time, torch.tensor(sine(time)), SIGMA)
        there.update(1000 * time, torch.tensor(sine(time) + 1000), SIGMA)
    np.testing.assert_allclose(here.predict(40_250.0).numpy() + 1000, there.predict(40_250.0).numpy(), atol=1e-6)


def test_each_axis_is_learnt_by_itself():
    together, swapped = LinearPredictor(frame_ms=250.0), LinearPredictor(frame_ms=250.0)
    for time in np.arange(0, 40, 0.25):
        together.update(1000 * time, torch.tensor(sine(time)), SIGMA)
        swapped.update(1000 * time, torch.tensor(sine(time)[::-1].copy()), SIGMA)
    torch.testing.assert_close(together.predict(40_250.0), swapped.predict(40_250.0).flip(0))


def test_a_change_of_breathing_is_learnt():
    def slower(seconds: float) -> np.ndarray:
        return sine(seconds) if seconds < 60 else sine(60 + (seconds - 60) / 1.6)

    times = np.arange(0, 150, 0.25)
    predicted, held = rms_errors(
        LinearPredictor(frame_ms=250.0, forgetting_ms=20_000.0), slower, times, 0.5, noise=0.1, after=120
    )
    assert predicted < 0.3 * held


def test_the_recent_past_is_bounded_where_frames_come_too_fast():
    predictor = LinearPredictor(frame_ms=250.0)
    for frame in range(2000):
        predictor.update(17.0 * frame, torch.tensor(sine(0.017 * frame)), SIGMA)
        assert len(predictor._recent) < predictor._recent.maxlen  # so that the limit never cuts it short
    time = 17.0 * 1999 + 500
    assert np.abs(predictor.predict(time).numpy() - sine(time / 1000)).max() < 0.5


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"frame_ms": 0.0}, "frame_ms"),
        ({"horizon_ms": -1.0}, "horizon_ms"),
        ({"memory_ms": math.nan}, "memory_ms"),
        ({"forgetting_ms": math.inf}, "forgetting_ms"),
        ({"ridge": 0.0}, "ridge"),
        ({"margin": -0.1}, "margin"),
        ({"margin": math.inf}, "margin"),
        ({"forgetting_ms": 5999.0}, "at least 6000 ms"),
    ],
)
def test_bad_arguments_are_refused(arguments: dict[str, float], message: str):
    with pytest.raises(ValueError, match=message):
        LinearPredictor(**{"frame_ms": 250.0, **arguments})
