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
"""Hard cases of the breathing phantom: what goes wrong in a live series, and when.

A case is planned for the whole series before any frame is made. Frame 0, where a user marks the examples, is always
an ordinary frame. Each case has its own random stream: it is the same alone and together with others.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np

from scripts.data.phantom_anatomy import Canvas
from scripts.io.input_error import InputError

__all__ = ["CASES", "CasePlan", "check_cases", "plan_cases"]

CASES = {
    "contrast": "tissue intensities drift until some tissues swap their order, and back; the gain drifts by up to 40 %",
    "jump": "the whole anatomy moves by 20 px from one frame to the next, once, and stays there",
    "dropped": "some frames are missing (time advances by 2 to 5 intervals), some are broken: constant or only noise",
    "absence": "the lesion fades out and returns; later the anatomy leaves the image in part and returns",
    "noise": "three times the noise",
}

_MIN_FRAMES = {"contrast": 8, "jump": 2, "dropped": 8, "absence": 12, "noise": 1}
_FIRST_STREAM = 4  # the random streams before it belong to the phantom without cases

_JUMP_PX = 20.0
_NOISE_FACTOR = 3.0
_GAIN_EXPONENT = 0.35  # the gain lies between exp(-0.35) = 0.7 and exp(0.35) = 1.42
_LONG_STEPS = 8  # one step in so many is a long one
_BROKEN_FRAMES = 10  # one frame in so many is broken
_AWAY = 0.5  # of the image width, how far the anatomy moves when it leaves the image in part

# The contrast swaps as a peak wanders down the intensities, first below that of lesion and fluid, in the end to that of
# liver. What lies above the peak falls with distance from it: pairs of tissues swap one after the other.
_PEAKS = (0.85, 0.72, 0.58, 0.45)

_LESION = "liver_lesion"
_LESION_RADIUS = 10.5  # nominal px; no lesion with its rim is larger
_LESION_SEAM = 3.0  # nominal px, over which the tissue put in its place passes into its surroundings


@dataclass
class CasePlan:
    """What the hard cases do to each of T frames. Without a case, nothing.

    Attributes:
        times: when each frame is taken (T,), in frame intervals from frame 0.
        shift: displacement (T, 2) of the whole anatomy, in pixels and index order (x, y).
        swap: how far the contrast has changed (T,), from 0, as painted, to 1, where liver is brightest.
        gain: factor of all intensities (T,).
        lesion: how much of the lesion lies in the slice (T,), 1 to 0.
        fault: what the scanner delivers in place of the image (T,): "" for the image, "constant" or "noise".
        noise_factor: factor of the standard deviation of the noise.
        streams: the random stream of each chosen case, for what is drawn when images are made.
    """

    times: np.ndarray
    shift: np.ndarray
    swap: np.ndarray
    gain: np.ndarray
    lesion: np.ndarray
    fault: np.ndarray
    noise_factor: float = 1.0
    streams: dict[str, np.random.Generator] = field(default_factory=dict)

    @classmethod
    def ordinary(cls, n_frames: int) -> CasePlan:
        """The plan without any case."""
        return cls(
            times=np.arange(n_frames),
            shift=np.zeros((n_frames, 2)),
            swap=np.zeros(n_frames),
            gain=np.ones(n_frames),
            lesion=np.ones(n_frames),
            fault=np.full(n_frames, "", dtype="U8"),
        )

    def looks(self, canvas: Canvas, lesion: np.ndarray) -> list[tuple[np.ndarray, np.ndarray]]:
        """The images that the frames are mixtures of.

        Args:
            canvas: the painted anatomy.
            lesion: centre (2,) of the lesion, nominal px.

        Returns:
            Pairs of an image on the grid of the canvas and its share (T,) of each frame; the shares sum to 1.
        """
        looks = [(canvas.image, self.lesion)]
        if "absence" in self.streams:
            looks.append((_without_lesion(canvas, lesion, self.streams["absence"]), 1 - self.lesion))
        if "contrast" in self.streams:
            looks = [
                (_with_peak(image, peak), share * np.maximum(1 - np.abs(self.swap * len(_PEAKS) - stage), 0))
                for image, share in looks
                for stage, peak in enumerate((None, *_PEAKS))
            ]
        return looks

    def break_frames(self, frames: np.ndarray) -> np.ndarray:
        """Replace the frames (T, X, Y) that have a fault, in place, and return them."""
        for index in np.flatnonzero(self.fault != ""):
            level = self.streams["dropped"].uniform(0.1, 0.5)
            if self.fault[index] == "noise":
                level = level * np.hypot(*self.streams["dropped"].standard_normal((2, *frames.shape[1:])))
            frames[index] = level
        return frames

    def visible(self, label: str, track: np.ndarray, size: tuple[int, int]) -> np.ndarray:
        """Whether a landmark can be seen, (T,) bool.

        It cannot where the frame is broken, where it lies outside of the image, and, if it is the lesion, where less
        than half of it is left.

        Args:
            label: name of the landmark.
            track: its true positions (T, 2), in pixels and index order.
            size: image size (X, Y) in pixels.
        """
        inside = np.all((track >= -0.5) & (track <= np.asarray(size) - 0.5), axis=1)
        seen = inside & (self.fault == "")
        return seen & (self.lesion >= 0.5) if label == _LESION else seen


def check_cases(cases: Sequence[str], n_frames: int) -> None:
    """Refuse cases that do not exist or that need a longer series.

    Args:
        cases: names of the cases.
        n_frames: number of frames of the series.

    Raises:
        InputError: with the remedy.

    Example:
        >>> check_cases(["jump", "noise"], n_frames=40)
    """
    for case in cases:
        if case not in CASES:
            raise InputError(f"There is no case {case!r} of the phantom. Choose among {', '.join(CASES)}.")
        if n_frames < _MIN_FRAMES[case]:
            raise InputError(f"The case {case!r} needs n_frames of {_MIN_FRAMES[case]} or more, got {n_frames}.")


def plan_cases(cases: Sequence[str], *, seed: int, subject: int, n_frames: int, size: tuple[int, int]) -> CasePlan:
    """Plan what happens in each frame of a series.

    Args:
        cases: names of the cases, see ``CASES``; in any order.
        seed: seed of the population.
        subject: index of the subject.
        n_frames: number of frames T.
        size: image size (X, Y) in pixels.

    Returns:
        The plan; the same arguments give the same plan.

    Raises:
        InputError: see `check_cases`.

    Example:
        >>> plan = plan_cases(["jump"], seed=0, subject=0, n_frames=40, size=(192, 176))
        >>> [round(float(np.hypot(*shift)), 6) for shift in plan.shift[[0, -1]]]
        [0.0, 20.0]
    """
    check_cases(cases, n_frames)
    plan = CasePlan.ordinary(n_frames)
    plan.streams = {
        case: np.random.default_rng([seed, subject, _FIRST_STREAM + index])
        for index, case in enumerate(CASES)
        if case in cases
    }
    if "dropped" in cases:  # before the contrast, which changes with the time
        _plan_dropped(plan, plan.streams["dropped"])
    if "contrast" in cases:
        _plan_contrast(plan, plan.streams["contrast"])
    if "jump" in cases:
        _plan_jump(plan, plan.streams["jump"])
    if "absence" in cases:
        _plan_absence(plan, plan.streams["absence"], size)
    if "noise" in cases:
        plan.noise_factor = _NOISE_FACTOR
    return plan


def _plan_dropped(plan: CasePlan, rng: np.random.Generator) -> None:
    n_frames = len(plan.times)
    steps = np.ones(n_frames - 1, dtype=int)
    n_long = max(1, n_frames // _LONG_STEPS)
    steps[rng.choice(n_frames - 1, n_long, replace=False)] = rng.integers(2, 6, n_long)
    plan.times = np.concatenate([[0], np.cumsum(steps)])
    broken = 1 + rng.choice(n_frames - 1, max(2, n_frames // _BROKEN_FRAMES), replace=False)
    plan.fault[broken[::2]] = "constant"
    plan.fault[broken[1::2]] = "noise"


def _plan_contrast(plan: CasePlan, rng: np.random.Generator) -> None:
    # Even a short series sees one full swap.
    period = rng.uniform(0.6, 0.8) * min(len(plan.times), 40)
    plan.swap = np.sin(np.pi * plan.times / period) ** 2
    drift = np.sin(2 * np.pi * plan.times / rng.uniform(50, 80))
    plan.gain = np.exp(rng.choice([-1, 1]) * _GAIN_EXPONENT * drift)


def _plan_jump(plan: CasePlan, rng: np.random.Generator) -> None:
    n_frames = len(plan.times)
    first = max(1, n_frames // 4)
    frame = rng.integers(first, max(first + 1, 3 * n_frames // 4))
    angle = rng.uniform(0, 2 * np.pi)
    plan.shift[frame:] += _JUMP_PX * np.array([np.cos(angle), np.sin(angle)])


def _plan_absence(plan: CasePlan, rng: np.random.Generator, size: tuple[int, int]) -> None:
    n_frames = len(plan.times)
    middle = n_frames // 2
    plan.lesion = 1 - _stretch(rng, n_frames, 1, middle)
    # Forwards or backwards, so that air comes into view: there is no anatomy beyond the canvas.
    away = rng.choice([-1, 1]) * _AWAY * size[0]
    plan.shift[:, 0] += _stretch(rng, n_frames, middle, n_frames - 1) * away


def _stretch(rng: np.random.Generator, n_frames: int, first: int, end: int) -> np.ndarray:
    """Weights (T,): 0, then 1 for a while and 0 again, with soft passages, all between ``first`` and ``end``."""
    ramp = int(np.ceil(0.1 * (end - first)))
    hold = round(rng.uniform(0.35, 0.5) * (end - first))
    start = rng.integers(first + ramp, max(first + ramp + 1, end - ramp - hold))
    frames = np.arange(n_frames)
    distance = np.maximum(np.maximum(start - frames, frames - (start + hold - 1)), 0)
    linear = np.maximum(1 - distance / (ramp + 1), 0)
    return linear * linear * (3 - 2 * linear)


def _with_peak(image: np.ndarray, peak: float | None) -> np.ndarray:
    """The image with intensities that rise up to a peak and fall beyond it; as it is where the peak is None."""
    if peak is None:
        return image
    return np.maximum(np.minimum(image, peak - 0.8 * (image - peak)), 0) / peak**0.7  # the peak stays bright


def _without_lesion(canvas: Canvas, center: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """The image of the canvas with liver tissue in the place of the lesion."""
    distance = np.hypot(canvas.x - center[0], canvas.y - center[1])
    around = (distance > _LESION_RADIUS) & (distance < _LESION_RADIUS + _LESION_SEAM)
    texture = 1 + 0.045 * canvas.texture(rng, 1.8) + 0.05 * canvas.texture(rng, 7.0)  # as of all tissue
    cover = np.clip((_LESION_RADIUS + _LESION_SEAM - distance) / _LESION_SEAM, 0, 1)
    return canvas.image + cover * (np.median(canvas.image[around]) * texture - canvas.image)
