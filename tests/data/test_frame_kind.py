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
"""Tests of what a frame shows; files of several kinds are tested with series and with headers."""

from __future__ import annotations

import pytest
from pydicom import Dataset
from pydicom.dataelem import DataElement
from pydicom.sequence import Sequence

from scripts.data.frame_kind import KIND_TAGS, KIND_TRAITS, mixed_kinds, told


def test_a_frame_s_own_group_goes_before_the_file():
    inner, frame, dataset = Dataset(), Dataset(), Dataset()
    inner.EffectiveEchoTime = 9.2
    frame.MREchoSequence = Sequence([inner])
    dataset.PerFrameFunctionalGroupsSequence = Sequence([frame])
    dataset.EffectiveEchoTime = 4.6
    assert told(dataset, 0, "EffectiveEchoTime", "MREchoSequence") == 9.2
    assert told(dataset, 1, "EffectiveEchoTime", "MREchoSequence") == 4.6


@pytest.mark.parametrize("trait", KIND_TRAITS, ids=lambda trait: trait.name)
def test_a_damaged_value_tells_nothing(trait):
    dataset = Dataset()
    for tag in KIND_TAGS:
        dataset[tag] = DataElement(tag, "OB", b"\xff")
    assert trait.labels([(dataset, 0), (dataset, 0), (Dataset(), 0)])[:2] == [0, 0]


def test_many_values_are_counted_and_three_are_shown():
    dataset = Dataset()
    dataset.NumberOfFrames, dataset.DetectorVector = 7, [7, 6, 5, 4, 3, 2, 1]
    assert mixed_kinds(dataset) == "1, 2, 3 and 4 more, by DetectorVector,"
