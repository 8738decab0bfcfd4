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
"""Tests of what each example answers on each image, and of how several answers become one."""

from __future__ import annotations

import math
from collections.abc import Callable

import pytest
import torch

from scripts.classical import NCCMatcher
from scripts.evaluation.labelled_frames import LabelledFrame, LandmarkGroup, read_labelled_frames
from scripts.evaluation.landmark_answers import LandmarkAnswers, match_landmarks
from scripts.inferers import ExampleBank, GradientRefinement, MultiExampleInferer
from scripts.inferers.fusion import Fusion, InverseSigmaFusion
from scripts.transforms import normalized_to_index

SHIFTS = [(0, 0), (3, -2), (-2, 4), (1, 1), (0, 2)]
POINTS = {"a": (10, 12), "b": (16, 9), "c": (14, 17)}
SIDE = 9
OFFSET = (3.0, -4.0)  # more than an eighth of a patch: no bias


@pytest.fixture
def group(tmp_path, write_frames, frame_dataset, write_marks) -> Callable[..., LandmarkGroup]:
    """Three candidates, of which the second lacks b and the third has b alone; and two targets, the first without c."""

    def write(zoom: int = 1) -> LandmarkGroup:
        write_frames(tmp_path / "data" / "clip.nii", SHIFTS, zoom=zoom)
        table = write_marks(tmp_path / "truth.csv", {"clip.nii": SHIFTS}, POINTS, zoom)
        labelled, _ = read_labelled_frames(table, frame_dataset(tmp_path / "data"), SIDE)
        lacking = [[], ["b"], ["a", "c"], ["c"], []]
        frames = [
            LabelledFrame(one.frame, {label: point for label, point in one.points.items() if label not in missing})
            for one, missing in zip(labelled, lacking, strict=True)
        ]
        return LandmarkGroup(frames[:3], frames[3:])

    return write


def answers_of(means: torch.Tensor, sigmas: torch.Tensor, marked: torch.Tensor, truth: torch.Tensor) -> LandmarkAnswers:
    return LandmarkAnswers(LandmarkGroup([], []), marked, means, sigmas, truth)


def test_it_is_known_who_has_which_landmark_and_where_the_truth_is(group, known_matcher):
    answers = match_landmarks(known_matcher(), group(), "abc", SIDE)
    assert answers.marked.tolist() == [[True, True, True], [True, False, True], [False, True, False]]
    assert answers.truth[1].tolist() == [[10, 14], [16, 11], [14, 19]]
    assert answers.truth[0, :2].tolist() == [[11, 13], [17, 10]]
    assert answers.truth[0, 2].isnan().all()


@pytest.mark.parametrize("zoom", [1, 2])
def test_each_example_answers_for_its_own_landmarks_on_every_target(group, known_matcher, zoom):
    answers = match_landmarks(known_matcher(offset=OFFSET), group(zoom), "abc", SIDE)
    assert answers.means.shape == answers.sigmas.shape == (3, 2, 3, 2)
    has = answers.marked[:, None, :, None].expand(3, 2, 3, 2)
    assert answers.means.isnan().equal(~has) and answers.sigmas.isnan().equal(~has)
    moved = torch.tensor([SHIFTS[3], SHIFTS[4]])[:, None] + torch.tensor(list(POINTS.values())) + torch.tensor(OFFSET)
    expected = ((moved + 0.5) * zoom - 0.5).expand(3, 2, 3, 2)
    torch.testing.assert_close(answers.means[has], expected[has], atol=1e-4, rtol=0)
    torch.testing.assert_close(answers.sigmas[has], torch.full_like(expected[has], zoom), atol=1e-4, rtol=0)


def test_the_sigma_of_the_trained_distribution_scales_what_the_network_tells(group, known_matcher):
    answers = match_landmarks(known_matcher(noise=0.5), group(), "abc", SIDE, sigma_per_scale=3.0)
    assert answers.sigmas[0].flatten().tolist() == pytest.approx([1.5] * 12, rel=1e-5)


def test_a_small_error_that_repeats_is_taken_off_and_a_large_one_is_not(group, known_matcher):
    # an eighth of 9 px is 1.125 px
    for offset, left in (((1.0, -0.5), (0.0, 0.0)), ((1.0, -1.0), (1.0, -1.0))):
        answers = match_landmarks(known_matcher(offset=offset), group(), "abc", SIDE, correct_bias=True)
        errors = answers.means[0, 1] - answers.truth[1]
        torch.testing.assert_close(errors, torch.tensor([left] * 3), atol=1e-4, rtol=0)


def test_each_image_and_each_patch_is_encoded_once(group, known_matcher):
    matcher = known_matcher()
    match_landmarks(matcher, group(), "abc", SIDE, chunk_size=2)
    assert matcher.encoded_images == 2
    assert matcher.encoded_patches == 6
    matcher = known_matcher()
    match_landmarks(matcher, group(), "abc", SIDE, correct_bias=True)
    assert matcher.encoded_images == 2 + 3  # the bias is found in the candidates' own images
    assert matcher.encoded_patches == 6


