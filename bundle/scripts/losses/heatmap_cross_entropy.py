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

"""Cross-entropy of a heatmap against a point."""

from __future__ import annotations

import itertools
import math
from collections.abc import Sequence

import torch
from torch import nn

from scripts.transforms.coordinates import normalized_to_index

__all__ = ["HeatmapCrossEntropyLoss"]


class HeatmapCrossEntropyLoss(nn.Module):
    """Cross-entropy between the heatmap and the target's place on its cells.

    The target is spread linearly over the 2 ** spatial_dims nearest cells, so that the expectation of the best
    heatmap is the target itself and not the nearest cell. It gives every cell a gradient, where the likelihood
    of a soft-argmax sees only the cells around the peak.

    Args:
        size: cells of the heatmap an axis.

    Example:
        >>> loss = HeatmapCrossEntropyLoss((8, 8))
        >>> float(loss(torch.zeros(1, 64), torch.zeros(1, 2)))  # ln 64
        4.158883094787598
    """

    def __init__(self, size: Sequence[int]) -> None:
        super().__init__()
        self.size = tuple(size)

    def forward(self, logits: torch.Tensor, target: torch.Tensor) -> torch.Tensor:
        """Mean over the batch.

        Args:
            logits: (B, cells), the heatmap flattened.
            target: (B, spatial_dims), normalised.

        Raises:
            ValueError: the heatmap has another number of cells than ``size`` says.
        """
        if logits.shape[1] != math.prod(self.size):
            raise ValueError(
                f"the heatmap has {logits.shape[1]} cells and not {' x '.join(map(str, self.size))}: "
                "heatmap_size must be image_size divided by the head's stride"
            )
        log_probability = logits.log_softmax(dim=1).reshape(-1, *self.size)
        place = normalized_to_index(target, self.size)
        low = place.floor()
        batch = torch.arange(len(target), device=target.device)
        likelihood = torch.zeros(len(target), device=logits.device)
        for corner in itertools.product((0, 1), repeat=len(self.size)):
            cell = low + torch.tensor(corner, device=low.device)
            weight = (1.0 - (place - cell).abs()).clamp_min(0.0).prod(dim=1)
            # past the outermost cells' centres the border cell takes the whole weight
            inside = [cell[:, axis].long().clamp(0, size - 1) for axis, size in enumerate(self.size)]
            likelihood = likelihood + weight * log_probability[batch, *inside]
        return -likelihood.mean()
