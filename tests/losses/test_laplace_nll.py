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
"""Tests of the Laplace likelihood against torch.distributions."""

from __future__ import annotations

import pytest
import torch
from torch.distributions import Laplace

from scripts.losses.laplace_nll import LaplaceNLLLoss


@pytest.mark.parametrize("dims", [1, 2, 3])
def test_is_the_log_probability_of_the_laplace_distribution(dims):
    generator = torch.Generator().manual_seed(dims)
    prediction, target = torch.randn(9, 2 * dims, generator=generator), torch.randn(9, dims, generator=generator)
    log_probability = Laplace(prediction[:, :dims], prediction[:, dims:].exp()).log_prob(target)
    torch.testing.assert_close(LaplaceNLLLoss()(prediction, target), -log_probability.sum(dim=1).mean())


def test_an_outlier_pulls_with_a_gradient_that_does_not_grow_with_its_distance():
    prediction = torch.zeros(2, 2, requires_grad=True)
    LaplaceNLLLoss()(prediction, torch.tensor([[0.1], [50.0]])).backward()
    assert prediction.grad[:, 0].tolist() == [-0.5, -0.5]
