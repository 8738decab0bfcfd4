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
"""Frames in which landmarks move by known ways."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest

from scripts.baselines import PeerTracker
from scripts.data.phantom import PhantomSubject, breathing_phantom


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
