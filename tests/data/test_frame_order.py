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
from pydicom.dataelem import DataElement

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


# times that others contradict

JITTER = (580.0, 577.5, 582.5, 579.0, 581.0, 578.0)
EVEN_JITTER = (580, 578, 582, 576, 584, 574)  # put in order they are 2 ms apart
BREATHS = ("100000", "100004", "100010", "100013", "100019", "100022")
SHUFFLED = (3, 1, 6, 2, 5, 4)
SCANS = ("100000.1", "100002.7", "100001.2", "100003.3", "100000.9", "100001.9")


def frames(**tags: object) -> list[Dataset]:
    """Headers of frames in the order of time, each with its own of the values of an attribute."""
    names, values = list(tags), zip(*tags.values(), strict=True)
    return [header(**dict(zip(names, one, strict=True))) for one in values]


def clock(step: float, count: int = 6, start: float = 0.0) -> list[str]:
    return [f"1000{start + step * i:09.6f}" for i in range(count)]


@pytest.mark.parametrize("triggers", [JITTER, EVEN_JITTER])
@pytest.mark.parametrize(
    "others",
    [
        {"AcquisitionTime": clock(2), "InstanceNumber": range(6)},
        {"AcquisitionTime": clock(2)},
        {"AcquisitionDateTime": [f"20240101{one}" for one in clock(2)], "ContentTime": clock(1)},
        {"AcquisitionTime": BREATHS, "InstanceNumber": range(6)},
        {"ContentTime": clock(2), "InstanceNumber": range(6)},
        {"InstanceNumber": range(6)},
        {"TemporalPositionIdentifier": range(6), "InstanceNumber": [1] * 6},
    ],
)
def test_a_delay_that_jitters_from_beat_to_beat_is_no_time(triggers, others):
    files, rule = ordered(frames(TriggerTime=triggers, **others))
    assert files == list(range(6))
    assert rule in others


@pytest.mark.parametrize(
    "triggers",
    [(0, 50, 100, 10, 60, 110), (0, 50, 100, 0, 50, 100), (0, 50, 100, 25, 75, 125), (30, 80, 130, 5, 55, 105)],
)
@pytest.mark.parametrize(
    "others",
    [
        {"AcquisitionTime": clock(0.05), "InstanceNumber": range(6)},
        {"AcquisitionTime": clock(0.05), "InstanceNumber": range(6), "ContentTime": clock(0.06)},
    ],
)
def test_a_stream_over_several_beats_goes_by_acquisition(triggers, others):
    files, rule = ordered(frames(TriggerTime=triggers, **others))
    assert files == list(range(6))
    assert rule == "AcquisitionTime"


@pytest.mark.parametrize(
    "others",
    [
        {},
        {"AcquisitionTime": ["100000"] * 6},
        {"AcquisitionTime": ["100000"] * 6, "InstanceNumber": SHUFFLED},
        {"AcquisitionTime": SCANS, "InstanceNumber": SHUFFLED},
        {"AcquisitionTime": SCANS, "AcquisitionDateTime": [f"20240101{one}" for one in SCANS]},
        {"AcquisitionTime": SCANS, "ContentTime": clock(1)[::-1], "InstanceNumber": range(6, 0, -1)},
        {"InstanceNumber": range(6, 0, -1)},
    ],
)
def test_a_cine_of_one_beat_goes_by_its_trigger_times(others):
    assert ordered(frames(TriggerTime=[15 + 40.5 * i for i in range(6)], **others)) == (list(range(6)), "TriggerTime")


# clocks


@pytest.mark.parametrize(
    "tags",
    [
        [{"AcquisitionTime": one} for one in ("235959.8", "235959.9", "000000.0", "000000.1")],
        [
            {"AcquisitionTime": one, "AcquisitionDate": "20240229"}
            for one in ("235959.8", "235959.9", "000000.0", "000000.1")
        ],
        [{"ContentTime": one} for one in ("220000", "230000", "010000", "020000")],
        [{"AcquisitionDateTime": f"20240101{one}"} for one in ("235959.8", "235959.9", "000000.0", "000000.1")],
        # local time of one day, which is two days in UTC
        [{"AcquisitionDateTime": f"20240101{one}+0100"} for one in ("235959.8", "235959.9", "000000.0", "000000.1")],
        # a date that one file lacks is no help
        [{"ContentTime": "235959.9"}, {"ContentTime": "000000", "ContentDate": "20240101"}],
    ],
)
def test_times_cross_midnight(tags):
    assert ordered([header(**one) for one in tags])[0] == list(range(len(tags)))


@pytest.mark.parametrize(
    "tags",
    [
        [{"AcquisitionTime": one} for one in ("070000", "120000", "170000")],  # ten hours of one day
        [
            {"AcquisitionTime": one, "AcquisitionDate": day}
            for one, day in (("235959", "20240101"), ("000000", "20240102"), ("235959", "20240102"))
        ],
    ],
)
def test_a_day_that_is_told_or_not_needed_stays(tags):
    assert ordered([header(**one) for one in tags])[0] == list(range(len(tags)))


@pytest.mark.parametrize(
    "times",
    [
        ("10:00:00.5", "10:00:01", "10:00:01.5"),
        ("1000", "1001", "10:02"),
        ("09", "1000", "11"),
        ("095959.999999", "100000", "100000.000001"),
        ("235958", "235959", "240000"),
        (" 100000 ", "100001.", "100002"),
    ],
)
def test_old_and_short_forms_of_a_time_are_read(times):
    headers = [header() for _ in times]
    for one, value in zip(headers, times, strict=True):
        one["AcquisitionTime"] = DataElement(0x00080032, "TM", value, validation_mode=0)
    assert ordered(headers) == ([0, 1, 2], "AcquisitionTime")


def test_time_zones_count_where_all_tell_them():
    mixed = ["20240101100000+0100", "20240101093000+0000", "20240101110000+0100"]
    assert ordered([header(AcquisitionDateTime=one) for one in mixed])[0] == [0, 1, 2]
    assert ordered([header(AcquisitionDateTime=one) for one in ("20240101100000+0100", "20240101103000")])[0] == [0, 1]


# where no rule tells all apart


def test_numbers_in_names_count_where_names_stand_for_time():
    headers = {Path(name): header() for name in ("im10.dcm", "im2.dcm", "im1.dcm", "im02b.dcm")}
    files, rule = order_by_time(headers)
    assert ([file.name for file in files], rule) == (["im1.dcm", "im2.dcm", "im02b.dcm", "im10.dcm"], "file name")


def test_what_tells_some_apart_goes_before_the_name():
    seconds = frames(AcquisitionTime=("100001", "100001", "100000", "100000"), InstanceNumber=(2, 1, 2, 2))
    assert ordered(seconds) == ([3, 2, 1, 0], "AcquisitionTime, InstanceNumber, then file name")
    numbered = frames(AcquisitionNumber=(2, 2, 1, 1), InstanceNumber=(1, 2, 1, 2))
    assert ordered(numbered) == ([2, 3, 0, 1], "AcquisitionNumber, InstanceNumber")
