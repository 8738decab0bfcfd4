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
"""Tests of timm's networks as encoders: the hub and what is said without it, or without timm."""

from __future__ import annotations

import sys

import pytest
import timm
import torch

from scripts.io.input_error import InputError
from scripts.networks import build_encoder
from scripts.networks.timm_encoder import TIMM_MODELS, TimmEncoder


@pytest.mark.parametrize("model", TIMM_MODELS)
def test_weights_are_of_imagenet_1k(model):
    assert timm.is_model_pretrained(TIMM_MODELS[model].name)
    assert timm.get_pretrained_cfg(TIMM_MODELS[model].name).num_classes == 1000
    assert TIMM_MODELS[model].name.endswith(".tv_in1k" if model != "convnext_small" else ".fb_in1k")


def test_without_timm_the_extra_is_named(monkeypatch):
    monkeypatch.setitem(sys.modules, "timm", None)
    with pytest.raises(InputError, match=r"timm_ encoders need timm .*: pip install timm"):
        build_encoder("timm_resnet50")
    assert build_encoder("resnet18").channels[0] == 64  # MONAI's need none


def test_a_torchvision_of_another_torch(monkeypatch, tmp_path):
    (tmp_path / "timm.py").write_text("raise RuntimeError('operator torchvision::nms does not exist')")
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.delitem(sys.modules, "timm")
    with pytest.raises(InputError, match=r"cannot be imported \(operator torchvision::nms .*belongs to this torch"):
        build_encoder("timm_resnet50")


@pytest.mark.parametrize("model", ["resnet50", "convnext_small"])
def test_without_the_hub_the_ways_out_are_named(monkeypatch, tmp_path, model):
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_OFFLINE", True)
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_CACHE", str(tmp_path))
    with pytest.raises(InputError) as caught:
        build_encoder(f"timm_{model}", pretrained=True)
    said = str(caught.value)
    assert f"{TIMM_MODELS[model].name} could not be loaded from the hub (" in said
    assert said.endswith("; give --encoder_weights FILE or --pretrained False")
    assert "\n" not in said


def test_weights_of_the_hub_are_summed_over_the_colours(monkeypatch):
    """The hub is replaced by what it would send."""
    sent = timm.create_model("resnet50.tv_in1k").state_dict()
    monkeypatch.setattr("timm.models._builder.load_state_dict_from_hf", lambda *args, **options: dict(sent))
    loaded = TimmEncoder("resnet50", pretrained=True).net.state_dict()
    assert set(loaded) == {name for name in sent if not name.startswith("fc.")}
    for name, value in loaded.items():
        torch.testing.assert_close(value, sent[name].sum(1, keepdim=True) if name == "conv1.weight" else sent[name])
    colour = TimmEncoder("resnet50", in_channels=3, pretrained=True).net.state_dict()
    assert torch.equal(colour["conv1.weight"], sent["conv1.weight"])


def test_vgg_keeps_no_fully_connected_layer():
    assert sum(p.numel() for p in TimmEncoder("vgg16").parameters()) < 15e6
