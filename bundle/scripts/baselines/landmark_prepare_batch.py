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

"""What supervised training does with a batch of labelled images."""

from __future__ import annotations

from typing import Any

import torch

from scripts.engines.seeded_prepare_batch import SeededPrepareBatch
from scripts.transforms.coordinates import index_to_normalized
from scripts.transforms.rand_image_warp import RandImageWarp
from scripts.transforms.scale_intensity import restore_intensity

__all__ = ["LandmarkPrepareBatch"]


class LandmarkPrepareBatch(SeededPrepareBatch):
    """Move images and landmarks to the device, and there warp them together.

    Args:
        augment: the random warp; None, for validation, leaves the images as they are.
        seed: seed of the draws.

    Example:
        >>> batch = {"image": torch.rand(2, 1, 32, 24), "landmarks": torch.full((2, 5, 2), 12.0)}
        >>> image, target, _, _ = LandmarkPrepareBatch(RandImageWarp())(batch)
        >>> tuple(image.shape), tuple(target.shape)
        ((2, 1, 32, 24), (2, 5, 2))
    """

    def __init__(self, augment: RandImageWarp | None = None, *, seed: int = 0) -> None:
        super().__init__(seed=seed)
        self.augment = augment

    def __call__(
        self,
        batchdata: dict[str, Any],
        device: str | torch.device | None = None,
        non_blocking: bool = False,
        **kwargs: Any,
    ) -> tuple[torch.Tensor, torch.Tensor, tuple, dict[str, Any]]:
        """Image (B, C, X, Y), target (B, L, 2), normalised and NaN where not known, and no further inputs."""
        image = restore_intensity(batchdata["image"].to(device=device, non_blocking=non_blocking))
        points = batchdata["landmarks"].to(device=device, non_blocking=non_blocking)
        if self.augment is not None:
            image, points = self.augment(image, points, self.draw_seeds(batchdata))
        return image, index_to_normalized(points, image.shape[2:]), (), {}
