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

import copy

import torch
from torch import nn

from scripts.networks import weights_fingerprint


def test_the_same_weights_have_one_fingerprint_and_any_change_another():
    network = nn.Sequential(nn.Linear(3, 2), nn.BatchNorm1d(2))
    twin = copy.deepcopy(network)
    assert weights_fingerprint(twin) == weights_fingerprint(network)
    with torch.no_grad():
        twin[1].running_mean[1] += 1e-6  # a buffer counts too
    assert weights_fingerprint(twin) != weights_fingerprint(network)


def test_values_under_other_names_or_of_another_shape_are_other_weights():
    flat, row = nn.Module(), nn.Module()
    flat.register_buffer("a", torch.zeros(4))
    row.register_buffer("a", torch.zeros(2, 2))
    other = nn.Module()
    other.register_buffer("b", torch.zeros(4))
    assert len({weights_fingerprint(one) for one in (flat, row, other)}) == 3
