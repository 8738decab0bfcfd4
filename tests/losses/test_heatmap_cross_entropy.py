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
"""Tests of the heatmap's cross-entropy against hand-computed values and its own optimum."""

from __future__ import annotations

import math

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from scripts.losses.heatmap_cross_entropy import HeatmapCrossEntropyLoss


def cell_centers(cells: int) -> torch.Tensor:
    return torch.linspace(-1 + 1 / cells, 1 - 1 / cells, cells)


def test_hand_computed():
    logits = torch.tensor([[0.3, -1.0, 2.0, 0.0, 0.5, 1.5]])  # 2 x 3 cells
    log_probability = (logits - logits.exp().sum().log()).reshape(2, 3)
    # axis 0: 0.25 of the way from cell 0 (-0.5) to cell 1 (0.5); axis 1: 0.75 of the way from cell 1 (0) to 2 (2 / 3)
    target = torch.tensor([[-0.25, 0.5]])
    expected = -(
        0.75 * 0.25 * log_probability[0, 1]
        + 0.75 * 0.75 * log_probability[0, 2]
        + 0.25 * 0.25 * log_probability[1, 1]
        + 0.25 * 0.75 * log_probability[1, 2]
    )
    torch.testing.assert_close(HeatmapCrossEntropyLoss((2, 3))(logits, target), expected)


@pytest.mark.parametrize(("corner", "cell"), [((-1.0, -1.0), (0, 0)), ((1.0, 1.0), (3, 4)), ((-0.9, 1.0), (0, 4))])
def test_past_the_outermost_centres_the_border_cell_takes_all(corner, cell):
    logits = torch.randn(1, 20, generator=torch.Generator().manual_seed(0))
    expected = -logits.log_softmax(dim=1).reshape(4, 5)[cell]
    torch.testing.assert_close(HeatmapCrossEntropyLoss((4, 5))(logits, torch.tensor([corner])), expected)


def test_is_the_mean_over_the_batch_and_takes_volumes():
    logits = torch.randn(4, 2 * 3 * 4, generator=torch.Generator().manual_seed(0))
    target = torch.rand(4, 3, generator=torch.Generator().manual_seed(1)) * 2 - 1
    loss = HeatmapCrossEntropyLoss((2, 3, 4))
    apart = torch.stack([loss(logits[i : i + 1], target[i : i + 1]) for i in range(4)])
    torch.testing.assert_close(loss(logits, target), apart.mean())
    assert loss(torch.zeros(4, 24), target).item() == pytest.approx(math.log(24), rel=1e-5)


@settings(max_examples=15, deadline=None)
@given(
    shape=st.tuples(st.integers(3, 9), st.integers(3, 9)),
    share=st.tuples(st.floats(0, 1), st.floats(0, 1)),
)
def test_the_best_heatmap_has_the_target_as_its_expectation(shape, share):
    # between the outermost cells' centres
    target = torch.tensor([[(2 * s - 1) * (1 - 1 / cells) for s, cells in zip(share, shape, strict=True)]])
    loss = HeatmapCrossEntropyLoss(shape)
    # the gradient of a cross-entropy by its logits is probability minus target distribution: read the latter off
    logits = torch.zeros(1, shape[0] * shape[1], requires_grad=True)
    loss(logits, target).backward()
    best = (logits.softmax(dim=1) - logits.grad).reshape(shape).detach()
    assert best.min() > -1e-5
    assert best.sum().item() == pytest.approx(1, abs=1e-4)
    expectation = torch.stack([(best.sum(1 - axis) * cell_centers(shape[axis])).sum() for axis in range(2)])
    torch.testing.assert_close(expectation, target[0], atol=1e-4, rtol=0)
    # it is the optimum: nothing near is better
    at_best = loss(best.clamp_min(1e-9).log().reshape(1, -1), target)
    for seed in range(5):
        noise = torch.randn(1, best.numel(), generator=torch.Generator().manual_seed(seed)) * 0.3
        assert loss(best.clamp_min(1e-9).log().reshape(1, -1) + noise, target) >= at_best - 1e-6


def test_every_cell_has_a_gradient():
    logits = torch.randn(2, 30, generator=torch.Generator().manual_seed(0)).requires_grad_()
    HeatmapCrossEntropyLoss((5, 6))(logits, torch.tensor([[0.1, -0.4], [0.9, 0.9]])).backward()
    assert (logits.grad != 0).all()


def test_another_number_of_cells_is_refused():
    with pytest.raises(ValueError, match=r"64 cells and not 8 x 9.*heatmap_size"):
        HeatmapCrossEntropyLoss((8, 9))(torch.zeros(1, 64), torch.zeros(1, 2))
