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
"""Tests of the training loss: which part of a prediction goes where."""

from __future__ import annotations

import pytest
import torch
import torch.nn.functional as F
from torch.distributions import Laplace

from scripts.losses.heatmap_cross_entropy import HeatmapCrossEntropyLoss
from scripts.losses.laplace_nll import LaplaceNLLLoss
from scripts.losses.matching_loss import MatchingLoss


@pytest.mark.parametrize("weight", [0.0, 0.5, 2.0])
def test_is_the_likelihood_plus_the_weighted_cross_entropy(weight):
    point = torch.randn(3, 4, generator=torch.Generator().manual_seed(0))
    logits = torch.randn(3, 12, generator=torch.Generator().manual_seed(1))
    # on cell centres of 3 x 4 the cross-entropy is torch's own, of a class
    target, cell = torch.tensor([[0.0, -0.75], [-2 / 3, 0.25], [2 / 3, 0.75]]), torch.tensor([4, 2, 11])
    loss = MatchingLoss(LaplaceNLLLoss(), HeatmapCrossEntropyLoss((3, 4)), heatmap_weight=weight)
    likelihood = -Laplace(point[:, :2], point[:, 2:].exp()).log_prob(target).sum(dim=1).mean()
    expected = likelihood + weight * F.cross_entropy(logits, cell)
    torch.testing.assert_close(loss(torch.cat([point, logits], dim=1), target), expected)


def test_a_head_with_no_heatmap_has_the_likelihood_only():
    point = torch.randn(3, 4, generator=torch.Generator().manual_seed(0))
    loss = MatchingLoss(LaplaceNLLLoss(), HeatmapCrossEntropyLoss((3, 4)))
    expected = -Laplace(point[:, :2], point[:, 2:].exp()).log_prob(torch.zeros(3, 2)).sum(dim=1).mean()
    torch.testing.assert_close(loss(point, torch.zeros(3, 2)), expected)


def test_the_first_steps_have_a_fixed_scale_and_give_the_scale_no_gradient():
    point = torch.randn(3, 4, generator=torch.Generator().manual_seed(0)).requires_grad_()
    target = torch.zeros(3, 2)
    loss = MatchingLoss(LaplaceNLLLoss(), HeatmapCrossEntropyLoss((3, 4)), fixed_scale_steps=2, fixed_scale=0.25)
    for _ in range(2):
        value = loss(point, target)
        # the absolute error, but for a factor and a constant
        expected = -Laplace(point[:, :2], 0.25).log_prob(target).sum(dim=1).mean()
        torch.testing.assert_close(value, expected)
        gradient = torch.autograd.grad(value, point)[0]
        torch.testing.assert_close(gradient[:, :2], point[:, :2].sign() / 0.25 / 3)
        assert (gradient[:, 2:] == 0).all()
    resumed = MatchingLoss(LaplaceNLLLoss(), HeatmapCrossEntropyLoss((3, 4)), fixed_scale_steps=2)
    resumed.load_state_dict(loss.state_dict())
    for after in (loss, resumed):
        torch.testing.assert_close(after(point, target), LaplaceNLLLoss()(point, target))
