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

"""Distance between predicted and true points in px."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from ignite.exceptions import NotComputableError
from ignite.metrics import Metric
from ignite.metrics.metric import reinit__is_reduced, sync_all_reduce
from monai.utils import CommonKeys

from scripts.transforms.coordinates import normalized_scale_to_index

__all__ = ["MeanEuclideanError", "euclidean_error"]


def euclidean_error(prediction: torch.Tensor, target: torch.Tensor, shape: Sequence[int]) -> torch.Tensor:
    """Euclidean distance of each predicted mean from its target.

    Args:
        prediction: (B, ..., >= spatial_dims); the first spatial_dims columns are the means, normalised.
        target: (B, ..., spatial_dims), normalised.
        shape: spatial shape of the image, px.

    Returns:
        (B, ...), px; NaN where the target is.

    Example:
        >>> euclidean_error(torch.tensor([[0.06, 0.04, 0.0, 0.0]]), torch.zeros(1, 2), (100, 200))
        tensor([5.])
    """
    difference = prediction[..., : target.shape[-1]] - target
    return normalized_scale_to_index(difference, shape).norm(dim=-1)


class MeanEuclideanError(Metric):
    """Mean :func:`euclidean_error` over all samples that an engine sees, on all its processes.

    Targets that are NaN, landmarks that are not known, do not count.

    Args:
        shape: spatial shape of the image, px.
        device: where to accumulate.

    Example:
        >>> metric = MeanEuclideanError((100, 200))
        >>> metric.update((torch.tensor([[0.06, 0.04, 0.0, 0.0]]), torch.zeros(1, 2)))
        >>> round(metric.compute(), 3)
        5.0
    """

    def __init__(self, shape: Sequence[int], device: torch.device | str = "cpu") -> None:
        self.shape = shape
        super().__init__(_prediction_and_target, device=device)

    @reinit__is_reduced
    def reset(self) -> None:
        """Forget all samples."""
        self._sum = torch.zeros((), dtype=torch.float64, device=self._device)
        self._count = torch.zeros((), dtype=torch.int64, device=self._device)

    @reinit__is_reduced
    def update(self, output: tuple[torch.Tensor, torch.Tensor]) -> None:
        """Add the samples of a batch: predictions and targets, as :func:`euclidean_error` takes them."""
        known = ~output[1].isnan().any(dim=-1)
        errors = euclidean_error(output[0].detach(), output[1], self.shape)[known]
        self._sum += errors.double().sum().to(self._device)
        self._count += errors.numel()

    @sync_all_reduce("_sum", "_count")
    def compute(self) -> float:
        """The mean, px.

        Raises:
            NotComputableError: there was no sample.
        """
        if self._count == 0:
            raise NotComputableError("no sample was seen")
        return (self._sum / self._count).item()


def _prediction_and_target(output: dict[str, torch.Tensor]) -> tuple[torch.Tensor, torch.Tensor]:
    return output[CommonKeys.PRED], output[CommonKeys.LABEL]
