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
"""Tests of loading weights: good ones, and what is said of others."""

from __future__ import annotations

import pytest
import torch
from torch import nn

from scripts.io.input_error import InputError
from scripts.networks import load_weights


def network(width: int = 3) -> nn.Module:
    return nn.Sequential(nn.Conv2d(1, width, 3), nn.BatchNorm2d(width), nn.Dropout(0.5))


def test_parameters_and_buffers_are_those_of_the_file_and_the_network_evaluates(tmp_path):
    trained = network()
    trained(torch.rand(2, 1, 8, 8))  # moves the running mean
    torch.save(trained.state_dict(), tmp_path / "model.pt")
    fresh = network()
    loaded = load_weights(fresh, tmp_path / "model.pt")
    assert loaded is fresh
    assert not any(module.training for module in loaded.modules())
    assert loaded.state_dict().keys() == trained.state_dict().keys()
    for name, value in trained.state_dict().items():
        torch.testing.assert_close(loaded.state_dict()[name], value, rtol=0, atol=0)
    assert loaded[1].running_mean.abs().min() > 0


@pytest.mark.parametrize("name", ["model.pt", "."])
def test_no_file(tmp_path, name):
    with pytest.raises(InputError, match=r"no weights at .*; train first, or give --ckpt_path"):
        load_weights(network(), tmp_path / name)


@pytest.mark.parametrize("content", [b"", b"nothing", b"PK\x03\x04" + bytes(100)])
def test_no_state_dict(tmp_path, content):
    (tmp_path / "model.pt").write_bytes(content)
    with pytest.raises(InputError, match=r"model\.pt do not fit the network \(.+\); give the configs .*train again"):
        load_weights(network(), tmp_path / "model.pt")


@pytest.mark.parametrize("content", [network(4).state_dict(), {"weight": torch.zeros(1)}, [1, 2]])
def test_weights_of_another_network(tmp_path, content):
    torch.save(content, tmp_path / "model.pt")
    with pytest.raises(InputError, match=r"model\.pt do not fit the network \(.+\); give the configs"):
        load_weights(network(), tmp_path / "model.pt")


def test_the_message_is_short_whatever_the_size_of_the_network(tmp_path):
    torch.save({}, tmp_path / "model.pt")
    with pytest.raises(InputError, match=r"Missing key") as error:
        load_weights(torch.nn.Sequential(*(network() for _ in range(50))), tmp_path / "model.pt")
    assert len(str(error.value)) < 400 + len(str(tmp_path))


@pytest.fixture
def trained(tmp_path):
    """Weights, and what training tells of them."""
    torch.save(network().state_dict(), tmp_path / "model.pt")
    (tmp_path / "model.json").write_text('{"settings": {"image_size": [112, 112], "patch_size": 96}}')
    return tmp_path / "model.pt"


def test_other_sizes_than_those_of_the_training_are_told(trained, caplog):
    load_weights(network(), trained, {"image_size": [224, 224], "patch_size": 96, "patch_zoom": 2})
    [line] = [one.message for one in caplog.records if one.levelname == "WARNING"]
    assert "image_size [112, 112], used with [224, 224]" in line


@pytest.mark.parametrize(
    "settings", [None, {}, {"image_size": [112, 112], "patch_size": 96}, {"image_size": (112, 112)}]
)
def test_the_same_sizes_and_unknown_ones_are_not(trained, caplog, settings):
    load_weights(network(), trained, settings)
    assert not [one for one in caplog.records if one.levelname == "WARNING"]


@pytest.mark.parametrize("damaged", ["{", "[]", '{"settings": 3}'])
def test_a_damaged_file_beside_the_weights_is_named(trained, damaged):
    trained.with_suffix(".json").write_text(damaged)
    with pytest.raises(InputError, match=r"model\.json cannot be read"):
        load_weights(network(), trained, {"patch_size": 96})
