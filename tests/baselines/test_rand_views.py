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
"""Tests of the two views: where they are cut, how their look changes, and that nothing is flipped."""

from __future__ import annotations

import pytest
import torch
from scipy.ndimage import gaussian_filter

from scripts.baselines import RandViews
from scripts.baselines.rand_views import _blur

SHAPE = (60, 50)
PLAIN = {"jitter": 0.0, "blur": 0.0, "noise": 0.0}
WHOLE = {"crop_scale": (1.0, 1.0), "crop_ratio": (1.0, 1.0)}


def ramps(count: int) -> torch.Tensor:
    """Images (B, 3, X, Y) that tell each pixel's own place, and that it is one."""
    axes = [torch.arange(float(size)) for size in SHAPE]
    x, y = torch.meshgrid(*axes, indexing="ij")
    return torch.stack([x, y, torch.ones(SHAPE)]).expand(count, -1, -1, -1)


def in_full_view(views: torch.Tensor) -> torch.Tensor:
    return (views[:, 2] > 0.9999).all(dim=2).all(dim=1)


def test_views_without_augmentation_are_the_same_patch_of_the_image():
    views = RandViews(16, patches_per_image=40, seed=0, **PLAIN, **WHOLE)(ramps(5))
    assert views.shape == (2 * 5 * 40, 3, 16, 16)
    first, second = views.chunk(2)
    torch.testing.assert_close(first, second)
    # those in full view tell where they are; centres reach every part of the image
    middle, full = first[:, :2, 7:9, 7:9].mean(dim=(2, 3)), in_full_view(first)
    assert (middle[full].min(dim=0).values < 14).all()
    assert (middle[full].max(dim=0).values > torch.tensor(SHAPE) - 15).all()
    steps = first[full][:, 0].diff(dim=1), first[full][:, 1].diff(dim=2)
    for step in steps:
        torch.testing.assert_close(step, torch.ones_like(step), atol=1e-3, rtol=0)


def test_crops_of_a_patch_lie_in_it_and_are_not_flipped():
    whole = RandViews(16, patches_per_image=30, seed=1, **PLAIN, **WHOLE)(ramps(4)).chunk(2)[0]
    views = RandViews(16, patches_per_image=30, seed=1, **PLAIN)(ramps(4))
    first, second = views.chunk(2)
    assert (first - second).abs().amax(dim=(1, 2, 3)).gt(0.1).float().mean() > 0.95
    full = in_full_view(whole)
    assert full.sum() > 20
    for view in (first, second):
        low, high = view[full].amin(dim=(2, 3)), view[full].amax(dim=(2, 3))
        assert (low >= whole[full].amin(dim=(2, 3)) - 0.51).all()
        assert (high <= whole[full].amax(dim=(2, 3)) + 0.51).all()
        assert (view[full][:, 0].diff(dim=1) > 0).all()
        assert (view[full][:, 1].diff(dim=2) > 0).all()


def test_whole_images():
    images = torch.rand(3, 1, *SHAPE)
    views = RandViews(seed=0, **PLAIN, **WHOLE)(images)
    torch.testing.assert_close(views, torch.cat([images, images]), atol=1e-4, rtol=0)
    assert RandViews()(images).shape == (6, 1, *SHAPE)
    with pytest.raises(ValueError, match="give a patch size"):
        RandViews(patches_per_image=2)
    with pytest.raises(ValueError, match="3 images and 1 seeds"):
        RandViews()(images, seeds=[0])


def test_the_look_of_a_share_of_the_views_changes():
    images = torch.full((400, 1, 12, 12), 0.5)
    still = {"blur": 0.0, "noise": 0.0, **WHOLE, "crop_ratio": (1.0, 1.0)}
    views = RandViews(seed=0, jitter=0.75, **still)(images)[:, 0, 6, 6]
    assert (views - 0.5).abs().lt(1e-4).float().mean().item() == pytest.approx(0.25, abs=0.05)
    # a factor of 0.2 to 1.8 on what the exponent leaves
    assert 0.2 * 0.25 - 1e-3 <= views.min() < 0.15
    assert 1.0 < views.max() <= 1.8 * 0.5**0.5 + 1e-3


def test_blur_is_a_gaussian_of_the_images_own_width():
    images = torch.rand(3, 2, 80, 70, generator=torch.Generator().manual_seed(0))
    sigma = torch.tensor([0.0, 0.6, 1.3])
    blurred = _blur(images, sigma)
    torch.testing.assert_close(blurred[0], images[0])
    for i in (1, 2):
        for channel in range(2):
            expected = gaussian_filter(images[i, channel].numpy(), sigma[i].item(), mode="nearest", radius=4)
            torch.testing.assert_close(blurred[i, channel], torch.from_numpy(expected), atol=1e-4, rtol=0)


def test_the_views_of_an_image_follow_from_its_seed():
    images = torch.rand(3, 1, *SHAPE)
    augment = RandViews(16, patches_per_image=2)
    whole = augment(images, [4, 5, 6])
    alone = augment(images[1:2], [5])
    torch.testing.assert_close(alone, whole.unflatten(0, (2, 3, 2))[:, 1].flatten(0, 1))
    assert not torch.equal(augment(images, [4, 5, 7])[-1], whole[-1])
