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
"""Tracking landmarks in the frames that a scanner writes into a folder."""

from __future__ import annotations

import logging
import math
import os
import signal
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path
from typing import Any

import torch

from scripts.inferers.landmark_tracker import LandmarkTracker, TrackedFrame, TrackedLandmark
from scripts.io.input_error import InputError
from scripts.io.landmark_status import LandmarkStatus
from scripts.live.arrival_order import in_order_of_arrival
from scripts.live.example_frames import ExampleFrame
from scripts.live.folder_watcher import Arrival, FolderWatcher
from scripts.live.frame_reader import read_frame
from scripts.live.live_csv import LiveCsv, LiveRow
from scripts.live.live_picture import LivePicture
from scripts.live.live_progress import LiveProgress

__all__ = ["LiveTracking"]


class LiveTracking:
    """Read new files of a folder as they come, track the landmarks in each, and append them to ``live.csv``.

    It runs until Ctrl-C, until no frame has come for a while, or for a number of frames. Started again it goes on where
    it was: frames that are in the table are not tracked again.

    Args:
        tracker: the tracker; it gets the examples.
        examples: at least one frame with examples, see :func:`scripts.live.read_example_frames`.
        folder: into which the frames are written, one a file.
        output_dir: for ``live.csv`` and ``live.png``; not in ``folder``.
        voi: apply the window of DICOM files, as in the examples' frames.
        interval_s: time between two looks into the folder, s.
        give_up_s: how long a file may stay unreadable, s; it is then named in the log and skipped.
        stop_after_s: end when no frame has come for so long, s; None for never.
        max_frames: end after so many frames; None for never.
        picture: write ``live.png``, at most once a second.
        learn_frames: learn the limits of trust from the first so many frames, in which somebody sees all landmarks; 0
            keeps the tracker's limits. A view that is started again learns again.
        false_alarm: share of their answers that the limits may flag.

    Raises:
        InputError: the folder does not exist, an example frame is of no use, or there are too
            few frames to learn from.

    Example:
        >>> live = LiveTracking(tracker, examples, "incoming", "output/live", stop_after_s=60)  # doctest: +SKIP
        >>> live.run()  # doctest: +SKIP
    """

    def __init__(
        self,
        tracker: LandmarkTracker,
        examples: Sequence[ExampleFrame],
        folder: str | os.PathLike[str],
        output_dir: str | os.PathLike[str],
        *,
        voi: bool = False,
        interval_s: float = 0.1,
        give_up_s: float = 10.0,
        stop_after_s: float | None = None,
        max_frames: int | None = None,
        picture: bool = False,
        learn_frames: int = 0,
        false_alarm: float = 0.01,
    ) -> None:
        self.folder, self.output_dir = Path(folder), Path(output_dir)
        self.watcher = FolderWatcher(folder, settle_s=interval_s, give_up_s=give_up_s)
        self.tracker = tracker
        self.voi = voi
        self.interval_s = interval_s
        self.stop_after_s = math.inf if stop_after_s is None else stop_after_s
        self.max_frames = math.inf if max_frames is None else max_frames
        width, height = examples[0].spacing
        self.picture = LivePicture(self.output_dir / "live.png", aspect=height / width) if picture else None
        self.progress = LiveProgress()
        self._logger = logging.getLogger(type(self).__name__)
        self._size = examples[0].image.shape
        self._stopped = False
        self._set_examples(examples)
        self.learn_frames, self.false_alarm = learn_frames, false_alarm
        self._learned: list[torch.Tensor] = []
        self._check_learning()

    def run(self) -> None:
        """Track until the end.

        Raises:
            InputError: ``live.csv`` is another file, or cannot be written.
        """
        with (
            LiveCsv(self.output_dir / "live.csv", self.tracker.labels) as self._table,
            self._until_signal(),
            self.progress,
        ):
            self.watcher.known = self._table
            known = f", {len(self._table)} frames are in it" if len(self._table) else ""
            self._logger.info("waiting for frames in %s; Ctrl-C ends; %s%s", self.folder, self._table.path, known)
            self._last_s = time.monotonic()  # of the last frame
            while not self._ends():
                looked = time.monotonic()
                self._track_new()
                if self.picture:
                    self.picture.refresh()
                time.sleep(max(0.0, looked + self.interval_s - time.monotonic()))
            if self.picture:
                self.picture.refresh(now=True)
        self._logger.info("%s; %s", self.progress.summary(self.watcher.skipped), self._table.path)

    def _set_examples(self, examples: Sequence[ExampleFrame]) -> None:
        self.tracker.set_examples([])
        for example in examples:
            try:
                self.tracker.add(example.image, example.points, example.labels, example.name)
            except ValueError as error:
                raise InputError(f"{example.where}: {error}; give examples on another frame") from error

    def _check_learning(self) -> None:
        teaching = len(self.tracker.teaching_labels)
        answers = self.learn_frames * teaching
        if not 0.0 < self.false_alarm < 1.0:
            raise InputError(f"false_alarm is {self.false_alarm}; give a share between 0 and 1, such as 0.01")
        if self.learn_frames and not teaching:
            raise InputError(
                f"no limits can be learned, as each landmark has a doubtful example: {self.tracker.bank.doubtful[0]}"
            )
        if self.learn_frames and answers * self.false_alarm < 1.0:
            raise InputError(
                f"{self.learn_frames} frames give {answers} answers, too few to learn limits that flag "
                f"{self.false_alarm:g} of them; give --learn_frames "
                f"{math.ceil(1.0 / self.false_alarm / teaching)} or more, or a larger --false_alarm"
            )

    def _learn(self, found: TrackedFrame) -> None:
        """Collect what the first frames measure, and set the limits after the last of them."""
        self._learned.append(self.tracker.measures_to_learn_from(found))
        if len(self._learned) == self.learn_frames:
            trust = self.tracker.learn_trust_from(torch.cat(self._learned), self.false_alarm)
            limits = ", ".join(f"{name} {limit:.3g}" for name, limit in trust.limits.items())
            self._logger.info("limits learned from %d frames: %s", self.learn_frames, limits)
            self._learned.clear()
            self.learn_frames = 0

    def _ends(self) -> bool:
        waited = time.monotonic() - self._last_s
        return self._stopped or waited >= self.stop_after_s or self.progress.frames >= self.max_frames

    def _track_new(self) -> None:
        for arrival in in_order_of_arrival(self.watcher.look()):
            if self._ends():
                return
            try:
                image = read_frame(arrival.path, voi=self.voi)
                if arrival.has_changed:
                    raise InputError("it is still being written")
            except InputError as error:
                self.watcher.put_off(arrival, str(error))
            else:
                self._track(arrival, image)
                self._last_s = time.monotonic()

    def _track(self, arrival: Arrival, image: torch.Tensor) -> None:
        start = time.monotonic()
        rows = self._rows(arrival, image)
        done = time.monotonic()
        latency_ms = 1000 * (done - arrival.since_s)
        self._table.append(arrival.name, rows, latency_ms=latency_ms, time=datetime.now().astimezone())
        self.watcher.take(arrival)
        self.progress.add(rows, latency_ms=latency_ms, tracking_ms=1000 * (done - start))
        if self.picture:
            self.picture.show(arrival.name, image.numpy(), rows)

    def _rows(self, arrival: Arrival, image: torch.Tensor) -> list[LiveRow]:
        if image.shape != self._size:
            sizes = [" x ".join(map(str, size)) for size in (image.shape, self._size)]
            reason = f"the frame has {sizes[0]} px, the examples {sizes[1]}"
            self._logger.warning("%s: %s", arrival.name, reason)
            nan, bank, doubtful = math.nan, self.tracker.bank, LandmarkStatus.DOUBTFUL
            return [
                LiveRow(label, nan, nan, nan, nan, len(bank.select(label)), doubtful, reason) for label in bank.labels
            ]
        found = self.tracker.update(image)
        if self.learn_frames and any(one.measures.isfinite().any() for one in found.landmarks.values()):
            self._learn(found)
        return [_row(label, one) for label, one in found.landmarks.items()]

    @contextmanager
    def _until_signal(self) -> Iterator[None]:
        """Let Ctrl-C and SIGTERM end the loop after the frame it is at; a second one ends the program at once."""
        if threading.current_thread() is not threading.main_thread():
            yield
            return
        before: dict[int, Any] = {
            number: signal.getsignal(number) or signal.SIG_DFL for number in (signal.SIGINT, signal.SIGTERM)
        }

        def stop(number: int, _: object) -> None:
            self._stopped = True
            signal.signal(number, before[number])

        for number in before:
            signal.signal(number, stop)
        try:
            yield
        finally:
            for number, handler in before.items():
                signal.signal(number, handler)


def _row(label: str, found: TrackedLandmark) -> LiveRow:
    (x, y), (sigma_x, sigma_y) = found.point.tolist(), found.sigma.tolist()
    return LiveRow(label, x, y, sigma_x, sigma_y, len(found.examples), found.status, found.reason)
