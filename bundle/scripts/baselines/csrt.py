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

"""OpenCV's CSRT tracker of boxes."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import cv2
import numpy as np

from scripts.baselines.peer_tracker import PeerTracker
from scripts.inferers.fusion import Fusion

__all__ = ["CSRT"]


@dataclass(frozen=True)
class _Box:
    """OpenCV's tracker of a box, and where the landmark lies from the box's centre, (2,), less than a pixel."""

    tracker: Any
    offset: np.ndarray


class CSRT(PeerTracker[Sequence[_Box]]):
    """A tracker a landmark, of a box around it; it learns the box's look from frame to frame, and so may drift.

    This is ``cv2.TrackerCSRT``: Lukezic et al. 2017, "Discriminative Correlation Filter with Channel and Spatial
    Reliability" (https://arxiv.org/abs/1611.08461). OpenCV gives boxes in whole pixels (its legacy interface too), so
    that answers are exact to half a pixel at best.

    Args:
        patch_size: side of the boxes in the example's frame, px.
        fusion: see :class:`PeerTracker`.

    Raises:
        ValueError: the patch size is less than 8.

    Example:
        >>> tracker = CSRT(patch_size=32)  # doctest: +SKIP
    """

    def __init__(self, patch_size: int, fusion: Fusion | None = None) -> None:
        super().__init__(fusion)
        if patch_size < 8:
            raise ValueError(f"patch_size is {patch_size}; the features of CSRT need 8 px or more")
        self.patch_size = patch_size

    def begin(self, frame: np.ndarray, points: np.ndarray) -> Sequence[_Box]:
        """Trackers that have seen the frame."""
        half = (self.patch_size - 1) / 2
        corners = (points - half).round().astype(int)
        return [
            _Box(self._start(frame, corner), point - corner - half)
            for corner, point in zip(corners, points, strict=True)
        ]

    def locate(self, kept: Sequence[_Box], frame: np.ndarray) -> np.ndarray:
        """The boxes' centres (N, 2); NaN where the tracker gave up. The trackers learn the frame."""
        return np.stack([_follow(one, frame) for one in kept])

    def _start(self, frame: np.ndarray, corner: np.ndarray) -> Any:
        tracker = cv2.TrackerCSRT.create()
        tracker.init(frame, (*corner.tolist(), self.patch_size, self.patch_size))
        return tracker


def _follow(one: _Box, frame: np.ndarray) -> np.ndarray:
    found, (x, y, width, height) = one.tracker.update(frame)
    if not found:
        return np.full(2, np.nan)
    return np.array([x + (width - 1) / 2, y + (height - 1) / 2]) + one.offset
