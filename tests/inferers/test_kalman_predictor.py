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
"""Tests of the Kalman filter against closed forms."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch
from scipy.linalg import solve_discrete_are

from scripts.inferers.kalman_predictor import KalmanPredictor

SIGMA = torch.tensor([0.3, 0.3])


def point_of(*values: float) -> torch.Tensor:
    return torch.tensor(values, dtype=torch.float64)


def integrated_wiener(first: np.ndarray, second: np.ndarray) -> np.ndarray:
    """Covariance of a twice integrated white noise of density 1, at times in seconds."""
    low, high = np.minimum(first, second), np.maximum(first, second)
    return low**2 * (3 * high - low) / 6


@pytest.mark.parametrize("rate", [2, 4, 8])
def test_constant_velocity_is_predicted_exactly(rate: int):
    predictor, frame_ms = KalmanPredictor(), 1000 / rate
    for frame in range(20 * rate):
        seconds = frame / rate
        predictor.update(frame_ms * frame, point_of(7.0 * seconds, 50 - 2.0 * seconds), SIGMA)
    last = (20 * rate - 1) / rate
    for ahead in (0.0, 0.25, 0.5):
        expected = point_of(7.0 * (last + ahead), 50 - 2.0 * (last + ahead))
        torch.testing.assert_close(predictor.predict(1000 * (last + ahead)), expected, rtol=0, atol=1e-6)


def test_constant_velocity_at_irregular_times_and_over_gaps():
    predictor, generator = KalmanPredictor(), np.random.default_rng(0)
    steps = generator.uniform(50, 400, 200)
    steps[[60, 120]] = 3000, 20_000
    times = np.cumsum(steps)
    for time in times:
        predictor.update(float(time), point_of(0.007 * time, 50 - 0.002 * time), SIGMA)
    ahead = times[-1] + 500
    expected = point_of(0.007 * ahead, 50 - 0.002 * ahead)
    torch.testing.assert_close(predictor.predict(float(ahead)), expected, rtol=0, atol=1e-6)


@pytest.mark.parametrize(("density", "sigma", "seconds"), [(100.0, 0.3, 0.25), (5.0, 1.0, 0.5), (1000.0, 0.2, 0.125)])
def test_the_steady_gain_solves_the_riccati_equation(density: float, sigma: float, seconds: float):
    transition = np.array([[1.0, seconds], [0.0, 1.0]])
    noise = density * np.array([[seconds**3 / 3, seconds**2 / 2], [seconds**2 / 2, seconds]])
    observed = np.array([[1.0, 0.0]])
    predicted = solve_discrete_are(transition.T, observed.T, noise, np.array([[sigma**2]]))
    gain = predicted[:, 0] / (predicted[0, 0] + sigma**2)

    predictor = KalmanPredictor(acceleration_density=density)
    sigmas = torch.tensor([sigma, sigma], dtype=torch.float64)
    for frame in range(400):
        predictor.update(1000 * seconds * frame, point_of(0.0, 0.0), sigmas)
    last = 1000 * seconds * 400
    predictor.update(last, point_of(1.0, -2.0), sigmas)  # the state was 0: now it is the gain times this
    now, later = predictor.predict(last), predictor.predict(last + 500)
    torch.testing.assert_close(now, torch.tensor(gain[0] * np.array([1.0, -2.0])))
    torch.testing.assert_close((later - now) / 0.5, torch.tensor(gain[1] * np.array([1.0, -2.0])))


def test_equals_the_posterior_of_all_observations_at_once():
    """Irregular times, a gap and changing sigmas, against a Gaussian process with the model's covariance."""
    generator, density, speed = np.random.default_rng(1), 30.0, 15.0
    times = np.cumsum(np.append(0, generator.uniform(0.05, 0.4, 29)))
    times[15:] += 2.0
    points, sigmas = generator.normal(0, 5, (30, 2)), generator.uniform(0.2, 2.0, (30, 2))
    predictor = KalmanPredictor(acceleration_density=density, initial_speed=speed, farthest_ms=2000.0)
    for time, point, sigma in zip(times, points, sigmas, strict=True):
        predictor.update(1000 * time, torch.tensor(point), torch.tensor(sigma))

    def covariance(first: np.ndarray, second: np.ndarray, variance: float) -> np.ndarray:
        first, second = first[:, None], second[None]
        return variance + speed**2 * first * second + density * integrated_wiener(first, second)

    asked = times[-1:] + 0.7
    for axis in range(2):
        start, variance = points[0, axis], sigmas[0, axis] ** 2  # the first observation is what is known before
        of_observed = covariance(times[1:], times[1:], variance) + np.diag(sigmas[1:, axis] ** 2)
        weights = np.linalg.solve(of_observed, points[1:, axis] - start)
        expected = start + covariance(asked, times[1:], variance) @ weights
        assert predictor.predict(1000 * asked[0])[axis].item() == pytest.approx(expected[0], abs=1e-8)


