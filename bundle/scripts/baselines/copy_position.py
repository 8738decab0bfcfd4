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

"""The example's own position: what a landmark that does not move would give."""

from __future__ import annotations

import numpy as np

from scripts.baselines.peer_tracker import PeerTracker
from scripts.inferers.fusion import Fusion, PrecisionFusion

__all__ = ["CopyPosition"]


class CopyPosition(PeerTracker[np.ndarray]):
    """Answer with the example's own position, whatever the frame shows; with several examples, with their mean.

    It is the floor that any method must pass: its error is the motion itself, or the spread of a landmark among
    subjects.

    Args:
        fusion: see :class:`PeerTracker`; the mean by default.

    Example:
        >>> frames = np.random.default_rng(0).random((2, 40, 30))
        >>> tracker = CopyPosition()
        >>> tracker.set_examples([(frames[0], (10.0, 20.0), "valve"), (frames[0], (12.0, 20.0), "valve")])
        >>> tracker.update(frames[1]).landmarks["valve"].point
        tensor([11., 20.])
    """

    def __init__(self, fusion: Fusion | None = None) -> None:
        super().__init__(fusion or PrecisionFusion())  # of equal sigmas this is the mean

    def begin(self, frame: np.ndarray, points: np.ndarray) -> np.ndarray:
        """The points themselves."""
        return points

    def locate(self, kept: np.ndarray, frame: np.ndarray) -> np.ndarray:
        """The points themselves."""
        return kept
