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

"""Features that two views of an image share, and no two images do."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import nn

from scripts.networks.parts import Encoder

__all__ = ["SimCLRNetwork"]


class SimCLRNetwork(nn.Module):
    """An encoder, its features averaged over the image, and a projection of two layers: SimCLR (arXiv 2002.05709).

    Frueh et al. 2022, sections III-D2 and III-D3, have a ResNet-50 and 1024 features. Trained with
    ``monai.losses.ContrastiveLoss`` on the two views of :class:`scripts.baselines.RandViews`.

    Args:
        encoder: an encoder of :func:`scripts.networks.build_encoder`; its coarsest stage is used.
        features: number of features F.

    Example:
        >>> from scripts.networks import build_encoder
        >>> network = SimCLRNetwork(build_encoder("resnet18")).eval()
        >>> features = network(torch.rand(2, 1, 32, 32))
        >>> tuple(features.shape), features.norm(dim=1).round(decimals=4).tolist()
        ((2, 1024), [1.0, 1.0])
    """

    def __init__(self, encoder: Encoder, features: int = 1024) -> None:
        super().__init__()
        channels = encoder.channels[-1]
        self.encoder = encoder
        self.projection = nn.Sequential(nn.Linear(channels, channels), nn.ReLU(), nn.Linear(channels, features))

    def forward(self, image: torch.Tensor) -> torch.Tensor:
        """Features (B, F) of images or patches (B, C, X, Y), of Euclidean norm 1."""
        pooled = self.encoder(image)[-1].mean(dim=(-2, -1))
        return F.normalize(self.projection(pooled), dim=1)
