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

"""How many cells a network's heatmap has."""

from __future__ import annotations

from collections.abc import Sequence

import torch

from scripts.networks.template_matching_network import TemplateMatchingNetwork

__all__ = ["heatmap_size"]


def heatmap_size(network: TemplateMatchingNetwork, image_size: Sequence[int]) -> list[int]:
    """Cells an axis, which depend on how the encoder rounds sizes that do not divide; empty if there is no heatmap.

    Args:
        network: the network, of images with one channel; it is left in the mode it was in.
        image_size: spatial shape of its images, px.

    Example:
        >>> from scripts.networks import CorrelationHead, ResidualEncoder
        >>> encoders = ResidualEncoder(), ResidualEncoder()
        >>> heatmap_size(TemplateMatchingNetwork(*encoders, CorrelationHead(*encoders)), (64, 50))
        [16, 13]
    """
    device = next(network.parameters()).device
    was_training = network.training
    try:
        with torch.no_grad():
            code = network.eval().encode_image(torch.zeros(1, 1, *image_size, device=device))
    finally:
        network.train(was_training)
    return list(code.shape[2:])
