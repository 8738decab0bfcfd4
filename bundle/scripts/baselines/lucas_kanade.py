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

"""OpenCV's pyramidal Lucas-Kanade tracker of points."""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np

from scripts.baselines.peer_tracker import PeerTracker
from scripts.inferers.fusion import Fusion

__all__ = ["LucasKanade"]


@dataclass
class _Points:
    """An example frame, its points and where they were in the last frame, (N, 2), px."""

    frame: np.ndarray
    points: np.ndarray
    last: np.ndarray


class LucasKanade(PeerTracker[_Points]):
    """The windows around the examples' points, from the example's frame to this one, beginning at the last answer.

    This is ``cv2.calcOpticalFlowPyrLK``: Bouguet, "Pyramidal Implementation of the Lucas Kanade Feature Tracker",
    Intel, 2000 (https://docs.opencv.org/4.x/dc/d6b/group__video__track.html). As each frame is compared with the
    example's, no error adds up. A point that is lost, or found outside of the frame, starts again from the example's
    position in the next frame.

    Args:
        window: side of the windows, px of the frame.
        levels: levels of the pyramid above the frame itself; each doubles the motion that can be followed.
        fusion: see :class:`PeerTracker`.

    Raises:
        ValueError: the window is less than 3 px or there are less than 0 levels.

    Example:
        >>> tracker = LucasKanade(window=21, levels=3)  # doctest: +SKIP
    """

    def __init__(self, window: int = 21, levels: int = 3, fusion: Fusion | None = None) -> None:
        super().__init__(fusion)
        if window < 3 or levels < 0:
            raise ValueError(f"the window must be 3 px or more and the levels 0 or more, not {window} and {levels}")
        self.window = window
        self.levels = levels

    def begin(self, frame: np.ndarray, points: np.ndarray) -> _Points:
        """The frame and the points."""
        return _Points(frame, points, points)

    def locate(self, kept: _Points, frame: np.ndarray) -> np.ndarray:
        """The points (N, 2); NaN for one that is lost."""
        found, status, _ = cv2.calcOpticalFlowPyrLK(
            kept.frame,
            frame,
            kept.points,
            kept.last.copy(),  # OpenCV writes its answers there
            winSize=(self.window, self.window),
            maxLevel=self.levels,
            flags=cv2.OPTFLOW_USE_INITIAL_FLOW,
        )
        answers = np.where(status == 1, found, np.nan).astype(np.float32)
        inside = ((answers >= 0) & (answers <= np.array(frame.shape[::-1]) - 1)).all(axis=1, keepdims=True)
        kept.last = np.where(inside, answers, kept.points)
        return answers
