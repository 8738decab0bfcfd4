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

"""Which grey values of a frame are worth to be told apart."""

from __future__ import annotations

import numpy as np

__all__ = ["first_window"]


def first_window(pixels: np.ndarray) -> tuple[float, float]:
    """The range of grey values to show at first, from black to white: without the outermost values, and never empty.

    Example:
        >>> first_window(np.array([7.0, 7.0, 7.0])), first_window(np.array([7.0] * 300 + [9.0]))
        ((7.0, 8.0), (7.0, 9.0))
    """
    low, high = np.percentile(pixels, (0.5, 99.5)).tolist()
    if not high > low:  # an even ground, and at most a few pixels that are not of it
        low, high = float(pixels.min()), float(pixels.max())
    # 1 would vanish beside a large number
    return low, high if high > low else low + max(1.0, abs(low) / 1000)
