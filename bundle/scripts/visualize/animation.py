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
"""A series with its moving landmarks as an animated GIF."""

from __future__ import annotations

import os
from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import partial
from io import BytesIO

import numpy as np
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.colors import to_rgb
from PIL import Image

from scripts.io.atomic import atomic_path
from scripts.io.landmarks_csv import Landmark
from scripts.visualize.overlay import (
    DPI,
    INK,
    PAPER,
    LandmarkMark,
    framed_axes,
    grey_window,
    label_colors,
    list_below,
    picture_width,
    show_image,
)
from scripts.visualize.short_names import short_names, text_width

__all__ = ["write_animation"]

_CLIP_SIDE = 700  # longer side of the image, in pixels
_MOST_FRAMES = 120  # that are shown: about 10 MB of noisy frames, 80 kB each
_FEWEST_FRAMES = 30
_MOST_BYTES = 10_000_000
_LONGEST = 48  # letters of a name
_TAIL = 8  # frames of the past path that are shown


def write_animation(
    path: str | os.PathLike[str],
    frames: np.ndarray,
    landmarks: Sequence[Landmark],
    *,
    fps: float,
    title: str | None = None,
    colors: Mapping[str, str] | None = None,
    aspect: float = 1.0,
) -> int:
    """Write a series with its moving landmarks as an animated GIF that loops for ever, 700 pixels on its longer side.

    Each frame shows the crosses and the ellipses of one sigma, the path of the last eight frames, and below the image
    the names and the frame number. Of a series of more than 120 frames every n-th is shown, so that there are 120 or,
    where these would take more than about 10 MB, fewer, down to 30; the frame numbers are those of the series. Frames
    that are shown are held in memory until the file is written: about 0.4 MB each.

    Args:
        path: the file to write; it is replaced whole.
        frames: (T, X, Y), any real dtype.
        landmarks: at most one for each label and frame, in pixels; frames without one show none.
        fps: frames per second. GIF counts in hundredths of a second, and viewers refuse more than 50 frames a second,
            so a faster series plays at 50.
        title: a line above the picture.
        colors: label to colour, to agree with other pictures that show more labels.
        aspect: height of a pixel over its width.

    Returns:
        n where every n-th frame is shown; 1 where all are.

    Raises:
        ValueError: if frames are not of shape (T, X, Y) with T > 0, ``fps`` is not above zero or a landmark has no
            frame among them.
        KeyError: if ``colors`` lacks a label.

    Example:
        >>> write_animation("clip.gif", frames, landmarks, fps=15)  # doctest: +SKIP
    """
    frames = np.asarray(frames)
    if frames.ndim != 3 or len(frames) == 0:
        raise ValueError(f"frames must be of shape (T, X, Y) with at least one frame, not {frames.shape}.")
    if not fps > 0:
        raise ValueError(f"fps must be above zero, not {fps}.")
    labels = sorted({landmark.label for landmark in landmarks})
    colors = label_colors(labels) if colors is None else colors
    paths = _paths(landmarks, len(frames))
    draw = partial(_pages, frames, paths, {label: colors[label] for label in labels}, title, aspect)
    step = _step(len(frames), lambda: next(draw(1)))
    pages = draw(step)
    first, durations = next(pages), _durations(len(range(0, len(frames), step)), fps)
    with atomic_path(path) as temporary:
        first.save(temporary, format="GIF", save_all=True, append_images=pages, duration=durations, loop=0)
    return step


def _step(n_frames: int, first: Callable[[], Image.Image]) -> int:
    """Every how many frames one is shown, by how large one page is."""
    if n_frames <= _MOST_FRAMES:
        return 1
    file = BytesIO()
    first().save(file, format="GIF")
    shown = min(_MOST_FRAMES, max(_FEWEST_FRAMES, _MOST_BYTES // len(file.getvalue())))
    return -(-n_frames // shown)


def _paths(landmarks: Sequence[Landmark], n_frames: int) -> dict[str, dict[int, Landmark]]:
    """Label to frame to landmark."""
    paths: dict[str, dict[int, Landmark]] = defaultdict(dict)
    for landmark in landmarks:
        if landmark.frame is None or not 0 <= landmark.frame < n_frames:
            raise ValueError(f"{landmark.label!r} is of frame {landmark.frame}, but there are {n_frames} frames.")
        if np.isfinite([landmark.x, landmark.y]).all():
            paths[landmark.label][landmark.frame] = landmark
    return paths


def _pages(
    frames: np.ndarray,
    paths: Mapping[str, Mapping[int, Landmark]],
    colors: Mapping[str, str],
    title: str | None,
    aspect: float,
    step: int,
) -> Iterator[Image.Image]:
    """Draw frame after frame; only the artists' data change, and all pages share one palette."""
    size = frames.shape[1:]
    width = picture_width(size, _CLIP_SIDE, aspect)
    names = short_names(list(colors), max(8, min(_LONGEST, (width - 150) // 9)))
    longest = max(map(text_width, names), default=0)
    columns = max(1, (width - 110) // (9 * longest + 40))
    rows = max(1, -(-len(colors) // columns))
    figure, axes = framed_axes(size, _CLIP_SIDE, title=title, aspect=aspect, footer_lines=rows)
    shown = show_image(axes, frames[0], grey_window(frames), aspect)
    marks = {label: LandmarkMark(axes, color) for label, color in colors.items()}
    list_below(figure, dict(zip(names, colors.values(), strict=True)), columns)
    number = figure.text(1 - 10 / width, 8 / (figure.get_figheight() * DPI), "", color=INK, fontsize=10, ha="right")
    palette = _palette(list(dict.fromkeys(colors.values())))
    canvas = figure.canvas
    assert isinstance(canvas, FigureCanvasAgg)  # of framed_axes
    for t in range(0, len(frames), step):
        shown.set_data(frames[t].T)
        number.set_text(f"frame {t} / {len(frames) - 1}")
        for label, mark in marks.items():
            _move(mark, paths.get(label, {}), t)
        canvas.draw()
        page = Image.fromarray(np.asarray(canvas.buffer_rgba())[..., :3])
        yield page.quantize(palette=palette, dither=Image.Dither.NONE)


def _move(mark: LandmarkMark, path: Mapping[int, Landmark], t: int) -> None:
    if t in path:
        mark.move(path[t], tail=[path[s] for s in range(max(0, t - _TAIL), t) if s in path])
    else:
        mark.hide()


def _palette(colors: Sequence[str]) -> Image.Image:
    """A palette of greys and of each colour's tones to black: quicker than fitting one, and small marks keep colour."""
    tones = min(12, 96 // max(1, len(colors)))
    shares = np.linspace(1, 0, tones, endpoint=False)[:, None]
    coloured = [np.asarray(to_rgb(color)) * 255 * shares for color in colors]
    framing = [np.asarray([to_rgb(PAPER), to_rgb(INK)]) * 255]
    used = np.concatenate(framing + coloured)
    greys = np.linspace(0, 255, 256 - len(used))[:, None].repeat(3, axis=1)
    palette = Image.new("P", (1, 1))
    palette.putpalette(np.concatenate([used, greys]).round().astype(np.uint8).tobytes())
    return palette


def _durations(n_frames: int, fps: float) -> list[int]:
    """Milliseconds of each frame, in whole hundredths of a second that keep the mean rate."""
    ends = [round(100 * (t + 1) / fps) for t in range(n_frames)]
    return [max(20, 10 * (end - start)) for start, end in zip([0, *ends], ends, strict=False)]
