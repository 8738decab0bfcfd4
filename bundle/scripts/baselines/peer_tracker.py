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

"""What the peers of the learned tracker have in common: established methods of following landmarks."""

from __future__ import annotations

import time
from abc import ABC, abstractmethod
from collections.abc import Iterable, Sequence
from typing import Generic, TypeVar

import numpy as np
import torch

from scripts.inferers.frame_preparer import FrameFaultError, FramePreparer
from scripts.inferers.fusion import Fusion, MedianFusion
from scripts.inferers.landmark_tracker import TrackedFrame, TrackedLandmark, world_point
from scripts.inferers.tracker_input import check_examples, check_particulars
from scripts.inferers.trust import DOUBTS
from scripts.io.landmark_status import LandmarkStatus

__all__ = ["PeerTracker"]

Array = np.ndarray | torch.Tensor
Kept = TypeVar("Kept")


class PeerTracker(ABC, Generic[Kept]):
    """Follow landmarks by an established method, behind the interface of :class:`scripts.inferers.LandmarkTracker`.

    A subclass says what it keeps of an example frame (:meth:`begin`) and where it finds the points of that frame in
    another one (:meth:`locate`). It sees frames as OpenCV has them: 8 bits, rows first, each scaled by its own 0.5 and
    99.5 percentiles.

    The peers tell no uncertainty: sigma and the measures are NaN, and an answer is unchecked if it is finite and inside
    of the frame, else doubtful. Examples may be of any subjects; each frame of examples is asked on its own, and the
    finite answers for a landmark are fused. A method that goes from frame to frame wants the frames in their order;
    ``set_examples`` starts it again.

    Args:
        fusion: how several examples of a landmark become one answer, all sigmas being equal; the median by default.
    """

    def __init__(self, fusion: Fusion | None = None) -> None:
        self.fusion = fusion or MedianFusion()
        self._clear()

    @abstractmethod
    def begin(self, frame: np.ndarray, points: np.ndarray) -> Kept:
        """What is kept of an example frame, computed once.

        Args:
            frame: (Y, X), uint8, contiguous.
            points: (N, 2), px, index order (x, y), float32, inside of the frame.
        """

    @abstractmethod
    def locate(self, kept: Kept, frame: np.ndarray) -> np.ndarray:
        """Where the points of an example frame are in another frame.

        Args:
            kept: what :meth:`begin` gave; a method that goes from frame to frame may change it.
            frame: (Y, X), uint8, contiguous, of the same size.

        Returns:
            (N, 2), px, index order (x, y); NaN where a point is lost.
        """

    @property
    def labels(self) -> list[str]:
        """The landmarks, in the order in which they came."""
        return list(self._rows)

    def set_examples(self, examples: Iterable[tuple[Array, Sequence[float], str]]) -> None:
        """Take examples in place of those there are; those on equal frames share what is computed.

        Args:
            examples: (frame, point, label); the point is in px of the frame, index order (x, y).

        Raises:
            TypeError, ValueError: a frame is of no use, see :meth:`add`, or a point lies outside of it; the examples
                are then as they were.
        """
        before = self.__dict__.copy()
        self._clear()
        try:
            for group in self._by_frame(examples):
                self._take(*group)
        except Exception:
            self.__dict__ = before
            raise

    def add(self, frame: Array, points: Sequence[Sequence[float]], labels: Sequence[str]) -> None:
        """Add examples that lie on one frame, at any time.

        Args:
            frame: (X, Y) or (1, X, Y), real numbers of any scale; of the size of all others.
            points: (N, 2), px of the frame, index order (x, y).
            labels: the landmark of each point, known or new.

        Raises:
            TypeError, ValueError: the frame has another shape, size or type, values that are not finite, or is
                constant; or a point lies outside of it. Nothing is added then.
        """
        self._take(*self._check(frame, points, labels), labels)

    def update(self, frame: Array, *, affine: Array | None = None, time_ms: float | None = None) -> TrackedFrame:
        """Find all landmarks in a frame.

        Args:
            frame: see :meth:`add`. One that is constant or has values that are not finite gives answers that are
                doubtful, and a method that goes from frame to frame passes over it.
            affine: (4, 4), index (x, y, 0, 1) to RAS mm, for world positions.
            time_ms: when the frame was taken; checked, and not used.

        Returns:
            Points in px of the frame. ``timings_ms`` has the names of the learned tracker's; ``encode`` and ``check``
            are 0.

        Raises:
            TypeError, ValueError: the frame has another shape, size or type; or there is no example, or time or affine
                are of no use.
        """
        if self._prepare is None:
            raise ValueError("there is no example to track; call set_examples or add first")
        check_particulars(affine, time_ms)
        begin = time.perf_counter()
        image, fault = None, ""
        try:
            image = _rows_first(self._prepare(frame))
        except FrameFaultError as error:
            fault = str(error)
        prepared = time.perf_counter()
        answers = torch.full((self._number, 2), torch.nan) if image is None else self._locate_all(image)
        located = time.perf_counter()
        landmarks = {label: self._answer(answers[rows], fault, affine) for label, rows in self._rows.items()}
        end = time.perf_counter()
        steps = {"prepare": prepared - begin, "encode": 0.0, "match": located - prepared, "check": 0.0}
        steps["total"] = end - begin
        return TrackedFrame(landmarks, {name: 1000 * seconds for name, seconds in steps.items()})

    def _clear(self) -> None:
        self._prepare: FramePreparer | None = None
        self._kept: list[Kept] = []
        self._rows: dict[str, list[int]] = {}  # which of all examples are a landmark's
        self._number = 0

    def _check(
        self, frame: Array, points: Sequence[Sequence[float]], labels: Sequence[str]
    ) -> tuple[FramePreparer, np.ndarray, np.ndarray]:
        """What prepares the frames, the frame prepared and its points, if they are of use."""
        prepare = self._prepare or FramePreparer(_spatial_shape(frame))
        try:
            image = prepare(frame)
        except FrameFaultError as fault:
            raise ValueError(f"no examples can be taken from this frame: {fault}") from fault
        return prepare, _rows_first(image), check_examples(points, labels, prepare.fit).numpy()

    def _by_frame(
        self, examples: Iterable[tuple[Array, Sequence[float], str]]
    ) -> list[tuple[FramePreparer, np.ndarray, np.ndarray, list[str]]]:
        """Examples of one frame together; told by its pixels, as each look at a series makes another array of it."""
        groups: dict[bytes, tuple[FramePreparer, np.ndarray, list[np.ndarray], list[str]]] = {}
        for frame, point, label in examples:
            prepare, image, place = self._check(frame, [point], [label])
            self._prepare = prepare  # the first frame settles the size of all
            self._rows.setdefault(label, [])  # labels keep the order in which they came
            _, _, places, labels = groups.setdefault(image.tobytes(), (prepare, image, [], []))
            places.append(place)
            labels.append(label)
        return [(prepare, image, np.concatenate(places), labels) for prepare, image, places, labels in groups.values()]

    def _take(self, prepare: FramePreparer, image: np.ndarray, places: np.ndarray, labels: Sequence[str]) -> None:
        self._kept.append(self.begin(image, places))
        self._prepare = prepare
        for row, label in enumerate(labels, start=self._number):
            self._rows.setdefault(label, []).append(row)
        self._number += len(labels)

    def _locate_all(self, image: np.ndarray) -> torch.Tensor:
        """Answers (N, 2) of all examples, in the order in which they were added."""
        answers = np.concatenate([self.locate(kept, image) for kept in self._kept])
        return torch.as_tensor(answers, dtype=torch.float32)

    def _answer(self, answers: torch.Tensor, fault: str, affine: Array | None) -> TrackedLandmark:
        """One landmark, of its examples' answers (K, 2)."""
        found = answers[answers.isfinite().all(dim=1)]
        unknown = torch.full((2,), torch.nan)
        point = self.fusion(found, torch.ones_like(found))[0] if len(found) else unknown
        reason = fault or self._doubt(point)
        status = LandmarkStatus.DOUBTFUL if reason else LandmarkStatus.UNCHECKED
        measures = torch.full((len(DOUBTS),), torch.nan)
        return TrackedLandmark(
            point, unknown, status, reason, world_point(point, affine), answers, measures, predicted=None
        )

    def _doubt(self, point: torch.Tensor) -> str:
        if not point.isfinite().all():
            return "the answer is not finite"
        assert self._prepare is not None  # what answers has examples
        return "" if self._prepare.fit.contains(point) else "it lies outside of the image"


def _spatial_shape(frame: Array) -> tuple[int, ...]:
    """Of what may be no frame at all, which the preparer then refuses."""
    return tuple(getattr(frame, "shape", ())[-2:])


def _rows_first(image: torch.Tensor) -> np.ndarray:
    """(1, 1, X, Y) in [0, 1] as OpenCV has it, (Y, X), uint8."""
    return (255.0 * image[0, 0]).round().to(torch.uint8).T.contiguous().numpy()
