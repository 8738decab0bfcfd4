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

"""What the trainer and the validator do with a batch of images: make the self-supervised task of it."""

from __future__ import annotations

from typing import Any

import torch
from monai.engines import PrepareBatch

from scripts.transforms.rand_patch_center import RandPatchCenter

__all__ = ["PatchCenterPrepareBatch"]


class PatchCenterPrepareBatch(PrepareBatch):
    """Move images to the device, and there warp them and cut their patches, a whole batch at a time.

    Args:
        augment: the random warp and patch.
        seed: draw the same warps for each batch, so that validations can be compared; None draws on.
        heatmap: ask the network for its heatmap, which the loss needs.

    Example:
        >>> prepare = PatchCenterPrepareBatch(RandPatchCenter(patch_size=16))
        >>> image, center, _, inputs = prepare({"image": torch.rand(2, 1, 64, 64)})
        >>> tuple(image.shape), tuple(center.shape), tuple(inputs["patch"].shape)
        ((2, 1, 64, 64), (2, 2), (2, 1, 16, 16))
    """

    def __init__(self, augment: RandPatchCenter, *, seed: int | None = None, heatmap: bool = True) -> None:
        self.augment = augment
        self.seed = seed
        self.heatmap = heatmap

    def __call__(
        self,
        batchdata: dict[str, Any],
        device: str | torch.device | None = None,
        non_blocking: bool = False,
        **kwargs: Any,
    ) -> tuple[torch.Tensor, torch.Tensor, tuple, dict[str, Any]]:
        """Image, target (the patch's centre, normalised), no further positional inputs, further inputs by name."""
        if self.seed is not None:
            self.augment.set_random_state(self.seed)
        images = batchdata["image"].to(device=device, non_blocking=non_blocking)
        image, patch, center = self.augment(images)
        return image, center, (), {"patch": patch, "heatmap": self.heatmap}
