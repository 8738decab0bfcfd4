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

"""Where a landmark will be: what a predictor of motion is, and the one that says that nothing moves."""

from __future__ import annotations

import math
from typing import Protocol, runtime_checkable

import numpy as np
import torch

__all__ = ["HoldPredictor", "MotionPredictor", "check_ahead", "check_observation"]


@runtime_checkable
class MotionPredictor(Protocol):
    """What turns the observed positions of one landmark into a position at a later time.

    It makes up for the time that passes between the exposure of a frame and the use of its result. Each landmark has
    a predictor of its own, so what needs several takes a factory, a callable without arguments: a class,
    ``functools.partial(KalmanPredictor, acceleration_density=50.0)``, or in a config ``"_mode_": "callable"`` beside
    ``_target_``.

    Observations may come at irregular times. A frame in which the landmark was lost is not given to the predictor: it
    only makes a longer step. Memory and time for an update do not grow with the number of updates. All times are in
    milliseconds of one clock with any origin; positions and sigmas in pixels, in index order.
    """

    def update(self, time_ms: float, point: torch.Tensor, sigma: torch.Tensor) -> None:
        """Take in an observed position.

        Args:
            time_ms: when the frame was exposed, ms, later than in the update before.
            point: (2,), px, finite, of a floating point type.
            sigma: (2,), standard deviation of ``point``, px, finite, 0 or more.

        Raises:
            ValueError: if an argument is not as above; the predictor is then as it was before the call.
        """

    def predict(self, time_ms: float) -> torch.Tensor:
        """Position (2,) at a time, px, with the dtype and device of the last observed point; NaN before the first.

        Args:
            time_ms: the time, ms, not before that of the last update.

        Raises:
            ValueError: if it is before the last update.
        """

    def reset(self) -> None:
        """Forget everything, as new."""


class HoldPredictor:
    """No prediction: the landmark is where it was seen last. See :class:`MotionPredictor`.

    Example:
        >>> predictor = HoldPredictor()
        >>> predictor.update(0.0, torch.tensor([4.0, 2.0]), torch.tensor([0.5, 0.5]))
        >>> predictor.predict(250.0).tolist()
        [4.0, 2.0]
    """

    def __init__(self) -> None:
        self.reset()

    def reset(self) -> None:
        """Forget the position."""
        self._time_ms = -math.inf
        self._point = torch.full((2,), torch.nan)

    def update(self, time_ms: float, point: torch.Tensor, sigma: torch.Tensor) -> None:
        """Take in an observed position (2,); sigma (2,) is checked, but makes no difference."""
        check_observation(time_ms, point, sigma, self._time_ms)
        self._time_ms, self._point = time_ms, point.detach().clone()

    def predict(self, time_ms: float) -> torch.Tensor:
        """The last position (2,), px; NaN before the first."""
        check_ahead(time_ms, self._time_ms)
        return self._point.clone()


def check_observation(
    time_ms: float, point: torch.Tensor, sigma: torch.Tensor, last_ms: float
) -> tuple[np.ndarray, np.ndarray]:
    """Check what is given to a predictor's ``update``.

    Args:
        time_ms: time of the observation, ms.
        point: (2,), px.
        sigma: (2,), px.
        last_ms: time of the observation before, ms; minus infinity if there was none.

    Returns:
        Copies of point and sigma, (2,) each, float64.

    Raises:
        ValueError: if a shape or type is wrong, a value is not finite, a sigma is below zero or time does not increase.

    Example:
        >>> point, sigma = check_observation(40.0, torch.tensor([4.0, 2.0]), torch.tensor([0.5, 0.5]), last_ms=0.0)
        >>> point
        array([4., 2.])
    """
    if point.shape != (2,) or sigma.shape != (2,):
        raise ValueError(f"point and sigma must be of shape (2,), got {tuple(point.shape)} and {tuple(sigma.shape)}.")
    if not point.is_floating_point():
        raise ValueError(f"point must be of a floating point type, got {point.dtype}.")
    position, deviation = (value.detach().to("cpu", torch.float64, copy=True).numpy() for value in (point, sigma))
    if not np.isfinite(position).all():
        raise ValueError(f"A lost landmark must not be given to update: point is {position.tolist()}.")
    if not (np.isfinite(deviation).all() and (deviation >= 0).all()):
        raise ValueError(f"sigma must be finite and 0 or more, got {deviation.tolist()}.")
    if not (math.isfinite(time_ms) and time_ms > last_ms):
        raise ValueError(f"Times must be finite and increase, got {time_ms} ms after {last_ms} ms.")
    return position, deviation


def check_ahead(time_ms: float, last_ms: float) -> None:
    """Check the time given to a predictor's ``predict``.

    Args:
        time_ms: the time to predict for, ms.
        last_ms: time of the last observation, ms; minus infinity if there was none.

    Raises:
        ValueError: if the time is not finite or before the last observation.

    Example:
        >>> check_ahead(250.0, last_ms=0.0)
    """
    if not (math.isfinite(time_ms) and time_ms >= last_ms):
        raise ValueError(f"Only what follows can be predicted, got {time_ms} ms with an observation at {last_ms} ms.")
