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

import jsonschema
import numpy as np
import pytest

from scripts.io.landmarks_csv import Landmark
from scripts.io.slicer_markups import read_slicer_markups, read_slicer_points, write_slicer_markups
from scripts.io.world_point import WorldPoint

# What Slicer's markups-schema-v1.0.3 says of the fields that are written here.
POINT_SCHEMA = {
    "type": "object",
    "required": ["id", "label", "description", "position", "orientation", "selected", "locked", "visibility"],
    "properties": {
        "id": {"type": "string"},
        "label": {"type": "string"},
        "description": {"type": "string"},
        "associatedNodeID": {"type": "string"},
        "position": {"type": "array", "items": {"type": "number"}, "minItems": 3, "maxItems": 3},
        "orientation": {"type": "array", "items": {"type": "number"}, "minItems": 9, "maxItems": 9},
        "selected": {"type": "boolean"},
        "locked": {"type": "boolean"},
        "visibility": {"type": "boolean"},
        "positionStatus": {"enum": ["undefined", "preview", "defined"]},
    },
    "additionalProperties": False,
}
COLOR_SCHEMA = {"type": "array", "items": {"type": "number", "minimum": 0, "maximum": 1}, "minItems": 3, "maxItems": 3}
MARKUP_SCHEMA = {
    "type": "object",
    "required": ["type", "coordinateSystem", "coordinateUnits", "controlPoints"],
    "properties": {
        "type": {"const": "Fiducial"},
        "coordinateSystem": {"const": "LPS"},
        "coordinateUnits": {"const": "mm"},
        "locked": {"type": "boolean"},
        "fixedNumberOfControlPoints": {"type": "boolean"},
        "labelFormat": {"type": "string"},
        "lastUsedControlPointNumber": {"type": "integer"},
        "controlPoints": {"type": "array", "items": POINT_SCHEMA},
        "measurements": {"type": "array"},
        "display": {
            "properties": {
                "glyphType": {"enum": ["Vertex2D", "Cross2D", "ThickCross2D", "Circle2D", "StarBurst2D", "Sphere3D"]},
                "color": COLOR_SCHEMA,
                "selectedColor": COLOR_SCHEMA,
                "activeColor": COLOR_SCHEMA,
            }
        },
    },
    "additionalProperties": False,
}
SCHEMA = {
    "type": "object",
    "required": ["@schema", "markups"],
    "properties": {
        "@schema": {"pattern": "/markups-schema-v1\\.0\\.3\\.json#$"},
        "markups": {"type": "array", "items": MARKUP_SCHEMA, "minItems": 1},
    },
}
# Index x runs to the left 0.5 mm a step, index y to the back and down; the origin is at R 100, A 50, S -30.
AFFINE = np.array([[-0.5, 0.0, 0.0, 100.0], [0.0, -2.0, 0.0, 50.0], [0.0, -1.0, 3.0, -30.0], [0.0, 0.0, 0.0, 1.0]])


def landmark(label: str = "valve", frame: int | None = None, x: float = 10.0, y: float = 4.0) -> Landmark:
    return Landmark("clip.dcm", frame, label, x, y, 1.25, 0.5, 3)


def test_the_file_has_the_structure_slicer_asks_for(tmp_path: Path) -> None:
    path = tmp_path / "a.mrk.json"
    write_slicer_markups(path, [landmark("ä, b"), landmark("c")], AFFINE)
    content = json.loads(path.read_text(encoding="utf-8"))
    jsonschema.validate(content, SCHEMA)
    points = content["markups"][0]["controlPoints"]
    assert [point["id"] for point in points] == ["1", "2"]
    assert [point["label"] for point in points] == ["ä, b", "c"]
    assert points[0]["description"] == "sigma 1.25 x 0.50 px, 3 example(s)"


