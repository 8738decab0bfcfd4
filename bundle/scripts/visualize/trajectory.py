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
"""The way of landmarks through a series, as curves over the frame."""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from scripts.io.atomic import atomic_path
from scripts.io.landmarks_csv import Landmark
from scripts.visualize.learning_curve import dress
from scripts.visualize.overlay import draw_legend, label_colors
from scripts.visualize.short_names import short_names, text_width

__all__ = ["write_trajectories"]

_MOST_BESIDE = 22  # names that have room beside the curves
_LONGEST_BESIDE = 24  # letters of them
_LONGEST = 48  # letters of a name below the curves
_WIDTH, _HEIGHT, _ROW = 9.0, 5.4, 0.21  # inches: of the picture, and of a row of names
_LETTER = 0.088  # inches
_LINE_STYLES = (
    "-",
    "--",
    ":",
    "-.",
    (0, (8, 3)),
    (0, (3, 1, 1, 1, 1, 1)),
)  # for labels that share a colour, when there are more labels than colours


def write_trajectories(
    path: str | os.PathLike[str],
    landmarks: Sequence[Landmark],
    *,
    title: str | None = None,
    pixel_note: str | None = None,
    colors: Mapping[str, str] | None = None,
) -> None:
    """Write x and y displacement from the first frame over the frame, with a band of one sigma, as PNG.

    Many or long names stand below the curves, in columns; the picture grows with them.

    Each label starts at zero in the first frame that has it. Curves break where frames are missing.

    Args:
        path: the file to write; it is replaced whole.
        landmarks: landmarks of one series, in any order; positions and sigmas in pixels.
        title: a line above the picture.
        pixel_note: a remark on the pixel, for instance ``"1 px = 1.4 mm"``.
        colors: label to colour, to agree with other pictures that show more labels.

    Raises:
        ValueError: if there is no landmark, or one without a frame.
        KeyError: if ``colors`` lacks a label.

    Example:
        >>> write_trajectories("motion.png", landmarks, title="Liver", pixel_note="1 px = 1.4 mm")  # doctest: +SKIP
    """
    if not landmarks:
        raise ValueError("There is no landmark to draw.")
    if any(landmark.frame is None for landmark in landmarks):
        raise ValueError("Trajectories are of a series: every landmark must have a frame.")
    labels = sorted({landmark.label for landmark in landmarks})
    colors = label_colors(labels) if colors is None else colors
    names = short_names(labels, _LONGEST)
    longest = max(map(text_width, names))
    beside = len(names) <= _MOST_BESIDE and longest <= _LONGEST_BESIDE
    columns = max(1, int(_WIDTH / (0.65 + _LETTER * longest)))
    below = 0.0 if beside else _ROW * (-(-len(names) // columns) + 1) + 0.2
    figure = Figure(figsize=(_WIDTH, _HEIGHT + below), dpi=100, layout="constrained", facecolor="white")
    FigureCanvasAgg(figure)
    upper, lower = figure.subplots(2, 1, sharex=True)
    found: dict[str, dict[int, Landmark]] = {label: {} for label in labels}
    for one in landmarks:
        found[one.label][one.frame or 0] = one
    for axes, axis, positive in ((upper, "x", "right"), (lower, "y", "down")):
        namesakes: Counter[str] = Counter()
        for label in labels:
            style = _LINE_STYLES[namesakes[colors[label]] % len(_LINE_STYLES)]
            namesakes[colors[label]] += 1
            _draw_curve(axes, *_curve(found[label], axis), color=colors[label], style=style)
        dress(axes, f"{axis} displacement\n(px, {positive} is +)")
        axes.axhline(0, color="#888888", linewidth=0.8, zorder=0)
        axes.locator_params(axis="x", integer=True)
        axes.margins(x=0.02)
    lower.set_xlabel("frame" + (f"    ({pixel_note})" if pixel_note else ""), parse_math=False)
    if title:
        figure.suptitle(title, fontsize=12, x=0.01, ha="left", parse_math=False)
    handles = [line for line in upper.get_lines() if line.get_gid() == "curve"]
    place: dict[str, Any] = (
        {"loc": "outside right upper"} if beside else {"loc": "outside lower left", "ncols": columns}
    )
    draw_legend(figure, handles, names, title="band: ±1 sigma", frameon=False, **place)
    with atomic_path(path) as temporary:
        figure.savefig(temporary, format="png")


def _curve(found: Mapping[int, Landmark], axis: str) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Frames, displacements and sigmas (pixels) of one label, each (N,), with NaN where a frame is missing."""
    frames = range(min(found), max(found) + 1)
    position = np.array([getattr(found[t], axis) if t in found else np.nan for t in frames], dtype=float)
    sigma = np.array([getattr(found[t], f"sigma_{axis}") if t in found else np.nan for t in frames], dtype=float)
    known = position[np.isfinite(position)]
    return np.asarray(frames), position - known[0] if known.size else position, sigma


def _draw_curve(
    axes: Axes, frames: np.ndarray, displacement: np.ndarray, sigma: np.ndarray, *, color: str, style: Any
) -> Line2D:
    axes.fill_between(frames, displacement - sigma, displacement + sigma, color=color, alpha=0.18, linewidth=0)
    # Points show where the frames are, as long as they can be told apart.
    marker = "o" if len(frames) <= 60 else ""
    (line,) = axes.plot(frames, displacement, color=color, linestyle=style, linewidth=1.6, marker=marker, markersize=3)
    line.set_gid("curve")
    return line
