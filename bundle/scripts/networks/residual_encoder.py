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

"""The default encoder: a small residual network built of MONAI's blocks."""

from __future__ import annotations

import itertools
from collections.abc import Sequence

import torch
from monai.networks.blocks import Convolution, ResidualUnit
from torch import nn

__all__ = ["ResidualEncoder"]


class ResidualEncoder(nn.Module):
    """A convolutional stem and residual stages, each at half the resolution of the one before.

    Args:
        spatial_dims: number of spatial axes.
        in_channels: channels of the image.
        channels: channels of each stage; the first is the stem's.
        norm: normalisation layer, as MONAI names it.

    Example:
        >>> stages = ResidualEncoder(channels=(8, 16, 32))(torch.rand(1, 1, 32, 32))
        >>> [tuple(stage.shape[1:]) for stage in stages]
        [(8, 16, 16), (16, 8, 8), (32, 4, 4)]
    """

    def __init__(
        self,
        spatial_dims: int = 2,
        in_channels: int = 1,
        channels: Sequence[int] = (16, 32, 64, 128),
        norm: str = "batch",
    ) -> None:
        super().__init__()
        self.channels = list(channels)
        self.strides = [2 ** (i + 1) for i in range(len(channels))]
        stem = Convolution(spatial_dims, in_channels, channels[0], strides=2, kernel_size=5, act="relu", norm=norm)
        units = [
            ResidualUnit(spatial_dims, fine, coarse, strides=2, subunits=2, act="relu", norm=norm)
            for fine, coarse in itertools.pairwise(channels)
        ]
        self.stages = nn.ModuleList([stem, *units])

    def forward(self, image: torch.Tensor) -> list[torch.Tensor]:
        """Feature maps of ``(B, C, *spatial)``, finest first: ``(B, channels[i], *spatial / strides[i])``."""
        features: list[torch.Tensor] = []
        for stage in self.stages:
            image = stage(image)
            features.append(image)
        return features
