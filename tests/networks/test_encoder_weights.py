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
"""Tests of loading an encoder's weights: published ones against another library's features, and misfits."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
import timm
import torch
from monai.networks.nets import EfficientNetBN, EfficientNetBNFeatures
from safetensors.torch import save_file
from torch import nn

from scripts.io.input_error import InputError
from scripts.networks import build_encoder, load_encoder_weights
from scripts.networks.residual_encoder import ResidualEncoder


def shake(network: nn.Module) -> nn.Module:
    """Give every weight and statistic a value of its own: fresh ones are zeros and ones in many places."""
    generator = torch.Generator().manual_seed(0)
    for module in network.modules():
        if isinstance(module, nn.BatchNorm2d):
            for value, low in ((module.weight, 0.5), (module.bias, -0.5), (module.running_mean, -0.5)):
                nn.init.uniform_(value, low, low + 1.0, generator=generator)
            nn.init.uniform_(module.running_var, 0.5, 1.5, generator=generator)
    return network.eval()


def assert_same_features(encoder: nn.Module, reference: nn.Module, in_channels: int) -> None:
    """A grey image to the encoder and to a reference of three channels, which sees it three times."""
    grey = torch.rand(2, 1, 64, 48, generator=torch.Generator().manual_seed(1))
    with torch.inference_mode():
        stages = encoder.eval()(grey.expand(-1, in_channels, -1, -1))
        expected = reference.eval()(grey.expand(-1, 3, -1, -1))
        for stage, other in zip(stages, expected[-len(stages) :], strict=True):
            torch.testing.assert_close(stage, other, rtol=1e-4, atol=1e-4 * float(other.abs().max()))


def timm_pair(name: str) -> tuple[dict[str, torch.Tensor], nn.Module]:
    """The state dict of timm's classifier with its random weights, and timm's features of the same weights."""
    thin = {"mlp_ratio": 0.01} if name == "vgg16" else {}
    classifier = shake(timm.create_model(name, **thin))
    features = timm.create_model(name, features_only=True, **thin)
    sent = classifier.state_dict()
    features.load_state_dict(
        {key: sent[re.sub(r"^(features|stages|stem)_", r"\1.", key)] for key in features.state_dict()}
    )
    return sent, features


# published weights; timm's names of resnet, densenet and vgg are torchvision's


@pytest.mark.parametrize("in_channels", [1, 2, 3])
@pytest.mark.parametrize("name", ["resnet18", "resnet34", "resnet50", "densenet121"])
def test_weights_of_torchvision_in_monai_give_the_features_of_timm(tmp_path, name, in_channels):
    sent, reference = timm_pair(name)
    torch.save(sent, tmp_path / "weights.pth")
    encoder = build_encoder(name, in_channels=in_channels, weights=tmp_path / "weights.pth")
    assert_same_features(encoder, reference, in_channels)


@pytest.mark.parametrize("name", ["vgg16", "resnet50", "densenet121", "convnext_small"])
def test_weights_of_timm_give_the_features_of_timm(tmp_path, name):
    sent, reference = timm_pair(name)
    save_file(sent, tmp_path / "model.safetensors")
    encoder = build_encoder(f"timm_{name}", weights=tmp_path / "model.safetensors")
    assert_same_features(encoder, reference, 1)


@pytest.mark.parametrize("name", ["densenet121", "timm_densenet121"])
def test_the_names_of_densenet_in_the_file_of_2017(tmp_path, name):
    sent, reference = timm_pair("densenet121")
    old = {
        re.sub(r"(denselayer\d+\.(?:norm|conv))(\d)", r"\1.\2", key): value
        for key, value in sent.items()
        if not key.endswith("num_batches_tracked")
    }
    assert "features.denseblock1.denselayer1.norm.1.weight" in old
    torch.save(old, tmp_path / "densenet121-a639ec97.pth")
    assert_same_features(build_encoder(name, weights=tmp_path / "densenet121-a639ec97.pth"), reference, 1)


def test_the_names_of_efficientnet_pytorch(tmp_path):
    """Its blocks are numbered through, MONAI's by their stack too."""
    classifier = shake(EfficientNetBN("efficientnet-b0", pretrained=False))
    reference = EfficientNetBNFeatures("efficientnet-b0", pretrained=False)
    reference.load_state_dict(classifier.state_dict())
    sent = {re.sub(r"^_blocks\.\d+\.", "_blocks.", key): value for key, value in classifier.state_dict().items()}
    assert "_blocks.15._project_conv.weight" in sent
    torch.save(sent, tmp_path / "efficientnet-b0-355c32eb.pth")
    encoder = build_encoder("efficientnet_b0", weights=tmp_path / "efficientnet-b0-355c32eb.pth")
    assert_same_features(encoder, reference, 1)


