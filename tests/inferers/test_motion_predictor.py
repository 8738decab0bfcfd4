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
"""Tests of what all predictors of motion promise, and of the one that predicts nothing."""

from __future__ import annotations

import math
import pickle
from collections.abc import Callable
from functools import partial

import pytest
import torch
from monai.bundle import ConfigParser

from scripts.inferers.kalman_predictor import KalmanPredictor
from scripts.inferers.linear_predictor import LinearPredictor
from scripts.inferers.motion_predictor import HoldPredictor, MotionPredictor, check_ahead, check_observation

FRAME_MS = 250.0
SIGMA = torch.tensor([0.3, 0.3])

every_predictor = pytest.mark.parametrize(
    "make",
    [HoldPredictor, KalmanPredictor, partial(LinearPredictor, frame_ms=FRAME_MS)],
    ids=["hold", "kalman", "linear"],
)


def breathing(time_ms: float) -> torch.Tensor:
    phase = 2 * math.pi * time_ms / 3700
    return torch.tensor([20 + 5 * math.sin(phase), 40 + math.cos(phase)])


def follow(predictor: MotionPredictor, frames: range) -> MotionPredictor:
    for frame in frames:
        predictor.update(FRAME_MS * frame, breathing(FRAME_MS * frame), SIGMA)
    return predictor


@every_predictor
def test_is_a_motion_predictor(make: Callable[[], MotionPredictor]):
    assert isinstance(make(), MotionPredictor)


@every_predictor
def test_nothing_is_known_before_the_first_update(make: Callable[[], MotionPredictor]):
    predicted = make().predict(0.0)
    assert predicted.shape == (2,) and predicted.isnan().all()


@every_predictor
def test_one_observation_is_held(make: Callable[[], MotionPredictor]):
    predictor = make()
    predictor.update(100.0, torch.tensor([3.0, 4.0]), SIGMA)
    assert predictor.predict(100.0).tolist() == [3.0, 4.0]
    assert predictor.predict(600.0).tolist() == [3.0, 4.0]


@every_predictor
def test_a_standing_landmark_stays(make: Callable[[], MotionPredictor]):
    predictor = make()
    for frame in range(100):
        predictor.update(FRAME_MS * frame, torch.tensor([3.0, 4.0]), SIGMA)
    torch.testing.assert_close(predictor.predict(FRAME_MS * 99 + 500), torch.tensor([3.0, 4.0]))


@every_predictor
@pytest.mark.parametrize(
    ("time_ms", "point", "sigma", "message"),
    [
        (5000.0, [math.nan, 1.0], [0.3, 0.3], "lost landmark"),
        (5000.0, [math.inf, 1.0], [0.3, 0.3], "lost landmark"),
        (5000.0, [1.0, 1.0, 1.0], [0.3, 0.3], "shape"),
        (5000.0, [1.0, 1.0], [0.3], "shape"),
        (5000.0, [1, 1], [0.3, 0.3], "floating point"),
        (5000.0, [1.0, 1.0], [0.3, math.nan], "sigma"),
        (5000.0, [1.0, 1.0], [0.3, -0.1], "sigma"),
        (4750.0, [1.0, 1.0], [0.3, 0.3], "increase"),
        (math.nan, [1.0, 1.0], [0.3, 0.3], "increase"),
        (math.inf, [1.0, 1.0], [0.3, 0.3], "increase"),
    ],
)
def test_a_refused_observation_changes_nothing(make: Callable[[], MotionPredictor], time_ms, point, sigma, message):
    predictor, other = follow(make(), range(20)), follow(make(), range(20))
    with pytest.raises(ValueError, match=message):
        predictor.update(time_ms, torch.tensor(point), torch.tensor(sigma))
    follow(predictor, range(20, 60))
    follow(other, range(20, 60))
    assert torch.equal(predictor.predict(FRAME_MS * 61), other.predict(FRAME_MS * 61))


@every_predictor
@pytest.mark.parametrize("time_ms", [FRAME_MS * 19 - 1, math.nan, math.inf])
def test_what_is_past_is_not_predicted(make: Callable[[], MotionPredictor], time_ms: float):
    with pytest.raises(ValueError, match="Only what follows"):
        follow(make(), range(20)).predict(time_ms)


