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

"""Means of squares."""

from __future__ import annotations

import torch
import torch.nn.functional as F

__all__ = ["box_mean"]


def box_mean(images: torch.Tensor, side: int) -> torch.Tensor:
    """Means of all squares in images, axis by axis: torch's pooling does not use that they separate.

    Args:
        images: (N, 1, X, Y).
        side: of the squares, px.

    Returns:
        (N, 1, X - side + 1, Y - side + 1).

    Example:
        >>> box_mean(torch.arange(9.0).reshape(1, 1, 3, 3), 2)
        tensor([[[[2., 3.],
                  [5., 6.]]]])
    """
    return F.avg_pool2d(F.avg_pool2d(images, (side, 1), stride=1), (1, side), stride=1)