def test_a_candidate_without_any_of_the_landmarks_has_no_answer(group, known_matcher):
    answers = match_landmarks(known_matcher(), group(), "ac", SIDE)
    assert answers.marked.tolist() == [[True, True], [True, True], [False, False]]
    assert answers.means[2].isnan().all() and answers.means[:2].isfinite().all()


def test_an_answer_that_is_not_finite_harms_no_other(group, known_matcher):
    answers = match_landmarks(known_matcher(lost=lambda places: places[:, 0] == 16), group(), "abc", SIDE)
    assert answers.means[:, :, 1].isnan().all()
    torch.testing.assert_close(answers.means[0, 1, [0, 2]], answers.truth[1, [0, 2]], atol=1e-4, rtol=0)


class First(Fusion):
    """Takes the first answer and counts them in the sigma."""

    def __call__(self, means: torch.Tensor, sigmas: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        return means[0], torch.full_like(sigmas[0], len(sigmas))


@pytest.fixture
def four() -> LandmarkAnswers:
    """Candidate c is off by c along x and has sigma 1; the landmark 0 is on 0, 1 and 3, the landmark 1 on none."""
    means = torch.zeros(4, 2, 2, 2)
    means[..., 0] = torch.arange(4.0)[:, None, None]
    truth = torch.full((2, 2, 2), 10.0)
    truth[1, 0] = torch.nan
    marked = torch.tensor([[True, False], [True, False], [False, False], [True, False]])
    return answers_of(means + 10, torch.ones(4, 2, 2, 2), marked, truth)


@pytest.mark.parametrize(
    ("order", "examples", "first", "number"),
    [([3, 1, 0, 2], 2, 3, 2), ([2, 1, 0, 3], 1, 1, 1), ([2, 0, 1, 3], 2, 0, 2), ([1, 2, 3, 0], 10, 1, 3)],
)
def test_the_first_examples_that_have_the_landmark_are_taken(four, order, examples, first, number):
    errors, sigmas = four.fuse(order, examples, First())
    assert errors[0, 0].tolist() == [first, 0]
    assert sigmas[0, 0].tolist() == [number, number]


def test_without_truth_or_example_there_is_no_error(four):
    errors, _ = four.fuse(range(4), 4, First())
    assert errors[1].isnan().all() and errors[:, 1].isnan().all()
    assert errors[0, 0].isfinite().all()


def test_answers_of_like_sigma_become_their_mean_and_their_sigma_holds_the_spread(four):
    errors, sigmas = four.fuse(range(4), 4, InverseSigmaFusion())
    assert errors[0, 0].tolist() == pytest.approx([4 / 3, 0], abs=1e-5)
    variance = (0 + 1 + 9) / 3 - (4 / 3) ** 2
    assert sigmas[0, 0].tolist() == pytest.approx([math.sqrt(1 + variance), 1], rel=1e-5)


def test_an_answer_of_a_larger_sigma_weighs_less():
    means = torch.tensor([0.0, 3.0])[:, None, None, None].expand(2, 1, 1, 2)
    sigmas = torch.tensor([1.0, 2.0])[:, None, None, None].expand(2, 1, 1, 2)
    answers = answers_of(means, sigmas, torch.ones(2, 1, dtype=torch.bool), torch.zeros(1, 1, 2))
    # eq. 3: (0 / 1 + 3 / 2) / (1 / 1 + 1 / 2)
    assert answers.fuse([1, 0], 2, InverseSigmaFusion())[0].flatten().tolist() == pytest.approx([1, 1])


def test_a_second_look_moves_what_is_fused_just_as_inference_does(group):
    look, frames, labels = GradientRefinement(), group(), ["a", "b", "c"]
    answers = match_landmarks(NCCMatcher(), frames, labels, SIDE, second_look=look)
    errors, sigmas = answers.fuse(range(3), 3, InverseSigmaFusion())
    bank = ExampleBank(NCCMatcher(), SIDE, second_look=look)
    for one in frames.candidates:
        names = [label for label in labels if label in one.points]
        points = torch.stack([one.points[name] for name in names])
        bank.add(one.frame.image(), one.frame.prepared.fit.to_network(points), names)
    for t, target in enumerate(frames.targets):
        image = target.frame.image()
        found = MultiExampleInferer(bank)(image, bank.network)[0, :, :2]
        place = target.frame.prepared.fit.to_original(normalized_to_index(found, image.shape[2:]))
        known = ~answers.truth[t, :, 0].isnan()
        torch.testing.assert_close(errors[t][known], (place - answers.truth[t])[known], atol=1e-3, rtol=0)
    plain = match_landmarks(NCCMatcher(), frames, labels, SIDE).fuse(range(3), 3, InverseSigmaFusion())
    assert (plain[0] - errors).nan_to_num().abs().max() > 1e-2
    torch.testing.assert_close(plain[1], sigmas, equal_nan=True)
