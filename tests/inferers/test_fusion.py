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
"""Tests of fusing several examples' answers, hand-computed."""

from __future__ import annotations

import math

import pytest
import torch

from scripts.inferers.fusion import Fusion, InverseSigmaFusion, MedianFusion, PrecisionFusion

ALL = [InverseSigmaFusion, MedianFusion, PrecisionFusion]


def test_inverse_sigma_is_equation_3():
    means = torch.tensor([[0.0, 10.0], [3.0, 20.0], [6.0, 60.0]])
    sigmas = torch.tensor([[1.0, 4.0], [2.0, 2.0], [3.0, 1.0]])
    mean, _ = InverseSigmaFusion()(means, sigmas)
    # (0 / 1 + 3 / 2 + 6 / 3) / (1 + 1 / 2 + 1 / 3) and (10 / 4 + 20 / 2 + 60 / 1) / (1 / 4 + 1 / 2 + 1)
    torch.testing.assert_close(mean, torch.tensor([3.5 / (11 / 6), 72.5 / 1.75]))


def test_precision_weights_by_the_square():
    mean, _ = PrecisionFusion()(torch.tensor([[0.0], [5.0]]), torch.tensor([[1.0], [2.0]]))
    assert mean.item() == pytest.approx(1.0)  # (0 / 1 + 5 / 4) / (1 + 1 / 4)


def test_median_is_not_moved_by_a_minority():
    means = torch.tensor([[1.0, 5.0], [1.5, 4.0], [90.0, 6.0]])
    mean, _ = MedianFusion()(means, torch.ones_like(means))
    assert mean.tolist() == [1.5, 5.0]
    mean, _ = MedianFusion()(means[:2], torch.ones(2, 2))
    assert mean.tolist() == [1.25, 4.5]


@pytest.mark.parametrize(
    ("fusion", "weights"),
    [(InverseSigmaFusion, (2 / 3, 1 / 3)), (PrecisionFusion, (0.8, 0.2)), (MedianFusion, (0.5, 0.5))],
)
def test_sigma_is_the_standard_deviation_of_the_mixture(fusion, weights):
    _, sigma = fusion()(torch.tensor([[0.0], [3.0]]), torch.tensor([[1.0], [2.0]]))
    # E[x^2] - E[x]^2 of the mixture of N(0, 1) and N(3, 2)
    second_moment = weights[0] * (1 + 0) + weights[1] * (4 + 9)
    expected = math.sqrt(second_moment - (weights[1] * 3) ** 2)
    assert sigma.item() == pytest.approx(expected, rel=1e-5)


@pytest.mark.parametrize("fusion", ALL)
def test_disagreement_raises_sigma_and_agreement_does_not_shrink_it(fusion):
    sigmas = torch.full((4, 2), 0.5)
    _, agree = fusion()(torch.full((4, 2), 7.0), sigmas)
    torch.testing.assert_close(agree, torch.full((2,), 0.5))
    _, apart = fusion()(torch.tensor([[7.0, 0.0], [7.0, 3.0], [7.0, 0.0], [7.0, 3.0]]), sigmas)
    torch.testing.assert_close(apart, torch.tensor([0.5, math.sqrt(0.5**2 + 1.5**2)]))


@pytest.mark.parametrize("fusion", ALL)
def test_one_answer_stays_as_it_is(fusion):
    means, sigmas = torch.randn(1, 3, 5, 2), torch.rand(1, 3, 5, 2) + 0.1
    mean, sigma = fusion()(means, sigmas)
    torch.testing.assert_close(mean, means[0])
    torch.testing.assert_close(sigma, sigmas[0])


@pytest.mark.parametrize("fusion", ALL)
def test_each_image_and_axis_is_fused_by_itself(fusion):
    generator = torch.Generator().manual_seed(0)
    means, sigmas = torch.randn(4, 3, 2, generator=generator), torch.rand(4, 3, 2, generator=generator) + 0.1
    mean, sigma = fusion()(means, sigmas)
    for image in range(3):
        for axis in range(2):
            alone = fusion()(means[:, image, axis, None], sigmas[:, image, axis, None])
            torch.testing.assert_close(torch.stack([mean[image, axis], sigma[image, axis]]), torch.cat(alone))


@pytest.mark.parametrize("fusion", ALL)
def test_the_unit_of_length_does_not_matter(fusion):
    means, sigmas = torch.tensor([[0.1], [0.4], [0.2]]), torch.tensor([[0.02], [0.5], [0.1]])
    mean, sigma = fusion()(means, sigmas)
    in_pixels = fusion()(means * 64, sigmas * 64)
    torch.testing.assert_close(torch.stack(in_pixels), torch.stack([mean, sigma]) * 64)


def test_the_base_class_has_no_weights():
    with pytest.raises(NotImplementedError):
        Fusion()(torch.zeros(1, 2), torch.ones(1, 2))


@pytest.mark.parametrize("count", [1, 2, 5, 40])
def test_what_examples_do_not_share_shrinks_with_their_number(count):
    means = torch.zeros(count, 3, 2)
    _, sigma = InverseSigmaFusion(shared=0.4)(means, torch.full((count, 3, 2), 2.0))
    torch.testing.assert_close(sigma, torch.full((3, 2), math.sqrt(4.0 * (0.4 + 0.6 / count))))


def test_answers_further_apart_than_their_sigmas_tell_count_by_their_distance():
    # two equal weights, 10 px apart: a sample variance of 50 and a standard error of the mean of 5 px
    means, sigmas = torch.tensor([[0.0], [10.0]]), torch.ones(2, 1)
    mean, sigma = MedianFusion(shared=0.5)(means, sigmas)
    assert (mean.item(), sigma.item()) == pytest.approx((5.0, math.sqrt(0.5 + 50 / 2)))


def test_a_single_answer_keeps_its_sigma():
    means, sigmas = torch.tensor([[3.0, 4.0]]), torch.tensor([[1.5, 2.5]])
    for fusion in (InverseSigmaFusion(shared=0.3), PrecisionFusion(shared=0.0), MedianFusion(shared=1.0)):
        mean, sigma = fusion(means, sigmas)
        torch.testing.assert_close((mean, sigma), (means[0], sigmas[0]))


def test_a_part_that_is_none_is_refused():
    with pytest.raises(ValueError, match="shared is 1.2; give a part"):
        InverseSigmaFusion(shared=1.2)


def test_sigmas_hold_when_part_of_the_error_is_shared():
    """Drawn errors: 30 % of the variance common to all examples of an image."""
    random = torch.Generator().manual_seed(0)
    common = torch.randn(4000, 2, generator=random) * math.sqrt(0.3)
    own = torch.randn(8, 4000, 2, generator=random) * math.sqrt(0.7)
    mean, sigma = InverseSigmaFusion(shared=0.3)(common + own, torch.ones(8, 4000, 2))
    assert (mean / sigma).square().mean().item() == pytest.approx(1.0, abs=0.1)
