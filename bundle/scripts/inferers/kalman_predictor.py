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

"""Where a landmark will be if its velocity changes little by little: a Kalman filter."""

from __future__ import annotations

import math

import numpy as np
import torch

from scripts.inferers.motion_predictor import check_ahead, check_observation

__all__ = ["KalmanPredictor"]


class KalmanPredictor:
    """Kalman filter with nearly constant velocity, each axis by itself. See :class:`MotionPredictor`.

    The velocity of an axis is a random walk, driven by white acceleration of spectral density q: after a step of dt
    seconds its variance has grown by q dt, and that of the position by q dt^3 / 3. The step may be of any length, so
    irregular and dropped frames need no care. The prediction follows a straight line; where the motion turns round it
    overshoots, the more the farther it looks ahead.

    Source: the white noise acceleration model of Bar-Shalom, Li and Kirubarajan, Estimation with Applications to
    Tracking and Navigation, Wiley 2001, chapter 6, https://doi.org/10.1002/0471221279. The covariance is updated in
    Joseph's form (chapter 5), which keeps it symmetric and positive.

    Args:
        acceleration_density: q, px^2/s^3. The default suits breathing that moves a landmark by about 10 px; it goes
            with the square of the motion and the third power of the rate of breathing. A larger q follows turns
            faster and lets through more noise.
        smallest_sigma: floor of the sigma of an observation, px, above zero: no answer is trusted more than that.
        initial_speed: standard deviation of the velocity before the second observation, px/s.
        farthest_ms: predictions farther ahead of the last observation stop at this one, ms: a landmark that was lost
            does not run out of the image.

    Raises:
        ValueError: if an argument is not a finite number above zero.

    Example:
        >>> predictor = KalmanPredictor()
        >>> for frame in range(40):  # 8 px/s along the first axis
        ...     predictor.update(250.0 * frame, torch.tensor([2.0 * frame, 5.0]), torch.tensor([0.3, 0.3]))
        >>> [round(x, 2) for x in predictor.predict(250.0 * 39 + 500.0).tolist()]
        [82.0, 5.0]
    """

    def __init__(
        self,
        *,
        acceleration_density: float = 100.0,
        smallest_sigma: float = 0.1,
        initial_speed: float = 20.0,
        farthest_ms: float = 1000.0,
    ) -> None:
        for name, value in (
            ("acceleration_density", acceleration_density),
            ("smallest_sigma", smallest_sigma),
            ("initial_speed", initial_speed),
            ("farthest_ms", farthest_ms),
        ):
            if not (math.isfinite(value) and value > 0):
                raise ValueError(f"{name} must be finite and above zero, got {value}.")
        self.acceleration_density = acceleration_density
        self.smallest_sigma = smallest_sigma
        self.initial_speed = initial_speed
        self.farthest_ms = farthest_ms
        self.reset()

    def reset(self) -> None:
        """Forget position, velocity and their covariance."""
        self._time_ms = -math.inf
        self._like = torch.full((2,), torch.nan)
        self._state = np.full((2, 2), np.nan)  # (axis, position or velocity), px and px/s
        self._covariance = np.full((2, 2, 2), np.nan)  # (axis, 2, 2)

    def update(self, time_ms: float, point: torch.Tensor, sigma: torch.Tensor) -> None:
        """Take in an observed position (2,) with its sigma (2,), px; see :meth:`MotionPredictor.update`."""
        position, deviation = check_observation(time_ms, point, sigma, self._time_ms)
        variance = np.maximum(deviation, self.smallest_sigma) ** 2
        if math.isinf(self._time_ms):
            self._state = np.stack([position, np.zeros(2)], axis=1)
            self._covariance = np.stack([np.diag([one, self.initial_speed**2]) for one in variance])
        else:
            self._step((time_ms - self._time_ms) / 1000)
            self._correct(position, variance)
        self._time_ms, self._like = time_ms, point.detach().clone()

    def predict(self, time_ms: float) -> torch.Tensor:
        """Position (2,) at a time, px; see :meth:`MotionPredictor.predict`."""
        check_ahead(time_ms, self._time_ms)
        ahead = min(time_ms - self._time_ms, self.farthest_ms) / 1000
        return self._like.new_tensor(self._state[:, 0] + ahead * self._state[:, 1])

    def _step(self, seconds: float) -> None:
        transition = np.array([[1.0, seconds], [0.0, 1.0]])
        noise = np.array([[seconds**3 / 3, seconds**2 / 2], [seconds**2 / 2, seconds]])
        self._state = self._state @ transition.T
        self._covariance = transition @ self._covariance @ transition.T + self.acceleration_density * noise

    def _correct(self, position: np.ndarray, variance: np.ndarray) -> None:
        gain = self._covariance[:, :, 0] / (self._covariance[:, 0, 0] + variance)[:, None]
        self._state = self._state + gain * (position - self._state[:, 0])[:, None]
        kept = np.eye(2) - gain[:, :, None] * np.array([1.0, 0.0])  # I - K H, (axis, 2, 2)
        observed = variance[:, None, None] * gain[:, :, None] * gain[:, None, :]
        self._covariance = kept @ self._covariance @ kept.transpose(0, 2, 1) + observed