# own weights


@pytest.mark.parametrize("suffix", ["pt", "safetensors"])
def test_an_encoders_own_state_dict(tmp_path, suffix):
    trained = ResidualEncoder(channels=(4, 6, 8))
    trained(torch.rand(2, 1, 32, 32))  # moves the running mean
    path = tmp_path / f"encoder.{suffix}"
    (save_file if suffix == "safetensors" else torch.save)(trained.state_dict(), path)
    fresh = ResidualEncoder(channels=(4, 6, 8))
    assert load_encoder_weights(fresh, path) is fresh
    for key, value in trained.state_dict().items():
        assert torch.equal(fresh.state_dict()[key], value)


# what is refused


@pytest.mark.parametrize("name", ["weights.pt", "."])
def test_no_file(tmp_path, name):
    with pytest.raises(InputError, match=rf"no encoder weights at {re.escape(str(tmp_path / name))}; give"):
        load_encoder_weights(ResidualEncoder(), tmp_path / name)


@pytest.mark.parametrize("suffix", ["pth", "safetensors"])
@pytest.mark.parametrize("content", [b"", b"nothing", b"PK\x03\x04" + bytes(100)])
def test_a_broken_file(tmp_path, suffix, content):
    (tmp_path / f"weights.{suffix}").write_bytes(content)
    with pytest.raises(InputError, match=rf"weights\.{suffix} cannot be read \(.+\); give another file"):
        load_encoder_weights(ResidualEncoder(), tmp_path / f"weights.{suffix}")


@pytest.mark.parametrize("content", [[1, 2], {"state_dict": {}}, {"epoch": 3}])
def test_no_state_dict(tmp_path, content):
    torch.save(content, tmp_path / "weights.pt")
    with pytest.raises(InputError, match=r"weights\.pt are no state dict, tensors by name"):
        load_encoder_weights(ResidualEncoder(), tmp_path / "weights.pt")


def refusal(path: Path, state: dict[str, torch.Tensor]) -> str:
    torch.save(state, path)
    encoder = ResidualEncoder(channels=(4, 6, 8))
    before = {key: value.clone() for key, value in encoder.state_dict().items()}
    with pytest.raises(InputError) as caught:
        load_encoder_weights(encoder, path)
    assert all(torch.equal(value, before[key]) for key, value in encoder.state_dict().items())
    assert f"the weights at {path} do not fit the encoder (" in str(caught.value)
    return str(caught.value)


def test_weights_of_another_network_are_refused_with_the_first_misfits(tmp_path):
    own = ResidualEncoder(channels=(4, 6, 8)).state_dict()
    path = tmp_path / "weights.pt"
    first = "stages.0.conv.weight"
    assert first in own
    assert f"(no {first}); give" in refusal(path, {key: own[key] for key in own if key != first})
    assert f"({first} is (4, 1, 3, 3) and not (4, 1, 5, 5)); give" in refusal(
        path, {**own, first: torch.zeros(4, 1, 3, 3)}
    )
    assert "(extra.weight is unknown); give" in refusal(path, {**own, "extra.weight": torch.zeros(1)})
    assert re.search(rf"\(no {first}, no .*, no .* and \d+ more\)", refusal(path, {"other": torch.zeros(1)}))


def test_three_channels_do_not_take_weights_of_one(tmp_path):
    torch.save(ResidualEncoder(in_channels=1).state_dict(), tmp_path / "weights.pt")
    with pytest.raises(InputError, match=r"is \(16, 1, 5, 5\) and not \(16, 3, 5, 5\)"):
        load_encoder_weights(ResidualEncoder(in_channels=3), tmp_path / "weights.pt")
