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

"""Measures over the variants of a sweep, such as patch sizes, encoders or shares of the data."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from scripts.visualize.learning_curve import chart_figure, dress, put_ticks, series_style
from scripts.visualize.short_names import short_names, text_width

__all__ = ["draw_sweep"]

_PANEL = 2.3  # height, inches
_ROW = 70  # letters that fit below a panel in a row
_LONGEST = 28  # letters of a variant's name
_LOGARITHMIC = 50  # greatest over least number from which variants crowd at one end of a linear axis


def draw_sweep(
    names: Sequence[str],
    values: Mapping[str, tuple[Sequence[float], Sequence[float]]],
    *,
    xlabel: str,
    unit: str = "px",
) -> Figure:
    """Draw each measure over the variants of a sweep: a line where variants are numbers, else marks side by side.

    Numbers that span a factor of more than 50 are on a logarithmic axis. Missing values leave a gap.

    Args:
        names: (N,), the variants; in the order given unless all are numbers.
        values: name of a measure to its (means, standard deviations) at the variants, each (N,), in the unit; NaN
            where a value is missing.
        xlabel: what differs between the variants, with its unit.
        unit: of the measures.

    Returns:
        The figure; a panel for each measure, one below the other.

    Raises:
        ValueError: there is no variant or no measure, or a measure has not as many values as there are variants.

    Example:
        >>> figure = draw_sweep(["32", "64"], {"landmarks": ([6.1, 5.2], [3.0, 2.8])}, xlabel="patch size (px)")
        >>> figure.axes[0].get_title(loc="left")
        'landmarks'
    """
    _check(names, values)
    numbers = _numbers(names)
    names = short_names(names, _LONGEST)
    longest = max(map(text_width, names))
    slanted = numbers is None and longest > _ROW // len(names)
    figure = chart_figure(_PANEL * len(values) + 0.6 + max(0.6, 0.04 * longest) * slanted)
    panels = figure.subplots(len(values), 1, sharex=True, squeeze=False)[:, 0]
    for i, (axes, (measure, pair)) in enumerate(zip(panels, values.items(), strict=True)):
        style = series_style(i)
        means, sds = (np.asarray(part, dtype=float) for part in pair)
        if numbers is None:
            _draw_values(axes, np.arange(len(names)), means, sds, style | {"linestyle": "none", "markersize": 7})
        else:
            order = np.argsort(numbers)
            _draw_values(axes, numbers[order], means[order], sds[order], style)
        axes.set_title(short_names([measure], _ROW)[0], loc="left", fontsize=10.5, parse_math=False)
        dress(axes, unit)
    if numbers is None:
        _name_categories(panels[-1], names, slanted)
    else:
        _scale_numbers(panels[-1], names, numbers)
    panels[-1].set_xlabel(xlabel, parse_math=False)
    figure.align_ylabels()
    return figure


def _check(names: Sequence[str], values: Mapping[str, tuple[Sequence[float], Sequence[float]]]) -> None:
    if not names or not values:
        raise ValueError("There is no variant or no measure to draw.")
    for measure, (means, sds) in values.items():
        if not len(means) == len(sds) == len(names):
            raise ValueError(
                f"{measure}: {len(means)} means and {len(sds)} standard deviations for {len(names)} variants."
            )


def _numbers(names: Sequence[str]) -> np.ndarray | None:
    """The variants as numbers, None unless all are."""
    try:
        numbers = np.array([float(name) for name in names])
    except ValueError:
        return None
    return numbers if np.isfinite(numbers).all() else None


def _draw_values(axes: Axes, places: np.ndarray, means: np.ndarray, sds: np.ndarray, style: Mapping[str, Any]) -> None:
    axes.errorbar(places, means, yerr=sds, capsize=4, elinewidth=1.2, **style)
    finite = means[np.isfinite(means)]
    if not finite.size:
        axes.text(0.5, 0.5, "no value", transform=axes.transAxes, ha="center", va="center")
        axes.set_yticks([])
    if not (finite < 0).any():
        axes.set_ylim(bottom=0)


def _name_categories(axes: Axes, names: Sequence[str], slanted: bool) -> None:
    axes.set_xlim(-0.6, len(names) - 0.4)
    axes.set_xticks(range(len(names)), names, parse_math=False)
    if slanted:
        axes.tick_params(axis="x", labelrotation=25)
        for text in axes.get_xticklabels():
            text.set(ha="right", rotation_mode="anchor")


def _scale_numbers(axes: Axes, names: Sequence[str], numbers: np.ndarray) -> None:
    low, high = float(numbers.min()), float(numbers.max())
    if low > 0 and high / low > _LOGARITHMIC:
        axes.set_xscale("log")
        margin = math.exp(0.05 * math.log(high / low))
        axes.set_xlim(low / margin, high * margin)
    else:
        margin = 0.05 * (high - low) or 0.5
        axes.set_xlim(low - margin, high + margin)
    put_ticks(axes, dict(zip(numbers.tolist(), names, strict=True)))
