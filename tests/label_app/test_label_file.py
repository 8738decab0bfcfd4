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
from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from label_app.label_file import Label, LabelPoint, parse_label, read_label, write_label
from scripts.data import find_image_series, prepare_series
from scripts.data.prepared_series import PreparedSeries, PrepareSeries
from scripts.io.input_error import InputError
from scripts.io.landmarks_csv import Landmark
from scripts.io.slicer_markups import write_slicer_markups


@pytest.fixture
def clip(studies: Path) -> PreparedSeries:
    return prepare_series(find_image_series(studies / "patient" / "clip.nii")[0], PrepareSeries((32, 32)))


@pytest.fixture
def still(studies: Path) -> PreparedSeries:
    return prepare_series(find_image_series(studies / "0.png")[0], PrepareSeries((32, 32)))


def test_our_own_form(still, clip):
    content = {
        "landmarks": [{"label": " valve ", "x": 3, "y": 2.25}, {"label": "apex", "frame": None, "x": 0, "y": -0.5}]
    }
    assert parse_label(json.dumps(content), still, "body") == [
        LabelPoint("valve", None, 3.0, 2.25),
        LabelPoint("apex", None, 0.0, -0.5),
    ]
    content = {"landmarks": [{"label": "valve", "frame": t, "x": t, "y": 1} for t in range(5)]}
    assert [(one.frame, one.x) for one in parse_label(json.dumps(content), clip, "body")] == [(t, t) for t in range(5)]


def test_markups_of_slicer_are_points_in_the_patient(clip, tmp_path):
    """AFFINE is index to RAS, x 0.5 mm and 10 mm; y 0.5 mm and -20 mm; z 5 mm."""
    markup = {
        "type": "Fiducial",
        "coordinateSystem": "LPS",
        "controlPoints": [
            {"label": "valve [2]", "position": [-30.0, 5.0, 5.0]},
        ],
    }
    (point,) = parse_label(json.dumps({"markups": [markup]}), clip, "body")
    assert (point.label, point.frame) == ("valve", 2)
    assert (point.x, point.y) == (pytest.approx(40.0), pytest.approx(30.0))
    rows = [Landmark("clip.nii", t, "apex", 10.5 + t, 20.25, 1.0, 1.0, 1) for t in range(5)]
    write_slicer_markups(tmp_path / "a.mrk.json", rows, clip.affines)
    back = parse_label((tmp_path / "a.mrk.json").read_bytes(), clip, "body")
    np.testing.assert_allclose([(one.x, one.y) for one in back], [(10.5 + t, 20.25) for t in range(5)], atol=1e-5)
    assert [one.frame for one in back] == list(range(5))


BAD = {
    "{": "not JSON",
    "[]": "not a list",
    "{}": "a list",
    '{"landmarks": {}}': "a list",
    '{"landmarks": [3]}': "must be like",
    '{"landmarks": [{"x": 1, "y": 1}]}': '"label"',
    '{"landmarks": [{"label": "", "x": 1, "y": 1}]}': "name",
    '{"landmarks": [{"label": "a\\u0000b", "x": 1, "y": 1}]}': "printable",
    '{"landmarks": [{"label": "a", "y": 1}]}': '"x"',
    '{"landmarks": [{"label": "a", "x": "1", "y": 1}]}': '"x"',
    '{"landmarks": [{"label": "a", "x": NaN, "y": 1}]}': "not JSON",
    '{"landmarks": [{"label": "a", "x": 1, "y": true}]}': '"y"',
    '{"landmarks": [{"label": "a", "x": 1, "y": 1e999}]}': "not JSON",
    '{"landmarks": [{"label": "a", "frame": 1.5, "x": 1, "y": 1}]}': '"frame"',
    '{"landmarks": [{"label": "a", "frame": 0, "x": 1, "y": 1}]}': "no frames",
    '{"landmarks": [{"label": "a", "x": 95.6, "y": 1}]}': "outside",
    '{"landmarks": [{"label": "a", "x": 1, "y": -0.6}]}': "outside",
    '{"landmarks": [{"label": "a", "x": 1, "y": 1}, {"label": "a", "x": 2, "y": 1}]}': "twice",
    '{"markups": 3}': "Markups",
    '{"markups": [{"controlPoints": [{"label": "a", "position": [1, 2]}]}]}': "Markups",
    '{"markups": [{"controlPoints": [{"label": "a", "position": [0, 0, 40]}]}]}': "off the plane",
    '{"markups": [{"coordinateUnits": "m", "controlPoints": []}]}': "millimetres",
    "[" * 100_000: "not JSON",
}


@pytest.mark.parametrize(("content", "why"), BAD.items(), ids=range(len(BAD)))
def test_what_is_no_label_is_refused_with_the_reason(still, content, why):
    with pytest.raises(InputError, match=why) as error:
        parse_label(content, still, "body")
    assert str(error.value).startswith("body")


@pytest.mark.parametrize(("frame", "why"), [(5, "frames 0 to 4"), (-1, "frames 0 to 4"), (None, "frames 0 to 4")])
def test_a_landmark_of_a_series_names_its_frame(clip, frame, why):
    with pytest.raises(InputError, match=why):
        parse_label(json.dumps({"landmarks": [{"label": "a", "frame": frame, "x": 1, "y": 1}]}), clip, "body")


@pytest.mark.parametrize("text", ["NaN", "1e999", '"\\ud800"'])
def test_what_json_cannot_say_is_not_read(still, text):
    with pytest.raises(InputError, match="not JSON"):
        parse_label(f'{{"landmarks": [], "info": {text}}}', still, "body")


def test_more_landmarks_than_are_read_are_refused(clip, tmp_path):
    points = [LabelPoint(f"a{i // 5}", i % 5, 1.0, 1.0) for i in range(10_001)]
    write_label(tmp_path / "most.json", Label(tuple(points[:-1])))
    assert len(read_label(tmp_path / "most.json").points) == 10_000
    placed = [{"label": f"{one.label} [{one.frame}]", "position": [-10.0, 20.0, 5.0]} for one in points]
    for refused in (
        lambda: write_label(tmp_path / "more.json", Label(tuple(points))),
        lambda: parse_label(json.dumps({"markups": [{"controlPoints": placed}]}), clip, "body"),
        lambda: parse_label(json.dumps({"landmarks": [vars(one) for one in points]}), clip, "body"),
    ):
        with pytest.raises(InputError, match="would have 10001 landmarks, but a label has at most 10000"):
            refused()
    assert [one.name for one in tmp_path.glob("*.json")] == ["most.json"]
