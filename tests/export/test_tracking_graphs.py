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
from __future__ import annotations

from collections.abc import Callable

import pytest
import torch

from scripts.export import EncodeExample, TrackFrame
from scripts.networks import TemplateMatchingNetwork


@pytest.mark.parametrize("head", ["correlation", "regression"])
def test_both_in_turn_are_the_network(head: str, make_network: Callable[..., TemplateMatchingNetwork]) -> None:
    network = make_network(head)
    image, patches = torch.rand(1, 1, 64, 80), torch.rand(5, 1, 32, 32)
    with torch.no_grad():
        codes = EncodeExample(network)(patches)
        assert codes.ndim == 2 and len(codes) == 5
        torch.testing.assert_close(TrackFrame(network)(image, codes), network(image, patches))
