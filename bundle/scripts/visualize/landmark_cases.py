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

"""Images with their landmarks: where they are, where they were found and how sure the network was."""

from __future__ import annotations

import textwrap
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.patches import Ellipse, Patch

from scripts.visualize.overlay import DPI, draw_legend, drawable, grey_window, label_colors, rim, show_image
from scripts.visualize.short_names import short_names, text_width

__all__ = ["LandmarkCase", "draw_landmark_cases"]

_DARK = "#222222"
_MARKS = ("true position", "found position", "±1 sigma", "error")
_MOST_NAMED = 7  # labels with a colour of their own

# lengths in inches
_SIDE = 3.0  # longer side of an image
_LEAST = 1.9  # width of a column at least, for its title
_GAP = 0.16
_LINE = 0.18  # height of a line of text
_LETTER = 0.08  # its width
_LEGEND_ROW = 0.21

_THIN = 1.0  # points
_TRUTH: dict[str, Any] = {"linewidth": 0, "marker": "x", "markersize": 8, "markeredgewidth": 1.8}
_FOUND: dict[str, Any] = {"linewidth": 0, "marker": "o", "markersize": 4.5, "markeredgewidth": 0}


@dataclass(frozen=True)
class LandmarkCase:
    """An image with its landmarks.

    Attributes:
        image: (X, Y), any real dtype.
        truth: label to its position (x, y), px of ``image``.
        found: label to where it was found, likewise; a label that is missing or not finite was not found.
        sigma: label to the standard deviations (x, y) of what was found, px.
        title: what to write above; may have several lines.

    Example:
        >>> LandmarkCase(torch.rand(32, 24), {"apex": (9, 5)}, {"apex": (10, 7)}, {"apex": (1, 2)}, "a.png").title
        'a.png'
    """

    image: torch.Tensor
    truth: Mapping[str, Sequence[float]]
    found: Mapping[str, Sequence[float]]
    sigma: Mapping[str, Sequence[float]]
    title: str


def draw_landmark_cases(cases: Sequence[LandmarkCase], *, title: str | None = None, columns: int = 4) -> Figure:
    """Draw images with the true and the found position of each landmark, joined by a line, and the one-sigma ellipse.

    Each label has its colour, the same in all images; the legend names up to seven labels, beyond which colours repeat.

    Args:
        cases: the images, in order.
        title: a line above the picture.
        columns: how many images stand in a row at most.

    Returns:
        The figure; axes for each case, whose data coordinates are pixel indices, x to the right and y downwards.

    Raises:
        ValueError: there is no case, an image is not two-dimensional, or ``columns`` is not positive.

    Example:
        >>> case = LandmarkCase(torch.rand(32, 24), {"apex": (9, 5)}, {"apex": (10, 7)}, {"apex": (1, 2)}, "a.png")
        >>> len(draw_landmark_cases([case, case], title="Best images").axes)
        2
    """
    if not cases or columns < 1:
        raise ValueError(f"There is nothing to draw: {len(cases)} cases in {columns} columns.")
    for case in cases:
        if case.image.ndim != 2:
            raise ValueError(f"{case.title}: the image must be of shape (X, Y), not {tuple(case.image.shape)}.")
    colors = label_colors(label for case in cases for label in (*case.truth, *case.found))
    figure, panels = _figure(cases, min(columns, len(cases)), title, colors if len(colors) <= _MOST_NAMED else {})
    for axes, case in zip(panels, cases, strict=True):
        image = case.image.detach().cpu().float().numpy()
        show_image(axes, image, grey_window(image))
        for label in dict.fromkeys((*case.truth, *case.found)):
            _draw_landmark(axes, case, label, colors[label])
    return figure


def _figure(
    cases: Sequence[LandmarkCase], columns: int, title: str | None, named: Mapping[str, str]
) -> tuple[Figure, list[Axes]]:
    """A figure with its legend, and axes with a title for each case."""
    sizes = [[_SIDE * size / max(case.image.shape) for size in case.image.shape] for case in cases]
    width, height = max(_LEAST, *(size[0] for size in sizes)), max(size[1] for size in sizes)
    captions = [_wrap(case.title, int(width / _LETTER)) for case in cases]
    caption = _LINE * max(text.count("\n") + 1 for text in captions) + 0.14
    across = columns * (width + _GAP) + _GAP
    entries = [*_MARKS, *short_names(list(named), max(8, min(48, int((across - 0.65) / _LETTER))))]
    legend_columns = max(1, min(len(entries), int(across / (0.65 + _LETTER * max(map(text_width, entries))))))
    legend = _LEGEND_ROW * -(-len(entries) // legend_columns) + 0.1
    header = _wrap(title or "", int(across / _LETTER / 1.2))
    above = (1.3 * _LINE * (header.count("\n") + 1) + 0.1) if header else 0.0
    down = above + -(-len(cases) // columns) * (caption + height + _GAP) + legend
    figure = Figure(figsize=(across, down), dpi=DPI, facecolor="white")
    FigureCanvasAgg(figure)
    if header:
        figure.text(_GAP / across, 1 - 0.1 / down, header, fontsize=12, color=_DARK, va="top", parse_math=False)
    panels = []
    for i, (size, text) in enumerate(zip(sizes, captions, strict=True)):
        left = _GAP + i % columns * (width + _GAP)
        top = above + i // columns * (caption + height + _GAP) + caption
        box = (left / across, 1 - (top + size[1]) / down, size[0] / across, size[1] / down)
        panels.append(figure.add_axes(box))
        panels[-1].set_title(text, loc="left", fontsize=9.5, color=_DARK, pad=4, parse_math=False)
    draw_legend(
        figure, [*_legend_marks(), *(Patch(color=color) for color in named.values())], entries, ncols=legend_columns,
        loc="lower left", frameon=False, fontsize=9.5, columnspacing=1.6, handletextpad=0.6, borderaxespad=0.3,
    )  # fmt: skip
    return figure, panels


def _wrap(text: str, letters: int) -> str:
    return "\n".join(part for line in text.splitlines() for part in textwrap.wrap(line, letters))


def _legend_marks() -> list[Line2D]:
    return [
        Line2D([], [], **_TRUTH, color=_DARK),
        Line2D([], [], **_FOUND, color=_DARK),
        Line2D([], [], linewidth=0, marker="o", markersize=11, markeredgewidth=1.3, fillstyle="none", color=_DARK),
        Line2D([], [], linewidth=_THIN, color=_DARK),
    ]


def _draw_landmark(axes: Axes, case: LandmarkCase, label: str, color: str) -> None:
    """True position as a cross, found one as a dot in its ellipse, and the way between them."""
    nowhere = (np.nan, np.nan)
    true, found, sigma = (
        np.asarray(points.get(label, nowhere), dtype=float) for points in (case.truth, case.found, case.sigma)
    )
    if np.isfinite([*true, *found]).all():
        axes.plot(*zip(true, found, strict=True), color=color, linewidth=_THIN, path_effects=rim(_THIN), gid="error")
    if drawable([*found, *sigma]):
        ellipse = Ellipse((found[0], found[1]), *(2 * sigma), fill=False, edgecolor=color, linewidth=1.3, zorder=2)
        ellipse.set_path_effects(rim(1.3))
        axes.add_patch(ellipse)
    for point, mark, width, name in ((true, _TRUTH, 1.8, "truth"), (found, _FOUND, 0.4, "found")):
        (marker,) = axes.plot(*point[:, None], **mark, color=color, path_effects=rim(width), zorder=3, gid=name)
        marker.set_snap(False)  # snapping would move it by up to half a pixel of the picture
