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
"""Tests of template matching: far moves, flat patches, and a breathing body."""

from __future__ import annotations

import numpy as np
import pytest

from scripts.baselines import TemplateMatching


def test_follows_breathing(errors_on_breathing):
    errors = errors_on_breathing(TemplateMatching(patch_size=32))
    assert errors.mean() < 0.4 and errors.max() < 2.5


@pytest.mark.parametrize("patch_size", [8, 9])
def test_a_patch_is_found_wherever_it_is(patch_size):
    frame = np.random.default_rng(0).random((60, 40))
    tracker = TemplateMatching(patch_size)
    tracker.set_examples([(frame, (10.2, 8.7), "a")])
    found = tracker.update(np.roll(frame, (39, 22), axis=(0, 1))).landmarks["a"].point
    np.testing.assert_allclose(found, [49.2, 30.7], atol=0.3)


def test_moves_of_parts_of_a_pixel_are_found():
    x, y = np.meshgrid(np.arange(60.0), np.arange(40.0), indexing="ij")
    first, second = (np.exp(-((x - cx) ** 2 + 2 * (y - cy) ** 2) / 50) for cx, cy in ((30, 20), (33.4, 18.3)))
    tracker = TemplateMatching(patch_size=17)
    tracker.set_examples([(first, (31.0, 22.0), "a")])
    np.testing.assert_allclose(tracker.update(second).landmarks["a"].point, [34.4, 20.3], atol=0.1)


def test_a_patch_without_contrast_is_lost():
    frame = np.zeros((60, 40))
    frame[40:, 20:] = np.random.default_rng(0).random((20, 20))
    tracker = TemplateMatching(patch_size=9)
    tracker.set_examples([(frame, (12, 10), "flat"), (frame, (50, 30), "sharp")])
    found = tracker.update(frame).landmarks
    assert found["flat"].reason == "the answer is not finite" and not found["sharp"].is_doubtful


def test_a_patch_needs_contrast():
    with pytest.raises(ValueError, match="2 px or more"):
        TemplateMatching(1)


def test_a_patch_may_be_larger_than_the_frame():
    frame = np.random.default_rng(0).random((20, 16))
    tracker = TemplateMatching(patch_size=48)
    tracker.set_examples([(frame, (12, 10), "a")])
    np.testing.assert_allclose(tracker.update(frame).landmarks["a"].point, [12, 10], atol=0.3)
