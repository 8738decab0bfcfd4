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

from scripts.baselines.opencv import import_opencv
from scripts.baselines.peer_tracker import PeerTracker
from scripts.inferers.fusion import Fusion

__all__ = ["DISFlow"]

_PRESETS = ("ultrafast", "fast", "medium")
_SMALLEST = 12  # px, of OpenCV's implementation
_CLIP_LIMIT, _TILES = 2.0, (8, 8)  # of the equalisation: a moderate one, on OpenCV's usual grid


@dataclass(frozen=True)
class _Points:
    """An example frame and its points (N, 2), px."""

    frame: np.ndarray
    points: np.ndarray


class DISFlow(PeerTracker[_Points]):
    """Dense flow from the example's frame to this one, read at the examples' points.

    This is ``cv2.DISOpticalFlow``: Kroeger et al. 2016, "Fast Optical Flow using Dense Inverse Search"
    (https://arxiv.org/abs/1603.03590). One flow serves all points of an example frame. As each frame is compared with
    the example's, no error adds up.

    Args:
        preset: ``ultrafast``, ``fast`` or ``medium``, the most exact.
        equalize: equalise the histograms of both frames tile by tile, with limited contrast (CLAHE), before.
        fusion: see :class:`PeerTracker`.

    Raises:
        ValueError: there is no such preset.
        InputError: OpenCV is not installed.

    Example:
        >>> tracker = DISFlow("medium", equalize=True)  # doctest: +SKIP
    """

    def __init__(self, preset: str = "medium", *, equalize: bool = False, fusion: Fusion | None = None) -> None:
        super().__init__(fusion)
        if preset not in _PRESETS:
            raise ValueError(f"the preset is one of {', '.join(_PRESETS)}, not {preset!r}")
        cv2 = import_opencv()
        self.preset = preset
        self.equalize = equalize
        self._flow = cv2.DISOpticalFlow_create(getattr(cv2, f"DISOPTICAL_FLOW_PRESET_{preset.upper()}"))
        self._clahe = cv2.createCLAHE(_CLIP_LIMIT, _TILES)

    def begin(self, frame: np.ndarray, points: np.ndarray) -> _Points:
        """The frame, equalised where that is asked for, and the points.

        Raises:
            ValueError: the frame is smaller than the flow can take.
        """
        if min(frame.shape) < _SMALLEST:
            raise ValueError(f"DIS optical flow needs frames of {_SMALLEST} px or more, not {frame.shape[::-1]}")
        return _Points(self._look(frame), points)

    def locate(self, kept: _Points, frame: np.ndarray) -> np.ndarray:
        """The points moved by the flow there, (N, 2)."""
        flow = self._flow.calc(kept.frame, self._look(frame), None)
        rows_first = kept.points.T[::-1]
        moves = [map_coordinates(flow[..., axis], rows_first, order=1, mode="nearest") for axis in (0, 1)]
        return kept.points + np.stack(moves, axis=1)

    def _look(self, frame: np.ndarray) -> np.ndarray:
        return self._clahe.apply(frame) if self.equalize else frame
