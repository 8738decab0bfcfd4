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
"""The annotation page's files: what is written is read, and what is no landmark is refused."""

from __future__ import annotations

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from scripts.io.input_error import InputError
from scripts.io.label_file import Label, LabelPoint, parse_frame, parse_points, read_label, write_label
from scripts.io.landmark_status import LandmarkStatus

finite = st.floats(-1e8, 1e8)
names = st.text(st.characters(exclude_categories=["C", "Z"]), min_size=1, max_size=20)
points = st.builds(
    LabelPoint,
    names,
    st.none() | st.integers(0, 10**6),
    finite,
    finite,
    st.none() | finite,
    st.none() | finite,
    st.none() | st.sampled_from(LandmarkStatus),
    names | st.just(""),
    st.none() | st.integers(0, 50),
)


@settings(max_examples=200, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(label=st.builds(Label, st.lists(points, max_size=5).map(tuple), st.dictionaries(names, names, max_size=3)))
def test_what_is_written_is_read_bit_for_bit(tmp_path, label):
    write_label(tmp_path / "a.json", label)
    assert read_label(tmp_path / "a.json") == label


@pytest.mark.parametrize(
    ("told", "status"),
    [
        ({"status": "valid"}, "valid"),
        ({"status": "fine"}, None),
        ({"status": ["doubtful"]}, None),
        ({}, None),
        ({"valid": False}, "doubtful"),  # labels of before
        ({"valid": True}, "unchecked"),
    ],
)
def test_the_words_of_a_landmark_are_read(told, status):
    (point,) = parse_points([{"label": "valve", "x": 1, "y": 2, **told}], "body")
    assert point.status == status


@pytest.mark.parametrize("frame", ["3", 3.0, True, [3]])
def test_a_frame_is_a_whole_number(frame):
    with pytest.raises(InputError, match=r'body: "frame" must be a whole number'):
        parse_frame(frame, "body")


def test_what_json_cannot_say_is_not_written(tmp_path):
    with pytest.raises(ValueError, match="JSON"):
        write_label(tmp_path / "a.json", Label((), {"score": float("nan")}))
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize(
    "point",
    [LabelPoint("a", None, 1.0, 1.0, sigma_x=1e10), LabelPoint("\ud800", None, 1.0, 1.0), LabelPoint("a", 1.5, 1, 1)],
)
def test_what_could_not_be_read_again_is_not_written(tmp_path, point):
    with pytest.raises(InputError):
        write_label(tmp_path / "a.json", Label((point,)))
    assert not list(tmp_path.iterdir())
