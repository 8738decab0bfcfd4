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
"""Tests of correspondence by a teacher: normalised cross-correlation, or one that is off by a known way."""

from __future__ import annotations

import torch
import torch.nn.functional as F

from scripts.baselines import NCCMatcher
from scripts.engines import NetworkCorrespondence

SHAPE = (72, 56)
POINTS = torch.tensor([[20.0, 20.0], [36.4, 28.8], [50.0, 30.0], [30.5, 40.0]])


class OffMatcher(NCCMatcher):
    """Finds all patches some px too far along the first axis."""

    def __init__(self, px: float) -> None:
        super().__init__()
        self.off = torch.tensor([2 * px / SHAPE[0], 0.0, 0.0, 0.0])

    def match(self, image_code: torch.Tensor, patch_code: torch.Tensor) -> torch.Tensor:
        return super().match(image_code, patch_code) + self.off


def shown(seed: int, x: int, y: int) -> torch.Tensor:
    """What an image (1, *SHAPE) shows of a smooth texture from (x, y) on."""
    noise = torch.rand(1, 1, 110, 94, generator=torch.Generator().manual_seed(seed))
    texture = F.avg_pool2d(F.avg_pool2d(noise, 5, 1), 5, 1)[0]
    texture = (texture - texture.min()) / (texture.max() - texture.min())
    return texture[:, x : x + SHAPE[0], y : y + SHAPE[1]]


def test_points_are_found_in_the_image_most_alike():
    images = torch.stack([shown(0, 10, 10), shown(1, 8, 9), shown(0, 13, 8), shown(1, 10, 10)])
    counterparts = NetworkCorrespondence(NCCMatcher(), 16)(images)
    torch.testing.assert_close(counterparts.images, images[[2, 3, 0, 1]], rtol=0, atol=0)
    found, known = counterparts.find(POINTS.expand(4, -1, -1))
    assert known.all()
    moves = torch.tensor([[-3.0, 2.0], [-2.0, -1.0], [3.0, -2.0], [2.0, 1.0]])
    torch.testing.assert_close(found, POINTS + moves[:, None], atol=0.15, rtol=0)


def test_a_teacher_that_is_off_a_little_is_corrected_and_one_that_is_off_more_is_not_believed():
    images = torch.stack([shown(0, 10, 10), shown(0, 13, 8)])
    # the way there and back ends twice as far off as one way
    near, far = (NetworkCorrespondence(OffMatcher(px), 16, tolerance=6.0) for px in (2.6, 9.0))
    found, known = near(images).find(POINTS.expand(2, -1, -1))
    assert known.all()
    torch.testing.assert_close(found[0], POINTS + torch.tensor([-3.0, 2.0]), atol=0.15, rtol=0)
    assert not far(images).find(POINTS.expand(2, -1, -1))[1].any()


def test_points_that_other_images_do_not_show_are_not_known():
    images = torch.stack([shown(0, 10, 10), shown(1, 10, 10)])
    _, known = NetworkCorrespondence(NCCMatcher(), 16)(images).find(POINTS.expand(2, -1, -1))
    assert known.float().mean() < 0.3


def test_the_teacher_is_not_trained_and_not_told_at_length():
    correspondence = NetworkCorrespondence(NCCMatcher(), 16)
    images = torch.stack([shown(0, 10, 10), shown(0, 13, 8)]).requires_grad_()
    found, _ = correspondence(images).find(POINTS.expand(2, -1, -1))
    assert not found.requires_grad
    assert repr(correspondence).startswith("NetworkCorrespondence(patch_size=16, reach=4")
