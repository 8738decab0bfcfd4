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

import hashlib
import json
import math
import sys
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import onnxruntime
import pytest
import torch

from scripts.export import NetworkExport, OnnxGraph, network_export
from scripts.io.input_error import InputError
from scripts.networks import TemplateMatchingNetwork

FILES = {"model.ts", "model.onnx", "encode_example.onnx", "track_frame.onnx", "export.json"}


def describe(folder: Path) -> dict[str, Any]:
    return json.loads((folder / "export.json").read_text())


def test_the_run_writes_all_files_and_nothing_else(exported: Any) -> None:
    assert {path.name for path in exported.folder.iterdir()} == FILES | {"runs.json"}


def test_the_description(exported: Any) -> None:
    about = describe(exported.folder)
    assert (about["image_size"], about["patch_size"], about["channels"]) == ([64, 80], 32, 1)
    assert about["sigma_per_scale"] == 2.0 and about["opset"] == 18
    assert about["bundle"]["version"] == "0.1.0"
    assert about["weights"] == {
        "file": "model.pt",
        "sha256": hashlib.sha256(exported.weights.read_bytes()).hexdigest(),
    }
    assert set(about["files"]) == FILES - {"export.json"}
    for name, file in about["files"].items():
        assert file["sha256"] == hashlib.sha256((exported.folder / name).read_bytes()).hexdigest()
        assert 0.0 <= file["largest_difference_px"] <= about["largest_difference_px"] <= 1e-3
    assert about["files"]["track_frame.onnx"]["inputs"] == {"image": [1, 1, 64, 80], "codes": ["examples", 64]}
    assert {"torch", "onnx", "onnxruntime"} <= set(about["versions"])


@pytest.mark.parametrize("name", ["model.onnx", "encode_example.onnx", "track_frame.onnx"])
def test_names_and_shapes_are_those_of_the_files(name: str, exported: Any) -> None:
    session = onnxruntime.InferenceSession(exported.folder / name)
    told = describe(exported.folder)["files"][name]
    assert {node.name: node.shape for node in session.get_inputs()} == told["inputs"]
    assert {node.name: node.shape for node in session.get_outputs()} == told["outputs"]


def test_one_graph_takes_any_number_of_images_and_patches(exported: Any) -> None:
    graph = OnnxGraph(exported.folder / "model.onnx")
    for images, patches in ((1, 4), (4, 4), (2, 10)):
        image, patch = torch.rand(images, 1, 64, 80), torch.rand(patches, 1, 32, 32)
        with torch.no_grad():
            torch.testing.assert_close(graph(image, patch), exported.network(image, patch), atol=1e-3, rtol=0)


def test_images_of_another_size_are_refused(exported: Any) -> None:
    with pytest.raises(Exception, match="Got invalid dimensions"):
        OnnxGraph(exported.folder / "model.onnx")(torch.rand(1, 1, 80, 64), torch.rand(1, 1, 32, 32))


def test_the_regression_head(
    make_network: Callable[..., TemplateMatchingNetwork], tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    network = make_network("regression").train()
    weights = tmp_path / "regression.pt"
    torch.save(network.state_dict(), weights)
    with caplog.at_level("INFO"):
        NetworkExport(network, weights, tmp_path / "export", (64, 80), 32).run()
    assert network.training  # a copy was exported
    about = describe(tmp_path / "export")
    assert about["files"]["encode_example.onnx"]["outputs"] == {"code": ["examples", 512]}
    assert about["largest_difference_px"] <= 1e-3
    lines = [record.message for record in caplog.records if record.name == "NetworkExport"]
    assert [line.split(":")[0] for line in lines[1:-1]] == [
        "model.ts",
        "model.onnx",
        "encode_example.onnx and track_frame.onnx",
    ]


class FakeGraph:
    """In place of an ONNX file, which takes seconds to make: the network, with what is added to its answers."""

    network: TemplateMatchingNetwork
    added: Mapping[str, float]

    def __init__(self, path: Path) -> None:
        self.name = path.name.partition("-")[2]  # after what makes a temporary name

    def __call__(self, *inputs: torch.Tensor) -> torch.Tensor:
        if self.name == "encode_example.onnx":
            return self.network.encode_patch(*inputs)
        if self.name == "track_frame.onnx":
            answer = self.network.match(self.network.encode_image(inputs[0]), inputs[1])
        else:
            answer = self.network(*inputs)
        return answer + self.added.get(self.name, 0.0)


@pytest.fixture
def make_export(
    make_network: Callable[..., TemplateMatchingNetwork], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Callable[..., NetworkExport]:
    """An export to ``out`` whose ONNX files are fakes."""

    def make(**added: float) -> NetworkExport:
        network = make_network()
        weights = tmp_path / "model.pt"
        torch.save(network.state_dict(), weights)
        files = {f"{name}.onnx": value for name, value in added.items()}
        graph = type("Graph", (FakeGraph,), {"network": network, "added": files})
        monkeypatch.setattr(network_export, "OnnxGraph", graph)
        monkeypatch.setattr(network_export, "export_onnx", lambda module, path, *_, **__: path.write_bytes(b"graph"))
        return NetworkExport(network, weights, tmp_path / "out", (64, 80), 32)

    return make


@pytest.mark.parametrize(
    ("added", "told"),
    [
        ({"model": 1e-4}, r"model\.onnx does not find .* 0\.004 px"),
        ({"track_frame": 1e-4}, r"encode_example\.onnx and track_frame\.onnx does not find"),
        ({"track_frame": math.nan}, r"differ by nan px"),
    ],
)
def test_a_file_that_finds_something_else_is_refused(
    added: dict[str, float], told: str, make_export: Callable[..., NetworkExport], tmp_path: Path
) -> None:
    (tmp_path / "out").mkdir()
    (tmp_path / "out/model.ts").write_text("an older one")
    with pytest.raises(InputError, match=told):
        make_export(**added).run()
    assert [path.name for path in (tmp_path / "out").iterdir()] == ["model.ts"]
    assert (tmp_path / "out/model.ts").read_text() == "an older one"


def test_a_difference_below_the_tolerance_is_told(make_export: Callable[..., NetworkExport], tmp_path: Path) -> None:
    make_export(model=1e-5).run()
    about = describe(tmp_path / "out")
    assert about["largest_difference_px"] == pytest.approx(4e-4, rel=0.1)
    assert about["files"]["track_frame.onnx"]["largest_difference_px"] < 1e-4


def test_a_missing_package_is_told_before_the_work(
    make_export: Callable[..., NetworkExport], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "onnxruntime", None)
    with pytest.raises(InputError, match="pip install"):
        make_export()
