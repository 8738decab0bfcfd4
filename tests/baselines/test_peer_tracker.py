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
"""Tests of what all peers share, by a peer whose answers are known, and of all peers by motions that are known."""

from __future__ import annotations

import importlib
import sys
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import pytest
import torch

import scripts
from scripts.baselines import CSRT, BSplineRegistration, CopyPosition, DISFlow, LucasKanade, TemplateMatching
from scripts.baselines.peer_tracker import PeerTracker
from scripts.inferers import DOUBTS, PrecisionFusion
from scripts.io import InputError

pytest.importorskip("SimpleITK", reason="SimpleITK is not installed: pip install '.[bench]'")

SHAPE = (96, 72)
POINTS = {"a": (40.0, 30.0), "b": (50.3, 36.7)}


@dataclass(frozen=True)
class Peer:
    """A tracker to be tested, and how exact it must be on a texture that moves as a whole, px."""

    make: Callable[[], PeerTracker]
    exact: float


PEERS = {
    "template": Peer(lambda: TemplateMatching(patch_size=24), 0.1),
    "template, odd": Peer(lambda: TemplateMatching(patch_size=25), 0.1),
    "lucas_kanade": Peer(LucasKanade, 0.1),
    "dis": Peer(DISFlow, 0.1),
    "dis, equalized": Peer(lambda: DISFlow(equalize=True), 0.6),  # the tiles stay where they are
    "csrt": Peer(lambda: CSRT(patch_size=24), 1.5),
    "bspline": Peer(BSplineRegistration, 0.2),
}


@pytest.fixture(params=PEERS)
def peer(request: pytest.FixtureRequest) -> Peer:
    return PEERS[request.param]


class Recorded(PeerTracker[np.ndarray]):
    """Answers with the points moved by what the test says, and records what it was given."""

    def __init__(self, **options) -> None:
        super().__init__(**options)
        self.begun: list[tuple[np.ndarray, np.ndarray]] = []
        self.moves: list[tuple[float, float]] = [(0.0, 0.0)] * 9

    def begin(self, frame, points):
        self.begun.append((frame, points))
        return np.array([len(self.begun) - 1])

    def locate(self, kept, frame):
        number = int(kept[0])
        return self.begun[number][1] + np.array(self.moves[number])


def noise(seed: int = 0, shape: tuple[int, int] = (20, 16)) -> np.ndarray:
    return np.random.default_rng(seed).random(shape)


def point_of(tracker: PeerTracker, frame: np.ndarray, label: str = "a") -> np.ndarray:
    return tracker.update(frame).landmarks[label].point.numpy()


# --- what all share ---------------------------------------------------------------------------------------------------


def test_frames_are_given_as_opencv_has_them():
    tracker, frame = Recorded(), 1000 * noise() - 300
    frame[3, 12] = 1e6
    tracker.add(torch.from_numpy(frame)[None], [(3, 12)], ["a"])
    ((image, points),) = tracker.begun
    assert image.dtype == np.uint8 and image.flags.c_contiguous and image.shape == (16, 20)
    assert points.tolist() == [[3.0, 12.0]] and image[12, 3] == 255
    low, high = np.percentile(frame, [0.5, 99.5])
    np.testing.assert_allclose(image.T, 255 * ((frame - low) / (high - low)).clip(0, 1), atol=0.51)


def test_examples_of_a_frame_are_begun_together_and_labels_keep_their_order():
    tracker, frames = Recorded(), np.stack([noise(0), noise(1)])  # of which each look makes another array
    tracker.set_examples([(frames[0], (1, 2), "a"), (frames[1], (3, 4), "b"), (frames[0], (5, 6), "c")])
    assert [points.tolist() for _, points in tracker.begun] == [[[1, 2], [5, 6]], [[3, 4]]]
    assert tracker.labels == ["a", "b", "c"]
    found = tracker.update(frames[0]).landmarks
    assert {label: one.point.tolist() for label, one in found.items()} == {"a": [1, 2], "b": [3, 4], "c": [5, 6]}


def test_an_iterator_may_use_its_array_again():
    def examples():
        frame = np.zeros((20, 16))
        for seed in range(2):
            frame[:] = noise(seed)
            yield frame, (3, 4), "a"

    tracker = Recorded()
    tracker.set_examples(examples())
    assert len(tracker.begun) == 2 and (tracker.begun[0][0] != tracker.begun[1][0]).any()


def test_several_examples_become_their_median_or_another_fusion():
    examples = [(noise(seed), (3, 4), "a") for seed in range(3)]
    for fusion, expected in ((None, [4, 5]), (PrecisionFusion(), [6, 5])):
        tracker = Recorded(fusion=fusion)
        tracker.moves = [(1, 0), (0, 1), (8, 2)]
        tracker.set_examples(examples)
        found = tracker.update(noise()).landmarks["a"]
        assert found.point.tolist() == expected
        assert found.examples.tolist() == [[4, 4], [3, 5], [11, 6]]


