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

"""What a network found in a validation batch: image, patch and the place where the patch was found."""

from __future__ import annotations

import numpy as np
import torch
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.patches import Ellipse, Rectangle
from matplotlib.patheffects import withStroke

from scripts.transforms.coordinates import normalized_scale_to_index, normalized_to_index
from scripts.visualize.overlay import DPI, INK, PAPER, draw_legend, drawable, grey_window, rim, show_image

__all__ = ["draw_matches"]

# Of Okabe and Ito's palette; the marks differ in shape, too.
_TRUTH, _FOUND = "#56B4E9", "#E69F00"
_LEGEND = ("true centre", "found centre", "±1 sigma", "patch at the true centre")

# lengths on screen, in pixels
_SIDE = 300  # longer side of an image
_LEAST = 200  # height of a sample at least, so that its patch can be seen
_GAP = 6  # between an image and its patch
_MARGIN = 16  # between samples
_CAPTION = 24  # above a sample
_TITLE = 36
_LEGEND_ROW = 24
_LEGEND_ENTRY = 190
_COLUMNS = 3


def draw_matches(
    images: torch.Tensor,
    patches: torch.Tensor,
    truth: torch.Tensor,
    prediction: torch.Tensor,
    *,
    sigma_per_scale: float = 1.0,
    max_samples: int = 6,
    title: str | None = None,
) -> Figure:
    """Draw samples of a batch: where the patch came from, where it was found, and what is there.

    Each sample is an image with the true and the found centre, beside it the patch that was looked for and the image
    around the found centre, at the scale of the patch: of a good match, they show the same. The error is above, in px.
    Samples are taken evenly from the batch, so that they show as many of its images as possible.

    Data coordinates of all axes but the patch's are pixel indices of the image, x to the right and y downwards.

    Args:
        images: (B, C, X, Y); channel 0 is shown.
        patches: (B * K, C, P, P), those of one image after the other.
        truth: (B * K, 2), true centres, normalised.
        prediction: (B * K, >= 4), found centres and log scales, normalised; what follows is not read.
        sigma_per_scale: standard deviation for a scale of 1: 1 for a Gaussian likelihood, sqrt(2) for a Laplacian.
        max_samples: how many samples to draw at most.
        title: a line above the picture.

    Returns:
        The figure; three axes a sample, in the order image, patch, found.

    Raises:
        ValueError: the shapes do not go together, or there is no sample.

    Example:
        >>> image, patches = torch.rand(1, 1, 32, 24), torch.rand(2, 1, 8, 8)
        >>> figure = draw_matches(image, patches, torch.zeros(2, 2), torch.zeros(2, 4))
        >>> len(figure.axes)
        6
    """
    _check_shapes(images, patches, truth, prediction)
    shape = tuple(images.shape[2:])
    chosen = np.linspace(0, len(truth) - 1, min(max_samples, len(truth))).round().astype(int)
    true = normalized_to_index(_on_cpu(truth[chosen]), shape).numpy()
    mean, log_scale = _on_cpu(prediction[chosen, :4]).chunk(2, dim=1)
    found = normalized_to_index(mean, shape).numpy()
    sigma = normalized_scale_to_index(sigma_per_scale * log_scale.exp(), shape).numpy()
    patches_per_image = len(truth) // len(images)
    figure, places = _figure(shape, len(chosen), title)
    for i, (sample, (place, beside, below)) in enumerate(zip(chosen, places, strict=True)):
        image = _on_cpu(images[sample // patches_per_image, 0]).numpy()
        patch = _on_cpu(patches[sample, 0]).numpy()
        window = grey_window(image)
        show_image(place, image, window)
        _outline(place, true[i], len(patch))
        show_image(beside, patch, grey_window(patch))
        show_image(below, image, window)
        anywhere = bool(np.isfinite(found[i]).all())  # not of a network that diverged
        _close_up(below, found[i] if anywhere else true[i], len(patch))
        for axes in (place, below):
            _mark(axes, true[i], found[i], sigma[i])
        _name(beside, "patch")
        _name(below, "found" if anywhere else "not found")
        error = float(np.linalg.norm(found[i] - true[i]))
        place.set_title(f"error {error:.1f} px", loc="left", color=INK, fontsize=11, pad=5)
    return figure


def _check_shapes(images: torch.Tensor, patches: torch.Tensor, truth: torch.Tensor, prediction: torch.Tensor) -> None:
    counts = {len(patches), len(truth), len(prediction)}
    shapes = ", ".join(str(tuple(one.shape)) for one in (images, patches, truth, prediction))
    if images.ndim != 4 or patches.ndim != 4 or truth.shape[1:] != (2,) or prediction[0:0, :4].shape[1] != 4:
        raise ValueError(f"images, patches, truth and prediction cannot be drawn with these shapes: {shapes}.")
    if len(counts) != 1 or 0 in (*counts, len(images)) or len(truth) % len(images):
        raise ValueError(f"there must be as many patches, truths and predictions for each image, not {shapes}.")


def _on_cpu(values: torch.Tensor) -> torch.Tensor:
    return values.detach().to(device="cpu", dtype=torch.float32)


def _figure(shape: tuple[int, ...], count: int, title: str | None) -> tuple[Figure, list[tuple[Axes, Axes, Axes]]]:
    """A figure with room for ``count`` samples, and the axes of each: image, patch, found."""
    width, height = (max(1, round(size * _SIDE / max(shape))) for size in shape)
    columns = min(_COLUMNS, count)
    tall = max(height, _LEAST)
    side = (tall - _GAP) // 2  # of a patch: two of them are as high as an image
    across, down = width + _GAP + side + _MARGIN, _CAPTION + tall + _MARGIN
    entries = max(1, (columns * across + _MARGIN) // _LEGEND_ENTRY)  # of the legend, in a row
    header, footer = _TITLE * bool(title), _LEGEND_ROW * -(-len(_LEGEND) // entries) + 8
    whole = (columns * across + _MARGIN, header + -(-count // columns) * down + footer)
    figure = Figure(figsize=(whole[0] / DPI, whole[1] / DPI), dpi=DPI, facecolor=PAPER)
    FigureCanvasAgg(figure)

    def axes(left: int, top: int, size: tuple[int, int]) -> Axes:
        bottom = whole[1] - top - size[1]
        return figure.add_axes((left / whole[0], bottom / whole[1], size[0] / whole[0], size[1] / whole[1]))

    places = []
    for sample in range(count):
        left = _MARGIN + sample % columns * across
        top = header + sample // columns * down + _CAPTION
        beside = left + width + _GAP
        small = (side, side)
        places.append(
            (axes(left, top, (width, height)), axes(beside, top, small), axes(beside, top + tall - side, small))
        )
    if title:
        text = figure.text(_MARGIN / whole[0], 1 - 10 / whole[1], title, color=INK, fontsize=13, va="top")
        text.set_parse_math(False)
    draw_legend(
        figure, _legend_marks(), _LEGEND, ncols=min(entries, len(_LEGEND)), loc="lower left", frameon=False,
        labelcolor=INK, fontsize=10, columnspacing=2.0, handletextpad=0.6,
    )  # fmt: skip
    return figure, places


def _legend_marks() -> list[Line2D]:
    return [
        Line2D([], [], linewidth=0, marker="x", markersize=9, markeredgewidth=2, color=_TRUTH),
        Line2D([], [], linewidth=0, marker="o", markersize=5, color=_FOUND),
        Line2D([], [], linewidth=0, marker="o", markersize=11, markeredgewidth=1.4, fillstyle="none", color=_FOUND),
        Line2D([], [], linewidth=1.2, linestyle="--", color=INK),
    ]


def _mark(axes: Axes, true: np.ndarray, found: np.ndarray, sigma: np.ndarray) -> None:
    """The true centre as a cross, the found one as a dot in its ellipse, all in px of the image."""
    (cross,) = axes.plot(
        *true[:, None], linewidth=0, marker="x", markersize=10, markeredgewidth=1.6, color=_TRUTH,
        path_effects=rim(1.6), gid="truth",
    )  # fmt: skip
    (dot,) = axes.plot(
        *found[:, None], linewidth=0, marker="o", markersize=4, markeredgewidth=0, color=_FOUND,
        path_effects=rim(0.4), gid="found",
    )  # fmt: skip
    for marker in (cross, dot):  # snapping would move them by up to half a pixel of the picture
        marker.set_snap(False)
    if drawable([*found, *sigma]):
        ellipse = Ellipse((found[0], found[1]), *(2 * sigma), fill=False, edgecolor=_FOUND, linewidth=1.4, zorder=3)
        ellipse.set_path_effects(rim(1.4))
        axes.add_patch(ellipse)


def _outline(axes: Axes, center: np.ndarray, side: int) -> None:
    """The square that a patch of ``side`` px covers, were it cut with no rotation and magnification."""
    corner = (center[0] - side / 2, center[1] - side / 2)
    axes.add_patch(Rectangle(corner, side, side, fill=False, edgecolor=INK, linewidth=1.2, linestyle="--"))


def _close_up(axes: Axes, center: np.ndarray, side: int) -> None:
    axes.set_xlim(center[0] - side / 2, center[0] + side / 2)
    axes.set_ylim(center[1] + side / 2, center[1] - side / 2)


def _name(axes: Axes, text: str) -> None:
    axes.text(
        0.04, 0.95, text, transform=axes.transAxes, color=INK, fontsize=9, va="top",
        path_effects=[withStroke(linewidth=2.4, foreground="black")],
    )  # fmt: skip
