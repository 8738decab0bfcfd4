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
"""The config for TensorRT, as far as it can be checked without TensorRT."""

from __future__ import annotations

import inspect
import sys
from collections.abc import Callable
from pathlib import Path

import monai.networks
import onnxruntime
import pytest
import torch
from monai.bundle import ConfigParser
from monai.networks import trt_compiler
from monai.networks.trt_compiler import TrtCompiler

from scripts.networks import TemplateMatchingNetwork

BUNDLE = Path(__file__).parents[2] / "bundle"


@pytest.fixture
def parser(
    make_network: Callable[..., TemplateMatchingNetwork], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> ConfigParser:
    """Inference with the config for TensorRT merged on top."""
    monkeypatch.chdir(BUNDLE)
    monkeypatch.setattr(sys, "excepthook", sys.excepthook)
    weights = tmp_path / "model.pt"
    torch.save(make_network().state_dict(), weights)
    merged = ConfigParser()
    merged.read_config(["configs/inference.json", "configs/inference_trt.json"])
    settings = {"ckpt_path": str(weights), "image_size": [64, 80], "patch_size": 32, "batch_size": 4}
    for name, value in {**settings, "device": "$torch.device('cpu')"}.items():
        merged[name] = value
    return merged


def test_without_tensorrt_the_network_runs_in_torch(
    parser: ConfigParser, make_network: Callable[..., TemplateMatchingNetwork], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(trt_compiler, "trt_imported", False)
    network = parser.get_parsed_content("network")
    image, patch = torch.rand(1, 1, 64, 80), torch.rand(2, 1, 32, 32)
    with torch.no_grad():
        torch.testing.assert_close(network(image, patch), make_network()(image, patch))
    assert {"$from monai.networks import trt_compile", "$import torch"} <= set(parser["imports"])


def test_the_compiler_is_given_both_encoders(
    parser: ConfigParser, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    calls = []

    def compile_nothing(model: torch.nn.Module, base_path: str, args: dict, submodule: list) -> torch.nn.Module:
        calls.append((base_path, args, submodule))
        return model

    monkeypatch.setattr(monai.networks, "trt_compile", compile_nothing)
    network = parser.get_parsed_content("network")
    [(base_path, args, submodules)] = calls
    # engines of other sizes have other names
    assert base_path == str(tmp_path / "model.pt.64_80_32_2_4")
    assert [getattr(network, name) for name in submodules] == [network.image_encoder, network.patch_encoder]
    inspect.signature(TrtCompiler).bind(network.image_encoder, "a.plan", **args)
    assert args["dynamic_batchsize"] == [1, 4, 4] and args["timestamp"] > 0


@pytest.mark.parametrize("name", ["image_encoder", "patch_encoder"])
def test_tensorrt_would_get_graphs_of_the_encoders(
    name: str, parser: ConfigParser, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    network = parser.get_parsed_content("network")
    encoder = getattr(network, name)
    # the argument of forward, by which the compiler calls the input of a graph
    argument, size = {"image_encoder": ("image", (64, 80)), "patch_encoder": ("patch", (32, 32))}[name]
    images = torch.rand(3, 1, *size)
    given = []

    def run_instead_of_building(compiler: TrtCompiler, path: str) -> None:
        session = onnxruntime.InferenceSession(path)
        assert [node.name for node in session.get_inputs()] == [argument]
        given.append(session.run(None, {argument: images.numpy()}))

    monkeypatch.setattr(TrtCompiler, "_onnx_to_trt", run_instead_of_building)
    compiler = TrtCompiler(encoder, str(tmp_path / "a.plan"), **parser.get_parsed_content("trt_args"))
    with torch.no_grad():
        compiler._build_and_save(encoder, {argument: images[:1]})
        expected = encoder(images)
    # the compiler gives a list of all outputs: what the heads take
    assert len(given[0]) == len(expected) > 1
    for found, stage in zip(given[0], expected, strict=True):
        torch.testing.assert_close(torch.from_numpy(found), stage, atol=1e-4, rtol=1e-4)
