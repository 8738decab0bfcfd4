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
"""Tests of the time between frames, by hand-written headers."""

from __future__ import annotations

import pytest
from pydicom import Dataset
from pydicom.sequence import Sequence

from scripts.data.frame_interval import file_interval, frame_interval, is_stored_in_order


def header(**tags: object) -> Dataset:
    dataset = Dataset()
    for name, value in tags.items():
        setattr(dataset, name, value)
    return dataset


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


@pytest.mark.parametrize(
    ("tags", "expected"),
    [
        # a delay that jitters is no time, also where it is even by chance
        (
            [{"TriggerTime": t, "AcquisitionTime": f"1000{2 * i:02d}"} for i, t in enumerate((580, 577.5, 582.5, 579))],
            2000.0,
        ),
        # two times that both are even and do not agree
        ([{"TriggerTime": 40 * i, "AcquisitionTime": f"10000{i}"} for i in range(4)], None),
        ([{"FrameTime": 40, "AcquisitionTime": f"10000{i}"} for i in range(4)], None),
        ([{"TriggerTime": 40 * i, "AcquisitionTime": f"100000.{41 * i:03d}"} for i in range(4)], 40.0),
        # one that is even, beside one that is not
        ([{"TriggerTime": 40 * i, "AcquisitionTime": f"100000.{t}"} for i, t in enumerate((1, 7, 3, 2))], 40.0),
        # across midnight
        ([{"AcquisitionTime": one} for one in ("235959.5", "000000", "000000.5")], 500.0),
        (
            [{"AcquisitionTime": one, "AcquisitionDate": "20240101"} for one in ("235959.5", "000000", "000000.5")],
            500.0,
        ),
        ([{"AcquisitionTime": one} for one in ("10:00:00.5", "10:00:01.0", "10:00:01.5")], 500.0),
        # what each file says of itself, where nothing else is told
        ([{"FrameTime": 33.3}] * 3, 33.3),
        ([{"FrameTime": one} for one in (33.3, 50, 33.3)], None),
        ([{"FrameTime": 33.3, "AcquisitionTime": f"1000{t:02d}"} for t in (1, 2, 9)], None),
        ([{"TriggerTime": t} for t in (1.0, 1.5, 2.5, 3.5, 5.0)], None),
    ],
)
def test_a_time_between_files_is_right_or_absent(tags, expected):
    assert file_interval([header(**one) for one in tags]) == pytest.approx(expected)


FRAME_TIME, VECTOR = 0x00181063, 0x00181065


@pytest.mark.parametrize(
    ("tags", "expected"),
    [
        # the pointer tells which one counts
        ({"FrameIncrementPointer": FRAME_TIME, "FrameTime": 40, "FrameTimeVector": [0, 50, 50, 50]}, 40.0),
        ({"FrameIncrementPointer": VECTOR, "FrameTime": 40, "FrameTimeVector": [0, 50, 50, 50]}, 50.0),
        ({"FrameIncrementPointer": VECTOR, "FrameTime": 40, "FrameTimeVector": [0, 50, 90, 20]}, None),
        ({"FrameIncrementPointer": VECTOR, "FrameTime": 40}, 40.0),
        ({"FrameIncrementPointer": FRAME_TIME, "FrameTime": 0, "FrameTimeVector": [0, 50, 50, 50]}, 50.0),
        ({"FrameIncrementPointer": [0x00540100, 0x00540110], "FrameTime": 40}, 40.0),
        # without it they must agree
        ({"FrameTime": 40, "FrameTimeVector": [0, 50, 50, 50]}, None),
        ({"FrameTime": 40, "FrameTimeVector": [0, 41, 40, 40]}, 40.0),
        ({"FrameTime": 40, "FrameTimeVector": [0, 50, 90, 20]}, None),
        ({"FrameIncrementPointer": [FRAME_TIME, VECTOR], "FrameTime": 40, "FrameTimeVector": [0, 50, 50, 50]}, None),
        # what is empty, 0 or cannot be
        ({"FrameTime": 0, "FrameTimeVector": [0, 50, 50, 50]}, 50.0),
        ({"FrameTime": "", "FrameTimeVector": [0, 50, 50, 50]}, 50.0),
        ({"FrameTime": 40, "FrameTimeVector": [0, 0, 0, 0]}, 40.0),
        ({"FrameTime": -40}, None),
        ({"FrameTime": [40, 40]}, None),
        # longer and shorter than the frames
        ({"FrameTimeVector": [0, 50, 50, 50, 90, 90]}, 50.0),
        ({"FrameTimeVector": [0, 50, 50]}, None),
        ({"FrameTimeVector": 50}, None),
        # how fast frames are shown
        ({"CineRate": 25}, None),
        ({"RecommendedDisplayFrameRate": 25}, None),
        ({"CineRate": 30, "FrameTime": 40}, 40.0),
    ],
)
def test_the_time_between_four_frames_of_a_file_is_right_or_absent(tags, expected):
    assert frame_interval(header(NumberOfFrames=4, **tags)) == pytest.approx(expected)


def test_two_times_of_an_enhanced_file_must_agree():
    dataset = enhanced("CardiacSynchronizationSequence", "NominalCardiacTriggerDelayTime", [0.0, 30.0, 60.0])
    for i, frame in enumerate(dataset.PerFrameFunctionalGroupsSequence):
        frame.FrameContentSequence = Sequence([header(FrameAcquisitionDateTime=f"2024010110000{i}")])
    assert frame_interval(dataset) is None
    for frame in dataset.PerFrameFunctionalGroupsSequence:
        frame.FrameContentSequence[0].FrameAcquisitionDateTime = "20240101100000"
    assert frame_interval(dataset) == pytest.approx(30.0)


def test_the_frames_of_an_enhanced_file_cross_midnight():
    times = [f"20240101{one}" for one in ("235959.5", "000000.0", "000000.5")]
    dataset = enhanced("FrameContentSequence", "FrameAcquisitionDateTime", times)
    assert is_stored_in_order(dataset)
    assert frame_interval(dataset) == pytest.approx(500.0)
