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
"""Tests of the paper's head against the concatenation that it stands for."""

from __future__ import annotations

import pytest
import torch
from torch import nn

from scripts.networks.regression_head import RegressionHead
from scripts.networks.residual_encoder import ResidualEncoder


def encoders(dims: int = 2) -> tuple[ResidualEncoder, ResidualEncoder]:
    return ResidualEncoder(dims, channels=(4, 6)), ResidualEncoder(dims, channels=(4, 5))


def concatenating(head: RegressionHead) -> nn.Sequential:
    """The paper's form: one linear layer on both codes, stacked, with the weights of the head under test."""
    weight = torch.cat([head.image_layer.weight, head.patch_layer.weight], dim=1)
    first = nn.Linear(weight.shape[1], weight.shape[0])
    first.weight, first.bias = nn.Parameter(weight), head.image_layer.bias
    linear = [module for module in [*head.hidden_layers, head.output_layer] if isinstance(module, nn.Linear)]
    return nn.Sequential(first, *[step for layer in linear for step in (nn.ReLU(), layer)])


@pytest.mark.parametrize("dims", [2, 3])
@pytest.mark.parametrize("layers", [1, 2, 3, 4])
def test_equals_concatenation_and_one_linear_layer(layers, dims):
    torch.manual_seed(layers)
    image_encoder, patch_encoder = encoders(dims)
    head = RegressionHead(image_encoder, patch_encoder, dims, layers=layers, hidden_channels=12, pool_size=2).eval()
    reference = concatenating(head)
    assert sum(isinstance(module, nn.Linear) for module in reference) == layers
    # the feature maps are 2 and 4 cells an axis, so that pooling to 2 is the mean of 1 and of 2 cells
    image_map, patch_map = torch.randn(3, 6, *[2] * dims), torch.randn(3, 5, *[4] * dims)
    pooled = patch_map
    for axis in range(2, 2 + dims):
        pooled = pooled.unflatten(axis, (2, 2)).mean(dim=axis + 1)
    expected = reference(torch.cat([image_map.flatten(1), pooled.flatten(1)], dim=1))
    finer = torch.full((3, 1), torch.nan)  # only the last stage may be read
    found = head.match(head.encode_image([finer, image_map]), head.encode_patch([finer, patch_map]))
    assert found.shape == (3, 2 * dims)
    torch.testing.assert_close(found, expected, atol=1e-5, rtol=1e-5)


def test_several_patches_an_image_equal_pairs_one_by_one():
    torch.manual_seed(0)
    head = RegressionHead(*encoders(), hidden_channels=12, pool_size=2).eval()
    image_code = head.encode_image([torch.randn(3, 6, 6, 4)])
    patch_code = head.encode_patch([torch.randn(12, 5, 4, 4)])
    together = head.match(image_code, patch_code)
    pairs = [head.match(image_code[i // 4, None], patch_code[i, None]) for i in range(12)]
    torch.testing.assert_close(together, torch.cat(pairs))


def test_dropout_is_between_the_layers_in_training_only():
    torch.manual_seed(0)
    head = RegressionHead(*encoders(), hidden_channels=64, dropout=0.5, pool_size=2)
    codes = torch.randn(1, 64), torch.randn(1, 64)
    assert not torch.equal(head.match(*codes), head.match(*codes))
    head.eval()
    assert torch.equal(head.match(*codes), head.match(*codes))
    assert sum(isinstance(module, nn.Dropout) for module in head.modules()) == 2


def test_there_is_no_heatmap():
    head = RegressionHead(*encoders(), hidden_channels=12)
    assert head.heatmap(torch.randn(2, 12), torch.randn(6, 12)).shape == (6, 0)


@pytest.mark.parametrize("layers", [0, 5])
def test_other_numbers_of_layers_are_refused(layers):
    with pytest.raises(ValueError, match=f"1 to 4 layers, not {layers}"):
        RegressionHead(*encoders(), layers=layers)


def test_the_scale_stays_finite():
    head = RegressionHead(*encoders(), layers=1, pool_size=2)
    with torch.no_grad():
        head.image_layer.bias[:] = torch.tensor([5.0, -5.0, 500.0, -500.0])
    found = head.match(torch.zeros(1, 4) + head.image_layer.bias, torch.zeros(1, 4))
    assert found.tolist() == [[5.0, -5.0, 2.0, -9.0]]
