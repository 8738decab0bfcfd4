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
"""Tests of the cyclic error with matchers of known answers, and against its definition with the network."""

from __future__ import annotations

import math
from collections.abc import Iterator

import pytest
import torch

from scripts.metrics.cyclic_error import (
    cyclic_error,
    encode_patches,
    grid_points,
    match_in_chunks,
    match_in_own_image,
    match_points,
    matching_bias,
    round_trips,
)
from scripts.networks import CorrelationHead, RegressionHead, ResidualEncoder, TemplateMatchingNetwork
from scripts.transforms.coordinates import normalized_to_index
from scripts.transforms.patch import extract_patches

SHAPE = (40, 30)
POINTS = torch.tensor([[20.0, 10.0], [12.0, 8.5], [30.25, 21.0], [0.0, 29.0]])


class RampMatcher:
    """Reads the position off the images: channels hold x and y of the source, the last one marks the inside.

    A patch of one pixel is the source's position at its centre; the answer in an image is that position moved by what
    the image's ramps say, plus an error of ``offset``.
    """

    def __init__(self, offset: tuple[float, float] = (0.0, 0.0)) -> None:
        self.offset = torch.tensor(offset)
        self.encoded_images: list[int] = []
        self.encoded_patches: list[int] = []
        self.matched: list[int] = []

    def encode_image(self, image: torch.Tensor) -> torch.Tensor:
        self.encoded_images.append(len(image))
        return image[:, :, 0, 0]  # source position of its first pixel

    def encode_patch(self, patch: torch.Tensor) -> torch.Tensor:
        self.encoded_patches.append(len(patch))
        return patch[:, :, 0, 0]

    def match(self, image_code: torch.Tensor, patch_code: torch.Tensor) -> torch.Tensor:
        self.matched.append(len(patch_code))
        found = patch_code - image_code + self.offset
        normalized = torch.stack([(2 * found[:, i] + 1) / SHAPE[i] - 1 for i in range(2)], dim=1)
        return torch.cat([normalized, torch.zeros_like(found)], dim=1)


def ramps(*shifts: tuple[float, float]) -> torch.Tensor:
    """Images whose pixel values are positions in the source; each image is moved by a shift."""
    x, y = torch.meshgrid(*[torch.arange(float(size)) for size in SHAPE], indexing="ij")
    return torch.stack([torch.stack([x - dx, y - dy]) for dx, dy in shifts])


def random_network(head: type = CorrelationHead) -> TemplateMatchingNetwork:
    """Always the same one."""
    torch.manual_seed(0)
    encoders = ResidualEncoder(channels=(4, 6, 8)), ResidualEncoder(channels=(4, 6, 8))
    return TemplateMatchingNetwork(*encoders, head(*encoders)).eval()


INNER = POINTS[:3]  # far enough from the border that shifted ramps are read inside


def test_a_perfect_matcher_has_no_error():
    errors = cyclic_error(RampMatcher(), ramps((0, 0)), ramps((0, 0), (3, -2), (-1.5, 4)), INNER, 1)
    assert errors.shape == (3, 3)
    torch.testing.assert_close(errors, torch.zeros(3, 3), atol=1e-3, rtol=0)


def test_an_offset_counts_on_the_way_out_and_on_the_way_back():
    errors = cyclic_error(RampMatcher((0.3, -0.4)), ramps((0, 0)), ramps((2, 1), (0, 0)), INNER, 1)
    # out: 0.5 px off; back: as much again, in the same direction
    torch.testing.assert_close(errors, torch.full((2, 3), 1.0), atol=1e-3, rtol=0)


def test_the_error_is_euclidean_in_px_of_a_non_square_image():
    class Nowhere(RampMatcher):
        def match(self, image_code: torch.Tensor, patch_code: torch.Tensor) -> torch.Tensor:
            return torch.zeros(len(patch_code), 4)

    errors = cyclic_error(Nowhere(), ramps((0, 0)), ramps((0, 0)), POINTS, 1)
    expected = [math.hypot(x - 19.5, y - 14.5) for x, y in POINTS.tolist()]
    torch.testing.assert_close(errors[0], torch.tensor(expected))


def test_source_patches_are_encoded_once_for_all_targets():
    matcher = RampMatcher()
    cyclic_error(matcher, ramps((0, 0)), ramps((0, 0), (1, 0), (2, 0)), INNER, 1)
    # those of the source, then those found in each target
    assert matcher.encoded_patches == [3, 3, 3, 3]
    assert set(matcher.encoded_images) == {1}


