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
"""Tests of the copied position: it is where it was, and its error is the motion."""

from __future__ import annotations

import numpy as np

from scripts.baselines import CopyPosition
from scripts.inferers import MedianFusion

FRAMES = np.random.default_rng(0).random((2, 40, 30))
PLACES = [(3.0, 4.0), (5.0, 4.0), (13.0, 7.0)]


def test_several_examples_become_their_mean():
    for fusion, expected in ((None, [7, 5]), (MedianFusion(), [5, 4])):
        tracker = CopyPosition(fusion)
        tracker.set_examples([(FRAMES[0], place, "a") for place in PLACES])
        found = tracker.update(FRAMES[1]).landmarks["a"]
        assert found.point.tolist() == expected and not found.is_doubtful
        assert found.examples.tolist() == [list(place) for place in PLACES]


def test_its_error_is_the_motion(breathing, errors_on_breathing):
    tracks = np.stack(list(breathing.tracks.values()), axis=1)
    motion = np.linalg.norm(tracks[1:] - tracks[0], axis=-1)
    np.testing.assert_allclose(errors_on_breathing(CopyPosition()), motion, atol=1e-4)


def test_a_frame_that_shows_nothing_is_told():
    tracker = CopyPosition()
    tracker.set_examples([(FRAMES[0], PLACES[0], "a")])
    assert tracker.update(np.zeros((40, 30))).landmarks["a"].reason == "the frame is constant"
