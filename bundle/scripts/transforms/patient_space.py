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
"""Between pixels of an image and places in the patient, LPS in mm: the convention of DICOM and of landmark files."""

from __future__ import annotations

import numpy as np

__all__ = ["LPS_TO_RAS", "index_to_lps", "lps_to_index"]

LPS_TO_RAS = np.diag([-1.0, -1.0, 1.0, 1.0])  # its own inverse


def index_to_lps(points: np.ndarray, affine: np.ndarray) -> np.ndarray:
    """Where pixels of an image lie in the patient.

    Args:
        points: (..., 2), px.
        affine: (4, 4), index (x, y, 0, 1) to RAS mm, as of :class:`scripts.data.SeriesImage`.

    Returns:
        (..., 3), float64, LPS mm.

    Example:
        >>> index_to_lps(np.array([10.0, 20.0]), np.diag([0.5, 0.5, 1.0, 1.0])).tolist()
        [-5.0, -10.0, 0.0]
    """
    lps = LPS_TO_RAS @ np.asarray(affine, dtype=float)
    # adding zero turns -0.0 into 0.0, which reads better in files
    return np.asarray(points, dtype=float) @ lps[:3, :2].T + lps[:3, 3] + 0.0


def lps_to_index(points: np.ndarray, affine: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """The pixels that are nearest to places in the patient, and how far off the image's plane these lie.

    Args:
        points: (..., 3), LPS mm.
        affine: (4, 4), as in :func:`index_to_lps`. Its third column is not used: in a 2D file it may be anything.

    Returns:
        Points (..., 2) in px, inside of the image or not, and distances (...) from its plane in mm, of either sign.

    Raises:
        ValueError: the image's axes do not span a plane.

    Example:
        >>> index, off = lps_to_index(np.array([-5.0, -10.0, 3.0]), np.diag([0.5, 0.5, 1.0, 1.0]))
        >>> index.tolist(), float(off)
        ([10.0, 20.0], 3.0)
    """
    lps = LPS_TO_RAS @ np.asarray(affine, dtype=float)
    normal = np.cross(lps[:3, 0], lps[:3, 1])
    area = np.linalg.norm(normal)
    if not area > 0:
        raise ValueError(f"the image's axes {lps[:3, 0].tolist()} and {lps[:3, 1].tolist()} do not span a plane")
    axes = np.column_stack([lps[:3, 0], lps[:3, 1], normal / area])
    steps = (np.asarray(points, dtype=float) - lps[:3, 3]) @ np.linalg.inv(axes).T
    return steps[..., :2], steps[..., 2]
