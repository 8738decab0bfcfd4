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

"""An encoder of patches that sees the middle sharply and its surroundings coarsely."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import nn

from scripts.networks.parts import Encoder

__all__ = ["FovealEncoder"]


class FovealEncoder(nn.Module):
    """Give an encoder two views of a patch as its channels: the middle as it is, and the whole, made as small.

    A small patch tells exactly where its centre is, and of which of several lookalikes it may be little; a large one
    tells the part of the body, but costs by its area. The two views of a patch of 96 px with a zoom of 2 cost as much
    as a patch of 48 px.

    Args:
        encoder: an encoder, see :class:`scripts.networks.parts.Encoder`, of twice as many channels as the patches have.
        zoom: how many times larger than the middle the patch is, along each axis.

    Attributes:
        min_size: of the patches, px.

    Example:
        >>> from scripts.networks import ResidualEncoder
        >>> encoder = FovealEncoder(ResidualEncoder(in_channels=2, channels=(8, 16)), zoom=2)
        >>> [tuple(stage.shape[1:]) for stage in encoder(torch.rand(5, 1, 96, 96))]
        [(8, 24, 24), (16, 12, 12)]
    """

    def __init__(self, encoder: Encoder, zoom: int = 2) -> None:
        super().__init__()
        self.encoder = encoder
        self.zoom = zoom
        self.channels = encoder.channels
        self.strides = encoder.strides
        self.min_size = zoom * getattr(encoder, "min_size", 1)

    def forward(self, patch: torch.Tensor) -> list[torch.Tensor]:
        """Feature maps of patches ``(B, C, *spatial)``: those of the encoder for ``(B, 2 * C, *spatial / zoom)``.

        The sides of the patches are a multiple of the zoom.
        """
        middle = patch
        for axis in range(2, patch.ndim):
            side = patch.shape[axis] // self.zoom
            middle = middle.narrow(axis, (patch.shape[axis] - side) // 2, side)
        whole = F.avg_pool3d(patch, self.zoom) if patch.ndim == 5 else F.avg_pool2d(patch, self.zoom)
        return self.encoder(torch.cat([middle, whole], dim=1))
