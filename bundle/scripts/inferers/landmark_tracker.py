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

"""Following landmarks through a live stream of frames."""

from __future__ import annotations

import itertools
import math
import time
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace

import numpy as np
import torch

from scripts.inferers.assessment import Assessment, assess_landmarks
from scripts.inferers.example_bank import ExampleBank, StorableMatcher
from scripts.inferers.frame_preparer import FrameFaultError, FramePreparer
from scripts.inferers.fusion import Fusion, InverseSigmaFusion
from scripts.inferers.local_refinement import LocalRefinement
from scripts.inferers.motion_predictor import MotionPredictor
from scripts.inferers.neighbor_bank import NeighborBank
from scripts.inferers.neighbor_voting import NeighborVoting
from scripts.inferers.tracker_input import check_examples, check_particulars
from scripts.inferers.trust import DOUBTS, Trust
from scripts.io.landmark_status import LandmarkStatus
from scripts.transforms.coordinates import normalized_scale_to_index, normalized_to_index
from scripts.transforms.patch import extract_patches

__all__ = ["LandmarkTracker", "TrackedFrame", "TrackedLandmark", "world_point"]

Array = np.ndarray | torch.Tensor

_NEIGHBORS = NeighborVoting()


@dataclass(frozen=True)
class TrackedLandmark:
    """Where a landmark is in one frame.

    Attributes:
        point: (2,), px of the frame as it was given, index order; NaN where the frame shows nothing.
        sigma: (2,), standard deviation, px.
        status: whether to rely on it: valid, doubtful, or unchecked before :meth:`LandmarkTracker.learn_trust`.
        reason: why it is doubtful; empty where it is not.
        world: (3,), RAS mm, NaN as the point; None where no affine was given.
        examples: (K, 2), where each of its examples was found, px.
        measures: (5,), what :class:`Trust` judged, in the order of :data:`scripts.inferers.DOUBTS`.
        predicted: (2,), where it will be ``horizon_ms`` later, px; None without a predictor or the frame's time.
    """

    point: torch.Tensor
    sigma: torch.Tensor
    status: LandmarkStatus
    reason: str
    world: torch.Tensor | None
    examples: torch.Tensor
    measures: torch.Tensor
    predicted: torch.Tensor | None

    @property
    def is_doubtful(self) -> bool:
        """Whether something speaks against it: do not use its position."""
        return self.status == LandmarkStatus.DOUBTFUL


@dataclass(frozen=True)
class TrackedFrame:
    """The landmarks of one frame.

    Attributes:
        landmarks: label to where it is, in the order in which the labels came.
        timings_ms: ``prepare``, ``encode``, ``match``, ``check`` and ``total``; on a GPU what they took to be launched,
            but for ``total``.
    """

    landmarks: dict[str, TrackedLandmark]
    timings_ms: dict[str, float]


@dataclass(frozen=True)
class _Fused:
    """What the examples of L landmarks say together, px of the network's image.

    Attributes:
        points: (L, 2).
        sigmas: (L, 2).
        best: (L,), the example of the smallest sigma.
        disagreements: (L,), root mean square distance of the examples' answers, px of the original frames; NaN for one.
        dissents: (L,), share of the surroundings that say that the landmark is elsewhere; NaN where none was asked.
    """

    points: torch.Tensor
    sigmas: torch.Tensor
    best: torch.Tensor
    disagreements: torch.Tensor
    dissents: torch.Tensor


