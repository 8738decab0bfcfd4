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
"""Landmarks drawn on their image."""

from __future__ import annotations

import os
import textwrap
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import numpy as np
from matplotlib.artist import Artist
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from matplotlib.image import AxesImage
from matplotlib.legend import Legend
from matplotlib.lines import Line2D
from matplotlib.patches import Ellipse
from matplotlib.patheffects import AbstractPathEffect, withStroke
from matplotlib.text import Annotation
from matplotlib.transforms import Bbox

from scripts.io.atomic import atomic_path
from scripts.io.landmark_status import LandmarkStatus
from scripts.io.landmarks_csv import Landmark
from scripts.visualize.short_names import short_names, text_width

__all__ = ["draw_landmarks", "draw_legend", "drawable", "label_colors", "write_overlay"]

# Okabe and Ito's colours, which colour-blind people can tell apart; black is left out, for it is lost on an image, and
# the two that are hard to see (yellow on white, blue on black) come last.
_OKABE_ITO = ("#E69F00", "#56B4E9", "#009E73", "#D55E00", "#CC79A7", "#F0E442", "#0072B2")

DPI = 100
_LARGEST_DRAWN = 1e4  # px
_STILL_SIDE = 900  # longer side of the image in a still picture, in pixels
_NARROWEST = 360  # of a picture with a footer or a title, which must have room
_LONGEST_BESIDE = 24  # letters of a name that stands beside its mark
_MOST_BESIDE = 16  # names beside their marks; more hide them, and are numbered
_LONGEST_LISTED = 48  # letters of a name in a list or a legend
_LETTER = 8.7  # width, in pixels
_LINE_HEIGHT = 22  # of titles and legends, in pixels
_SIDES = ((1, 1), (1, -1), (-1, 1), (-1, -1), (0, 1), (0, -1))  # where a label may stand, the best first
PAPER, INK = "#14171A", "#E8EAED"  # ground and text around an image: dark, as radiologists have it


def label_colors(labels: Iterable[str]) -> dict[str, str]:
    """Give each label its colour; the same set of labels gets the same colours, whatever its order.

    Args:
        labels: names of landmarks, repeats allowed. Beyond seven names colours repeat.

    Returns:
        Label to ``#RRGGBB``, in alphabetical order.

    Example:
        >>> label_colors(["valve", "apex", "valve"])
        {'apex': '#E69F00', 'valve': '#56B4E9'}
    """
    return {label: _OKABE_ITO[i % len(_OKABE_ITO)] for i, label in enumerate(sorted(set(labels)))}


def draw_landmarks(
    axes: Axes,
    image: np.ndarray,
    landmarks: Sequence[Landmark],
    colors: Mapping[str, str] | None = None,
    aspect: float = 1.0,
    texts: Mapping[str, str] | None = None,
) -> None:
    """Draw an image in grey and on it each landmark: a cross, the ellipse of one sigma (dashed if doubtful), the label.

    Data coordinates of the axes are pixel indices with pixel centres at integers, x to the right and y downwards, so
    anything else can be plotted over it in pixels.

    Args:
        axes: axes of any figure; ticks are removed. Set their place before, for labels are put where there is room.
        image: (X, Y), any real dtype. Grey runs between the 0.5 and 99.5 percentiles.
        landmarks: what to draw, in pixels of ``image``; positions that are not finite are left out.
        colors: label to colour; by default :func:`label_colors` of the landmarks.
        aspect: height of a pixel over its width.
        texts: label to what is written beside it; by default the label, shortened in its middle if it is long.

    Raises:
        ValueError: if the image is not two-dimensional.
        KeyError: if ``colors`` or ``texts`` lacks a label.

    Example:
        >>> from matplotlib.figure import Figure
        >>> axes = Figure().add_subplot()
        >>> draw_landmarks(axes, np.zeros((320, 240)), [Landmark("a.png", None, "apex", 100, 50, 2, 1, 1)])
    """
    image = np.asarray(image)
    if image.ndim != 2:
        raise ValueError(f"image must be of shape (X, Y), not {image.shape}.")
    colors = label_colors(landmark.label for landmark in landmarks) if colors is None else colors
    show_image(axes, image, grey_window(image), aspect)
    shown = [landmark for landmark in landmarks if np.isfinite([landmark.x, landmark.y]).all()]
    for landmark in shown:
        LandmarkMark(axes, colors[landmark.label]).move(landmark)
    labels = sorted({landmark.label for landmark in shown})
    texts = dict(zip(labels, short_names(labels, _LONGEST_BESIDE), strict=True)) if texts is None else texts
    _put_labels(axes, shown, colors, texts)


