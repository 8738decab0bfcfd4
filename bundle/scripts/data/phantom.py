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
"""The breathing phantom: abdominal cine images whose landmark tracks are known exactly.

A subject is painted once, without noise, on a finely sampled reference canvas (end-expiration). An analytic forward
map moves every material point of it; a frame is the canvas looked up through the inverse of that map, then shaded,
scaled by the receiver gain and given fresh Rician noise. Tracks come from the forward map directly, so they owe
nothing to the interpolation or the inversion that make the images.

Write a data set from the command line, in ``bundle/``:

    python -m scripts.data.phantom --output_dir phantom --subjects 0-7 --seed 0
"""

from __future__ import annotations

import argparse
import csv
import os
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

import nibabel as nib
import numpy as np
from scipy.interpolate import CubicSpline
from scipy.ndimage import gaussian_filter, map_coordinates, spline_filter
from tqdm import tqdm

from scripts.io.atomic import atomic_path

__all__ = ["LANDMARKS", "PhantomSubject", "breathing_phantom", "write_phantom"]

LANDMARKS = ("liver_dome", "portal_bifurcation", "liver_lesion", "liver_tip", "kidney_upper_pole")

# The anatomy is laid out on a slice of this many pixels, anterior at the left, head at the top, and then scaled.
_NOMINAL_SIZE = (192, 176)
_SUPERSAMPLING = 3  # canvas samples per pixel and axis
_MARGIN = 8.0  # canvas beyond the field of view, nominal px: tissue that moves into view is real tissue
_POINT_SPREAD = 0.6  # standard deviation of the imaging blur, px
_MAX_RELATIVE_MOTION = 0.1  # of the shorter image side; beyond it the forward map comes near to folding
_INVERSION_TOLERANCE = 1e-6  # px
_SPACING_MM = (2.0, 2.0, 5.0)
_FRAME_SECONDS = 0.3
_NIFTI_SCALE = 1000.0  # stored int16 value of an intensity of 1
_COLUMNS = ("image", "frame", "label", "x", "y")


@dataclass
class PhantomSubject:
    """One subject's cine and its true landmark tracks.

    Args:
        frames: images of shape (T, X, Y), float32, fluid near 1 and air near 0. Frame 0 is end-expiration.
        tracks: for each label the true positions of shape (T, 2), float64, in pixels and index order (x, y).

    Example:
        >>> subject = breathing_phantom(0, n_frames=4)
        >>> subject.frames.shape, subject.tracks["liver_dome"].shape
        ((4, 192, 176), (4, 2))
    """

    frames: np.ndarray
    tracks: dict[str, np.ndarray]


def breathing_phantom(
    subject: int,
    *,
    seed: int = 0,
    size: tuple[int, int] = _NOMINAL_SIZE,
    n_frames: int = 40,
    motion_px: float = 10.0,
    noise: float = 0.03,
    gain_drift: float = 0.1,
) -> PhantomSubject:
    """Make one breathing subject.

    Anatomy, breathing and noise depend on ``seed`` and ``subject`` only, and each has its own random stream: a shorter
    cine is the beginning of a longer one, and changing the noise leaves the tracks alone.

    Args:
        subject: index of the subject, 0 or more.
        seed: seed of the whole population, 0 or more.
        size: image size (X, Y) in pixels; the anatomy is stretched to it.
        n_frames: number of frames T, 0.3 s apart; a breath takes about 12 frames.
        motion_px: head-foot motion of the liver dome at the peak of a typical breath, in pixels. Breaths vary by
            about 10 %. At most a tenth of the shorter image side.
        noise: standard deviation of the noise in each receive channel before the magnitude is taken (Rician noise),
            on the scale where fluid is 1.
        gain_drift: largest relative deviation of the slowly drifting receiver gain from 1.

    Returns:
        Frames (T, X, Y) and, for each label in ``LANDMARKS``, a track (T, 2) in pixels, index order (x, y).

    Raises:
        ValueError: if an argument is out of range.

    Example:
        >>> subject = breathing_phantom(3, seed=1, n_frames=2, noise=0.0)
        >>> list(subject.tracks)[0]
        'liver_dome'
    """
    _check_arguments(subject, seed, size, n_frames, motion_px, noise, gain_drift)
    anatomy_rng, motion_rng, scanner_rng, noise_rng = (
        np.random.default_rng([seed, subject, stream]) for stream in range(4)
    )
    scale = np.asarray(size) / _NOMINAL_SIZE
    canvas = _Canvas.blank(size)
    points = {label: point * scale for label, point in _paint_anatomy(canvas, anatomy_rng).items()}
    motion = _BreathingMotion.random(motion_rng, points["liver_dome"], scale, motion_px)
    breathing = _breathing_curves(motion_rng, n_frames)

    reference = np.stack([points[label] for label in LANDMARKS])
    moved = np.stack([motion.forward(reference, curves) for curves in breathing])
    frames = _render(canvas, motion, breathing)
    frames *= _coil_shading(scanner_rng, size)
    frames *= _receiver_gain(scanner_rng, n_frames, gain_drift)[:, None, None]
    frames = _add_rician_noise(frames, noise_rng, noise).astype(np.float32)
    return PhantomSubject(frames, {label: moved[:, i] for i, label in enumerate(LANDMARKS)})