class LandmarkTracker:
    """Find landmarks in one frame after the other, each frame on its own, and tell which answers to rely on.

    Each frame is encoded once and matched with all examples in one product. No state grows with the number of frames:
    there is none but the examples, the last frame's code and the predictors. So a lost landmark is found again in the
    first frame in which it looks like its examples.

    Args:
        matcher: the network, see :class:`scripts.inferers.Execution`, or another matcher.
        patch_size: side of the patches, px of the network's image.
        image_size: spatial shape that the network takes, px.
        region: part of the frames to use, ``(x0, y0, x1, y1)`` in their px; None for all.
        spacing: distance of the frames' pixel centres along x and y, mm, which keeps the patient's aspect ratio; None
            for square pixels.
        stretch: fill the network's image rather than keep the aspect ratio, as the network was trained.
        fusion: how several examples of a landmark become one answer; eq. 3 by default.
        correct_bias: take off each example's own matching bias.
        sigma_per_scale: standard deviation of the distribution trained for at scale 1, times a temperature.
        neighbors: how the surroundings of the examples are asked where a landmark is; None does not ask them.
        refinement: sub-pixel refinement within one subject; None for examples of other subjects.
        match_back: match what was found back into the example's frame; costs a patch's code a landmark in each frame,
            and tells little that its surroundings do not tell.
        trust: limits that were learned before; None takes lenient ones, within which an answer is unchecked, until
            :meth:`learn_trust` finds better ones.
        predictor: makes the predictor of a landmark; None predicts nothing.
        horizon_ms: how far ahead to predict.
        device: where the matcher is.

    Example:
        >>> from scripts.classical import NCCMatcher
        >>> frame = np.random.default_rng(0).random((64, 48)).repeat(4, axis=0).repeat(4, axis=1)
        >>> tracker = LandmarkTracker(NCCMatcher(), patch_size=24, image_size=(128, 96), sigma_per_scale=0.01)
        >>> tracker.set_examples([(frame, (100.0, 80.0), "valve")])
        >>> found = tracker.update(np.roll(frame, 8, axis=0)).landmarks["valve"]
        >>> found.point.round(), found.status.value
        (tensor([108.,  80.]), 'unchecked')
    """

    def __init__(
        self,
        matcher: StorableMatcher,
        patch_size: int,
        image_size: Sequence[int],
        *,
        region: Sequence[int] | None = None,
        spacing: Sequence[float] | None = None,
        stretch: bool = False,
        fusion: Fusion | None = None,
        correct_bias: bool = True,
        sigma_per_scale: float = 1.0,
        neighbors: NeighborVoting | None = _NEIGHBORS,
        refinement: LocalRefinement | None = None,
        match_back: bool = False,
        trust: Trust | None = None,
        predictor: Callable[[], MotionPredictor] | None = None,
        horizon_ms: float = 0.0,
        device: torch.device | str = "cpu",
    ) -> None:
        self.matcher = matcher
        self.patch_size = patch_size
        self.fusion = fusion or InverseSigmaFusion()
        self.sigma_per_scale = sigma_per_scale
        self.neighbors = neighbors
        self.refinement = refinement
        self.match_back = match_back
        self.trust = trust
        self.predictor = predictor
        self.horizon_ms = horizon_ms
        self.device = device
        self.correct_bias = correct_bias
        self._prepare = FramePreparer(image_size, region, device, spacing=spacing, stretch=stretch)
        self._shape = tuple(image_size)
        self._last: tuple[torch.Tensor, torch.Tensor] | None = None
        self._clear()

    def _clear(self) -> None:
        self.bank = ExampleBank(
            self.matcher, self.patch_size, correct_bias=self.correct_bias, sigma_per_scale=self.sigma_per_scale
        )
        self._surroundings = None
        if self.neighbors is not None:
            self._surroundings = NeighborBank(self.matcher, self.patch_size, self._shape, self.neighbors)
        self._frames: list[torch.Tensor] = []
        self._frame_of: list[int] = []
        self._patches: list[torch.Tensor] = []
        self._points: list[torch.Tensor] = []
        self._predictors: dict[str, MotionPredictor] = {}
        self._observed_ms: dict[str, float] = {}
        self._plan()

    @property
    def labels(self) -> list[str]:
        """The landmarks, in the order in which they came."""
        return self.bank.labels

    def set_examples(self, examples: Iterable[tuple[Array, Sequence[float], str]]) -> None:
        """Take examples in place of those there are.

        Args:
            examples: (frame, point, label); the point is in px of the frame, index order (x, y).

        Raises:
            TypeError, ValueError: a frame is of no use (see :class:`FramePreparer`), or a point lies outside of it; the
                examples are then as they were.
        """
        before = self.__dict__.copy()
        self._clear()
        try:
            for group in _by_frame(examples):
                frames, points, labels = zip(*group, strict=True)
                self.add(frames[0], points, labels)
        except Exception:
            self.__dict__ = before
            self._forget_size()
            raise

    @torch.no_grad()
    def add(
        self, frame: Array, points: Sequence[Sequence[float]], labels: Sequence[str], where: str | None = None
    ) -> None:
        """Add examples that lie on one frame, at any time; ``bank.doubtful`` tells which are not found again there.

        Args:
            frame: see :class:`FramePreparer`; of the size of all others.
            points: (N, 2), px of the frame.
            labels: the landmark of each point, known or new.
            where: what to call the frame in messages; None for its number among those of the examples.

        Raises:
            TypeError, ValueError: see :meth:`set_examples`.
        """
        try:
            image = self._prepare(frame)
            original = check_examples(points, labels, self._prepare.fit)
        except FrameFaultError as fault:
            self._forget_size()
            raise ValueError(f"no examples can be taken from this frame: {fault}") from fault
        except (TypeError, ValueError):
            self._forget_size()
            raise
        at = self._prepare.fit.to_network(original).to(self.device)
        code = self.matcher.encode_image(image).clone()
        where = where or f"example frame {len(self._frames) + 1}"
        self.bank.add(image, at, labels, image_code=code, where=where, fit=self._prepare.fit)
        if self._surroundings is not None:
            self._surroundings.add(image, code, at, labels)
        self._frames.append(code)
        self._frame_of += [len(self._frames) - 1] * len(labels)
        self._patches += list(extract_patches(image, at, self.patch_size))
        self._points += list(at)
        self._plan()

    def drop(self, label: str) -> None:
        """Forget a landmark and all its examples.

        Raises:
            KeyError: there is none of that name.
        """
        gone = set(self.bank.select(label))
        kept = [i for i in range(len(self.bank)) if i not in gone]
        self.bank.drop(label)
        if self._surroundings is not None:
            self._surroundings.drop(label)
        used = sorted({self._frame_of[i] for i in kept})
        self._frames = [self._frames[i] for i in used]
        self._frame_of = [used.index(self._frame_of[i]) for i in kept]
        self._patches = [self._patches[i] for i in kept]
        self._points = [self._points[i] for i in kept]
        self._predictors.pop(label, None)
        self._observed_ms.pop(label, None)
        self._plan()

    def rename(self, label: str, new: str) -> None:
        """Give a landmark another name.

        Raises:
            KeyError: there is none of that name.
            ValueError: the new name is taken.
        """
        self.bank.rename(label, new)
        if self._surroundings is not None:
            self._surroundings.rename(label, new)
        if label in self._predictors:
            self._predictors[new] = self._predictors.pop(label)
        if label in self._observed_ms:
            self._observed_ms[new] = self._observed_ms.pop(label)
        self._plan()

    @torch.no_grad()
    def update(self, frame: Array, *, affine: Array | None = None, time_ms: float | None = None) -> TrackedFrame:
        """Find all landmarks in a frame.

        Args:
            frame: see :class:`FramePreparer`. One that is constant or has values that are not finite gives answers that
                are doubtful; so does an answer that :class:`Trust` doubts.
            affine: (4, 4), index (x, y, 0, 1) to RAS mm, for world positions.
            time_ms: when the frame was taken, for predictions. A time before that of the last frame begins them anew.

        Returns:
            Each landmark's point in px of the frame, how sure it is, and what the steps took.

        Raises:
            TypeError, ValueError: see :class:`FramePreparer`; or there is no example, or time or affine are of no use.
        """
        if not len(self.bank):
            raise ValueError("there is no example to track; call set_examples or add first")
        check_particulars(affine, time_ms)
        begin = time.perf_counter()
        try:
            image = self._prepare(frame)
        except FrameFaultError as fault:
            return self._nothing(str(fault), affine, time_ms, 1000 * (time.perf_counter() - begin))
        prepared = time.perf_counter()
        code = self._encode(image)
        encoded = time.perf_counter()
        means, sigmas = self._match(code)
        fused = self._ask_neighbors(code, self._fuse(means, sigmas))
        matched = time.perf_counter()
        points, similarity = self._refine(image, fused)
        measures = self._measure(image, fused, points, similarity)
        checked = time.perf_counter()
        landmarks = self._answers(points, fused.sigmas, means, measures, affine, time_ms)
        end = time.perf_counter()
        steps = {"prepare": prepared - begin, "encode": encoded - prepared, "match": matched - encoded}
        steps |= {"check": checked - matched, "total": end - begin}
        return TrackedFrame(landmarks, {name: 1000 * seconds for name, seconds in steps.items()})

    def learn_trust(self, frames: Iterable[Array], false_alarm: float = 0.01) -> Trust:
        """Set limits so that they flag a share of the answers in frames in which all landmarks can be seen.

        Such as the first minute of a treatment, which somebody has watched. Its frames should show what is to be
        expected later: the same contrast, noise and motion. Where the surroundings are asked, what they say is all
        that is judged: no other measure tells right from wrong as well (``bundle/docs/tracking.md``). Nothing is
        learned from landmarks with a doubtful example, see :class:`ExampleBank`.

        Args:
            frames: frames as :meth:`update` takes them; 1 / ``false_alarm`` answers or more, a landmark and frame each:
                100 at 1 %, which are 20 frames of 5 landmarks.
            false_alarm: share of the answers that may be flagged.

        Returns:
            The limits, which are in use from now on.

        Raises:
            ValueError: there are too few frames for such a share, see :meth:`Trust.learn`; each landmark has a doubtful
                example; or see :meth:`update`.
            TypeError: see :meth:`update`.
        """
        if len(self.bank) and not self.teaching_labels:
            raise ValueError(
                f"nothing can be learned, as each landmark has a doubtful example: {self.bank.doubtful[0]}"
            )
        answers = [self.measures_to_learn_from(self.update(frame)) for frame in frames]
        return self.learn_trust_from(torch.cat(answers) if answers else torch.zeros(0, len(DOUBTS)), false_alarm)

    @property
    def teaching_labels(self) -> list[str]:
        """The landmarks that something can be learned from: those without a doubtful example."""
        return [label for label in self.labels if self.bank.teaches(label)]

    def measures_to_learn_from(self, found: TrackedFrame) -> torch.Tensor:
        """What was measured (N, 5) of the landmarks of a frame that something can be learned from."""
        measures = [found.landmarks[label].measures for label in self.teaching_labels]
        return torch.stack(measures) if measures else torch.zeros(0, len(DOUBTS))

    def learn_trust_from(self, measures: torch.Tensor, false_alarm: float = 0.01) -> Trust:
        """:meth:`learn_trust` from what was measured, (N, 5), of answers that are right."""
        names = ["dissent"] if self.neighbors is not None else list(DOUBTS)
        self.trust = Trust.learn(measures[measures.isfinite().any(dim=1)], false_alarm, names)
        return self.trust

    def _forget_size(self) -> None:
        """A frame that was refused does not settle the size of those to come."""
        if not len(self.bank):
            self._prepare.forget_size()

    def _plan(self) -> None:
        """Which examples speak for which landmark, worked out once and not in each frame."""
        self._examples = {label: self.bank.select(label) for label in self.bank.labels}
        self._example_doubts = [self.bank.doubt(examples) for examples in self._examples.values()]
        by_number: dict[int, list[int]] = defaultdict(list)
        for i, examples in enumerate(self._examples.values()):
            by_number[len(examples)].append(i)
        every = list(self._examples.values())
        self._groups = [
            (torch.tensor(group, device=self.device), torch.tensor([every[i] for i in group], device=self.device).T)
            for group in by_number.values()
        ]

    def _encode(self, image: torch.Tensor) -> torch.Tensor:
        """The image's code, that of the last frame if it is the same; a copy, as a captured graph overwrites it."""
        if self._last is None or not torch.equal(image, self._last[0]):
            self._last = image, self.matcher.encode_image(image).clone()
        return self._last[1]

    def _match(self, code: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        """Positions and sigmas (K, 2) by each example, px of the network's image."""
        means, log_scales = (one[0] for one in self.bank.match(code, self.matcher))
        sigmas = log_scales.exp() * self.sigma_per_scale
        return normalized_to_index(means, self._shape), normalized_scale_to_index(sigmas, self._shape)

    def _fuse(self, means: torch.Tensor, sigmas: torch.Tensor) -> _Fused:
        """One answer a landmark; landmarks of equally many examples are fused together."""
        number = len(self._examples)
        points, spreads = means.new_empty(number, 2), means.new_empty(number, 2)
        best = torch.empty(number, dtype=torch.long, device=means.device)
        disagreements = means.new_full((number,), torch.nan)
        to_original = self._prepare.fit.length_to_original
        for group, examples in self._groups:
            answers = means[examples]
            points[group], spreads[group] = self.fusion(answers, sigmas[examples])
            smallest = sigmas[examples].square().sum(dim=-1).argmin(dim=0, keepdim=True)
            best[group] = examples.gather(0, smallest)[0]
            if len(examples) > 1:
                away = to_original(answers - points[group])
                disagreements[group] = away.square().sum(dim=-1).mean(dim=0).sqrt()
        return _Fused(points, spreads, best, disagreements, torch.full_like(disagreements, torch.nan))

    def _ask_neighbors(self, code: torch.Tensor, fused: _Fused) -> _Fused:
        """What is left of the answers after their surroundings were asked."""
        if self._surroundings is None:
            return fused
        points, sigmas, support = self._surroundings.vote(code, fused.points, fused.sigmas)
        return replace(fused, points=points, sigmas=sigmas, dissents=1.0 - support)

    def _refine(self, image: torch.Tensor, fused: _Fused) -> tuple[torch.Tensor, torch.Tensor]:
        """Refined points and their similarity to the best example, NaN without a refinement."""
        if self.refinement is None:
            return fused.points, fused.points.new_full((len(fused.points),), torch.nan)
        patches = torch.stack([self._patches[i] for i in fused.best.tolist()])
        return self.refinement(image, patches, fused.points, fused.sigmas)

    def _measure(
        self, image: torch.Tensor, fused: _Fused, points: torch.Tensor, similarity: torch.Tensor
    ) -> torch.Tensor:
        """What trust judges, (L, 5); lengths in px of the original frames."""
        to_original = self._prepare.fit.length_to_original
        back = torch.full_like(similarity, torch.nan)
        if self.match_back:
            # a way that ends nowhere is the longest, not one that was not measured
            back = to_original(self._ways_back(image, points, fused.best)).norm(dim=1).nan_to_num(nan=torch.inf)
        sigma = to_original(fused.sigmas).amax(dim=1)
        return torch.stack([sigma, fused.disagreements, back, 1.0 - similarity, fused.dissents], dim=1).cpu()

    def _ways_back(self, image: torch.Tensor, points: torch.Tensor, best: torch.Tensor) -> torch.Tensor:
        """How far from its example (L, 2) each found patch is found back, px of the network's image."""
        codes = self.matcher.encode_patch(extract_patches(image, points, self.patch_size))
        ways = torch.empty_like(points)
        by_frame: dict[int, list[int]] = defaultdict(list)
        for i, example in enumerate(best.tolist()):
            by_frame[self._frame_of[example]].append(i)
        for frame, group in by_frame.items():
            found = self.matcher.match(self._frames[frame], codes[group])[:, :2]
            start = torch.stack([self._points[best[i]] for i in group])
            ways[group] = normalized_to_index(found, self._shape) - start
        return ways

    def _answers(
        self,
        points: torch.Tensor,
        sigmas: torch.Tensor,
        means: torch.Tensor,
        measures: torch.Tensor,
        affine: Array | None,
        time_ms: float | None,
    ) -> dict[str, TrackedLandmark]:
        fit = self._prepare.fit
        points, means = fit.to_original(points.cpu()), fit.to_original(means.cpu())
        sigmas = fit.length_to_original(sigmas.cpu())
        assessed = self._assess(points, measures)
        return {
            label: TrackedLandmark(
                points[i],
                sigmas[i],
                *assessed[i],
                world_point(points[i], affine),
                means[self._examples[label]],
                measures[i],
                self._predict(label, time_ms, points[i], sigmas[i], is_doubtful=bool(assessed[i].reason)),
            )
            for i, label in enumerate(self._examples)
        }

    def _assess(self, points: torch.Tensor, measures: torch.Tensor) -> list[Assessment]:
        return assess_landmarks(points, measures, self._prepare.fit, self.patch_size, self.trust, self._example_doubts)

    def _predict(
        self, label: str, time_ms: float | None, point: torch.Tensor, sigma: torch.Tensor, *, is_doubtful: bool
    ) -> torch.Tensor | None:
        if self.predictor is None or time_ms is None:
            return None
        if label not in self._predictors:
            self._predictors[label] = self.predictor()
        predictor = self._predictors[label]
        if time_ms < self._observed_ms.get(label, -math.inf):  # a clock that began anew
            predictor.reset()
            self._observed_ms.pop(label)
        # a frame that is asked for again was given to the predictor before
        if not is_doubtful and time_ms > self._observed_ms.get(label, -math.inf):
            predictor.update(time_ms, point, sigma)
            self._observed_ms[label] = time_ms
        return predictor.predict(time_ms + self.horizon_ms)

    def _nothing(self, reason: str, affine: Array | None, time_ms: float | None, milliseconds: float) -> TrackedFrame:
        """A frame that shows nothing."""
        lost = torch.full((2,), torch.nan)
        landmarks = {
            label: TrackedLandmark(
                lost,
                lost,
                LandmarkStatus.DOUBTFUL,
                reason,
                world_point(lost, affine),
                torch.full((len(examples), 2), torch.nan),
                torch.full((len(DOUBTS),), torch.nan),
                self._predict(label, time_ms, lost, lost, is_doubtful=True),
            )
            for label, examples in self._examples.items()
        }
        steps = dict.fromkeys(("encode", "match", "check"), 0.0)
        return TrackedFrame(landmarks, {"prepare": milliseconds, **steps, "total": milliseconds})


def _by_frame(examples: Iterable[tuple[Array, Sequence[float], str]]) -> Iterator[list[tuple]]:
    """Neighbouring examples of one frame together; of an iterator each alone, as it may use an array again."""
    if isinstance(examples, Sequence):
        for _, group in itertools.groupby(examples, key=lambda example: id(example[0])):
            yield list(group)
    else:
        yield from ([example] for example in examples)


def world_point(point: torch.Tensor, affine: Array | None) -> torch.Tensor | None:
    """RAS mm (3,) of a point (2,) in px, by an affine (4, 4) of the index (x, y, 0, 1); None without one."""
    if affine is None:
        return None
    matrix = torch.as_tensor(np.asarray(affine, dtype=np.float64))
    return (matrix @ torch.tensor([*point.tolist(), 0.0, 1.0], dtype=torch.float64))[:3].float()
