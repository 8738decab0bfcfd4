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
"""Tests of the surroundings of examples on a texture whose motion is known, with cross-correlation as the matcher."""

from __future__ import annotations

import math

import pytest
import torch

from scripts.classical import NCCMatcher
from scripts.inferers import NeighborVoting
from scripts.inferers.neighbor_bank import NeighborBank

SHAPE = (80, 64)
SIDE = 16  # neighbours 4 and 8 px from the landmark
APEX, VALVE, CORNER = (30.0, 26.0), (48.0, 38.0), (3.0, 60.0)
FAR = (70.0, 8.0)


def moved(shift: tuple[float, float] = (0.0, 0.0), seed: int = 0) -> torch.Tensor:
    """A smooth, irregular texture, a sum of waves, all of which has moved by a shift, px."""
    generator = torch.Generator().manual_seed(seed)
    angles, phases = 2 * math.pi * torch.rand(2, 24, generator=generator)
    numbers = 2 * math.pi / (8.0 + 16.0 * torch.rand(24, generator=generator))
    x, y = torch.arange(SHAPE[0])[:, None, None] - shift[0], torch.arange(SHAPE[1])[None, :, None] - shift[1]
    waves = torch.sin(x * numbers * angles.cos() + y * numbers * angles.sin() + phases)
    return 0.5 + 0.05 * waves.sum(dim=-1)[None, None]


def noise(seed: int = 0) -> torch.Tensor:
    return torch.rand(1, 1, *SHAPE, generator=torch.Generator().manual_seed(seed))


class Counting(NCCMatcher):
    """Cross-correlation that counts what it is asked for."""

    def __init__(self) -> None:
        super().__init__()
        self.encoded: list[int] = []
        self.matched: list[int] = []

    def encode_patch(self, patch: torch.Tensor) -> torch.Tensor:
        self.encoded.append(len(patch))
        return super().encode_patch(patch)

    def match(self, image_code: torch.Tensor, patch_code: torch.Tensor) -> torch.Tensor:
        self.matched.append(len(patch_code))
        return super().match(image_code, patch_code)


class Leaning(NCCMatcher):
    """Cross-correlation that is always wrong by the same way."""

    def match(self, image_code: torch.Tensor, patch_code: torch.Tensor) -> torch.Tensor:
        return super().match(image_code, patch_code) + torch.tensor([0.015, -0.02, 0.0, 0.0])


class Ballot(NeighborVoting):
    """Voting that keeps what it was given."""

    def __init__(self, **settings: float) -> None:
        plain = {"rings": 2, "spacing": 0.25, "tolerance": 0.07, "border": 0.0, "least": 4, "own_lead": 0.25}
        super().__init__(**{**plain, "examples": 3, **settings})

    def __call__(self, points: torch.Tensor, sigmas: torch.Tensor, votes: torch.Tensor, voters: torch.Tensor, *rest):
        self.votes, self.voters = votes, voters
        return super().__call__(points, sigmas, votes, voters, *rest)


def make_bank(voting: Ballot | None = None, matcher: NCCMatcher | None = None) -> NeighborBank:
    return NeighborBank(matcher or NCCMatcher(), SIDE, SHAPE, voting or Ballot())


def add(bank: NeighborBank, image: torch.Tensor, **points: tuple[float, float]) -> None:
    bank.add(image, bank.matcher.encode_image(image), torch.tensor(list(points.values())), list(points))


def bank_of(voting: Ballot | None = None, matcher: NCCMatcher | None = None, **points: tuple[float, float]):
    """Examples on the texture that has not moved."""
    bank = make_bank(voting, matcher)
    add(bank, moved(), **points)
    return bank


def vote(
    bank: NeighborBank, image: torch.Tensor, *own: tuple[float, float]
) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
    points = torch.tensor(own).reshape(-1, 2)
    return bank.vote(bank.matcher.encode_image(image), points, torch.full_like(points, 2.5))


def plus(point: tuple[float, float], shift: tuple[float, float]) -> tuple[float, float]:
    return point[0] + shift[0], point[1] + shift[1]


