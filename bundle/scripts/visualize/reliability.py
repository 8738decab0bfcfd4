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

"""Whether sigmas tell the truth: observed against expected coverage, and error against sigma."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import FuncFormatter, LogLocator, MultipleLocator, NullFormatter, PercentFormatter

from scripts.visualize.learning_curve import DARK, SOFT, chart_figure, dress, legend_below, series_style

__all__ = ["draw_error_against_sigma", "draw_reliability"]

_HEIGHT = 5.2  # inches
_DIAGONAL: dict[str, Any] = {"color": DARK, "linewidth": 1, "linestyle": (0, (6, 3)), "zorder": 1}


def draw_reliability(curves: Mapping[str, tuple[Sequence[float], Sequence[float]]]) -> Figure:
    """Draw the share of truths that ellipses hold against the share that they should hold.

    Above the diagonal sigmas are too large, below it they are too small.

    Args:
        curves: name to (expected, observed) shares, from 0 to 1, each (N,).

    Returns:
        The figure; both axes from 0 to 100 %.

    Raises:
        ValueError: there is no curve, or one whose two lengths differ.

    Example:
        >>> figure = draw_reliability({"before": ([0.5, 0.9], [0.3, 0.6]), "after": ([0.5, 0.9], [0.51, 0.89])})
        >>> figure.axes[0].get_ylabel()
        'observed coverage'
    """
    figure, axes = _square_chart({name: _paired(name, pair) for name, pair in curves.items()})
    axes.set(xlim=(0, 1), ylim=(0, 1), xlabel="expected coverage")
    for axis in (axes.xaxis, axes.yaxis):
        axis.set_major_locator(MultipleLocator(0.2))
        axis.set_major_formatter(PercentFormatter(xmax=1, decimals=0, symbol=" %"))
    dress(axes, "observed coverage")
    _name_sides(axes, above="sigmas too large", below="sigmas too small")
    return figure


def draw_error_against_sigma(
    bins: Mapping[str, tuple[Sequence[float], Sequence[float]]], *, unit: str = "px"
) -> Figure:
    """Draw the error of answers with like sigmas against these sigmas.

    Above the diagonal sigmas are too small, below it they are too large. Bins without a positive sigma and error are
    left out, as the axes are logarithmic.

    Args:
        bins: name to (root mean square sigma, root mean square error) of each bin, in the unit, each (N,).
        unit: of both, such as ``px`` or ``mm``.

    Returns:
        The figure; both axes logarithmic, with the same limits.

    Raises:
        ValueError: there is no series, or one whose two lengths differ.

    Example:
        >>> figure = draw_error_against_sigma({"before": ([0.5, 1.0, 2.0], [1.1, 1.9, 4.2])})
        >>> figure.axes[0].get_xlabel()
        'root mean square sigma (px)'
    """
    shown = {name: _positive(*_paired(name, pair)) for name, pair in bins.items()}
    figure, axes = _square_chart(shown)
    low, high = _limits([values for pair in shown.values() for values in pair])
    axes.set(xscale="log", yscale="log", xlim=(low, high), ylim=(low, high))
    for axis in (axes.xaxis, axes.yaxis):
        axis.set_major_locator(LogLocator(subs=(1, 2, 5) if high / low < 3000 else (1,)))
        axis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:g}"))
        axis.set_minor_formatter(NullFormatter())
    axes.set_xlabel(f"root mean square sigma ({unit})")
    dress(axes, f"root mean square error ({unit})")
    _name_sides(axes, above="sigmas too small", below="sigmas too large")
    return figure


def _paired(name: str, pair: tuple[Sequence[float], Sequence[float]]) -> tuple[np.ndarray, np.ndarray]:
    x, y = (np.asarray(values, dtype=float) for values in pair)
    if x.shape != y.shape:
        raise ValueError(f"{name}: the two lists must be of one length, not {x.size} and {y.size}.")
    return x, y


def _positive(x: np.ndarray, y: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    some = np.isfinite(x) & np.isfinite(y) & (x > 0) & (y > 0)
    return x[some], y[some]


def _square_chart(series: Mapping[str, tuple[np.ndarray, np.ndarray]]) -> tuple[Figure, Axes]:
    """A square chart of the series with their names below."""
    if not series:
        raise ValueError("There is no curve to draw.")
    names = [*series, "calibrated"]
    figure = chart_figure(_HEIGHT, names)
    axes = figure.subplots()
    axes.set_aspect("equal", adjustable="box")
    lines = []
    for i, pair in enumerate(series.values()):
        # not cut in half by the frame where a coverage is 0 or 1
        lines += axes.plot(*pair, clip_on=False, zorder=3, **series_style(i))
    # the diagonal of the axes, whatever their limits
    lines += axes.plot([0, 1], [0, 1], transform=axes.transAxes, **_DIAGONAL)
    legend_below(figure, lines, names)
    return figure, axes


def _limits(values: Sequence[np.ndarray]) -> tuple[float, float]:
    """The steps of 1, 2 and 5 next to the least and the greatest value, so that both ends have a number."""
    known = np.concatenate(values)
    if not known.size:
        return 1.0, 10.0
    decades = np.arange(np.floor(np.log10(known.min())), np.ceil(np.log10(known.max())) + 2)
    steps = (10.0 ** decades[:, None] * [1, 2, 5]).ravel()
    low, high = steps[steps <= known.min() * 1.000001].max(), steps[steps >= known.max() * 0.999999]
    return float(low), float(high[high > low].min())


def _name_sides(axes: Axes, *, above: str, below: str) -> None:
    notes: dict[str, Any] = {"transform": axes.transAxes, "fontsize": 9, "color": SOFT}
    axes.text(0.03, 0.97, above, ha="left", va="top", **notes)
    axes.text(0.97, 0.03, below, ha="right", va="bottom", **notes)
