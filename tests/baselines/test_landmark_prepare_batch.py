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
"""Tests of what supervised training makes of a batch."""

from __future__ import annotations

import torch

from scripts.baselines import LandmarkPrepareBatch
from scripts.transforms import RandImageWarp
from scripts.transforms.coordinates import index_to_normalized

BATCH = {
    "image": torch.randint(256, (3, 1, 48, 32), dtype=torch.uint8, generator=torch.Generator().manual_seed(0)),
    "landmarks": torch.rand(3, 2, 2, generator=torch.Generator().manual_seed(1)) * 30,
}


def test_validation_leaves_images_as_they_are():
    image, target, args, kwargs = LandmarkPrepareBatch()(BATCH, "cpu")
    torch.testing.assert_close(image, BATCH["image"] / 255.0)
    torch.testing.assert_close(target, index_to_normalized(BATCH["landmarks"], (48, 32)))
    assert (args, kwargs) == ((), {})


def test_training_warps_each_batch_anew_and_goes_on_where_its_state_says():
    one, resumed = (LandmarkPrepareBatch(RandImageWarp(), seed=4) for _ in range(2))
    first, second = one(BATCH), one(BATCH)
    assert not torch.equal(first[1], second[1])
    resumed.load_state_dict({"batches": 1})
    torch.testing.assert_close(resumed(BATCH)[:2], second[:2], equal_nan=True)
