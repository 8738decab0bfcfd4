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

"""Tests of the gradient clipping as an optimizer calls it."""

from __future__ import annotations

import pytest
import torch

from scripts.engines import ClipGradients
from scripts.io.input_error import InputError


def step(gradient: list[float], max_norm: float) -> torch.Tensor:
    """What a step of plain gradient descent from 0, with a rate of 1, subtracts."""
    layer = torch.nn.Linear(2, 1, bias=False)
    torch.nn.init.zeros_(layer.weight)
    optimizer = torch.optim.SGD(layer.parameters(), lr=1.0)
    optimizer.register_step_pre_hook(ClipGradients(layer, max_norm))
    layer.weight.grad = torch.tensor([gradient])
    optimizer.step()
    return -layer.weight.detach()[0]


@pytest.mark.parametrize(
    ("gradient", "max_norm", "expected"),
    [
        ([3.0, 4.0], 2.5, [1.5, 2.0]),
        ([3.0, 4.0], 5.5, [3.0, 4.0]),
        ([0.0, 0.0], 1.0, [0.0, 0.0]),
        ([3.0, 4.0], float("inf"), [3.0, 4.0]),
    ],
)
def test_steps_are_no_longer_than_the_norm(gradient, max_norm, expected):
    torch.testing.assert_close(step(gradient, max_norm), torch.tensor(expected), atol=1e-5, rtol=1e-5)


@pytest.mark.parametrize("bad", [float("nan"), float("inf")])
def test_a_diverged_training_stops_with_a_clear_word(bad):
    with pytest.raises(InputError, match="diverged.*Lower --learning_rate"):
        step([1.0, bad], 5.0)
