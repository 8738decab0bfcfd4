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
"""Labelled images for the learned baselines, and frames in which landmarks move by known ways."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from scripts.baselines import PeerTracker
from scripts.data.frame_dataset import FrameDataset
from scripts.data.image_series import ImageSeries, find_image_series
from scripts.data.phantom import PhantomSubject, breathing_phantom

ROWS = [
    *[f"p{i}.nii,0,tip,{10 + i},{12 + i}" for i in range(6)],
    # marked in all but the last image
    *[f"p{i}.nii,0,apex,{20 - i},{8 + i}" for i in range(5)],
]


def write_rows(path: Path, rows: list[str]) -> str:
    path.write_text("\n".join(["image,frame,label,x,y", *rows]) + "\n")
    return str(path)


@pytest.fixture
def truth(tmp_path: Path) -> str:
    """Two landmarks: ``tip`` in six images, ``apex`` in five of them; px of images of 96 x 64."""
    return write_rows(tmp_path / "truth.csv", ROWS)


@pytest.fixture
def series(tmp_path: Path, write_clip: Callable[..., Path]) -> list[ImageSeries]:
    """Eight images of 96 x 64 px, the last two of which have no landmark."""
    for i in range(8):
        write_clip(tmp_path / "data" / f"p{i}.nii", [(0, 0)], shape=(96, 64), seed=i)
    return find_image_series(tmp_path / "data")


@pytest.fixture
def frames(series: list[ImageSeries]) -> FrameDataset:
    """The images at half size."""
    return FrameDataset(series, (48, 32))


@pytest.fixture(scope="session")
def breathing() -> PhantomSubject:
    """Ten frames, most of a breath; landmarks move by 3 px in the mean and 10 at most."""
    return breathing_phantom(0, n_frames=10)


@pytest.fixture(scope="session")
def errors_on_breathing(breathing: PhantomSubject) -> Callable[..., np.ndarray]:
    """Distances to the truth (frames, landmarks), px, of a tracker with one example a landmark, on frame 0."""

    def errors(tracker: PeerTracker, frames: range = range(1, 10)) -> np.ndarray:
        tracker.set_examples([(breathing.frames[0], track[0], label) for label, track in breathing.tracks.items()])
        found = {frame: tracker.update(breathing.frames[frame]).landmarks for frame in frames}
        return np.array(
            [
                [np.linalg.norm(one.point.numpy() - breathing.tracks[label][frame]) for label, one in answers.items()]
                for frame, answers in found.items()
            ]
        )

    return errors
