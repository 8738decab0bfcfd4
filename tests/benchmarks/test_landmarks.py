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
"""The side by side comparison, each method on tiny cases."""

from __future__ import annotations

import json
from argparse import Namespace
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from scipy import ndimage

pytest.importorskip("SimpleITK")

import landmarks
from comparison.methods import Method
from comparison.settings import SMALL, SubjectSettings, TrackingSettings
from comparison.tracking_cases import TrackingCase, follow, smooth_field, textured_points, warp_frame
from comparison.tracking_errors import cyclic_errors, tracking_errors

BASELINES = {"encoder": "residual", "batch_size": 4, "val_interval": 1}
SIMCLR = {"max_epochs": 1, "steps_per_epoch": 1}
NETWORK = {"max_epochs": 1, "steps_per_epoch": 1, "val_interval": 1, "batch_size": 2}
TRACKING = TrackingSettings(
    {**NETWORK, "patches_per_image": 1},
    {**BASELINES, **SIMCLR},
    trained_subjects=2,
    subjects=1,
    frames=5,
    warped=1,
    slow_cases=1,
    learning_rates=(1e-4, 1e-3),
)
TINY = replace(
    SMALL,
    phantom=TRACKING,
    real=TRACKING,
    phantom_subjects=(4, 2, 2),
    phantom_size=(96, 88),
    subjects=SubjectSettings(
        {**NETWORK, "patch_size": 32, "patch_zoom": 1},
        BASELINES,
        {"steps": 1},
        SIMCLR,
        SIMCLR,
        learning_rates=(1e-4, 1e-3, 1e-2),
        counts=(1, 2),
        draws=2,
        slow_examples=1,
        slow_targets=1,
    ),
)
TRACKERS = [
    "copy the position",
    "template matching (NCC)",
    "Lucas-Kanade, pyramidal",
    "DIS flow",
    "CSRT",
    "B-spline registration",
    "SimCLR patch",
    "this network alone",
    "this network, as it tracks",
    "the shipped network alone",
    "the shipped network, as it tracks",
]
IN_OTHERS = [
    "copy the position",
    "template matching (NCC)",
    "Lucas-Kanade, pyramidal",
    "DIS flow, CLAHE",
    "DIS flow, CLAHE, enlarged",
    "B-spline registration",
    "this network",
    "SimCLR patch",
    "supervised",
    "SimCLR pretrained",
]


def compare(folder: Path, monkeypatch: pytest.MonkeyPatch, *data: str) -> list[dict]:
    monkeypatch.setattr(landmarks, "SMALL", TINY)
    landmarks.Comparison(Namespace(small=True, data=data, output_dir=folder, threads=1, seed=0, untrained=False)).run()
    return json.loads((folder / "landmarks.json").read_text())["rows"]


def test_every_tracker_is_judged_on_the_phantom(tmp_path, monkeypatch):
    rows = compare(tmp_path, monkeypatch, "phantom")
    assert [row["method"] for row in rows] == TRACKERS
    by_name = {row["method"]: row for row in rows}
    assert all(np.isfinite(row["mean_px"]) and row["ms"] > 0 for row in rows)
    assert by_name["DIS flow"]["mean_px"] < 0.3 < by_name["copy the position"]["mean_px"]
    assert by_name["DIS flow"]["number"] == 4 * 5  # frames and landmarks
    assert by_name["B-spline registration"]["number"] == 5  # every fourth frame
    assert (tmp_path / "tracking.png").stat().st_size > 1000
    assert "| DIS flow (OpenCV" in (tmp_path / "landmarks.md").read_text()


def test_what_needs_no_training_is_judged_alone_if_asked(tmp_path, monkeypatch):
    monkeypatch.setattr(landmarks, "SMALL", TINY)
    monkeypatch.setattr(landmarks.TrainingRuns, "_train", lambda *_: pytest.fail("nothing is to be trained"))
    options = Namespace(small=True, data=["phantom"], output_dir=tmp_path, threads=1, seed=0, untrained=True)
    landmarks.Comparison(options).run()
    rows = json.loads((tmp_path / "landmarks.json").read_text())["rows"]
    trained = ("SimCLR patch", "this network alone", "this network, as it tracks")
    assert [row["method"] for row in rows] == [name for name in TRACKERS if name not in trained]


