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

"""Error against the number of examples, and how charts of several named series look."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from matplotlib.artist import Artist
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from matplotlib.ticker import FixedFormatter, FixedLocator, NullLocator

from scripts.visualize.overlay import DPI, draw_legend
from scripts.visualize.short_names import text_width

__all__ = ["LearningCurve", "draw_learning_curve"]

# Okabe and Ito's palette without yellow, which is lost on white. The numbers of colours, markers and line styles have
# no common divisor, so that any two of the first 20 series differ in two of the three at least.
_COLORS = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9", "#333333")
_MARKERS = ("o", "s", "^", "D", "v")
_LINES = ("-", "--", "-.", ":")
_HOLLOW = ("o", "s", "^", "D", "v", "P", "X", "*")
DARK, SOFT = "#333333", "#6B6B6B"

_WIDTH = 7.2  # inches, as wide as the text of a page
_LEGEND_ROW = 0.24  # inches
_LONG_NAME = 36  # letters; two columns of longer names do not fit beside each other


@dataclass(frozen=True)
class LearningCurve:
    """The error of one method against the number of examples.

    Attributes:
        counts: (N,), numbers of examples, 1 or more.
        mean: (N,), mean errors; NaN where there is none.
        low: (N,), lower ends of their intervals.
        high: (N,), upper ends.

    Raises:
        ValueError: if the lengths differ, or a number of examples is not positive.

    Example:
        >>> LearningCurve([1, 5], mean=[6.0, 4.0], low=[5.0, 3.5], high=[7.5, 4.4]).counts
        [1, 5]
    """

    counts: Sequence[int]
    mean: Sequence[float]
    low: Sequence[float]
    high: Sequence[float]

    def __post_init__(self) -> None:
        lengths = [len(values) for values in (self.counts, self.mean, self.low, self.high)]
        if len(set(lengths)) != 1:
            raise ValueError(f"counts, mean, low and high must be of one length, not {lengths}.")
        if min(self.counts, default=1) < 1:
            raise ValueError(f"numbers of examples must be positive, not {list(self.counts)}.")


def draw_learning_curve(
    curves: Mapping[str, LearningCurve],
    *,
    unit: str = "px",
    points: Mapping[str, tuple[int, float]] | None = None,
) -> Figure:
    """Draw the error against the number of examples, with the interval of the mean as a band.

    Args:
        curves: method to its curve, in the unit.
        unit: of the errors, such as ``px`` or ``mm``.
        points: name to (number of examples, error) of single values to compare with, such as those that a paper gives;
            drawn as hollow markers.

    Returns:
        The figure; the number of examples is logarithmic.

    Raises:
        ValueError: there is neither a curve nor a point, or a point's number of examples is not positive.

    Example:
        >>> curve = LearningCurve([1, 5], mean=[6.0, 4.0], low=[5.0, 3.5], high=[7.5, 4.4])
        >>> figure = draw_learning_curve({"This run": curve}, points={"Frueh et al. 2022": (1, 5.8)})
        >>> figure.axes[0].get_ylabel()
        'error (px)'
    """
    points = points or {}
    counts = sorted({int(n) for curve in curves.values() for n in curve.counts} | {n for n, _ in points.values()})
    if not counts:
        raise ValueError("There is no curve to draw.")
    if counts[0] < 1:
        raise ValueError(f"numbers of examples must be positive, not {counts[0]}.")
    names = [*curves, *points]
    figure = chart_figure(4.2, names)
    axes = figure.subplots()
    handles: list[Artist] = [_draw_curve(axes, curve, series_style(i)) for i, curve in enumerate(curves.values())]
    handles += [_draw_point(axes, point, i) for i, point in enumerate(points.values())]
    axes.set_xscale("log")
    axes.set_xlim(counts[0] / 1.15, counts[-1] * 1.15)
    put_ticks(axes, {float(count): str(count) for count in counts})
    axes.set_ylim(bottom=0)
    axes.set_xlabel("number of examples")
    dress(axes, f"error ({unit})")
    legend_below(figure, handles, names)
    return figure


def _draw_curve(axes: Axes, curve: LearningCurve, style: Mapping[str, Any]) -> Artist:
    order = np.argsort(curve.counts)
    counts, mean, low, high = (
        np.asarray(values, dtype=float)[order] for values in (curve.counts, curve.mean, curve.low, curve.high)
    )
    if len(counts) > 1:
        axes.fill_between(counts, low, high, color=style["color"], alpha=0.16, linewidth=0)
    else:  # a band would have no width
        axes.vlines(counts, low, high, color=style["color"], linewidth=1.2)
    (line,) = axes.plot(counts, mean, **style)
    return line


def _draw_point(axes: Axes, point: tuple[int, float], i: int) -> Artist:
    (marker,) = axes.plot(
        [point[0]], [point[1]], linewidth=0, marker=_HOLLOW[i % len(_HOLLOW)], markersize=8, markeredgewidth=1.4,
        fillstyle="none", color=DARK, zorder=3,
    )  # fmt: skip
    return marker


def series_style(i: int) -> dict[str, Any]:
    """Colour, marker and line of the i-th series of a chart."""
    return {
        "color": _COLORS[i % len(_COLORS)],
        "marker": _MARKERS[i % len(_MARKERS)],
        "linestyle": _LINES[i % len(_LINES)],
        "linewidth": 1.7,
        "markersize": 5.5,
    }


def chart_figure(height: float, names: Sequence[str] = ()) -> Figure:
    """A white figure as wide as a page; ``height`` in inches, with room for a legend of ``names`` besides."""
    rows = -(-len(names) // _legend_columns(names)) if names else 0
    size = (_WIDTH, height + _LEGEND_ROW * rows)
    figure = Figure(figsize=size, dpi=DPI, layout="constrained", facecolor="white")
    FigureCanvasAgg(figure)
    return figure


def legend_below(figure: Figure, handles: Sequence[Artist], names: Sequence[str]) -> None:
    """Name the series below a chart, where they hide nothing."""
    draw_legend(
        figure, handles, names, loc="outside lower center", ncols=_legend_columns(names), frameon=False,
        handlelength=3.2, columnspacing=2.0,
    )  # fmt: skip


def _legend_columns(names: Sequence[str]) -> int:
    return 1 if max(map(text_width, names)) > _LONG_NAME else min(2, len(names))


def put_ticks(axes: Axes, ticks: Mapping[float, str]) -> None:
    """Put ticks on the x axis, whose scale and limits are set, with texts; those without room are left out."""
    transform = axes.xaxis.get_transform()
    low, high = (float(value) for value in transform.transform(np.array(axes.get_xlim())))
    shown: list[float] = []
    end = -math.inf
    for value in sorted(ticks):
        place = (float(transform.transform(np.array([value]))[0]) - low) / (high - low)
        half = 0.008 * (len(ticks[value]) + 1.5)  # of the axis, a letter's width is about 1/60
        if place - half >= end:
            shown.append(value)
            end = place + half
    axes.xaxis.set_major_locator(FixedLocator(shown))
    axes.xaxis.set_major_formatter(FixedFormatter([ticks[value] for value in shown]))
    axes.xaxis.set_minor_locator(NullLocator())


def dress(axes: Axes, name: str) -> None:
    """Name the y axis, add a faint grid and take away the frame where it bounds nothing."""
    axes.set_ylabel(name)
    axes.grid(color="#DDDDDD", linewidth=0.6)
    axes.set_axisbelow(True)
    for side in ("top", "right"):
        axes.spines[side].set_visible(False)
