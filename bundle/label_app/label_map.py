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

"""Landmarks as discs in a label map, for viewers that show segmentations, such as OHIF and 3D Slicer."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
import SimpleITK

from label_app.handed_out import handed_out
from label_app.label_file import LabelPoint
from label_app.placed_volume import placed_volume
from scripts.data.prepared_series import PreparedSeries
from scripts.io.input_error import InputError

__all__ = ["write_label_map"]

_SMALLEST_RADIUS = 3.0  # px
_TYPES = ("uint8", "uint16")


def write_label_map(
    path: str | Path,
    image: PreparedSeries,
    points: Sequence[LabelPoint],
    values: Mapping[str, int],
    *,
    dtype: str = "uint8",
    compress: bool = False,
) -> dict[str, int]:
    """Write a label map of the image's size and place, a slice a frame, with a disc for each landmark.

    A disc is round in the patient; its radius is the landmark's sigma, at least 3 px. Positions are rounded to pixels
    here, and here only: take them from the JSON where they matter.

    Args:
        path: the file, whose suffix SimpleITK knows, such as ``.nrrd``.
        image: the image.
        points: landmarks on it.
        values: the value of each name, from 1 on.
        dtype: ``uint8`` or ``uint16``.
        compress: compress the pixels.

    Returns:
        The value of each name that has a disc which others do not hide: 3D Slicer names what is there, in this order.

    Raises:
        InputError: there is no such type, or it has not so many values.

    Example:
        >>> write_label_map("map.nrrd", image, [LabelPoint("valve", 3, 101.0, 64.5)], {"valve": 1})  # doctest: +SKIP
        {'valve': 1}
    """
    if dtype not in _TYPES or max(values.values(), default=0) > np.iinfo(dtype).max:
        raise InputError(f"a label map of {len(values)} landmarks cannot be of the type {dtype!r}; take uint16")
    pixels = np.zeros((image.length, *image.fit.original), dtype=dtype)
    columns, rows = np.indices(image.fit.original)
    radii = [max(p.sigma_x or 0.0, (p.sigma_y or 0.0) * image.pixel_aspect, _SMALLEST_RADIUS) for p in points]
    # the largest first: one that is known hardly at all hides no other
    for radius, point in sorted(zip(radii, points, strict=True), key=lambda one: -one[0]):
        away = np.hypot(columns - point.x, (rows - point.y) * image.pixel_aspect)
        pixels[point.frame or 0][away <= radius] = values[point.label]
    SimpleITK.WriteImage(placed_volume(pixels, handed_out(image).affines), str(path), useCompression=compress)
    present = set(np.unique(pixels).tolist())
    return {label: value for label, value in sorted(values.items(), key=lambda one: one[1]) if value in present}