def test_every_method_finds_landmarks_in_other_subjects(tmp_path, monkeypatch):
    rows = compare(tmp_path, monkeypatch, "subjects")
    assert list(dict.fromkeys(row["method"] for row in rows)) == IN_OTHERS
    assert all(np.isfinite(row["mean_px"]) for row in rows)
    examples = {(row["method"], row["examples"]) for row in rows}
    assert examples == {
        (name, count) for name in IN_OTHERS for count in (1, 2) if (name, count) != ("B-spline registration", 2)
    }
    about = json.loads((tmp_path / "landmarks.json").read_text())["about"]
    tried = about["learning_rates_tried"]["phantom subjects"]
    assert {name: len(rates) for name, rates in tried.items()} == dict.fromkeys(
        ["SimCLR patch", "supervised", "SimCLR whole image", "SimCLR pretrained"], 3
    )
    trained = sorted(path.name for path in (tmp_path / "trained").iterdir())
    monkeypatch.setattr(landmarks.TrainingRuns, "_train", lambda *_: pytest.fail("it was trained before"))
    again = compare(tmp_path, monkeypatch, "subjects")
    assert [row["mean_px"] for row in again] == [row["mean_px"] for row in rows]
    assert sorted(path.name for path in (tmp_path / "trained").iterdir()) == trained


def test_real_images_that_are_not_there_are_left_out_with_a_word(tmp_path, monkeypatch, capsys):
    monkeypatch.delenv("TMN_DATA", raising=False)
    monkeypatch.setattr(landmarks, "SMALL", TINY)
    landmarks.Comparison(
        Namespace(small=True, data=["cine", "chest"], output_dir=tmp_path, threads=1, seed=0, untrained=False)
    ).run()
    told = capsys.readouterr().out
    assert "cine is left out" in told and "chest is left out" in told and "TMN_DATA" in told


def test_the_truth_of_a_warped_frame_is_where_its_dots_are():
    frame = np.zeros((128, 112))
    points = np.array([[40.0, 50.0], [70.0, 60.0], [90.0, 30.0]])
    for x, y in points:
        frame[int(x), int(y)] = 1.0
    frame = ndimage.gaussian_filter(frame, 1.5)
    frame /= frame.max()
    case = warp_frame(frame, points, np.random.default_rng(0))
    assert max(np.abs(before - after).max() for before, after in case.tracks.values()) > 1
    for _, at in case.tracks.values():
        near = np.hypot(*(np.indices(frame.shape) - at[:, None, None])) < 7
        weight = np.where(near, case.frames[1], 0) ** 2  # noise has no say
        centre = [(weight * axis).sum() / weight.sum() for axis in np.indices(frame.shape)]
        assert np.hypot(*(centre - at)) < 0.35


class Lost:
    """A tracker that follows what moves by (2, 1) px, and loses the landmark ``1``."""

    def set_examples(self, examples):
        self.places = {label: place for _, place, label in examples}

    def update(self, frame):
        sign = -1 if frame[0, 0] == 0 else 1
        found = {
            label: torch.tensor([x + 2 * sign, y + sign]) * (torch.nan if label == "1" else 1.0)
            for label, (x, y) in self.places.items()
        }
        return Namespace(
            landmarks={label: Namespace(point=point) for label, point in found.items()},
            timings_ms={"total": 2.0, "prepare": 0.5},
        )


def test_what_is_lost_is_counted_and_has_no_cyclic_error():
    frames = np.stack([np.zeros((64, 60)), np.ones((64, 60))])
    places = np.array([[20.0, 30.0], [40.0, 30.0]])
    errors, lost = cyclic_errors(Lost, [frames], [places])
    assert errors.tolist() == [0.0] and lost == 0.5
    # by hand: the first is found 1 px off, the second counts as if it had not moved
    tracks = {str(i): np.array([place, place + [2, 2]]) for i, place in enumerate(places)}
    seen = {label: np.ones(2, dtype=bool) for label in tracks}
    errors, lost, ms = tracking_errors(Method("lost", "", Lost), [TrackingCase(frames, tracks, seen)])
    np.testing.assert_allclose(errors, [1.0, np.hypot(2, 2)])
    assert (lost, ms) == (0.5, 1.5)


def test_points_are_followed_through_a_field():
    field = smooth_field((96, 80), np.random.default_rng(1))
    points = np.array([[30.0, 30.0], [60.0, 44.0]])
    found = follow(points, field)
    back = found + np.stack([ndimage.map_coordinates(axis, found.T, order=3) for axis in field], axis=1)
    np.testing.assert_allclose(back, points, atol=1e-6)
    assert 3.9 < np.abs(field).max() < 8.1


def test_points_are_textured_and_apart():
    frame = np.zeros((120, 100))
    frame[30:60, 30:60] = np.random.default_rng(0).random((30, 30))
    points = textured_points(frame, 4)
    assert len(points) == 4 and ((points > 22) & (points < 68)).all()
    assert min(np.hypot(*(a - b)) for i, a in enumerate(points) for b in points[:i]) >= 12