def test_left_and_posterior_change_sign(tmp_path: Path) -> None:
    path = tmp_path / "a.mrk.json"
    write_slicer_markups(path, [landmark(x=10, y=4)], AFFINE)
    # RAS by hand: R = 100 - 5 = 95, A = 50 - 8 = 42, S = -30 - 4 = -34; L = -R, P = -A, S stays.
    assert read_slicer_markups(path) == [("valve", (-95.0, -42.0, -34.0))]


def test_each_frame_has_its_own_affine_and_name(tmp_path: Path) -> None:
    path = tmp_path / "a.mrk.json"
    affines = np.stack([AFFINE, AFFINE, AFFINE])
    affines[2, :3, 3] = 0, 0, 7
    write_slicer_markups(path, [landmark(frame=0), landmark(frame=2)], affines)
    assert read_slicer_markups(path) == [("valve [0]", (-95.0, -42.0, -34.0)), ("valve [2]", (5.0, 8.0, 3.0))]
    assert "frame 2" in json.loads(path.read_text())["markups"][0]["controlPoints"][1]["description"]


def test_points_can_be_read_with_their_descriptions(tmp_path: Path) -> None:
    path = tmp_path / "a.mrk.json"
    write_slicer_markups(path, [landmark(frame=2)], AFFINE)
    described = "sigma 1.25 x 0.50 px, 3 example(s), frame 2"
    assert read_slicer_points(path) == [WorldPoint("valve [2]", (-95.0, -42.0, -34.0), described)]
    path.write_text('{"markups": [{"controlPoints": [{"label": "a", "position": [1, 2, 3], "description": null}]}]}')
    assert read_slicer_points(path) == [WorldPoint("a", (1.0, 2.0, 3.0))]


def test_one_affine_serves_all_frames(tmp_path: Path) -> None:
    path = tmp_path / "a.mrk.json"
    write_slicer_markups(path, [landmark(frame=0), landmark(frame=9)], AFFINE)
    assert [position for _, position in read_slicer_markups(path)] == [(-95.0, -42.0, -34.0)] * 2


@pytest.mark.parametrize(
    ("landmarks", "affines", "message"),
    [
        ([landmark(frame=2)], AFFINE[None].repeat(2, 0), "frame 2, but there are 2"),
        ([landmark()], AFFINE[None].repeat(2, 0), "frame None"),
        ([landmark()], np.eye(3), "shape"),
        ([landmark(x=float("nan"))], AFFINE, "no finite position"),
        ([landmark(), Landmark("other.dcm", None, "a", 1, 1, 1, 1, 1)], AFFINE, "one image"),
    ],
)
def test_what_cannot_be_placed_is_refused_and_no_file_is_left(
    tmp_path: Path, landmarks: list[Landmark], affines: np.ndarray, message: str
) -> None:
    with pytest.raises(ValueError, match=message):
        write_slicer_markups(tmp_path / "a.mrk.json", landmarks, affines)
    assert not list(tmp_path.iterdir())


def test_reads_ras_skips_unplaced_points_and_joins_markups(tmp_path: Path) -> None:
    path = tmp_path / "a.mrk.json"
    unplaced = {"label": "b", "positionStatus": "undefined"}
    ras = {
        "coordinateSystem": "RAS",
        "coordinateUnits": ["mm", "UCUM", "millimeter"],
        "controlPoints": [{"label": "a", "position": [1, 2, 3]}, unplaced],
    }
    path.write_text(json.dumps({"markups": [ras, {"controlPoints": [{"label": "c", "position": [1, 2, 3]}]}]}))
    assert read_slicer_markups(path) == [("a", (-1.0, -2.0, 3.0)), ("c", (1.0, 2.0, 3.0))]


@pytest.mark.parametrize("text", ["", "[]", '{"points": []}', '{"markups": [{"coordinateUnits": "um"}]}'])
def test_another_file_is_refused_by_name(tmp_path: Path, text: str) -> None:
    path = tmp_path / "a.mrk.json"
    path.write_text(text)
    with pytest.raises(ValueError, match="a.mrk.json: not a 3D Slicer Markups file"):
        read_slicer_markups(path)
