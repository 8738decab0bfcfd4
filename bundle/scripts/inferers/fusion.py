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

"""From the answers of several examples of a landmark to one."""

from __future__ import annotations

import torch

__all__ = ["Fusion", "InverseSigmaFusion", "MedianFusion", "PrecisionFusion"]


class Fusion:
    """Weighted mean of K answers an axis; a subclass says how sigma becomes a weight.

    The fused sigma is the standard deviation of the weighted mixture of the answers: their own uncertainty plus
    their disagreement. It does not shrink with K as that of independent answers would, because the answers of
    several examples on one image share what that image gets wrong. Where it is known how much they share, as from
    labelled images, ``shared`` tells: the rest then shrinks with K, and counts by how far the answers are apart if that
    is more.

    Args:
        shared: part of the variance of one answer that all examples share, from 0 to 1; None for the mixture.

    Raises:
        ValueError: the part is not from 0 to 1.
    """

    def __init__(self, shared: float | None = None) -> None:
        if shared is not None and not 0.0 <= shared <= 1.0:
            raise ValueError(f"shared is {shared}; give a part of the variance, from 0 to 1, or None")
        self.shared = shared

    def weights(self, sigmas: torch.Tensor) -> torch.Tensor:
        """Weights, up to a factor, of the shape of sigmas."""
        raise NotImplementedError

    def __call__(self, means: torch.Tensor, sigmas: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        """Fuse.

        Args:
            means: (K, ..., spatial_dims), any unit of length.
            sigmas: same shape and unit, above zero.

        Returns:
            Mean and sigma, (..., spatial_dims).

        Example:
            >>> mean, sigma = InverseSigmaFusion()(torch.tensor([[0.0], [3.0]]), torch.tensor([[1.0], [2.0]]))
            >>> float(mean)  # (0 / 1 + 3 / 2) / (1 / 1 + 1 / 2)
            1.0
        """
        weights = self.weights(sigmas)
        weights = weights / weights.sum(dim=0)
        mean = (weights * means).sum(dim=0)
        own = (weights * sigmas.square()).sum(dim=0)
        apart = (weights * (means - mean).square()).sum(dim=0)
        return mean, self._variance(weights, own, apart).sqrt()

    def _variance(self, weights: torch.Tensor, own: torch.Tensor, apart: torch.Tensor) -> torch.Tensor:
        """Of the fused answer, from the mean variance of the answers and their variance about it."""
        if self.shared is None:
            return own + apart
        count = 1.0 / weights.square().sum(dim=0)  # so many equal weights would tell as much
        spread = apart * count / (count - 1.0).clamp_min(1e-6)
        return self.shared * own + torch.maximum((1.0 - self.shared) * own, spread) / count


class InverseSigmaFusion(Fusion):
    """Weights 1 / sigma: Frueh et al. 2022, eq. 3."""

    def weights(self, sigmas: torch.Tensor) -> torch.Tensor:
        """1 / sigma."""
        return 1.0 / sigmas


class PrecisionFusion(Fusion):
    """Weights 1 / sigma^2, the best ones where sigmas are calibrated and errors independent."""

    def weights(self, sigmas: torch.Tensor) -> torch.Tensor:
        """1 / sigma^2."""
        return sigmas.square().reciprocal()


class MedianFusion(Fusion):
    """Median of the means an axis, which a minority of wrong answers does not move; sigma of equal weights."""

    def weights(self, sigmas: torch.Tensor) -> torch.Tensor:
        """Equal weights."""
        return torch.ones_like(sigmas)

    def __call__(self, means: torch.Tensor, sigmas: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        """Fuse, see :class:`Fusion`."""
        return means.quantile(0.5, dim=0), super().__call__(means, sigmas)[1]
