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

"""MONAI's classification networks as encoders: their stages, and no classifier."""

from __future__ import annotations

import torch
from monai.networks.nets import DenseNet, EfficientNetBNFeatures, ResNet
from torch import nn

from scripts.networks.smallest_size import require_size

__all__ = ["DenseNetEncoder", "EfficientNetEncoder", "ResNetEncoder"]


class ResNetEncoder(ResNet):
    """ResNet of MONAI with the layers of torchvision's, so that its weights fit (He et al., arXiv 1512.03385).

    MONAI's ``resnet18()`` to ``resnet50()`` keep stride 1 in the first layer, four times the work, and its
    ``ResNetFeatures`` gives 18 and 34 shortcuts without weights; neither takes torchvision's weights.

    Args:
        layers: depth, 18, 34 or 50.
        spatial_dims: number of spatial axes.
        in_channels: channels of the image.

    Raises:
        KeyError: there is no such depth.

    Example:
        >>> stages = ResNetEncoder(18)(torch.rand(2, 1, 48, 44))
        >>> [tuple(stage.shape[1:]) for stage in stages]
        [(64, 24, 22), (64, 12, 11), (128, 6, 6), (256, 3, 3), (512, 2, 2)]
    """

    def __init__(self, layers: int = 18, spatial_dims: int = 2, in_channels: int = 1) -> None:
        block, blocks, expansion = {
            18: ("basic", [2, 2, 2, 2], 1),
            34: ("basic", [3, 4, 6, 3], 1),
            50: ("bottleneck", [3, 4, 6, 3], 4),
        }[layers]
        widths = [64, 128, 256, 512]
        super().__init__(
            block,
            blocks,
            widths,
            spatial_dims,
            in_channels,
            conv1_t_stride=2,
            shortcut_type="B",
            bias_downsample=False,
            feed_forward=False,
        )
        self.channels = [64] + [width * expansion for width in widths]
        self.strides = [2, 4, 8, 16, 32]

    # stages where MONAI's gives scores; TorchScript takes no other words behind the ignore than the ignore itself
    def forward(self, image: torch.Tensor) -> list[torch.Tensor]:  # type: ignore[override]
        """Feature maps of ``(B, C, *spatial)``, finest first: (B, channels[i], *ceil(spatial / strides[i]))."""
        features = [self.act(self.bn1(self.conv1(image)))]
        features.append(self.layer1(self.maxpool(features[-1])))
        features.append(self.layer2(features[-1]))
        features.append(self.layer3(features[-1]))
        features.append(self.layer4(features[-1]))
        return features


class DenseNetEncoder(DenseNet):
    """DenseNet-121 of MONAI (Huang et al., arXiv 1608.06993): the stem, and the four dense blocks.

    Args:
        spatial_dims: number of spatial axes.
        in_channels: channels of the image.

    Example:
        >>> stages = DenseNetEncoder()(torch.rand(2, 1, 48, 44))
        >>> [tuple(stage.shape[1:]) for stage in stages]
        [(64, 24, 22), (256, 12, 11), (512, 6, 5), (1024, 3, 2), (1024, 1, 1)]
    """

    def __init__(self, spatial_dims: int = 2, in_channels: int = 1) -> None:
        super().__init__(spatial_dims, in_channels, out_channels=1)
        del self.class_layers
        self.features.add_module("relu5", nn.ReLU(inplace=True))  # was part of the classifier
        names = [name for name, _ in self.features.named_children()]
        self.taps = [names.index(name) for name in ("relu0", "denseblock1", "denseblock2", "denseblock3", "relu5")]
        self.channels = [64, 256, 512, 1024, 1024]
        self.strides = [2, 4, 8, 16, 32]
        self.min_size = 32

    # as in ResNetEncoder
    def forward(self, image: torch.Tensor) -> list[torch.Tensor]:  # type: ignore[override]
        """Feature maps of ``(B, C, *spatial)``, finest first: (B, channels[i], *floor(spatial / strides[i])).

        Raises:
            ValueError: a spatial axis is shorter than ``min_size``.
        """
        require_size(image, self.min_size)
        features: list[torch.Tensor] = []
        for i, layer in enumerate(self.features):
            image = layer(image)
            if i in self.taps:
                features.append(image)
        return features


class EfficientNetEncoder(EfficientNetBNFeatures):
    """EfficientNet-B0 of MONAI (Tan and Le, arXiv 1905.11946): the last block of each stride.

    Args:
        spatial_dims: number of spatial axes.
        in_channels: channels of the image.

    Example:
        >>> stages = EfficientNetEncoder()(torch.rand(2, 1, 48, 44))
        >>> [tuple(stage.shape[1:]) for stage in stages]
        [(16, 24, 22), (24, 12, 11), (40, 6, 5), (112, 3, 2), (320, 1, 1)]
    """

    def __init__(self, spatial_dims: int = 2, in_channels: int = 1) -> None:
        super().__init__("efficientnet-b0", pretrained=False, spatial_dims=spatial_dims, in_channels=in_channels)
        del self._conv_head, self._bn1, self._fc
        # the memory-efficient swish has a gradient of its own, which TorchScript cannot compile
        self.set_swish(memory_efficient=False)
        self.channels = [16, 24, 40, 112, 320]
        self.strides = [2, 4, 8, 16, 32]
        self.min_size = 32

    def forward(self, image: torch.Tensor) -> list[torch.Tensor]:
        """Feature maps of ``(B, C, *spatial)``, finest first: (B, channels[i], *floor(spatial / strides[i])).

        Raises:
            ValueError: a spatial axis is shorter than ``min_size``.
        """
        require_size(image, self.min_size)
        image = self._swish(self._bn0(self._conv_stem(self._conv_stem_padding(image))))
        features: list[torch.Tensor] = []
        for i, block in enumerate(self._blocks):
            image = block(image)
            if i + 1 in self.extract_stacks:
                features.append(image)
        return features
