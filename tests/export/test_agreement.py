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
from __future__ import annotations

import math
from collections.abc import Callable

import pytest
import torch

from scripts.export import Agreement, Difference
from scripts.networks import TemplateMatchingNetwork

SHAPE = (100, 50)


def prediction(*values: float) -> torch.Tensor:
    return torch.tensor([values])


def test_means_differ_in_px_of_their_axis() -> None:
    expected = prediction(0.0, 0.0, 0.0, 0.0)
    assert Difference.of(prediction(0.1, 0.0, 0.0, 0.0), expected, SHAPE).px == pytest.approx(5.0)
    assert Difference.of(prediction(0.0, -0.1, 0.0, 0.0), expected, SHAPE).px == pytest.approx(2.5)
    found = Difference.of(prediction(0.0, 0.0, 0.3, -0.4), expected, SHAPE)
    assert found.px == 0.0 and found.log_scale == pytest.approx(0.4)


def test_another_number_of_answers_is_no_agreement() -> None:
    found = Difference.of(torch.zeros(1, 4), torch.zeros(3, 4), SHAPE)
    assert found == (math.inf, math.inf) and not found.within(1e9)


@pytest.mark.parametrize("place", range(4))
def test_nan_is_no_agreement(place: int) -> None:
    values = [0.0] * 4
    values[place] = math.nan
    found = Difference.of(prediction(*values), torch.zeros(1, 4), SHAPE)
    assert not found.within(1e9)
    assert not Difference.largest([found, Difference(0.0, 0.0)]).within(1e9)
    assert not Difference.largest([Difference(0.0, 0.0), found]).within(1e9)


def test_tolerance() -> None:
    assert Difference(1e-3, 1e-2).within(1e-3)
    assert not Difference(1.1e-3, 0.0).within(1e-3)
    assert not Difference(0.0, 1.1e-2).within(1e-3)


def test_the_largest_of_each_kind() -> None:
    assert Difference.largest([Difference(1.0, 2.0), Difference(3.0, 0.0)]) == (3.0, 2.0)


@pytest.mark.parametrize("head", ["correlation", "regression"])
def test_the_network_agrees_with_itself(head: str, make_network: Callable[..., TemplateMatchingNetwork]) -> None:
    network = make_network(head)
    agreement = Agreement(network, (64, 80), 32)
    assert agreement.matching(network).px < 1e-4
    tracking = agreement.tracking(
        network.encode_patch, lambda image, codes: network.match(network.encode_image(image), codes)
    )
    assert tracking.px < 1e-4


def test_a_shift_is_seen(make_network: Callable[..., TemplateMatchingNetwork]) -> None:
    network = make_network()
    agreement = Agreement(network, (64, 80), 32)
    assert agreement.matching(lambda image, patch: network(image, patch) + 0.01).px == pytest.approx(0.4, abs=1e-3)
    # the example's number is mistaken
    tracking = agreement.tracking(
        network.encode_patch, lambda image, codes: network.match(network.encode_image(image), codes.flip(0))
    )
    assert tracking.px > 0.1


def test_numbers_of_images_patches_and_examples_vary(make_network: Callable[..., TemplateMatchingNetwork]) -> None:
    network = make_network("regression")
    matched, tracked = [], []

    def match(image: torch.Tensor, patch: torch.Tensor) -> torch.Tensor:
        matched.append((len(image), len(patch)))
        return network(image, patch)

    def track(image: torch.Tensor, codes: torch.Tensor) -> torch.Tensor:
        tracked.append(len(codes))
        return network.match(network.encode_image(image), codes)

    agreement = Agreement(network, (64, 80), 32)
    agreement.matching(match)
    agreement.tracking(network.encode_patch, track)
    assert {(1, 1), (2, 6), (3, 3)} <= set(matched) and {1, 7} <= set(tracked)
