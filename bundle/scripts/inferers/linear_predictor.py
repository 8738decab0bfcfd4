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

"""Where a landmark will be if it goes on as it did so far: a linear predictor that learns while it watches."""

from __future__ import annotations

import math
from collections import deque

import numpy as np
import torch
from scipy.interpolate import CubicSpline

from scripts.inferers.motion_predictor import check_ahead, check_observation

__all__ = ["LinearPredictor"]

_FEWEST_SAMPLES = 3  # with fewer the predictor does not see that a motion turns round
_LONGEST_GAP_FRAMES = 3.5  # a gap longer than this and than the next is not interpolated
_LONGEST_GAP_MS = 1000.0


class LinearPredictor:
    """Linear predictor learnt online by least squares, each axis by itself. See :class:`MotionPredictor`.

    The next positions are a linear function, with a constant, of the last n positions on a grid of the nominal frame
    time that ends at the newest observation; observations that come at other times are interpolated linearly. The
    weights for 1, 2, ... frames ahead are those with the least squares error so far, older errors counting
    exponentially less, and a ridge penalty that draws the prediction towards no motion. Times between frames are
    interpolated by a cubic spline.

    Until it has learnt from 2 n positions, and after a gap of more than three frames and more than one second until n
    positions are there again, it predicts the last position. A prediction never leaves the range of the positions
    seen so far by more than a margin. The sigmas of observations make no difference.

    Source: recursive least squares with exponential forgetting (Haykin, Adaptive Filter Theory, Prentice Hall), in
    its information form: the sums are kept and solved anew, which stays stable where nothing moves. That linear
    regression serves organs in cine MRI at horizons of 400 and 600 ms, adapted online, at least as well as recurrent
    networks: https://doi.org/10.1186/s13014-023-02341-1.

    Args:
        frame_ms: nominal time between frames, ms, the grid's step. It should be near that at which frames come.
        horizon_ms: how far ahead is asked for, ms. One frame more can be had, which bridges a lost one; predictions
            for still later times stop there.
        memory_ms: length of the recent past that is looked at, ms: n of these frames, 3 at the least.
        forgetting_ms: time after which an error counts 1 / e as much, ms; at least 4 n frames.
        ridge: penalty of the weights, px^2. The errors of a motion much below its square root are not worth learning.
        margin: how far predictions may leave the range seen, an axis, as a share of it.

    Raises:
        ValueError: if an argument is not a finite number above zero (margin: 0 or more), or ``forgetting_ms`` is too
            short.

    Example:
        >>> predictor = LinearPredictor(frame_ms=250.0, horizon_ms=500.0)
        >>> for frame in range(160):  # breaths of 4 s, 10 px deep
        ...     point = torch.tensor([5 * math.sin(2 * math.pi * frame / 16), 7.0])
        ...     predictor.update(250.0 * frame, point, torch.tensor([0.3, 0.3]))
        >>> [round(x, 1) for x in predictor.predict(250.0 * 161).tolist()]  # 5 sin(2 pi 161 / 16) = 1.9
        [1.9, 7.0]
    """

    def __init__(
        self,
        *,
        frame_ms: float,
        horizon_ms: float = 500.0,
        memory_ms: float = 1500.0,
        forgetting_ms: float = 60000.0,
        ridge: float = 1.0,
        margin: float = 0.2,
    ) -> None:
        for name, value in (
            ("frame_ms", frame_ms),
            ("horizon_ms", horizon_ms),
            ("memory_ms", memory_ms),
            ("forgetting_ms", forgetting_ms),
            ("ridge", ridge),
        ):
            if not (math.isfinite(value) and value > 0):
                raise ValueError(f"{name} must be finite and above zero, got {value}.")
        if not (math.isfinite(margin) and margin >= 0):
            raise ValueError(f"margin must be finite and 0 or more, got {margin}.")
        self.frame_ms = frame_ms
        self.forgetting_ms = forgetting_ms
        self.ridge = ridge
        self.margin = margin
        self._samples = max(_FEWEST_SAMPLES, round(memory_ms / frame_ms))
        self._steps = math.ceil(round(horizon_ms / frame_ms, 6)) + 1
        if forgetting_ms < 4 * self._samples * frame_ms:
            raise ValueError(
                f"forgetting_ms must be at least {4 * self._samples * frame_ms:g} ms for {self._samples} samples of"
                f" {frame_ms:g} ms, got {forgetting_ms}."
            )
        self._spline = CubicSpline(np.arange(-1, self._steps + 1), np.eye(self._steps + 2))  # weights of the path
        self.reset()

    def reset(self) -> None:
        """Forget all positions and what was learnt from them."""
        self._time_ms = -math.inf
        self._like = torch.full((2,), torch.nan)
        self._origin = np.full(2, np.nan)
        self._lowest, self._highest = np.full(2, np.inf), np.full(2, -np.inf)
        capacity = 2 * (self._samples + self._steps) + 3  # two a frame at most, see _remember
        self._recent: deque[tuple[float, np.ndarray]] = deque(maxlen=capacity)
        features = self._samples + 1
        self._gram = np.zeros((2, features, features))  # sums over the past, for each axis: features by features
        self._moment = np.zeros((2, features, self._steps))  # features by what followed 1, 2, ... frames later
        self._learnt = 0.0  # how many positions they are from, older ones counting less
        self._path: np.ndarray | None = None  # (2 + steps, 2): positions one frame ago, now and 1, 2, ... frames ahead

    def update(self, time_ms: float, point: torch.Tensor, sigma: torch.Tensor) -> None:
        """Take in an observed position (2,), px; see :meth:`MotionPredictor.update`."""
        position, _ = check_observation(time_ms, point, sigma, self._time_ms)
        if math.isinf(self._time_ms):
            self._origin = position
        elapsed = time_ms - self._time_ms
        self._time_ms, self._like = time_ms, point.detach().clone()
        self._lowest, self._highest = np.minimum(self._lowest, position), np.maximum(self._highest, position)
        self._remember(time_ms, position, elapsed)
        grid = self._regular()
        self._forget(elapsed)
        if len(grid) == self._samples + self._steps:
            self._learn(grid)
        known = len(grid) >= self._samples and self._learnt >= 2 * self._samples
        self._path = self._ahead(grid) if known else None

    def predict(self, time_ms: float) -> torch.Tensor:
        """Position (2,) at a time, px; see :meth:`MotionPredictor.predict`."""
        check_ahead(time_ms, self._time_ms)
        if self._path is None:
            return self._like.clone()
        frames = min((time_ms - self._time_ms) / self.frame_ms, self._steps)
        position = self._spline(frames) @ self._path
        margin = self.margin * (self._highest - self._lowest)
        return self._like.new_tensor(np.clip(position, self._lowest - margin, self._highest + margin))

    def _remember(self, time_ms: float, position: np.ndarray, elapsed: float) -> None:
        """Add to the recent positions, at least half a frame apart but for the newest, and drop what is too old."""
        recent = self._recent
        if elapsed > max(_LONGEST_GAP_FRAMES * self.frame_ms, _LONGEST_GAP_MS):
            recent.clear()
        if len(recent) > 1 and recent[-1][0] - recent[-2][0] < self.frame_ms / 2:
            recent.pop()
        recent.append((time_ms, position))
        oldest = time_ms - (self._samples + self._steps - 1) * self.frame_ms
        while len(recent) > 1 and recent[1][0] <= oldest:
            recent.popleft()

    def _regular(self) -> np.ndarray:
        """Recent positions (up to samples + steps, 2), a frame apart, the newest first."""
        times = np.array([time for time, _ in self._recent]) - self._time_ms
        positions = np.stack([position for _, position in self._recent])
        count = min(math.floor(-times[0] / self.frame_ms) + 1, self._samples + self._steps)
        grid = -self.frame_ms * np.arange(count)
        return np.stack([np.interp(grid, times, axis) for axis in positions.T], axis=1)

    def _features(self, grid: np.ndarray) -> np.ndarray:
        """What predictions are linear in (2, samples + 1), from positions (samples, 2), the newest first."""
        now = grid[:1]
        return np.concatenate([grid[1 : self._samples] - now, now - self._origin, np.ones((1, 2))]).T

    def _forget(self, elapsed: float) -> None:
        kept = math.exp(-elapsed / self.forgetting_ms)
        self._gram *= kept
        self._moment *= kept
        self._learnt *= kept

    def _learn(self, grid: np.ndarray) -> None:
        """Compare what followed with what had been known as many frames ago as are predicted."""
        features = self._features(grid[self._steps :])
        followed = grid[: self._steps][::-1] - grid[self._steps]
        self._gram += features[:, :, None] * features[:, None, :]
        self._moment += features[:, :, None] * followed.T[:, None, :]
        self._learnt += 1

    def _ahead(self, grid: np.ndarray) -> np.ndarray:
        weights = np.linalg.solve(self._gram + self.ridge * np.eye(self._samples + 1), self._moment)
        moves = (self._features(grid)[:, None, :] @ weights)[:, 0].T
        return np.concatenate([grid[1::-1], grid[0] + moves])
