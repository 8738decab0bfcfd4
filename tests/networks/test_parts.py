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

"""Tests of what encoders and heads have in common: each one in the package is what the network asks for."""

from __future__ import annotations

import pytest
from torch import nn

from scripts.networks import ENCODERS, CorrelationHead, RegressionHead, ResidualEncoder, build_encoder
from scripts.networks.parts import Encoder, Head


@pytest.mark.parametrize("name", [name for name in ENCODERS if not name.startswith("timm_")])
@pytest.mark.parametrize("zoom", [1, 2])
def test_encoders_tell_channels_and_strides(name, zoom):
    encoder = build_encoder(name, zoom=zoom)
    assert isinstance(encoder, Encoder)
    assert len(encoder.channels) == len(encoder.strides)


@pytest.mark.parametrize("head", [CorrelationHead, RegressionHead])
def test_heads_make_codes_and_match_them(head):
    assert isinstance(head(ResidualEncoder(), ResidualEncoder()), Head)


def test_a_module_that_tells_neither_is_no_part_of_a_network():
    assert not isinstance(nn.Linear(1, 1), Encoder | Head)