def write_phantom(
    output_dir: str | os.PathLike[str],
    *,
    subjects: Sequence[int],
    seed: int = 0,
    size: tuple[int, int] = _NOMINAL_SIZE,
    n_frames: int = 40,
    motion_px: float = 10.0,
    noise: float = 0.03,
    gain_drift: float = 0.1,
    progress: bool = False,
) -> None:
    """Write subjects as 2D+t NIfTI files with their true tracks.

    ``output_dir`` receives ``subject_00.nii.gz`` and so on, of shape (X, Y, 1, T), int16, 1000 times the intensity,
    2 mm in plane and 0.3 s a frame, with a diagonal affine; ``tracks.csv`` with the columns ``image,frame,label,x,y``,
    positions in pixels and index order, for all frames of these subjects; and ``examples.csv``, the same for frame 0
    only. Each file appears under its name only when it is complete. Existing files are replaced.

    Args:
        output_dir: folder to write to, made if it is missing.
        subjects: indices of the subjects.
        seed: see `breathing_phantom`, as for the arguments that follow.
        size: image size (X, Y) in pixels.
        n_frames: number of frames.
        motion_px: peak motion of the liver dome in pixels.
        noise: standard deviation of the noise.
        gain_drift: largest relative deviation of the gain.
        progress: show a progress bar.

    Raises:
        ValueError: if an argument is out of range.

    Example:
        >>> write_phantom("phantom", subjects=range(8), seed=0)  # doctest: +SKIP
    """
    folder = Path(output_dir)
    folder.mkdir(parents=True, exist_ok=True)
    rows: list[tuple[str, int, str, float, float]] = []
    for subject in tqdm(subjects, desc="phantom", unit="subject", disable=not progress):
        made = breathing_phantom(
            subject,
            seed=seed,
            size=size,
            n_frames=n_frames,
            motion_px=motion_px,
            noise=noise,
            gain_drift=gain_drift,
        )
        name = f"subject_{subject:02d}.nii.gz"
        _write_nifti(folder / name, made.frames)
        rows += [
            (name, frame, label, float(x), float(y))
            for label, track in made.tracks.items()
            for frame, (x, y) in enumerate(track)
        ]
    _write_csv(folder / "tracks.csv", rows)
    _write_csv(folder / "examples.csv", [row for row in rows if row[1] == 0])


def _check_arguments(
    subject: int,
    seed: int,
    size: tuple[int, int],
    n_frames: int,
    motion_px: float,
    noise: float,
    gain_drift: float,
) -> None:
    if subject < 0 or seed < 0:
        raise ValueError(f"subject and seed must be 0 or more, got subject={subject}, seed={seed}.")
    if len(size) != 2 or min(size) < 16:
        raise ValueError(f"size must be two numbers of at least 16 pixels, got {size}.")
    if n_frames < 1:
        raise ValueError(f"n_frames must be 1 or more, got {n_frames}.")
    if not 0 <= motion_px <= _MAX_RELATIVE_MOTION * min(size):
        raise ValueError(
            f"motion_px must lie between 0 and a tenth of the shorter image side, {_MAX_RELATIVE_MOTION * min(size):g}"
            f" px for size {tuple(size)}, got {motion_px}: more would fold the image."
        )
    if noise < 0 or not 0 <= gain_drift < 1:
        raise ValueError(f"noise must be 0 or more and gain_drift in [0, 1), got {noise} and {gain_drift}.")


# --- motion ---------------------------------------------------------------------------------------------------------


