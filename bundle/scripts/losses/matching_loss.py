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

import math

import torch
from torch import nn

__all__ = ["MatchingLoss"]


class MatchingLoss(nn.Module):
    """Likelihood of the point plus a weighted cross-entropy of the heatmap.

    A network that does not yet find its patches lowers its likelihood fastest by a large scale, which takes the
    gradient from the means: a head with no heatmap then learns slowly. For the first steps the likelihood may be that
    of one fixed scale instead, the squared error for the normal distribution and the absolute one for Laplace's.

    Args:
        likelihood: :class:`scripts.losses.GaussianNLLLoss` or another of its form.
        heatmap: :class:`scripts.losses.HeatmapCrossEntropyLoss`; not used for a head with no heatmap.
        heatmap_weight: factor of the heatmap's part.
        fixed_scale_steps: so many first steps have a fixed scale. How many were done is this module's state.
        fixed_scale: the scale then, normalised.

    Example:
        >>> from scripts.losses import GaussianNLLLoss, HeatmapCrossEntropyLoss
        >>> loss = MatchingLoss(GaussianNLLLoss(), HeatmapCrossEntropyLoss((2, 2)))
        >>> round(float(loss(torch.zeros(1, 4 + 4), torch.zeros(1, 2))), 3)  # ln(2 pi) + ln 4
        3.224
    """

    def __init__(
        self,
        likelihood: nn.Module,
        heatmap: nn.Module,
        heatmap_weight: float = 1.0,
        *,
        fixed_scale_steps: int = 0,
        fixed_scale: float = 0.1,
    ) -> None:
        super().__init__()
        self.likelihood = likelihood
        self.heatmap = heatmap
        self.heatmap_weight = heatmap_weight
        self.fixed_scale_steps = fixed_scale_steps
        self.fixed_scale = fixed_scale
        self.steps = 0

    def forward(self, prediction: torch.Tensor, target: torch.Tensor) -> torch.Tensor:
        """Loss of a batch.

        Args:
            prediction: (B, 2 * spatial_dims) from a head with no heatmap, or (B, 2 * spatial_dims + cells).
            target: (B, spatial_dims), normalised.
        """
        point = 2 * target.shape[1]
        mean, log_scale = prediction[:, :point].chunk(2, dim=1)
        if self.steps < self.fixed_scale_steps:
            # times 0, not left out: a parameter without a gradient stops training on several GPUs
            log_scale = 0.0 * log_scale + math.log(self.fixed_scale)
        self.steps += 1
        loss = self.likelihood(torch.cat([mean, log_scale], dim=1), target)
        if prediction.shape[1] > point:
            loss = loss + self.heatmap_weight * self.heatmap(prediction[:, point:], target)
        return loss

    def get_extra_state(self) -> dict[str, int]:
        """Steps that were done, which ``state_dict`` keeps."""
        return {"steps": self.steps}

    def set_extra_state(self, state: dict[str, int]) -> None:
        """Go on after so many steps."""
        self.steps = state["steps"]
