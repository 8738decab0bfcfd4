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
"""Tests of encoders by name: what each promises, and each with every head and loss."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import torch
from torch import nn

from scripts.io.input_error import InputError
from scripts.losses import BetaNLLLoss, GaussianNLLLoss, HeatmapCrossEntropyLoss, LaplaceNLLLoss, MatchingLoss
from scripts.networks import ENCODERS, CorrelationHead, RegressionHead, TemplateMatchingNetwork, build_encoder

CONFIGS = Path(__file__).parents[2] / "bundle/configs/encoder"
TIMM = [name for name in ENCODERS if name.startswith("timm_")]
MONAI = [name for name in ENCODERS if name not in TIMM]
# the others round down at each stage, so that less than 32 px shrink to nothing
ANY_SIZE = ["residual", "resnet18", "resnet34", "resnet50", "timm_resnet50"]
HEADS = {
    "correlation": CorrelationHead,
    "correlation_8": lambda *encoders: CorrelationHead(*encoders, stride=8),
    **{
        f"regression_{layers}": lambda *encoders, layers=layers: RegressionHead(
            *encoders, layers=layers, hidden_channels=32
        )
        for layers in (1, 2, 3, 4)
    },
}
PAIRS = [(name, head) for name in ENCODERS for head in ("correlation", "regression_3")]
PAIRS += [("residual", head) for head in HEADS if ("residual", head) not in PAIRS]


def rand(*shape: int) -> torch.Tensor:
    return torch.rand(*shape, generator=torch.Generator().manual_seed(sum(shape)))


def test_each_encoder_has_a_config():
    configs = {path.stem: json.loads(path.read_text()) for path in CONFIGS.glob("*.json")}
    assert configs == {name: {"encoder": name} for name in ENCODERS}


@pytest.mark.parametrize("name", ENCODERS)
def test_stages_have_the_channels_and_strides_they_tell(name):
    encoder = build_encoder(name, in_channels=3).eval()
    assert {4, 8} <= set(encoder.strides)
    assert encoder.strides == sorted(encoder.strides)
    with torch.inference_mode():
        for shape in [(64, 96), (32, 32), (48, 44)]:
            stages = encoder(rand(2, 3, *shape))
            assert len(stages) == len(encoder.channels) == len(encoder.strides)
            for stage, width, stride in zip(stages, encoder.channels, encoder.strides, strict=True):
                # sizes that do not divide are rounded up by some, down by others
                rounded = [-(-size // stride) if name in ANY_SIZE else size // stride for size in shape]
                assert stage.shape == (2, width, *rounded)


@pytest.mark.parametrize("name", ENCODERS)
def test_the_smallest_patch(name):
    encoder = build_encoder(name).eval()
    assert getattr(encoder, "min_size", 1) == (1 if name in ANY_SIZE else 32)
    if name in ANY_SIZE:
        assert [stage.shape[2:] for stage in encoder(rand(1, 1, 16, 16))][:2] == [(8, 8), (4, 4)]
    else:
        with pytest.raises(ValueError, match=r"patches of 32 px and more an axis, not 31: raise the patch size"):
            encoder(rand(1, 1, 32, 31))


@pytest.mark.parametrize("name", ["residual", "resnet18", "efficientnet_b0", "densenet121"])
def test_volumes(name):
    encoder = build_encoder(name, spatial_dims=3).eval()
    with torch.inference_mode():
        stages = encoder(rand(1, 1, 32, 64, 32))
    assert [stage.shape[2:] for stage in stages] == [(32 // s, 64 // s, 32 // s) for s in encoder.strides]


@pytest.mark.filterwarnings("ignore::DeprecationWarning")
@pytest.mark.parametrize(("name", "head"), PAIRS)
def test_an_encoder_and_a_head_train_with_each_loss_script_and_reload(tmp_path, name, head):
    torch.manual_seed(0)
    encoders = build_encoder(name), build_encoder(name)
    storages = [{p.untyped_storage().data_ptr() for p in encoder.parameters()} for encoder in encoders]
    assert not storages[0] & storages[1]
    network = TemplateMatchingNetwork(*encoders, HEADS[head](*encoders))
    image, patch, target = rand(2, 1, 64, 64), rand(2, 1, 32, 32), rand(2, 2) - 0.5
    cells = [64 // getattr(network.head, "stride", 4)] * 2
    for likelihood in (GaussianNLLLoss(), LaplaceNLLLoss(), BetaNLLLoss()):
        train_two_steps(network, MatchingLoss(likelihood, HeatmapCrossEntropyLoss(cells)), image, patch, target)
    network.eval()
    scripted = save_and_load(torch.jit.script(network), tmp_path / "network.ts")
    # one run is too few for TorchScript's optimiser to pay
    with torch.inference_mode(), torch.jit.optimized_execution(False):
        torch.testing.assert_close(scripted(image, patch, True), network(image, patch, True))


def train_two_steps(network: nn.Module, loss: nn.Module, *batch: torch.Tensor) -> None:
    *inputs, target = batch
    network.train()
    optimizer = torch.optim.SGD(network.parameters(), lr=1e-3)
    # biases and the weights of norms: every layer has some, and they are quickly copied
    before = {name: part.detach().clone() for name, part in network.named_parameters() if part.ndim < 2}
    for _ in range(2):
        optimizer.zero_grad()
        value = loss(network(*inputs, True), target)
        assert value.isfinite()
        value.backward()
        # one without a gradient stops training on several GPUs
        assert not [name for name, part in network.named_parameters() if part.grad is None]
        assert nn.utils.get_total_norm([part.grad for part in network.parameters()]).isfinite()
        # a batch norm over two patches of one cell has very steep gradients
        nn.utils.clip_grad_value_(network.parameters(), 1.0)
        optimizer.step()
    changed = {name for name, part in network.named_parameters() if name in before and not part.equal(before[name])}
    assert {name.split(".")[0] for name in changed} == {"image_encoder", "patch_encoder", "head"}
    assert len(changed) > len(before) / 2


def save_and_load(scripted: torch.jit.ScriptModule, path: Path) -> torch.jit.ScriptModule:
    scripted.save(path)
    loaded = torch.jit.load(path)
    path.unlink()  # up to 400 MB, and pytest keeps the folders of three runs
    return loaded


def test_the_norm_of_the_default_encoder():
    kinds = {type(module) for module in build_encoder(norm="instance").modules()}
    assert nn.InstanceNorm2d in kinds
    assert nn.BatchNorm2d not in kinds


# what is refused


def test_an_unknown_name_is_answered_with_the_names():
    with pytest.raises(InputError, match=r"no encoder 'resnet19'; the encoders are residual, resnet18, .*timm_vgg16"):
        build_encoder("resnet19")


@pytest.mark.parametrize(
    ("name", "norm"), [("residual", "group"), ("resnet18", "instance"), ("timm_vgg16", "instance")]
)
def test_a_norm_that_the_encoder_has_not(name, norm):
    with pytest.raises(InputError, match=rf"{name} has no norm '{norm}'; only residual has batch or instance"):
        build_encoder(name, norm=norm)


@pytest.mark.parametrize("name", MONAI)
def test_weights_that_nobody_can_download(name):
    with pytest.raises(InputError, match=rf"{name} has no pretrained weights .*timm_vgg16.*--encoder_weights FILE"):
        build_encoder(name, pretrained=True)


@pytest.mark.parametrize("name", TIMM)
def test_volumes_with_timm(name):
    with pytest.raises(InputError, match=rf"{name} has 2 spatial dimensions and not 3; take one without timm_"):
        build_encoder(name, spatial_dims=3)


@pytest.mark.parametrize("name", ["residual", "timm_resnet50"])
def test_a_file_of_weights_goes_before_the_hub(tmp_path, name):
    with pytest.raises(InputError, match=r"no encoder weights at .*none\.pt"):
        build_encoder(name, pretrained=True, weights=tmp_path / "none.pt")
    torch.save(build_encoder(name).state_dict(), tmp_path / "encoder.pt")
    loaded = build_encoder(name, pretrained=True, weights=tmp_path / "encoder.pt").state_dict()
    for key, value in torch.load(tmp_path / "encoder.pt", weights_only=True).items():
        assert torch.equal(loaded[key], value)
