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
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from scripts.io.atomic import atomic_path
from scripts.io.landmarks_csv import Landmark
from scripts.io.world_point import WorldPoint
from scripts.transforms.coordinates import index_to_lps

__all__ = ["read_slicer_markups", "read_slicer_points", "write_slicer_markups"]

_SCHEMA = (
    "https://raw.githubusercontent.com/slicer/slicer/master/Modules/Loadable/Markups/Resources/Schema/"
    "markups-schema-v1.0.3.json#"
)
_RAS_TO_LPS = np.array([-1.0, -1.0, 1.0])
# The axes of a control point along R, A, S, which Slicer writes in the file's own LPS coordinates.
_ORIENTATION = [-1.0, 0.0, 0.0, 0.0, -1.0, 0.0, 0.0, 0.0, 1.0]


def write_slicer_markups(path: str | os.PathLike[str], landmarks: Sequence[Landmark], affines: np.ndarray) -> None:
    """Write the landmarks of one image as one 3D Slicer point list in LPS millimetres.

    Each landmark is one control point. In a series the label is followed by the frame, ``valve [3]``; the description
    holds sigma, the number of examples and the frame.

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
    images = {landmark.image for landmark in landmarks}
    if len(images) > 1:
        raise ValueError(f"A point list belongs to one image, but the landmarks are of {sorted(images)}.")
    affines = np.asarray(affines, dtype=float)
    if affines.ndim not in (2, 3) or affines.shape[-2:] != (4, 4):
        raise ValueError(f"affines must be of shape (4, 4) or (T, 4, 4), not {affines.shape}.")
    points = [_control_point(number, landmark, affines) for number, landmark in enumerate(landmarks, start=1)]
    with atomic_path(path) as temporary:
        text = json.dumps({"@schema": _SCHEMA, "markups": [_markup(points)]}, indent=4, ensure_ascii=False)
        temporary.write_text(text + "\n", encoding="utf-8")


def read_slicer_markups(path: str | os.PathLike[str]) -> list[tuple[str, tuple[float, float, float]]]:
    """Read names and places of the placed control points of a 3D Slicer Markups file.

    Args:
        path: a ``.mrk.json`` file with one or more markups of any type, in LPS or RAS.

    Returns:
        A list of (label, (l, p, s)), positions in LPS mm, in file order. Points without a position are left out.

    Raises:
        FileNotFoundError: if there is no such file.
        ValueError: if the file is not a Markups file or its unit is not the millimetre; the message names the file.

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
        [WorldPoint(label='patella', lps=(-5.0, -10.0, 0.0), description='sigma 1.20 x 0.80 px, 3 example(s)')]
    """
    try:
        markups = json.loads(Path(path).read_text(encoding="utf-8-sig"))["markups"]
        return [point for markup in markups for point in _placed_points(markup)]
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise ValueError(f"{path}: not a 3D Slicer Markups file in millimetres ({error}).") from error


def _markup(points: list[dict[str, Any]]) -> dict[str, Any]:
    """The node, with the fields and defaults Slicer itself writes."""
    return {
        "type": "Fiducial",
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
    parts = [f"sigma {landmark.sigma_x:.2f} x {landmark.sigma_y:.2f} px", f"{landmark.n_examples} example(s)"]
    if landmark.frame is not None:
        parts.append(f"frame {landmark.frame}")
    return ", ".join(parts)


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
    flip = _RAS_TO_LPS if markup.get("coordinateSystem", "LPS") == "RAS" else np.ones(3)
    placed = [p for p in markup.get("controlPoints", []) if p.get("positionStatus", "defined") == "defined"]
    return [
        WorldPoint(p.get("label") or "", _position(p["position"], flip), p.get("description") or "") for p in placed
    ]


def _position(position: Sequence[float], flip: np.ndarray) -> tuple[float, float, float]:
    left, posterior, superior = (float(v) for v in np.asarray(position, dtype=float) * flip + 0.0)
    return left, posterior, superior
