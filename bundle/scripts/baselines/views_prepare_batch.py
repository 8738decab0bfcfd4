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

"""What contrastive training does with a batch of images."""

from __future__ import annotations

from typing import Any

import torch

from scripts.baselines.rand_views import RandViews
from scripts.engines.seeded_prepare_batch import SeededPrepareBatch
from scripts.transforms.scale_intensity import restore_intensity

__all__ = ["ViewsPrepareBatch"]


class ViewsPrepareBatch(SeededPrepareBatch):
    """Move images to the device, and there make their views.

    Args:
        augment: the random views.
        seed: seed of the draws.
        validation: draw the same views of an image each time.

    Example:
        >>> views, target, _, _ = ViewsPrepareBatch(RandViews(16))({"image": torch.rand(3, 1, 32, 24)})
        >>> tuple(views.shape), target
        ((6, 1, 16, 16), None)
    """

    def __init__(self, augment: RandViews, *, seed: int = 0, validation: bool = False) -> None:
        super().__init__(seed=seed, validation=validation)
        self.augment = augment

    def __call__(
        self,
        batchdata: dict[str, Any],
        device: str | torch.device | None = None,
        non_blocking: bool = False,
        **kwargs: Any,
    ) -> tuple[torch.Tensor, None, tuple, dict[str, Any]]:
        """First and second views, see :class:`scripts.baselines.RandViews`, no target and no further inputs."""
        images = restore_intensity(batchdata["image"].to(device=device, non_blocking=non_blocking))
        return self.augment(images, self.draw_seeds(batchdata)), None, (), {}
