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
"""Tests of landmark errors over repeated draws of examples, whose every answer is known."""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np
import pytest
import torch

from scripts.evaluation.frames import Frame, usable_frames
from scripts.evaluation.labelled_frames import LabelledFrame, LandmarkGroup
from scripts.evaluation.landmark_answers import LandmarkAnswers
from scripts.evaluation.landmark_trial import LandmarkTrial
from scripts.inferers.fusion import Fusion, InverseSigmaFusion

SPACING = (0.5, 2.0)


@pytest.fixture
def frames(tmp_path, write_frames, frame_dataset) -> list[Frame]:
    """Sixty frames of as many patients; the last one's file does not tell the spacing."""
    for i in range(59):
        write_frames(tmp_path / f"{i:02d}_a.nii", shape=(10, 10), spacing=SPACING)
    write_frames(tmp_path / "59_a.png", shape=(10, 10))
    return usable_frames(frame_dataset(tmp_path, (10, 10), stretch=True), 5)[0]


@pytest.fixture
def answers(frames) -> Callable[..., LandmarkAnswers]:
    """Answers (C, T, L, 2) that are off by what is given, with sigma 1 or what is given."""

    def known(
        errors: torch.Tensor, sigmas: torch.Tensor | None = None, first: int = 0, marked: torch.Tensor | None = None
    ) -> LandmarkAnswers:
        candidates, targets, labels = errors.shape[:3]
        truth = torch.full((targets, labels, 2), 5.0)
        points = {str(label): truth[0, 0] for label in range(labels)}
        group = LandmarkGroup(
            [LabelledFrame(frames[0], points)] * candidates,
            [LabelledFrame(frame, points) for frame in frames[first : first + targets]],
        )
        if marked is None:
            marked = torch.ones(candidates, labels, dtype=torch.bool)
        sigmas = torch.ones_like(errors) if sigmas is None else sigmas
        return LandmarkAnswers(group, marked, truth + errors, sigmas, truth)

    return known


def noise(*shape: int, sigma: float = 2.0, seed: int = 0) -> torch.Tensor:
    return torch.from_numpy(np.random.RandomState(seed).normal(0, sigma, (*shape, 2))).float()


def draw(answers, counts=(1,), draws: int = 20, seed: int = 0, fusion: Fusion | None = None) -> LandmarkTrial:
    return LandmarkTrial.draw(answers, counts, draws, fusion or InverseSigmaFusion(), seed)


