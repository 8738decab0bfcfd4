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

"""Tests of the heatmap's size against a heatmap."""

from __future__ import annotations

import pytest
import torch

from scripts.networks import CorrelationHead, RegressionHead, TemplateMatchingNetwork, build_encoder, heatmap_size


@pytest.mark.parametrize("name", ["residual", "efficientnet_b0", "densenet121"])
@pytest.mark.parametrize("size", [(64, 64), (50, 45)])
@pytest.mark.parametrize("stride", [4, 8])
def test_is_that_of_the_heatmap_and_changes_nothing(name, size, stride):
    encoders = build_encoder(name), build_encoder(name)
    network = TemplateMatchingNetwork(*encoders, CorrelationHead(*encoders, stride=stride), patch_size=32).train()
    before = {key: value.clone() for key, value in network.state_dict().items()}
    found = heatmap_size(network, size)
    assert network.training
    assert all(torch.equal(value, before[key]) for key, value in network.state_dict().items())
    image_code = network.eval().encode_image(torch.rand(1, 1, *size))
    patch_code = network.encode_patch(torch.rand(2, 1, 32, 32))
    assert list(network.head.heatmap(image_code, patch_code).shape) == [2, *found]


def test_a_head_with_no_heatmap_has_none():
    encoders = build_encoder(), build_encoder()
    network = TemplateMatchingNetwork(*encoders, RegressionHead(*encoders, hidden_channels=8))
    assert heatmap_size(network, (64, 64)) == []
