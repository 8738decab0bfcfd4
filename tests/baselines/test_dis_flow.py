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
"""Tests of the dense flow: a breathing body, another contrast, and motion that differs from place to place."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.ndimage import map_coordinates

from scripts.baselines import DISFlow


@pytest.mark.parametrize("equalize", [False, True])
def test_follows_breathing(errors_on_breathing, equalize):
    errors = errors_on_breathing(DISFlow(equalize=equalize))
    assert errors.mean() < 0.2 and errors.max() < 0.8


@pytest.mark.parametrize(("preset", "exact"), [("ultrafast", 0.8), ("fast", 0.3), ("medium", 0.3)])
@pytest.mark.parametrize("enlarge", [1, 2])
def test_a_stretch_is_read_where_the_points_are(texture_frames, preset, exact, enlarge):
    frame = texture_frames((96, 72), [(0, 0)])[0]
    x, y = np.meshgrid(np.arange(96.0), np.arange(72.0), indexing="ij")
    stretched = map_coordinates(frame, [40 + (x - 40) / 1.1, y], order=3, mode="nearest")
    tracker = DISFlow(preset, enlarge=enlarge)
    points = [(20.0, 30.0), (40.5, 36.5), (70.0, 40.0)]
    tracker.set_examples([(frame, point, str(point)) for point in points])
    for point, found in zip(points, tracker.update(stretched).landmarks.values(), strict=True):
        np.testing.assert_allclose(found.point, (40 + 1.1 * (point[0] - 40), point[1]), atol=exact)


def test_equalising_bears_another_contrast(breathing):
    dark = np.minimum(breathing.frames[5], 0.35) ** 0.3
    errors = []
    for equalize in (False, True):
        tracker = DISFlow(equalize=equalize)
        tracker.set_examples([(breathing.frames[0], track[0], label) for label, track in breathing.tracks.items()])
        found = tracker.update(dark).landmarks
        errors.append(np.mean([np.linalg.norm(found[label].point - breathing.tracks[label][5]) for label in found]))
    assert errors[1] < 0.8 * errors[0]


def test_settings_and_frames_of_no_use_are_refused():
    with pytest.raises(ValueError, match="ultrafast, fast, medium"):
        DISFlow("slow")
    with pytest.raises(ValueError, match="1 or more times larger, not 0"):
        DISFlow(enlarge=0)
    with pytest.raises(ValueError, match=r"12 px or more, not \(30, 11\)"):
        DISFlow().set_examples([(np.random.default_rng(0).random((30, 11)), (3, 3), "a")])
