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

"""Networks of the timm library as encoders."""

from __future__ import annotations

from types import ModuleType
from typing import NamedTuple

import torch
from torch import nn

from scripts.io.input_error import InputError, first_line
from scripts.networks.smallest_size import require_size

__all__ = ["TIMM_MODELS", "TimmEncoder"]


class _Model(NamedTuple):
    """What timm calls a network, which of its stages are used, and the smallest image it takes."""

    name: str
    stages: tuple[int, ...]
    min_size: int


# the tags name the weights that the networks' authors or torchvision trained on ImageNet-1k; timm's defaults change
TIMM_MODELS = {
    "vgg16": _Model("vgg16.tv_in1k", (1, 2, 3, 4, 5), 32),  # its stage 0 is the full resolution
    "resnet50": _Model("resnet50.tv_in1k", (0, 1, 2, 3, 4), 1),
    "densenet121": _Model("densenet121.tv_in1k", (0, 1, 2, 3, 4), 32),
    "convnext_small": _Model("convnext_small.fb_in1k", (0, 1, 2, 3), 32),
}


class TimmEncoder(nn.Module):
    """Stages of a two-dimensional network of timm, without its classifier.

    Args:
        model: a key of ``TIMM_MODELS``.
        in_channels: channels of the image.
        pretrained: load the ImageNet weights from timm's hub; for one channel the first convolution's weights are
            summed over red, green and blue.

    Raises:
        InputError: timm cannot be imported, or the hub cannot be reached.

    Example:
        >>> stages = TimmEncoder("resnet50")(torch.rand(2, 1, 48, 44))  # doctest: +SKIP
        >>> [tuple(stage.shape[1:]) for stage in stages]  # doctest: +SKIP
        [(64, 24, 22), (256, 12, 11), (512, 6, 6), (1024, 3, 3), (2048, 2, 2)]
    """

    def __init__(self, model: str, in_channels: int = 1, pretrained: bool = False) -> None:
        super().__init__()
        timm = _import_timm()
        name, stages, self.min_size = TIMM_MODELS[model]
        # VGG's fully connected layers, 500 MB that no stage needs, are built first and dropped then: make them thin
        thin = {"mlp_ratio": 0.01} if model == "vgg16" and not pretrained else {}
        try:
            self.net = timm.create_model(
                name, pretrained=pretrained, features_only=True, in_chans=in_channels, out_indices=stages, **thin
            )
        except Exception as error:  # hub, network and file errors are of many kinds
            if not pretrained:
                raise
            raise InputError(
                f"the weights of {name} could not be loaded from the hub ({first_line(error)}); "
                "give --encoder_weights FILE or --pretrained False"
            ) from error
        self.channels: list[int] = self.net.feature_info.channels()
        self.strides: list[int] = self.net.feature_info.reduction()

    def forward(self, image: torch.Tensor) -> list[torch.Tensor]:
        """Feature maps of ``(B, C, *spatial)``, finest first: ``(B, channels[i], *spatial / strides[i])``.

        ResNet rounds sizes that do not divide up, the others down.

        Raises:
            ValueError: a spatial axis is shorter than ``min_size``.
        """
        require_size(image, self.min_size)
        return self.net(image)


def _import_timm() -> ModuleType:
    """Import timm where it is used: it is an extra, and slow to import."""
    try:
        import timm
    except ImportError as error:
        raise InputError(
            f"the timm_ encoders need timm ({first_line(error)}); install it with: pip install timm"
        ) from error
    except RuntimeError as error:  # torchvision, which timm imports, has ops compiled for one version of torch
        raise InputError(
            f"timm cannot be imported ({first_line(error)}); install the torchvision that belongs to this torch "
            "from where torch came from"
        ) from error
    return timm
