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

"""Tests of the sampler: counts, and the same order again and for several processes."""

from __future__ import annotations

from collections import Counter

import pytest
from hypothesis import given
from hypothesis import strategies as st

from scripts.data.epoch_sampler import EpochSampler


def samples(images: int, count: int, epoch: int = 1, seed: int = 0, **processes: int) -> list[int]:
    sampler = EpochSampler(range(images), count, seed=seed, **processes)
    sampler.set_epoch(epoch)
    drawn = list(sampler)
    assert len(drawn) == len(sampler)
    return drawn


@given(images=st.integers(1, 30), count=st.integers(1, 70), epoch=st.integers(0, 5))
def test_every_image_is_drawn_as_often_as_any_other_to_within_one(images, count, epoch):
    drawn = samples(images, count, epoch)
    assert len(drawn) == count
    often = Counter(drawn)
    counts = [often[i] for i in range(images)]
    assert max(counts) - min(counts) <= 1


@given(images=st.integers(1, 30), each=st.integers(1, 20), world_size=st.integers(1, 4))
def test_processes_take_turns_on_the_order_of_one(images, each, world_size):
    one = samples(images, each * world_size)
    parts = [samples(images, each * world_size, rank=rank, world_size=world_size) for rank in range(world_size)]
    assert [index for turn in zip(*parts, strict=True) for index in turn] == one


def test_the_order_follows_from_seed_and_epoch():
    assert samples(50, 50, epoch=3) == samples(50, 50, epoch=3)
    assert samples(50, 50, epoch=3) != samples(50, 50, epoch=4)
    assert samples(50, 50, seed=1) != samples(50, 50, seed=2)


def test_what_cannot_be_dealt_is_refused():
    with pytest.raises(ValueError, match="7 samples cannot be dealt to 2 processes"):
        EpochSampler(range(9), 7, rank=0, world_size=2)
    with pytest.raises(ValueError, match="no image"):
        EpochSampler([], 8)
