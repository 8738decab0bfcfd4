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

"""The paper's head: a multi-layer perceptron on both codes."""

from __future__ import annotations

import torch
from monai.networks.layers.factories import Pool
from torch import nn

from scripts.networks.parts import Encoder

__all__ = ["RegressionHead"]


class Float32Linear(nn.Linear):
    """A linear layer, for few outputs, that autocast leaves in float32.

    In bfloat16 a position in an image of 224 px would be rounded to 0.4 px.
    """

    def forward(self, features: torch.Tensor) -> torch.Tensor:
        """(..., in_features) of any precision to (..., out_features), float32."""
        # a product and a sum: autocast would lower torch's own linear function
        outputs = (features.float().unsqueeze(-2) * self.weight).sum(dim=-1)
        return outputs if self.bias is None else outputs + self.bias


class RegressionHead(nn.Module):
    """Fully connected layers from both codes to the means and log scales (Frueh et al. 2022, II-B and III-E3).

    The paper stacks the two feature vectors. The first layer is linear, so it is applied to each code apart and
    the results are summed: the same function, but a code that is used again costs the first layer only once.

    Args:
        image_encoder: the network's image encoder; only its ``channels`` are read.
        patch_encoder: the network's patch encoder; only its ``channels`` are read.
        spatial_dims: number of spatial axes.
        layers: number of fully connected layers, 1 to 4.
        hidden_channels: width of the hidden layers (paper: 4096).
        dropout: probability between the layers.
        pool_size: the last stage of each encoder is pooled to this many cells an axis (VGG16's own is 7).

    Raises:
        ValueError: ``layers`` is not 1 to 4.

    Example:
        >>> from scripts.networks import ResidualEncoder
        >>> encoder = ResidualEncoder()
        >>> head = RegressionHead(encoder, encoder, hidden_channels=64)
        >>> image_code = head.encode_image(encoder(torch.rand(1, 1, 64, 48)))
        >>> patch_code = head.encode_patch(encoder(torch.rand(5, 1, 32, 32)))
        >>> tuple(head.match(image_code, patch_code).shape)
        (5, 4)
    """

    def __init__(
        self,
        image_encoder: Encoder,
        patch_encoder: Encoder,
        spatial_dims: int = 2,
        *,
        layers: int = 3,
        hidden_channels: int = 512,
        dropout: float = 0.1,
        pool_size: int = 4,
    ) -> None:
        super().__init__()
        if not 1 <= layers <= 4:
            raise ValueError(f"RegressionHead has 1 to 4 layers, not {layers}")
        outputs = 2 * spatial_dims
        first = hidden_channels if layers > 1 else outputs
        cells = pool_size**spatial_dims
        self.pool = Pool[Pool.ADAPTIVEAVG, spatial_dims](pool_size)
        # the last layer, which is the first if there is one only, gives positions
        first_layer = nn.Linear if layers > 1 else Float32Linear
        self.image_layer = first_layer(image_encoder.channels[-1] * cells, first)
        # one bias for the sum of both
        self.patch_layer = first_layer(patch_encoder.channels[-1] * cells, first, bias=False)
        hidden: list[nn.Module] = []
        for _ in range(layers - 2):
            hidden += [nn.ReLU(), nn.Dropout(dropout), nn.Linear(hidden_channels, hidden_channels)]
        if layers > 1:
            hidden += [nn.ReLU(), nn.Dropout(dropout)]
        self.hidden_layers = nn.Sequential(*hidden)
        self.output_layer = Float32Linear(hidden_channels, outputs) if layers > 1 else nn.Identity()

    def encode_image(self, stages: list[torch.Tensor]) -> torch.Tensor:
        """First layer's share of the image, (B, hidden_channels); of the only layer (B, 2 * spatial_dims)."""
        return self.image_layer(self.pool(stages[-1]).flatten(1))

    def encode_patch(self, stages: list[torch.Tensor]) -> torch.Tensor:
        """First layer's share of the patches, (N, hidden_channels); of the only layer (N, 2 * spatial_dims)."""
        return self.patch_layer(self.pool(stages[-1]).flatten(1))

    def heatmap(self, image_code: torch.Tensor, patch_code: torch.Tensor) -> torch.Tensor:
        """This head has no heatmap: (N, 0)."""
        return patch_code[:, :0]

    def match(self, image_code: torch.Tensor, patch_code: torch.Tensor) -> torch.Tensor:
        """Means and log scales of the patches' places, (N, 2 * spatial_dims), normalised."""
        first = image_code.unsqueeze(1) + patch_code.reshape(image_code.shape[0], -1, patch_code.shape[1])
        hidden = self.hidden_layers(first.flatten(0, 1))
        mean, log_scale = self.output_layer(hidden).chunk(2, dim=1)
        # from a hundredth of a pixel to several images: beyond that one bad step makes the likelihood overflow
        return torch.cat([mean, log_scale.clamp(-9.0, 2.0)], dim=1)
