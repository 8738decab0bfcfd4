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
"""Tests of MONAI's networks as encoders: their layers, against MONAI's own forward."""

from __future__ import annotations

import pytest
import torch
from monai.networks.nets import DenseNet121, EfficientNetBNFeatures, ResNetFeatures
from torch import nn

from scripts.networks.monai_encoders import DenseNetEncoder, EfficientNetEncoder, ResNetEncoder


def rand(*shape: int) -> torch.Tensor:
    return torch.rand(*shape, generator=torch.Generator().manual_seed(sum(shape)))


@pytest.mark.parametrize(
    ("encoder", "reference"),
    [
        (lambda: ResNetEncoder(50), lambda: ResNetFeatures("resnet50", pretrained=False, spatial_dims=2)),
        (EfficientNetEncoder, lambda: EfficientNetBNFeatures("efficientnet-b0", pretrained=False, in_channels=1)),
    ],
)
def test_stages_are_those_of_monai(encoder, reference):
    encoder, reference = encoder().eval(), reference().eval()
    reference.load_state_dict(encoder.state_dict(), strict=False)
    image = rand(1, 1, 64, 48)
    with torch.inference_mode():
        for stage, expected in zip(encoder(image), reference(image), strict=True):
            torch.testing.assert_close(stage, expected)


def test_the_last_stage_of_densenet_is_what_its_classifier_pools():
    encoder, reference = DenseNetEncoder().eval(), DenseNet121(2, 1, 3).eval()
    reference.load_state_dict(encoder.state_dict(), strict=False)
    image = rand(1, 1, 64, 48)
    with torch.inference_mode():
        pooled = encoder(image)[-1].mean(dim=(2, 3))
        torch.testing.assert_close(reference.class_layers.out(pooled), reference(image))


@pytest.mark.parametrize("layers", [18, 34, 50])
def test_every_shortcut_that_changes_the_shape_has_weights_and_no_bias(layers):
    encoder = ResNetEncoder(layers)
    shortcuts = [module.downsample for module in encoder.modules() if getattr(module, "downsample", None) is not None]
    assert len(shortcuts) == (4 if layers == 50 else 3)
    for shortcut in shortcuts:
        assert isinstance(shortcut[0], nn.Conv2d)
        assert shortcut[0].bias is None


@pytest.mark.parametrize("encoder", [ResNetEncoder, DenseNetEncoder, EfficientNetEncoder])
def test_there_is_no_classifier(encoder):
    assert not [module for module in encoder().modules() if isinstance(module, nn.Linear)]
