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
"""Tests of the tracker on a texture whose motion is known, with cross-correlation or a network as the matcher."""

from __future__ import annotations

import contextlib
import functools
import gc
import math
import pickle
import warnings
from collections.abc import Iterator

import nibabel as nib
import numpy as np
import pytest
import torch

from scripts.classical.ncc import NCCMatcher
from scripts.inferers import (
    DOUBTS,
    ExampleBank,
    Execution,
    HoldPredictor,
    KalmanPredictor,
    LandmarkTracker,
    LocalRefinement,
    MedianFusion,
    MultiExampleInferer,
    NeighborVoting,
    Trust,
)
from scripts.networks import CorrelationHead, ResidualEncoder, TemplateMatchingNetwork
from scripts.transforms.image_fit import ImageFit
from scripts.transforms.scale_intensity import scale_series_intensity

SHAPE = (80, 64)
POINTS = {"apex": (30.0, 26.0), "valve": (48.0, 38.0), "septum": (25.0, 44.0)}


def moved(shift: tuple[float, float] = (0.0, 0.0), shape: tuple[int, int] = SHAPE, seed: int = 0) -> np.ndarray:
    """A smooth, irregular texture, a sum of waves, all of which has moved by a shift, px."""
    rng = np.random.default_rng(seed)
    angles, phases = rng.uniform(0, 2 * math.pi, (2, 24))
    numbers = 2 * math.pi / rng.uniform(8.0, 24.0, 24)
    x, y = np.arange(shape[0])[:, None, None] - shift[0], np.arange(shape[1])[None, :, None] - shift[1]
    return 1000.0 + 200 * np.sin(x * numbers * np.cos(angles) + y * numbers * np.sin(angles) + phases).sum(axis=-1)


class Counting(NCCMatcher):
    """Cross-correlation that counts what it is asked for."""

    def __init__(self) -> None:
        super().__init__()
        self.images = 0
        self.patches = 0

    def encode_image(self, image: torch.Tensor) -> torch.Tensor:
        self.images += 1
        return super().encode_image(image)

    def encode_patch(self, patch: torch.Tensor) -> torch.Tensor:
        self.patches += 1
        return super().encode_patch(patch)


def make_tracker(matcher: torch.nn.Module | None = None, patch_size: int = 20, **arguments: object) -> LandmarkTracker:
    arguments = {"image_size": SHAPE, "sigma_per_scale": 0.02} | arguments
    return LandmarkTracker(matcher or NCCMatcher(), patch_size, **arguments)


def tracker_of(*labels: str, matcher: torch.nn.Module | None = None, **arguments: object) -> LandmarkTracker:
    tracker = make_tracker(matcher, **arguments)
    frame = moved()
    tracker.set_examples([(frame, POINTS[label], label) for label in labels or POINTS])
    return tracker


@functools.cache
def make_network() -> TemplateMatchingNetwork:
    torch.manual_seed(0)
    encoders = ResidualEncoder(channels=(4, 6, 8)), ResidualEncoder(channels=(4, 6, 8))
    return TemplateMatchingNetwork(*encoders, CorrelationHead(*encoders)).eval()


def errors(found: dict, shift: tuple[float, float], scale: float = 1.0) -> torch.Tensor:
    truth = torch.tensor([POINTS[label] for label in found]) * scale + torch.tensor(shift)
    return (torch.stack([one.point for one in found.values()]) - truth).norm(dim=1)


REFINEMENTS = pytest.mark.parametrize("refinement", [None, LocalRefinement()], ids=["plain", "refined"])


@REFINEMENTS
def test_a_moving_texture_is_followed(refinement):
    tracker = tracker_of(refinement=refinement)
    for i in range(12):
        shift = 5 * math.sin(0.7 * i), 4 * math.cos(0.5 * i)
        found = tracker.update(moved(shift)).landmarks
        assert list(found) == list(POINTS)
        assert errors(found, shift).max() < 0.2
        assert all(not one.is_doubtful and one.reason == "" for one in found.values())


@REFINEMENTS
@pytest.mark.parametrize("image_size", [(80, 64), (96, 96), (64, 64)])
def test_frames_of_another_shape_than_the_networks_are_followed_in_their_own_pixels(refinement, image_size):
    tracker = tracker_of(image_size=image_size, refinement=refinement)
    for shift in [(0.0, 0.0), (3.7, -2.2), (-4.4, 5.1)]:
        found = tracker.update(moved(shift)).landmarks
        assert errors(found, shift).max() < 0.35
        assert not any(one.is_doubtful for one in found.values())


def test_a_region_is_searched_alone_and_points_stay_in_pixels_of_the_frame():
    tracker = make_tracker(image_size=(64, 48), region=(10, 8, 74, 56), patch_size=16)
    tracker.set_examples([(moved(), point, label) for label, point in POINTS.items()])
    frame = moved((2.5, -3.0))
    expected = tracker.update(frame)
    assert errors(expected.landmarks, (2.5, -3.0)).max() < 0.2
    frame[:10], frame[74:], frame[:, :8], frame[:, 56:] = np.nan, 1e9, np.inf, -1e9
    again = tracker.update(frame)
    for label, one in expected.landmarks.items():
        assert not one.is_doubtful
        assert torch.equal(again.landmarks[label].point, one.point)
    with pytest.raises(ValueError, match=r"'out' at \[9.0, 20.0\] px lies outside"):
        tracker.add(moved(), [(9.0, 20.0)], ["out"])


