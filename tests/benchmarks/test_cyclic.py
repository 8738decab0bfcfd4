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
"""The benchmark of the cyclic error takes the weights as shipped."""

from __future__ import annotations

from pathlib import Path

import cyclic
import torch

MODELS = Path(__file__).parents[2] / "bundle" / "models"


def test_the_shipped_weights_are_those_of_its_network():
    network = cyclic.make_network(MODELS / "model.pt")
    assert network(torch.rand(1, 1, 112, 112), torch.rand(2, 1, 96, 96)).shape == (2, 4)
