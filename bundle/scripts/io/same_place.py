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

"""When two images lie at the same place in the patient: one tolerance for all that compares places."""

from __future__ import annotations

import numpy as np

__all__ = ["SAME_COSINE", "first_alike", "place_tolerance"]

SAME_COSINE = 1e-3  # of a direction's cosines: a twentieth of a degree
_SAME_MM = 0.05
_SAME_PX = 0.2


def place_tolerance(spacing: tuple[float, float] | None) -> float:
    """How far apart two positions may be told, along each axis, and still be one place.

    Positions are written in decimals, and some scanners let them drift by micrometres from frame to frame. Slices
    lie further apart than this, also those of small pixels.

    Args:
        spacing: distance of pixels along both axes, mm; None where it is not known.

    Returns:
        mm: 0.05, and no more than a fifth of a pixel's smaller side.

    Example:
        >>> place_tolerance((1.25, 1.5)), place_tolerance((0.01, 0.01)), place_tolerance(None)
        (0.05, 0.002, 0.05)
    """
    return _SAME_MM if spacing is None else min(_SAME_MM, _SAME_PX * min(spacing))


def first_alike(values: np.ndarray, tolerance: float | np.ndarray) -> np.ndarray:
    """Which rows say the same, each compared with the first of its kind.

    Not with the row before it: many small steps make a long way. And not rounded: two values that are almost the same
    may lie on two sides of a border.

    Args:
        values: (N, K) numbers; NaN is a number that is not told, and like another that is not told.
        tolerance: of all numbers, or (N,), of those that are compared with that row.

    Returns:
        (N,), for each row the index of the first row that is like it, which may be its own.

    Example:
        >>> first_alike(np.array([[0.0], [5.0], [0.004], [np.nan], [5.0]]), 0.05).tolist()
        [0, 1, 0, 3, 1]
    """
    untold = np.isnan(values)
    numbers = np.where(untold, 0.0, values)
    # a decimal fraction is not exact in binary
    limits = np.broadcast_to(np.asarray(tolerance, dtype=float) * (1 + 1e-6) + 1e-9, len(values))
    found = np.arange(len(values))
    # the first of each kind: its index, its numbers, which of them are not told, and its tolerance
    index, kept, kept_untold, limit = found.copy(), numbers.copy(), untold.copy(), limits.copy()[:, None]
    count = 0
    for i, (row, row_untold) in enumerate(zip(numbers, untold, strict=True)):
        alike = (np.abs(kept[:count] - row) <= limit[:count]) & (kept_untold[:count] == row_untold)
        same = np.flatnonzero(alike.all(axis=1))
        if len(same):
            found[i] = index[same[0]]
        else:
            index[count], kept[count], kept_untold[count], limit[count] = i, row, row_untold, limits[i]
            count += 1
    return found
