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
"""Tests of the order of names in which numbers count as numbers."""

from __future__ import annotations

import itertools

import pytest

from scripts.io.natural_order import natural_key


@pytest.mark.parametrize(
    "names",
    [
        ["im1.dcm", "im2.dcm", "im10.dcm"],
        ["1", "2", "10", "a", "a1b2", "a1b10", "a2b1"],
        ["s01/9.png", "s01/10.png", "s2/1.png", "s10/0.png"],
        ["1.2.840.9.1", "1.2.840.10.0"],
        ["f007.png", "f07.png", "f7.png", "f7a.png", "f8.png"],  # one number in three ways, by their text
    ],
)
def test_numbers_in_names_count(names):
    for order in itertools.islice(itertools.permutations(names), 50):
        assert sorted(order, key=natural_key) == names


def test_no_two_names_have_one_key():
    names = ["1", "01", "²", "٣", "", "a", "A", "a1", "1a"]
    assert len({natural_key(name) for name in names}) == len(sorted(names, key=natural_key)) == len(names)