def test_lost_examples_are_left_out_and_a_landmark_without_any_is_lost():
    tracker = Recorded()
    tracker.moves = [(np.nan, np.nan), (1, 1)]
    tracker.set_examples([(noise(0), (3, 4), "a"), (noise(1), (3, 4), "a"), (noise(0), (7, 7), "b")])
    tracker.moves.append((np.nan, np.nan))
    found = tracker.update(noise()).landmarks
    assert (
        found["a"].point.tolist() == [4, 5]
        and found["a"].status == "unchecked"
        and found["a"].examples[0].isnan().all()
    )
    assert found["b"].point.isnan().all() and found["b"].is_doubtful
    assert found["b"].reason == "the answer is not finite"


def test_an_answer_outside_of_the_frame_is_not_valid():
    tracker = Recorded()
    tracker.moves = [(17.0, 0.0)]
    tracker.set_examples([(noise(), (3, 4), "a")])
    found = tracker.update(noise()).landmarks["a"]
    assert (found.point.tolist(), found.status, found.reason) == ([20, 4], "doubtful", "it lies outside of the image")


def test_no_uncertainty_is_told_and_the_world_and_times_are():
    tracker = Recorded()
    tracker.set_examples([(noise(), (3, 4), "a")])
    frame = tracker.update(noise(), affine=np.diag([2.0, 3.0, 1.0, 1.0]), time_ms=40.0)
    found = frame.landmarks["a"]
    assert (found.status, found.reason) == ("unchecked", "")
    assert found.sigma.isnan().all() and found.measures.isnan().all() and found.measures.shape == (len(DOUBTS),)
    assert found.world.tolist() == [6, 12, 0] and found.predicted is None
    assert set(frame.timings_ms) == {"prepare", "encode", "match", "check", "total"}
    assert 0 < frame.timings_ms["match"] < frame.timings_ms["total"]
    assert tracker.update(noise()).landmarks["a"].world is None


@pytest.mark.parametrize(
    ("frame", "points", "labels", "error"),
    [
        (noise(), [(3, 4)], ["a", "b"], "give points"),
        (noise(), np.zeros((0, 2)), [], "give points"),
        (noise(), [(3, 4, 5)], ["a"], "give points"),
        (noise(), [(4, 17)], ["a"], r"example 'a' at \[4.0, 17.0\] px lies outside"),  # inside, were the axes swapped
        (noise(), [(np.nan, 4)], ["a"], "lies outside"),
        (np.ones((20, 16)), [(3, 4)], ["a"], "constant"),
        (np.full((20, 16), np.nan), [(3, 4)], ["a"], "not finite"),
        (noise(shape=(16, 20)), [(3, 4)], ["a"], r"has \(16, 20\) px .*, those before have \(20, 16\)"),
        (np.zeros((3, 20, 16)), [(3, 4)], ["a"], r"shape \(X, Y\)"),
        ("frame", [(3, 4)], ["a"], "numpy array or a torch tensor"),
        (noise().astype(complex), [(3, 4)], ["a"], "real numbers"),
    ],
)
def test_examples_of_no_use_are_refused_and_change_nothing(frame, points, labels, error):
    tracker = Recorded()
    tracker.add(noise(), [(3, 4)], ["old"])
    with pytest.raises((TypeError, ValueError), match=error):
        tracker.add(frame, points, labels)
    assert tracker.labels == ["old"] and point_of(tracker, noise(1), "old").tolist() == [3, 4]


def test_examples_are_replaced_together_or_not_at_all():
    tracker = Recorded()
    tracker.set_examples([(noise(), (3, 4), "a")])
    with pytest.raises(ValueError, match="outside"):
        tracker.set_examples([(noise(1), (5, 6), "b"), (noise(2), (50, 6), "c")])
    assert tracker.labels == ["a"] and point_of(tracker, noise(1)).tolist() == [3, 4]
    other = noise(shape=(30, 18))  # of another size, which the examples before do not settle
    tracker.set_examples([(other, (5, 6), "b")])
    assert tracker.labels == ["b"] and point_of(tracker, other, "b").tolist() == [5, 6]
    with pytest.raises(ValueError, match="those before have"):
        tracker.set_examples([(noise(), (3, 4), "a"), (other, (5, 6), "a")])
    assert tracker.labels == ["b"]


