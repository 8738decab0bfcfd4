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
"""Tests of the beta-NLL against the likelihood and the squared error that it lies between."""

from __future__ import annotations

import pytest
import torch

from scripts.losses import BetaNLLLoss, GaussianNLLLoss


def sample() -> tuple[torch.Tensor, torch.Tensor]:
    generator = torch.Generator().manual_seed(0)
    return torch.randn(7, 4, generator=generator).requires_grad_(), torch.randn(7, 2, generator=generator)


def gradient(loss: torch.nn.Module) -> torch.Tensor:
    prediction, target = sample()
    return torch.autograd.grad(loss(prediction, target), prediction)[0]


def test_beta_0_is_the_gaussian_likelihood():
    prediction, target = sample()
    torch.testing.assert_close(BetaNLLLoss(0.0)(prediction, target), GaussianNLLLoss()(prediction, target))
    torch.testing.assert_close(gradient(BetaNLLLoss(0.0)), gradient(GaussianNLLLoss()))


def test_with_beta_1_the_mean_learns_as_by_half_the_squared_error():
    prediction, target = sample()
    residual = (prediction[:, :2] - target).detach()
    torch.testing.assert_close(gradient(BetaNLLLoss(1.0))[:, :2], residual / len(residual))


@pytest.mark.parametrize("beta", [0.25, 0.5])
def test_between_them_each_gradient_is_the_likelihoods_times_a_power_of_sigma(beta):
    prediction, _ = sample()
    weight = prediction.detach()[:, 2:].exp() ** (2 * beta)
    expected = gradient(GaussianNLLLoss()) * torch.cat([weight, weight], dim=1)
    torch.testing.assert_close(gradient(BetaNLLLoss(beta)), expected)


@pytest.mark.parametrize("beta", [-0.1, 1.1])
def test_other_betas_are_refused(beta):
    with pytest.raises(ValueError, match="0 to 1"):
        BetaNLLLoss(beta)
