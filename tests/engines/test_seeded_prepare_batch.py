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
"""Tests of the seeds of batches; what is drawn with them is tested with each transform."""

from __future__ import annotations

import torch

from scripts.engines import SeededPrepareBatch


class Prepare(SeededPrepareBatch):
    def __call__(self, batchdata, device=None, non_blocking=False, **kwargs):
        return self.draw_seeds(batchdata)


BATCH = {"image": torch.zeros(4, 1, 2, 2), "index": torch.tensor([7, 3, 5, 1])}


def test_training_has_other_seeds_each_batch_and_goes_on_from_a_state():
    one, resumed = Prepare(seed=3), Prepare(seed=3)
    first, second = one.draw_seeds(BATCH), one.draw_seeds(BATCH)
    assert len({*first, *second}) == 8
    resumed.load_state_dict({"batches": 1})
    assert resumed.draw_seeds(BATCH) == second
    assert Prepare(seed=4).draw_seeds(BATCH) != first


def test_validation_has_a_seed_an_image():
    prepare = Prepare(seed=3, validation=True)
    seeds = prepare.draw_seeds(BATCH)
    assert prepare.draw_seeds({"index": torch.tensor([5])}) == seeds[2:3]
    assert len(set(seeds)) == 4


def test_processes_share_the_seeds_of_a_batch(monkeypatch):
    whole = Prepare(seed=3).draw_seeds(BATCH)
    monkeypatch.setattr("ignite.distributed.get_world_size", lambda: 2)
    monkeypatch.setattr("ignite.distributed.get_rank", lambda: 1)
    assert Prepare(seed=3).draw_seeds({"image": BATCH["image"][1::2]}) == whole[1::2]
