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
from scripts.io.slicer_markups import read_slicer_markups, read_slicer_points, write_slicer_markups, write_slicer_tracks
from scripts.io.world_point import WorldPoint

# What Slicer's markups-schema-v1.0.3.json says of the fields that are written here (Slicer/Slicer on GitHub,
# Modules/Loadable/Markups/Resources/Schema), and that we write no others.
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
GLYPHS = [
    *("Vertex2D", "Dash2D", "Cross2D", "ThickCross2D", "Triangle2D", "Square2D", "Circle2D", "Diamond2D", "Arrow2D"),
    *("ThickArrow2D", "HookedArrow2D", "StarBurst2D", "Sphere3D", "Diamond3D"),
]
DISPLAY_SCHEMA = {
    "type": "object",
    "properties": {
        "visibility": {"type": "boolean"},
        "opacity": {"type": "number", "minimum": 0, "maximum": 1},
        "color": COLOR_SCHEMA,
        "selectedColor": COLOR_SCHEMA,
        "activeColor": COLOR_SCHEMA,
        "propertiesLabelVisibility": {"type": "boolean"},
        "pointLabelsVisibility": {"type": "boolean"},
        "textScale": {"type": "number", "minimum": 0},
        "glyphType": {"enum": GLYPHS},
        "glyphScale": {"type": "number", "minimum": 0},
        "useGlyphScale": {"type": "boolean"},
    },
    "additionalProperties": False,
}
MARKUP_SCHEMA = {
    "type": "object",
    "required": ["type", "coordinateSystem", "coordinateUnits", "controlPoints"],
    "properties": {
        "type": {"enum": ["Fiducial", "Line", "Angle", "Curve", "ClosedCurve", "Plane", "ROI"]},
        "name": {"type": "string"},
        "coordinateSystem": {"enum": ["LPS", "RAS"]},
        "coordinateUnits": {"enum": ["mm", "um"]},
        "locked": {"type": "boolean"},
        "fixedNumberOfControlPoints": {"type": "boolean"},
        "labelFormat": {"type": "string"},
        "lastUsedControlPointNumber": {"type": "integer"},
        "controlPoints": {"type": "array", "items": POINT_SCHEMA},
        "measurements": {"type": "array"},
        "display": DISPLAY_SCHEMA,
    },
    "additionalProperties": False,
}
SCHEMA = {
    "type": "object",
    "required": ["@schema", "markups"],
    "properties": {
        # what vtkMRMLMarkupsJsonStorageNode.cxx of 5.x writes
        "@schema": {
            "const": "https://raw.githubusercontent.com/slicer/slicer/master/Modules/Loadable/Markups/Resources/Schema/"
            "markups-schema-v1.0.3.json#"
        },
        # one: of several Slicer 5 makes nodes that it cannot save into the file again (vtkSlicerMarkupsLogic.cxx)
        "markups": {"type": "array", "items": MARKUP_SCHEMA, "minItems": 1, "maxItems": 1},
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
    assert points[0]["description"] == "sigma 1.25 x 0.50 px, 3 example(s), unchecked"


def test_over_time_each_landmark_is_a_list_of_its_own(tmp_path: Path) -> None:
    affines = np.stack([AFFINE, AFFINE, AFFINE])
    affines[:, 0, 3] = 0, -10, -20
    rows = [landmark("b", 2), landmark("a, ä", 2, x=0, y=0), landmark("b", 0), landmark("a, ä", 1), landmark("b", 1)]
    files = write_slicer_tracks(tmp_path / "clip.dcm", rows, affines)
    assert [file.relative_to(tmp_path).as_posix() for file in files] == [
        "clip.dcm/b.mrk.json",
        "clip.dcm/a, ä.mrk.json",
    ]
    for file, name in zip(files, ("b", "a, ä"), strict=True):
        content = json.loads(file.read_text(encoding="utf-8"))
        jsonschema.validate(content, SCHEMA)
        assert content["markups"][0]["name"] == name
    # by hand: R = x * -0.5 + (0, -10, -20), L = -R
    assert read_slicer_markups(files[0]) == [(f"b [{t}]", (5.0 + 10 * t, -42.0, -34.0)) for t in range(3)]
    assert read_slicer_markups(files[1]) == [("a, ä [1]", (15.0, -42.0, -34.0)), ("a, ä [2]", (20.0, -50.0, -30.0))]
    assert "frame 2" in read_slicer_points(files[1])[1].description


def test_over_time_a_still_has_one_point_a_list(tmp_path: Path) -> None:
    files = write_slicer_tracks(tmp_path / "a.png", [landmark("b"), landmark("c")], AFFINE)
    assert [read_slicer_markups(file) for file in files] == [[(label, (-95.0, -42.0, -34.0))] for label in "bc"]


def test_names_of_files_are_safe_and_apart(tmp_path: Path) -> None:
    labels = ["a/b", "a:b", "A_B", "..", "", "x" * 300, "x" * 299, "Ä" * 300, "a_b_2"]
    files = write_slicer_tracks(tmp_path / "clip.dcm", [landmark(label) for label in labels], AFFINE)
    assert {file.parent for file in files} == {tmp_path / "clip.dcm"}
    assert len({file.name.lower() for file in files}) == len(labels)
    assert not any(file.name.startswith(".") or set(file.name) & set('/\\:*?"<>|') for file in files)
    assert [json.loads(file.read_text())["markups"][0]["name"] for file in files] == labels


def test_over_time_nothing_is_written_of_landmarks_that_cannot_be_placed(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="no finite position"):
        write_slicer_tracks(tmp_path / "clip.dcm", [landmark("a"), landmark("b", x=float("nan"))], AFFINE)
    assert not list(tmp_path.iterdir())


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
    described = "sigma 1.25 x 0.50 px, 3 example(s), frame 2, unchecked"
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


@pytest.mark.parametrize(
    ("system", "expected"), [("LPS", (1, 2, 3)), ("RAS", (-1, -2, 3)), ("1", (1, 2, 3)), ("0", (-1, -2, 3))]
)
def test_each_coordinate_system(tmp_path: Path, system: str, expected: tuple[int, int, int]) -> None:
    path = tmp_path / "a.mrk.json"
    points = [{"label": "a", "position": [1, 2, 3]}]
    path.write_text(json.dumps({"markups": [{"coordinateSystem": system, "controlPoints": points}]}))
    assert read_slicer_markups(path) == [("a", expected)]


@pytest.mark.parametrize(
    "text",
    [
        "",
        "[]",
        '{"markups": [{"coordinateSystem": "IJK"}]}',
        '{"points": []}',
        '{"markups": [{"coordinateUnits": "um"}]}',
        '{"markups": [{"controlPoints": [{"label": "a", "position": [1, NaN, 3]}]}]}',
        '{"markups": [{"controlPoints": [{"label": "a", "position": [1]}]}]}',
    ],
)
def test_another_file_is_refused_by_name(tmp_path: Path, text: str) -> None:
    path = tmp_path / "a.mrk.json"
    path.write_text(text)
    with pytest.raises(ValueError, match="a.mrk.json: not a 3D Slicer Markups file"):
        read_slicer_markups(path)
