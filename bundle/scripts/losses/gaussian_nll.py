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

"""Gaussian negative log-likelihood of a point."""

from __future__ import annotations

import math

import torch
from torch import nn

__all__ = ["GaussianNLLLoss", "gaussian_nll"]


def gaussian_nll(prediction: torch.Tensor, target: torch.Tensor) -> torch.Tensor:
    """Negative log-likelihood of each target under a normal distribution, an axis each.

    Args:
        prediction: (B, 2 * spatial_dims), means and logs of the standard deviations, normalised.
        target: (B, spatial_dims), normalised.

    Returns:
        (B, spatial_dims), natural log.
    """
    mean, log_scale = prediction.chunk(2, dim=1)
    residual = (target - mean) * torch.exp(-log_scale)
    return 0.5 * residual.square() + log_scale + 0.5 * math.log(2.0 * math.pi)


class GaussianNLLLoss(nn.Module):
    """Negative log-likelihood of the target under an independent normal distribution an axis.

    Equation 2 of Frueh et al. 2022 lacks the 1/2 of the exponent, so its sigma is sqrt(2) too large as a standard
    deviation. This is the true likelihood: sigma is a standard deviation. The relative weights of eq. 3 stay.

    Example:
        >>> prediction = torch.tensor([[0.0, 0.0, 0.0, 0.0]])  # mean x, mean y, log sigma x, log sigma y
        >>> float(GaussianNLLLoss()(prediction, torch.zeros(1, 2)))  # ln(2 pi)
        1.8378770351409912
    """

    def forward(self, prediction: torch.Tensor, target: torch.Tensor) -> torch.Tensor:
        """Sum over the axes, mean over the batch, natural log.

        Args:
            prediction: (B, 2 * spatial_dims), means and logs of the standard deviations, normalised.
            target: (B, spatial_dims), normalised.
        """
        return gaussian_nll(prediction, target).sum(dim=1).mean()
