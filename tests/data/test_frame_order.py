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

from scripts.data.frame_order import order_by_time


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
