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

"""Tests of the sampler of evaluations."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from scripts.data import ShareSampler
from scripts.io.input_error import InputError


@given(world_size=st.integers(1, 6), more=st.integers(0, 40))
def test_each_item_is_one_processs(world_size, more):
    items = range(world_size + more)
    shares = [ShareSampler(items, rank=rank, world_size=world_size) for rank in range(world_size)]
    assert sorted(index for share in shares for index in share) == list(items)
    assert [len(share) for share in shares] == [len(list(share)) for share in shares]
    assert min(len(share) for share in shares) >= 1


def test_one_process_has_all_in_order():
    assert list(ShareSampler("abc")) == [0, 1, 2]


def test_fewer_items_than_processes_are_refused():
    with pytest.raises(InputError, match="1 images cannot be shared by 2 processes"):
        ShareSampler("a", rank=0, world_size=2)
