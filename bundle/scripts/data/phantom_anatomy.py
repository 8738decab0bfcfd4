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
"""What the breathing phantom shows: an abdomen painted with soft edges on a finely sampled canvas."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
from scipy.interpolate import CubicSpline
from scipy.ndimage import gaussian_filter

__all__ = ["NOMINAL_SIZE", "Canvas", "paint_anatomy"]

# The anatomy is laid out on a slice of this many pixels, anterior at the left, head at the top, and then scaled.
NOMINAL_SIZE = (192, 176)
_SUPERSAMPLING = 3  # canvas samples per pixel and axis
_MARGIN = 8.0  # canvas beyond the field of view, nominal px: tissue that moves into view is real tissue
_POINT_SPREAD = 0.6  # standard deviation of the imaging blur, px


@dataclass
class _Outline:
    """A closed curve around ``center``, given by its radius at equally spaced angles from -pi on."""

    center: np.ndarray
    radii: np.ndarray
    angles: np.ndarray = field(init=False)

    def __post_init__(self) -> None:
        self.angles = np.linspace(-np.pi, np.pi, len(self.radii), endpoint=False)

    @classmethod
    def through(cls, center: np.ndarray, radii: np.ndarray) -> _Outline:
        """A smooth curve through a few radii."""
        knots = np.linspace(-np.pi, np.pi, len(radii) + 1)
        curve = CubicSpline(knots, np.append(radii, radii[0]), bc_type="periodic")
        return cls(center, curve(np.linspace(-np.pi, np.pi, 720, endpoint=False)))

    @classmethod
    def blob(
        cls,
        rng: np.random.Generator,
        center: Sequence[float] | np.ndarray,
        semi_axes: Sequence[float] | np.ndarray,
        tilt: float = 0.0,
        rough: float = 0.06,
    ) -> _Outline:
        """An ellipse with an irregular edge; ``tilt`` in radians, ``rough`` relative to the radius."""
        angles = np.linspace(-np.pi, np.pi, 720, endpoint=False)
        radii = 1 / np.hypot(np.cos(angles - tilt) / semi_axes[0], np.sin(angles - tilt) / semi_axes[1])
        for waves in (2, 3, 4, 5):
            radii = radii * (1 + rough / waves * rng.normal() * np.cos(waves * angles + rng.uniform(0, 2 * np.pi)))
        return cls(np.asarray(center, dtype=float), radii)

    def points(self) -> np.ndarray:
        return self.center + self.radii[:, None] * np.stack([np.cos(self.angles), np.sin(self.angles)], axis=1)

    def scaled(self, factor: float) -> _Outline:
        return _Outline(self.center, self.radii * factor)

    def extreme(self, direction: Sequence[float] | np.ndarray) -> np.ndarray:
        """The point (2,) of the curve that lies furthest in a direction."""
        points = self.points()
        return points[np.argmax(points @ np.asarray(direction, dtype=float))]

    def bounds(self) -> tuple[np.ndarray, np.ndarray]:
        points = self.points()
        return points.min(axis=0), points.max(axis=0)

    def distance(self, x: np.ndarray, y: np.ndarray) -> np.ndarray:
        dx, dy = x - self.center[0], y - self.center[1]
        radii = np.interp(np.arctan2(dy, dx), self.angles, self.radii, period=2 * np.pi)
        return np.hypot(dx, dy) - radii


@dataclass
class _Tube:
    """A straight piece of a vessel."""

    start: np.ndarray
    end: np.ndarray
    radius: float

    def bounds(self) -> tuple[np.ndarray, np.ndarray]:
        return np.minimum(self.start, self.end) - self.radius, np.maximum(self.start, self.end) + self.radius

    def distance(self, x: np.ndarray, y: np.ndarray) -> np.ndarray:
        along = self.end - self.start
        dx, dy = x - self.start[0], y - self.start[1]
        share = np.clip((dx * along[0] + dy * along[1]) / (along @ along), 0, 1)
        return np.hypot(dx - share * along[0], dy - share * along[1]) - self.radius


@dataclass
class Canvas:
    """The noise-free reference image, finer than the pixels and a little larger than the field of view.

    ``x`` and ``y`` hold the nominal coordinates of the samples; ``image`` has the shape of the sample grid.
    """

    size: tuple[int, int]
    x: np.ndarray
    y: np.ndarray
    image: np.ndarray

    @classmethod
    def blank(cls, size: tuple[int, int]) -> Canvas:
        """A black canvas for images of ``size`` px."""
        x, y = (cls._axis(n, nominal) for n, nominal in zip(size, NOMINAL_SIZE, strict=True))
        return cls(size, x[:, None], y[None, :], np.zeros((len(x), len(y))))

    @staticmethod
    def _axis(n: int, nominal: int) -> np.ndarray:
        margin = int(np.ceil(_MARGIN * n / nominal))
        samples = np.arange(-margin * _SUPERSAMPLING, (n - 1 + margin) * _SUPERSAMPLING + 1)
        return samples / _SUPERSAMPLING * nominal / n

    @property
    def step(self) -> np.ndarray:
        """Distance of the samples along each axis (2,), nominal px."""
        return np.array([self.x[1, 0] - self.x[0, 0], self.y[0, 1] - self.y[0, 0]])

    @property
    def origin(self) -> np.ndarray:
        """Nominal coordinates of the first sample (2,)."""
        return np.array([self.x[0, 0], self.y[0, 0]])

    def to_samples(self, points: np.ndarray) -> np.ndarray:
        """Sample indices (..., 2) of points (..., 2) in pixels."""
        return points * _SUPERSAMPLING - self.origin / self.step

    def cover(self, distance: np.ndarray) -> np.ndarray:
        """How much of each sample a shape covers, from the signed distance to its edge."""
        return np.clip(0.5 - distance / self.step.mean(), 0, 1)

    def paint(self, shape: _Outline | _Tube, value: float, within: np.ndarray | None = None) -> None:
        """Paint over a shape; ``within`` (same grid as the image) limits where."""
        low, high = shape.bounds()
        first = np.maximum(np.floor((low - self.origin) / self.step).astype(int) - 1, 0)
        last = np.maximum(np.ceil((high - self.origin) / self.step).astype(int) + 2, 0)
        window = (slice(first[0], last[0]), slice(first[1], last[1]))
        cover = self.cover(shape.distance(self.x[window[0]], self.y[:, window[1]]))
        self.blend(cover if within is None else cover * within[window], value, window)

    def blend(self, cover: np.ndarray, value: float, window: tuple[slice, ...] = (slice(None), slice(None))) -> None:
        """Move the samples of a window towards a value, by their cover in [0, 1]."""
        self.image[window] += cover * (value - self.image[window])

    def texture(self, rng: np.random.Generator, length: float) -> np.ndarray:
        """Smooth random field of unit variance, ``length`` in nominal pixels."""
        smooth = gaussian_filter(rng.standard_normal(self.image.shape), length / self.step, mode="wrap")
        return smooth / smooth.std()


def paint_anatomy(canvas: Canvas, rng: np.random.Generator) -> dict[str, np.ndarray]:
    """Paint one subject's abdomen.

    Args:
        canvas: a blank canvas, which is painted on.
        rng: what makes the subject.

    Returns:
        The reference position (2,) of each landmark, in nominal pixels and index order (x, y).

    Example:
        >>> canvas = Canvas.blank((64, 56))
        >>> sorted(paint_anatomy(canvas, np.random.default_rng(0)))[0], float(canvas.image.max()) > 0.5
        ('kidney_upper_pole', True)
    """
    cavity = _paint_body_wall(canvas, rng)
    shift = rng.uniform(-4, 4, 2)
    _paint_lung(canvas, rng, cavity, shift)
    _paint_bowel(canvas, rng, cavity)
    landmarks = _paint_liver(canvas, rng, cavity, shift)
    landmarks["kidney_upper_pole"] = _paint_kidney(canvas, rng, shift)
    _paint_spine(canvas, rng)
    canvas.image *= 1 + 0.045 * canvas.texture(rng, 1.8) + 0.05 * canvas.texture(rng, 7.0)
    canvas.image = gaussian_filter(canvas.image, _POINT_SPREAD * _SUPERSAMPLING, mode="nearest")
    return landmarks


def _paint_body_wall(canvas: Canvas, rng: np.random.Generator) -> np.ndarray:
    """Subcutaneous fat, muscle with ribs, and visceral fat; returns how much of each sample is inside the cavity."""
    bulge, phase = rng.uniform(2, 5), rng.uniform(-0.5, 0.5)
    front = rng.uniform(15, 20) - bulge * np.sin(np.pi * canvas.y / 176 + phase)
    back = rng.uniform(172, 177) + rng.uniform(2, 4) * np.cos(2 * np.pi * canvas.y / 176 + phase)
    depth = np.maximum(front - canvas.x, canvas.x - back)
    fat, muscle = rng.uniform(5, 9), rng.uniform(4, 6)
    canvas.blend(canvas.cover(depth), rng.uniform(0.75, 0.95))
    canvas.blend(canvas.cover(depth + fat), rng.uniform(0.22, 0.32))
    first, gap = rng.uniform(-4, 8), rng.uniform(15, 19)
    for rib in range(6):
        y = first + gap * rib
        x = np.interp(y, canvas.y[0], front[0]) + fat + muscle / 2
        canvas.paint(_Outline.blob(rng, (x, y), (2.2, 3.6)), rng.uniform(0.45, 0.6))
    cavity = canvas.cover(depth + fat + muscle)
    canvas.blend(cavity, rng.uniform(0.55, 0.68))
    return cavity


def _paint_lung(canvas: Canvas, rng: np.random.Generator, cavity: np.ndarray, shift: np.ndarray) -> None:
    base = 72 + shift[1] + rng.uniform(0.25, 0.35) * (canvas.x - 80)
    lung = cavity * canvas.cover(canvas.y - base)
    canvas.blend(lung, rng.uniform(0.05, 0.1))
    for _ in range(3):
        start = np.array([rng.uniform(70, 110), rng.uniform(-8, 4)])
        for tube in _vessel_tree(rng, start, rng.uniform(0.25, 0.75) * np.pi, 18.0, 1.6, depth=4):
            canvas.paint(tube, rng.uniform(0.25, 0.4), within=lung)


def _paint_bowel(canvas: Canvas, rng: np.random.Generator, cavity: np.ndarray) -> None:
    """Stomach and bowel loops below the liver: walls around fluid, food or gas."""
    for _ in range(int(rng.integers(16, 22))):
        center = (rng.uniform(30, 132), rng.uniform(132, 182))
        loop = _Outline.blob(rng, center, rng.uniform(5, 11, 2), rng.uniform(0, np.pi), rough=0.12)
        canvas.paint(loop, rng.uniform(0.3, 0.45), within=cavity)
        canvas.paint(loop.scaled(0.72), rng.choice([0.1, 0.5, 0.75, 0.95], p=[0.25, 0.35, 0.2, 0.2]), within=cavity)
    stomach = _Outline.blob(rng, (92 + rng.uniform(-5, 5), 140 + rng.uniform(-3, 3)), (15, 9), rng.uniform(-0.4, 0.4))
    canvas.paint(stomach, 0.35, within=cavity)
    canvas.paint(stomach.scaled(0.85), rng.uniform(0.75, 0.95), within=cavity)


def _paint_liver(
    canvas: Canvas, rng: np.random.Generator, cavity: np.ndarray, shift: np.ndarray
) -> dict[str, np.ndarray]:
    """Liver with portal and hepatic vessels and lesions. The lesion of the landmark is the brightest and largest."""
    # Radii from the front (-pi) over the dome (-pi/2) and the back (0) to the lower tip (2/3 pi), every 30 degrees.
    radii = np.array([44, 45, 45, 47, 45, 43, 39, 33, 31, 36, 51, 47]) * rng.uniform(0.95, 1.05)
    liver = _Outline.through(np.array([80.0, 92.0]) + shift, radii * rng.uniform(0.95, 1.05, len(radii)))
    canvas.paint(liver, rng.uniform(0.4, 0.52), within=cavity)
    tissue = canvas.cover(liver.scaled(0.96).distance(canvas.x, canvas.y)) * cavity
    blood = rng.uniform(0.72, 0.88)
    hilum = liver.center + (20, 22) + rng.uniform(-3, 3, 2)
    fork = liver.center + (9, 9) + rng.uniform(-4, 4, 2)
    canvas.paint(_Tube(hilum, fork, 3.0), blood, within=tissue)
    trunk = np.arctan2(*(fork - hilum)[::-1])
    for turn in (-rng.uniform(0.6, 0.9), rng.uniform(0.6, 0.9)):
        for tube in _vessel_tree(rng, fork, trunk + turn, rng.uniform(16, 20), 2.2, depth=5):
            canvas.paint(tube, blood, within=tissue)
    confluence = liver.center + (24, -32) + rng.uniform(-3, 3, 2)
    for angle in (0.95, 0.7, 0.45):
        for tube in _vessel_tree(rng, confluence, angle * np.pi + rng.uniform(-0.1, 0.1), 17.0, 2.4, depth=4):
            canvas.paint(tube, 0.95 * blood, within=tissue)
    lesion = _paint_lesions(canvas, rng, liver.center, tissue)
    return {
        "liver_dome": liver.extreme((0, -1)),
        "portal_bifurcation": fork,
        "liver_lesion": lesion,
        "liver_tip": liver.extreme((0, 1)),
    }


def _paint_lesions(canvas: Canvas, rng: np.random.Generator, liver: np.ndarray, tissue: np.ndarray) -> np.ndarray:
    """Two small lesions anywhere and one bright one with a dark rim in the anterior liver; returns the latter (2,)."""
    for _ in range(2):
        spot = liver + rng.uniform(-28, 28, 2)
        canvas.paint(_Outline.blob(rng, spot, rng.uniform(1.5, 3, 2)), rng.uniform(0.15, 0.3), within=tissue)
    center = liver + (-20, -8) + rng.uniform(-5, 5, 2)
    lesion = _Outline.blob(rng, center, rng.uniform(4.5, 6.5, 2), rng.uniform(0, np.pi))
    canvas.paint(lesion.scaled(1.3), rng.uniform(0.25, 0.33), within=tissue)
    canvas.paint(lesion, rng.uniform(0.9, 1.0), within=tissue)
    return center


def _paint_kidney(canvas: Canvas, rng: np.random.Generator, shift: np.ndarray) -> np.ndarray:
    """Cortex, medullary pyramids and sinus fat in a capsule of fat; returns the upper pole (2,)."""
    center = np.array([121.0, 124.0]) + 0.5 * shift + rng.uniform(-2, 2, 2)
    tilt = rng.uniform(0.02, 0.2)
    down, across = np.array([np.sin(tilt), np.cos(tilt)]), np.array([np.cos(tilt), -np.sin(tilt)])
    length, width = rng.uniform(21, 25), rng.uniform(11, 13)
    kidney = _Outline.blob(rng, center, (length, width), np.arctan2(down[1], down[0]), rough=0.03)
    canvas.paint(kidney.scaled(1.12), 0.8)
    canvas.paint(kidney, rng.uniform(0.58, 0.68))
    medulla = rng.uniform(0.32, 0.42)
    for turn in np.linspace(0, 2 * np.pi, 9, endpoint=False) + rng.uniform(-0.15, 0.15, 9):
        spot = center + 0.6 * (length * np.cos(turn) * down + width * np.sin(turn) * across)
        canvas.paint(_Outline.blob(rng, spot, rng.uniform(1.8, 3.0, 2)), medulla)
    canvas.paint(_Outline.blob(rng, center, (0.38 * length, 0.3 * width), np.arctan2(down[1], down[0])), 0.85)
    return kidney.extreme(-down)


def _paint_spine(canvas: Canvas, rng: np.random.Generator) -> None:
    """Vertebrae and discs with the canal and the cord behind them. They do not move."""
    bend, phase = rng.uniform(1, 3), rng.uniform(0, np.pi)
    gap, first = rng.uniform(21, 24), rng.uniform(-12, 4)
    bone, disc = rng.uniform(0.38, 0.5), rng.uniform(0.15, 0.25)
    column = 150 + bend * np.sin(2 * np.pi * canvas.y / 176 + phase)
    canvas.blend(canvas.cover(np.abs(canvas.x - column - 11.5) - 3.5), 0.95)
    canvas.blend(canvas.cover(np.abs(canvas.x - column - 11.5) - 1.6), 0.45)
    canvas.blend(canvas.cover(np.abs(canvas.x - column) - 7.0), disc)
    for level in range(9):
        middle = first + gap * level
        body = np.maximum(np.abs(canvas.x - column) - 7.5, np.abs(canvas.y - middle) - 0.4 * gap)
        canvas.blend(canvas.cover(body), bone * rng.uniform(0.93, 1.07))


def _vessel_tree(
    rng: np.random.Generator, start: np.ndarray, angle: float, length: float, radius: float, depth: int
) -> list[_Tube]:
    """A vessel that goes off at ``angle`` (radians) and forks ``depth - 1`` times."""
    if depth == 0:
        return []
    end = start + length * np.array([np.cos(angle), np.sin(angle)])
    tubes = [_Tube(start, end, radius)]
    for side in (-1, 1):
        turned = angle + side * rng.uniform(0.25, 0.75)
        tubes += _vessel_tree(rng, end, turned, length * rng.uniform(0.6, 0.9), 0.72 * radius, depth - 1)
    return tubes
