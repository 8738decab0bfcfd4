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
"""The zip as it is shared: the same bytes each time, and nothing is needed beside it."""

from __future__ import annotations

import subprocess
import sys
import zipfile
from pathlib import Path

import pytest
import torch

from bundle_command import of_a_stranger, package

NAME = "landmark_template_matching"
SMALL = ["--image_size", "[48,44]", "--patch_size", "16"]
META = ["--meta_file", "configs/metadata.json"]
SHIPPED = "['configs/inference.json','configs/data/chest_xray.json']"
BUNDLE_RUN = ["-m", "monai.bundle", "run"]


@pytest.fixture(scope="module")
def unpacked(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The bundle's folder, from the zip."""
    folder = tmp_path_factory.mktemp("package")
    with zipfile.ZipFile(package(folder / "bundle.zip")) as file:
        file.extractall(folder)
    return folder / NAME


def run(folder: Path, *arguments: str) -> str:
    done = subprocess.run([sys.executable, *arguments], cwd=folder, env=of_a_stranger(), capture_output=True, text=True)
    assert done.returncode == 0, done.stdout[-2000:] + done.stderr[-3000:]
    return done.stdout


def test_it_has_the_same_bytes_each_time(tmp_path):
    assert package(tmp_path / "one.zip").read_bytes() == package(tmp_path / "two.zip").read_bytes()


def test_all_is_in_it_that_is_needed_to_train_evaluate_infer_and_export(unpacked, tmp_path):
    own = run(unpacked, "-c", "import scripts; print(scripts.__file__)").strip()
    assert own == str(unpacked / "scripts" / "__init__.py")
    images, out = tmp_path / "images", tmp_path / "out"
    phantom = ["--subjects", "0-1", "--n_frames", "5", "--size", "48", "44", "--motion_px", "4"]
    run(unpacked, "-m", "scripts.data.phantom", "--output_dir", str(images), *phantom)
    data = ["--dataset_dir", str(images), "--output_dir", str(out), *SMALL]
    short = ["--ckpt_dir", str(out), "--max_epochs", "1", "--steps_per_epoch", "2", "--patches_per_image", "2"]
    run(unpacked, *BUNDLE_RUN, "training", "--config_file", "configs/train.json", *data, *short)
    trained = ["--ckpt_path", str(out / "model.pt"), "--examples", str(images / "examples.csv")]
    run(unpacked, *BUNDLE_RUN, "evaluating", "--config_file", "configs/evaluate.json", *data, *trained)
    run(unpacked, *BUNDLE_RUN, "inferring", "--config_file", "configs/inference.json", *data, *trained)
    assert (out / "metrics.json").is_file()
    assert (out / "landmarks.csv").is_file()
    exporting = [*META, "--config_file", "['configs/inference.json','configs/export.json']", *SMALL, *trained[:2]]
    run(unpacked, *BUNDLE_RUN, "exporting", *exporting, "--output_dir", str(out / "export"))
    assert (out / "export" / "model.ts").is_file()


@pytest.mark.parametrize("config", ["configs/inference.json", SHIPPED])
def test_monai_verifies_shapes_in_and_out(unpacked, config):
    network = ["--net_id", "network_def", "--config_file", config, "--device", "cpu"]
    run(unpacked, "-m", "monai.bundle", "verify_net_in_out", *META, *network)


def test_monai_exports_the_weights_as_torchscript(unpacked, tmp_path):
    path = str(tmp_path / "model.ts")
    weights = ["--filepath", path, "--ckpt_file", "models/model.pt", "--config_file", SHIPPED]
    run(unpacked, "-m", "monai.bundle", "ckpt_export", "network_def", *META, *weights)
    scripted = torch.jit.load(path).state_dict()
    state = torch.load(unpacked / "models" / "model.pt", weights_only=True)
    assert [name for name, value in state.items() if not torch.equal(scripted[name], value)] == []
