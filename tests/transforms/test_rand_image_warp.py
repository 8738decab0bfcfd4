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
"""Tests of the warp of labelled images: a bright spot must be where its landmark is said to be."""

from __future__ import annotations

import pytest
import torch

from scripts.transforms.rand_image_warp import RandImageWarp

SHAPE = (64, 48)
PLAIN = {"gamma": (1.0, 1.0), "gain": (1.0, 1.0), "noise": 0.0}


def spots(points: torch.Tensor) -> torch.Tensor:
    """Images (B, 1, X, Y) of a Gaussian spot at each point (B, 2)."""
    axes = [torch.arange(float(size)) for size in SHAPE]
    x, y = torch.meshgrid(*axes, indexing="ij")
    squares = (x - points[:, 0, None, None]) ** 2 + (y - points[:, 1, None, None]) ** 2
    return torch.exp(-squares / (2 * 2.0**2))[:, None]


def centroids(images: torch.Tensor) -> torch.Tensor:
    x, y = torch.meshgrid(*[torch.arange(float(size)) for size in SHAPE], indexing="ij")
    weight = images[:, 0] / images[:, 0].sum(dim=(1, 2), keepdim=True)
    return torch.stack([(weight * x).sum(dim=(1, 2)), (weight * y).sum(dim=(1, 2))], dim=1)


def test_a_landmark_is_where_its_spot_went():
    points = torch.rand(40, 2, generator=torch.Generator().manual_seed(0)) * torch.tensor([24.0, 16.0]) + 20
    images, moved = RandImageWarp(image_rotate=30.0, seed=0, **PLAIN)(spots(points), points[:, None])
    # a spot that is cut off at the border has another centroid
    whole = ((moved > 10) & (moved < torch.tensor(SHAPE) - 11)).all(dim=-1)[:, 0]
    assert whole.sum() > 20
    assert (moved[:, 0] - points)[whole].norm(dim=1).mean() > 3
    torch.testing.assert_close(centroids(images)[whole], moved[whole, 0], atol=0.05, rtol=0)


def test_nothing_is_flipped_and_what_leaves_the_image_is_not_known():
    corners = torch.tensor([[0.0, 0.0], [63.0, 0.0], [0.0, 47.0], [torch.nan, 3.0]]).expand(50, 4, 2)
    _, moved = RandImageWarp(seed=1, image_rotate=0.0, crop_scale=(0.5, 0.9))(torch.zeros(50, 1, *SHAPE), corners)
    known = ~moved.isnan().any(dim=-1)
    assert not known[:, 3].any()
    assert 0 < known[:, :3].float().mean() < 0.7
    seen = moved[known]
    assert (seen > -0.5).all() and (seen < torch.tensor(SHAPE) - 0.5).all()
    middle = torch.tensor([[31.5, 23.5], [32.5, 23.5], [31.5, 24.5]]).expand(50, 3, 2)
    _, moved = RandImageWarp(seed=1)(torch.zeros(50, 1, *SHAPE), middle)
    across, down = moved[:, 1] - moved[:, 0], moved[:, 2] - moved[:, 0]
    turn = across[:, 0] * down[:, 1] - across[:, 1] * down[:, 0]
    assert (turn[~turn.isnan()] > 0).all()


def test_contrast_changes_images_alone():
    image, points = torch.full((30, 1, *SHAPE), 0.5), torch.full((30, 1, 2), 20.0)
    still = {"image_rotate": 0.0, "image_scale": (1.0, 1.0), "crop_scale": (1.0, 1.0), "crop_ratio": (1.0, 1.0)}
    changed, moved = RandImageWarp(seed=0, noise=0.0, **still)(image, points)
    torch.testing.assert_close(moved, points)
    levels = changed[:, 0, 20, 20]
    assert levels.min() >= 0.5**2 * 0.8 - 1e-4 and levels.max() <= 0.5**0.5 * 1.25 + 1e-4
    assert levels.std() > 0.1
    noisy, _ = RandImageWarp(seed=0, **still)(image, points)
    assert 0.005 < (noisy - changed).std() < 0.05


def test_an_image_is_warped_by_its_own_seed():
    images, points = torch.rand(3, 1, *SHAPE), torch.full((3, 2, 2), 20.0)
    warp = RandImageWarp()
    whole, moved = warp(images, points, [4, 5, 6])
    alone, own = warp(images[1:2], points[1:2], [5])
    torch.testing.assert_close(alone, whole[1:2])
    torch.testing.assert_close(own, moved[1:2])
    with pytest.raises(ValueError, match="one of each"):
        warp(images, points, [1])
