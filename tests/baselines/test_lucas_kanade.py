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
"""Tests of Lucas-Kanade: it goes on from the last answer, and starts again where a point was lost."""

from __future__ import annotations

import numpy as np
import pytest

from scripts.baselines import LucasKanade

SHAPE, POINT = (96, 72), (40.0, 30.0)


def test_follows_breathing(errors_on_breathing):
    errors = errors_on_breathing(LucasKanade())
    assert errors.mean() < 0.3 and errors.max() < 2


def test_begins_at_the_last_answer(texture_frames):
    shifts = [(3 * i, 2 * i) for i in range(8)]
    frames = texture_frames(SHAPE, shifts)
    tracker = LucasKanade(window=9, levels=0)  # which reaches a few pixels only
    tracker.set_examples([(frames[0], POINT, "a")])
    far = tracker.update(frames[-1]).landmarks["a"].point.numpy()
    assert not np.linalg.norm(far - np.add(POINT, shifts[-1])) < 5
    tracker.set_examples([(frames[0], POINT, "a")])
    for frame, shift in zip(frames, shifts, strict=True):
        np.testing.assert_allclose(tracker.update(frame).landmarks["a"].point, np.add(POINT, shift), atol=0.1)


def test_a_lost_point_starts_again_from_its_example(texture_frames):
    frames = texture_frames(SHAPE, [(0, 0), (-12, 0), (0, 0)])
    tracker = LucasKanade(window=9, levels=2)
    tracker.set_examples([(frames[0], (6.0, 30.0), "a")])
    found = tracker.update(frames[1]).landmarks["a"]  # its window is gone
    assert found.point.isnan().all() and found.is_doubtful and found.reason == "the answer is not finite"
    np.testing.assert_allclose(tracker.update(frames[2]).landmarks["a"].point, (6.0, 30.0), atol=0.1)


def test_a_point_that_left_the_frame_starts_again_from_its_example(texture_frames):
    frames = texture_frames(SHAPE, [(0, 0), (-3, 0), (0, 0)])
    tracker = LucasKanade()
    tracker.set_examples([(frames[0], (2.0, 30.0), "a")])
    assert tracker.update(frames[1]).landmarks["a"].is_doubtful
    np.testing.assert_allclose(tracker.update(frames[2]).landmarks["a"].point, (2.0, 30.0), atol=0.1)


@pytest.mark.parametrize("options", [{"window": 2}, {"levels": -1}])
def test_settings_of_no_use_are_refused(options):
    with pytest.raises(ValueError, match="window"):
        LucasKanade(**options)
