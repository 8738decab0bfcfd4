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
"""Tests of the vote of a landmark's surroundings: counts worked out by hand, and a slow count in plain loops."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from scripts.inferers import NeighborVoting

NAN = float("nan")
SIZE = (100, 80)
SIDE = 20


def make_voting(**settings: float) -> NeighborVoting:
    """8 neighbours, 5 px away; a vote 1.4 px off counts 0.6."""
    plain = {"rings": 1, "spacing": 0.25, "tolerance": 0.07, "border": 0.0, "least": 4, "own_lead": 0.25}
    return NeighborVoting(**{**plain, **settings})


ONE_RING = make_voting()


def ask(
    voting: NeighborVoting,
    own: tuple[float, float],
    votes: list[tuple[float, float]],
    voters: list[bool] | None = None,
    sigma: tuple[float, float] = (2.0, 3.0),
) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
    """Point, sigma and support of one landmark; the neighbours of which nothing is said are no voters."""
    offsets = voting.offsets(SIDE)
    missing = len(offsets) - len(votes)
    there = [True] * len(votes) if voters is None else voters
    found = voting(
        torch.tensor([own]),
        torch.tensor([sigma]),
        torch.tensor([votes + [(0.0, 0.0)] * missing]),
        torch.tensor([there + [False] * missing]),
        offsets,
        SIZE,
        SIDE,
    )
    return tuple(one[0] for one in found)


def loop_vote(
    voting: NeighborVoting,
    points: np.ndarray,
    sigmas: np.ndarray,
    votes: np.ndarray,
    voters: np.ndarray,
    offsets: np.ndarray,
    image_size: tuple[int, int],
    patch_size: int,
) -> list[list[tuple[np.ndarray, np.ndarray, float]]]:
    """What may come out for each landmark: one result, or those of all candidates that are equally good."""
    results = []
    for landmark in range(len(points)):
        candidates = [points[landmark]] + [
            vote if voter else np.full(2, NAN) for vote, voter in zip(votes[landmark], voters[landmark], strict=True)
        ]
        shifts = [np.zeros(2), *offsets]
        supports, opinions = [], []
        for i, candidate in enumerate(candidates):
            asked, weights = 0, {i: 1.0}
            for j, other in enumerate(candidates):
                if i == j or not (np.isfinite(candidate).all() and np.isfinite(other).all()):
                    continue
                place, margin = candidate + shifts[j], voting.border * patch_size
                if all(margin <= place[axis] + 0.5 <= image_size[axis] - margin for axis in range(2)):
                    asked += 1
                    distance = math.dist(candidate, other) / (voting.tolerance * patch_size)
                    weights[j] = math.exp(-0.5 * distance**2)
            supports.append((sum(weights.values()) - 1.0) / max(asked, voting.least))
            opinions.append(weights)
        scores = [support + (voting.own_lead if i == 0 else 0.0) for i, support in enumerate(supports)]
        possible = []
        for i, score in enumerate(scores):
            if score < max(scores) - 1e-9:
                continue
            support = supports[i] if voters[landmark].any() else NAN
            if i == 0:
                possible.append((points[landmark], sigmas[landmark], support))
            else:
                total = sum(opinions[i].values())
                mean = sum(weight * candidates[j] for j, weight in opinions[i].items()) / total
                variance = sum(weight * (candidates[j] - mean) ** 2 for j, weight in opinions[i].items()) / total
                possible.append((mean, np.sqrt(variance), support))
        results.append(possible)
    return results


# offsets


@pytest.mark.parametrize("rings", [1, 2, 3])
@pytest.mark.parametrize(("spacing", "patch_size", "step"), [(0.25, 40, 10), (0.25, 46, 12), (0.1, 31, 3), (1, 7, 7)])
def test_neighbours_lie_on_a_square_grid_around_the_landmark(rings, spacing, patch_size, step):
    offsets = NeighborVoting(rings=rings, spacing=spacing).offsets(patch_size)
    assert offsets.dtype == torch.float32
    assert offsets.shape == ((2 * rings + 1) ** 2 - 1, 2)
    found = {tuple(offset) for offset in offsets.tolist()}
    steps = [step * i for i in range(-rings, rings + 1)]
    assert found == {(float(x), float(y)) for x in steps for y in steps} - {(0.0, 0.0)}
    assert {(-x, -y) for x, y in found} == found
    ring = offsets.abs().amax(dim=1) / step
    assert [int((ring == number).sum()) for number in range(1, rings + 1)] == [8 * n for n in range(1, rings + 1)]


# which answer is taken


def test_a_lookalike_is_replaced_by_what_the_surroundings_agree_on():
    point, sigma, support = ask(ONE_RING, (90.0, 20.0), [(50.0, 40.0)] * 8)
    assert point.tolist() == [50.0, 40.0]
    assert sigma.tolist() == [0.0, 0.0]
    assert support.item() == pytest.approx(7 / 8)


def test_a_few_neighbours_that_were_not_found_do_not_move_the_consensus():
    votes = [(50.0, 40.0), (20.0, 60.0)] + [(50.0, 40.0)] * 5 + [(75.0, 12.0)]
    point, sigma, support = ask(ONE_RING, (90.0, 20.0), votes)
    torch.testing.assert_close(point, torch.tensor([50.0, 40.0]))
    torch.testing.assert_close(sigma, torch.zeros(2), atol=1e-3, rtol=0)
    assert support.item() == pytest.approx(5 / 8)


def test_the_own_answer_is_kept_with_its_sigma_where_its_surroundings_agree():
    votes = [(50.0 + 0.1 * i, 40.0 - 0.2 * i) for i in range(8)]
    point, sigma, support = ask(ONE_RING, (50.3, 39.7), votes, sigma=(0.123, 4.567))
    assert torch.equal(point, torch.tensor([50.3, 39.7]))
    assert torch.equal(sigma, torch.tensor([0.123, 4.567]))
    expected = np.mean([math.exp(-0.5 * math.dist((50.3, 39.7), vote) ** 2 / 1.4**2) for vote in votes])
    assert support.item() == pytest.approx(expected, abs=1e-5)


def test_the_own_answer_is_kept_where_nobody_agrees():
    votes = [(10.0 * i, 75.0 - 9.0 * i) for i in range(8)]
    point, sigma, support = ask(ONE_RING, (90.0, 40.0), votes)
    assert point.tolist() == [90.0, 40.0]
    assert sigma.tolist() == [2.0, 3.0]
    assert support.item() == pytest.approx(0.0, abs=1e-6)


@pytest.mark.parametrize(("own_lead", "taken"), [(0.0, True), (0.24, True), (0.26, False), (0.9, False)])
def test_a_vote_needs_more_support_than_the_own_answer_by_its_lead(own_lead, taken):
    # 3 of 8 agree with the own answer; each of the other 5 has the 4 others on its side, and one may be missing
    votes = [(30.0, 40.0)] * 2 + [(60.0, 40.0)] * 5 + [(90.0, 70.0)]
    point, sigma, support = ask(make_voting(own_lead=own_lead), (30.0, 40.0), votes)
    assert point.tolist() == pytest.approx([60.0 if taken else 30.0, 40.0])
    assert sigma.tolist() == pytest.approx([0.0, 0.0] if taken else [2.0, 3.0], abs=1e-3)
    assert support.item() == pytest.approx(4 / 8 if taken else 2 / 8)


def test_a_vote_at_the_tolerance_counts_0_6():
    voting = make_voting(tolerance=0.25, least=1)
    for way, counted in [((0.0, 0.0), 1.0), ((3.0, 4.0), math.exp(-0.5)), ((-6.0, 8.0), math.exp(-2.0))]:
        assert ask(voting, (50.0, 40.0), [(50.0 + way[0], 40.0 + way[1])])[2].item() == pytest.approx(counted)


# who is asked


# neighbours in order: (-5, -5), (-5, 0), (-5, 5), (0, -5), (0, 5), (5, -5), (5, 0), (5, 5)
@pytest.mark.parametrize(
    ("own", "inside"),
    [
        ((0.0, 0.0), [4, 6, 7]),
        ((99.0, 79.0), [0, 1, 3]),
        ((0.0, 79.0), [3, 5, 6]),
        ((0.0, 40.0), [3, 4, 5, 6, 7]),
        ((4.5, 4.5), range(8)),
        ((4.25, 4.5), range(3, 8)),
        ((94.5, 74.5), range(8)),
        ((94.5, 74.75), [0, 1, 3, 5, 6]),
    ],
)
@pytest.mark.parametrize("least", [1, 4])
def test_neighbours_outside_of_the_image_are_not_asked(own, inside, least):
    voting = make_voting(least=least, own_lead=2.0)
    for agreeing in (list(inside), list(inside)[1:]):
        votes = [own if i in agreeing else (50.0 + 4 * i, 10.0 + 7 * i) for i in range(8)]
        point, _, support = ask(voting, own, votes)
        assert point.tolist() == list(own)
        assert support.item() == pytest.approx(len(agreeing) / max(len(inside), least), abs=1e-3)


@pytest.mark.parametrize(
    ("own", "inside"),
    [
        ((7.0, 40.0), range(8)),
        ((6.75, 40.0), range(3, 8)),
        ((92.0, 72.0), range(8)),
        ((92.0, 72.25), [0, 1, 3, 5, 6]),
        ((2.0, 2.0), [4, 6, 7]),
        ((1.75, 2.0), [6, 7]),
    ],
)
def test_neighbours_at_the_border_are_not_asked(own, inside):
    voting = make_voting(border=0.125, least=1, own_lead=2.0)  # 2.5 px from the edge
    for agreeing in (list(inside), list(inside)[1:]):
        votes = [own if i in agreeing else (50.0 + 4 * i, 10.0 + 7 * i) for i in range(8)]
        assert ask(voting, own, votes)[2].item() == pytest.approx(len(agreeing) / len(inside), abs=1e-3)


def test_of_so_many_neighbours_at_least_support_is_a_share():
    for least, expected in [(1, 1.0), (3, 1.0), (4, 0.75), (6, 0.5)]:
        voting = make_voting(least=least)
        assert ask(voting, (50.0, 40.0), [(50.0, 40.0)] * 3)[2].item() == pytest.approx(expected)


def test_two_that_agree_by_chance_are_not_taken_where_more_are_needed():
    for least, taken in [(1, True), (8, False)]:
        point, _, _ = ask(make_voting(least=least), (20.0, 40.0), [(70.0, 40.0)] * 2)
        assert point[0].item() == pytest.approx(70.0 if taken else 20.0)


def test_neighbours_without_a_vote_do_not_count():
    votes = [(50.0, 40.0)] * 5 + [(20.0, 20.0)] * 3
    expected = ask(ONE_RING, (50.0, 40.0), votes[:5])
    assert expected[2].item() == 1.0
    found = ask(ONE_RING, (50.0, 40.0), votes, voters=[True] * 5 + [False] * 3)
    for one, other in zip(found, expected, strict=True):
        assert torch.equal(one, other)


def test_what_stands_in_for_missing_votes_is_never_taken():
    voters = [i in (4, 6, 7) for i in range(8)]
    votes = [(0.4, 0.4) if voter else (0.0, 0.0) for voter in voters]
    point, sigma, support = ask(ONE_RING, (90.0, 20.0), votes, voters)
    assert support.item() == pytest.approx(2 / 4)
    torch.testing.assert_close(point, torch.tensor([0.4, 0.4]))
    torch.testing.assert_close(sigma, torch.zeros(2), atol=1e-3, rtol=0)


# nothing to count


@pytest.mark.parametrize("vote", [(50.0, 40.0), (NAN, NAN)])
def test_a_landmark_with_no_neighbour_stays_and_its_support_is_unknown(vote):
    point, sigma, support = ask(ONE_RING, (20.0, 30.0), [vote] * 8, voters=[False] * 8)
    assert point.tolist() == [20.0, 30.0]
    assert sigma.tolist() == [2.0, 3.0]
    assert support.isnan()


def test_an_own_answer_that_is_not_finite_with_no_neighbour_stays():
    point, sigma, support = ask(ONE_RING, (NAN, NAN), [], sigma=(NAN, NAN))
    assert torch.stack([point, sigma]).isnan().all() and support.isnan()


@pytest.mark.parametrize("bad", [(NAN, NAN), (NAN, 40.0), (50.0, float("inf")), (-float("inf"), 40.0)])
def test_votes_that_are_not_finite_are_none(bad):
    votes = [(50.0, 40.0), (51.0, 40.0), (50.0, 41.0), (49.5, 40.5), (50.5, 39.5), (20.0, 20.0)]
    for own in [(50.0, 40.0), (90.0, 20.0)]:
        expected = ask(ONE_RING, own, votes)
        found = ask(ONE_RING, own, [*votes, bad, bad])
        for one, other in zip(found, expected, strict=True):
            assert torch.equal(one, other)
            assert one.isfinite().all()


@pytest.mark.parametrize("bad", [(NAN, NAN), (NAN, 40.0), (50.0, float("inf"))])
def test_an_own_answer_that_is_not_finite_gives_way_to_the_consensus(bad):
    point, sigma, support = ask(ONE_RING, bad, [(50.0, 40.0)] * 8, sigma=(NAN, NAN))
    assert point.tolist() == [50.0, 40.0]
    assert sigma.tolist() == [0.0, 0.0]
    assert support.item() == 1.0


def test_an_own_answer_that_is_not_finite_stays_where_no_vote_has_support():
    votes = [(50.0, 40.0)] * 2 + [(10.0 * i, 75.0 - 9.0 * i) for i in range(6)]
    point, _, support = ask(ONE_RING, (NAN, NAN), votes, sigma=(NAN, NAN))
    assert point.isnan().all() and support.item() == 0.0


@pytest.mark.parametrize("settings", [{"tolerance": NAN}, {"spacing": NAN}, {"least": 0}])
def test_settings_that_are_not_above_zero_are_refused(settings):
    with pytest.raises(ValueError, match="have all to be above 0"):
        NeighborVoting(**settings)


def test_neighbours_never_lie_on_the_landmark():
    assert NeighborVoting(rings=1).offsets(2).abs().amax(dim=1).tolist() == [1.0] * 8


def test_votes_that_are_all_not_finite_support_nothing():
    point, sigma, support = ask(ONE_RING, (20.0, 30.0), [(NAN, NAN)] * 8)
    assert point.tolist() == [20.0, 30.0]
    assert sigma.tolist() == [2.0, 3.0]
    assert support.item() == 0.0


# mean and standard deviation


def test_mean_and_standard_deviation_of_three_votes_by_hand():
    voting = make_voting(tolerance=0.1, least=1)
    votes = [(50.0, 40.0), (52.0, 40.0), (50.0, 38.0)]
    point, sigma, support = ask(voting, (90.0, 20.0), votes)
    a = math.exp(-0.5)
    share = a / (1 + 2 * a)
    torch.testing.assert_close(point, torch.tensor([50 + 2 * share, 40 - 2 * share]))
    spread = math.sqrt(4 * share - (2 * share) ** 2)
    torch.testing.assert_close(sigma, torch.tensor([spread, spread]))
    # the own answer is asked too
    assert support.item() == pytest.approx(2 * a / 3)


def test_the_own_answer_counts_as_a_vote_for_a_neighbour_that_is_taken():
    voting = make_voting(tolerance=0.1, least=1, own_lead=0.0)
    point, sigma, support = ask(voting, (48.0, 40.0), [(50.0, 40.0), (52.0, 40.0)])
    a = math.exp(-0.5)
    torch.testing.assert_close(point, torch.tensor([50.0, 40.0]))
    torch.testing.assert_close(sigma, torch.tensor([math.sqrt(8 * a / (1 + 2 * a)), 0.0]))
    assert support.item() == pytest.approx(a)


def random_ballot(
    rng: np.random.Generator, landmarks: int, neighbors: int, size: tuple[int, int], scatter: float
) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """Own answers, sigmas, votes and voters on half pixels: many near one place, others anywhere, some none."""
    truth = rng.uniform(-5, np.array(size) + 5, (landmarks, 1, 2))
    near = truth + rng.normal(0, scatter, (landmarks, 1 + neighbors, 2))
    anywhere = rng.uniform(-10, np.array(size) + 10, near.shape)
    found = rng.random((landmarks, 1 + neighbors, 1))
    share = rng.random((landmarks, 1, 1))
    answers = np.round(2 * np.where(found < share, near, anywhere)) / 2
    answers[rng.random(answers.shape[:2]) < 0.1] = NAN
    voters = rng.random((landmarks, neighbors)) < rng.choice([0.0, 0.3, 1.0], (landmarks, 1))
    return answers[:, 0], rng.uniform(0.5, 5, (landmarks, 2)), answers[:, 1:], voters


@settings(max_examples=60, deadline=None, derandomize=True)
@given(
    rings=st.integers(1, 2),
    spacing=st.floats(0.1, 0.8),
    tolerance=st.floats(0.03, 0.4),
    border=st.sampled_from([0.0, 0.125, 0.25, 0.5]),
    least=st.integers(1, 10),
    own_lead=st.floats(0.0, 0.6),
    size=st.tuples(st.integers(10, 80), st.integers(10, 80)),
    patch_size=st.integers(6, 40),
    landmarks=st.integers(0, 4),
    scatter=st.floats(0.0, 6.0),
    seed=st.integers(0, 10_000),
)
def test_it_counts_as_slow_loops_do(
    rings, spacing, tolerance, border, least, own_lead, size, patch_size, landmarks, scatter, seed
):
    voting = NeighborVoting(
        rings=rings, spacing=spacing, tolerance=tolerance, border=border, least=least, own_lead=own_lead
    )
    offsets = voting.offsets(patch_size).double()
    ballot = random_ballot(np.random.default_rng(seed), landmarks, len(offsets), size, scatter)
    found = voting(*(torch.from_numpy(one) for one in ballot), offsets, size, patch_size)
    assert [tuple(one.shape) for one in found] == [(landmarks, 2), (landmarks, 2), (landmarks,)]
    for i, possible in enumerate(loop_vote(voting, *ballot, offsets.numpy(), size, patch_size)):
        if any(np.isnan(point).any() for point, _, _ in possible):
            continue  # no own answer, and too few agree on another
        result = torch.cat([found[0][i], found[1][i], found[2][i : i + 1]]).numpy()
        assert any(np.allclose(result, np.hstack(one), atol=1e-6, equal_nan=True) for one in possible)


def test_each_landmark_is_counted_by_itself():
    offsets = ONE_RING.offsets(SIDE)
    ballot = [torch.from_numpy(one) for one in random_ballot(np.random.default_rng(4), 12, 8, SIZE, 1.0)]
    ballot = [one.float() if one.is_floating_point() else one for one in ballot]
    found = ONE_RING(*ballot, offsets, SIZE, SIDE)
    assert found[2].isnan().any() and (found[2] > 0.5).any()
    for i in range(12):
        alone = ONE_RING(*(one[i : i + 1] for one in ballot), offsets, SIZE, SIDE)
        for one, together in zip(alone, found, strict=True):
            assert one.dtype == together.dtype == torch.float32
            torch.testing.assert_close(one[0], together[i], equal_nan=True)


def test_what_is_given_is_left_as_it_was():
    ballot = [torch.from_numpy(one) for one in random_ballot(np.random.default_rng(1), 5, 8, SIZE, 1.0)]
    before = [one.clone() for one in ballot]
    ONE_RING(*ballot, ONE_RING.offsets(SIDE), SIZE, SIDE)
    for one, other in zip(ballot, before, strict=True):
        torch.testing.assert_close(one, other, equal_nan=True, atol=0, rtol=0)


# settings


@pytest.mark.parametrize("setting", ["rings", "least", "examples", "spacing", "tolerance"])
@pytest.mark.parametrize("value", [0, -1])
def test_settings_that_leave_nothing_to_count_are_refused(setting, value):
    with pytest.raises(ValueError, match=rf"{setting}=.* have all to be above 0"):
        NeighborVoting(**{setting: value})


@pytest.mark.parametrize("value", [-0.1, NAN])
def test_a_lead_for_votes_is_refused(value):
    with pytest.raises(ValueError, match="own_lead is .* must be 0 or more"):
        NeighborVoting(own_lead=value)
