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

"""OpenCV's dense inverse search optical flow."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy.ndimage import map_coordinates

from scripts.baselines.peer_tracker import PeerTracker
from scripts.classical.dense_flow import DenseFlow
from scripts.inferers.fusion import Fusion

__all__ = ["DISFlow"]


@dataclass(frozen=True)
class _Points:
    """An example frame as :meth:`DenseFlow.look` gives it, and its points (N, 2), px of the frame itself."""

    frame: np.ndarray
    points: np.ndarray


class DISFlow(PeerTracker[_Points]):
    """Dense flow from the example's frame to this one, read at the examples' points.

    One flow, see :class:`scripts.classical.dense_flow.DenseFlow`, serves all points of an example frame. As each frame
    is compared with the example's, no error adds up.

    Args:
        preset: of the flow.
        equalize: of the flow.
        enlarge: of the flow.
        fusion: see :class:`PeerTracker`.

    Raises:
        ValueError: there is no such preset, or the frames would be made smaller.

    Example:
        >>> tracker = DISFlow("medium", equalize=True)  # doctest: +SKIP
    """

    def __init__(
        self, preset: str = "medium", *, equalize: bool = False, enlarge: int = 1, fusion: Fusion | None = None
    ) -> None:
        super().__init__(fusion)
        self._flow = DenseFlow(preset, equalize=equalize, enlarge=enlarge)

    def begin(self, frame: np.ndarray, points: np.ndarray) -> _Points:
        """The frame as the flow compares it, and the points.

        Raises:
            ValueError: the frame is smaller than the flow can take.
        """
        return _Points(self._flow.look(frame), points)

    def locate(self, kept: _Points, frame: np.ndarray) -> np.ndarray:
        """The points moved by the flow there, (N, 2)."""
        flow = self._flow(kept.frame, self._flow.look(frame))
        rows_first = kept.points.T[::-1]
        moves = [map_coordinates(flow[..., axis], rows_first, order=1, mode="nearest") for axis in (0, 1)]
        return kept.points + np.stack(moves, axis=1)
