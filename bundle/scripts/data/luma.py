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

"""Grey values of colours."""

from __future__ import annotations

import numpy as np

__all__ = ["to_luma"]

_LUMA = np.array([0.299, 0.587, 0.114])  # ITU-R 601, as Pillow


def to_luma(colours: np.ndarray) -> np.ndarray:
    """The luma of red, green and blue by ITU-R 601. Three like numbers give that number.

    Args:
        colours: (..., 3), any real type.

    Returns:
        (...), float32.

    Example:
        >>> to_luma(np.array([[0, 40001, 0], [40001, 40001, 40001]], np.uint16)).round(1)
        array([23480.6, 40001. ], dtype=float32)
    """
    return (colours.astype(np.float64) @ _LUMA).astype(np.float32)
