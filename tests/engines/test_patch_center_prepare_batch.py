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
from scripts.transforms.counterparts import Counterparts
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
    image = torch.rand(count, 1, 24, 20, generator=torch.Generator().manual_seed(0))
    return {"image": image, "index": torch.arange(count)}


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


@pytest.mark.parametrize("validation", [True, False])
def test_the_network_is_asked_for_its_heatmap_in_training_only(validation):
    prepare = PatchCenterPrepareBatch(RandPatchCenter(8), validation=validation)
    assert prepare(images())[3]["heatmap"] is not validation


def assert_same(first: tuple, second: tuple) -> None:
    torch.testing.assert_close(first[:2], second[:2], rtol=0, atol=0)
    torch.testing.assert_close(first[3]["patch"], second[3]["patch"], rtol=0, atol=0)


def test_training_draws_anew_for_each_batch_and_the_same_again_from_its_seed():
    one, again, other = (PatchCenterPrepareBatch(RandPatchCenter(8, noise=0.1), seed=seed) for seed in (5, 5, 6))
    batches = [one(images()) for _ in range(2)]
    for batch in batches:
        assert_same(again(images()), batch)
    assert not torch.equal(batches[0][1], batches[1][1])
    assert not torch.equal(batches[0][1], other(images())[1])


def test_training_goes_on_where_its_state_says():
    one, resumed = (PatchCenterPrepareBatch(RandPatchCenter(8, noise=0.1), seed=5) for _ in range(2))
    for _ in range(3):
        one(images())
    resumed.load_state_dict(one.state_dict())
    assert_same(resumed(images()), one(images()))


def test_two_processes_draw_what_one_would(monkeypatch):
    """Process r has the images r, r + 2, ... of the batch, and draws for them what one process would."""
    augment = RandPatchCenter(8, patches_per_image=2, noise=0.1)
    whole = PatchCenterPrepareBatch(augment, seed=5)(images(4))
    monkeypatch.setattr("ignite.distributed.get_world_size", lambda: 2)
    for rank in range(2):
        monkeypatch.setattr("ignite.distributed.get_rank", lambda rank=rank: rank)
        own = PatchCenterPrepareBatch(augment, seed=5)({name: value[rank::2] for name, value in images(4).items()})
        torch.testing.assert_close(own[0], whole[0][rank::2])
        torch.testing.assert_close(own[3]["patch"], whole[3]["patch"].unflatten(0, (4, 2))[rank::2].flatten(0, 1))
        torch.testing.assert_close(own[1], whole[1].unflatten(0, (4, 2))[rank::2].flatten(0, 1))


def test_validation_draws_for_an_image_the_same_in_every_batch():
    prepare = PatchCenterPrepareBatch(RandPatchCenter(8, noise=0.1), seed=5, validation=True)
    whole = prepare(images(4))
    for i in range(4):
        alone = prepare({name: value[i : i + 1] for name, value in images(4).items()})
        torch.testing.assert_close(alone[0], whole[0][i : i + 1])
        torch.testing.assert_close(alone[3]["patch"], whole[3]["patch"][i : i + 1])
    assert len({tuple(center) for center in whole[1].tolist()}) == 4


def test_images_kept_as_bytes_are_intensities_again_and_the_patches_are_kept_for_pictures():
    stored = {**images(), "image": torch.full((3, 1, 24, 20), 255, dtype=torch.uint8)}
    prepare = PatchCenterPrepareBatch(RandPatchCenter(8, **NO_AUGMENTATION))
    image, _, _, inputs = prepare(stored)
    torch.testing.assert_close(image, torch.ones(3, 1, 24, 20))
    assert prepare.last_patch is inputs["patch"]


def test_patches_are_cut_from_the_counterparts_of_the_images():
    def to_the_next(images: torch.Tensor) -> Counterparts:
        moves = torch.zeros(len(images), 2, *images.shape[2:])
        return Counterparts(images.roll(-1, dims=0), moves, torch.ones(len(images), *images.shape[2:]).bool())

    batch = images()
    augment = RandPatchCenter(8, **NO_AUGMENTATION)
    image, center, _, kwargs = PatchCenterPrepareBatch(augment, correspondence=to_the_next)(batch)
    torch.testing.assert_close(image, batch["image"], atol=1e-5, rtol=0)
    points = normalized_to_index(center, (24, 20))
    expected = extract_patches(batch["image"].roll(-1, dims=0), points, 8)
    torch.testing.assert_close(kwargs["patch"], expected, atol=1e-4, rtol=0)