@dataclass
class _MotionMode:
    """A displacement that is largest at ``center`` and fades like exp(-q^4) along each axis; lengths in pixels."""

    center: np.ndarray
    direction: np.ndarray
    half_width: float
    half_height_above: float
    half_height_below: float
    curve: int  # which breathing curve drives it

    def weight(self, points: np.ndarray) -> np.ndarray:
        across = ((points[..., 0] - self.center[0]) / self.half_width) ** 2
        along = points[..., 1] - self.center[1]
        # Both halves are flat to third order at the centre, so joining them keeps the field smooth.
        along = (along / np.where(along < 0, self.half_height_above, self.half_height_below)) ** 2
        return np.exp(-(across * across) - along * along)


@dataclass
class _BreathingMotion:
    """The map from reference points to points at a given depth of breathing, and its inverse."""

    modes: list[_MotionMode]

    @classmethod
    def random(
        cls, rng: np.random.Generator, dome: np.ndarray, scale: np.ndarray, motion_px: float
    ) -> _BreathingMotion:
        """Head-foot motion around the dome, a weaker antero-posterior one, and a deformation of the subject's own."""
        lengths = np.array([44.0, 40.0, 100.0]) * scale[[0, 1, 1]] * rng.uniform(0.95, 1.05, 3)
        modes = [_MotionMode(dome, np.array([0.0, motion_px]), *lengths, curve=0)]
        belly = dome + (np.array([-10.0, 40.0]) + rng.uniform(-4, 4, 2)) * scale
        forwards = np.array([-rng.uniform(0.15, 0.25) * motion_px, 0.0])
        modes.append(_MotionMode(belly, forwards, 38.0 * scale[0], 45.0 * scale[1], 50.0 * scale[1], curve=1))
        place = dome + (np.array([0.0, 55.0]) + rng.uniform(-15, 15, 2)) * scale
        angle = rng.uniform(0, 2 * np.pi)
        own = rng.uniform(0.05, 0.1) * motion_px * np.array([np.cos(angle), np.sin(angle)])
        modes.append(_MotionMode(place, own, 25.0 * scale[0], 25.0 * scale[1], 25.0 * scale[1], curve=1))
        return cls(modes)

    def displacement(self, points: np.ndarray, curves: np.ndarray) -> np.ndarray:
        moved = np.zeros_like(points)
        for mode in self.modes:
            weight = curves[mode.curve] * mode.weight(points)
            for axis in np.flatnonzero(mode.direction):
                moved[..., axis] += mode.direction[axis] * weight
        return moved

    def forward(self, points: np.ndarray, curves: np.ndarray) -> np.ndarray:
        """Positions (..., 2) in pixels of reference points (..., 2), for the values (2,) of the breathing curves."""
        return points + self.displacement(points, curves)

    def inverse(self, points: np.ndarray, curves: np.ndarray, start: np.ndarray) -> np.ndarray:
        """Reference points of ``points``, to a millionth of a pixel, iterating from ``start``."""
        reference = start
        for _ in range(100):  # the displacement is a contraction, so that about 15 rounds suffice
            previous, reference = reference, points - self.displacement(reference, curves)
            if np.abs(reference - previous).max() < _INVERSION_TOLERANCE:
                return reference
        raise RuntimeError("The breathing motion could not be inverted.")


def _breathing_curves(rng: np.random.Generator, n_frames: int) -> np.ndarray:
    """Depth of breathing (T, 2): head-foot and, with hysteresis, antero-posterior; 0 at frame 0, 1 a typical breath."""
    typical_period, dwell = rng.uniform(10.5, 13.5), rng.uniform(2.0, 2.6)
    wander_period = rng.uniform(60, 90)
    skew = rng.uniform(0.3, 0.6)
    curves = np.zeros((n_frames, 2))
    start = 0.0
    while start < n_frames:
        period, depth = typical_period * rng.uniform(0.85, 1.15), rng.uniform(0.85, 1.05)
        time = np.arange(n_frames) - start
        inside = (time >= 0) & (time < period)
        phase = time[inside] / period
        lagging = phase - skew * np.sin(2 * np.pi * phase) / (2 * np.pi)
        curves[inside] = depth * np.sin(np.pi * np.stack([phase, lagging], axis=1)) ** dwell
        start += period
    # The end-expiration level is not quite the same from breath to breath.
    wander = 0.08 * np.sin(np.pi * np.arange(n_frames) / wander_period) ** 2
    return curves * (1 - wander[:, None]) + wander[:, None]


# --- image formation ------------------------------------------------------------------------------------------------