class Bits(Fusion):
    """Adds up the answers: those of 1, 2, 4, 8 ... tell which ones they were."""

    def __call__(self, means: torch.Tensor, sigmas: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        return means.sum(dim=0), sigmas[0]


def drawn_sets(answers, counts, draws: int, seed: int = 0) -> dict[int, list[set[int]]]:
    """For each number of examples and each draw, which of the six candidates were taken."""
    bits = torch.tensor([float(2**c) for c in range(6)])[:, None, None, None].expand(6, 1, 1, 2)
    known = answers(bits)
    known.means.sub_(5.0)  # so that the sum of means is that of the bits
    trial = draw([known], counts, draws, seed, Bits())
    sums = {count: (errors[:, 0, 0, 0] + 5.0).round().int().tolist() for count, errors in trial.errors.items()}
    return {count: [{c for c in range(6) if one & 2**c} for one in many] for count, many in sums.items()}


def test_every_draw_takes_so_many_different_examples(answers):
    sets = drawn_sets(answers, [1, 2, 4], 200)
    for count, drawn in sets.items():
        assert len(drawn) == 200
        assert {len(one) for one in drawn} == {count}
        share = [sum(c in one for one in drawn) / 200 for c in range(6)]
        # each of the six is as likely; four standard errors
        assert share == pytest.approx([count / 6] * 6, abs=0.15)


def test_a_larger_number_of_examples_adds_to_a_smaller_one(answers):
    sets = drawn_sets(answers, [1, 2, 5], 50)
    for one, two, five in zip(sets[1], sets[2], sets[5], strict=True):
        assert one < two < five


def test_the_seed_decides_the_draws(answers):
    assert drawn_sets(answers, [2], 20, seed=1) == drawn_sets(answers, [2], 20, seed=1)
    assert drawn_sets(answers, [2], 20, seed=1) != drawn_sets(answers, [2], 20, seed=2)


def test_all_examples_there_are_leave_nothing_to_draw(answers):
    assert drawn_sets(answers, [5, 6], 7) == {5: drawn_sets(answers, [5], 7)[5], 6: [set(range(6))]}


def test_numbers_of_examples_that_there_are_not_are_left_out(answers):
    trial = draw([answers(noise(4, 2, 1))], [1, 3, 5, 10])
    assert list(trial.errors) == list(trial.sigmas) == [1, 3]
    assert (trial.fewest, trial.at_most(2), trial.at_most(3), trial.at_most(100), trial.at_most(0)) == (1, 1, 3, 3, 1)
    assert list(draw([answers(noise(4, 2, 1))], [5, 10]).errors) == [1]


def test_groups_are_drawn_each_for_itself_and_joined_in_order(answers, frames):
    first, second = torch.zeros(3, 2, 1, 2), torch.full((4, 5, 1, 2), 3.0)
    trial = draw([answers(first), answers(second, first=2)], [1, 3, 4])
    assert [target.frame for target in trial.targets] == frames[:7]
    for errors in trial.errors.values():
        assert errors[:, :2].abs().max() == 0
        assert (errors[:, 2:] == 3).all()
    assert {count: len(errors) for count, errors in trial.errors.items()} == {1: 20, 3: 20, 4: 1}


@pytest.mark.parametrize("count", [1, 4, 16])
def test_the_mean_of_k_answers_errs_by_a_rayleigh_distribution_of_sigma_over_the_root_of_k(answers, count):
    trial = draw([answers(noise(17, 50, 20))], [count])
    spread = 2.0 / math.sqrt(count)
    summary = trial.summary(count, range(20), thresholds=[0.5, 1, 2, 4, 6])
    assert summary["number"] == 20 * 50 * 20
    assert summary["mean_px"] == pytest.approx(spread * math.sqrt(math.pi / 2), rel=0.03)
    assert summary["sd_px"] == pytest.approx(spread * math.sqrt(2 - math.pi / 2), rel=0.04)
    for radius in (0.5, 1, 2, 4, 6):
        expected = 1 - math.exp(-(radius**2) / (2 * spread**2))
        assert summary[f"within_{radius:g}_px"] == pytest.approx(expected, abs=0.02)


def test_lengths_are_in_px_and_in_mm_by_each_images_spacing(answers, frames):
    errors = torch.tensor([3.0, 4.0]).expand(1, 3, 2, 2)
    px, mm = draw([answers(errors, first=57)]).lengths(1, [0, 1])
    assert px.tolist() == [[[5, 5]] * 3]
    expected = math.hypot(3 * SPACING[0], 4 * SPACING[1])
    torch.testing.assert_close(mm[0, :2], torch.full((2, 2), expected))
    assert mm[0, 2].isnan().all()  # the PNG


def test_a_summary_is_of_the_labels_that_are_asked_for(answers):
    errors = torch.zeros(1, 4, 3, 2)
    errors[:, :, 1, 0], errors[:, :, 2, 1] = 3.0, 7.0
    trial = draw([answers(errors)])
    for labels, mean in (([0], 0), ([1], 3), ([2], 7), ([0, 1], 1.5), ([0, 1, 2], 10 / 3)):
        summary = trial.summary(1, labels, [3, 6])
        assert summary["mean_px"] == pytest.approx(mean)
        assert summary["number"] == 4 * len(labels)
        assert summary["interval_95_px"] == pytest.approx([mean, mean])
    assert trial.summary(1, [1, 2], [3, 6])["within_3_px"] == 0.5  # 3 px is within 3 px
    assert trial.summary(1, [1])["examples"] == 1 and trial.summary(1, [1])["draws"] == 1


def test_the_interval_holds_the_mean_and_is_as_wide_as_the_spread_of_means(answers):
    widths = []
    for patients in (10, 40):
        summary = draw([answers(noise(1, patients, 4, seed=1))]).summary(1, range(4))
        low, high = summary["interval_95_px"]
        assert low < summary["mean_px"] < high
        assert low < 2 * math.sqrt(math.pi / 2) < high
        # the mean of so many patients' means of four landmarks
        standard_error = 2 * math.sqrt(2 - math.pi / 2) / math.sqrt(4 * patients)
        assert high - low == pytest.approx(2 * 1.96 * standard_error, rel=0.35)
        widths.append(high - low)
    assert widths[0] / widths[1] == pytest.approx(2, rel=0.4)


def test_images_of_one_patient_do_not_narrow_the_interval(answers):
    errors = noise(1, 10, 1)
    alone = answers(errors)
    ten_each = answers(errors.repeat_interleave(5, dim=1))
    ten_each.group.targets[:] = [target for target in alone.group.targets for _ in range(5)]
    assert draw([ten_each]).summary(1, [0])["interval_95_px"] == pytest.approx(
        draw([alone]).summary(1, [0])["interval_95_px"]
    )


def test_examples_that_differ_widen_the_interval(answers):
    errors = torch.zeros(8, 10, 1, 2)
    errors[..., 0] = torch.arange(8.0)[:, None, None]
    summary = draw([answers(errors)]).summary(1, [0])
    low, high = summary["interval_95_px"]
    assert summary["draws"] == 20 and high - low > 1
    assert draw([answers(errors)], [8]).summary(8, [0])["interval_95_px"] == pytest.approx([3.5, 3.5])


def test_the_curve_is_that_of_the_summaries(answers):
    trial = draw([answers(noise(9, 20, 3))], [1, 4, 9])
    curve = trial.curve([0, 2], seed=5)
    assert curve.counts == [1, 4, 9]
    for i, count in enumerate(curve.counts):
        summary = trial.summary(count, [0, 2], seed=5)
        assert curve.mean[i] == summary["mean_px"]
        assert [curve.low[i], curve.high[i]] == summary["interval_95_px"]


def test_residuals_are_all_errors_with_their_sigmas_without_those_that_are_missing(answers):
    errors, sigmas = noise(1, 3, 2), noise(1, 3, 2, seed=1).abs() + 0.1
    errors[0, 1, 0, 1] = torch.nan
    residuals = draw([answers(errors, sigmas)]).residuals(1)
    keep = [0, 1, 3, 4, 5]
    torch.testing.assert_close(residuals.errors, errors.reshape(-1, 2)[keep])
    torch.testing.assert_close(residuals.sigmas, sigmas.reshape(-1, 2)[keep])


@pytest.mark.parametrize("which", ["errors", "sigmas"])
def test_targets_of_answers_that_are_not_finite_are_named_once(answers, which):
    given = {"errors": torch.zeros(2, 4, 2, 2), "sigmas": torch.ones(2, 4, 2, 2)}
    given[which][0, 1, 0, 0] = torch.nan
    given[which][1, 1, 1, 1] = torch.inf
    given[which][1, 3, 0, 0] = torch.nan
    trial = draw([answers(**given)])
    assert trial.failed() == ["01_a.nii", "03_a.nii"]


def test_a_landmark_that_an_example_lacks_is_no_failure(answers):
    errors = torch.zeros(2, 2, 2, 2)
    errors[1, :, 1] = torch.nan
    trial = draw([answers(errors, marked=torch.tensor([[True, True], [True, False]]))], [1, 2])
    assert trial.failed() == []
    assert all(errors.abs().max() == 0 for errors in trial.errors.values())