def test_updates_of_no_use_are_refused():
    tracker = Recorded()
    with pytest.raises(ValueError, match="no example to track"):
        tracker.update(noise())
    tracker.add(noise(), [(3, 4)], ["a"])
    for options, error in (({"affine": np.eye(3)}, "affine"), ({"time_ms": np.inf}, "time_ms")):
        with pytest.raises(ValueError, match=error):
            tracker.update(noise(), **options)
    with pytest.raises(ValueError, match="those before have"):
        tracker.update(noise(shape=(16, 20)))
    tracker.set_examples([])
    with pytest.raises(ValueError, match="no example to track"):
        tracker.update(noise())


# --- every peer -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("shift", [(6, 0), (0, -5), (-4, 3)])
def test_translations_are_found_whatever_the_units(peer, texture_frames, shift):
    frames = texture_frames(SHAPE, [(0, 0), shift])
    tracker = peer.make()
    tracker.set_examples([(frames[0], point, label) for label, point in POINTS.items()])
    found = tracker.update(5000 * frames[1] - 700).landmarks
    for label, point in POINTS.items():
        assert not found[label].is_doubtful
        np.testing.assert_allclose(found[label].point, np.add(point, shift), atol=peer.exact)


def test_the_median_of_examples_on_several_frames_passes_over_a_wrong_one(peer, texture_frames):
    shifts = [(0, 0), (2, -1), (-1, 2), (3, 3)]
    frames, point = texture_frames(SHAPE, shifts), np.array([44.0, 33.0])
    tracker = peer.make()
    tracker.set_examples([(frames[i], point + shifts[i], "a") for i in (0, 1)] + [(frames[2], point + (15, -12), "a")])
    found = tracker.update(frames[3]).landmarks["a"]
    assert found.examples.shape == (3, 2)
    # the middle of three answers an axis lies between the right ones
    np.testing.assert_allclose(found.point, point + shifts[3], atol=peer.exact)


def test_a_landmark_at_the_border_is_found(peer, texture_frames):
    last = np.array(SHAPE) - 1.0
    for point, shift in (((0.0, 0.0), (5, 2)), (last, (-3, -4)), ((-0.5, 71.5), (4, -3))):
        frames = texture_frames(SHAPE, [(0, 0), shift])
        tracker = peer.make()
        tracker.set_examples([(frames[0], point, "a")])
        np.testing.assert_allclose(point_of(tracker, frames[1]), np.add(point, shift), atol=1.5)


def test_frames_that_show_nothing_are_told_and_passed_over(peer, texture_frames):
    frames = texture_frames(SHAPE, [(0, 0), (2, 1)])
    tracker = peer.make()
    tracker.set_examples([(frames[0], point, label) for label, point in POINTS.items()])
    for value, reason in ((0.5, "the frame is constant"), (np.nan, "the frame has values that are not finite")):
        for one in tracker.update(np.full(SHAPE, value)).landmarks.values():
            assert (one.status, one.reason) == ("doubtful", reason) and one.point.isnan().all()
    np.testing.assert_allclose(point_of(tracker, frames[1]), np.add(POINTS["a"], (2, 1)), atol=peer.exact)


def test_a_frame_is_left_as_it_was(peer, texture_frames):
    frames = texture_frames(SHAPE, [(0, 0), (2, 1)])
    kept = frames.copy()
    tracker = peer.make()
    tracker.set_examples([(frames[0], (40.0, 30.0), "a")])
    tracker.update(frames[1])
    np.testing.assert_array_equal(frames, kept)


def test_new_examples_start_a_tracker_again(peer, texture_frames):
    frames = texture_frames(SHAPE, [(0, 0), (4, 1), (2, 3)])
    tracker = peer.make()
    answers = []
    for _ in range(2):
        tracker.set_examples([(frames[0], POINTS["a"], "a")])
        answers.append([point_of(tracker, frame) for frame in frames[1:]])
    np.testing.assert_array_equal(*answers)


# --- packages ---------------------------------------------------------------------------------------------------------


def test_a_package_that_is_missing_is_named_with_its_extra(monkeypatch):
    monkeypatch.setitem(sys.modules, "SimpleITK", None)
    with pytest.raises(InputError, match=r"cannot be imported .*pip install .*extra 'bench'"):
        BSplineRegistration()


def test_the_bundle_can_be_imported_without_the_package(monkeypatch):
    monkeypatch.setitem(sys.modules, "SimpleITK", None)
    monkeypatch.setattr(scripts, "baselines", scripts.baselines)  # put back as it was, as are the modules
    for name in [name for name in sys.modules if name.startswith("scripts.baselines")]:
        monkeypatch.delitem(sys.modules, name)
    tracker = importlib.import_module("scripts.baselines").CopyPosition()
    tracker.set_examples([(noise(), (3, 4), "a")])
    assert point_of(tracker, noise(1)).tolist() == [3, 4]


def test_all_peers_have_the_common_interface():
    assert all(issubclass(one, PeerTracker) for one in (CopyPosition, *(type(peer.make()) for peer in PEERS.values())))
