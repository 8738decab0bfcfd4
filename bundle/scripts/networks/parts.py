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

"""What a network is made of: encoders and a head."""

from __future__ import annotations

from typing import Protocol, runtime_checkable

import torch

__all__ = ["Encoder", "Head"]


@runtime_checkable
class Encoder(Protocol):
    """A module that returns the feature maps of its stages, finest first, and tells their channels and strides.

    One that takes no image or patch below a size tells this as ``min_size``, px.
    """

    channels: list[int]
    strides: list[int]

    def __call__(self, image: torch.Tensor) -> list[torch.Tensor]:
        """Feature maps of ``(B, C, *spatial)``: ``(B, channels[i], *spatial / strides[i])``."""


@runtime_checkable
class Head(Protocol):
    """A module that makes codes of an encoder's stages, and finds the place of a patch's code in an image's."""

    def encode_image(self, stages: list[torch.Tensor]) -> torch.Tensor:
        """Code of images, (B, ...)."""

    def encode_patch(self, stages: list[torch.Tensor]) -> torch.Tensor:
        """Code of patches, (N, F)."""

    def heatmap(self, image_code: torch.Tensor, patch_code: torch.Tensor) -> torch.Tensor:
        """Logits of the patches' places, ``(N, *cells)``; (N, 0) for a head that has no heatmap."""

    def match(self, image_code: torch.Tensor, patch_code: torch.Tensor) -> torch.Tensor:
        """Means and log scales of the patches' places, (N, 2 * spatial_dims), normalised."""