@pytest.mark.parametrize("head", [CorrelationHead, RegressionHead])
def test_equals_the_definition_with_the_network(head):
    network = random_network(head).requires_grad_(False)
    source, targets = torch.rand(1, 1, *SHAPE), torch.rand(2, 1, *SHAPE)

    def find(image: torch.Tensor, template: torch.Tensor, point: torch.Tensor) -> torch.Tensor:
        patch = extract_patches(template, point[None], 16)
        return normalized_to_index(network(image, patch)[0, :2], SHAPE)

    errors = cyclic_error(network, source, targets, POINTS, 16)
    assert errors.shape == (2, 4)
    assert errors.min() > 0.1  # random weights lead elsewhere
    for i, target in enumerate(targets.split(1)):
        for k, point in enumerate(POINTS):
            back = find(source, target, find(target, source, point))
            assert errors[i, k].item() == pytest.approx(torch.dist(back, point).item(), abs=2e-3)


def test_no_graph_is_kept():
    assert not cyclic_error(
        random_network(), torch.rand(1, 1, *SHAPE), torch.rand(1, 1, *SHAPE), POINTS, 16
    ).requires_grad


def test_match_points_gives_px_of_a_non_square_image():
    matcher = RampMatcher()
    found = match_points(matcher, matcher.encode_image(ramps((3, -2))), torch.tensor([[10.0, 12.0]]), SHAPE)
    torch.testing.assert_close(found, torch.tensor([[13.0, 10.0]]), atol=1e-4, rtol=0)


def test_grid_points_are_every_nth_pixel_from_the_first_on():
    assert grid_points((5, 3), 2).tolist() == [[0, 0], [0, 2], [2, 0], [2, 2], [4, 0], [4, 2]]
    assert grid_points((2, 2, 2), 1).shape == (8, 3)
    assert grid_points((7, 9), 3).max(dim=0).values.tolist() == [6, 6]


class Vague(RampMatcher):
    """Answers with scales that differ from patch to patch: a hundredth of x and y of the position, normalised."""

    def match(self, image_code: torch.Tensor, patch_code: torch.Tensor) -> torch.Tensor:
        return torch.cat([super().match(image_code, patch_code)[:, :2], (patch_code / 100).log()], dim=1)


class Drifting(RampMatcher):
    """Finds patches too far along x, by 0.6 % of where they are."""

    def match(self, image_code: torch.Tensor, patch_code: torch.Tensor) -> torch.Tensor:
        return super().match(image_code, patch_code * torch.tensor([1.006, 1.0]))


def test_a_round_trip_tells_where_points_were_found_and_returned_to():
    shifts = torch.tensor([[3.0, -2.0], [-1.5, 4.0]])
    trips = list(round_trips(RampMatcher((0.3, -0.4)), ramps((0, 0)), ramps(*shifts.tolist()).split(1), INNER, 1))
    assert len(trips) == 2
    for trip, shift in zip(trips, shifts, strict=True):
        torch.testing.assert_close(trip.found, INNER + shift + torch.tensor([0.3, -0.4]), atol=1e-3, rtol=0)
        torch.testing.assert_close(trip.returned, INNER + torch.tensor([0.6, -0.8]), atol=1e-3, rtol=0)


def test_a_round_trip_has_the_scales_of_both_ways_in_px():
    (trip,) = round_trips(Vague((2.0, 1.0)), ramps((0, 0)), [ramps((1, 1))], INNER, 1)
    half = torch.tensor(SHAPE) / 2
    torch.testing.assert_close(trip.found_scale, INNER / 100 * half, atol=1e-4, rtol=0)
    # the patches found in the target show the source's (2, 1) further on
    torch.testing.assert_close(trip.returned_scale, (INNER + torch.tensor([2, 1])) / 100 * half, atol=1e-4, rtol=0)


@pytest.mark.parametrize("correct_bias", [False, True])
@pytest.mark.parametrize("head", [CorrelationHead, RegressionHead])
def test_chunks_do_not_change_the_results(head, correct_bias):
    torch.manual_seed(1)
    source, targets, points = torch.rand(1, 1, *SHAPE), torch.rand(2, 1, *SHAPE).split(1), grid_points(SHAPE, 12)
    whole, *others = (
        list(round_trips(random_network(head), source, targets, points, 16, chunk_size=size, correct_bias=correct_bias))
        for size in (len(points), 1, 5, 256)
    )
    for trips in others:
        for trip, expected in zip(trips, whole, strict=True):
            for name in ("found", "found_scale", "returned", "returned_scale"):
                torch.testing.assert_close(getattr(trip, name), getattr(expected, name), atol=2e-3, rtol=1e-4)
    assert (whole[0].found - whole[1].found).abs().max() > 1e-2  # the two targets are told apart


