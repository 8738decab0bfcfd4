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
"""The command that a training ends with."""

from __future__ import annotations

import logging
from pathlib import Path

import pytest

from bundle_command import BUNDLE
from scripts.runs import log_next_command


def command(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture, folder: Path, files: list[str], *options: str
) -> str:
    paths = str([str(BUNDLE / "configs" / name) for name in ["train.json", *files]])
    words = ["monai/bundle/__main__.py", "run", "training", "--config_file", paths, *options]
    monkeypatch.setattr("sys.argv", words)
    (folder / "model.pt").touch()
    with caplog.at_level(logging.INFO):
        log_next_command(folder / "model.pt")
    return caplog.messages[-1]


def test_it_has_what_describes_the_network_and_its_images(monkeypatch, caplog, tmp_path):
    files = ["data/chest_xray.json", "head/regression.json", "adapt.json", "multi_gpu_train.json"]
    options = ["--image_encoder#zoom", "2", "--image_size", "[64,48]", "--max_epochs", "3", "--dataset_dir", "x"]
    said = command(monkeypatch, caplog, tmp_path, files, *options)
    for part in ("inference.json", "chest_xray.json", "regression.json", "--image_encoder#zoom 2", "'[64, 48]'"):
        assert part in said
    assert f"--ckpt_path {tmp_path / 'model.pt'}" in said
    for part in ("train.json", "adapt.json", "multi_gpu", "max_epochs", "--dataset_dir x"):
        assert part not in said


def test_of_another_kind_of_network_only_the_weights_are_named(monkeypatch, caplog, tmp_path):
    said = command(monkeypatch, caplog, tmp_path, ["baseline/simclr_image.json"])
    assert said == f"the weights are in {tmp_path / 'model.pt'}"


def test_that_there_are_none_is_said(caplog, tmp_path):
    log_next_command(tmp_path / "model.pt")
    assert "there is no" in caplog.messages[-1]
