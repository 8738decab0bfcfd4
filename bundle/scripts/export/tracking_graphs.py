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

"""The network in two parts, as tracking runs them: an example once, then frame after frame."""

from __future__ import annotations

import torch
from torch import nn

from scripts.networks.template_matching_network import TemplateMatchingNetwork

__all__ = ["EncodeExample", "TrackFrame"]


class EncodeExample(nn.Module):
    """From the patch around an example's point to its code.

    Args:
        network: the network, in evaluation mode.

    Example:
        >>> from scripts.networks import CorrelationHead, ResidualEncoder
        >>> encoders = ResidualEncoder(), ResidualEncoder()
        >>> network = TemplateMatchingNetwork(*encoders, CorrelationHead(*encoders)).eval()
        >>> tuple(EncodeExample(network)(torch.rand(5, 1, 32, 32)).shape)
        (5, 64)
    """

    def __init__(self, network: TemplateMatchingNetwork) -> None:
        super().__init__()
        self.network = network

    def forward(self, patch: torch.Tensor) -> torch.Tensor:
        """Codes of patches ``(N, C, *patch_spatial)``: (N, code)."""
        return self.network.encode_patch(patch)


class TrackFrame(nn.Module):
    """From a frame and the codes of all examples to where each example lies in it.

    Args:
        network: the network, in evaluation mode.

    Example:
        >>> from scripts.networks import CorrelationHead, ResidualEncoder
        >>> encoders = ResidualEncoder(), ResidualEncoder()
        >>> network = TemplateMatchingNetwork(*encoders, CorrelationHead(*encoders)).eval()
        >>> codes = EncodeExample(network)(torch.rand(5, 1, 32, 32))
        >>> tuple(TrackFrame(network)(torch.rand(1, 1, 64, 64), codes).shape)
        (5, 4)
    """

    def __init__(self, network: TemplateMatchingNetwork) -> None:
        super().__init__()
        self.network = network

    def forward(self, image: torch.Tensor, codes: torch.Tensor) -> torch.Tensor:
        """Match.

        Args:
            image: ``(1, C, *spatial)``.
            codes: (N, code), see :class:`EncodeExample`.

        Returns:
            (N, 2 * spatial_dims): means, then natural logs of the scales, normalised.
        """
        return self.network.match(self.network.encode_image(image), codes)