def test_each_axis_is_filtered_by_itself():
    both, swapped = KalmanPredictor(), KalmanPredictor()
    generator = torch.Generator().manual_seed(0)
    for frame in range(50):
        point, sigma = torch.randn(2, generator=generator), torch.rand(2, generator=generator) + 0.1
        both.update(250.0 * frame, point, sigma)
        swapped.update(250.0 * frame, point.flip(0), sigma.flip(0))
    assert torch.equal(both.predict(250.0 * 51), swapped.predict(250.0 * 51).flip(0))


def test_an_uncertain_observation_counts_less():
    predictors = KalmanPredictor(), KalmanPredictor()
    for predictor, sigma in zip(predictors, (0.3, 10.0), strict=True):
        for frame in range(50):
            predictor.update(250.0 * frame, point_of(0.0, 0.0), SIGMA)
        predictor.update(250.0 * 50, point_of(20.0, 20.0), torch.full((2,), sigma))
    trusted, doubted = (predictor.predict(250.0 * 50) for predictor in predictors)
    assert (trusted > 15).all() and (doubted < 2).all()


def test_sigma_has_a_floor():
    predictors = KalmanPredictor(smallest_sigma=0.4), KalmanPredictor(smallest_sigma=0.1)
    for predictor, sigma in zip(predictors, (0.0, 0.4), strict=True):
        for frame in range(20):
            predictor.update(
                250.0 * frame, point_of(float(frame % 3), 0.0), torch.full((2,), sigma, dtype=torch.float64)
            )
    torch.testing.assert_close(predictors[0].predict(5000.0), predictors[1].predict(5000.0))


def test_noise_is_smoothed():
    generator, predictor = np.random.default_rng(0), KalmanPredictor(acceleration_density=1.0)
    errors = []
    for frame in range(400):
        point = generator.normal(0, 0.3, 2)
        predictor.update(250.0 * frame, torch.tensor(point), SIGMA)
        errors.append((predictor.predict(250.0 * frame).numpy(), point))
    filtered, observed = np.square(errors[100:]).mean(axis=(0, 2))
    assert filtered < 0.6 * observed


def test_a_prediction_stops_at_the_farthest():
    predictor = KalmanPredictor(farthest_ms=600.0)
    for frame in range(80):
        predictor.update(250.0 * frame, point_of(2.0 * frame, 0.0), SIGMA)
    assert predictor.predict(250.0 * 79 + 600).tolist() == predictor.predict(1e9).tolist()
    assert predictor.predict(1e9)[0].item() == pytest.approx(2.0 * 79 + 8 * 0.6)


def test_stays_sound_after_very_long_and_very_short_steps():
    predictor, time = KalmanPredictor(), 0.0
    for frame in range(2000):
        time += (1e-3, 250.0, 1e9)[frame % 3]
        predictor.update(time, point_of(4.0, -4.0), torch.full((2,), (0.0, 1e4)[frame % 2]))
    torch.testing.assert_close(predictor.predict(time), point_of(4.0, -4.0))
    for axis in predictor._covariance:
        assert np.array_equal(axis, axis.T) or np.allclose(axis, axis.T, rtol=1e-9)
        assert (np.linalg.eigvalsh(axis) > 0).all()


@pytest.mark.parametrize("name", ["acceleration_density", "smallest_sigma", "initial_speed", "farthest_ms"])
@pytest.mark.parametrize("value", [0.0, -1.0, math.nan, math.inf])
def test_bad_arguments_are_refused(name: str, value: float):
    with pytest.raises(ValueError, match=name):
        KalmanPredictor(**{name: value})