# where the texture went


@pytest.mark.parametrize("shift", [(0.0, 0.0), (3.7, -2.2), (-4.4, 5.1), (8.0, 6.0)])
def test_an_answer_that_moved_with_its_surroundings_is_kept(shift):
    own = plus(APEX, shift), plus(VALVE, shift)
    points, sigmas, support = vote(bank_of(apex=APEX, valve=VALVE), moved(shift), *own)
    assert torch.equal(points, torch.tensor(own))
    assert torch.equal(sigmas, torch.full((2, 2), 2.5))
    assert ((support > 0.9) & (support <= 1.0)).all()


@pytest.mark.parametrize("shift", [(0.0, 0.0), (3.7, -2.2), (-4.4, 5.1), (8.0, 6.0)])
def test_an_answer_that_is_far_off_is_replaced_by_where_the_surroundings_went(shift):
    points, sigmas, support = vote(bank_of(apex=APEX, valve=VALVE), moved(shift), FAR, APEX[::-1])
    expected = torch.tensor([plus(APEX, shift), plus(VALVE, shift)])
    torch.testing.assert_close(points, expected, atol=0.2, rtol=0)
    assert (sigmas < 0.5).all()
    assert ((support > 0.85) & (support <= 1.0)).all()


def test_an_answer_of_none_is_replaced_too():
    points, _, support = vote(bank_of(apex=APEX), moved((2.0, 1.0)), (float("nan"), float("nan")))
    torch.testing.assert_close(points, torch.tensor([[32.0, 27.0]]), atol=0.2, rtol=0)
    assert support > 0.9


@pytest.mark.parametrize("image", [noise(), noise(1), moved(seed=1)], ids=["noise", "noise again", "other texture"])
def test_an_image_of_something_else_gives_little_support(image):
    points, sigmas, support = vote(bank_of(apex=APEX, valve=VALVE), image, APEX, VALVE)
    assert torch.equal(points, torch.tensor([APEX, VALVE]))
    assert torch.equal(sigmas, torch.full((2, 2), 2.5))
    assert (support < 0.2).all()


def test_what_the_matcher_is_wrong_by_in_the_example_is_taken_off():
    shift = (2.0, -3.0)
    plain = vote(bank_of(apex=APEX), moved(shift), FAR)
    leaning = vote(bank_of(matcher=Leaning(), apex=APEX), moved(shift), FAR)
    for one, other in zip(leaning, plain, strict=True):
        torch.testing.assert_close(one, other, atol=1e-4, rtol=0)


# who has a vote


@pytest.mark.parametrize("point", [APEX, CORNER, (0.0, 0.0), (79.0, 63.0), (7.0, 30.0), (40.0, 56.5)])
def test_neighbours_outside_of_the_example_have_no_vote(point):
    voting = Ballot()
    _, _, support = vote(bank_of(voting, landmark=point), moved(), point)
    places = torch.tensor(point) + voting.offsets(SIDE)
    inside = ((places >= 0) & (places <= torch.tensor(SHAPE) - 1)).all(dim=1)
    assert torch.equal(voting.voters, inside[None])
    assert 0 < inside.sum() < 24 or point == APEX
    assert support > 0.9


def test_neighbours_that_moved_to_the_border_are_not_counted():
    at, shift = (14.0, 26.0), (-10.0, 0.0)
    supports = []
    for border in (0.0, 0.125, 0.375):
        points, _, support = vote(bank_of(Ballot(border=border), apex=at), moved(shift), plus(at, shift))
        assert points.tolist() == [[4.0, 26.0]]
        supports.append(support.item())
    # in x, 4 px apart, the first lies outside; the second, on the border, and the third are cut off
    assert supports[0] < 0.6
    assert 0.65 < supports[1] < 0.8
    assert supports[2] > 0.95


