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
"""Tests of the Gaussian likelihood against torch.distributions."""

from __future__ import annotations

import math

import pytest
import torch
from torch.distributions import Normal

from scripts.losses.gaussian_nll import GaussianNLLLoss


@pytest.mark.parametrize("dims", [1, 2, 3])
def test_is_the_log_probability_of_the_normal_distribution(dims):
    generator = torch.Generator().manual_seed(dims)
    prediction, target = torch.randn(9, 2 * dims, generator=generator), torch.randn(9, dims, generator=generator)
    log_probability = Normal(prediction[:, :dims], prediction[:, dims:].exp()).log_prob(target)
    torch.testing.assert_close(GaussianNLLLoss()(prediction, target), -log_probability.sum(dim=1).mean())


def test_the_best_sigma_is_the_standard_deviation_of_the_errors():
    target = torch.randn(500, 1, generator=torch.Generator().manual_seed(0)) * 0.3
    log_sigma = torch.zeros(1, requires_grad=True)
    optimizer = torch.optim.LBFGS([log_sigma], max_iter=50)

    def step() -> torch.Tensor:
        optimizer.zero_grad()
        loss = GaussianNLLLoss()(torch.stack([torch.zeros(500), log_sigma.expand(500)], dim=1), target)
        loss.backward()
        return loss

    optimizer.step(step)
    assert log_sigma.exp().item() == pytest.approx(math.sqrt(target.square().mean().item()), rel=1e-3)
