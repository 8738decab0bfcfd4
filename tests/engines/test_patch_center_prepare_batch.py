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
"""Tests of the self-supervised batch: against patches cut from the image with nothing augmented, and its draws."""

from __future__ import annotations

import pytest
import torch

from scripts.engines import PatchCenterPrepareBatch
from scripts.transforms.coordinates import normalized_to_index
from scripts.transforms.patch import extract_patches
from scripts.transforms.rand_patch_center import RandPatchCenter

NO_AUGMENTATION = {
    "image_rotate": 0.0,
    "image_scale": (1.0, 1.0),
    "crop_scale": (1.0, 1.0),
    "crop_ratio": (1.0, 1.0),
    "patch_rotate": 0.0,
    "patch_scale": (1.0, 1.0),
    "gamma": (1.0, 1.0),
}


def images(count: int = 3) -> dict[str, torch.Tensor]:
    return {"image": torch.rand(count, 1, 24, 20, generator=torch.Generator().manual_seed(0))}


def test_the_target_is_where_the_patch_was_cut():
    batch = images()
    prepare = PatchCenterPrepareBatch(RandPatchCenter(8, patches_per_image=2, seed=0, **NO_AUGMENTATION))
    image, center, args, kwargs = prepare(batch, torch.device("cpu"))
    torch.testing.assert_close(image, batch["image"], atol=1e-5, rtol=0)
    assert args == ()
    assert center.shape == (6, 2)
    each = image.repeat_interleave(2, dim=0)
    # away from the border, where the patch is cut off at the edge and grid_sample fades to zero
    points = normalized_to_index(center, (24, 20))
    inner = ((points > 0.5) & (points < torch.tensor([22.5, 18.5]))).all(dim=1)
    assert inner.sum() >= 3
    expected = extract_patches(each, points, 8)
    difference = (kwargs["patch"] - expected).abs()[inner]
    assert difference[..., 3:5, 3:5].max() < 1e-4


@pytest.mark.parametrize("heatmap", [True, False])
def test_the_network_is_asked_for_its_heatmap_or_not(heatmap):
    prepare = PatchCenterPrepareBatch(RandPatchCenter(8, seed=0), heatmap=heatmap)
    assert prepare(images())[3]["heatmap"] is heatmap


def test_with_a_seed_each_batch_is_drawn_alike_and_without_each_anew():
    seeded = PatchCenterPrepareBatch(RandPatchCenter(8, seed=1), seed=5)
    again = PatchCenterPrepareBatch(RandPatchCenter(8, seed=2), seed=5)
    other = PatchCenterPrepareBatch(RandPatchCenter(8, seed=1), seed=6)
    free = PatchCenterPrepareBatch(RandPatchCenter(8, seed=1))
    first = seeded(images())
    for same in (seeded(images()), again(images())):
        torch.testing.assert_close(same[:2], first[:2], rtol=0, atol=0)
        torch.testing.assert_close(same[3]["patch"], first[3]["patch"], rtol=0, atol=0)
    assert not torch.equal(other(images())[1], first[1])
    assert not torch.equal(free(images())[1], free(images())[1])
