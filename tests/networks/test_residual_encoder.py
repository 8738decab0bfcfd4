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
"""Tests of the default encoder: sizes, strides, and where in the image a feature looks."""

from __future__ import annotations

import pytest
import torch

from scripts.networks.residual_encoder import ResidualEncoder


@pytest.mark.parametrize(
    ("dims", "shape", "channels"),
    [(1, (64,), (4, 8)), (2, (64, 48), (4, 8, 16)), (2, (32, 96), (4, 6, 8, 10)), (3, (16, 32, 24), (4, 8, 8))],
)
@pytest.mark.parametrize("norm", ["batch", "instance"])
def test_stages_have_the_channels_and_strides_they_tell(dims, shape, channels, norm):
    encoder = ResidualEncoder(dims, in_channels=3, channels=channels, norm=norm)
    stages = encoder(torch.rand(2, 3, *shape))
    assert len(stages) == len(channels) == len(encoder.channels) == len(encoder.strides)
    for stage, width, stride in zip(stages, encoder.channels, encoder.strides, strict=True):
        assert stage.shape == (2, width, *(size // stride for size in shape))
    assert encoder.strides == [2 ** (i + 1) for i in range(len(channels))]


def test_sizes_that_do_not_divide_are_rounded_up():
    assert [stage.shape[2:] for stage in ResidualEncoder(channels=(2, 2, 2))(torch.rand(1, 1, 33, 20))] == [
        (17, 10),
        (9, 5),
        (5, 3),
    ]


def test_the_norm_is_the_one_asked_for():
    kinds = {type(module).__name__ for module in ResidualEncoder(channels=(2, 2), norm="instance").modules()}
    assert "InstanceNorm2d" in kinds
    assert "BatchNorm2d" not in kinds


@pytest.mark.parametrize("cell", [(4, 4), (2, 5)])
def test_a_cell_looks_at_its_own_place_of_the_image(cell):
    """The gradient of a cell of the finest heatmap stage lies around the pixels that the cell covers."""
    torch.manual_seed(0)
    encoder = ResidualEncoder(channels=(8, 8)).eval()
    image = torch.rand(1, 1, 64, 64, requires_grad=True)
    encoder(image)[1][0, :, cell[0], cell[1]].square().sum().backward()
    touched = image.grad[0, 0].nonzero().float()
    middle = (touched.amin(dim=0) + touched.amax(dim=0)) / 2
    covered = torch.tensor(cell) * 4 + 1.5
    assert (middle - covered).abs().max() <= 2  # an odd kernel on an even stride is off by up to half a cell
    assert len(touched) < 32**2
