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
from __future__ import annotations

import logging
import sys
from collections.abc import Callable
from pathlib import Path

import onnx
import pytest
import torch
from torch import nn

from scripts.export import Agreement, OnnxGraph, TrackFrame, export_onnx
from scripts.io.input_error import InputError
from scripts.networks import TemplateMatchingNetwork

FREE = {"x": "rows", "y": "rows"}


def export_linear(path: Path, **options: object) -> nn.Module:
    torch.manual_seed(0)
    module = nn.Sequential(nn.Linear(3, 4), nn.ReLU(), nn.Linear(4, 2)).eval()
    export_onnx(module, path, {"x": torch.rand(2, 3)}, "y", free=FREE, **options)
    return module


def test_the_first_axis_is_free_and_named(tmp_path: Path) -> None:
    path = tmp_path / "linear.onnx"
    module = export_linear(path)
    graph = OnnxGraph(path)
    assert graph.inputs == ["x"]
    for rows in (1, 2, 9):
        x = torch.rand(rows, 3)
        torch.testing.assert_close(graph(x), module(x).detach())
    ends = [*onnx.load(path).graph.input, *onnx.load(path).graph.output]
    assert [end.type.tensor_type.shape.dim[0].dim_param for end in ends] == ["rows", "rows"]


def test_opset(tmp_path: Path) -> None:
    export_linear(tmp_path / "linear.onnx", opset=20)
    assert [one.version for one in onnx.load(tmp_path / "linear.onnx").opset_import if not one.domain] == [20]


def test_the_file_is_whole_tells_no_folders_and_is_the_same_each_time(tmp_path: Path) -> None:
    paths = tmp_path / "a.onnx", tmp_path / "b.onnx"
    for path in paths:
        export_linear(path)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["a.onnx", "b.onnx"]  # no weights beside them
    first, second = (path.read_bytes() for path in paths)
    assert first == second
    assert b".py" not in first


def test_an_operation_that_onnx_has_not(tmp_path: Path) -> None:
    class Branching(nn.Module):
        def forward(self, x: torch.Tensor) -> torch.Tensor:
            return x if x.sum() > 0 else -x

    with pytest.raises(InputError, match="Branching cannot be written as ONNX"):
        export_onnx(Branching(), tmp_path / "x.onnx", {"x": torch.rand(2, 3)}, "y", free=FREE)


def test_the_exporters_own_lines_are_kept_back(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    logging.getLogger("onnxscript").setLevel(logging.INFO)
    with caplog.at_level(logging.INFO):
        export_linear(tmp_path / "linear.onnx")
    assert not [record for record in caplog.records if record.levelno < logging.WARNING]
    assert logging.getLogger("onnxscript").level == logging.INFO


@pytest.mark.parametrize("package", ["onnx", "onnxruntime", "onnxscript"])
def test_a_missing_package_is_named(package: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, package, None)
    with pytest.raises(InputError, match=rf"{package}.*pip install onnx onnxruntime onnxscript"):
        export_linear(tmp_path / "linear.onnx")


def test_an_encoder_of_monai(make_network: Callable[..., TemplateMatchingNetwork], tmp_path: Path) -> None:
    network = make_network(encoder="resnet18")
    path = tmp_path / "frame.onnx"
    inputs = {"image": torch.zeros(1, 1, 64, 80), "codes": torch.zeros(2, 64)}
    free = {"codes": "examples", "prediction": "examples"}
    export_onnx(TrackFrame(network), path, inputs, "prediction", free=free)
    assert Agreement(network, (64, 80), 32).tracking(network.encode_patch, OnnxGraph(path)).within(1e-3)
