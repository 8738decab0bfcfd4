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
"""The configs as MONAI's bundle tools and the Model Zoo see them."""

from __future__ import annotations

import importlib
import json
import re
import sys
from pathlib import Path

import nibabel as nib
import numpy as np
import pytest
import torch
from monai.bundle import ConfigParser, ConfigWorkflow, ckpt_export, verify_net_in_out
from PIL import Image

from scripts.io.input_error import InputError, find_input_error
from scripts.losses import BetaNLLLoss, GaussianNLLLoss, LaplaceNLLLoss
from scripts.networks import CorrelationHead

BUNDLE = Path(__file__).parents[2] / "bundle"
CONFIGS = sorted(path.relative_to(BUNDLE).as_posix() for path in (BUNDLE / "configs").rglob("*.json"))


@pytest.fixture(autouse=True)
def in_the_bundle(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(BUNDLE)


@pytest.fixture(autouse=True)
def keep_excepthook(monkeypatch: pytest.MonkeyPatch) -> None:
    """Configs replace it; the tests after these must not see that."""
    monkeypatch.setattr(sys, "excepthook", sys.excepthook)


@pytest.fixture(scope="module")
def weights(tmp_path_factory: pytest.TempPathFactory) -> str:
    from scripts.networks import CorrelationHead, TemplateMatchingNetwork, build_encoder

    encoders = build_encoder("residual"), build_encoder("residual", zoom=2)
    path = tmp_path_factory.mktemp("weights") / "model.pt"
    torch.save(TemplateMatchingNetwork(*encoders, CorrelationHead(*encoders)).state_dict(), path)
    return str(path)


def workflow(config: str, kind: str, **overrides: object) -> ConfigWorkflow:
    made = ConfigWorkflow(
        config_file=[f"configs/{config}", "configs/data/echo_demo.json"],
        meta_file="configs/metadata.json",
        logging_file="configs/logging.conf",
        workflow_type=kind,
        **overrides,
    )
    made.initialize()
    return made


def test_properties_of_training() -> None:
    assert not workflow("train.json", "train").check_properties()


@pytest.mark.parametrize("config", ["inference.json", "evaluate.json"])
def test_properties_of_inference(config: str) -> None:
    assert not workflow(config, "infer").check_properties()


def test_network_takes_and_gives_what_the_metadata_says() -> None:
    verify_net_in_out("network_def", meta_file="configs/metadata.json", config_file="configs/inference.json", n=4)


def test_weights_export_to_torchscript_with_both_inputs(weights: str, tmp_path: Path) -> None:
    path = str(tmp_path / "model.ts")
    config = {"meta_file": "configs/metadata.json", "config_file": "configs/inference.json"}
    ckpt_export("network_def", filepath=path, ckpt_file=weights, **config)
    network = torch.jit.load(path)
    assert network(torch.rand(2, 1, 128, 128), torch.rand(2, 1, 96, 96)).shape == (2, 4)
    assert network(torch.rand(2, 1, 128, 128)).shape == (2, 4)


def test_a_state_dict_is_under_25_mb(weights: str) -> None:
    assert Path(weights).stat().st_size < 25e6


def test_metadata_has_exact_versions_that_the_constraints_pin() -> None:
    metadata = json.loads((BUNDLE / "configs/metadata.json").read_text())
    pins = dict(line.split("==") for line in (BUNDLE.parent / "constraints.txt").read_text().split() if "==" in line)
    stated = {"monai": metadata["monai_version"], "torch": metadata["pytorch_version"]}
    stated |= {"numpy": metadata["numpy_version"], **metadata["required_packages_version"]}
    assert {name: pins[name] for name in stated} == stated
    assert metadata["version"] in metadata["changelog"]
    assert f'version = "{metadata["version"]}"' in (BUNDLE.parent / "pyproject.toml").read_text()


@pytest.mark.parametrize("path", CONFIGS)
def test_every_component_that_a_config_names_exists(path: str) -> None:
    for name in re.findall(r"\bscripts\.[\w.]+", (BUNDLE / path).read_text()):
        package, _, attribute = name.rpartition(".")
        assert hasattr(importlib.import_module(package), attribute), name


def parse(content: str, *configs: str, **overrides: object) -> object:
    """One item of merged configs."""
    parser = ConfigParser()
    parser.read_config([f"configs/{config}" for config in configs])
    for name, value in overrides.items():
        parser[name] = value
    return parser.get_parsed_content(content)


@pytest.mark.parametrize(
    ("config", "name", "folder"),
    [
        ("train.json", "train#dataset", "dataset_dir"),
        ("train.json", "validate#dataset", "dataset_dir"),
        ("evaluate.json", "dataset", "dataset_dir"),
        ("evaluate.json", "validation_dataset", "validation_dir"),
        ("inference.json", "dataset", "dataset_dir"),
    ],
)
def test_settings_of_the_images_reach_each_data_set(config: str, name: str, folder: str, tmp_path: Path) -> None:
    pixels = np.random.default_rng(0).random((8, 8), np.float32)
    nib.Nifti1Image(pixels, np.diag([0.5, 1.0, 1.0, 1.0])).to_filename(tmp_path / "a.nii")
    where = {folder: str(tmp_path), "image_size": [16, 16]}
    dataset = parse(name, config, **where)
    assert (dataset.series[0].fit.scaled, dataset.prepare.voi) == ((8, 16), False)
    dataset = parse(name, config, **where, region=[0, 0, 8, 2], stretch=True, voi=True)
    assert (dataset.series[0].fit.scaled, dataset.prepare.voi) == ((16, 16), True)
    assert dataset.series[0].fit.scale == (2.0, 8.0)


@pytest.mark.parametrize("config", ["evaluate.json", "inference.json"])
def test_the_slices_of_a_plane_are_frames(config: str, tmp_path: Path) -> None:
    nib.Nifti1Image(np.random.default_rng(0).random((8, 9, 10), np.float32), np.eye(4)).to_filename(tmp_path / "a.nii")
    planes = {None: (8, 9, 10), "axial": (8, 9, 10), "coronal": (8, 10, 9), "sagittal": (9, 10, 8)}
    for plane, (x, y, frames) in planes.items():
        (series,) = parse("dataset", config, dataset_dir=str(tmp_path), image_size=[16, 16], plane=plane).series
        assert (*series.fit.original, series.length) == (x, y, frames)
    with pytest.raises(Exception) as error:
        parse("dataset", config, dataset_dir=str(tmp_path), plane="oblique")
    assert "axial" in str(find_input_error(error.value))


@pytest.mark.parametrize("config", ["train.json", "evaluate.json", "inference.json"])
@pytest.mark.parametrize(
    ("variant", "layers"), [("regression", 3), ("regression_1", 1), ("regression_2", 2), ("regression_4", 4)]
)
def test_heads_of_one_to_four_layers(config: str, variant: str, layers: int) -> None:
    head = parse("network_def", config, f"head/{variant}.json").head
    linear = [module for module in [*head.hidden_layers, head.output_layer] if isinstance(module, torch.nn.Linear)]
    assert 1 + len(linear) == layers


@pytest.mark.parametrize("config", ["train.json", "evaluate.json", "inference.json"])
def test_the_correlation_head_may_be_named(config: str) -> None:
    assert isinstance(
        parse("network_def", config, "paper.json", "head/correlation.json", **SMALL).head, CorrelationHead
    )


@pytest.mark.parametrize(
    ("variant", "kind", "sigma"),
    [("gaussian", GaussianNLLLoss, 1.0), ("laplace", LaplaceNLLLoss, 2**0.5), ("beta_nll", BetaNLLLoss, 1.0)],
)
def test_losses(variant: str, kind: type, sigma: float) -> None:
    config = f"loss/{variant}.json"
    assert isinstance(parse("loss", "train.json", config).likelihood, kind)
    # the standard deviation of the distribution of scale 1
    for workflow in ("train.json", "inference.json"):
        assert parse("sigma_per_scale", workflow, config) == sigma


def test_each_workflow_takes_its_part_of_a_data_list(tmp_path: Path) -> None:
    names = {part: f"{part}.png" for part in ("training", "validation", "test")}
    for name in names.values():
        Image.new("L", (8, 8)).save(tmp_path / name)
    datalist = tmp_path / "datalist.json"
    datalist.write_text(json.dumps({part: [{"image": name}] for part, name in names.items()}))
    given = {"dataset_dir": str(tmp_path), "datalist": str(datalist)}
    taken = [
        ("training_series", "train.json", "training"),
        ("validation_series", "train.json", "validation"),
        ("series", "evaluate.json", "test"),
        ("series", "inference.json", "test"),
    ]
    for item, config, part in taken:
        assert [series.name for series in parse(item, config, **given)] == [names[part]]
    # nothing is held out of a part, whatever a data config says
    assert len(parse("train#dataset", "train.json", "data/phantom.json", **given)) == 1


@pytest.mark.parametrize("variant", ["regression", "regression_1"])
def test_the_scale_is_learned_in_most_of_even_a_short_training(variant: str) -> None:
    given = {"series": [], "max_epochs": 10, "steps_per_epoch": 50}
    assert parse("fixed_scale_steps", "train.json", f"head/{variant}.json", **given) == 125
    assert parse("fixed_scale_steps", "train.json", f"head/{variant}.json", **{**given, "max_epochs": 100}) == 500


SMALL = {"encoder": "resnet18", "pretrained": False}


def test_the_papers_network() -> None:
    network = parse("network_def", "train.json", "paper.json", **{"pretrained": False, "head#hidden_channels": 8})
    assert network.image_encoder.channels[-1] == 512
    assert type(network.image_encoder).__name__ == "TimmEncoder"
    assert [type(module).__name__ for module in network.head.hidden_layers].count("Linear") == 1
    assert parse("head#hidden_channels", "train.json", "paper.json") == 4096
    network.eval()
    assert network(torch.rand(1, 1, 224, 224), torch.rand(1, 1, 50, 50)).shape == (1, 4)


@pytest.mark.parametrize("patch_size", [32, 40, 50, 60, 70, 80])
def test_the_papers_patch_sizes(patch_size: int) -> None:
    augment = parse("augment", "train.json", "paper.json", patch_size=patch_size)
    _, patch, center = augment(torch.rand(2, 1, 224, 224))
    assert patch.shape == (2, 1, patch_size, patch_size)
    assert center.shape == (2, 2)


@pytest.mark.parametrize("config", ["train.json", "evaluate.json", "inference.json"])
def test_the_default_folder_of_images_is_missed_with_a_clear_word(config: str) -> None:
    made = ConfigWorkflow(config_file=f"configs/{config}", meta_file="configs/metadata.json", workflow_type="train")
    with pytest.raises(Exception) as caught:
        made.parser.get_parsed_content("series")
    cause = caught.value
    while not isinstance(cause, InputError):
        cause = cause.__cause__
    assert "--dataset_dir must be a folder of images" in str(cause)


@pytest.mark.parametrize(
    ("config", "name"),
    [
        ("inference.json", "examples"),
        ("evaluate.json", "examples"),
        ("evaluate.json", "truth"),
        ("evaluate.json", "validation_truth"),
    ],
)
@pytest.mark.parametrize(
    ("file", "message"),
    [
        ("a.csv", "a.csv: the file is empty"),
        ("a.mrk.json", "a.mrk.json: not a 3D Slicer Markups file"),
        ("a.fcsv", "a.fcsv: there is no placed point"),
        ("a.dcm", "a.dcm: cannot be read as a DICOM Structured Report"),
    ],
)
def test_a_faulty_file_of_points_is_told_before_images_are_read(
    tmp_path: Path, weights: str, config: str, name: str, file: str, message: str
) -> None:
    (tmp_path / file).write_text("")
    with pytest.raises(Exception) as caught:
        workflow(config, "infer", ckpt_path=weights, **{"dataset_dir": "no folder", name: str(tmp_path / file)})
    assert message in str(find_input_error(caught.value))