@every_predictor
def test_predicting_changes_nothing(make: Callable[[], MotionPredictor]):
    asked, other = make(), make()
    for frame in range(60):
        follow(asked, range(frame, frame + 1))
        follow(other, range(frame, frame + 1))
        asked.predict(FRAME_MS * frame + 333).add_(1000.0)
    assert torch.equal(asked.predict(FRAME_MS * 61), other.predict(FRAME_MS * 61))


@every_predictor
def test_reset_makes_it_as_new(make: Callable[[], MotionPredictor]):
    predictor = make()
    for frame in range(60):
        predictor.update(1e6 + FRAME_MS * frame, torch.tensor([-50.0 * frame, 700.0]), SIGMA)
    predictor.reset()
    assert predictor.predict(0.0).isnan().all()
    follow(predictor, range(60))
    assert torch.equal(predictor.predict(FRAME_MS * 61), follow(make(), range(60)).predict(FRAME_MS * 61))


@every_predictor
def test_the_origin_of_time_does_not_matter(make: Callable[[], MotionPredictor]):
    since_1970 = make()
    for frame in range(60):
        since_1970.update(1.8e12 + FRAME_MS * frame, breathing(FRAME_MS * frame), SIGMA)
    here = follow(make(), range(60))
    torch.testing.assert_close(since_1970.predict(1.8e12 + FRAME_MS * 61), here.predict(FRAME_MS * 61))


@every_predictor
@pytest.mark.parametrize("dtype", [torch.float32, torch.float64, torch.bfloat16])
def test_the_type_is_that_of_the_point(make: Callable[[], MotionPredictor], dtype: torch.dtype):
    predictor = make()
    for frame in range(40):
        predictor.update(FRAME_MS * frame, breathing(FRAME_MS * frame).to(dtype), SIGMA)
    assert predictor.predict(FRAME_MS * 41).dtype == dtype


@every_predictor
def test_a_point_that_is_overwritten_later_does_not_matter(make: Callable[[], MotionPredictor]):
    predictor, buffer = make(), torch.zeros(2, dtype=torch.float64)
    for frame in range(60):
        buffer.copy_(breathing(FRAME_MS * frame))
        predictor.update(FRAME_MS * frame, buffer, SIGMA)
        buffer.fill_(-1000.0)
        assert (predictor.predict(FRAME_MS * frame + 500) > 0).all()
    expected = follow(make(), range(60)).predict(FRAME_MS * 61)
    torch.testing.assert_close(predictor.predict(FRAME_MS * 61).float(), expected)


@every_predictor
def test_memory_does_not_grow(make: Callable[[], MotionPredictor]):
    predictor = follow(make(), range(200))
    size = len(pickle.dumps(predictor))
    follow(predictor, range(200, 10_000))
    assert len(pickle.dumps(predictor)) == size


def test_a_config_names_a_factory():
    parser = ConfigParser(
        {
            "predictor": {
                "_target_": "scripts.inferers.kalman_predictor.KalmanPredictor",
                "_mode_": "callable",
                "acceleration_density": 50.0,
            }
        }
    )
    factory = parser.get_parsed_content("predictor")
    one, other = factory(), factory()
    assert isinstance(one, KalmanPredictor) and one is not other
    assert one.acceleration_density == 50.0


def test_hold_is_the_last_position():
    predictor = follow(HoldPredictor(), range(20))
    assert torch.equal(predictor.predict(1e9), breathing(FRAME_MS * 19))


def test_check_observation_returns_copies():
    given = torch.tensor([4.0, 2.0], dtype=torch.float64), torch.tensor([0.0, 0.5], dtype=torch.float64)
    point, sigma = check_observation(40.0, *given, last_ms=-math.inf)
    point += 1
    assert given[0].tolist() == [4.0, 2.0]
    assert sigma.tolist() == [0.0, 0.5]


def test_check_ahead_allows_the_time_of_the_observation():
    check_ahead(40.0, last_ms=40.0)
    with pytest.raises(ValueError, match="39"):
        check_ahead(39.0, last_ms=40.0)
