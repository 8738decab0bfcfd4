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

"""Laplace negative log-likelihood of a point."""

from __future__ import annotations

import math

import torch
from torch import nn

__all__ = ["LaplaceNLLLoss"]


class LaplaceNLLLoss(nn.Module):
    """Negative log-likelihood of the target under an independent Laplace distribution an axis.

    The l1 counterpart of the Gaussian (Frueh et al. 2022, III-E4), less moved by outliers. The scale is the
    distribution's own, b; its standard deviation is sqrt(2) b.

    Example:
        >>> prediction = torch.tensor([[0.0, 0.0, 0.0, 0.0]])  # mean x, mean y, log b x, log b y
        >>> float(LaplaceNLLLoss()(prediction, torch.zeros(1, 2)))  # 2 ln 2
        1.3862943649291992
    """

    def forward(self, prediction: torch.Tensor, target: torch.Tensor) -> torch.Tensor:
        """Sum over the axes, mean over the batch, natural log.

        Args:
            prediction: (B, 2 * spatial_dims), means and logs of the scales b, normalised.
            target: (B, spatial_dims), normalised.
        """
        mean, log_scale = prediction.chunk(2, dim=1)
        residual = (target - mean).abs() * torch.exp(-log_scale)
        return (residual + log_scale + math.log(2.0)).sum(dim=1).mean()
