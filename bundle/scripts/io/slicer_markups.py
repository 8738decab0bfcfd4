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
"""Landmarks as 3D Slicer Markups (``.mrk.json``)."""

from __future__ import annotations

import json
import math
import os
import re
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from scripts.io.atomic import atomic_path
from scripts.io.landmarks_csv import Landmark
from scripts.io.world_point import WorldPoint
from scripts.transforms.coordinates import index_to_lps

__all__ = [
    "parse_slicer_points",
    "read_slicer_markups",
    "read_slicer_points",
    "write_slicer_markups",
    "write_slicer_tracks",
]

_SCHEMA = (
    "https://raw.githubusercontent.com/slicer/slicer/master/Modules/Loadable/Markups/Resources/Schema/"
    "markups-schema-v1.0.3.json#"
)
# as 3D Slicer reads them, by number too
_TO_LPS = {name: np.array(signs) for name, signs in (("LPS", (1, 1, 1)), ("RAS", (-1, -1, 1)))}
_TO_LPS |= {"1": _TO_LPS["LPS"], "0": _TO_LPS["RAS"]}
# The axes of a control point along R, A, S, which Slicer writes in the file's own LPS coordinates.
_ORIENTATION = [-1.0, 0.0, 0.0, 0.0, -1.0, 0.0, 0.0, 0.0, 1.0]


def write_slicer_markups(path: str | os.PathLike[str], landmarks: Sequence[Landmark], affines: np.ndarray) -> None:
    """Write the landmarks of one image as one 3D Slicer point list in LPS millimetres.

    Each landmark is one control point. In a series the label is followed by the frame, ``valve [3]``; the description
    holds sigma, the number of examples, the frame, and the status with its reason; without examples it says that a
    person has set the landmark.

    Args:
        path: the file to write, best with the suffix ``.mrk.json``, by which Slicer knows it; it is replaced whole.
        landmarks: landmarks of one image, positions (x, y) in pixels of it.
        affines: (4, 4), or (T, 4, 4) with one for each frame: index (x, y, 0, 1) to RAS in mm.

    Raises:
        ValueError: if the landmarks are of several images, ``affines`` has another shape or no entry for a frame, or
            a position is not finite.

    Example:
        >>> landmark = Landmark("knee.nii", None, "patella", 10.0, 20.0, 1.2, 0.8, 3)
        >>> write_slicer_markups("knee.mrk.json", [landmark], np.diag([0.5, 0.5, 1.0, 1.0]))  # doctest: +SKIP
    """
    _write(path, _markup(_control_points(landmarks, affines)))


def write_slicer_tracks(
    folder: str | os.PathLike[str], landmarks: Sequence[Landmark], affines: np.ndarray
) -> list[Path]:
    """Write each landmark of one image as a 3D Slicer point list of its own, with a control point a frame, in order.

    A list is named after its landmark, and is a file of its own: where a file has several, Slicer 5 makes a node of
    each but cannot save them into it again, and what reads a file into one node takes the first only. Points are
    labelled and described as :func:`write_slicer_markups` does.

    Args:
        folder: the folder to write to, best named after the image, by which :func:`scripts.data.read_example_file`
            knows it; files of the same names are replaced.
        landmarks: as in :func:`write_slicer_markups`, in any order.
        affines: as in :func:`write_slicer_markups`, and so is what is raised.

    Returns:
        The files, ``LABEL.mrk.json`` with ``_`` for what no name of a file should have, in the order of the landmarks.

    Example:
        >>> rows = [Landmark("knee.nii", frame, "patella", 10.0, 20.0, 1.2, 0.8, 3) for frame in range(3)]
        >>> write_slicer_tracks("markups/knee.nii", rows, np.eye(4))  # doctest: +SKIP
        [PosixPath('markups/knee.nii/patella.mrk.json')]
    """
    tracks: dict[str, list[Landmark]] = {}
    for landmark in sorted(landmarks, key=lambda one: one.frame or 0):
        tracks.setdefault(landmark.label, []).append(landmark)
    labels = list(dict.fromkeys(landmark.label for landmark in landmarks))
    _control_points(landmarks, affines)  # refuses all before any is written
    files = [Path(folder, f"{name}.mrk.json") for name in _file_names(labels)]
    for file, label in zip(files, labels, strict=True):
        _write(file, _markup(_control_points(tracks[label], affines), label))
    return files


