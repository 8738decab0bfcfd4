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

"""An image and, beside it, the error and the like of the patch around each of its pixels."""

from __future__ import annotations

import math
import textwrap
from collections.abc import Mapping

import numpy as np
import torch
from matplotlib import colormaps
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from matplotlib.patches import Patch

from scripts.visualize.overlay import DPI, draw_legend, grey_window, show_image

__all__ = ["draw_error_maps"]

_MISSING = "#D9D9D9"
_DARK = "#222222"
_COLORS = colormaps["viridis"].with_extremes(bad=_MISSING)
_HIGHEST = 98  # percentile that the brightest colour stands for, so that few outliers do not darken the rest

# lengths in inches
_SIDE = 3.2  # longer side of an image
_LEAST = 2.3  # width of a column at least, for its title
_GAP = 0.2  # between columns
_BAR, _BAR_GAP, _BAR_ROOM = 0.11, 0.07, 0.55  # a colour bar: width, distance from its map, room for its numbers
_LINE = 0.19  # height of a line of text
_LETTER = 0.083  # its width


def draw_error_maps(
    image: torch.Tensor,
    maps: Mapping[str, torch.Tensor],
    *,
    unit: str = "px",
    title: str | None = None,
    limits: Mapping[str, float] | None = None,
) -> Figure:
    """Draw an image in grey and beside it maps of its pixels, each with its colours, its mean and standard deviation.

    A map may be coarser than the image, with a value for every n-th pixel: a value covers the block of pixels between
    its own and the next ones to the right and below. Values that are not finite are light grey. Colours run from 0 to
    the limit; what is above has the brightest.

    Args:
        image: (X, Y), any real dtype.
        maps: name to (X', Y'), not negative, in the unit; its extent is that of the image.
        unit: of the maps, such as ``px`` or ``mm``.
        title: a line above the picture.
        limits: name of a map to the value of the brightest colour; by default the 98th percentile of its values.

    Returns:
        The figure; first the axes of the image, then those of the maps and of their colour bars. Data coordinates are
        pixel indices of the image. The standard deviation is that of the population.

    Raises:
        ValueError: image or map is not two-dimensional, or there is no map.

    Example:
        >>> error = torch.rand(16, 12)
        >>> figure = draw_error_maps(torch.rand(48, 36), {"Error": error, "Sigma": error + 1}, title="Liver")
        >>> len(figure.axes)
        5
    """
    _check(image, maps)
    width, height = (_SIDE * size / max(image.shape) for size in image.shape)
    column = max(_LEAST, width + _BAR_GAP + _BAR + _BAR_ROOM)
    letters = int(column / _LETTER)
    headings = {name: _heading(name, _finite(values), unit, letters) for name, values in maps.items()}
    any_missing = any(not values.isfinite().all() for values in maps.values())
    lines = max(heading.count("\n") + 1 for heading in headings.values())
    figure, panels = _figure((width, height), column, len(maps), title, lines, any_missing)
    grey = image.detach().cpu().float().numpy()
    show_image(panels[0], grey, grey_window(grey))
    _put_heading(panels[0], "Image")
    for axes, (name, values) in zip(panels[1:], maps.items(), strict=True):
        _put_heading(axes, headings[name])
        _draw_map(figure, axes, image.shape, values, unit, (limits or {}).get(name))
    if any_missing:
        swatch = Patch(facecolor=_MISSING, edgecolor="#888888", linewidth=0.6)
        draw_legend(
            figure, [swatch], ["not evaluated"], loc="lower right", frameon=False, fontsize=9, borderaxespad=0.2
        )
    return figure


def _check(image: torch.Tensor, maps: Mapping[str, torch.Tensor]) -> None:
    if not maps:
        raise ValueError("There is no map to draw.")
    for name, values in {"image": image, **maps}.items():
        if values.ndim != 2:
            raise ValueError(f"{name} must be of shape (X, Y), not {tuple(values.shape)}.")


def _finite(values: torch.Tensor) -> np.ndarray:
    return values[values.isfinite()].detach().cpu().double().numpy()


def _heading(name: str, finite: np.ndarray, unit: str, letters: int) -> str:
    summary = f"{_number(finite.mean())} ± {_number(finite.std())} {unit}" if finite.size else "no value"
    return "\n".join([*textwrap.wrap(name, letters), summary])


def _number(value: float) -> str:
    return f"{value:.1f}" if value >= 10 else f"{value:.2f}"


def _put_heading(axes: Axes, text: str) -> None:
    axes.set_title(text, loc="left", fontsize=10, color=_DARK, parse_math=False)


def _figure(
    panel: tuple[float, float], column: float, maps: int, title: str | None, lines: int, footer: bool
) -> tuple[Figure, list[Axes]]:
    """A figure, and axes of the size ``panel`` (inches) for the image and, in columns, for each map."""
    first = 2 * _GAP + max(panel[0], _LEAST / 2)
    across = first + (column + _GAP) * maps
    wrapped = textwrap.wrap(title, int(across / _LETTER / 1.15)) if title else []
    above = _LINE * (1.2 * len(wrapped) + lines) + 0.2
    down = above + panel[1] + (0.38 if footer else 0.12)
    figure = Figure(figsize=(across, down), dpi=DPI, facecolor="white")
    FigureCanvasAgg(figure)
    if wrapped:
        figure.text(
            _GAP / across, 1 - 0.08 / down, "\n".join(wrapped), fontsize=12, color=_DARK, va="top", parse_math=False
        )
    lefts = [_GAP] + [first + (column + _GAP) * i for i in range(maps)]
    bottom = (down - above - panel[1]) / down
    return figure, [figure.add_axes((left / across, bottom, panel[0] / across, panel[1] / down)) for left in lefts]


def _draw_map(
    figure: Figure, axes: Axes, shape: tuple[int, ...], values: torch.Tensor, unit: str, limit: float | None
) -> None:
    finite = _finite(values)
    if limit is None:
        limit = float(np.percentile(finite, _HIGHEST)) if finite.size else math.nan
    shown = show_image(axes, values.detach().cpu().double().numpy(), (0.0, limit if limit > 0 else 1.0))
    shown.set(cmap=_COLORS, interpolation="nearest")
    width, height = shape
    shown.set_extent((-0.5, width - 0.5, height - 0.5, -0.5))
    axes.set(xlim=(-0.5, width - 0.5), ylim=(height - 0.5, -0.5), facecolor=_MISSING)
    if finite.size:
        _draw_bar(figure, axes, unit, more=bool(finite.max() > shown.norm.vmax))


def _draw_bar(figure: Figure, axes: Axes, unit: str, *, more: bool) -> None:
    """A colour bar as high as the map; its end is a point where there are values above it."""
    box, across = axes.get_position(), figure.get_figwidth()
    bar = figure.add_axes((box.x1 + _BAR_GAP / across, box.y0, _BAR / across, box.height))
    figure.colorbar(axes.get_images()[0], cax=bar, extend="max" if more else "neither")
    bar.tick_params(labelsize=8.5)
    bar.set_ylabel(unit, fontsize=9, labelpad=3, parse_math=False)
