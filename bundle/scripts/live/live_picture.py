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
"""The last frame with its landmarks, as a picture that a viewer reloads."""

from __future__ import annotations

import logging
import math
import os
import time
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np

from scripts.io.landmark_status import LandmarkStatus
from scripts.io.landmarks_csv import Landmark
from scripts.live.live_csv import LiveRow
from scripts.visualize.overlay import label_colors, write_overlay

__all__ = ["LivePicture"]


class LivePicture:
    """Draw the last frame, not more often than a viewer needs; each picture replaces the one before at once.

    Doubtful landmarks are not drawn: the title names them.

    Args:
        path: the PNG file.
        every_s: least time between two pictures, s.
        aspect: height of a pixel over its width.
        clock: time in s, which never goes back.

    Example:
        >>> picture = LivePicture("live.png")  # doctest: +SKIP
        >>> picture.show("IM0001.dcm", image, rows)  # doctest: +SKIP
    """

    def __init__(
        self,
        path: str | os.PathLike[str],
        *,
        every_s: float = 1.0,
        aspect: float = 1.0,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self.path = Path(path)
        self.every_s = every_s
        self.aspect = aspect
        self._clock = clock
        self._drawn_s = -math.inf
        self._waiting: tuple[str, np.ndarray, Sequence[LiveRow]] | None = None

    def show(self, name: str, image: np.ndarray, rows: Sequence[LiveRow]) -> None:
        """Take a frame in place of the one before, and draw it now or, by :meth:`refresh`, later.

        Args:
            name: of the frame, for the title.
            image: (X, Y), any real dtype.
            rows: its landmarks, px.
        """
        self._waiting = name, image, rows
        self.refresh()

    def refresh(self, *, now: bool = False) -> None:
        """Draw the last frame if it has not been drawn and it is time to; ``now`` does not wait."""
        if self._waiting is None or not (now or self._clock() - self._drawn_s >= self.every_s):
            return
        name, image, rows = self._waiting
        self._waiting = None
        self._drawn_s = self._clock()
        doubtful = [row.label for row in rows if row.status == LandmarkStatus.DOUBTFUL]
        title = f"{name}    {LandmarkStatus.DOUBTFUL}: {', '.join(doubtful)}" if doubtful else name
        drawn = [_landmark(name, row) for row in rows if row.status != LandmarkStatus.DOUBTFUL]
        colors = label_colors(row.label for row in rows)
        try:
            write_overlay(self.path, image, drawn, title=title, colors=colors, aspect=self.aspect)
        except OSError as error:  # the stream goes on without its picture
            logging.getLogger(type(self).__name__).warning("%s cannot be written: %s", self.path, error)


def _landmark(image: str, row: LiveRow) -> Landmark:
    place = row.x, row.y, row.sigma_x, row.sigma_y
    return Landmark(image, None, row.label, *place, row.n_examples, status=row.status, reason=row.reason)
