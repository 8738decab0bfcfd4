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

"""Which markups of 3D Slicer are lists of points."""

from __future__ import annotations

from typing import Any

from scripts.io.input_error import InputError

__all__ = ["point_lists"]

# their control points are a centre or corners, which nobody has set as landmarks
_NO_POINTS = ("ROI", "Plane")


def point_lists(document: dict[str, Any], where: str) -> list[dict[str, Any]]:
    """The markups of a document whose control points may be landmarks; they take the place of a label.

    So a document that has none must not pass for one whose points were all removed: 3D Slicer sends such documents of
    regions of interest when a detection is submitted. A list without points, on the other hand, is an answer.

    Args:
        document: the content of a Markups file.
        where: what to call it in messages.

    Raises:
        InputError: there is no list of points, or there are points but none was placed.

    Example:
        >>> point_lists({"markups": [{"type": "Fiducial", "controlPoints": []}, {"type": "ROI"}]}, "body")
        [{'type': 'Fiducial', 'controlPoints': []}]
    """
    markups = document.get("markups")
    if not isinstance(markups, list) or not all(isinstance(one, dict) for one in markups):
        raise InputError(f'{where}: not a 3D Slicer Markups file; "markups" must be a list of objects')
    lists = [one for one in markups if one.get("type") not in _NO_POINTS and "controlPoints" in one]
    if not all(_is_list_of_objects(one["controlPoints"]) for one in lists):
        raise InputError(f'{where}: not a 3D Slicer Markups file; "controlPoints" must be a list of objects')
    if not lists:
        told = ", ".join(sorted({str(one.get("type")) for one in markups})) or "no markup"
        raise InputError(f"{where}: there is no list of points in the Markups, but {told}; send a point list")
    states = [point.get("positionStatus", "defined") for one in lists for point in one["controlPoints"]]
    if states and "defined" not in states:
        raise InputError(f"{where}: none of the points of the Markups is placed; place one, or send a list without any")
    return lists


def _is_list_of_objects(value: Any) -> bool:
    return isinstance(value, list) and all(isinstance(one, dict) for one in value)
