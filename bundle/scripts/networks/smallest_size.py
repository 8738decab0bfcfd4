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

"""The smallest image that an encoder takes."""

from __future__ import annotations

import torch

__all__ = ["require_size"]


def require_size(image: torch.Tensor, min_size: int) -> None:
    """Refuse an image that an encoder's coarsest stage would shrink to nothing; it scripts.

    Args:
        image: ``(B, C, *spatial)``.
        min_size: shortest spatial axis that the encoder takes, px.

    Raises:
        ValueError: an axis is shorter.

    Example:
        >>> require_size(torch.rand(1, 1, 32, 48), 32)
    """
    for size in image.shape[2:]:
        if size < min_size:
            raise ValueError(
                f"this encoder takes images and patches of {min_size} px and more an axis, not {size}: "
                "raise the patch size, or take another encoder (residual, resnet18)"
            )
