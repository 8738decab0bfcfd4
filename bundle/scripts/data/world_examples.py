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
"""Points in the patient as examples on an image."""

from __future__ import annotations

import os
import re
from collections.abc import Sequence

import numpy as np

from scripts.data.marked_image import MarkedImage
from scripts.io.examples_csv import Example
from scripts.io.input_error import InputError
from scripts.io.world_point import WorldPoint
from scripts.transforms.coordinates import joined_affines, lps_to_index

__all__ = ["world_examples"]

# farther off the image than this, or than half its slice spacing, a point is of another image
_MAX_OFF_MM = 1.0
_SAME_STEP = 0.01  # of itself
# places are rounded when they are written, to thousandths of a mm by old programs, and edges are points too
_EDGE_PX, _EDGE_MM = 1e-3, 1e-3
_LABEL_WITH_FRAME = re.compile(r"(.*\S)\s*\[(\d+)\]", re.DOTALL)
_DESCRIBED_FRAME = re.compile(r"\bframe (\d+)\b")


def world_examples(points: Sequence[WorldPoint], image: MarkedImage, path: str | os.PathLike[str]) -> list[Example]:
    """Find the pixels of points in the patient.

    In a series each label tells its frame, ``valve [3]``, or else the description, ``frame 3``, or else the place,
    where 3D Slicer shows the frames as the slices of a volume. A point of a named frame lies on the slice of that
    frame, or on that of the first, as in programs that show frames one after another at one place.

    Args:
        points: places in LPS mm.
        image: the image that they are on.
        path: the file that they are from, for messages.

    Returns:
        An example a point, in the same order; x and y in px of the original image, which is named by its full path.

    Raises:
        InputError: a point tells no frame of its image, lies outside of it, or lies more than 1 mm and half the slice
            spacing off its plane.

    Example:
        >>> points = [WorldPoint("valve [3]", (-5.0, -10.0, 0.0))]
        >>> [(one.label, one.frame, one.x) for one in world_examples(points, clip, "clip.fcsv")]  # doctest: +SKIP
        [('valve', 3, 10.0)]
    """
    return [_example(point, number, image, f"{path}, point {number}") for number, point in enumerate(points, start=1)]


def _example(point: WorldPoint, number: int, image: MarkedImage, where: str) -> Example:
    lps = np.array(point.lps)
    label, frame = _label_and_frame(point, image, where)
    if frame is None and image.length > 1:
        frame = _frame_at(lps, image)
        if frame is None:
            raise InputError(
                f"{where}: {point.label!r} tells no frame, and {image.name} has {image.length}. "
                f"Label it '{point.label} [N]' with the frame, from 0."
            )
    found = [lps_to_index(lps, affine) for affine in _shown(image, frame or 0)]
    index, off = next((one for one in found if abs(one[1]) <= _farthest(image)), found[0])
    if abs(off) > _farthest(image):
        raise InputError(
            f"{where}: {point.label!r} lies {abs(off):.1f} mm off the plane of {image.name}"
            f"{'' if frame is None else f', frame {frame}'}. "
            "Name the file after the image that the point is on, or move the point."
        )
    affine = image.affines[frame or 0]
    inside = np.clip(index, -0.5, np.array(image.fit.original) - 0.5)
    beyond = np.abs(index - inside)
    beyond_mm = np.linalg.norm(beyond * np.linalg.norm(affine[:3, :2], axis=0))
    if beyond.max() > _EDGE_PX and beyond_mm > _EDGE_MM:
        raise InputError(
            f"{where}: {point.label!r} lies {beyond_mm:.1f} mm outside of {image.name}. "
            "Name the file after the image that the point is on, or move the point."
        )
    x, y = inside.tolist()
    return Example(str(image.series.files[0].absolute()), frame, label, x, y, number, unit="point")


def _shown(image: MarkedImage, frame: int) -> list[np.ndarray]:
    """Where a frame is shown: on its slice, at the place of the first, or on its slice of a file that all make up."""
    shown = [image.affines[one] for one in dict.fromkeys((frame, 0))]
    return [*shown, joined_affines(image.affines)[frame]] if len(image.series.files) > 1 else shown


def _farthest(image: MarkedImage) -> float:
    """How far off its plane a point may lie, mm: between two slices it belongs to the nearer one."""
    half = abs(float(_along_normal(image.affines[0], image.affines[0, :3, 2]))) / 2
    return half if _are_slices(image) else max(_MAX_OFF_MM, half)


def _frame_at(lps: np.ndarray, image: MarkedImage) -> int | None:
    """The frame that is nearest to a place; None where all lie at one."""
    if not _are_slices(image):
        return None
    distances = _along_normal(image.affines[0], image.affines[:, :3, 3] - image.affines[0, :3, 3])
    return int(np.abs(lps_to_index(lps, image.affines[0])[1] - distances).argmin())


def _are_slices(image: MarkedImage) -> bool:
    """Whether the frames follow each other by the third column of their affines, which for others leads nowhere."""
    if image.length < 2:
        return False
    step = _along_normal(image.affines[0], image.affines[0, :3, 2])
    first = _along_normal(image.affines[0], image.affines[1, :3, 3] - image.affines[0, :3, 3])
    return bool(abs(first - step) <= _SAME_STEP * abs(step))


def _along_normal(affine: np.ndarray, vectors: np.ndarray) -> np.ndarray:
    normal = np.cross(affine[:3, 0], affine[:3, 1])
    return vectors @ normal / np.linalg.norm(normal)


def _label_and_frame(point: WorldPoint, image: MarkedImage, where: str) -> tuple[str, int | None]:
    """The landmark and the frame, as :func:`scripts.io.write_slicer_markups` writes them; None where none is told."""
    with_frame, described = _LABEL_WITH_FRAME.fullmatch(point.label), _DESCRIBED_FRAME.search(point.description)
    if image.length == 1 and not (with_frame and described and with_frame[2] == described[1]):
        # a still has no frames to name: its label may well end like this
        return point.label, None
    if with_frame is not None:
        label, frame = with_frame[1], int(with_frame[2])
    elif described is not None:
        label, frame = point.label, int(described[1])
    else:
        return point.label, None
    if frame >= image.length:
        raise InputError(
            f"{where}: {point.label!r} is of frame {frame}, but {image.name} has frames 0 to {image.length - 1}. "
            "Name the file after the image that the point is on; a CSV file can name the file of a frame itself."
        )
    return label, None if image.length == 1 else frame
