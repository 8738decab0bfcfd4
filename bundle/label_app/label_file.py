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

"""The landmarks of one image as a label of MONAI Label: our own JSON, and what 3D Slicer saves."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from label_app.handed_out import handed_out
from label_app.point_lists import point_lists
from scripts.data.marked_image import MarkedImage
from scripts.data.prepared_series import PreparedSeries
from scripts.data.world_examples import world_examples
from scripts.io.input_error import InputError
from scripts.io.label_file import (
    Label,
    LabelPoint,
    check_number,
    label_text,
    parse_frame,
    parse_points,
    read_label,
    write_label,
)
from scripts.io.slicer_markups import parse_slicer_points
from scripts.io.strict_json import parse_object

__all__ = [
    "Label",
    "LabelPoint",
    "check_number",
    "check_points",
    "label_text",
    "parse_frame",
    "parse_label",
    "parse_points",
    "read_label",
    "write_label",
]

_LONGEST_NAME = 200


def parse_label(content: bytes | str, image: PreparedSeries, where: str) -> list[LabelPoint]:
    """Read the landmarks of an image from our own form or from 3D Slicer Markups, whichever it is.

    Our own form is ``{"landmarks": [{"label": "valve", "frame": 3, "x": 101.0, "y": 64.5}, ...]}``; ``frame`` is left
    out or null for a still image, and other keys of a landmark are not needed. Points of Markups lie in the patient
    (mm), on the image as it is handed out (:func:`label_app.handed_out.handed_out`), and tell their frame as
    :func:`scripts.data.world_examples.world_examples` has it.

    Args:
        content: the file's content, UTF-8.
        image: the image that the landmarks are of, which they must lie on.
        where: what to call the content in messages.

    Returns:
        The landmarks, in the order given; of two with one name and frame there is none.

    Raises:
        InputError: this is neither form, or a landmark lacks its name, lies outside of the image, is of a frame that
            the image has not, or comes twice; or there are more than a label can have.

    Example:
        >>> parse_label('{"landmarks": [{"label": "a", "x": 1, "y": 2.5}]}', image, "body")  # doctest: +SKIP
        [LabelPoint(label='a', frame=None, x=1.0, y=2.5, ...)]
    """
    document = parse_object(content, where)
    if "markups" in document:
        points = _parse_markups(document, image, where)
    else:
        points = parse_points(document.get("landmarks"), where)
    check_points(points, image, where)
    return points


def check_points(points: Sequence[LabelPoint], image: MarkedImage, where: str) -> None:
    """Refuse landmarks that cannot be of an image.

    Raises:
        InputError: see :func:`parse_label`.

    Example:
        >>> check_points([LabelPoint("valve", 3, 101.0, 64.5)], image, "body")  # doctest: +SKIP
    """
    check_number(len(points), where)
    width, height = image.fit.original
    frames = [None] if image.length == 1 else range(image.length)
    seen = set()
    for i, point in enumerate(points, start=1):
        here = f"{where}, landmark {i}"
        if not point.label or len(point.label) > _LONGEST_NAME or not point.label.isprintable():
            raise InputError(f"{here}: give it a name of 1 to {_LONGEST_NAME} printable characters.")
        if not (-0.5 <= point.x <= width - 0.5 and -0.5 <= point.y <= height - 0.5):
            raise InputError(
                f"{here}: {point.label!r} at ({point.x:g}, {point.y:g}) lies outside of {image.name}, "
                f"which has {width} x {height} px."
            )
        if point.frame not in frames:
            told = f"frames 0 to {image.length - 1}" if image.length > 1 else "no frames"
            raise InputError(f"{here}: {point.label!r} is of frame {point.frame}, but {image.name} has {told}.")
        if (point.label, point.frame) in seen:
            raise InputError(f"{here}: {point.label!r} is there twice{_in_frame(point)}; keep one of them.")
        seen.add((point.label, point.frame))


def _parse_markups(document: dict[str, Any], image: PreparedSeries, where: str) -> list[LabelPoint]:
    lists = point_lists(document, where)
    try:
        placed = parse_slicer_points({"markups": lists}, where)
    except ValueError as error:
        raise InputError(str(error)) from error
    examples = world_examples(placed, handed_out(image), where)
    return [LabelPoint(one.label.strip(), one.frame, one.x, one.y) for one in examples]


def _in_frame(point: LabelPoint) -> str:
    return "" if point.frame is None else f" in frame {point.frame}"
