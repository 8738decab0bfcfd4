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
"""Tests of the refusal of small images, as Python and as TorchScript."""

from __future__ import annotations

import pytest
import torch

from scripts.networks.smallest_size import require_size


@pytest.mark.parametrize("shape", [(8,), (8, 9), (8, 20, 8)])
def test_axes_of_the_size_and_more_pass(shape):
    require_size(torch.zeros(1, 1, *shape), 8)


@pytest.mark.parametrize("shape", [(7,), (8, 7), (7, 9), (8, 9, 7)])
def test_a_short_axis_is_refused(shape):
    with pytest.raises(ValueError, match="of 8 px and more an axis, not 7"):
        require_size(torch.zeros(1, 1, *shape), 8)


@pytest.mark.filterwarnings("ignore::DeprecationWarning")
def test_it_scripts():
    scripted = torch.jit.script(require_size)
    scripted(torch.zeros(1, 1, 8, 8), 8)
    with pytest.raises(torch.jit.Error, match="of 8 px and more an axis, not 7"):
        scripted(torch.zeros(1, 1, 8, 7), 8)
