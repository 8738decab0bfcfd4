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

"""Frames as a volume of ITK's, a slice a frame."""

from __future__ import annotations

import numpy as np
import SimpleITK

from scripts.transforms.coordinates import LPS_TO_RAS

__all__ = ["placed_volume"]


def placed_volume(pixels: np.ndarray, affines: np.ndarray) -> SimpleITK.Image:
    """Put frames where they lie.

    Args:
        pixels: (T, X, Y).
        affines: (T, 4, 4), index (x, y, 0, 1) to RAS mm; slices of frames at one place follow each other along their
            third column.

    Returns:
        Of the size (X, Y, T).

    Example:
        >>> placed_volume(np.zeros((3, 5, 4)), np.repeat(np.eye(4)[None], 3, axis=0)).GetSize()
        (5, 4, 3)
    """
    volume = SimpleITK.GetImageFromArray(pixels.transpose(0, 2, 1))
    in_lps = LPS_TO_RAS @ affines
    axes = in_lps[0, :3, :3].copy()
    if len(in_lps) > 1 and (step := in_lps[1, :3, 3] - in_lps[0, :3, 3]).any():
        axes[:, 2] = step
    spacing = np.linalg.norm(axes, axis=0)
    volume.SetSpacing(spacing.tolist())
    volume.SetOrigin(in_lps[0, :3, 3].tolist())
    volume.SetDirection((axes / spacing).flatten().tolist())
    return volume
