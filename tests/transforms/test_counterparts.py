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
"""Tests of counterparts against moves that are known at every point."""

from __future__ import annotations

import torch
from hypothesis import given
from hypothesis import strategies as st

from scripts.transforms.counterparts import Counterparts

SHAPE = (24, 16)


def linear_moves(a: float, b: float) -> torch.Tensor:
    """(1, 2, *SHAPE): a * x along x, b * y along y, which linear interpolation keeps."""
    x, y = torch.meshgrid(*(torch.arange(float(size)) for size in SHAPE), indexing="ij")
    return torch.stack([a * x, b * y]).unsqueeze(0)


@given(st.floats(0, 23), st.floats(0, 15), st.floats(-0.2, 0.2), st.floats(-0.2, 0.2))
def test_points_move_as_the_field_says_between_its_pixels_too(x, y, a, b):
    known = torch.ones(1, *SHAPE, dtype=torch.bool)
    point = torch.tensor([[[x, y]]], dtype=torch.float32)
    found, _ = Counterparts(torch.zeros(1, 1, *SHAPE), linear_moves(a, b), known).find(point)
    torch.testing.assert_close(found[0, 0], torch.tensor([x * (1 + a), y * (1 + b)]), atol=1e-3, rtol=0)


def test_a_pixel_is_known_where_the_mask_says_so_and_its_counterpart_is_in_the_image():
    known = torch.zeros(1, *SHAPE, dtype=torch.bool)
    known[0, 4, 5] = known[0, 20, 5] = True
    moves = torch.zeros(1, 2, *SHAPE)
    moves[:, 0] = 6.0
    points = torch.tensor([[[4.3, 4.8], [6.0, 5.0], [20.0, 5.0], [30.0, 5.0]]])
    _, told = Counterparts(torch.zeros(1, 1, *SHAPE), moves, known).find(points)
    assert told.tolist() == [[True, False, False, False]]


def test_each_image_has_moves_of_its_own():
    moves = torch.stack([torch.full((2, *SHAPE), 1.0), torch.full((2, *SHAPE), -1.0)])
    known = torch.ones(2, *SHAPE, dtype=torch.bool)
    found, _ = Counterparts(torch.zeros(2, 1, *SHAPE), moves, known).find(torch.full((2, 1, 2), 8.0))
    assert found[:, 0].tolist() == [[9.0, 9.0], [7.0, 7.0]]