@pytest.mark.parametrize("correct_bias", [False, True])
def test_every_image_and_patch_is_encoded_once_and_a_chunk_at_a_time(correct_bias):
    matcher = RampMatcher()
    points = torch.tensor([[15.0, 10.0]]) + torch.arange(7.0)[:, None]
    targets = ramps((0, 0), (1, 0), (2, 0)).split(1)
    list(round_trips(matcher, ramps((0, 0)), targets, points, 1, chunk_size=3, correct_bias=correct_bias))
    assert matcher.encoded_images == [1] * 4  # the source and three targets
    assert matcher.encoded_patches == [3, 3, 1] * 4  # those of the source, then those found in each target


@pytest.mark.parametrize(("correct_bias", "times"), [(False, 4), (True, 7)])
def test_no_more_patches_than_a_chunk_are_matched_at_once(correct_bias, times):
    matcher = RampMatcher()
    points = torch.tensor([[15.0, 10.0]]) + torch.arange(7.0)[:, None]
    targets = ramps((0, 0), (1, 0)).split(1)
    list(round_trips(matcher, ramps((0, 0)), targets, points, 1, chunk_size=3, correct_bias=correct_bias))
    # out and back, twice; for the bias the source in itself once and each target in itself
    assert matcher.matched == [3, 3, 1] * times


def test_a_patch_without_a_finite_answer_in_its_own_image_has_no_bias():
    class Blind(RampMatcher):
        def match(self, image_code: torch.Tensor, patch_code: torch.Tensor) -> torch.Tensor:
            matched = super().match(image_code, patch_code)
            matched[0] = math.nan
            return matched

    image, points = ramps((0, 0)), torch.tensor([[15.0, 10.0], [20.0, 12.0]])
    codes = Blind().encode_patch(extract_patches(image, points, 1))
    bias = matching_bias(Blind(), Blind().encode_image(image), codes, points + 0.05, image.shape[2:], 1)
    torch.testing.assert_close(bias, torch.tensor([[0.0, 0.0], [-0.05, -0.05]]), atol=1e-3, rtol=0)


def test_no_targets_give_no_errors():
    image = ramps((0, 0))
    assert cyclic_error(RampMatcher(), image, image[:0], INNER, 1).shape == (0, len(INNER))


def test_the_bias_of_each_patch_is_taken_off_where_it_is_small():
    shift = torch.tensor([2.0, 1.0])
    args = ramps((0, 0)), ramps(shift.tolist()).split(1), INNER, 1
    # drifts of 0.12, 0.072 and 0.1815 px; the last is more than an eighth of a patch: not found in its own image
    drift = 0.006 * INNER[:, :1] * torch.tensor([1.0, 0.0])
    (plain,) = round_trips(Drifting(), *args)
    torch.testing.assert_close(plain.found, INNER + shift + drift, atol=1e-3, rtol=0)
    (corrected,) = round_trips(Drifting(), *args, correct_bias=True)
    left = drift * torch.tensor([[0.0], [0.0], [1.0]])
    torch.testing.assert_close(corrected.found, INNER + shift + left, atol=1e-3, rtol=0)
    torch.testing.assert_close(corrected.returned, INNER + left + 1.006 * left, atol=1e-3, rtol=0)


@pytest.mark.parametrize(
    ("off", "sigma_px", "patch_size", "found"),
    [
        ((2.9, 0.0), 0.1, 80, True),  # 3 px are always allowed
        ((3.1, 0.0), 0.1, 80, False),
        ((0.0, 8.9), 3.0, 80, True),  # three sigmas
        ((0.0, 9.1), 3.0, 80, False),
        ((9.9, 0.0), 50.0, 80, True),  # but never more than an eighth of the patch
        ((10.1, 0.0), 50.0, 80, False),
        ((8.0, 8.0), 3.0, 80, False),  # an ellipse, not a box
        ((2.1, 0.0), 0.1, 16, False),
        ((math.nan, 0.0), 50.0, 80, False),
    ],
)
def test_a_patch_is_found_again_within_its_sigma_and_never_beyond_an_eighth_of_its_side(
    off, sigma_px, patch_size, found
):
    class Sure(RampMatcher):
        def match(self, image_code: torch.Tensor, patch_code: torch.Tensor) -> torch.Tensor:
            answer = super().match(image_code, patch_code)
            answer[:, 2:] = torch.tensor([2 * sigma_px / size for size in SHAPE]).log() - math.log(2.0)
            return answer

    matcher, image = Sure(off), ramps((0, 0))
    codes = matcher.encode_image(image), encode_patches(matcher, image, INNER, 1)
    own = match_in_own_image(matcher, *codes, INNER, SHAPE, patch_size, sigma_per_scale=2.0)
    assert own.found.tolist() == [found] * 3
    expected = torch.tensor([off if found else (0.0, 0.0)]).expand(3, 2)
    torch.testing.assert_close(own.biases, expected, atol=1e-3, rtol=0)


