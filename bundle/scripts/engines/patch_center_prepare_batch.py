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

from collections.abc import Callable
from typing import Any

import torch

from scripts.engines.seeded_prepare_batch import SeededPrepareBatch
from scripts.transforms.counterparts import Counterparts
from scripts.transforms.rand_patch_center import RandPatchCenter
from scripts.transforms.scale_intensity import restore_intensity

__all__ = ["PatchCenterPrepareBatch"]


class PatchCenterPrepareBatch(SeededPrepareBatch):
    """Move images to the device, and there warp them and cut their patches, a whole batch at a time.

    In training each batch is warped anew, in validation an image always alike, see :class:`SeededPrepareBatch`.

    Args:
        augment: the random warp and patch.
        seed: seed of the draws.
        validation: draw the same warp for an image each time, and do not ask the network for its heatmap, which only
            the loss needs.
        correspondence: finds counterparts of a batch of images in other images, to cut patches from these, see
            :class:`scripts.engines.FlowCorrespondence`; None cuts all patches from the images themselves.

    Attributes:
        last_patch: (B * K, C, patch_size, patch_size), the patches of the last batch, for pictures of it; None before
            the first.

    Example:
        >>> prepare = PatchCenterPrepareBatch(RandPatchCenter(patch_size=16))
        >>> image, center, _, inputs = prepare({"image": torch.rand(2, 1, 64, 64)})
        >>> tuple(image.shape), tuple(center.shape), tuple(inputs["patch"].shape)
        ((2, 1, 64, 64), (2, 2), (2, 1, 16, 16))
    """

    def __init__(
        self,
        augment: RandPatchCenter,
        *,
        seed: int = 0,
        validation: bool = False,
        correspondence: Callable[[torch.Tensor], Counterparts] | None = None,
    ) -> None:
        super().__init__(seed=seed, validation=validation)
        self.augment = augment
        self.correspondence = correspondence
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
        counterparts = self.correspondence(images) if self.correspondence else None
        image, self.last_patch, center = self.augment(images, self.draw_seeds(batchdata), counterparts)
        return image, center, (), {"patch": self.last_patch, "heatmap": not self.validation}
