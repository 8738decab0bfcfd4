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
"""Tests of what contrastive training makes of a batch."""

from __future__ import annotations

import torch

from scripts.baselines import RandViews, ViewsPrepareBatch

BATCH = {
    "image": torch.randint(256, (3, 1, 48, 32), dtype=torch.uint8, generator=torch.Generator().manual_seed(0)),
    "index": torch.arange(3),
}


def test_training_makes_other_views_each_batch_and_goes_on_where_its_state_says():
    one, resumed = (ViewsPrepareBatch(RandViews(16, patches_per_image=2), seed=4) for _ in range(2))
    first, second = one(BATCH), one(BATCH)
    assert first[0].shape == (12, 1, 16, 16)
    assert first[1:] == (None, (), {})
    assert not torch.equal(first[0], second[0])
    resumed.load_state_dict({"batches": 1})
    torch.testing.assert_close(resumed(BATCH)[0], second[0])


def test_validation_makes_the_same_views_of_an_image():
    prepare = ViewsPrepareBatch(RandViews(16), seed=4, validation=True)
    whole = prepare(BATCH)[0]
    alone = prepare({name: value[1:2] for name, value in BATCH.items()})[0]
    torch.testing.assert_close(alone, whole[[1, 4]])
