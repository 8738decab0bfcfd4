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

"""The course of a training run: loss, validation errors and learning rate over the epochs."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from matplotlib.ticker import FuncFormatter, LogLocator, NullFormatter

from scripts.visualize.learning_curve import DARK, dress

__all__ = ["draw_curves"]

# Of Okabe and Ito's palette; the markers differ, too. The last is what checkpoints go by.
_ERRORS = {
    "val_self_matching_error_px": ("self-matching", "#56B4E9", "s"),
    "val_cyclic_error_px": ("cyclic", "#009E73", "^"),
    "val_error_px": ("mean of both", "#D55E00", "o"),
}
_BEST = "val_error_px"
_MOST_MARKERS = 60  # points of a curve that can be told apart


def draw_curves(history: Sequence[Mapping[str, float]]) -> Figure:
    """Draw the training loss, the validation errors and the learning rate over the epochs.

    Curves join what there is: an epoch without a validation does not break them. The epoch with the lowest mean error,
    whose weights are kept, is marked.

    Args:
        history: one row an epoch, with ``epoch`` and any of ``train_loss``, ``learning_rate``, and, in px,
            ``val_self_matching_error_px``, ``val_cyclic_error_px`` and ``val_error_px``. Other keys are not read.

    Returns:
        The figure; three axes: loss, errors (logarithmic), learning rate.

    Raises:
        ValueError: there is no row.

    Example:
        >>> history = [{"epoch": 1, "train_loss": 2.0}, {"epoch": 2, "train_loss": 1.5, "val_error_px": 4.0}]
        >>> figure = draw_curves(history)
        >>> [axes.get_ylabel() for axes in figure.axes]
        ['training loss', 'validation error (px)', 'learning rate']
    """
    if not history:
        raise ValueError("There is no epoch to draw.")
    figure = Figure(figsize=(9, 8), dpi=100, facecolor="white")
    FigureCanvasAgg(figure)
    room = {"left": 0.09, "right": 0.98, "bottom": 0.07, "top": 0.98, "hspace": 0.12}
    loss, errors, rate = figure.subplots(3, 1, sharex=True, height_ratios=(3, 4, 1.4), gridspec_kw=room)
    _curve(loss, history, "train_loss", DARK, "o")
    _draw_errors(errors, history)
    _curve(rate, history, "learning_rate", DARK, "o")
    for axes, name in ((loss, "training loss"), (errors, "validation error (px)"), (rate, "learning rate")):
        dress(axes, name)
        axes.margins(x=0.02)
    rate.ticklabel_format(axis="y", style="sci", scilimits=(-2, 3))
    rate.set_ylim(bottom=0)
    rate.set_xlabel("epoch")
    rate.locator_params(axis="x", integer=True)
    figure.align_ylabels()
    return figure


def _draw_errors(axes: Axes, history: Sequence[Mapping[str, float]]) -> None:
    axes.set_yscale("log")
    axes.yaxis.set_major_locator(LogLocator(subs=(1, 1.5, 2, 3, 5, 7)))
    axes.yaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:g}"))
    axes.yaxis.set_minor_formatter(NullFormatter())
    for name, (label, color, marker) in _ERRORS.items():
        values = _curve(axes, history, name, color, marker)
        if values:
            axes.get_lines()[-1].set_label(f"{label}, last {values[max(values)]:.2f}")
    best = {epoch: value for epoch, value in _points(history, _BEST).items() if math.isfinite(value)}
    if best:
        epoch = min(best, key=best.__getitem__)
        label = f"lowest mean: {best[epoch]:.2f} in epoch {epoch}"
        ring: dict[str, Any] = {"marker": "o", "markersize": 13, "markeredgewidth": 1.6, "markeredgecolor": DARK}
        axes.plot([epoch], [best[epoch]], linewidth=0, fillstyle="none", label=label, gid="best", **ring)
    if axes.get_lines():
        axes.legend(frameon=False, loc="best")
    else:
        axes.text(0.5, 0.5, "no validation yet", transform=axes.transAxes, ha="center", va="center", color=DARK)


def _points(history: Sequence[Mapping[str, float]], name: str) -> dict[int, float]:
    """Epoch to value, where there is one."""
    return {int(row["epoch"]): row[name] for row in history if row.get(name) is not None}


def _curve(axes: Axes, history: Sequence[Mapping[str, float]], name: str, color: str, marker: str) -> dict[int, float]:
    values = _points(history, name)
    if values:
        shown = marker if len(values) <= _MOST_MARKERS else ""
        axes.plot(list(values), list(values.values()), color=color, linewidth=1.6, marker=shown, markersize=4, gid=name)
    return values
