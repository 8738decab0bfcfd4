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
"""The sweeps' configs: what each variant trains, as MONAI merges it."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
from monai.bundle import ConfigParser

from scripts.losses import GaussianNLLLoss, LaplaceNLLLoss
from scripts.sweeps import Stage, Sweep

BUNDLE = Path(__file__).parents[2] / "bundle"


@pytest.fixture(autouse=True)
def in_the_bundle(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(BUNDLE)


def sweep(name: str, folder: Path, **overrides: object) -> Sweep:
    """The sweep as the command line builds it."""
    parser = ConfigParser(ConfigParser.load_config_file(f"configs/sweep/{name}.json"))
    parser.update({"output_dir": str(folder), **overrides})
    return parser.get_parsed_content("sweep")


def merged(stage: Stage) -> ConfigParser:
    """The config of a training or evaluation, merged by MONAI from its files; settings count as one more file."""
    parser = ConfigParser(ConfigParser.load_config_files(stage.configs))
    parser.update(stage.settings)
    return parser


def variants(name: str, folder: Path, **overrides: object) -> dict[str, list[ConfigParser]]:
    """Name to the configs of its training and its evaluation."""
    planned = [one.variant for one in sweep(name, folder, **overrides).folders]
    return {one.name: [merged(one.training), merged(one.evaluating)] for one in planned}


def test_the_papers_patch_sizes(tmp_path: Path) -> None:
    found = variants("patch_size", tmp_path)
    assert list(found) == ["32", "40", "50", "60", "70", "80"]
    assert all(config["patch_size"] == int(name) for name, configs in found.items() for config in configs)
    assert all(config["patch_zoom"] == 1 for configs in found.values() for config in configs)  # seen as they are


def test_the_papers_encoders_and_the_default(tmp_path: Path) -> None:
    found = variants("encoder", tmp_path)
    encoders = ["residual", "timm_vgg16", "timm_resnet50", "timm_densenet121", "timm_convnext_small"]
    for i in (0, 1):
        assert [configs[i]["encoder"] for configs in found.values()] == encoders
        assert {configs[i]["head"]["_target_"] for configs in found.values()} == {"scripts.networks.RegressionHead"}


def test_pretrained_weights_are_for_those_that_have_them(tmp_path: Path) -> None:
    found = variants("encoder", tmp_path, settings={"pretrained": True})
    assert [configs[0]["pretrained"] for configs in found.values()] == [False, True, True, True, True]


def test_one_to_four_layers(tmp_path: Path) -> None:
    found = variants("layers", tmp_path)
    assert list(found) == ["1", "2", "3", "4"]
    for name, configs in found.items():
        for config in configs:
            head = config.get_parsed_content("network_def").head
            linear = [part for part in [*head.hidden_layers, head.output_layer] if isinstance(part, torch.nn.Linear)]
            assert 1 + len(linear) == int(name)


def test_both_distributions(tmp_path: Path) -> None:
    found = variants("distribution", tmp_path)
    kinds = {"gaussian": (GaussianNLLLoss, 1.0), "laplace": (LaplaceNLLLoss, 2**0.5)}
    assert list(found) == list(kinds)
    for name, (train, evaluate) in found.items():
        kind, sigma = kinds[name]
        assert isinstance(train.get_parsed_content("likelihood"), kind)
        assert evaluate["distribution"] == name
        assert evaluate.get_parsed_content("sigma_per_scale") == sigma


@pytest.mark.parametrize("name", ["patch_size", "encoder", "layers", "distribution"])
def test_data_and_settings_reach_every_variant(name: str, tmp_path: Path) -> None:
    given = {
        "dataset_dir": str(tmp_path),
        "truth": "known.csv",
        "settings": {"image_size": [112, 112], "max_epochs": 2},
    }
    made = sweep(name, tmp_path, **given, base=["configs/data/chest_xray.json"])
    for one in made.folders:
        train, evaluate = merged(one.variant.training), merged(one.variant.evaluating)
        assert {tuple(config["image_size"]) for config in (train, evaluate)} == {(112, 112)}
        assert {config["dataset_dir"] for config in (train, evaluate)} == {str(tmp_path)}
        assert train["max_epochs"] == 2
        assert evaluate["truth"] == str(BUNDLE / "known.csv")
    assert made.output_dir == tmp_path
