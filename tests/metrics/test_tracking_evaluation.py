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
"""Tests of following landmarks on textures that move by known shifts."""

from __future__ import annotations

import dataclasses
import math
from pathlib import Path

import pytest
import torch

from scripts.classical import NCCMatcher
from scripts.data.example_images import ExamplePoint, read_example_points
from scripts.data.frame_dataset import FrameDataset
from scripts.data.image_series import find_image_series
from scripts.io.landmarks_csv import Landmark
from scripts.io.slicer_markups import write_slicer_markups
from scripts.metrics.tracking_evaluation import (
    LandmarkTrack,
    TrueTracks,
    mean_cyclic_error,
    motion,
    track_errors,
    track_landmarks,
)

SHIFTS = [(0, 0), (4, -2), (8, 4), (-2, 6)]
KEY = 1  # the frame with the examples
POINTS = {"a": (42, 28), "b": (36, 31)}  # on that frame
SIZES = [(80, 60), (40, 40)]  # the network's image: the clip's own size, and half of it with a margin
ODD = 15  # a patch of odd side is centred on a pixel


def moved(label: str, frame: int) -> tuple[float, float]:
    return tuple(POINTS[label][i] + SHIFTS[frame][i] - SHIFTS[KEY][i] for i in range(2))


def distance(frame: int) -> float:
    return math.dist(SHIFTS[frame], SHIFTS[KEY])


def write_points(path: Path, rows: list[tuple]) -> Path:
    path.write_text("image,frame,label,x,y\n" + "".join(",".join(map(str, row)) + "\n" for row in rows))
    return path


def write_truth(path: Path, **changed) -> Path:
    """True tracks; those of the key frame are wrong, for they must not count."""
    rows = [("clip.nii", t, name, *moved(name, t)) for name in POINTS for t in range(4)]
    return write_points(path, [(*row[:3], 0, 0) if row[1] == KEY else row for row in rows])


def points_of(data: Path, size: tuple[int, int], rows: list[tuple]) -> list[ExamplePoint]:
    dataset = FrameDataset(find_image_series(data), size)
    return read_example_points(write_points(data.parent / "examples.csv", rows), dataset, data)


@pytest.fixture
def data(tmp_path, write_clip) -> Path:
    write_clip(tmp_path / "data" / "clip.nii", SHIFTS)
    return tmp_path / "data"


@pytest.fixture(params=SIZES)
def tracks(request, data) -> list[LandmarkTrack]:
    examples = points_of(data, request.param, [("clip.nii", KEY, name, *POINTS[name]) for name in POINTS])
    return track_landmarks(NCCMatcher(), examples, ODD)


def test_points_follow_the_texture_in_px_of_the_original(tracks):
    assert [track.example.label for track in tracks] == ["a", "b"]
    for track in tracks:
        truth = torch.tensor([moved(track.example.label, t) for t in range(4)], dtype=torch.float32)
        torch.testing.assert_close(track.points, truth, atol=0.2, rtol=0)


def test_the_way_back_ends_where_it_began(tracks):
    for track in tracks:
        assert track.cyclic_errors.shape == (4,)
        assert track.cyclic_errors.max() < 0.3
    assert mean_cyclic_error(tracks) < 0.2


def test_motion_is_the_largest_shift(tracks):
    assert motion(tracks) == {
        "a": pytest.approx(max(map(distance, range(4))), abs=0.2),
        "b": pytest.approx(max(map(distance, range(4))), abs=0.2),
    }


def test_errors_are_of_all_frames_but_the_examples_own(tracks, tmp_path):
    truth = TrueTracks(write_truth(tmp_path / "truth.csv"), [track.example for track in tracks])
    errors, copied = track_errors(tracks, truth)
    mean_shift = sum(distance(t) for t in (0, 2, 3)) / 3
    assert errors == {"a": pytest.approx(0, abs=0.2), "b": pytest.approx(0, abs=0.2)}
    assert copied == {"a": pytest.approx(mean_shift, abs=1e-4), "b": pytest.approx(mean_shift, abs=1e-4)}


def test_true_positions_may_be_markups(tracks, tmp_path):
    examples = [track.example for track in tracks]
    rows = [Landmark("clip.nii", t, name, *moved(name, t), 1, 1, 1) for name in POINTS for t in range(4)]
    write_slicer_markups(tmp_path / "clip.nii.mrk.json", rows, examples[0].prepared.affines)
    for example in examples:
        found = TrueTracks(tmp_path / "clip.nii.mrk.json", examples).of(example)
        expected = torch.tensor([moved(example.label, t) for t in range(4)], dtype=torch.float32)
        torch.testing.assert_close(found, expected, atol=1e-4, rtol=0)


