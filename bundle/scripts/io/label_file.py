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

"""The landmarks of one image as the annotation page keeps them: a JSON file for each image."""

from __future__ import annotations

import json
import os
from dataclasses import asdict, dataclass, field
from typing import Any

from scripts.io.atomic import atomic_path
from scripts.io.input_error import InputError
from scripts.io.landmark_status import LandmarkStatus
from scripts.io.strict_json import parse_object

__all__ = [
    "Label",
    "LabelPoint",
    "check_number",
    "label_text",
    "parse_frame",
    "parse_points",
    "read_label",
    "write_label",
]

_MOST_POINTS = 10_000
_LARGEST = 1e9


@dataclass(frozen=True)
class LabelPoint:
    """A landmark in one frame of an image.

    Attributes:
        label: its name.
        frame: index of the frame, or None for a still image.
        x: position along axis 0 (columns), px of the original image; pixel centres are at integers.
        y: position along axis 1 (rows, downwards), likewise.
        sigma_x: standard deviation along x, px; None for a point that a person has set.
        sigma_y: along y.
        status: whether the answer is to be relied on; of a point that a person has set None, or doubtful where the
            network does not find it again in its own image.
        reason: why it is doubtful, in words.
        n_examples: how many examples spoke for it; None for a point that a person has set.
    """

    label: str
    frame: int | None
    x: float
    y: float
    sigma_x: float | None = None
    sigma_y: float | None = None
    status: LandmarkStatus | None = None
    reason: str = ""
    n_examples: int | None = None


@dataclass(frozen=True)
class Label:
    """All landmarks of one image, and what MONAI Label keeps beside them.

    Attributes:
        points: at most one for each name and frame.
        info: such as who saved it and when; plain JSON values.
    """

    points: tuple[LabelPoint, ...] = ()
    info: dict[str, Any] = field(default_factory=dict)


def parse_points(entries: Any, where: str) -> list[LabelPoint]:
    """Read the landmarks of our own form, without the image that they are of.

    Raises:
        InputError: this is no list of landmarks.

    Example:
        >>> parse_points([{"label": "valve", "x": 1, "y": 2.5}], "body")[0].y
        2.5
    """
    if not isinstance(entries, list):
        raise InputError(f'{where} needs "landmarks", a list of at most {_MOST_POINTS}.')
    check_number(len(entries), where)
    return [_parse_point(entry, f"{where}, landmark {i}") for i, entry in enumerate(entries, start=1)]


def parse_frame(frame: Any, where: str) -> int | None:
    """The index of a frame, or None for that of a still image, which has none.

    Raises:
        InputError: it is no whole number.

    Example:
        >>> parse_frame(3, "body"), parse_frame(None, "body")
        (3, None)
    """
    if frame is not None and (not isinstance(frame, int) or isinstance(frame, bool)):
        raise InputError(f'{where}: "frame" must be a whole number, counted from 0, or null.')
    return frame


def check_number(number: int, where: str) -> None:
    """Refuse more landmarks than a label can have, in all its frames together.

    Raises:
        InputError: there are more than 10,000.

    Example:
        >>> check_number(10_000, "body")
    """
    if number > _MOST_POINTS:
        raise InputError(
            f"{where} would have {number} landmarks, but a label has at most {_MOST_POINTS}; "
            "take fewer landmarks, or fewer frames"
        )


def read_label(path: str | os.PathLike[str]) -> Label:
    """Read what :func:`write_label` wrote.

    Raises:
        InputError: there is no such file, or it is damaged.

    Example:
        >>> read_label("labels/final/clip.dcm.json").points[0].label  # doctest: +SKIP
        'valve'
    """
    try:
        with open(path, "rb") as file:
            content = file.read()
    except OSError as error:
        raise InputError(f"{path} cannot be read ({error.strerror})") from error
    return _parse_kept(content, str(path))


def label_text(label: Label, where: str) -> str:
    """What a label's file says. It is read here already: what could not be read later is not written.

    Args:
        label: the landmarks of an image.
        where: what to call them in messages.

    Raises:
        InputError: :func:`read_label` would not take it.
        ValueError: a number is not finite, which JSON cannot say.

    Example:
        >>> label_text(Label((LabelPoint("valve", 3, 101.0, 64.5),)), "body").split()[:3]
        ['{', '"landmarks":', '[']
    """
    landmarks = [
        {name: value for name, value in asdict(point).items() if value is not None and value != ""}
        for point in label.points
    ]
    text = json.dumps({"landmarks": landmarks, "info": label.info}, indent=1, allow_nan=False)
    _parse_kept(text, where)
    return text


def write_label(path: str | os.PathLike[str], label: Label) -> None:
    """Write the landmarks of an image, whole or not at all.

    Raises:
        InputError, ValueError: see :func:`label_text`; then nothing is written.

    Example:
        >>> write_label("labels/final/clip.dcm.json", Label((LabelPoint("valve", 3, 101.0, 64.5),)))  # doctest: +SKIP
    """
    text = label_text(label, str(path))
    with atomic_path(path) as temporary:
        temporary.write_text(text, encoding="utf-8")


def _parse_kept(content: bytes | str, where: str) -> Label:
    document = parse_object(content, where)
    points = parse_points(document.get("landmarks"), where)
    info = document.get("info")
    return Label(tuple(points), info if isinstance(info, dict) else {})


def _parse_point(entry: Any, where: str) -> LabelPoint:
    if not isinstance(entry, dict):
        raise InputError(f'{where}: it must be like {{"label": "valve", "frame": 3, "x": 101.0, "y": 64.5}}.')
    label, frame = entry.get("label"), parse_frame(entry.get("frame"), where)
    if not isinstance(label, str):
        raise InputError(f'{where}: "label" must be its name.')
    x, y = (_number(entry.get(name), name, where) for name in ("x", "y"))
    sigma_x, sigma_y = (
        None if entry.get(name) is None else _number(entry[name], name, where) for name in ("sigma_x", "sigma_y")
    )
    count = entry.get("n_examples")
    return LabelPoint(
        label.strip(),
        frame,
        x,
        y,
        sigma_x,
        sigma_y,
        status=_status(entry),
        reason=entry["reason"] if isinstance(entry.get("reason"), str) else "",
        n_examples=count if isinstance(count, int) and not isinstance(count, bool) else None,
    )


def _status(entry: dict[str, Any]) -> LandmarkStatus | None:
    """What a point says of itself; labels of before had ``valid``, without learned limits."""
    if isinstance(entry.get("valid"), bool):
        return LandmarkStatus.UNCHECKED if entry["valid"] else LandmarkStatus.DOUBTFUL
    return LandmarkStatus(entry["status"]) if entry.get("status") in list(LandmarkStatus) else None


def _number(value: Any, name: str, where: str) -> float:
    # a whole number of any length is JSON too
    if isinstance(value, bool) or not isinstance(value, (int, float)) or not -_LARGEST < value < _LARGEST:
        raise InputError(f'{where}: "{name}" must be a number of px.')
    return float(value)
