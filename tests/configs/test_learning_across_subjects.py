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
"""Training across subjects, by flow, and adapting: real command line, real files, tiny sizes."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch

from bundle_command import assert_ran, run_bundle

TINY = ["--image_size", "[48,44]", "--patch_size", "16", "--patch_zoom", "2", "--batch_size", "4"]
SHORT = ["--max_epochs", "1", "--steps_per_epoch", "2", "--patches_per_image", "2"]


@pytest.fixture(scope="module")
def trained(phantom: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Weights of a training by flow, with patches that are seen twice."""
    folder = tmp_path_factory.mktemp("models")
    where = ["--dataset_dir", str(phantom), "--ckpt_dir", str(folder), "--output_dir", str(folder)]
    assert_ran(run_bundle("training", ["train.json", "augment/across_subjects.json"], *where, *TINY, *SHORT))
    return folder / "model.pt"


def read(path: Path) -> dict[str, torch.Tensor]:
    return torch.load(path, weights_only=True)


def test_flow_teaches_and_the_patch_encoder_has_two_views(trained: Path) -> None:
    assert read(trained)["patch_encoder.encoder.stages.0.conv.weight"].shape[1] == 2
    settings = torch.load(trained.with_name("checkpoint.pt"), weights_only=True)["settings"]
    assert settings["correspondence"].startswith("FlowCorrespondence(")


def test_adapting_keeps_the_weights_that_have_the_smaller_cyclic_error(
    phantom: Path, trained: Path, tmp_path: Path
) -> None:
    """A rate that spoils the network: the weights from before stay."""
    where = ["--dataset_dir", str(phantom), "--output_dir", str(tmp_path), "--ckpt_path", str(trained)]
    options = [*where, *TINY, *SHORT, "--learning_rate", "10"]
    run = run_bundle("training", ["train.json", "adapt.json"], *options)
    assert_ran(run)
    told = [line for line in (run.stdout + run.stderr).splitlines() if "val_cyclic_error_px" in line]
    assert any("the best so far" in line for line in told)
    assert any("no better" in line for line in told)
    before, after = read(trained), read(tmp_path / "models" / "model.pt")
    assert all(torch.equal(before[name], after[name]) for name in before)
