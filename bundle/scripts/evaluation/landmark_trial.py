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

"""A matcher's landmark errors with any number of examples, over repeated draws of the examples."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch

from scripts.evaluation.labelled_frames import LabelledFrame
from scripts.evaluation.landmark_answers import LandmarkAnswers
from scripts.evaluation.result import Residuals
from scripts.inferers.fusion import Fusion
from scripts.metrics.error_summary import bootstrap_interval, summary_px_mm
from scripts.visualize.learning_curve import LearningCurve

__all__ = ["LandmarkTrial"]


@dataclass(frozen=True)
class LandmarkTrial:
    """Errors of all draws.

    Attributes:
        answers: what each example answered, one for each group of images.
        errors: number of examples to (draws, targets, labels, 2), found minus true, px of the original images; NaN
            where the landmark is absent or the answer not finite.
        sigmas: likewise.

    Example:
        >>> trial = LandmarkTrial.draw(answers, [1, 5], 20, InverseSigmaFusion(), seed=0)  # doctest: +SKIP
        >>> trial.errors[5].shape  # doctest: +SKIP
        torch.Size([20, 50, 9, 2])
    """

    answers: Sequence[LandmarkAnswers]
    errors: dict[int, torch.Tensor]
    sigmas: dict[int, torch.Tensor]

    @classmethod
    def draw(
        cls, answers: Sequence[LandmarkAnswers], counts: Iterable[int], draws: int, fusion: Fusion, seed: int
    ) -> LandmarkTrial:
        """Combine the answers of examples drawn at random; those of a smaller number are among those of a larger.

        Where a number takes all examples that there are, all draws would be the same, and there is one.

        Args:
            answers: what each example answered, one for each group of images.
            counts: numbers of examples; those larger than any group has are left out, and 1 is tried if none is left.
            draws: how often examples are drawn.
            fusion: how several answers become one.
            seed: seed of the draws.
        """
        most = max(len(one.marked) for one in answers)
        errors: dict[int, torch.Tensor] = {}
        sigmas: dict[int, torch.Tensor] = {}
        for count in [count for count in counts if count <= most] or [1]:
            different = draws if count < most else 1
            drawn = [_draw(answers, count, fusion, np.random.RandomState([seed, draw])) for draw in range(different)]
            errors[count], sigmas[count] = (torch.stack(part) for part in zip(*drawn, strict=True))
        return cls(answers, errors, sigmas)

    @property
    def targets(self) -> list[LabelledFrame]:
        """The frames that were judged, in the order of the errors' second axis."""
        return [target for one in self.answers for target in one.group.targets]

    @property
    def fewest(self) -> int:
        """The smallest number of examples: 1, as a rule."""
        return min(self.errors)

    def at_most(self, count: int) -> int:
        """The largest number of examples that was tried up to ``count``."""
        return max([tried for tried in self.errors if tried <= count], default=self.fewest)

    def lengths(self, count: int, labels: Sequence[int]) -> tuple[torch.Tensor, torch.Tensor]:
        """Euclidean errors (draws, targets, labels) with so many examples, in px and in mm."""
        errors = self.errors[count][:, :, list(labels)]
        mm = torch.stack([target.frame.to_mm(errors[:, t]) for t, target in enumerate(self.targets)], dim=1)
        return errors.norm(dim=-1), mm.norm(dim=-1)

    def summary(
        self, count: int, labels: Sequence[int], thresholds: Sequence[float] = (), seed: int = 0
    ) -> dict[str, Any]:
        """Figures over draws, targets and labels, and a 95 % interval of the mean, see :func:`bootstrap_interval`."""
        px, mm = self.lengths(count, labels)
        patients = [target.frame.patient for target in self.targets]
        interval = bootstrap_interval(px.nanmean(dim=2).numpy(), patients, seed=seed)
        summary = {"examples": count, "draws": len(px)} | summary_px_mm(px, mm, thresholds)
        return summary | {"interval_95_px": list(interval)}

    def curve(self, labels: Sequence[int], seed: int = 0) -> LearningCurve:
        """Mean error and its interval against the number of examples (Frueh et al. 2022, Fig. 6)."""
        summaries = [self.summary(count, labels, seed=seed) for count in self.errors]
        low, high = zip(*(summary["interval_95_px"] for summary in summaries), strict=True)
        return LearningCurve(list(self.errors), [summary["mean_px"] for summary in summaries], low, high)

    def residuals(self, count: int) -> Residuals:
        """All errors with so many examples, with their sigmas."""
        return Residuals.join([Residuals(self.errors[count].reshape(-1, 2), self.sigmas[count].reshape(-1, 2))])

    def failed(self) -> list[str]:
        """Names of the targets where an example's answer is not finite."""
        names = []
        for one in self.answers:
            finite = one.means.isfinite().all(dim=-1) & one.sigmas.isfinite().all(dim=-1)
            bad = (one.marked.unsqueeze(1) & ~finite).any(dim=2).any(dim=0)
            names += [one.group.targets[int(t)].frame.name for t in bad.nonzero().flatten()]
        return names


def _draw(
    answers: Sequence[LandmarkAnswers], count: int, fusion: Fusion, random: np.random.RandomState
) -> tuple[torch.Tensor, torch.Tensor]:
    fused = [one.fuse(random.permutation(len(one.marked)).tolist(), count, fusion) for one in answers]
    errors, sigmas = (torch.cat(part) for part in zip(*fused, strict=True))
    return errors, sigmas
