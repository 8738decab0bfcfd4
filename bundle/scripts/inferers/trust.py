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

"""Whether a tracked position can be relied on, and why not."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import torch

from scripts.io.landmark_status import LandmarkStatus

__all__ = ["DOUBTS", "Trust"]

DOUBTS = {
    "sigma_px": "the uncertainty is too large",
    "disagreement_px": "the examples disagree",
    "return_px": "it is not found back in its example",
    "dissimilarity": "it does not look like its example",
    "dissent": "its surroundings are elsewhere",
}
"""What is measured of each answer, the larger the worse, and what is said where it is too large."""


@dataclass(frozen=True)
class Trust:
    """Upper limits of what speaks against an answer.

    Attributes:
        limits: name of a measure, see :data:`DOUBTS`, to its limit; what is not in it is not judged.
        false_alarm: share of the answers that the limits were learned from that they flag; None where it is not known.
        learned: whether they were learned from answers that are right, be it in another run; what is within limits that
            were not, see :meth:`lenient`, is unchecked.

    Raises:
        ValueError: there is no such measure.

    Example:
        >>> Trust({"sigma_px": 4.0}).judge(torch.tensor([[3.0, 0.0, 9.0, 0.0, 0.0], [5.0, 0.0, 0.0, 0.0, 0.0]]))
        ['', 'the uncertainty is too large']
    """

    limits: dict[str, float]
    false_alarm: float | None = None
    learned: bool = True

    def __post_init__(self) -> None:
        if unknown := set(self.limits) - set(DOUBTS):
            raise ValueError(f"no such measure: {', '.join(sorted(unknown))}; there are {', '.join(DOUBTS)}")

    def judge(self, measures: torch.Tensor) -> list[str]:
        """What speaks against each answer.

        Args:
            measures: (L, 5), in the order of :data:`DOUBTS`; NaN for what was not measured.

        Returns:
            (L,), the first doubt, or an empty text.
        """
        limits = torch.tensor([self.limits.get(name, torch.inf) for name in DOUBTS])
        texts = list(DOUBTS.values())
        return [
            next((text for text, doubtful in zip(texts, row, strict=True) if doubtful), "")
            for row in (measures.cpu() > limits).tolist()
        ]

    def status(self, measures: torch.Tensor, reasons: Sequence[str]) -> list[LandmarkStatus]:
        """What each answer says of itself.

        Args:
            measures: (L, 5), see :meth:`judge`.
            reasons: what speaks against each answer, be it of :meth:`judge` or not; an empty text for nothing.

        Returns:
            (L,), doubtful where there is a reason; valid where none of the limits is exceeded, these were learned, and
            something was measured that they limit; else unchecked.

        Example:
            >>> measures = torch.tensor([[3.0, torch.nan, 0.0, 0.0, 0.0]])
            >>> [Trust({name: 4.0}).status(measures, [""])[0].value for name in ("sigma_px", "disagreement_px")]
            ['valid', 'unchecked']
        """
        limited = torch.tensor([self.learned and name in self.limits for name in DOUBTS])
        judged = (measures.cpu().isfinite() & limited).any(dim=1).tolist()
        return [
            LandmarkStatus.DOUBTFUL if reason else LandmarkStatus.VALID if was else LandmarkStatus.UNCHECKED
            for reason, was in zip(reasons, judged, strict=True)
        ]

    @classmethod
    def lenient(cls, length_px: float) -> Trust:
        """Limits for want of learned ones.

        Args:
            length_px: of all lengths, such as a quarter of a patch, px of the original frames.

        Example:
            >>> Trust.lenient(6.0).limits["sigma_px"], Trust.lenient(6.0).learned
            (6.0, False)
        """
        lengths = dict.fromkeys(("sigma_px", "disagreement_px", "return_px"), length_px)
        return cls({**lengths, "dissent": 0.5, "dissimilarity": 0.7}, learned=False)

    @classmethod
    def learn(cls, measures: torch.Tensor, false_alarm: float = 0.01, names: Sequence[str] = tuple(DOUBTS)) -> Trust:
        """Limits that flag a given share of answers which are known to be right.

        All measures have limits at the same quantile of their own; the quantile is the one at which all limits
        together flag ``false_alarm`` of the answers, or less.

        Args:
            measures: (N, 5), as :meth:`judge` takes them; of frames in which the landmarks were followed well.
            false_alarm: share in (0, 1).
            names: the measures that get a limit. One that tells right from wrong badly takes its part of the share from
                those that do it well.

        Raises:
            ValueError: there is no such measure, the share is not in (0, 1), or there are too few answers for it.

        Example:
            >>> measures = torch.rand(1000, 5, generator=torch.Generator().manual_seed(0))
            >>> trust = Trust.learn(measures, false_alarm=0.02)
            >>> sum(map(bool, trust.judge(measures))) / 1000 <= 0.02
            True
        """
        if not 0.0 < false_alarm < 1.0:
            raise ValueError(f"the share of false alarms is {false_alarm}; give one between 0 and 1, such as 0.01")
        needed = math.ceil(1.0 / false_alarm - 1e-9)
        if len(measures) < needed:
            raise ValueError(
                f"{len(measures)} answers are too few for a share of {false_alarm:g} false alarms; "
                f"give {needed} or more (frames times landmarks), or a larger share, such as false_alarm="
                f"{_share_of(len(measures)):g}"
            )
        cls(dict.fromkeys(names, 0.0))
        judged = torch.tensor([name in names for name in DOUBTS])
        measures = measures.double().where(judged, torch.nan)
        measured = measures.isfinite().any(dim=0)
        # the share of a measure's own answers above its limit, as large as all limits together allow
        low, high, share = 0.0, 2.0 * false_alarm, false_alarm
        for _ in range(30):
            fits = _flagged(measures, _limits(measures, share)) <= false_alarm
            low, high = (share, high) if fits else (low, share)
            share = (low + min(high, false_alarm)) / 2
        limits = _limits(measures, low)
        flagged = _flagged(measures, limits)
        return cls(
            {name: limit for name, limit, there in zip(DOUBTS, limits.tolist(), measured, strict=True) if there},
            flagged,
        )


def _share_of(answers: int) -> float:
    """A round share that so many answers are enough for."""
    return min(0.5, math.ceil(100.0 / max(answers, 1)) / 100.0)


def _limits(measures: torch.Tensor, share: float) -> torch.Tensor:
    """For each measure (5,) the smallest of its values that at most a share of them is above; NaN for no value."""
    limits = []
    for values in measures.T:
        ordered = values[~values.isnan()].sort().values
        limits.append(
            ordered[-1 - int(share * len(ordered) + 1e-9)] if len(ordered) else torch.tensor(torch.nan).double()
        )
    return torch.stack(limits)


def _flagged(measures: torch.Tensor, limits: torch.Tensor) -> float:
    """Share of the answers with a measure above its limit; NaN is above none."""
    return (measures > limits).any(dim=1).double().mean().item()
