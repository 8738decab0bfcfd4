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

"""What an evaluation finds: figures, a row an image, pictures, and what it had to leave out."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import torch
from matplotlib.figure import Figure

__all__ = ["EvaluationResult", "Residuals", "left_out"]


@dataclass(frozen=True)
class Residuals:
    """Errors an axis, each with the sigma that came with it.

    Attributes:
        errors: (N, 2), found minus true, px of the original images.
        sigmas: (N, 2), px of the original images.

    Example:
        >>> len(Residuals.join([Residuals(torch.zeros(3, 2), torch.ones(3, 2))] * 2).errors)
        6
    """

    errors: torch.Tensor
    sigmas: torch.Tensor

    @property
    def usable(self) -> torch.Tensor:
        """(N,), whether error and sigma are finite, and sigma above zero."""
        return (self.errors.isfinite() & self.sigmas.isfinite() & (self.sigmas > 0)).all(dim=1)

    @property
    def lengths(self) -> torch.Tensor:
        """(N,), Euclidean errors; NaN for what is not usable."""
        return self.errors.norm(dim=1).masked_fill(~self.usable, torch.nan)

    @classmethod
    def join(cls, parts: Sequence[Residuals]) -> Residuals:
        """All that are usable, in one."""
        errors = torch.cat([torch.zeros(0, 2), *(part.errors[part.usable] for part in parts)])
        sigmas = torch.cat([torch.zeros(0, 2), *(part.sigmas[part.usable] for part in parts)])
        return cls(errors, sigmas)


@dataclass(frozen=True)
class EvaluationResult:
    """The answer to one question.

    Attributes:
        name: a word for files and for the key in ``metrics.json``.
        metrics: figures; names end in their unit.
        rows: a row an image, for the CSV file.
        notes: a line for each thing that was left out or is missing, with its number and names.
        figures: name to a function that draws; drawn one after the other, as they hold much memory.
        residuals: name to errors and sigmas, for the calibration.

    Example:
        >>> EvaluationResult("pixel_matching", {"mean_px": 2.2}).metrics["mean_px"]
        2.2
    """

    name: str
    metrics: dict[str, Any]
    rows: list[dict[str, Any]] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    figures: Mapping[str, Callable[[], Figure]] = field(default_factory=dict)
    residuals: dict[str, Residuals] = field(default_factory=dict)


def left_out(names: Sequence[str], what: str, most: int = 5) -> list[str]:
    """A line that counts and names what is missing; no line for nothing.

    Example:
        >>> left_out(["a.png", "b.png"], "images left out, smaller than a patch")
        ['2 images left out, smaller than a patch: a.png, b.png']
    """
    if not names:
        return []
    more = f" and {len(names) - most} more" if len(names) > most else ""
    return [f"{len(names)} {what}: {', '.join(names[:most])}{more}"]
