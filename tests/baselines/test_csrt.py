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
"""Tests of CSRT: it goes from frame to frame, and keeps a landmark's place in its box."""

from __future__ import annotations

import numpy as np
import pytest

from scripts.baselines import CSRT


def test_follows_breathing(errors_on_breathing):
    errors = errors_on_breathing(CSRT(patch_size=32))
    assert errors.mean() < 1.1 and errors.max() < 3


@pytest.mark.parametrize("point", [(40.0, 30.0), (40.5, 30.5), (40.3, 29.7)])
@pytest.mark.parametrize("patch_size", [24, 25])
def test_a_landmark_that_rests_keeps_its_part_of_a_pixel(texture_frames, point, patch_size):
    frame = texture_frames((96, 72), [(0, 0)])[0]
    tracker = CSRT(patch_size)
    tracker.set_examples([(frame, point, "a")])
    np.testing.assert_allclose(tracker.update(frame).landmarks["a"].point, point, atol=1e-4)


def test_goes_from_frame_to_frame(texture_frames):
    shifts = [(4 * i, 3 * i) for i in range(7)]  # farther, in all, than a box's surroundings reach
    frames = texture_frames((120, 96), shifts)
    tracker = CSRT(patch_size=16)
    tracker.set_examples([(frames[0], (40.0, 30.0), "a")])
    for frame, shift in zip(frames, shifts, strict=True):
        np.testing.assert_allclose(tracker.update(frame).landmarks["a"].point, np.add((40, 30), shift), atol=1.5)


def test_boxes_that_are_too_small_are_refused():
    with pytest.raises(ValueError, match="8 px or more"):
        CSRT(7)
