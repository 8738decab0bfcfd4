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
"""Tests of the B-spline registration: a breathing body, swapped contrast, the same answers again, failures."""

from __future__ import annotations

import numpy as np
import pytest

from scripts.baselines import BSplineRegistration

sitk = pytest.importorskip("SimpleITK", reason="SimpleITK is not installed: pip install '.[bench]'")


def test_follows_breathing(errors_on_breathing):
    errors = errors_on_breathing(BSplineRegistration(), range(2, 9, 3))
    assert errors.mean() < 0.35 and errors.max() < 1.5


def test_mutual_information_bears_another_contrast(breathing, errors_on_breathing):
    tracker = BSplineRegistration(32, metric="mutual_information", share=1.0)
    assert errors_on_breathing(tracker, range(3, 4)).mean() < 0.4
    found = tracker.update(1 / (0.2 + breathing.frames[3])).landmarks
    errors = [np.linalg.norm(one.point - breathing.tracks[label][3]) for label, one in found.items()]
    assert np.mean(errors) < 0.4


def test_the_same_seed_gives_the_same_answers(texture_frames):
    frames = texture_frames((64, 48), [(0, 0), (2, -1)])
    answers = []
    for seed in (1, 1, 2):
        tracker = BSplineRegistration(share=0.1, seed=seed)
        tracker.set_examples([(frames[0], (30.0, 20.0), "a")])
        answers.append(tracker.update(frames[1]).landmarks["a"].point.tolist())
    assert answers[0] == answers[1] != answers[2]


def test_a_registration_that_fails_loses_the_frame(monkeypatch, texture_frames):
    def fail(*_):
        raise RuntimeError("too few samples")

    frame = texture_frames((64, 48), [(0, 0)])[0]
    tracker = BSplineRegistration()
    tracker.set_examples([(frame, (30.0, 20.0), "a")])
    with monkeypatch.context() as patch:
        patch.setattr(sitk.ImageRegistrationMethod, "Execute", fail)
        assert tracker.update(frame).landmarks["a"].reason == "the answer is not finite"
    assert not tracker.update(frame).landmarks["a"].is_doubtful


@pytest.mark.parametrize(
    "options",
    [{"metric": "squares"}, {"grid_px": 0.0}, {"share": 0.0}, {"levels": 0}, {"iterations": 0}, {"threads": 0}],
)
def test_settings_of_no_use_are_refused(options):
    with pytest.raises(ValueError, match="metric|grid_px"):
        BSplineRegistration(**options)
