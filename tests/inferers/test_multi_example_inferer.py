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
"""Tests of the inferer against the network run on one pair of image and patch after the other."""

from __future__ import annotations

import math

import pytest
import torch

from scripts.inferers import ExampleBank, InverseSigmaFusion, MedianFusion, MultiExampleInferer, PrecisionFusion
from scripts.networks import CorrelationHead, RegressionHead, ResidualEncoder, TemplateMatchingNetwork
from scripts.transforms.patch import extract_patches

POINTS = torch.tensor([[15.0, 14.0], [40.0, 20.0], [17.0, 13.0], [16.0, 30.0], [41.5, 21.25]])
LABELS = ["apex", "valve", "apex", "apex", "valve"]
NOWHERE = torch.full((2,), torch.nan)


def rand(*shape: int, seed: int) -> torch.Tensor:
    return torch.rand(*shape, generator=torch.Generator().manual_seed(seed))


@pytest.fixture(params=[CorrelationHead, RegressionHead], ids=lambda head: head.__name__)
def network(request) -> TemplateMatchingNetwork:
    torch.manual_seed(0)
    encoders = ResidualEncoder(channels=(4, 6, 8)), ResidualEncoder(channels=(4, 6, 8))
    network = TemplateMatchingNetwork(*encoders, request.param(*encoders)).eval()
    return network.requires_grad_(False)


@pytest.fixture
def source() -> torch.Tensor:
    return rand(1, 1, 64, 48, seed=0)


@pytest.fixture
def bank(network, source) -> ExampleBank:
    bank = ExampleBank(network, patch_size=16)
    bank.add(source, POINTS, LABELS)
    return bank


def naive(network: TemplateMatchingNetwork, images: torch.Tensor, source: torch.Tensor) -> torch.Tensor:
    """(images, examples, 4), one forward pass a pair."""
    patches = extract_patches(source, POINTS, 16)
    return torch.stack([torch.cat([network(image[None], patch[None]) for patch in patches]) for image in images])


@pytest.mark.parametrize("count", [1, 3])
def test_each_examples_answer_equals_a_forward_pass(network, bank, source, count):
    images = rand(count, 1, 64, 48, seed=1)
    means, sigmas = MultiExampleInferer(bank).match_examples(images, network)
    pairs = naive(network, images, source)
    torch.testing.assert_close(means, pairs[..., :2], atol=1e-5, rtol=1e-4)
    torch.testing.assert_close(sigmas, pairs[..., 2:].exp(), atol=1e-5, rtol=1e-4)


@pytest.mark.parametrize("fusion", [None, PrecisionFusion(), MedianFusion()])
@pytest.mark.parametrize("count", [1, 3])
def test_each_landmark_is_fused_from_its_own_examples(network, bank, source, count, fusion):
    images = rand(count, 1, 64, 48, seed=1)
    found = MultiExampleInferer(bank, fusion)(images, network)
    assert found.shape == (count, 2, 6)
    pairs = naive(network, images, source)
    fuse = fusion or InverseSigmaFusion()
    for i in range(count):
        for landmark, label in enumerate(["apex", "valve"]):
            mine = pairs[i, [k for k, other in enumerate(LABELS) if other == label]]
            expected = torch.cat(fuse(mine[:, :2], mine[:, 2:].exp()))
            torch.testing.assert_close(found[i, landmark, :4], expected, atol=1e-5, rtol=1e-4)
            apart = (mine[:, :2] - expected[:2]).square().mean(dim=0).sqrt() if len(mine) > 1 else NOWHERE
            torch.testing.assert_close(found[i, landmark, 4:], apart, atol=1e-5, rtol=1e-4, equal_nan=True)


def test_an_image_of_a_series_with_examples_is_answered_by_these(network, source):
    bank = ExampleBank(network, patch_size=16)
    bank.add(source, POINTS[:2], ["apex", "valve"], "a.nii")
    bank.add(source, POINTS[2:4], ["apex", "apex"], "b.nii")
    images = rand(3, 1, 64, 48, seed=1)
    inferer = MultiExampleInferer(bank, MedianFusion())
    found = inferer(images, network, sources=["a.nii", "b.nii", None])
    pairs = naive(network, images, source)
    for i, apex in enumerate([[0], [2, 3], [0, 2, 3]]):
        for landmark, mine in enumerate([apex, [1]]):
            expected = torch.cat(MedianFusion()(pairs[i, mine, :2], pairs[i, mine, 2:].exp()))
            torch.testing.assert_close(found[i, landmark, :4], expected, atol=1e-5, rtol=1e-4)


def test_sigma_per_scale_makes_a_standard_deviation_of_a_laplace_scale(network, bank):
    images = rand(2, 1, 64, 48, seed=1)
    plain = MultiExampleInferer(bank).match_examples(images, network)
    laplace = MultiExampleInferer(bank, sigma_per_scale=math.sqrt(2)).match_examples(images, network)
    torch.testing.assert_close(laplace[0], plain[0])
    torch.testing.assert_close(laplace[1], plain[1] * math.sqrt(2))


def test_the_bank_may_change_between_calls(network, bank, source):
    images = rand(2, 1, 64, 48, seed=1)
    inferer = MultiExampleInferer(bank)
    before = inferer(images, network)
    bank.drop("apex")
    torch.testing.assert_close(inferer(images, network), before[:, 1:])
    bank.add(source, POINTS[[0, 2, 3]], ["apex"] * 3)
    torch.testing.assert_close(inferer(images, network), before[:, [1, 0]])


def test_an_image_is_encoded_once_for_all_examples(network, bank, monkeypatch):
    encoded = []
    original = network.encode_image
    monkeypatch.setattr(network, "encode_image", lambda image: encoded.append(len(image)) or original(image))
    monkeypatch.setattr(network, "encode_patch", lambda patch: pytest.fail("the bank holds the codes"))
    MultiExampleInferer(bank)(rand(3, 1, 64, 48, seed=1), network)
    assert encoded == [3]
