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
"""Series whose landmarks are known in every frame, to follow landmarks through."""

from __future__ import annotations

import importlib.util
import pickle
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import nibabel as nib
import numpy as np
from scipy import ndimage

from scripts.data.phantom import breathing_phantom
from scripts.io import InputError
from scripts.io.atomic import atomic_path

LARGEST_SHIFT = 8.0  # px, of the known fields
SMOOTHNESS = 20.0  # px, standard deviation of the Gaussian that makes them smooth
WARPS = 4  # of a frame
MARGIN = 24  # px between a landmark and the edge


@dataclass(frozen=True)
class TrackingCase:
    """A series; the landmarks of its first frame are the examples.

    Attributes:
        frames: (T, X, Y), float32, about [0, 1].
        tracks: label to its true positions (T, 2), px, index order.
        visible: label to whether it can be seen, (T,).
    """

    frames: np.ndarray
    tracks: dict[str, np.ndarray]
    visible: dict[str, np.ndarray]

    def every(self, step: int) -> TrackingCase:
        """Every n-th frame, from the first on."""
        tracks, visible = ({label: one[::step] for label, one in by.items()} for by in (self.tracks, self.visible))
        return TrackingCase(self.frames[::step], tracks, visible)


def phantom_cases(subjects: Sequence[int], frames: int, cases: Sequence[str] = ()) -> list[TrackingCase]:
    """Subjects of the breathing phantom, with hard cases."""
    made = [breathing_phantom(subject, n_frames=frames, cases=cases) for subject in subjects]
    return [TrackingCase(one.frames, one.tracks, one.visible) for one in made]


def warped_cases(frames: Sequence[np.ndarray], count: int, points: int, seed: int = 0) -> list[TrackingCase]:
    """Real frames, each with itself under a known smooth field, another gain and noise; several fields a frame.

    Args:
        frames: each (X, Y).
        count: how many frames are drawn.
        points: landmarks on each: textured places, apart from each other.
        seed: seed of all draws.
    """
    random = np.random.default_rng(seed)
    drawn = [frames[i] for i in sorted(random.choice(len(frames), min(count, len(frames)), replace=False))]
    return [warp_frame(frame, textured_points(frame, points), random) for frame in drawn for _ in range(WARPS)]


def warp_frame(frame: np.ndarray, points: np.ndarray, random: np.random.Generator) -> TrackingCase:
    """A frame (X, Y), and itself under a known field; true positions of points (N, 2) to 1e-6 px."""
    field = smooth_field(frame.shape, random)
    warped = ndimage.map_coordinates(frame, np.indices(frame.shape) + field, order=3, mode="nearest")
    noise = random.normal(0.0, 0.02, frame.shape)
    frames = np.stack([frame, np.clip(random.uniform(0.8, 1.25) * warped + noise, 0.0, None)])
    tracks = np.stack([points, follow(points, field)], axis=1)
    labels = [str(i) for i in range(len(points))]
    seen = np.ones(2, dtype=bool)
    return TrackingCase(frames.astype(np.float32), dict(zip(labels, tracks, strict=True)), dict.fromkeys(labels, seen))


def smooth_field(shape: Sequence[int], random: np.random.Generator) -> np.ndarray:
    """A displacement (2, X, Y), px, of at most ``LARGEST_SHIFT`` an axis; its slope is too small to fold."""
    field = np.stack([ndimage.gaussian_filter(random.normal(size=shape), SMOOTHNESS, mode="wrap") for _ in "xy"])
    return field * (LARGEST_SHIFT * random.uniform(0.5, 1.0) / np.abs(field).max())


def follow(points: np.ndarray, field: np.ndarray) -> np.ndarray:
    """Where points (N, 2) lie in an image that shows at ``q`` what was at ``q + field(q)``: solved for ``q``."""
    found = points.copy()
    for _ in range(200):
        shift = [ndimage.map_coordinates(axis, found.T, order=3, mode="nearest") for axis in field]
        found = points - np.stack(shift, axis=1)
    return found


def textured_points(frame: np.ndarray, number: int) -> np.ndarray:
    """Places (N, 2), px, with the most contrast around them, none within 12 px of another or near the edge."""
    mean, square = (ndimage.uniform_filter(one.astype(float), 15) for one in (frame, frame**2))
    contrast = square - mean**2
    inner = np.zeros_like(contrast, dtype=bool)
    inner[MARGIN:-MARGIN, MARGIN:-MARGIN] = True
    contrast[~inner] = -np.inf
    chosen: list[np.ndarray] = []
    for place in np.argsort(contrast, axis=None)[::-1]:
        point = np.array(np.unravel_index(place, contrast.shape), dtype=float)
        if not np.isfinite(contrast.flat[place]) or len(chosen) == number:
            break
        if all(np.hypot(*(point - other)) >= MARGIN / 2 for other in chosen):
            chosen.append(point)
    return np.array(chosen)


def write_molli(folder: Path) -> None:
    """Write the two slices of the MOLLI series in the wheel of mdreg as NIfTI files.

    Raises:
        InputError: mdreg is not installed.
    """
    spec = importlib.util.find_spec("mdreg")
    if spec is None or spec.origin is None:
        raise InputError("mdreg is not installed; pip install --no-deps mdreg==0.4.4")
    # not imported: mdreg itself needs more packages than its images do
    with (Path(spec.origin).parent / "datafiles" / "MOLLI.pkl").open("rb") as file:
        array = pickle.load(file)["array"]
    affine = np.diag([1.5, 1.5, 8.0, 1.0])
    for number in range(array.shape[2]):
        pixels = array[:, :, number : number + 1].astype(np.float32)
        with atomic_path(folder / f"slice_{number}.nii.gz") as temporary:
            nib.Nifti1Image(pixels, affine).to_filename(temporary)