def read_slicer_markups(path: str | os.PathLike[str]) -> list[tuple[str, tuple[float, float, float]]]:
    """Read names and places of the placed control points of a 3D Slicer Markups file.

    Args:
        path: a ``.mrk.json`` file with one or more markups of any type, in LPS or RAS.

    Returns:
        A list of (label, (l, p, s)), positions in LPS mm, in file order. Points without a position are left out.

    Raises:
        FileNotFoundError: if there is no such file.
        ValueError: if the file is not a Markups file, its unit is not the millimetre, its coordinate system is neither
            LPS nor RAS, or a position is not three finite numbers; the message names the file.

    Example:
        >>> read_slicer_markups("knee.mrk.json")  # doctest: +SKIP
        [('patella', (-5.0, -10.0, 0.0))]
    """
    return [(point.label, point.lps) for point in read_slicer_points(path)]


def read_slicer_points(path: str | os.PathLike[str]) -> list[WorldPoint]:
    """Read the placed control points of a 3D Slicer Markups file, with their descriptions.

    Args:
        path: as in :func:`read_slicer_markups`, and so is what is raised.

    Returns:
        The points in file order, in LPS mm. Points without a position are left out.

    Example:
        >>> read_slicer_points("knee.mrk.json")  # doctest: +SKIP
        [WorldPoint(label='patella', lps=(-5.0, -10.0, 0.0), description='sigma 1.20 x 0.80 px, 3 example(s), valid')]
    """
    try:
        document = json.loads(Path(path).read_text(encoding="utf-8-sig"))
    except ValueError as error:
        raise ValueError(f"{path}: not a 3D Slicer Markups file in millimetres ({error}).") from error
    return parse_slicer_points(document, str(path))


def parse_slicer_points(document: Any, where: str) -> list[WorldPoint]:
    """:func:`read_slicer_points` of a document that was parsed already.

    Args:
        document: the content of a Markups file.
        where: what to call it in messages.

    Raises:
        ValueError: as in :func:`read_slicer_markups`.

    Example:
        >>> parse_slicer_points({"markups": [{"controlPoints": [{"label": "a", "position": [1, 2, 3]}]}]}, "body")
        [WorldPoint(label='a', lps=(1.0, 2.0, 3.0), description='')]
    """
    try:
        return [point for markup in document["markups"] for point in _placed_points(markup)]
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise ValueError(f"{where}: not a 3D Slicer Markups file in millimetres ({error}).") from error


def _write(path: str | os.PathLike[str], markup: dict[str, Any]) -> None:
    with atomic_path(path) as temporary:
        text = json.dumps({"@schema": _SCHEMA, "markups": [markup]}, indent=4, ensure_ascii=False)
        temporary.write_text(text + "\n", encoding="utf-8")


def _file_names(labels: Sequence[str]) -> list[str]:
    """A name for each label, also where letters are not told apart by case or are not allowed."""
    names: list[str] = []
    for label in labels:
        # no name of all file systems is longer than 255 bytes, of which a letter takes up to four
        name = re.sub(r"[^\w +,()\[\]-]", "_", label).strip()[:50] or "_"
        taken = {one.lower() for one in names}
        endings = ["", *(f"_{number}" for number in range(2, len(labels) + 1))]
        names.append(next(name + ending for ending in endings if (name + ending).lower() not in taken))
    return names


def _markup(points: list[dict[str, Any]], name: str | None = None) -> dict[str, Any]:
    """The node, with the fields and defaults Slicer itself writes."""
    return {
        "type": "Fiducial",
        **({} if name is None else {"name": name}),
        "coordinateSystem": "LPS",
        "coordinateUnits": "mm",
        "locked": False,
        "fixedNumberOfControlPoints": False,
        "labelFormat": "%N-%d",
        "lastUsedControlPointNumber": len(points),
        "controlPoints": points,
        "measurements": [],
        "display": {
            "visibility": True,
            "opacity": 1.0,
            "color": [0.4, 1.0, 1.0],
            "selectedColor": [0.902, 0.624, 0.0],
            "activeColor": [0.4, 1.0, 0.0],
            "propertiesLabelVisibility": False,
            "pointLabelsVisibility": True,
            "textScale": 3.0,
            "glyphType": "Sphere3D",
            "glyphScale": 3.0,
            "useGlyphScale": True,
        },
    }


