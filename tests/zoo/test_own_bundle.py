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
"""A bundle of one's own made from this one by ``init_bundle``: own metadata and weights, these components."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
import torch
from monai.bundle import ConfigParser, init_bundle

from bundle_command import BUNDLE, assert_ran, of_a_stranger
from scripts.data.phantom import write_phantom

SETTINGS = {"image_size": [48, 44], "patch_size": 16, "title": "Mine"}


@pytest.fixture(scope="module")
def images(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("images")
    write_phantom(folder, subjects=range(1), size=(48, 44), n_frames=4, motion_px=3.0)
    return folder


@pytest.mark.parametrize("own_weights", ["file", "network"])
def test_a_new_bundle_runs_with_the_components_of_this_one(own_weights, images, tmp_path):
    inference = {**json.loads((BUNDLE / "configs" / "inference.json").read_text(encoding="utf-8")), **SETTINGS}
    metadata = {**json.loads((BUNDLE / "configs" / "metadata.json").read_text(encoding="utf-8")), "name": "Mine"}
    network = ConfigParser(inference).get_parsed_content("network_def")
    torch.save(network.state_dict(), tmp_path / "trained.pt")
    weights = {"ckpt_file": tmp_path / "trained.pt"} if own_weights == "file" else {"network": network}
    mine = tmp_path / "mine"
    init_bundle(mine, metadata_str=metadata, inference_str=inference, **weights)
    shutil.copytree(BUNDLE / "scripts", mine / "scripts")
    command = [sys.executable, "-m", "monai.bundle", "run", "inferring", "--config_file", "configs/inference.json"]
    command += ["--meta_file", "configs/metadata.json", "--dataset_dir", str(images)]
    command += ["--examples", str(images / "examples.csv")]
    assert_ran(subprocess.run(command, cwd=mine, env=of_a_stranger(), capture_output=True, text=True))
    assert len((mine / "eval" / "landmarks.csv").read_text(encoding="utf-8").splitlines()) > 4
    assert "Mine" in (mine / "eval" / "index.html").read_text(encoding="utf-8")
