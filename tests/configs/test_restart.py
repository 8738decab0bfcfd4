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
"""A training run that is killed and started again by the same command."""

from __future__ import annotations

import time
from pathlib import Path

import torch

from bundle_command import assert_ran, run_bundle, start_bundle

# the regression head has dropout, so the random number generators matter
CONFIGS = ["train.json", "head/regression.json"]
TINY = ["--image_size", "[48,44]", "--patch_size", "16", "--batch_size", "2", "--patches_per_image", "2"]
SHORT = ["--max_epochs", "4", "--steps_per_epoch", "2", "--val_interval", "2"]


def where(phantom: Path, folder: Path) -> list[str]:
    return ["--dataset_dir", str(phantom), "--ckpt_dir", str(folder), "--output_dir", str(folder)]


def test_a_killed_run_goes_on_and_ends_with_the_same_weights(phantom: Path, tmp_path: Path) -> None:
    whole, killed = tmp_path / "whole", tmp_path / "killed"
    assert_ran(run_bundle("training", CONFIGS, *where(phantom, whole), *TINY, *SHORT))
    process = start_bundle("training", CONFIGS, *where(phantom, killed), *TINY, *SHORT)
    while not (killed / "checkpoint.pt").exists():
        assert process.poll() is None, process.communicate()
        time.sleep(0.01)
    process.kill()
    process.communicate()
    epoch = torch.load(killed / "checkpoint.pt", weights_only=True)["epoch"]
    assert epoch < 4
    result = run_bundle("training", CONFIGS, *where(phantom, killed), *TINY, *SHORT)
    assert_ran(result)
    assert f"going on after epoch {epoch}" in result.stdout + result.stderr
    for name in ("checkpoint.pt", "model.pt"):
        expected, found = (torch.load(folder / name, weights_only=True) for folder in (whole, killed))
        weights = [content.get("objects", {}).get("network", content) for content in (expected, found)]
        assert all(torch.equal(weights[1][key], value) for key, value in weights[0].items()), name
    assert (killed / "training" / "history.csv").read_text() == (whole / "training" / "history.csv").read_text()
