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
"""What the terminal shows while a stream is tracked."""

from __future__ import annotations

import logging
import math
import shutil
import time
from collections import Counter, deque
from collections.abc import Callable, Mapping, Sequence
from contextlib import ExitStack

import numpy as np
from tqdm import tqdm
from tqdm.contrib.logging import logging_redirect_tqdm

from scripts.io.landmark_status import LandmarkStatus
from scripts.live.live_csv import LiveRow

__all__ = ["LiveProgress"]

_KEPT = 10_000  # latencies that the summary is taken from: the last ones


class LiveProgress:
    """One line on the terminal, written anew with each frame; where there is no terminal, a line in the log.

    Args:
        every_s: least time between two lines in the log, s.
        clock: time in s, which never goes back.

    Example:
        >>> row = LiveRow("valve", 101.25, 64.5, 0.8, 0.7, 2, LandmarkStatus.VALID, "")
        >>> with LiveProgress() as progress:
        ...     progress.add([row], latency_ms=131.0, tracking_ms=42.0)
        >>> progress.line
        '1 frame, latency 131 ms (tracking 42 ms), landmarks: 1 valid'
    """

    def __init__(self, *, every_s: float = 10.0, clock: Callable[[], float] = time.monotonic) -> None:
        self.every_s = every_s
        self.frames = 0
        self.line = ""
        self._clock = clock
        self._logged_s = -math.inf
        self._latencies: deque[float] = deque(maxlen=_KEPT)
        self._counts: Counter[LandmarkStatus] = Counter()
        self._open = ExitStack()
        self._logger = logging.getLogger(type(self).__name__)

    def __enter__(self) -> LiveProgress:
        # with a size of its own: tqdm shows nothing on a terminal that tells none, such as a container's
        size = {"ncols": shutil.get_terminal_size().columns, "nrows": 2}
        self._bar = self._open.enter_context(tqdm(bar_format="{desc}", disable=None, **size))
        self._open.enter_context(logging_redirect_tqdm())
        return self

    def __exit__(self, *_: object) -> None:
        self._open.close()

    def add(self, rows: Sequence[LiveRow], *, latency_ms: float, tracking_ms: float) -> None:
        """Show a frame.

        Args:
            rows: its landmarks.
            latency_ms: from when its file was seen to when the answer was known, ms.
            tracking_ms: the part of it that the tracker took, ms.
        """
        doubtful = [row.label for row in rows if row.status == LandmarkStatus.DOUBTFUL]
        counts = Counter(row.status for row in rows)
        self.frames += 1
        self._counts += counts
        self._latencies.append(latency_ms)
        self.line = (
            f"{self._frames()}, latency {latency_ms:.0f} ms (tracking {tracking_ms:.0f} ms), landmarks: {_told(counts)}"
        )
        if doubtful:
            self.line += f" ({', '.join(doubtful)})"
        self._bar.set_description_str(self.line)
        if self._bar.disable and self._clock() - self._logged_s >= self.every_s:
            self._logged_s = self._clock()
            self._logger.info(self.line)

    def summary(self, skipped: int) -> str:
        """All frames in one line.

        Args:
            skipped: number of files that could not be read.
        """
        parts = [f"{self._frames()} tracked"]
        if self._latencies:
            median, high = np.percentile(self._latencies, [50, 95])
            parts += [f"latency {median:.0f} ms (median), {high:.0f} ms (95 %)"]
            parts += [f"landmarks: {_told(self._counts)}"]
        if skipped:
            parts += [f"{skipped} unreadable file{'s' if skipped > 1 else ''} skipped"]
        return ", ".join(parts)

    def _frames(self) -> str:
        return f"{self.frames} frame{'' if self.frames == 1 else 's'}"


def _told(counts: Mapping[LandmarkStatus, int]) -> str:
    """Such as ``3 valid, 1 doubtful``; the doubtful ones last, as their names may follow."""
    order = (LandmarkStatus.VALID, LandmarkStatus.UNCHECKED, LandmarkStatus.DOUBTFUL)
    return ", ".join(f"{counts[status]} {status}" for status in order if counts.get(status))
