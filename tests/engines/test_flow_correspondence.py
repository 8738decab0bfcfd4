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
"""Tests of the correspondence between images of a batch, against shifts that are known."""

from __future__ import annotations

import pytest
import torch
import torch.nn.functional as F

from scripts.engines import FlowCorrespondence

SHAPE = (72, 56)


def texture(seed: int) -> torch.Tensor:
    """(1, 96, 80), smooth."""
    noise = torch.rand(1, 1, 110, 94, generator=torch.Generator().manual_seed(seed))
    smooth = F.avg_pool2d(F.avg_pool2d(noise, 7, 1), 9, 1)[0]
    return (smooth - smooth.min()) / (smooth.max() - smooth.min())


def shown(image: torch.Tensor, x: int, y: int) -> torch.Tensor:
    """What an image of ``SHAPE`` shows that begins at (x, y)."""
    return image[:, x : x + SHAPE[0], y : y + SHAPE[1]]


@pytest.mark.parametrize("equalize", [True, False])
def test_an_image_is_paired_with_the_one_that_it_is_like(equalize):
    begins = [(0, (10, 10)), (1, (9, 12)), (0, (13, 8)), (1, (10, 10))]
    images = torch.stack([shown(texture(seed), *at) for seed, at in begins])
    counterparts = FlowCorrespondence(equalize=equalize)(images)
    others = [2, 3, 0, 1]
    torch.testing.assert_close(counterparts.images, images[others], rtol=0, atol=0)
    for i, other in enumerate(others):
        expected = torch.tensor(begins[i][1]) - torch.tensor(begins[other][1])
        inner = counterparts.moves[i, :, 12:-12, 12:-12].flatten(1).median(dim=1).values
        torch.testing.assert_close(inner, expected.float(), atol=0.3, rtol=0)
        assert counterparts.known[i, 12:-12, 12:-12].float().mean() > 0.95


def test_an_image_that_is_alone_goes_with_itself():
    image = shown(texture(0), 10, 10).unsqueeze(0)
    counterparts = FlowCorrespondence()(image)
    torch.testing.assert_close(counterparts.images, image, rtol=0, atol=0)
    assert counterparts.moves.abs().max() < 0.1
    assert counterparts.known.all()


def test_fewer_pixels_are_known_where_the_next_image_shows_other_things():
    related = torch.stack([shown(texture(0), 10, 10), shown(texture(0), 12, 10)])
    other = torch.stack([shown(texture(0), 10, 10), shown(texture(1), 10, 10)])
    known, lost = (FlowCorrespondence()(one).known.float().mean() for one in (related, other))
    assert known > 0.95
    assert lost < 0.9


def test_channels_are_averaged_and_kept():
    images = torch.stack([shown(texture(0), 10, 10), shown(texture(0), 12, 10)])
    one, three = FlowCorrespondence()(images), FlowCorrespondence()(images.repeat(1, 3, 1, 1))
    assert three.images.shape == (2, 3, *SHAPE)
    torch.testing.assert_close(one.moves, three.moves, atol=0.1, rtol=0)


def test_a_longer_way_is_allowed_where_asked_for():
    images = torch.stack([shown(texture(0), 10, 10), shown(texture(1), 10, 10)])
    strict, lax = FlowCorrespondence(tolerance=0.01)(images), FlowCorrespondence(tolerance=0.2)(images)
    assert strict.known.sum() < lax.known.sum()
