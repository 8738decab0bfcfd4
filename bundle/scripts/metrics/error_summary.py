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

"""Landmark errors in a few figures: mean, spread, success rates, and how sure the mean is."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
import torch

__all__ = ["bootstrap_interval", "error_summary", "summary_px_mm"]

_MOST_FOR_QUANTILE = 16_000_000  # torch's quantile takes no more


def error_summary(errors: torch.Tensor, unit: str, thresholds: Sequence[float] = ()) -> dict[str, float | int]:
    """Mean, standard deviation, median, minimum, maximum and success rates of errors.

    Args:
        errors: of any shape; what is not finite is left out.
        unit: ``px`` or ``mm``, the last part of the keys.
        thresholds: a success is an error of at most this length, in the unit.

    Returns:
        ``mean_px``, ``sd_px`` (of the population), ``median_px``, ``min_px``, ``max_px``, ``within_2_px`` ... (shares
        from 0 to 1) and ``number``; NaN where there is no error.

    Example:
        >>> summary = error_summary(torch.tensor([1.0, 3.0, torch.nan]), "px", [2])
        >>> summary["mean_px"], summary["sd_px"], summary["within_2_px"], summary["number"]
        (2.0, 1.0, 0.5, 2)
    """
    finite = errors[errors.isfinite()].double()
    number = finite.numel()
    some = finite if number else torch.full((1,), math.nan, dtype=torch.float64)
    measures = {
        "mean": some.mean(),
        "sd": some.std(correction=0),
        "median": some.quantile(0.5) if number < _MOST_FOR_QUANTILE else some.median(),
        "min": some.min(),
        "max": some.max(),
    }
    summary: dict[str, float | int] = {f"{name}_{unit}": value.item() for name, value in measures.items()}
    for threshold in thresholds:
        share = (some <= threshold).double().mean().item() if number else math.nan
        summary[f"within_{threshold:g}_{unit}"] = share
    return summary | {"number": number}


def summary_px_mm(
    errors_px: torch.Tensor, errors_mm: torch.Tensor, thresholds: Sequence[float] = ()
) -> dict[str, float | int]:
    """:func:`error_summary` in px and, where any error is known in mm, in mm too.

    Args:
        errors_px: errors in px.
        errors_mm: the same in mm, NaN where the spacing is not known.
        thresholds: for the success rates, in either unit.

    Example:
        >>> sorted(summary_px_mm(torch.ones(2), torch.full((2,), torch.nan)))
        ['max_px', 'mean_px', 'median_px', 'min_px', 'number', 'sd_px']
    """
    summary = error_summary(errors_px, "px", thresholds)
    return error_summary(errors_mm, "mm", thresholds) | summary if errors_mm.isfinite().any() else summary


def bootstrap_interval(
    errors: np.ndarray,
    groups: Sequence[str] | None = None,
    *,
    level: float = 0.95,
    resamples: int = 1000,
    seed: int = 0,
) -> tuple[float, float]:
    """Interval of the mean error over new draws of examples and new patients (a two-way bootstrap).

    Both the draws and the patients are drawn again, with replacement: the errors of one patient's images share the
    patient, those of one draw share the examples, so neither are so many independent errors.

    Args:
        errors: (draws, images), the mean error of an image with a draw; NaN where there is none.
        groups: whose each image is; None for each image a patient of its own.
        level: share of the resampled means that the interval holds.
        resamples: number of resampled means.
        seed: seed of the drawing.

    Returns:
        Lower and upper end, in the unit of the errors; NaN where there is no error.

    Example:
        >>> bootstrap_interval(np.full((3, 4), 2.0))
        (2.0, 2.0)
    """
    if not np.isfinite(errors).any():
        return math.nan, math.nan
    random = np.random.RandomState(seed)
    _, owner = np.unique(np.arange(errors.shape[1]) if groups is None else groups, return_inverse=True)
    draws, patients = len(errors), owner.max() + 1
    belongs = np.eye(patients)[owner]
    # how often each draw and each patient was drawn; the resampled mean is a weighted mean
    rows = random.multinomial(draws, np.full(draws, 1 / draws), size=resamples)
    columns = random.multinomial(patients, np.full(patients, 1 / patients), size=resamples)
    there = np.isfinite(errors)
    sums = ((rows @ np.where(there, errors, 0.0) @ belongs) * columns).sum(axis=1)
    counts = ((rows @ there.astype(float) @ belongs) * columns).sum(axis=1)
    means = sums[counts > 0] / counts[counts > 0]
    tail = (1 - level) / 2
    low, high = np.quantile(means, [tail, 1 - tail])
    return float(low), float(high)
