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

"""The sub-pixel place of a peak."""

from __future__ import annotations

import torch

__all__ = ["paraboloid_shift"]


def paraboloid_shift(scores: torch.Tensor) -> torch.Tensor:
    """Where the top of a peak lies between the pixels, by the paraboloid through a score and its eight neighbours.

    Args:
        scores: (N, 3, 3), the highest one of each in the middle, or nearly so.

    Returns:
        (N, 2), px from the middle, index order, within a pixel along each axis; 0 on a plane and on a saddle.

    Example:
        >>> x, y = torch.meshgrid(torch.arange(-1.0, 2.0), torch.arange(-1.0, 2.0), indexing="ij")
        >>> paraboloid_shift(1 - ((x - 0.3) ** 2 + (y + 0.2) ** 2)[None])
        tensor([[ 0.3000, -0.2000]])
    """
    slope_x, slope_y = (scores[:, 2, 1] - scores[:, 0, 1]) / 2, (scores[:, 1, 2] - scores[:, 1, 0]) / 2
    bend_x = scores[:, 0, 1] - 2 * scores[:, 1, 1] + scores[:, 2, 1]
    bend_y = scores[:, 1, 0] - 2 * scores[:, 1, 1] + scores[:, 1, 2]
    twist = (scores[:, 0, 0] + scores[:, 2, 2] - scores[:, 0, 2] - scores[:, 2, 0]) / 4
    # A strong twist means a slanted ridge or a saddle, whose top is ill-defined: there each axis is left to itself.
    twist = torch.where(bend_x * bend_y > 2 * twist * twist, twist, 0.0)
    det = bend_x * bend_y - twist * twist
    shift = torch.stack([twist * slope_y - bend_y * slope_x, twist * slope_x - bend_x * slope_y], dim=1)
    return torch.where((det > 0)[:, None], shift / det[:, None], 0.0).clamp(-1, 1)