@pytest.mark.parametrize("scale", [1, 2])
def test_sigmas_are_in_pixels_of_the_frame(scale):
    # half the sides of the network's image are 1 of normalised units
    tracker = tracker_of("apex", image_size=(80 // scale, 64 // scale), patch_size=20 // scale, sigma_per_scale=0.01)
    sigma = tracker.update(moved()).landmarks["apex"].sigma
    torch.testing.assert_close(sigma, torch.tensor([0.4, 0.32]))


def test_world_positions_are_those_of_the_affine():
    affine = np.array([[0.3, -0.8, 0.1, -20.0], [0.9, 0.2, 0.0, 5.0], [0.0, 0.1, 6.0, 77.0], [0.0, 0.0, 0.0, 1.0]])
    tracker = tracker_of()
    for given in (affine, torch.from_numpy(affine), affine.astype(np.float32)):
        for one in tracker.update(moved((1.3, 2.1)), affine=given).landmarks.values():
            expected = nib.affines.apply_affine(affine, [*one.point.tolist(), 0.0])
            np.testing.assert_allclose(one.world, expected, atol=1e-4)
    assert all(one.world is None for one in tracker.update(moved()).landmarks.values())


@pytest.mark.parametrize("fusion", [None, MedianFusion()])
def test_answers_equal_those_of_the_inferer_for_stored_series(fusion):
    network = make_network()
    run = Execution(network, (48, 48), precision="float32", measure=False)
    tracker = make_tracker(run, 16, image_size=(48, 48), fusion=fusion, sigma_per_scale=1.4)
    bank = ExampleBank(network, 16, correct_bias=True)
    fit = ImageFit(SHAPE, (48, 48))

    def prepare(frame: np.ndarray) -> torch.Tensor:
        return fit.resample(scale_series_intensity(torch.from_numpy(frame).float()[None, None]))

    examples = [(0.0, "apex"), (0.0, "valve"), (3.0, "apex"), (1.5, "septum"), (-2.0, "valve"), (-2.0, "apex")]
    for shift, label in examples:
        point = torch.tensor(POINTS[label]) + shift
        tracker.add(moved((shift, shift)), [point.tolist()], [label])
        bank.add(prepare(moved((shift, shift))), fit.to_network(point)[None], [label])
    inferer = MultiExampleInferer(bank, fusion, 1.4)
    with torch.no_grad():
        for shift in [(2.0, 1.0), (-3.0, 2.5)]:
            found = tracker.update(moved(shift)).landmarks
            expected = inferer(prepare(moved(shift)), network)[0]
            every = inferer.match_examples(prepare(moved(shift)), network)[0][0]
            for i, (label, one) in enumerate(found.items()):
                assert label == bank.labels[i]
                point = fit.to_original(((expected[i, :2] + 1) * 48 - 1) / 2)
                torch.testing.assert_close(one.point, point, atol=1e-3, rtol=0)
                sigma = fit.length_to_original(expected[i, 2:4] * 24)
                torch.testing.assert_close(one.sigma, sigma, atol=1e-3, rtol=1e-4)
                own = fit.to_original(((every[bank.select(label)] + 1) * 48 - 1) / 2)
                torch.testing.assert_close(one.examples, own, atol=1e-3, rtol=0)


def test_each_example_has_a_position_of_its_own_and_disagreement_is_their_spread():
    tracker = make_tracker(correct_bias=False)
    tracker.add(moved(), [POINTS["apex"], POINTS["valve"], (34.0, 23.0)], ["apex", "valve", "apex"])
    tracker.add(moved((2.0, 0.0)), [(32.0, 26.0)], ["apex"])
    found = tracker.update(moved((1.0, 1.0))).landmarks
    assert found["apex"].examples.shape == (3, 2)
    assert found["valve"].examples.shape == (1, 2)
    expected = torch.tensor([[31.0, 27.0], [35.0, 24.0], [31.0, 27.0]])
    torch.testing.assert_close(found["apex"].examples, expected, atol=0.1, rtol=0)
    # distances of 5/3, 10/3 and 5/3 px from the middle, whose root mean square is
    assert found["apex"].measures[1].item() == pytest.approx(math.sqrt((25 + 100 + 25) / 9 / 3), abs=0.1)
    assert found["valve"].measures[1].isnan()


def test_landmarks_are_added_dropped_and_renamed_while_running():
    tracker = tracker_of("apex")
    shift = (2.0, -1.0)
    tracker.update(moved(shift))
    tracker.add(moved((-3.0, 1.0)), [(45.0, 39.0), (22.0, 45.0)], ["valve", "septum"])
    found = tracker.update(moved(shift)).landmarks
    assert list(found) == tracker.labels == ["apex", "valve", "septum"]
    assert errors(found, shift).max() < 0.2
    tracker.rename("apex", "tip")
    tracker.drop("valve")
    renamed = tracker.update(moved(shift)).landmarks
    assert list(renamed) == tracker.labels == ["tip", "septum"]
    assert torch.equal(renamed["tip"].point, found["apex"].point)
    torch.testing.assert_close(renamed["septum"].point, found["septum"].point)
    assert not any(one.is_doubtful for one in renamed.values())
    tracker.drop("tip")
    tracker.drop("septum")
    with pytest.raises(ValueError, match="no example to track"):
        tracker.update(moved(shift))
    tracker.add(moved(), [POINTS["apex"]], ["apex"])
    assert errors(tracker.update(moved(shift)).landmarks, shift).max() < 0.2


def test_unknown_and_taken_names_are_refused_and_change_nothing():
    tracker = tracker_of()
    for work in (lambda: tracker.drop("tip"), lambda: tracker.rename("tip", "new")):
        with pytest.raises(KeyError, match="no example of 'tip'"):
            work()
    with pytest.raises(ValueError, match="'valve' is the name of another"):
        tracker.rename("apex", "valve")
    assert errors(tracker.update(moved((1.0, 2.0))).landmarks, (1.0, 2.0)).max() < 0.2


def test_frames_no_longer_needed_are_forgotten_and_the_others_still_checked():
    tracker = make_tracker(match_back=True, neighbors=None)
    for i, label in enumerate(POINTS):
        tracker.add(moved((float(i), 0.0)), [(POINTS[label][0] + i, POINTS[label][1])], [label])
    tracker.add(moved((5.0, 0.0)), [(35.0, 26.0), (53.0, 38.0)], ["apex", "valve"])
    before = len(pickle.dumps(tracker))
    frame = 4 * SHAPE[0] * SHAPE[1]
    tracker.drop("apex")  # whose first frame had no other; the last has a valve
    assert before - len(pickle.dumps(tracker)) > frame
    assert before - len(pickle.dumps(tracker)) < 3 * frame
    found = tracker.update(moved((2.0, 2.0))).landmarks
    assert all(not one.is_doubtful and one.measures[2] < 1.0 for one in found.values())
    tracker.drop("valve")
    tracker.drop("septum")
    assert not tracker._frames and not tracker._patches and not tracker._points and not tracker._frame_of


def test_examples_of_an_iterator_that_uses_its_array_again_are_not_mixed_up():
    buffer = np.empty(SHAPE)

    def examples() -> Iterator[tuple[np.ndarray, tuple[float, float], str]]:
        for i, (label, point) in enumerate(POINTS.items()):
            buffer[:] = moved((2.0 * i, 0.0))
            yield buffer, (point[0] + 2.0 * i, point[1]), label

    tracker = make_tracker()
    tracker.set_examples(examples())
    assert errors(tracker.update(moved((1.0, 2.0))).landmarks, (1.0, 2.0)).max() < 0.2


def test_new_examples_take_the_place_of_all_others():
    tracker = tracker_of()
    tracker.set_examples([(moved(seed=1), (40.0, 30.0), "new")])
    found = tracker.update(moved((2.0, 3.0), seed=1)).landmarks
    assert list(found) == ["new"]
    torch.testing.assert_close(found["new"].point, torch.tensor([42.0, 33.0]), atol=0.2, rtol=0)


def test_each_frame_is_encoded_once_whatever_the_landmarks_and_examples():
    for labels, repeats in [(["apex"], 1), (list(POINTS), 1), (list(POINTS), 4)]:
        matcher = Counting()
        tracker = make_tracker(matcher, refinement=LocalRefinement(), match_back=True)
        for _ in range(repeats):
            tracker.add(moved(), [POINTS[label] for label in labels], labels)
        matcher.images = matcher.patches = 0
        for i in range(5):
            tracker.update(moved((float(i), 0.0)))
        assert matcher.images == 5
        assert matcher.patches == 5  # those that were found, all at once
    matcher = Counting()
    tracker = tracker_of(matcher=matcher)
    assert matcher.images == 1  # three examples of one frame
    matcher.patches = 0
    assert tracker.update(moved()).landmarks["apex"].measures[2].isnan()
    assert matcher.patches == 0


def test_a_frame_that_is_asked_for_again_is_encoded_once():
    matcher = Counting()
    tracker = tracker_of(matcher=matcher)
    matcher.images = 0
    frame = moved((2.0, 1.0))
    first = tracker.update(frame).landmarks
    again = tracker.update(frame.copy()).landmarks
    assert matcher.images == 1
    assert all(torch.equal(again[label].point, first[label].point) for label in POINTS)
    tracker.update(moved())
    tracker.update(frame)
    assert matcher.images == 3


@pytest.mark.parametrize("dtype", [np.float32, np.float64, np.int16])
def test_an_array_that_is_used_again_for_another_frame_is_encoded_anew(dtype):
    matcher = Counting()
    tracker = make_tracker(matcher)
    buffer = moved().astype(dtype)
    tracker.set_examples([(buffer, POINTS[label], label) for label in POINTS])
    matcher.images = 0
    for i, shift in enumerate([(3.0, -2.0), (-4.0, 1.0), (-4.0, 2.0)]):
        buffer[:] = moved(shift).astype(dtype)
        assert errors(tracker.update(buffer).landmarks, shift).max() < 0.2
        assert matcher.images == i + 1


def test_a_change_of_gain_and_offset_makes_no_difference():
    tracker = tracker_of(refinement=LocalRefinement())
    plain = tracker.update(moved((2.2, 1.1))).landmarks
    other = tracker.update(moved((2.2, 1.1)) * 0.01 - 30).landmarks
    for label in POINTS:
        torch.testing.assert_close(other[label].point, plain[label].point, atol=1e-2, rtol=0)


FAULTS = {"nan": "not finite", "inf": "not finite", "-inf": "not finite", "constant": "constant"}


@pytest.mark.parametrize("fault", FAULTS)
@pytest.mark.parametrize("kind", [np.asarray, torch.as_tensor])
def test_a_frame_that_shows_nothing_is_flagged_and_the_next_is_followed(fault, kind):
    tracker = tracker_of(predictor=HoldPredictor)
    tracker.add(moved((1.0, 0.0)), [(31.0, 26.0)], ["apex"])
    frame = moved()
    if fault == "constant":
        frame[:] = 5.0
    else:
        frame[3, 4] = float(fault)
    nothing = tracker.update(kind(frame), time_ms=0.0).landmarks
    assert list(nothing) == list(POINTS)
    for label, one in nothing.items():
        assert one.is_doubtful
        assert FAULTS[fault] in one.reason
        assert one.point.shape == one.sigma.shape == (2,)
        assert one.point.isnan().all() and one.sigma.isnan().all()
        assert one.examples.shape == (2 if label == "apex" else 1, 2) and one.examples.isnan().all()
        assert one.measures.shape == (len(DOUBTS),) and one.measures.isnan().all()
        assert one.predicted.isnan().all()
    found = tracker.update(kind(moved((2.0, 2.0))), time_ms=1.0).landmarks
    assert errors(found, (2.0, 2.0)).max() < 0.2
    assert not any(one.is_doubtful for one in found.values())


@pytest.mark.parametrize("frame", [np.full(SHAPE, np.nan), np.zeros(SHAPE)])
def test_no_examples_are_taken_from_a_frame_that_shows_nothing(frame):
    tracker = tracker_of("apex")
    with pytest.raises(ValueError, match="no examples can be taken from this frame: the frame"):
        tracker.add(frame, [(4.0, 4.0)], ["new"])
    assert tracker.labels == ["apex"]


@pytest.mark.parametrize(
    ("frame", "error", "message"),
    [
        (moved().T, ValueError, r"the frame has \(64, 80\) px"),
        (moved()[:-1], ValueError, r"the frame has \(79, 64\) px"),
        (moved().ravel(), ValueError, "must have the shape"),
        (np.stack([moved()] * 3), ValueError, "must have the shape"),
        (np.zeros((0, 5)), ValueError, "must have the shape"),
        (moved().astype(object), TypeError, "real numbers, not object"),
        (moved().astype(complex), TypeError, "real numbers, not complex128"),
        (torch.from_numpy(moved()).to(torch.complex64), TypeError, "real numbers, not complex"),
        (moved().astype(str), TypeError, "real numbers, not <U"),
        (moved().tolist(), TypeError, "not list"),
        ("frame", TypeError, "not str"),
        (None, TypeError, "not NoneType"),
    ],
)
def test_what_is_no_frame_is_refused_and_the_stream_goes_on(frame, error, message):
    tracker = tracker_of()
    for work in (lambda: tracker.update(frame), lambda: tracker.add(frame, [(4.0, 4.0)], ["new"])):
        with pytest.raises(error, match=message):
            work()
    found = tracker.update(moved((2.0, 2.0))).landmarks
    assert list(found) == list(POINTS)
    assert errors(found, (2.0, 2.0)).max() < 0.2


def test_without_an_example_nothing_is_tracked():
    tracker = make_tracker()
    assert tracker.labels == []
    with pytest.raises(ValueError, match="no example to track; call set_examples or add first"):
        tracker.update(moved())


@pytest.mark.parametrize(
    "point", [(-0.6, 5.0), (79.6, 5.0), (5.0, -0.6), (5.0, 63.6), (math.nan, 5.0), (5.0, math.inf), (1e30, 5.0)]
)
def test_points_outside_of_their_frame_are_refused_and_nothing_is_added(point):
    tracker = tracker_of("apex")
    with pytest.raises(ValueError, match=r"example 'new' at \[.*\] px lies outside of its frame"):
        tracker.add(moved(), [(5.0, 5.0), point], ["fine", "new"])
    assert list(tracker.update(moved()).landmarks) == ["apex"]


@pytest.mark.parametrize(("points", "labels"), [([(4.0, 4.0)], ["a", "b"]), ([(4.0, 4.0), (5.0, 5.0)], ["a"])])
def test_points_without_labels_are_refused(points, labels):
    tracker = tracker_of("apex")
    with pytest.raises(ValueError):
        tracker.add(moved(), points, labels)
    assert list(tracker.update(moved()).landmarks) == ["apex"]


@REFINEMENTS
@pytest.mark.parametrize("neighbors", [None, NeighborVoting()], ids=["alone", "asked"])
def test_a_target_that_is_gone_is_flagged_and_valid_again_in_the_first_frame_that_shows_it(refinement, neighbors):
    tracker = tracker_of(refinement=refinement, neighbors=neighbors, match_back=neighbors is None)
    rng = np.random.default_rng(0)
    for shift in [(0.0, 0.0), (3.0, -2.0), (-2.0, 4.0)]:
        frame = moved(shift)
        found = tracker.update(frame).landmarks
        assert not any(one.is_doubtful for one in found.values())
        x, y = (round(POINTS["valve"][axis] + shift[axis]) for axis in (0, 1))
        gone = frame.copy()
        part = gone[x - 14 : x + 15, y - 14 : y + 15]
        part[:] = rng.normal(frame.mean(), frame.std(), part.shape)
        lost = tracker.update(gone).landmarks["valve"]
        assert lost.is_doubtful
        assert lost.reason in list(DOUBTS.values())[2:]
        noise = tracker.update(rng.normal(size=SHAPE)).landmarks
        assert all(one.is_doubtful for one in noise.values())
        again = tracker.update(frame).landmarks
        assert not any(one.is_doubtful for one in again.values())
        assert errors(again, shift).max() < 0.2


@pytest.mark.parametrize(
    ("limits", "status", "reason"),
    [
        ({"sigma_px": 0.01}, "doubtful", "the uncertainty is too large"),
        ({"return_px": -1.0}, "doubtful", "it is not found back in its example"),
        ({"dissimilarity": -1.0}, "doubtful", "it does not look like its example"),
        ({"dissent": -1.0}, "doubtful", "its surroundings are elsewhere"),
        ({"sigma_px": 100.0}, "valid", ""),
        ({"disagreement_px": 100.0}, "unchecked", ""),  # of one example, which cannot disagree
        ({}, "unchecked", ""),
    ],
)
def test_given_limits_are_used(limits, status, reason):
    tracker = tracker_of(trust=Trust(limits), refinement=LocalRefinement(), match_back=True)
    assert {(one.status, one.reason) for one in tracker.update(moved()).landmarks.values()} == {(status, reason)}


class Stray(NCCMatcher):
    """Cross-correlation whose answers in images may be replaced."""

    answer = None

    def match(self, image_code: torch.Tensor, patch_code: torch.Tensor) -> torch.Tensor:
        found = super().match(image_code, patch_code)
        return found if self.answer is None else torch.tensor([self.answer]).expand_as(found)


@pytest.mark.parametrize(
    ("answer", "reason"),
    [
        ((math.nan, 0.0, 0.0, 0.0), "the answer is not finite"),
        ((0.0, -math.inf, 0.0, 0.0), "the answer is not finite"),
        ((0.0, 0.0, math.nan, 0.0), "the answer is not finite"),
        ((0.0, 0.0, 0.0, math.inf), "the answer is not finite"),
        ((1.2, 0.0, 0.0, 0.0), "it lies outside of the image"),
    ],
)
def test_answers_that_cannot_be_are_flagged(answer, reason):
    matcher = Stray()
    tracker = tracker_of(matcher=matcher, trust=Trust({}), refinement=LocalRefinement(), predictor=HoldPredictor)
    assert tracker.update(moved(), time_ms=0.0).landmarks["apex"].status == "unchecked"
    matcher.answer = answer
    found = tracker.update(moved((1.0, 0.0)), time_ms=1.0).landmarks
    assert {one.reason for one in found.values()} == {reason}
    assert all(one.is_doubtful for one in found.values())
    torch.testing.assert_close(found["apex"].predicted, torch.tensor(POINTS["apex"]), atol=0.2, rtol=0)


class Recording(HoldPredictor):
    """A predictor that keeps what it is told."""

    made: list[Recording]

    def __init__(self) -> None:
        super().__init__()
        self.times: list[float] = []
        self.asked: list[float] = []
        self.made.append(self)

    def update(self, time_ms: float, point: torch.Tensor, sigma: torch.Tensor) -> None:
        super().update(time_ms, point, sigma)
        self.times.append(time_ms)

    def predict(self, time_ms: float) -> torch.Tensor:
        self.asked.append(time_ms)
        return super().predict(time_ms)


@pytest.fixture
def recording() -> type[Recording]:
    Recording.made = []
    return Recording


def test_predictors_are_fed_with_valid_answers_only_and_asked_for_the_horizon(recording):
    tracker = tracker_of("apex", "valve", predictor=recording, horizon_ms=40.0)
    assert tracker.update(moved()).landmarks["apex"].predicted is None
    assert recording.made == []
    frames = {0.0: moved(), 10.0: np.full(SHAPE, np.nan), 20.0: moved((1.0, 1.0)), 30.0: np.zeros(SHAPE)}
    frames |= {40.0: np.random.default_rng(0).random(SHAPE), 50.0: moved((2.0, 2.0))}
    for time_ms, frame in frames.items():
        found = tracker.update(frame, time_ms=time_ms).landmarks
        assert {one.is_doubtful for one in found.values()} == {time_ms not in (0.0, 20.0, 50.0)}
    assert [one.times for one in recording.made] == [[0.0, 20.0, 50.0]] * 2
    assert [one.asked for one in recording.made] == [[time + 40.0 for time in frames]] * 2
    torch.testing.assert_close(found["apex"].predicted, torch.tensor([32.0, 28.0]), atol=0.2, rtol=0)


def test_a_frame_given_again_at_its_time_changes_no_predictor(recording):
    tracker = tracker_of("apex", predictor=recording)
    first = tracker.update(moved((1.0, 1.0)), time_ms=5.0).landmarks["apex"]
    again = tracker.update(moved((1.0, 1.0)), time_ms=5.0).landmarks["apex"]
    assert recording.made[0].times == [5.0]
    assert torch.equal(again.predicted, first.predicted)
    tracker.update(moved((2.0, 1.0)), time_ms=6.0)
    assert recording.made[0].times == [5.0, 6.0]


def test_a_renamed_landmark_keeps_its_predictor_and_a_dropped_one_loses_it(recording):
    tracker = tracker_of("apex", "valve", predictor=recording)
    tracker.update(moved(), time_ms=0.0)
    tracker.rename("apex", "tip")
    found = tracker.update(np.zeros(SHAPE), time_ms=1.0).landmarks
    torch.testing.assert_close(found["tip"].predicted, torch.tensor(POINTS["apex"]), atol=0.2, rtol=0)
    assert len(recording.made) == 2
    tracker.drop("tip")
    tracker.add(moved(), [POINTS["apex"]], ["tip"])
    assert tracker.update(np.zeros(SHAPE), time_ms=2.0).landmarks["tip"].predicted.isnan().all()
    assert len(recording.made) == 3


def test_a_steady_motion_is_predicted():
    tracker = tracker_of("apex", predictor=KalmanPredictor, horizon_ms=100.0)
    for i in range(12):
        one = tracker.update(moved((0.5 * i, -0.25 * i)), time_ms=50.0 * i).landmarks["apex"]
    torch.testing.assert_close(one.predicted, torch.tensor([30.0 + 6.5, 26.0 - 3.25]), atol=0.4, rtol=0)


def test_learned_limits_flag_at_most_the_stated_share():
    tracker = tracker_of(refinement=LocalRefinement())
    rng = np.random.default_rng(0)
    frames = [moved(tuple(rng.uniform(-4, 4, 2))) + rng.normal(0, 150, SHAPE) for _ in range(30)]
    frames.insert(7, np.full(SHAPE, np.nan))  # is not learned from
    trust = tracker.learn_trust(frames, false_alarm=0.1)
    assert tracker.trust is trust
    found = [one for frame in frames for one in tracker.update(frame).landmarks.values()]
    answers = [one for one in found if one.point.isfinite().all()]
    assert len(answers) == 90
    flagged = sum(one.is_doubtful for one in answers) / 90
    assert 0 < flagged <= 0.1
    assert trust.false_alarm == pytest.approx(flagged)
    assert all(one.is_doubtful for one in tracker.update(rng.random(SHAPE)).landmarks.values())


@pytest.mark.parametrize("frames", [[], [np.zeros(SHAPE)] * 50, [moved()] * 3])
def test_trust_is_not_learned_from_too_few_answers(frames):
    tracker = tracker_of(trust=Trust({"return_px": 4.0}))
    with pytest.raises(ValueError, match="answers are too few for a share of 0.1"):
        tracker.learn_trust(frames, 0.1)
    assert tracker.trust == Trust({"return_px": 4.0})


def test_learning_trust_feeds_no_predictor(recording):
    tracker = tracker_of("apex", predictor=recording)
    tracker.learn_trust([moved((0.1 * i, 0.0)) for i in range(4)], 0.5)
    assert recording.made == []


def live_tensors() -> int:
    gc.collect()
    return sum(type(one) is torch.Tensor for one in gc.get_objects())


def test_no_state_grows_over_500_frames():
    small = (32, 24)
    tracker = make_tracker(
        image_size=small, patch_size=10, predictor=KalmanPredictor, horizon_ms=50.0, refinement=LocalRefinement()
    )
    tracker.add(moved(shape=small), [(15.0, 12.0), (18.0, 10.0)], ["apex", "valve"])
    sizes, tensors = [], []
    for i in range(501):
        frame = moved((math.sin(0.3 * i), math.cos(0.2 * i)), small)
        tracker.update(frame if i % 10 else frame * 0, time_ms=40.0 * i)
        if i in (25, 500):
            tracker.update(moved(shape=small), time_ms=40.0 * i + 1)
            sizes.append(len(pickle.dumps(tracker)))
            tensors.append(live_tensors())
    assert abs(sizes[1] - sizes[0]) < 100  # numbers need more bytes when they are larger
    assert tensors[1] <= tensors[0]


def test_the_steps_take_the_time_that_is_stated():
    timings = tracker_of().update(moved()).timings_ms
    assert list(timings) == ["prepare", "encode", "match", "check", "total"]
    assert all(value >= 0 for value in timings.values())
    assert timings["total"] >= sum(timings.values()) - timings["total"]


FRAME_TYPES = [np.dtype(code) for code in "?bBhHiIlLqQefdg"]
TENSOR_TYPES = [torch.uint8, torch.int16, torch.uint16, torch.uint32, torch.float16, torch.bfloat16, torch.float64]


def random_frame(rng: np.random.Generator, shape: tuple[int, ...]) -> np.ndarray | torch.Tensor:
    """Noise of any real type, some of it constant, huge, tiny, with few values or with some that are not finite."""
    kind = rng.integers(8)
    values = rng.random(shape)
    if kind == 0:
        values[:] = rng.choice([0.0, 1.0, -7.0, 1e30])
    elif kind == 1:
        values = (values - 0.5) * rng.choice([1e4, 1e30, 6e38, 1e300])
    elif kind == 2:
        values = values * rng.choice([1e-5, 1e-30, 1e-310])
    elif kind == 3:
        values = (values < rng.choice([0.01, 0.5])).astype(float)
    elif kind == 4:
        values[tuple(int(rng.integers(n)) for n in shape)] = rng.choice([np.nan, np.inf, -np.inf, 1e300, -1e300])
    else:
        values = values * rng.choice([1.0, 200.0, 6e4])
    if kind == 5:
        values = np.asfortranarray(values)[::-1]
    with warnings.catch_warnings(), np.errstate(all="ignore"):
        warnings.simplefilter("ignore")
        frame = values.astype(rng.choice(FRAME_TYPES))
    if rng.random() < 0.3:
        return torch.from_numpy(values.copy()).to(TENSOR_TYPES[rng.integers(len(TENSOR_TYPES))])
    return frame


def check_a_random_stream(seed: int) -> tuple[int, int]:
    """A tracker with random examples and frames; the numbers of answers that are valid and that are not."""
    rng = np.random.default_rng(seed)
    shape = tuple(int(n) for n in rng.integers(1, 61, 2))
    tracker = LandmarkTracker(
        NCCMatcher(),
        int(rng.integers(1, 13)),
        (int(rng.integers(12, 25)), int(rng.integers(12, 25))),
        sigma_per_scale=float(rng.choice([0.01, 1.0])),
        refinement=LocalRefinement(reach=int(rng.integers(1, 5))) if rng.random() < 0.5 else None,
        match_back=bool(rng.random() < 0.5),
        neighbors=NeighborVoting(rings=int(rng.integers(1, 3))) if rng.random() < 0.5 else None,
        correct_bias=bool(rng.random() < 0.5),
        predictor=HoldPredictor if rng.random() < 0.5 else None,
    )
    for _ in range(rng.integers(1, 4)):
        number = rng.integers(1, 4)
        points = rng.uniform(-0.5, np.array(shape) - 0.5, (number, 2))
        frame = random_frame(rng, shape)
        labels = [f"landmark {i}" for i in rng.integers(0, 3, number)]
        with contextlib.suppress(ValueError):  # a frame that shows nothing
            tracker.add(frame, points, labels)
            assert set(labels) <= set(tracker.labels)
    if not tracker.labels:
        with pytest.raises(ValueError, match="no example"):
            tracker.update(random_frame(rng, shape))
        return 0, 0
    answers = []
    for i in range(2):
        frame = random_frame(rng, shape)
        found = tracker.update(frame, affine=np.eye(4), time_ms=float(i)).landmarks
        assert list(found) == tracker.labels
        finite = np.isfinite(np.asarray(torch.as_tensor(frame).float() if torch.is_tensor(frame) else frame)).all()
        for one in found.values():
            assert one.is_doubtful == bool(one.reason)
            assert one.is_doubtful or (one.point.isfinite().all() and one.sigma.isfinite().all())
            assert one.is_doubtful or (one.point >= -0.5).all()
            assert one.is_doubtful or (one.point <= torch.tensor(shape) - 0.5).all()
            assert finite or (one.is_doubtful and one.point.isnan().all())
        answers += [not one.is_doubtful for one in found.values()]
    if rng.random() < 0.2:
        with pytest.raises((TypeError, ValueError)):
            wrong = random_frame(rng, (shape[0] + 1, shape[1]))
            tracker.update([wrong, wrong[0], wrong[None, None], wrong.tolist(), np.asarray(["a"])][rng.integers(5)])
    return sum(answers), len(answers) - sum(answers)


def check_random_streams(seeds: range) -> None:
    counts = []
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", category=RuntimeWarning)
        for seed in seeds:
            try:
                counts.append(check_a_random_stream(seed))
            except Exception as error:
                raise AssertionError(f"seed {seed}: {error!r}") from error
    valid, flagged = (sum(one) for one in zip(*counts, strict=True))
    assert min(valid, flagged) > 0.05 * (valid + flagged)  # both kinds of answers were seen often


def test_random_frames_types_values_and_examples_give_answers_or_the_documented_errors():
    check_random_streams(range(300))


@pytest.mark.slow
def test_very_many_random_streams_give_answers_or_the_documented_errors():
    check_random_streams(range(1000, 11_000))


class Overwriting(NCCMatcher):
    """Cross-correlation whose image codes share one memory, as those of a captured graph do."""

    code: torch.Tensor | None = None

    def encode_image(self, image: torch.Tensor) -> torch.Tensor:
        self.code = image.clone() if self.code is None else self.code
        return self.code.copy_(image)


def test_codes_that_are_overwritten_by_the_next_do_no_harm_in_a_stream():
    tracker = tracker_of(matcher=Overwriting())
    for shift in [(2.0, 1.0), (2.0, 1.0), (-3.0, 2.0)]:
        found = tracker.update(moved(shift)).landmarks
        assert errors(found, shift).max() < 0.2
        assert not any(one.is_doubtful for one in found.values())


def test_a_frame_that_is_asked_for_again_after_an_example_was_added_is_not_mixed_up():
    tracker = tracker_of("apex", matcher=Overwriting())
    tracker.update(moved((4.0, 3.0)))
    tracker.add(moved(), [POINTS["valve"]], ["valve"])
    assert errors(tracker.update(moved((4.0, 3.0))).landmarks, (4.0, 3.0)).max() < 0.2


def test_answers_carry_no_gradients():
    tracker = tracker_of(matcher=make_network(), patch_size=16)
    for one in tracker.update(moved()).landmarks.values():
        assert not any(value.requires_grad for value in (one.point, one.sigma, one.examples, one.measures))


def test_a_frame_whose_range_overflows_is_not_valid_at_a_wrong_place():
    tracker = tracker_of(neighbors=None)
    middle = moved((4.0, 3.0)) - 1000.0
    wide = (middle / np.abs(middle).max() * 3e38).astype(np.float32)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        found = tracker.update(wide).landmarks
    assert all(
        one.is_doubtful or error < 0.5 for one, error in zip(found.values(), errors(found, (4.0, 3.0)), strict=True)
    )


@pytest.mark.parametrize("frame", [moved((1.0, 0.0)), np.zeros(SHAPE)])
def test_a_clock_that_starts_again_does_not_end_the_stream(frame):
    tracker = tracker_of("apex", predictor=HoldPredictor)
    tracker.update(moved(), time_ms=1000.0)
    tracker.update(frame, time_ms=0.0)


def test_examples_that_are_refused_leave_those_there_were():
    tracker = tracker_of("apex")
    with pytest.raises(ValueError, match="outside"):
        tracker.set_examples([(moved(), POINTS["valve"], "valve"), (moved(), (500.0, 2.0), "septum")])
    assert tracker.labels == ["apex"]


@pytest.mark.parametrize(
    ("points", "labels"), [([(1.0, 2.0, 3.0)], ["a"]), ([(1.0, 2.0, 3.0), (4.0, 5.0, 6.0)], ["a", "b", "c"])]
)
def test_points_of_three_axes_are_refused(points, labels):
    with pytest.raises(ValueError):
        make_tracker().add(moved(), points, labels)


def test_an_affine_of_another_shape_is_refused():
    with pytest.raises(ValueError):
        tracker_of("apex").update(moved(), affine=np.eye(3))


def test_a_frame_that_shows_nothing_answers_in_the_same_form():
    tracker = tracker_of("apex")
    found = tracker.update(np.zeros(SHAPE), affine=np.eye(4))
    assert list(found.timings_ms) == ["prepare", "encode", "match", "check", "total"]
    assert found.landmarks["apex"].world.isnan().all()


def test_a_frame_that_was_refused_does_not_settle_the_size() -> None:
    tracker = LandmarkTracker(NCCMatcher(), 15, (40, 40), sigma_per_scale=0.01)
    with pytest.raises(ValueError, match="constant"):
        tracker.set_examples([(np.zeros((64, 64)), (5, 5), "a")])
    frame = np.random.default_rng(0).random((40, 40))
    with pytest.raises(ValueError, match="outside"):
        tracker.add(np.random.default_rng(1).random((50, 50)), [(60, 5)], ["a"])
    tracker.set_examples([(frame, (20, 20), "a")])
    assert tracker.labels == ["a"]


def test_a_way_back_that_ends_nowhere_is_no_reason_to_trust() -> None:
    class NoWayBack(NCCMatcher):
        def encode_patch(self, patch: torch.Tensor) -> torch.Tensor:
            self.asked = getattr(self, "asked", 0) + 1
            return patch if self.asked == 1 else patch * torch.nan

        def match(self, image_code: torch.Tensor, patch_code: torch.Tensor) -> torch.Tensor:
            found = super().match(image_code, patch_code.nan_to_num())
            return found.where(patch_code.isfinite().all(), torch.nan)

    frame = np.random.default_rng(0).random((40, 40))
    tracker = LandmarkTracker(
        NoWayBack(), 15, (40, 40), sigma_per_scale=0.01, correct_bias=False, neighbors=None, match_back=True
    )
    tracker.set_examples([(frame, (20, 20), "a")])
    found = tracker.update(frame).landmarks["a"]
    assert (found.status, found.reason) == ("doubtful", "it is not found back in its example")


class Lookalike(NCCMatcher):
    """Cross-correlation that finds the patches of "valve" far away, in whatever image."""

    known: torch.Tensor | None = None

    def match(self, image_code: torch.Tensor, patch_code: torch.Tensor) -> torch.Tensor:
        answer = super().match(image_code, patch_code)
        if self.known is not None and patch_code.shape[1:] == self.known.shape:
            strays = (patch_code - self.known).abs().flatten(1).amax(dim=1) < 1e-4
            answer[strays, :2] = torch.tensor([-0.8, -0.8])
        return answer


def stray_tracker(caplog, **arguments: object) -> LandmarkTracker:
    """A tracker of three landmarks, one of which is not found again in its own frame."""
    matcher = Lookalike()
    tracker = tracker_of("valve", matcher=matcher)
    matcher.known = tracker.bank.codes[0]
    caplog.clear()
    return tracker_of(matcher=matcher, neighbors=None, **arguments)


def test_an_example_that_is_not_found_again_makes_its_landmark_doubtful_and_is_named(caplog):
    tracker = stray_tracker(caplog)
    assert "example 'valve' on example frame 1, is found " in caplog.text and " px away in its own image" in caplog.text
    found = tracker.update(moved((2.0, 1.0))).landmarks
    assert {label: one.status.value for label, one in found.items()} == {
        "apex": "unchecked",
        "valve": "doubtful",
        "septum": "unchecked",
    }
    assert found["valve"].reason.startswith("its example is found ")
    tracker.trust = Trust({"sigma_px": 1e6})
    found = tracker.update(moved((2.0, 1.0))).landmarks
    assert [found[label].status for label in ("apex", "septum", "valve")] == ["valid", "valid", "doubtful"]


def test_beside_a_sound_example_a_doubtful_one_still_speaks_and_nothing_is_learned_from_them(caplog):
    tracker = stray_tracker(caplog, fusion=MedianFusion())
    other = moved((4.0, 2.0))
    for shift in ((4.0, 2.0), (6.0, 3.0)):
        tracker.add(moved(shift), [tuple(np.add(POINTS["valve"], shift))], ["valve"])
    assert len(tracker.bank.doubtful) == 1 and tracker.bank.count("valve") == 3
    assert tracker.teaching_labels == ["apex", "septum"]
    found = tracker.update(other).landmarks["valve"]
    torch.testing.assert_close(found.point, torch.tensor(POINTS["valve"]) + torch.tensor([4.0, 2.0]), atol=0.3, rtol=0)
    assert not found.reason.startswith("its example")


def test_limits_are_not_learned_from_examples_that_are_not_found_again(caplog):
    frames = [moved((0.2 * i, 0.1 * i)) for i in range(10)]
    trust = stray_tracker(caplog).learn_trust(frames, false_alarm=0.1)
    sound = tracker_of("apex", "septum", neighbors=None).learn_trust(frames, false_alarm=0.1)
    assert trust.limits == pytest.approx(sound.limits, abs=1e-6)
    tracker = stray_tracker(caplog)
    for label in ("apex", "septum"):
        tracker.drop(label)
    with pytest.raises(ValueError, match="nothing can be learned.*example 'valve' on example frame 1, is found"):
        tracker.learn_trust(frames, false_alarm=0.1)


def test_answers_are_unchecked_until_limits_are_learned_and_then_valid():
    tracker = tracker_of()
    frames = [moved((0.2 * i, 0.1 * i)) for i in range(34)]
    assert {one.status for one in tracker.update(frames[3]).landmarks.values()} == {"unchecked"}
    with pytest.raises(ValueError, match=r"99 answers are too few .* give 100 or more \(frames times landmarks\)"):
        tracker.learn_trust(frames[:33])
    tracker.learn_trust(frames)
    assert {one.status for one in tracker.update(frames[3]).landmarks.values()} == {"valid"}