def test_a_textureless_surrounding_has_no_vote():
    image = moved()
    image[..., 36:] = 0.5
    voting = Ballot()
    bank = make_bank(voting)
    add(bank, image, edge=(30.0, 40.0))
    points, _, support = vote(bank, image, (30.0, 40.0))
    # the constant part starts at 36; patches reach 8 px from their centres, at 32, 36, 40, 44 and 48
    assert torch.equal(voting.voters, voting.offsets(SIDE)[None, :, 1] < 4)
    assert torch.equal(points, torch.tensor([[30.0, 40.0]]))
    assert support > 0.9


def test_a_landmark_with_no_texture_around_it_stays_and_its_support_is_unknown():
    image = moved()
    image[..., 20:] = 0.5
    bank = make_bank()
    add(bank, image, nothing=(30.0, 48.0), valve=(40.0, 10.0))
    points, sigmas, support = vote(bank, image, FAR, FAR)
    assert points[0].tolist() == list(FAR)
    assert sigmas[0].tolist() == [2.5, 2.5]
    assert support.isnan().tolist() == [True, False]
    torch.testing.assert_close(points[1], torch.tensor([40.0, 10.0]), atol=0.2, rtol=0)


def test_landmarks_whose_neighbours_are_all_outside_keep_their_place_in_the_order():
    voting, matcher = Ballot(spacing=3.0, rings=1), Counting()
    bank = bank_of(voting, matcher, middle=(40.0, 32.0), corner=(10.0, 10.0), beside=(44.0, 30.0))
    assert matcher.encoded == [3]
    points, _, support = vote(bank, moved(), FAR, (10.0, 10.0), APEX)
    assert support.isnan().tolist() == [True, False, True]
    assert points.tolist() == [list(FAR), [10.0, 10.0], list(APEX)]


def test_landmarks_with_different_numbers_of_neighbours_answer_as_each_alone():
    shift = (1.0, -2.0)
    own = {"corner": FAR, "apex": plus(APEX, shift), "valve": FAR}
    at = {"corner": CORNER, "apex": APEX, "valve": VALVE}
    voting = Ballot()
    together = vote(bank_of(voting, **at), moved(shift), *own.values())
    assert voting.voters.sum(dim=1).tolist() == [8, 24, 24]
    for i, label in enumerate(at):
        alone = vote(bank_of(**{label: at[label]}), moved(shift), own[label])
        for one, other in zip(alone, together, strict=True):
            torch.testing.assert_close(one[0], other[i], atol=1e-3, rtol=1e-4)
    torch.testing.assert_close(together[0][2], torch.tensor(plus(VALVE, shift)), atol=0.2, rtol=0)


# names


def test_landmarks_answer_in_the_order_in_which_their_labels_came():
    bank = bank_of(valve=VALVE, apex=APEX)
    add(bank, moved((2.0, 2.0)), septum=(27.0, 46.0), valve=plus(VALVE, (2.0, 2.0)))
    points, _, _ = vote(bank, moved((1.0, -1.0)), FAR, FAR, FAR)
    expected = torch.tensor([VALVE, APEX, (25.0, 44.0)]) + torch.tensor([1.0, -1.0])
    torch.testing.assert_close(points, expected, atol=0.2, rtol=0)


def test_a_dropped_landmark_is_forgotten_and_comes_back_last():
    bank = bank_of(valve=VALVE, apex=APEX, corner=CORNER)
    bank.drop("valve")
    expected = vote(bank_of(apex=APEX, corner=CORNER), moved(), FAR, FAR)
    for one, other in zip(vote(bank, moved(), FAR, FAR), expected, strict=True):
        torch.testing.assert_close(one, other)
    add(bank, moved((2.0, 3.0)), valve=plus(VALVE, (2.0, 3.0)))
    points, _, support = vote(bank, moved(), APEX, CORNER, FAR)
    torch.testing.assert_close(points, torch.tensor([APEX, CORNER, VALVE]), atol=0.2, rtol=0)
    assert (support[[0, 2]] > 0.9).all()


def test_a_bank_without_landmarks_has_nothing_to_say():
    bank = bank_of(apex=APEX, valve=VALVE)
    bank.drop("apex")
    bank.drop("valve")
    for empty in (bank, make_bank()):
        assert [tuple(one.shape) for one in vote(empty, moved())] == [(0, 2), (0, 2), (0,)]


