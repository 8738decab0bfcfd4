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

"""The training loss: the point's likelihood and, where the head has a heatmap, its cross-entropy."""

from __future__ import annotations

import torch
from torch import nn

__all__ = ["MatchingLoss"]


class MatchingLoss(nn.Module):
    """Likelihood of the point plus a weighted cross-entropy of the heatmap.

    Args:
        likelihood: :class:`scripts.losses.GaussianNLLLoss` or another of its form.
        heatmap: :class:`scripts.losses.HeatmapCrossEntropyLoss`; not used for a head with no heatmap.
        heatmap_weight: factor of the heatmap's part.

    Example:
        >>> from scripts.losses import GaussianNLLLoss, HeatmapCrossEntropyLoss
        >>> loss = MatchingLoss(GaussianNLLLoss(), HeatmapCrossEntropyLoss((2, 2)))
        >>> round(float(loss(torch.zeros(1, 4 + 4), torch.zeros(1, 2))), 3)  # ln(2 pi) + ln 4
        3.224
    """

    def __init__(self, likelihood: nn.Module, heatmap: nn.Module, heatmap_weight: float = 1.0) -> None:
        super().__init__()
        self.likelihood = likelihood
        self.heatmap = heatmap
        self.heatmap_weight = heatmap_weight

    def forward(self, prediction: torch.Tensor, target: torch.Tensor) -> torch.Tensor:
        """Loss of a batch.

        Args:
            prediction: (B, 2 * spatial_dims) from a head with no heatmap, or (B, 2 * spatial_dims + cells).
            target: (B, spatial_dims), normalised.
        """
        point = 2 * target.shape[1]
        loss = self.likelihood(prediction[:, :point], target)
        if prediction.shape[1] > point:
            loss = loss + self.heatmap_weight * self.heatmap(prediction[:, point:], target)
        return loss