def _render(canvas: _Canvas, motion: _BreathingMotion, breathing: np.ndarray) -> np.ndarray:
    """Noise-free frames (T, X, Y): what lies on the canvas where each pixel's tissue came from."""
    pixels = np.stack(np.meshgrid(*(np.arange(n, dtype=float) for n in canvas.size), indexing="ij"), axis=-1)
    coefficients = spline_filter(canvas.image, order=3)
    frames = np.empty((len(breathing), *canvas.size))
    reference = pixels
    for frame, curves in zip(frames, breathing, strict=True):
        reference = motion.inverse(pixels, curves, start=reference)
        samples = np.moveaxis(canvas.to_samples(reference), -1, 0)
        map_coordinates(coefficients, samples, output=frame, order=3, mode="nearest", prefilter=False)
    return np.maximum(frames, 0, out=frames)


def _coil_shading(rng: np.random.Generator, size: tuple[int, int]) -> np.ndarray:
    """Smooth sensitivity (X, Y) of the receive coils. It belongs to the scanner and does not move with the body."""
    x, y = np.meshgrid(np.linspace(-1, 1, size[0]), np.linspace(-1, 1, size[1]), indexing="ij")
    tilt = rng.uniform(-0.06, 0.06, 2)
    return 1 + rng.uniform(0.05, 0.12) * (x * x - 0.5) - 0.08 * y * y + tilt[0] * x + tilt[1] * y


def _receiver_gain(rng: np.random.Generator, n_frames: int, gain_drift: float) -> np.ndarray:
    period, phase = rng.uniform(60, 120), rng.uniform(0, 2 * np.pi)
    return 1 + gain_drift * np.sin(2 * np.pi * np.arange(n_frames) / period + phase)


def _add_rician_noise(frames: np.ndarray, rng: np.random.Generator, noise: float) -> np.ndarray:
    # Frame by frame, so that a frame's noise does not depend on how many frames follow.
    for frame in frames:
        real, imaginary = noise * rng.standard_normal((2, *frame.shape))
        np.hypot(frame + real, imaginary, out=frame)
    return frames


# --- anatomy, in nominal pixels -------------------------------------------------------------------------------------


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
        center: Sequence[float],
        semi_axes: Sequence[float],
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

    def extreme(self, direction: Sequence[float]) -> np.ndarray:
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
class _Canvas:
    """The noise-free reference image, finer than the pixels and a little larger than the field of view.

    ``x`` and ``y`` hold the nominal coordinates of the samples; ``image`` has the shape of the sample grid.
    """

    size: tuple[int, int]
    x: np.ndarray
    y: np.ndarray
    image: np.ndarray

    @classmethod
    def blank(cls, size: tuple[int, int]) -> _Canvas:
        x, y = (cls._axis(n, nominal) for n, nominal in zip(size, _NOMINAL_SIZE, strict=True))
        return cls(size, x[:, None], y[None, :], np.zeros((len(x), len(y))))

    @staticmethod
    def _axis(n: int, nominal: int) -> np.ndarray:
        margin = int(np.ceil(_MARGIN * n / nominal))
        samples = np.arange(-margin * _SUPERSAMPLING, (n - 1 + margin) * _SUPERSAMPLING + 1)
        return samples / _SUPERSAMPLING * nominal / n

    @property
    def step(self) -> np.ndarray:
        return np.array([self.x[1, 0] - self.x[0, 0], self.y[0, 1] - self.y[0, 0]])

    @property
    def origin(self) -> np.ndarray:
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
        self.image[window] += cover * (value - self.image[window])

    def texture(self, rng: np.random.Generator, length: float) -> np.ndarray:
        """Smooth random field of unit variance, ``length`` in nominal pixels."""
        smooth = gaussian_filter(rng.standard_normal(self.image.shape), length / self.step, mode="wrap")
        return smooth / smooth.std()


def _paint_anatomy(canvas: _Canvas, rng: np.random.Generator) -> dict[str, np.ndarray]:
    """Paint one subject's abdomen and return the reference position (2,) of each landmark, in nominal pixels."""
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


def _paint_body_wall(canvas: _Canvas, rng: np.random.Generator) -> np.ndarray:
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


def _paint_lung(canvas: _Canvas, rng: np.random.Generator, cavity: np.ndarray, shift: np.ndarray) -> None:
    base = 72 + shift[1] + rng.uniform(0.25, 0.35) * (canvas.x - 80)
    lung = cavity * canvas.cover(canvas.y - base)
    canvas.blend(lung, rng.uniform(0.05, 0.1))
    for _ in range(3):
        start = np.array([rng.uniform(70, 110), rng.uniform(-8, 4)])
        for tube in _vessel_tree(rng, start, rng.uniform(0.25, 0.75) * np.pi, 18.0, 1.6, depth=4):
            canvas.paint(tube, rng.uniform(0.25, 0.4), within=lung)


