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

"""What the inference engine does with a batch of frames."""

from __future__ import annotations

from typing import Any

import torch
from monai.engines import PrepareBatch

from scripts.data.frame_dataset import FrameDataset
from scripts.transforms.scale_intensity import restore_intensity

__all__ = ["SeriesPrepareBatch"]


class SeriesPrepareBatch(PrepareBatch):
    """Move frames to the device and tell the inferer which series each is of.

    Args:
        dataset: where the frames come from.
        within_subject: let a series that has examples of its own be matched by these alone; otherwise all examples of
            a landmark serve every image.
    """

    def __init__(self, dataset: FrameDataset, *, within_subject: bool = False) -> None:
        self.dataset = dataset
        self.within_subject = within_subject

    def __call__(
        self,
        batchdata: dict[str, Any],
        device: str | torch.device | None = None,
        non_blocking: bool = False,
        **kwargs: Any,
    ) -> tuple[torch.Tensor, None, tuple, dict[str, Any]]:
        """Image, no target, no further positional inputs, the series if they matter."""
        images = restore_intensity(batchdata["image"].to(device=device, non_blocking=non_blocking))
        sources = [self.dataset.series[int(index)].source for index in batchdata["series"]]
        return images, None, (), {"sources": sources if self.within_subject else None}
