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

Hard cases (``--case jump --case noise``), for testing what must know when it cannot be trusted, are described in
``--help`` and made in `phantom_cases`.
"""

from __future__ import annotations

import argparse
import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import nibabel as nib
import numpy as np
from scipy.ndimage import map_coordinates, spline_filter
from tqdm import tqdm

from scripts.data.phantom_anatomy import NOMINAL_SIZE, Canvas, paint_anatomy
from scripts.data.phantom_cases import CASES, check_cases, plan_cases
from scripts.io.atomic import atomic_path
from scripts.io.csv_table import write_csv
from scripts.io.examples_csv import EXAMPLE_COLUMNS
from scripts.io.input_error import InputError

__all__ = ["LANDMARKS", "PhantomSubject", "breathing_phantom", "write_phantom"]

LANDMARKS = ("liver_dome", "portal_bifurcation", "liver_lesion", "liver_tip", "kidney_upper_pole")

_MAX_RELATIVE_MOTION = 0.1  # of the shorter image side; beyond it the forward map comes near to folding
_INVERSION_TOLERANCE = 1e-6  # px
_SPACING_MM = (2.0, 2.0, 5.0)
_FRAME_SECONDS = 0.3
_NIFTI_SCALE = 1000.0  # stored int16 value of an intensity of 1
_CASE_COLUMNS = (*EXAMPLE_COLUMNS, "visible")


@dataclass
class PhantomSubject:
    """One subject's cine and its true landmark tracks.

    Attributes:
        frames: images of shape (T, X, Y), float32, fluid near 1 and air near 0. Frame 0 is end-expiration.
        tracks: for each label the true positions of shape (T, 2), float64, in pixels and index order (x, y). Where the
            landmark is not visible, the position that it would have.
        visible: for each label, bool of shape (T,): False where the frame is broken, where the landmark lies outside of
            the image, and where more than half of the structure that it marks has left the slice.
        times: when each frame is taken, int of shape (T,), in frame intervals from frame 0.

    Example:
        >>> subject = breathing_phantom(0, n_frames=4)
        >>> subject.frames.shape, subject.tracks["liver_dome"].shape
        ((4, 192, 176), (4, 2))
    """

    frames: np.ndarray
    tracks: dict[str, np.ndarray]
    visible: dict[str, np.ndarray]
    times: np.ndarray


def breathing_phantom(
    subject: int,
    *,
    seed: int = 0,
    size: tuple[int, int] = NOMINAL_SIZE,
    n_frames: int = 40,
    motion_px: float = 10.0,
    noise: float = 0.03,
    gain_drift: float = 0.1,
    cases: Sequence[str] = (),
) -> PhantomSubject:
    """Make one breathing subject.

    Anatomy, breathing and noise depend on ``seed`` and ``subject`` only, and each has its own random stream: a shorter
    cine is the beginning of a longer one, and changing the noise leaves the tracks alone. Cases have streams of their
    own, too, but are planned for the length of the cine.

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
        cases: names of hard cases to put in, see `phantom_cases.CASES`; any of them go together.

    Returns:
        The subject, with a track for each label in ``LANDMARKS``.

    Raises:
        InputError: if an argument is out of range, there is no such case, or ``n_frames`` is too few for it.

    Example:
        >>> subject = breathing_phantom(3, seed=1, n_frames=2, noise=0.0)
        >>> list(subject.tracks)[0]
        'liver_dome'
    """
    _check_arguments(subject, seed, size, n_frames, motion_px, noise, gain_drift)
    anatomy_rng, motion_rng, scanner_rng, noise_rng = (
        np.random.default_rng([seed, subject, stream]) for stream in range(4)
    )
    plan = plan_cases(cases, seed=seed, subject=subject, n_frames=n_frames, size=size)
    scale = np.asarray(size) / NOMINAL_SIZE
    canvas = Canvas.blank(size)
    nominal_points = paint_anatomy(canvas, anatomy_rng)
    points = {label: point * scale for label, point in nominal_points.items()}
    motion = _BreathingMotion.random(motion_rng, points["liver_dome"], scale, motion_px)
    breathing = _breathing_curves(motion_rng, plan.times[-1] + 1)[plan.times]

    reference = np.stack([points[label] for label in LANDMARKS])
    moved = np.stack([motion.forward(reference, curves) for curves in breathing]) + plan.shift[:, None]
    tracks = {label: moved[:, i] for i, label in enumerate(LANDMARKS)}
    frames = _render(canvas, plan.looks(canvas, nominal_points["liver_lesion"]), motion, breathing, plan.shift)
    frames *= _coil_shading(scanner_rng, size)
    frames *= (_receiver_gain(scanner_rng, plan.times, gain_drift) * plan.gain)[:, None, None]
    frames = _add_rician_noise(frames, noise_rng, noise * plan.noise_factor).astype(np.float32)
    return PhantomSubject(
        frames=plan.break_frames(frames),
        tracks=tracks,
        visible={label: plan.visible(label, track, size) for label, track in tracks.items()},
        times=plan.times,
    )


def write_phantom(
    output_dir: str | os.PathLike[str],
    *,
    subjects: Sequence[int],
    seed: int = 0,
    size: tuple[int, int] = NOMINAL_SIZE,
    n_frames: int = 40,
    motion_px: float = 10.0,
    noise: float = 0.03,
    gain_drift: float = 0.1,
    cases: Sequence[str] = (),
    progress: bool = False,
) -> None:
    """Write subjects as 2D+t NIfTI files with their true tracks.

    ``output_dir`` receives ``subject_00.nii.gz`` and so on, of shape (X, Y, 1, T), int16, 1000 times the intensity,
    2 mm in plane and 0.3 s a frame, with a diagonal affine; ``tracks.csv`` with the columns ``image,frame,label,x,y``,
    positions in pixels and index order, for all frames of these subjects; and ``examples.csv``, the same for frame 0
    only. Each file appears under its name only when it is complete. Existing files are replaced.

    With cases, both tables have one more column, ``visible``: 0 in the rows of a broken frame (for all landmarks), of a
    landmark outside of the image and of one whose structure has left the slice, whose x and y tell where it would be;
    1 in all others. The header of the NIfTI file does not know of dropped frames; nor does a tracker.

    Args:
        output_dir: folder to write to, made if it is missing.
        subjects: indices of the subjects.
        seed: see `breathing_phantom`, as for the arguments that follow.
        size: image size (X, Y) in pixels.
        n_frames: number of frames.
        motion_px: peak motion of the liver dome in pixels.
        noise: standard deviation of the noise.
        gain_drift: largest relative deviation of the gain.
        cases: names of hard cases.
        progress: show a progress bar.

    Raises:
        InputError: if an argument is out of range, there is no such case, or ``n_frames`` is too few for it.

    Example:
        >>> write_phantom("phantom", subjects=range(8), seed=0)  # doctest: +SKIP
    """
    check_cases(cases, n_frames)
    columns = _CASE_COLUMNS if cases else EXAMPLE_COLUMNS
    folder = Path(output_dir)
    folder.mkdir(parents=True, exist_ok=True)
    rows: list[tuple[str, int, str, float, float, int]] = []
    for subject in tqdm(subjects, desc="phantom", unit="subject", disable=not progress):
        made = breathing_phantom(
            subject,
            seed=seed,
            size=size,
            n_frames=n_frames,
            motion_px=motion_px,
            noise=noise,
            gain_drift=gain_drift,
            cases=cases,
        )
        name = f"subject_{subject:02d}.nii.gz"
        _write_nifti(folder / name, made.frames)
        rows += [
            (name, frame, label, float(x), float(y), int(made.visible[label][frame]))
            for label, track in made.tracks.items()
            for frame, (x, y) in enumerate(track)
        ]
    cells = [row[: len(columns)] for row in rows]
    write_csv(folder / "tracks.csv", columns, cells)
    write_csv(folder / "examples.csv", columns, [row for row in cells if row[1] == 0])


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
        raise InputError(f"subject and seed must be 0 or more, got subject={subject}, seed={seed}.")
    if len(size) != 2 or min(size) < 16:
        raise InputError(f"size must be two numbers of at least 16 pixels, got {size}.")
    if n_frames < 1:
        raise InputError(f"n_frames must be 1 or more, got {n_frames}.")
    if not 0 <= motion_px <= _MAX_RELATIVE_MOTION * min(size):
        raise InputError(
            f"motion_px must lie between 0 and a tenth of the shorter image side, {_MAX_RELATIVE_MOTION * min(size):g}"
            f" px for size {tuple(size)}, got {motion_px}: more would fold the image."
        )
    if noise < 0 or not 0 <= gain_drift < 1:
        raise InputError(f"noise must be 0 or more and gain_drift in [0, 1), got {noise} and {gain_drift}.")


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
        width, above, below = np.array([44.0, 40.0, 100.0]) * scale[[0, 1, 1]] * rng.uniform(0.95, 1.05, 3)
        modes = [_MotionMode(dome, np.array([0.0, motion_px]), width, above, below, curve=0)]
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


def _render(
    canvas: Canvas,
    looks: Sequence[tuple[np.ndarray, np.ndarray]],
    motion: _BreathingMotion,
    breathing: np.ndarray,
    shifts: np.ndarray,
) -> np.ndarray:
    """Noise-free frames (T, X, Y): what lies on the canvas where each pixel's tissue came from.

    Args:
        canvas: whose grid the looks are given on.
        looks: images on that grid, each with its share (T,) of the frames.
        motion: of the tissue.
        breathing: values of the breathing curves (T, 2).
        shifts: displacement (T, 2) of everything, px.
    """
    pixels = np.stack(np.meshgrid(*(np.arange(n, dtype=float) for n in canvas.size), indexing="ij"), axis=-1)
    coefficients = [spline_filter(image, order=3) for image, _ in looks]
    shares = np.stack([share for _, share in looks], axis=1)
    frames = np.empty((len(breathing), *canvas.size))
    reference = pixels
    for frame, share, curves, shift in zip(frames, shares, breathing, shifts, strict=True):
        reference = motion.inverse(pixels - shift, curves, start=reference)
        samples = np.moveaxis(canvas.to_samples(reference), -1, 0)
        # Beyond the canvas there is air in front and behind; towards head and feet, tissue of the same kind goes on.
        samples[0] = np.clip(samples[0], 0, canvas.image.shape[0] - 1)
        mixed = sum(part * weight for part, weight in zip(coefficients, share, strict=True) if weight > 0)
        map_coordinates(mixed, samples, output=frame, order=3, mode="mirror", prefilter=False)
    return np.maximum(frames, 0, out=frames)


def _coil_shading(rng: np.random.Generator, size: tuple[int, int]) -> np.ndarray:
    """Smooth sensitivity (X, Y) of the receive coils. It belongs to the scanner and does not move with the body."""
    x, y = np.meshgrid(np.linspace(-1, 1, size[0]), np.linspace(-1, 1, size[1]), indexing="ij")
    tilt = rng.uniform(-0.06, 0.06, 2)
    return 1 + rng.uniform(0.05, 0.12) * (x * x - 0.5) - 0.08 * y * y + tilt[0] * x + tilt[1] * y


def _receiver_gain(rng: np.random.Generator, times: np.ndarray, gain_drift: float) -> np.ndarray:
    period, phase = rng.uniform(60, 120), rng.uniform(0, 2 * np.pi)
    return 1 + gain_drift * np.sin(2 * np.pi * times / period + phase)


def _add_rician_noise(frames: np.ndarray, rng: np.random.Generator, noise: float) -> np.ndarray:
    # Frame by frame, so that a frame's noise does not depend on how many frames follow.
    for frame in frames:
        real, imaginary = noise * rng.standard_normal((2, *frame.shape))
        np.hypot(frame + real, imaginary, out=frame)
    return frames


# --- files ----------------------------------------------------------------------------------------------------------


def _write_nifti(path: Path, frames: np.ndarray) -> None:
    stored = np.clip(np.rint(frames * _NIFTI_SCALE), 0, np.iinfo(np.int16).max).astype(np.int16)
    image = nib.Nifti1Image(np.moveaxis(stored, 0, -1)[:, :, None, :], np.diag([*_SPACING_MM, 1.0]))
    image.header.set_zooms((*_SPACING_MM, _FRAME_SECONDS))
    image.header.set_xyzt_units("mm", "sec")
    with atomic_path(path) as temporary:
        nib.save(image, temporary)


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


_CASE_NOTE = """\
With a case, tracks.csv has one more column, visible: 0 where the landmark cannot be seen (the frame is broken, the
landmark lies outside of the image or has left the slice; x and y tell where it would be), else 1. In frame 0 all are
visible."""


class _HelpFormatter(argparse.ArgumentDefaultsHelpFormatter, argparse.RawDescriptionHelpFormatter):
    """Defaults are told, and the lines of the epilog stay as they are."""


def _build_parser() -> argparse.ArgumentParser:
    width = max(map(len, CASES))
    parser = argparse.ArgumentParser(
        prog="python -m scripts.data.phantom",
        description="Write breathing phantoms as NIfTI files with their true landmark tracks.",
        epilog="\n".join(["cases:", *(f"  {name:{width}}  {what}" for name, what in CASES.items()), "", _CASE_NOTE]),
        formatter_class=_HelpFormatter,
    )
    parser.add_argument("--output_dir", type=Path, required=True, help="folder to write to")
    parser.add_argument("--subjects", type=_parse_subjects, required=True, help="such as 0-7 or 8,9")
    parser.add_argument("--seed", type=int, default=0, help="seed of the whole population")
    parser.add_argument("--size", type=int, nargs=2, default=NOMINAL_SIZE, metavar=("X", "Y"), help="in pixels")
    parser.add_argument("--n_frames", type=int, default=40, help="frames of each subject, 0.3 s apart")
    parser.add_argument("--motion_px", type=float, default=10.0, help="peak motion of the liver dome in pixels")
    parser.add_argument("--noise", type=float, default=0.03, help="standard deviation, where fluid is 1")
    parser.add_argument("--gain_drift", type=float, default=0.1, help="largest relative deviation of the gain")
    parser.add_argument(
        "--case",
        action="append",
        dest="cases",
        choices=list(CASES),
        help="a hard case, see below; give it several times for several cases at once",
    )
    return parser


def main(arguments: Sequence[str] | None = None) -> None:
    """Write phantoms as the command line says.

    Args:
        arguments: what follows the command; ``None`` takes it from ``sys.argv``.

    Example:
        >>> main(["--output_dir", "phantom", "--subjects", "0-7"])  # doctest: +SKIP
    """
    parser = _build_parser()
    options = vars(parser.parse_args(arguments))
    options["size"], options["cases"] = tuple(options["size"]), options["cases"] or ()
    try:
        write_phantom(**options, progress=True)
    except InputError as error:
        parser.error(str(error))


if __name__ == "__main__":
    main()