@pytest.mark.parametrize("answer", [math.nan, math.inf])
def test_a_point_without_a_finite_answer_is_lost_and_the_others_are_not(answer):
    class Blind(RampMatcher):
        """Finds the source's patches beyond x = 25 in no other image."""

        def match(self, image_code: torch.Tensor, patch_code: torch.Tensor) -> torch.Tensor:
            matched = super().match(image_code, patch_code)
            if image_code.any():
                matched[patch_code[:, 0] > 25, 1] = answer
            return matched

    (trip,) = round_trips(Blind(), ramps((0, 0)), [ramps((1, 2))], INNER, 1, chunk_size=2)
    for values in (trip.found, trip.found_scale, trip.returned, trip.returned_scale):
        assert values.isnan().tolist() == [[False] * 2, [False] * 2, [True] * 2]
    torch.testing.assert_close(trip.found[:2], INNER[:2] + torch.tensor([1, 2]), atol=1e-3, rtol=0)
    torch.testing.assert_close(trip.returned[:2], INNER[:2], atol=1e-3, rtol=0)


def test_targets_may_be_a_generator_that_is_read_one_at_a_time():
    taken = []

    def frames() -> Iterator[torch.Tensor]:
        for shift in range(5):
            taken.append(shift)
            yield ramps((shift, 0))

    trips = round_trips(RampMatcher(), ramps((0, 0)), frames(), INNER, 1)
    for shift in range(3):
        torch.testing.assert_close(next(trips).found, INNER + torch.tensor([shift, 0]), atol=1e-3, rtol=0)
        assert taken == list(range(shift + 1))


def test_no_target_no_trip_and_no_point_an_empty_one():
    assert list(round_trips(RampMatcher(), ramps((0, 0)), [], INNER, 1)) == []
    (trip,) = round_trips(RampMatcher(), ramps((0, 0)), [ramps((1, 0))], torch.zeros(0, 2), 1)
    for values in (trip.found, trip.found_scale, trip.returned, trip.returned_scale):
        assert values.shape == (0, 2)


def test_round_trips_keep_no_graph_but_leave_gradients_on_between_them():
    source = torch.rand(1, 1, *SHAPE)
    for trip in round_trips(random_network(), source, [source, source], POINTS, 16, correct_bias=True):
        assert torch.is_grad_enabled()
        assert not trip.found.requires_grad and not trip.returned_scale.requires_grad
        assert trip.found.clone().requires_grad_().sum().requires_grad


@pytest.mark.parametrize("chunk_size", [1, 2, 3, 100])
def test_encoded_patches_keep_the_order_of_the_points(chunk_size):
    matcher = RampMatcher()
    # one pixel of a ramp is its position
    codes = encode_patches(matcher, ramps((3, -2)), INNER, 1, chunk_size)
    torch.testing.assert_close(codes, INNER - torch.tensor([3, -2]), atol=1e-3, rtol=0)
    assert matcher.encoded_patches == {1: [1, 1, 1], 2: [2, 1], 3: [3], 100: [3]}[chunk_size]


@pytest.mark.parametrize("chunk_size", [1, 2, 3, 100])
def test_matching_in_chunks_gives_positions_and_scales_in_px(chunk_size):
    matcher = Vague()
    found, scale = match_in_chunks(matcher, matcher.encode_image(ramps((3, -2))), INNER, SHAPE, chunk_size)
    torch.testing.assert_close(found, INNER + torch.tensor([3, -2]), atol=1e-3, rtol=0)
    torch.testing.assert_close(scale, INNER / 100 * torch.tensor([20, 15]), atol=1e-4, rtol=0)
    assert matcher.matched == {1: [1, 1, 1], 2: [2, 1], 3: [3], 100: [3]}[chunk_size]
