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
"""What the Model Zoo asks of the bundle's folder."""

from __future__ import annotations

import re
import subprocess

import pytest
import torch
from monai.bundle import load

from bundle_command import BUNDLE

LARGEST = 25e6  # bytes
OF_SOMEBODY = re.compile(rb"(/(?:home|Users)/\w|/(?:root|work)/|[A-Z]:\\Users)")
TEXT = {".py", ".json", ".md", ".txt", ".csv", ".conf", ".js", ".html", ".css", ".toml", ".yml", ""}


@pytest.fixture(scope="module")
def files() -> list[str]:
    listed = subprocess.run(["git", "ls-files"], cwd=BUNDLE, capture_output=True, text=True, check=True)
    return listed.stdout.splitlines()


def test_what_must_be_there_is_there(files):
    for name in ("LICENSE", "configs/metadata.json", "configs/train.json", "configs/inference.json"):
        assert name in files
    for name in ("configs/evaluate.json", "configs/logging.conf", "docs/README.md", "docs/data_license.txt"):
        assert name in files
    assert {"models/model.pt", "models/model.ts"} <= set(files)
    assert (BUNDLE / "LICENSE").read_bytes() == (BUNDLE.parent / "LICENSE").read_bytes()


def test_files_are_small_enough_to_be_shared(files):
    assert {name: size for name in files if (size := (BUNDLE / name).stat().st_size) > LARGEST} == {}


def test_no_path_of_anybodys_computer_is_in_them(files):
    found = {}
    for name in files:
        path = BUNDLE / name
        if path.suffix in TEXT and (match := OF_SOMEBODY.search(path.read_bytes())):
            found[name] = match.group()
    assert found == {}


def test_weights_and_torchscript_are_loaded_by_monai():
    here = {"bundle_dir": BUNDLE.parent, "source": "github", "repo": "nobody/nothing/0"}  # what is there is not fetched
    network = load("bundle", **here).eval()
    weights = torch.load(BUNDLE / "models" / "model.pt", weights_only=True)
    state = network.state_dict()
    assert [name for name, value in weights.items() if not torch.equal(value, state[name])] == []
    scripted, metadata, _ = load("bundle", model_file="models/model.ts", load_ts_module=True, **here)
    image, patch = torch.rand(1, 1, 112, 112), torch.rand(2, 1, 96, 96)
    with torch.no_grad():
        torch.testing.assert_close(scripted(image, patch), network(image, patch), atol=1e-5, rtol=0)
    assert metadata["name"] == "Label-free landmark template matching"
