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

"""What supervised regression of landmarks is trained with."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import nn

__all__ = ["LandmarkLoss"]


class LandmarkLoss(nn.Module):
    """Smooth L1 (Huber) loss of the coordinates of all landmarks that are known.

    The paper does not tell its loss. This one grows with the distance itself, which is what is judged, so that a single
    wrong mark among a few labelled images does not outweigh all others as its square would; near its target it is
    quadratic, so that a constant learning rate comes to rest.

    Args:
        delta: error up to which it is quadratic, normalised; 0.02 are 2.2 px of 224.

    Example:
        >>> target = torch.tensor([[[0.0, 0.0], [torch.nan, torch.nan]]])
        >>> round(LandmarkLoss()(torch.full((1, 2, 2), 0.51), target).item(), 3)
        0.5
    """

    def __init__(self, delta: float = 0.02) -> None:
        super().__init__()
        self.delta = delta

    def forward(self, prediction: torch.Tensor, target: torch.Tensor) -> torch.Tensor:
        """Mean over the coordinates that are known, 0 where none is.

        Args:
            prediction: (B, L, 2), normalised.
            target: (B, L, 2), normalised; NaN where a landmark is not known.
        """
        known = ~target.isnan()
        # a NaN must not reach the loss at all: its gradient would be NaN even where it is multiplied by 0
        target = target.where(known, prediction.detach())
        loss = F.smooth_l1_loss(prediction, target, beta=self.delta, reduction="sum")
        return loss / known.sum().clamp_min(1)
