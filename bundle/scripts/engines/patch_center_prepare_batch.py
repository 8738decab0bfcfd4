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

import ignite.distributed as idist
import numpy as np
import torch
from monai.engines import PrepareBatch

from scripts.transforms.rand_patch_center import RandPatchCenter
from scripts.transforms.scale_intensity import restore_intensity

__all__ = ["PatchCenterPrepareBatch"]


class PatchCenterPrepareBatch(PrepareBatch):
    """Move images to the device, and there warp them and cut their patches, a whole batch at a time.

    In training each batch is warped anew; what is drawn follows from the seed, the number of the batch and the place in
    it, so it is the same after a restart (the number of the batch is this object's state) and for any number of
    processes that share the batch. In validation it follows from the seed and the image's ``index``, so that
    validations can be compared, whatever the batch size.

    Args:
        augment: the random warp and patch.
        seed: seed of the draws.
        validation: draw the same warp for an image each time, and do not ask the network for its heatmap, which only
            the loss needs.

    Attributes:
        last_patch: (B * K, C, patch_size, patch_size), the patches of the last batch, for pictures of it.

    Example:
        >>> prepare = PatchCenterPrepareBatch(RandPatchCenter(patch_size=16))
        >>> image, center, _, inputs = prepare({"image": torch.rand(2, 1, 64, 64)})
        >>> tuple(image.shape), tuple(center.shape), tuple(inputs["patch"].shape)
        ((2, 1, 64, 64), (2, 2), (2, 1, 16, 16))
    """

    def __init__(self, augment: RandPatchCenter, *, seed: int = 0, validation: bool = False) -> None:
        self.augment = augment
        self.seed = seed
        self.validation = validation
        self.batches = 0
        self.last_patch: torch.Tensor | None = None

    def __call__(
        self,
        batchdata: dict[str, Any],
        device: str | torch.device | None = None,
        non_blocking: bool = False,
        **kwargs: Any,
    ) -> tuple[torch.Tensor, torch.Tensor, tuple, dict[str, Any]]:
        """Image, target (the patch's centre, normalised), no further positional inputs, further inputs by name."""
        images = restore_intensity(batchdata["image"].to(device=device, non_blocking=non_blocking))
        seeds = self._validation_seeds(batchdata["index"]) if self.validation else self._training_seeds(len(images))
        image, self.last_patch, center = self.augment(images, seeds)
        return image, center, (), {"patch": self.last_patch, "heatmap": not self.validation}

    def state_dict(self) -> dict[str, int]:
        """How many batches were made, for a checkpoint."""
        return {"batches": self.batches}

    def load_state_dict(self, state: dict[str, int]) -> None:
        """Go on after so many batches."""
        self.batches = state["batches"]

    def _training_seeds(self, images: int) -> np.ndarray:
        world_size = idist.get_world_size()
        drawn = np.random.default_rng([self.seed, self.batches]).integers(2**62, size=images * world_size)
        self.batches += 1
        return drawn[idist.get_rank() :: world_size]

    def _validation_seeds(self, indices: torch.Tensor) -> list[int]:
        return [int(np.random.default_rng([self.seed, int(index)]).integers(2**62)) for index in indices]