def test_a_missing_true_frame_is_named_and_left_out(tracks, tmp_path):
    path = write_truth(tmp_path / "truth.csv")
    path.write_text("".join(line for line in path.open() if not line.startswith("clip.nii,2,b")))
    truth = TrueTracks(path, [track.example for track in tracks])
    assert truth.missing == ["b of clip.nii: no true position in 1 of 4 frames"]
    errors, copied = track_errors(tracks, truth)
    assert errors == {"a": pytest.approx(0, abs=0.2), "b": pytest.approx(0, abs=0.2)}
    assert copied["b"] == pytest.approx((distance(0) + distance(3)) / 2, abs=1e-4)


def test_a_label_with_no_true_position_has_no_error(tracks, tmp_path):
    path = write_points(tmp_path / "truth.csv", [("clip.nii", t, "a", *moved("a", t)) for t in range(4)])
    truth = TrueTracks(path, [track.example for track in tracks])
    assert truth.missing == ["b of clip.nii: no true position in 4 of 4 frames"]
    for figures in track_errors(tracks, truth):
        assert list(figures) == ["a"]


class OffNCC(NCCMatcher):
    """Cross-correlation that errs by 3 px of the network's image along x, out and back."""

    def match(self, image_code: torch.Tensor, patch_code: torch.Tensor) -> torch.Tensor:
        found = super().match(image_code, patch_code)
        return found + torch.tensor([2 * 3 / image_code.shape[2], 0, 0, 0])


@pytest.mark.parametrize(("size", "px"), [(SIZES[0], 3.0), (SIZES[1], 6.0)])
def test_a_known_error_is_told_in_px_of_the_original(data, tmp_path, size, px):
    tracks = track_landmarks(OffNCC(), points_of(data, size, [("clip.nii", KEY, "a", *POINTS["a"])]), ODD)
    truth = TrueTracks(write_truth(tmp_path / "truth.csv"), [track.example for track in tracks])
    errors, _ = track_errors(tracks, truth)
    assert errors["a"] == pytest.approx(px, abs=0.2)
    assert mean_cyclic_error(tracks) == pytest.approx(2 * px, abs=0.4)
    expected = max(math.hypot(SHIFTS[t][0] - SHIFTS[KEY][0] + px, SHIFTS[t][1] - SHIFTS[KEY][1]) for t in range(4))
    assert motion(tracks)["a"] == pytest.approx(expected, abs=0.2)


def test_figures_worked_out_by_hand(data):
    [example] = points_of(data, (80, 60), [("clip.nii", KEY, "a", 10, 20)])
    given = torch.tensor([[10.0, 20.0]] * 4)
    near, far = torch.tensor([[3.0, 4], [0, 0], [0, 1], [0, 0]]), torch.tensor([[0.0, 0], [0, 0], [6, 8], [0, 0]])
    # the second frame is the example's own
    one = LandmarkTrack(example, given + near, torch.tensor([1.0, 99, 2, 3]))
    two = LandmarkTrack(example, given + far, torch.tensor([4.0, 99, 5, 9]))
    assert mean_cyclic_error([one, two]) == pytest.approx((1 + 2 + 3 + 4 + 5 + 9) / 6)
    assert motion([one]) == {"a": pytest.approx(5)}
    assert motion([two, one]) == {"a": pytest.approx(10)}
    lost = dataclasses.replace(one, points=torch.full_like(one.points, torch.nan))
    for tracks in ([lost, two], [two, lost]):
        assert math.isnan(motion(tracks)["a"])


def test_examples_of_one_frame_share_the_images_codes(data):
    class Counting(NCCMatcher):
        encoded = 0

        def encode_image(self, image: torch.Tensor) -> torch.Tensor:
            self.encoded += len(image)
            return image

    together = points_of(data, (40, 40), [("clip.nii", 0, "a", 42, 28), ("clip.nii", 0, "b", 36, 31)])
    apart = points_of(data, (40, 40), [("clip.nii", 0, "a", 42, 28), ("clip.nii", 1, "b", 36, 31)])
    for examples, encoded in ((together, 5), (apart, 10)):
        matcher = Counting()
        assert len(track_landmarks(matcher, examples, ODD)) == 2
        assert matcher.encoded == encoded


def test_series_of_one_name_in_two_folders_are_not_mixed_up(data, tmp_path, write_clip):
    other = write_clip(tmp_path / "elsewhere" / "clip.nii", [(0, 0), (0, 0), (-6, 2)], seed=1)
    rows = [("clip.nii", KEY, "a", *POINTS["a"]), (other, KEY, "a", 40, 30)]
    here, there = track_landmarks(NCCMatcher(), points_of(data, (80, 60), rows), ODD)
    torch.testing.assert_close(here.points[2], torch.tensor(moved("a", 2), dtype=torch.float32), atol=0.2, rtol=0)
    assert len(there.points) == 3
    torch.testing.assert_close(there.points[2], torch.tensor([34.0, 32.0]), atol=0.2, rtol=0)