def _paint_bowel(canvas: _Canvas, rng: np.random.Generator, cavity: np.ndarray) -> None:
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
    canvas: _Canvas, rng: np.random.Generator, cavity: np.ndarray, shift: np.ndarray
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


def _paint_lesions(canvas: _Canvas, rng: np.random.Generator, liver: np.ndarray, tissue: np.ndarray) -> np.ndarray:
    """Two small lesions anywhere and one bright one with a dark rim in the anterior liver; returns the latter (2,)."""
    for _ in range(2):
        spot = liver + rng.uniform(-28, 28, 2)
        canvas.paint(_Outline.blob(rng, spot, rng.uniform(1.5, 3, 2)), rng.uniform(0.15, 0.3), within=tissue)
    center = liver + (-20, -8) + rng.uniform(-5, 5, 2)
    lesion = _Outline.blob(rng, center, rng.uniform(4.5, 6.5, 2), rng.uniform(0, np.pi))
    canvas.paint(lesion.scaled(1.3), rng.uniform(0.25, 0.33), within=tissue)
    canvas.paint(lesion, rng.uniform(0.9, 1.0), within=tissue)
    return center


def _paint_kidney(canvas: _Canvas, rng: np.random.Generator, shift: np.ndarray) -> np.ndarray:
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


def _paint_spine(canvas: _Canvas, rng: np.random.Generator) -> None:
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


# --- files ----------------------------------------------------------------------------------------------------------


def _write_nifti(path: Path, frames: np.ndarray) -> None:
    stored = np.clip(np.rint(frames * _NIFTI_SCALE), 0, np.iinfo(np.int16).max).astype(np.int16)
    image = nib.Nifti1Image(np.moveaxis(stored, 0, -1)[:, :, None, :], np.diag([*_SPACING_MM, 1.0]))
    image.header.set_zooms((*_SPACING_MM, _FRAME_SECONDS))
    image.header.set_xyzt_units("mm", "sec")
    with atomic_path(path) as temporary:
        nib.save(image, temporary)


def _write_csv(path: Path, rows: Sequence[tuple[str, int, str, float, float]]) -> None:
    with atomic_path(path) as temporary, temporary.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(_COLUMNS)
        writer.writerows(rows)  # floats are written so that reading them gives the same number


# --- command line ---------------------------------------------------------------------------------------------------


def _parse_subjects(text: str) -> list[int]:
    """Subject indices from a list of numbers and ranges such as ``0-7`` or ``0-3,8,9``."""
    subjects: list[int] = []
    for part in text.split(","):
        first, _, last = part.partition("-")
        try:
            subjects += range(int(first), int(last or first) + 1)
        except ValueError:
            raise argparse.ArgumentTypeError(f"'{text}' is not a list such as 0-7 or 8,9") from None
    if not subjects:
        raise argparse.ArgumentTypeError(f"'{text}' names no subject")
    return subjects


def _build_parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m scripts.data.phantom",
        description="Write breathing phantoms as NIfTI files with their true landmark tracks.",
        formatter_class=argparse.ArgumentDefaultsHelpFormatter,
    )
    parser.add_argument("--output_dir", type=Path, required=True, help="folder to write to")
    parser.add_argument("--subjects", type=_parse_subjects, required=True, help="such as 0-7 or 8,9")
    parser.add_argument("--seed", type=int, default=0, help="seed of the whole population")
    parser.add_argument("--size", type=int, nargs=2, default=_NOMINAL_SIZE, metavar=("X", "Y"), help="in pixels")
    parser.add_argument("--n_frames", type=int, default=40, help="frames of each subject, 0.3 s apart")
    parser.add_argument("--motion_px", type=float, default=10.0, help="peak motion of the liver dome in pixels")
    parser.add_argument("--noise", type=float, default=0.03, help="standard deviation, where fluid is 1")
    parser.add_argument("--gain_drift", type=float, default=0.1, help="largest relative deviation of the gain")
    return parser


def main(arguments: Sequence[str] | None = None) -> None:
    """Write phantoms as the command line says.

    Args:
        arguments: what follows the command; ``None`` takes it from ``sys.argv``.

    Example:
        >>> main(["--output_dir", "phantom", "--subjects", "0-7"])  # doctest: +SKIP
    """
    options = vars(_build_parser().parse_args(arguments))
    write_phantom(**{**options, "size": tuple(options["size"])}, progress=True)


if __name__ == "__main__":
    main()