def _control_points(landmarks: Sequence[Landmark], affines: np.ndarray) -> list[dict[str, Any]]:
    images = {landmark.image for landmark in landmarks}
    if len(images) > 1:
        raise ValueError(f"A point list belongs to one image, but the landmarks are of {sorted(images)}.")
    affines = np.asarray(affines, dtype=float)
    if affines.ndim not in (2, 3) or affines.shape[-2:] != (4, 4):
        raise ValueError(f"affines must be of shape (4, 4) or (T, 4, 4), not {affines.shape}.")
    return [_control_point(number, landmark, affines) for number, landmark in enumerate(landmarks, start=1)]


def _control_point(number: int, landmark: Landmark, affines: np.ndarray) -> dict[str, Any]:
    series = landmark.frame is not None
    return {
        "id": str(number),
        "label": f"{landmark.label} [{landmark.frame}]" if series else landmark.label,
        "description": _description(landmark),
        "associatedNodeID": "",
        "position": _lps(landmark, affines),
        "orientation": _ORIENTATION,
        "selected": True,
        "locked": False,
        "visibility": True,
        "positionStatus": "defined",
    }


def _description(landmark: Landmark) -> str:
    frame = [] if landmark.frame is None else [f"frame {landmark.frame}"]
    if not landmark.n_examples:
        return ", ".join(["set by a person", *frame])
    found = [f"sigma {landmark.sigma_x:.2f} x {landmark.sigma_y:.2f} px", f"{landmark.n_examples} example(s)"]
    status = f"{landmark.status}: {landmark.reason}" if landmark.reason else str(landmark.status)
    return ", ".join([*found, *frame, status])


def _lps(landmark: Landmark, affines: np.ndarray) -> list[float]:
    if not (math.isfinite(landmark.x) and math.isfinite(landmark.y)):
        raise ValueError(f"{landmark.label!r} in frame {landmark.frame} has no finite position; leave it out.")
    lps = index_to_lps(np.array([landmark.x, landmark.y]), _affine_of(landmark, affines))
    # Adding zero turns -0.0 into 0.0, which reads better in a file that people open.
    return [float(value) for value in np.round(lps, 6) + 0.0]


def _affine_of(landmark: Landmark, affines: np.ndarray) -> np.ndarray:
    if affines.ndim == 2:
        return affines
    if landmark.frame is None and len(affines) == 1:
        return affines[0]
    if landmark.frame is None or not 0 <= landmark.frame < len(affines):
        raise ValueError(f"{landmark.label!r} is of frame {landmark.frame}, but there are {len(affines)} affines.")
    return affines[landmark.frame]


def _placed_points(markup: dict[str, Any]) -> list[WorldPoint]:
    units = markup.get("coordinateUnits", "mm")
    # The unit is a plain string, or a DICOM code such as ["mm", "UCUM", "millimeter"].
    if (units[0] if isinstance(units, list) else units) != "mm":
        raise ValueError(f"coordinateUnits is {units!r}")
    system = str(markup.get("coordinateSystem", "LPS"))
    if system not in _TO_LPS:
        raise ValueError(f"coordinateSystem is {system!r}")
    placed = [p for p in markup.get("controlPoints", []) if p.get("positionStatus", "defined") == "defined"]
    return [
        WorldPoint(p.get("label") or "", _position(p["position"], _TO_LPS[system]), p.get("description") or "")
        for p in placed
    ]


def _position(position: Sequence[float], signs: np.ndarray) -> tuple[float, float, float]:
    place = np.asarray(position, dtype=float)
    if place.shape != (3,) or not np.isfinite(place).all():
        raise ValueError(f"position is {position!r}")
    left, posterior, superior = (place * signs + 0.0).tolist()
    return left, posterior, superior
