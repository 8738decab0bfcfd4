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
"""Tests of times that are no times; the others are tested with the order that they give."""

from __future__ import annotations

import pytest
from pydicom import Dataset
from pydicom.dataelem import DataElement

from scripts.data.frame_times import Moment, moment_of, moments_in_ms, read_times


@pytest.mark.parametrize("text", ["noon", "250000", "106000", "100061", "1", "100", "10:0", "10-00", "1000000", ""])
def test_what_is_no_time_of_day_tells_nothing(text):
    dataset = Dataset()
    dataset["AcquisitionTime"] = DataElement(0x00080032, "TM", text, validation_mode=0)
    assert read_times([dataset])["AcquisitionTime"] == [None]


@pytest.mark.parametrize("day", ["20240230", "2024", "today", "20241301"])
def test_a_day_that_cannot_be_is_not_told(day):
    dataset = Dataset()
    dataset["AcquisitionDate"] = DataElement(0x00080022, "DA", day, validation_mode=0)
    dataset.AcquisitionTime = "100000"
    assert read_times([dataset, dataset])["AcquisitionTime"] == [36_000_000.0] * 2


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("2024", Moment(0.0, 738886)),
        ("20240101", Moment(0.0, 738886)),
        ("20240101083000.25", Moment(30_600_250.0, 738886)),
        ("2024010108-0130", Moment(28_800_000.0, 738886, -5_400_000.0)),
    ],
)
def test_a_date_with_time_may_be_cut_off(text, expected):
    assert moment_of(text) == expected


@pytest.mark.parametrize("text", ["", "noon", "20241301", "2024-01-01T10:00", "20240101256000"])
def test_what_is_no_date_with_time(text):
    with pytest.raises(ValueError, match=r"."):
        moment_of(text)


def test_times_around_the_clock_stay_where_they_are():
    hours = [Moment(3_600_000.0 * hour) for hour in range(0, 24, 6)]
    assert moments_in_ms(hours) == [one.ms for one in hours]
    assert moments_in_ms([]) == []
