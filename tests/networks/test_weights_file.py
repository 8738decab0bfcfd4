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
"""What tells a file of weights from others."""

from __future__ import annotations

import json
import logging
import shutil
import subprocess
from pathlib import Path

import pytest
import torch

from bundle_command import BUNDLE
from scripts.io import InputError
from scripts.io.shipped_files import find_shipped_file
from scripts.networks import WeightsFile, load_weights

MODELS = BUNDLE / "models"


def test_the_list_of_shipped_files_is_true_and_whole() -> None:
    subprocess.run(["sha256sum", "--check", "--strict", "--quiet", "SHA256SUMS"], cwd=MODELS, check=True)
    listed = {line.split()[1] for line in (MODELS / "SHA256SUMS").read_text().splitlines()}
    assert listed == {path.name for path in MODELS.iterdir()} - {"README.md", "SHA256SUMS"}


def test_shipped_weights_are_known_under_any_name(tmp_path: Path) -> None:
    shutil.copy(MODELS / "model.pt", tmp_path / "mine.pt")
    of_own_name, copied = WeightsFile.of(MODELS / "model.pt"), WeightsFile.of(tmp_path / "mine.pt")
    assert (of_own_name.name, of_own_name.shipped) == ("chest X-rays", True)
    assert (copied.name, copied.shipped, copied.sha256) == ("mine.pt", True, of_own_name.sha256)
    assert find_shipped_file(tmp_path) is None  # nothing is lost if mine.pt is written over
    assert find_shipped_file(MODELS) == MODELS / "model.pt"


def test_own_weights_are_called_as_training_called_them(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    torch.save(torch.nn.Linear(1, 1).state_dict(), tmp_path / "model.pt")
    (tmp_path / "model.json").write_text(json.dumps({"name": "trained on livers"}))
    with caplog.at_level(logging.INFO):
        load_weights(torch.nn.Linear(1, 1), tmp_path / "model.pt")
    weights = WeightsFile.of(tmp_path / "model.pt")
    assert not weights.shipped
    expected = f"weights: {tmp_path / 'model.pt'} (trained on livers, SHA-256 {weights.sha256[:12]}...)"
    assert caplog.messages == [expected]


def test_a_file_that_is_not_there_is_told(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"none\.pt cannot be read"):
        WeightsFile.of(tmp_path / "none.pt")
