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
"""Two processes, by gloo on the CPU, do what one does."""

from __future__ import annotations

import csv
import json
from pathlib import Path

import pytest
import torch

from bundle_command import assert_ran, run_bundle

# no batch statistics (they are synchronised on GPUs only), no dropout: all that remains must be equal
SAME = ["--image_encoder#norm", "instance", "--patch_encoder#norm", "instance"]
SIZES = ["--image_size", "[48,44]", "--patch_size", "32", "--patch_zoom", "1"]
TRAINING = ["--max_epochs", "2", "--steps_per_epoch", "3", "--val_interval", "1", "--patches_per_image", "2"]
TRAINING += ["--scaled_learning_rate", "0.001", "--head#dropout", "0.0"]
PROCESSES = (1, 2)


@pytest.fixture(scope="module")
def trained(phantom: Path, tmp_path_factory: pytest.TempPathFactory) -> dict:
    """Folders of a run with one process and of one with two, of the same global batch."""
    folders = {}
    for processes in PROCESSES:
        folders[processes] = folder = tmp_path_factory.mktemp(f"processes_{processes}")
        configs = ["train.json", "head/regression.json"] + ["multi_gpu_train.json"] * (processes > 1)
        options = ["--dataset_dir", str(phantom), "--ckpt_dir", str(folder), "--output_dir", str(folder)]
        options += ["--batch_size", str(4 // processes), *SIZES, *TRAINING, *SAME]
        assert_ran(run_bundle("training", configs, *options, processes=processes))
    return folders


def test_training_has_the_same_curves_and_weights(trained: dict) -> None:
    one, two = (list(csv.DictReader((trained[n] / "training" / "history.csv").open())) for n in PROCESSES)
    assert [list(row) for row in one] == [list(row) for row in two]
    for expected, found in zip(one, two, strict=True):
        assert {k: float(v) for k, v in found.items()} == pytest.approx(
            {k: float(v) for k, v in expected.items()}, rel=1e-3
        )
    weights = [torch.load(trained[n] / "model.pt", weights_only=True) for n in PROCESSES]
    assert list(weights[0]) == list(weights[1])
    for name, value in weights[0].items():
        # a bias before a norm has no effect: its gradient is rounding errors, which Adam makes steps of
        if value.ndim > 1:
            torch.testing.assert_close(weights[1][name], value, atol=1e-3, rtol=1e-2)


def test_evaluation_is_identical(trained: dict, phantom: Path, tmp_path: Path) -> None:
    metrics = []
    for processes in PROCESSES:
        configs = ["evaluate.json", "data/phantom.json", "head/regression.json"]
        configs += ["multi_gpu_evaluate.json"] * (processes > 1)
        options = ["--dataset_dir", str(phantom), "--ckpt_path", str(trained[1] / "model.pt"), *SIZES, *SAME]
        # 12 frames in batches of 5: the last batch is smaller, and the processes have other batches than one has
        options += ["--batch_size", "5", "--output_dir", str(tmp_path / str(processes))]
        assert_ran(run_bundle("evaluating", configs, *options, processes=processes))
        metrics.append(json.loads((tmp_path / str(processes) / "metrics.json").read_text()))
    for one in metrics:
        assert one.pop("inference_time")["ms_per_image"] > 0  # the one figure that is a time
    assert metrics[1] == metrics[0]
