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

"""Gaussian negative log-likelihood whose gradient does not fade where sigma is large."""

from __future__ import annotations

import torch
from torch import nn

from scripts.losses.gaussian_nll import gaussian_nll

__all__ = ["BetaNLLLoss"]


class BetaNLLLoss(nn.Module):
    """Gaussian NLL, each axis weighted by sigma ** (2 beta) (Seitzer et al. 2022, arXiv 2203.09168, eq. 5).

    The gradient of the plain likelihood with respect to the mean is divided by the variance: a network that has learned
    a large sigma for hard samples stops learning them. The weight, which itself gets no gradient, takes that back:
    with beta 0 this is :class:`scripts.losses.GaussianNLLLoss`, with beta 1 the mean learns as by the squared error.
    The value is no likelihood and cannot be compared between values of beta.

    Args:
        beta: 0 to 1; the authors recommend 0.5.

    Raises:
        ValueError: beta is not in [0, 1].

    Example:
        >>> prediction = torch.tensor([[0.0, 0.0, 0.0, 0.0]])  # mean x, mean y, log sigma x, log sigma y
        >>> float(BetaNLLLoss()(prediction, torch.zeros(1, 2)))  # sigma is 1: ln(2 pi)
        1.8378770351409912
    """

    def __init__(self, beta: float = 0.5) -> None:
        super().__init__()
        if not 0.0 <= beta <= 1.0:
            raise ValueError(f"beta must be 0 to 1, not {beta}")
        self.beta = beta

    def forward(self, prediction: torch.Tensor, target: torch.Tensor) -> torch.Tensor:
        """Sum over the axes, mean over the batch, natural log.

        Args:
            prediction: (B, 2 * spatial_dims), means and logs of the standard deviations, normalised.
            target: (B, spatial_dims), normalised.
        """
        log_scale = prediction.detach().chunk(2, dim=1)[1]
        weight = (2.0 * self.beta * log_scale).exp()
        return (weight * gaussian_nll(prediction, target)).sum(dim=1).mean()
