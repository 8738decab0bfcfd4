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

"""Tests of the conversion on every encoder: the same network, with other norms."""

from __future__ import annotations

import pytest
import torch
from torch import nn

from scripts.networks import ENCODERS, build_encoder, synchronize_norms


@pytest.mark.parametrize("name", ENCODERS)
def test_the_network_stays_the_same(name):
    torch.manual_seed(0)
    encoder = build_encoder(name).eval()
    image = torch.rand(1, 1, 64, 64)
    with torch.no_grad():
        before, weights = encoder(image), encoder.state_dict()
        norms = sum(isinstance(module, nn.modules.batchnorm._BatchNorm) for module in encoder.modules())
        encoder = synchronize_norms(encoder)
        after = encoder(image)
    for expected, found in zip(before, after, strict=True):
        torch.testing.assert_close(found, expected)
    assert list(encoder.state_dict()) == list(weights)
    assert sum(isinstance(module, nn.SyncBatchNorm) for module in encoder.modules()) == norms
