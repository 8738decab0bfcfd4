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
"""Tests of the order of frames in time: rules one by one, by hand-written headers."""

from __future__ import annotations

from pathlib import Path

import pytest
from pydicom import Dataset
from pydicom.sequence import Sequence

from scripts.data.frame_order import file_interval, frame_interval, is_stored_in_order, order_by_time


def header(**tags: object) -> Dataset:
    dataset = Dataset()
    for name, value in tags.items():
        setattr(dataset, name, value)
    return dataset


def ordered(headers: list[Dataset]) -> tuple[list[int], str]:
    """Indices of the headers in the order of time, and the rule; names run against the order of the list."""
    paths = [Path(f"{chr(ord('z') - i)}.dcm") for i in range(len(headers))]
    files, rule = order_by_time(dict(zip(paths, headers, strict=True)))
    return [paths.index(file) for file in files], rule


RULES = {
    "TriggerTime": [{"TriggerTime": value} for value in ("100.5", "20", "3")],
    "TemporalPositionIdentifier": [{"TemporalPositionIdentifier": value} for value in (10, 9, 1)],
    "AcquisitionDateTime": [
        {"AcquisitionDateTime": value}
        # in UTC: 09:00, 08:30 and 08:29:59.9
        for value in ("20240101100000+0100", "20240101083000.000000+0000", "20240101082959.9+0000")
    ],
    "AcquisitionTime": [
        {"AcquisitionDate": day, "AcquisitionTime": value}
        for day, value in (("20240102", "000000.1"), ("20240101", "235959.95"), ("20240101", "2359"))
    ],
    "ContentTime": [{"ContentTime": value} for value in ("100000.25", "100000.2", "095959.9")],
    "InstanceNumber": [{"InstanceNumber": value} for value in (12, 9, -1)],
}


@pytest.mark.parametrize("rule", RULES)
def test_each_rule_orders_by_value_and_not_by_text(rule):
    assert ordered([header(**tags) for tags in RULES[rule]]) == ([2, 1, 0], rule)


@pytest.mark.parametrize("rule", list(RULES)[1:])
def test_a_rule_that_comes_earlier_wins(rule):
    first = [{"TriggerTime": value} for value in (2, 3, 1)]
    both = [header(**one, **other) for one, other in zip(first, RULES[rule], strict=True)]
    assert ordered(both) == ([2, 0, 1], "TriggerTime")


@pytest.mark.parametrize("values", [(1, 1, 2), (1, None, 2), (1, "", 2), (0, 0, 0)])
def test_a_rule_that_does_not_tell_all_apart_is_passed_over(values):
    headers = [header(TriggerTime=value, InstanceNumber=3 - i) for i, value in enumerate(values)]
    assert ordered(headers) == ([2, 1, 0], "InstanceNumber")


def test_a_damaged_time_is_passed_over():
    headers = [header(AcquisitionTime=value, InstanceNumber=i) for i, value in enumerate(("noon", "100000", "110000"))]
    assert ordered(headers) == ([0, 1, 2], "InstanceNumber")


def test_names_order_what_nothing_else_does():
    assert ordered([header(), header()]) == ([1, 0], "file name")
    headers = [header(InstanceNumber=2), header(InstanceNumber=1), header(InstanceNumber=1)]
    assert ordered(headers) == ([2, 1, 0], "InstanceNumber, then file name")


@pytest.mark.parametrize(
    ("tags", "expected"),
    [
        ([{"TriggerTime": value} for value in (0, 33, 67, 100)], 100 / 3),
        ([{"TriggerTime": value} for value in (0, 33, 90, 100)], None),
        ([{"AcquisitionTime": value} for value in ("100000.00", "100000.25", "100000.50")], 250.0),
        ([{"AcquisitionDateTime": f"2024010123595{i}.5"} for i in range(8, 10)], 1000.0),
        ([{"ContentTime": value} for value in ("100000", "100001", "100002")], None),
        ([{"InstanceNumber": value} for value in (1, 2, 3)], None),
        # a gated series has one trigger time but not the same time of acquisition
        ([{"TriggerTime": 0, "AcquisitionTime": f"10000{i}"} for i in range(3)], 1000.0),
    ],
)
def test_time_between_files(tags, expected):
    assert file_interval([header(**one) for one in tags]) == pytest.approx(expected)


@pytest.mark.parametrize(
    ("tags", "expected"),
    [
        ({"FrameTime": "33.3"}, 33.3),
        ({"FrameTime": 0}, None),
        ({"FrameTime": None}, None),
        ({"FrameTimeVector": [0, 40, 40, 41]}, 121 / 3),
        ({"FrameTimeVector": [0, 40]}, 40.0),
        ({"FrameTimeVector": [0, 40, 80, 41]}, None),
        ({}, None),
    ],
)
def test_time_between_the_frames_of_a_file(tags, expected):
    assert frame_interval(header(**tags)) == pytest.approx(expected)


def enhanced(group: str, name: str, values: list[object]) -> Dataset:
    frames = [header(**{group: Sequence([header(**{name: value})])}) for value in values]
    return header(NumberOfFrames=len(values), PerFrameFunctionalGroupsSequence=Sequence(frames))


ENHANCED = [
    ("CardiacSynchronizationSequence", "NominalCardiacTriggerDelayTime", [5.0, 35.0, 65.0], 30.0),
    ("TemporalPositionSequence", "TemporalPositionTimeOffset", [0.0, 0.5, 1.0], 500.0),
    ("FrameContentSequence", "FrameAcquisitionDateTime", [f"2024010110000{i}.5" for i in range(3)], 1000.0),
    ("FrameContentSequence", "FrameReferenceDateTime", [f"2024010110000{i}" for i in (0, 2, 4)], 2000.0),
]


@pytest.mark.parametrize(("group", "name", "values", "expected"), ENHANCED)
def test_time_between_the_frames_of_an_enhanced_file(group, name, values, expected):
    dataset = enhanced(group, name, values)
    assert frame_interval(dataset) == pytest.approx(expected)
    assert is_stored_in_order(dataset)
    backwards = enhanced(group, name, values[::-1])
    assert frame_interval(backwards) is None
    assert not is_stored_in_order(backwards)


def test_temporal_positions_tell_the_order_but_no_time():
    dataset = enhanced("FrameContentSequence", "TemporalPositionIndex", [1, 2, 3])
    assert frame_interval(dataset) is None
    assert is_stored_in_order(dataset)
    assert not is_stored_in_order(enhanced("FrameContentSequence", "TemporalPositionIndex", [1, 3, 2]))
