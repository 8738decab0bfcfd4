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

"""Where in other images lies what images show."""

from __future__ import annotations

from dataclasses import dataclass

import torch
import torch.nn.functional as F

from scripts.transforms.coordinates import index_to_grid
from scripts.transforms.warp import on_image

__all__ = ["Counterparts"]


@dataclass(frozen=True)
class Counterparts:
    """An other image for each of a batch, and where in it pixels lie too.

    Attributes:
        images: the other images, (B, C, X, Y).
        moves: (B, 2, X, Y), from each pixel to its counterpart in the other image, px.
        known: (B, X, Y), whether the counterpart of a pixel is to be trusted.

    Example:
        >>> moves, known = torch.full((1, 2, 8, 8), 2.0), torch.ones(1, 8, 8, dtype=torch.bool)
        >>> Counterparts(torch.rand(1, 1, 8, 8), moves, known).find(torch.tensor([[[3.0, 4.0], [7.0, 1.0]]]))
        (tensor([[[5., 6.],
                 [9., 3.]]]), tensor([[ True, False]]))
    """

    images: torch.Tensor
    moves: torch.Tensor
    known: torch.Tensor

    def find(self, points: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        """Counterparts of points.

        Args:
            points: (B, K, 2), px.

        Returns:
            Points of the other images (B, K, 2), px, and which of them are known (B, K): one whose point or counterpart
            is outside of the image is not.
        """
        spatial = self.images.shape[2:]
        grid = index_to_grid(points, spatial).unsqueeze(2)
        moves = F.grid_sample(self.moves, grid, padding_mode="border", align_corners=False)
        known = F.grid_sample(self.known.unsqueeze(1).to(points), grid, mode="nearest", align_corners=False)
        found = points + moves.squeeze(3).transpose(1, 2)
        return found, known[:, 0, :, 0].bool() & on_image(found, spatial)
