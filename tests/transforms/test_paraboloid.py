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

"""Tests of the sub-pixel place of a peak, by quadratics whose tops are known."""

from __future__ import annotations

import pytest
import torch

from scripts.transforms.paraboloid import paraboloid_shift


def surface(top: tuple[float, float], twist: float) -> torch.Tensor:
    """(1, 3, 3), a slanted elliptic paraboloid."""
    x, y = torch.meshgrid(torch.arange(-1.0, 2.0), torch.arange(-1.0, 2.0), indexing="ij")
    x, y = x - top[0], y - top[1]
    return (5.0 - x**2 - 2 * y**2 - twist * x * y)[None]


@pytest.mark.parametrize("twist", [0.0, 0.7, -0.9])
@pytest.mark.parametrize("top", [(0.0, 0.0), (0.4, -0.3), (-0.5, 0.1)])
def test_the_top_of_a_paraboloid_is_exact(top, twist):
    torch.testing.assert_close(paraboloid_shift(surface(top, twist)), torch.tensor([top]))


def test_stays_where_there_is_no_top_and_within_a_pixel():
    flat, slope = torch.zeros(1, 3, 3), torch.arange(9.0).reshape(1, 3, 3)
    saddle = surface((0.2, 0.2), 0.0) + 4 * torch.tensor([1.0, 0.0, 1.0]).reshape(1, 3, 1)
    assert paraboloid_shift(torch.cat([flat, slope, saddle])).tolist() == [[0.0, 0.0]] * 3
    assert paraboloid_shift(surface((3.0, 0.0), 0.0)).tolist() == [[1.0, 0.0]]
