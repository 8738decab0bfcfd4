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

from dataclasses import dataclass

import torch

__all__ = ["DOUBTS", "Trust"]

DOUBTS = {
    "sigma_px": "the uncertainty is too large",
    "disagreement_px": "the examples disagree",
    "return_px": "it is not found back in its example",
    "dissimilarity": "it does not look like its example",
}
"""What is measured of each answer, the larger the worse, and what is said where it is too large."""


@dataclass(frozen=True)
class Trust:
    """Upper limits of what speaks against an answer.

    Attributes:
        limits: name of a measure, see :data:`DOUBTS`, to its limit; what is not in it is not judged.
        false_alarm: share of the answers that the limits were learned from that they flag; None for limits that were
            not learned.

    Raises:
        ValueError: there is no such measure.

    Example:
        >>> Trust({"sigma_px": 4.0}).judge(torch.tensor([[3.0, 0.0, 9.0, 0.0], [5.0, 0.0, 0.0, 0.0]]))
        ['', 'the uncertainty is too large']
    """

    limits: dict[str, float]
    false_alarm: float | None = None

    def __post_init__(self) -> None:
        if unknown := set(self.limits) - set(DOUBTS):
            raise ValueError(f"no such measure: {', '.join(sorted(unknown))}; there are {', '.join(DOUBTS)}")

    def judge(self, measures: torch.Tensor) -> list[str]:
        """What speaks against each answer.

        Args:
            measures: (L, 4), in the order of :data:`DOUBTS`; NaN for what was not measured.

        Returns:
            (L,), the first doubt, or an empty text.
        """
        limits = torch.tensor([self.limits.get(name, torch.inf) for name in DOUBTS])
        texts = list(DOUBTS.values())
        return [
            next((text for text, doubtful in zip(texts, row, strict=True) if doubtful), "")
            for row in (measures.cpu() > limits).tolist()
        ]

    @classmethod
    def learn(cls, measures: torch.Tensor, false_alarm: float = 0.01) -> Trust:
        """Limits that flag a given share of answers which are known to be right.

        All measures have limits at the same quantile of their own; the quantile is the one at which all limits
        together flag ``false_alarm`` of the answers, or less.

        Args:
            measures: (N, 4), as :meth:`judge` takes them; of frames in which the landmarks were followed well.
            false_alarm: share in (0, 1).

        Raises:
            ValueError: there are too few answers for such a share.

        Example:
            >>> measures = torch.rand(1000, 4, generator=torch.Generator().manual_seed(0))
            >>> trust = Trust.learn(measures, false_alarm=0.02)
            >>> sum(map(bool, trust.judge(measures))) / 1000 <= 0.02
            True
        """
        if len(measures) * false_alarm < 1.0:
            raise ValueError(
                f"{len(measures)} answers are too few for a share of {false_alarm:g} false alarms; "
                f"give {int(1 / false_alarm) + 1} or more, or a larger share"
            )
        measured = measures.isfinite().any(dim=0)
        names = [name for name, there in zip(DOUBTS, measured, strict=True) if there]
        # NaN is smaller than any limit: it is never flagged
        ordered = measures[:, measured].double().nan_to_num(nan=-torch.inf).sort(dim=0).values
        # the number of answers above each limit, from few to many, as long as all limits together flag few enough
        low, high = 0, int(len(measures) * false_alarm)
        while low < high:
            above = (low + high + 1) // 2
            flagged = (measures[:, measured] > ordered[-1 - above]).any(dim=1).double().mean().item()
            low, high = (above, high) if flagged <= false_alarm else (low, above - 1)
        limits = ordered[-1 - low]
        flagged = (measures[:, measured] > limits).any(dim=1).double().mean().item()
        return cls(dict(zip(names, limits.tolist(), strict=True)), flagged)