def draw_legend(parent: Axes | Figure, handles: Sequence[Artist], labels: Sequence[str], **options: Any) -> Legend:
    """Add a legend that shows every label as it is written; a long one is shortened in its middle.

    Matplotlib reads dollar signs as mathematics and drops labels that begin with an underscore; names that people
    give to landmarks may have both.

    Args:
        parent: axes or figure to add it to.
        handles: one artist for each label.
        labels: the text of each entry.
        **options: further options of :meth:`matplotlib.axes.Axes.legend`.

    Returns:
        The legend.

    Example:
        >>> axes = Figure().add_subplot()
        >>> _ = draw_legend(axes, axes.plot([0, 1]), ["_cost in $"], loc="upper left")
    """
    legend = parent.legend(handles, ["-"] * len(handles), **options)
    for text, label in zip(legend.get_texts(), short_names(labels, _LONGEST_LISTED), strict=True):
        text.set_parse_math(False)
        text.set_text(label)
    return legend


def write_overlay(
    path: str | os.PathLike[str],
    image: np.ndarray,
    landmarks: Sequence[Landmark],
    *,
    title: str | None = None,
    colors: Mapping[str, str] | None = None,
    aspect: float = 1.0,
) -> None:
    """Write one image with its landmarks as PNG, 900 pixels on its longer side.

    Names stand beside their marks. Long ones, or more than sixteen, are numbers there and listed below the image.

    Args:
        path: the file to write; it is replaced whole.
        image: (X, Y), any real dtype.
        landmarks: landmarks of this image (and of this frame), in its pixels.
        title: a line above the picture.
        colors: label to colour, to agree with other pictures that show more labels.
        aspect: height of a pixel over its width.

    Raises:
        ValueError: if the image is not two-dimensional.
        KeyError: if ``colors`` lacks a label.

    Example:
        >>> write_overlay("knee.png", image, landmarks, title="Knee, three examples")  # doctest: +SKIP
    """
    image = np.asarray(image)
    if image.ndim != 2:
        raise ValueError(f"image must be of shape (X, Y), not {image.shape}.")
    labels = sorted({landmark.label for landmark in landmarks})
    if len(labels) <= _MOST_BESIDE and max(map(text_width, labels), default=0) <= _LONGEST_BESIDE:
        figure, axes = framed_axes(image.shape, _STILL_SIDE, aspect=aspect, title=title)
        draw_landmarks(axes, image, landmarks, colors, aspect)
    else:
        colors = label_colors(labels) if colors is None else colors
        texts = {label: str(number) for number, label in enumerate(labels, start=1)}
        width = picture_width(image.shape, _STILL_SIDE, aspect)
        names = short_names(labels, max(8, min(_LONGEST_LISTED - 5, int(width / _LETTER) - 8)))
        entries = [f"{texts[label]}  {name}" for label, name in zip(labels, names, strict=True)]
        columns = max(1, int(width / (_LETTER * max(map(text_width, entries)) + 36)))
        rows = -(-len(entries) // columns)
        figure, axes = framed_axes(image.shape, _STILL_SIDE, aspect=aspect, title=title, footer_lines=rows)
        draw_landmarks(axes, image, landmarks, colors, aspect, texts)
        list_below(figure, dict(zip(entries, (colors[label] for label in labels), strict=True)), columns)
    with atomic_path(path) as temporary:
        figure.savefig(temporary, format="png")


class LandmarkMark:
    """The artists of one landmark: tail, ellipse and cross. They are moved from frame to frame, never rebuilt."""

    def __init__(self, axes: Axes, color: str) -> None:
        thin, thick = 1.3, 1.8
        style: dict[str, Any] = {"color": color, "linestyle": "-", "solid_capstyle": "round"}
        (self._tail,) = axes.plot([], [], linewidth=thin, path_effects=rim(thin), **style)
        self._ellipse = Ellipse((0, 0), 0, 0, fill=False, edgecolor=color, linewidth=thin, path_effects=rim(thin))
        axes.add_patch(self._ellipse)
        (self._cross,) = axes.plot(
            [], [], marker="+", color=color, markersize=8, markeredgewidth=thick, path_effects=rim(thick)
        )
        # Snapping would move the cross by up to half a pixel of the picture.
        self._cross.set_snap(False)

    def move(self, landmark: Landmark, tail: Sequence[Landmark] = ()) -> None:
        """Show the landmark, and the path through the landmarks of ``tail`` to it."""
        self._cross.set_data([landmark.x], [landmark.y])
        self._ellipse.set(center=(landmark.x, landmark.y), width=2 * landmark.sigma_x, height=2 * landmark.sigma_y)
        self._ellipse.set_linestyle("--" if landmark.status == LandmarkStatus.DOUBTFUL else "-")
        self._ellipse.set_visible(drawable([landmark.sigma_x, landmark.sigma_y]))
        way = [*tail, landmark] if tail else []
        self._tail.set_data([point.x for point in way], [point.y for point in way])

    def hide(self) -> None:
        """Show nothing until the next move."""
        for line in (self._tail, self._cross):
            line.set_data([], [])
        self._ellipse.set_visible(False)


def grey_window(image: np.ndarray) -> tuple[float, float]:
    """The grey values shown as black and white, of an image or frames of any shape; what is not finite has no say."""
    values = image.reshape(-1)[:: max(1, image.size // 1_000_000)]
    values = values[np.isfinite(values)].astype(float)
    if values.size == 0:
        return 0.0, 1.0
    low, high = (float(value) for value in np.percentile(values, (0.5, 99.5)))
    if low == high:
        # A few bright pixels on an even ground: the percentiles see the ground only.
        low, high = float(image[np.isfinite(image)].min()), float(image[np.isfinite(image)].max())
    return low, high if high > low else low + 1.0


def show_image(axes: Axes, image: np.ndarray, window: tuple[float, float], aspect: float = 1.0) -> AxesImage:
    """Fill axes with an image (X, Y) in grey: data coordinates are its pixel indices, x to the right, y downwards."""
    width, height = image.shape
    # Matplotlib wants rows first. The extent puts the centre of pixel i at i.
    shown = axes.imshow(
        image.T,
        cmap="gray",
        vmin=window[0],
        vmax=window[1],
        origin="upper",
        extent=(-0.5, width - 0.5, height - 0.5, -0.5),
        aspect=aspect,
    )
    axes.set_facecolor("black")
    axes.set_xticks([])
    axes.set_yticks([])
    for spine in axes.spines.values():
        spine.set_visible(False)
    axes.autoscale(False)
    return shown


def _put_labels(axes: Axes, landmarks: Sequence[Landmark], colors: Mapping[str, str], texts: Mapping[str, str]) -> None:
    """Write each label beside its point, on the side with most room."""
    axes.apply_aspect()
    frame = axes.get_window_extent()
    points = [axes.transData.transform((landmark.x, landmark.y)) for landmark in landmarks]
    taken: list[Bbox] = []
    for landmark in landmarks:
        text = _annotation(axes, landmark, texts[landmark.label], colors[landmark.label])

        def crowding(side: tuple[int, int], text: Annotation = text) -> tuple[bool, int]:
            box = _place(text, side)
            outside = box.x0 < frame.x0 or box.x1 > frame.x1 or box.y0 < frame.y0 or box.y1 > frame.y1
            return outside, box.count_overlaps(taken) + box.count_contains(points)

        taken.append(_place(text, min(_SIDES, key=crowding)))


def _place(text: Annotation, side: tuple[int, int]) -> Bbox:
    """Put a label to the right (1) or left (-1) of its point and above (1) or below (-1); returns its screen box."""
    across, up = side
    text.set(position=(7 * across, (6 if across else 9) * up))
    text.set(ha={1: "left", 0: "center", -1: "right"}[across], va="bottom" if up > 0 else "top")
    return text.get_window_extent().padded(1)


def _annotation(axes: Axes, landmark: Landmark, text: str, color: str) -> Annotation:
    return axes.annotate(
        text,
        (landmark.x, landmark.y),
        xytext=(7, 6),
        textcoords="offset points",
        color=color,
        fontsize=10,
        fontweight="bold",
        parse_math=False,
        path_effects=[withStroke(linewidth=2.6, foreground="black")],
        annotation_clip=True,
    )


def framed_axes(
    shape: tuple[int, ...], side: int, *, title: str | None, aspect: float = 1.0, footer_lines: int = 0
) -> tuple[Figure, Axes]:
    """A figure whose axes hold the image exactly, with room for a title above and a footer below."""
    height, image_width = (_picture_size(shape, side, aspect)[axis] for axis in (1, 0))
    width = picture_width(shape, side, aspect) if footer_lines else image_width
    lines = textwrap.wrap(title, max(8, width // 9)) if title else []
    header = _LINE_HEIGHT * len(lines) + 12 if lines else 0
    footer = _LINE_HEIGHT * footer_lines + 12 if footer_lines else 0
    total = header + height + footer
    figure = Figure(figsize=(width / DPI, total / DPI), dpi=DPI, facecolor=PAPER)
    FigureCanvasAgg(figure)
    if lines:
        text = figure.text(10 / width, 1 - 8 / total, "\n".join(lines), color=INK, fontsize=11, va="top")
        text.set_parse_math(False)
    left = (width - image_width) / 2 / width
    return figure, figure.add_axes((left, footer / total, image_width / width, height / total))


def picture_width(shape: tuple[int, ...], side: int, aspect: float) -> int:
    """Width in pixels of a picture with a footer: that of the image, but of a narrow one."""
    return max(_NARROWEST, _picture_size(shape, side, aspect)[0])


def _picture_size(shape: tuple[int, ...], side: int, aspect: float) -> tuple[int, int]:
    lengths = shape[0], shape[1] * aspect
    width, height = (max(1, round(length * side / max(lengths))) for length in lengths)
    return width, height


def list_below(figure: Figure, colors: Mapping[str, str], columns: int) -> None:
    """List names with their marks below an image, in the footer of :func:`framed_axes`."""
    handles = [Line2D([], [], color=color, linewidth=0, marker="+", markersize=9, mew=2) for color in colors.values()]
    options = {"loc": "lower left", "bbox_to_anchor": (0.0, 0.0), "frameon": False, "labelcolor": INK, "fontsize": 10}
    spacing = {"handlelength": 1.0, "handletextpad": 0.5, "columnspacing": 1.6, "borderpad": 0.4, "labelspacing": 0.55}
    if handles:
        draw_legend(figure, handles, list(colors), ncols=columns, **options, **spacing)


def rim(width: float) -> list[AbstractPathEffect]:
    """A dark rim around a line or mark of ``width`` points, so that it is seen on light tissue, too."""
    return [withStroke(linewidth=width + 1.6, foreground="black")]


def drawable(lengths: Sequence[float] | np.ndarray) -> bool:
    """Whether lengths are finite and of a size that a picture can show: matplotlib hangs on an ellipse of a million px.

    Example:
        >>> drawable([3.0, 900.0]), drawable([3.0, 1e9]), drawable([float("nan"), 1.0])
        (True, False, False)
    """
    return bool((np.abs(np.asarray(lengths, dtype=float)) < _LARGEST_DRAWN).all())
