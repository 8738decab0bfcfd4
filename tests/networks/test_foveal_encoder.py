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
"""Tests of the two views of a patch, against arithmetic on its pixels."""

from __future__ import annotations

import io

import pytest
import torch
from torch import nn

from scripts.io import InputError
from scripts.networks import CorrelationHead, FovealEncoder, TemplateMatchingNetwork, build_encoder


class Views(nn.Module):
    """In place of an encoder: gives its input back."""

    channels = (2,)
    strides = (1,)

    def forward(self, views: torch.Tensor) -> list[torch.Tensor]:
        return [views]


def rand(*shape: int) -> torch.Tensor:
    return torch.rand(*shape, generator=torch.Generator().manual_seed(0))


@pytest.mark.parametrize(("size", "zoom"), [(12, 2), (12, 3), (10, 2)])
def test_the_views_are_the_middle_and_the_means_of_blocks(size, zoom):
    patch, side = rand(3, 1, size, size), size // zoom
    views = FovealEncoder(Views(), zoom)(patch)[0]
    assert views.shape == (3, 2, side, side)
    begin = (size - side) // 2
    torch.testing.assert_close(views[:, :1], patch[:, :, begin : begin + side, begin : begin + side])
    for x in range(side):
        for y in range(side):
            block = patch[:, 0, x * zoom : (x + 1) * zoom, y * zoom : (y + 1) * zoom]
            torch.testing.assert_close(views[:, 1, x, y], block.mean(dim=(1, 2)))


def test_views_of_volumes():
    patch = rand(1, 1, 8, 8, 4)
    views = FovealEncoder(Views())(patch)[0]
    torch.testing.assert_close(views[:, :1], patch[:, :, 2:6, 2:6, 1:3])
    torch.testing.assert_close(views[0, 1, 0, 0, 0], patch[0, 0, :2, :2, :2].mean())


@pytest.mark.parametrize("name", ["residual", "resnet18", "densenet121"])
def test_an_encoder_by_name_takes_two_views_and_scripts(name):
    encoder = build_encoder(name, zoom=2).eval()
    assert encoder.min_size == 2 * getattr(build_encoder(name), "min_size", 1)
    image_encoder = build_encoder("residual").eval()
    network = TemplateMatchingNetwork(image_encoder, encoder, CorrelationHead(image_encoder, encoder), patch_size=64)
    buffer = io.BytesIO()
    torch.jit.save(torch.jit.script(network.eval()), buffer)
    buffer.seek(0)
    image, patch = rand(2, 1, 64, 64), rand(4, 1, 64, 64)
    with torch.inference_mode(), torch.jit.optimized_execution(False):
        torch.testing.assert_close(torch.jit.load(buffer)(image, patch), network(image, patch))


def test_what_is_far_from_the_middle_matters_too():
    torch.manual_seed(0)
    encoder = build_encoder(zoom=2).eval()
    patch = rand(1, 1, 64, 64)
    other = patch.clone()
    other[..., :8, :] += 1.0
    with torch.inference_mode():
        assert not torch.allclose(encoder(patch)[-1], encoder(other)[-1])


def test_patches_that_cannot_be_divided_are_refused():
    encoders = build_encoder(), build_encoder(zoom=2)
    with pytest.raises(InputError, match="patches of 49 px cannot be seen 2 times smaller.*--patch_zoom 1"):
        TemplateMatchingNetwork(*encoders, CorrelationHead(*encoders), patch_size=49)