def test_an_unknown_landmark_is_not_dropped():
    bank = bank_of(apex=APEX)
    with pytest.raises(KeyError, match="valve"):
        bank.drop("valve")
    assert vote(bank, moved(), APEX)[2] > 0.9


def test_a_renamed_landmark_keeps_its_surroundings_and_its_place():
    bank = bank_of(valve=VALVE, apex=APEX, corner=CORNER)
    expected = vote(bank, moved((1.0, 1.0)), FAR, FAR, FAR)
    bank.rename("valve", "new")
    bank.rename("apex", "tip")
    for one, other in zip(vote(bank, moved((1.0, 1.0)), FAR, FAR, FAR), expected, strict=True):
        assert torch.equal(one, other)
    bank.drop("tip")
    for one, other in zip(vote(bank, moved((1.0, 1.0)), FAR, FAR), expected, strict=True):
        torch.testing.assert_close(one, other[[0, 2]], atol=1e-4, rtol=0)


def test_examples_under_the_new_name_are_of_the_same_landmark():
    bank = bank_of(Ballot(examples=2), matcher := Counting(), apex=APEX)
    bank.rename("apex", "tip")
    for _ in range(3):
        add(bank, moved(), tip=APEX)
    assert matcher.encoded == [24, 24]
    add(bank, moved(), apex=VALVE)
    points, _, _ = vote(bank, moved(), FAR, FAR)
    torch.testing.assert_close(points, torch.tensor([APEX, VALVE]), atol=0.2, rtol=0)


# many examples


@pytest.mark.parametrize("examples", [1, 2, 3])
def test_only_the_surroundings_of_the_first_examples_are_encoded(examples):
    matcher = Counting()
    bank = bank_of(Ballot(examples=examples), matcher, apex=APEX, corner=CORNER)
    assert matcher.encoded == [24, 8]
    for i in range(4):
        add(bank, moved((float(i), 0.0)), apex=plus(APEX, (i, 0.0)))
    assert matcher.encoded == [24, 8] + [24] * (examples - 1)
    bank.drop("apex")
    points = torch.tensor([VALVE] * 5)
    bank.add(moved(), moved(), points, ["valve"] * 5)
    assert matcher.encoded == [24, 8] + [24] * (examples - 1) + [24] * examples


def test_each_offset_is_asked_once_however_many_examples_there_are():
    matcher = Counting()
    bank = make_bank(Ballot(examples=4), matcher)
    for i in range(5):
        add(bank, moved((0.0, float(i))), apex=plus(APEX, (0.0, i)), corner=CORNER)
        matcher.matched.clear()
        vote(bank, moved(), APEX, CORNER)
        assert matcher.matched == [24 + 8]
    matcher.encoded.clear()
    vote(bank, moved(), APEX, CORNER)
    assert matcher.encoded == []


def test_examples_are_asked_in_turn():
    voting = Ballot()
    bank = make_bank(voting)
    textures = [moved(seed=seed) for seed in range(3)]
    for texture in textures:
        add(bank, texture, apex=APEX)
    heard = []
    for texture in textures:
        _, _, support = vote(bank, texture, APEX)
        assert support.item() == pytest.approx(8 / 24, abs=0.05)
        heard.append((voting.votes[0] - torch.tensor(APEX)).norm(dim=1) < 0.2)
    assert voting.voters.all()
    assert (torch.stack(heard).sum(dim=0) == 1).all()
    assert [int(one.sum()) for one in heard] == [8, 8, 8]


def test_another_example_is_asked_for_the_neighbours_that_one_does_not_have():
    voting = Ballot()
    bank = bank_of(voting, apex=(2.0, 2.0))
    add(bank, moved((28.0, 24.0)), apex=(30.0, 26.0))
    points, _, support = vote(bank, moved((20.0, 20.0)), FAR)
    assert voting.voters.all()
    torch.testing.assert_close(points, torch.tensor([[22.0, 22.0]]), atol=0.3, rtol=0)
    assert support > 0.7
