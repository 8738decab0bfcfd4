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
"""Tests of means of squares: against the plain sum, whatever the side, the size and the batch."""

from __future__ import annotations

import pytest
import torch

from scripts.transforms.box_mean import box_mean


@pytest.mark.parametrize("side", [1, 2, 3, 5])
def test_each_square_has_its_mean(side):
    images = torch.rand(3, 1, 9, 7, generator=torch.Generator().manual_seed(0))
    squares = images.unfold(2, side, 1).unfold(3, side, 1)
    torch.testing.assert_close(box_mean(images, side), squares.mean(dim=(-2, -1)))


def test_a_square_as_large_as_the_image_has_one_mean():
    image = torch.arange(16.0).reshape(1, 1, 4, 4)
    assert box_mean(image, 4).tolist() == [[[[7.5]]]]
