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
"""What a user meets who types a command: nothing shipped is written over, faults are one line, any folder will do."""

from __future__ import annotations

import csv
import hashlib
import json
import os
import shlex
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
import torch

from bundle_command import BUNDLE, assert_ran, of_a_stranger, run_bundle, start_bundle

TINY = ["--image_size", "[48,44]", "--patch_size", "16", "--patch_zoom", "1", "--batch_size", "2"]
SHORT = ["--max_epochs", "1", "--steps_per_epoch", "2", "--val_interval", "1", "--patches_per_image", "2"]
INFER = ["inference.json", "data/echo_demo.json"]


def hashes() -> dict[str, str]:
    return {path.name: hashlib.sha256(path.read_bytes()).hexdigest() for path in (BUNDLE / "models").iterdir()}


def one_line(result: subprocess.CompletedProcess[str]) -> str:
    """What a run says that is refused: one line, and nothing of Python."""
    assert result.returncode == 1
    text = result.stdout + result.stderr
    assert "Traceback" not in text
    lines = [line for line in text.splitlines() if line.startswith("error: ")]
    assert len(lines) == 1
    return lines[0]


@pytest.fixture(scope="module")
def trained(phantom: Path, tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, str]:
    """Results of a training that is given no folder for weights, and what it said."""
    folder = tmp_path_factory.mktemp("output")
    before = hashes()
    run = run_bundle(
        "training", ["train.json"], "--dataset_dir", str(phantom), "--output_dir", str(folder), *TINY, *SHORT
    )
    assert_ran(run)
    assert hashes() == before
    return folder, run.stdout + run.stderr


def test_training_writes_to_the_output_folder_and_says_what_to_type_next(
    phantom: Path, trained: tuple[Path, str], tmp_path: Path
) -> None:
    folder, said = trained
    assert {path.name for path in (folder / "models").iterdir()} == {"model.pt", "model.json", "checkpoint.pt"}
    command = said[said.index("python -m monai.bundle run inferring") :].replace("\\\n", " ").splitlines()[0]
    for given, real in (
        ("/path/to/images", phantom),
        ("/path/to/examples.csv", phantom / "examples.csv"),
        ("/path/to/results", tmp_path),
    ):
        command = command.replace(given, str(real))
    words = shlex.split(command)
    assert words[0] == "python"
    run = subprocess.run([sys.executable, *words[1:]], cwd=BUNDLE, capture_output=True, text=True, env=of_a_stranger())
    assert_ran(run)
    digest = hashlib.sha256((folder / "models" / "model.pt").read_bytes()).hexdigest()
    assert f"trained on {phantom.name}, SHA-256 {digest[:12]}" in run.stdout + run.stderr
    assert "trained with" not in run.stdout + run.stderr  # the sizes are those of the training
    assert json.loads((tmp_path / "runs.json").read_text())["inferring"]["weights"]["sha256"] == digest


def test_an_evaluation_writes_which_weights_it_judged(phantom: Path, trained: tuple[Path, str], tmp_path: Path) -> None:
    weights = trained[0] / "models" / "model.pt"
    options = ["--dataset_dir", str(phantom), "--ckpt_path", str(weights), "--output_dir", str(tmp_path), *TINY]
    run = run_bundle("evaluating", ["evaluate.json", "data/phantom.json"], *options)
    assert_ran(run)
    assert f"weights: {weights} (trained on {phantom.name}" in run.stdout + run.stderr
    digest = hashlib.sha256(weights.read_bytes()).hexdigest()
    expected = {"path": str(weights), "sha256": digest, "name": f"trained on {phantom.name}", "shipped": False}
    assert json.loads((tmp_path / "metrics.json").read_text())["weights"] == expected
    report = (tmp_path / "report.html").read_text()
    assert digest in report
    assert str(weights) in report


def test_training_into_the_shipped_models_is_refused(phantom: Path, tmp_path: Path) -> None:
    before = hashes()
    for folders in (["--ckpt_dir", "models", "--output_dir", str(tmp_path)], ["--output_dir", "models"]):
        run = run_bundle("training", ["train.json"], "--dataset_dir", str(phantom), *folders, *TINY, *SHORT)
        assert "is for the weights as shipped, which no run writes over" in one_line(run)
    assert hashes() == before


@pytest.mark.parametrize(
    ("run_id", "configs"),
    [
        ("training", ["train.json"]),
        ("evaluating", ["evaluate.json"]),
        ("inferring", ["inference.json"]),
        ("live", ["inference.json", "live.json"]),
        ("exporting", ["inference.json", "export.json"]),
        ("sweeping", ["sweep/layers.json"]),
    ],
)
def test_every_run_refuses_a_mistyped_option(run_id: str, configs: list[str], tmp_path: Path) -> None:
    said = one_line(run_bundle(run_id, configs, "--dataset_dri", str(tmp_path), "--output_dir", str(tmp_path / "out")))
    assert said.startswith("error: there is no option --dataset_dri; did you mean --dataset_dir")
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize("path", sorted((BUNDLE / "configs").rglob("*.json")), ids=lambda path: path.name)
def test_every_config_that_says_what_is_run_checks_options_and_folder_first_and_ends_the_folder(path: Path) -> None:
    config = json.loads(path.read_text())
    if "initialize" in config:
        assert config["initialize"][:2] == ["$@scripts.io.report_input_errors()", "$@scripts.runs.check_options()"]
        assert "@output" in config["initialize"]
    if "run" in config:
        assert "$@output.finish()" in config["run"]


@pytest.mark.parametrize("run_id", ["training", "inferring"])
def test_folders_that_cannot_be_had_are_refused(run_id: str, tmp_path: Path) -> None:
    configs = ["train.json"] if run_id == "training" else ["inference.json"]
    (tmp_path / "file").write_text("")
    for output, fault in (("file", "file is a file; give --output_dir a folder"), ("out", "lies in the data set")):
        options = ["--dataset_dir", str(tmp_path), "--output_dir", str(tmp_path / output)]
        assert fault in one_line(run_bundle(run_id, configs, *options))


def test_a_folder_in_use_is_refused_and_free_again_after_a_kill(phantom: Path, tmp_path: Path) -> None:
    where = ["--dataset_dir", str(phantom), "--output_dir", str(tmp_path)]
    training = start_bundle("training", ["train.json"], *where, *TINY, *SHORT[2:], "--max_epochs", "1000")
    try:
        while not (tmp_path / "models" / "checkpoint.pt").exists():
            assert training.poll() is None, training.communicate()
            time.sleep(0.05)
        said = one_line(run_bundle("inferring", INFER, "--output_dir", str(tmp_path)))
        assert "is in use by another run" in said
    finally:
        training.send_signal(signal.SIGKILL)
        training.communicate()
    assert_ran(run_bundle("inferring", INFER, "--output_dir", str(tmp_path), "--max_pictures", "0"))
    assert not [path for path in tmp_path.rglob(".*") if "-" in path.name]


def test_a_second_run_leaves_no_picture_of_the_first(tmp_path: Path) -> None:
    for number in (1, 0):
        assert_ran(run_bundle("inferring", INFER, "--output_dir", str(tmp_path), "--max_pictures", str(number)))
        assert len(list(tmp_path.rglob("*.gif"))) == number


@pytest.mark.skipif(os.geteuid() != 0, reason="mounts a small disk")
def test_a_disk_that_runs_full_is_one_line_and_keeps_what_was_there(phantom: Path, tmp_path: Path) -> None:
    disk = tmp_path / "disk"
    disk.mkdir()
    # room for the check before the work, and not for the clip
    if subprocess.run(["mount", "-t", "tmpfs", "-o", "size=1400k", "tmpfs", disk], capture_output=True).returncode:
        pytest.skip("cannot mount a disk here")
    try:
        said = one_line(run_bundle("inferring", INFER, "--output_dir", str(disk / "out")))
        assert "cannot be written (No space left on device)" in said
        whole = list(csv.DictReader((disk / "out" / "landmarks.csv").open()))
        assert len(whole) == 30 * 4
        assert not list(disk.rglob("*.gif"))
        # the weights and the checkpoint of a training take 20 MB
        where = ["--dataset_dir", str(phantom), "--output_dir", str(disk / "trained")]
        said = one_line(run_bundle("training", ["train.json"], *where, *TINY, *SHORT))
        assert "cannot be written (No space left on device)" in said
        assert not list(disk.rglob("model.pt"))
    finally:
        subprocess.run(["umount", "-l", disk], check=True)


def elsewhere(folder: Path, *options: str) -> subprocess.CompletedProcess[str]:
    """Inferring in a folder that has scripts of its own."""
    (folder / "scripts").mkdir(exist_ok=True)
    (folder / "scripts" / "__init__.py").write_text("")
    files = str([str(BUNDLE / "configs" / name) for name in INFER])
    command = [sys.executable, "-m", "monai.bundle", "run", "inferring", "--config_file", files, *options]
    return subprocess.run(command, cwd=folder, capture_output=True, text=True, env=of_a_stranger())


def test_the_bundle_runs_from_any_folder(tmp_path: Path) -> None:
    run = elsewhere(tmp_path, "--bundle_root", str(BUNDLE), "--output_dir", "out", "--max_pictures", "0")
    assert_ran(run)
    assert len(list(csv.DictReader((tmp_path / "out" / "landmarks.csv").open()))) == 30 * 4


def test_another_folder_without_its_root_is_told_what_to_type(tmp_path: Path) -> None:
    said = one_line(elsewhere(tmp_path, "--output_dir", "out"))
    expected = f"error: {tmp_path} is not the folder of the bundle; run there, or give --bundle_root /path/to/bundle"
    assert said == expected


def test_adapting_writes_beside_its_results(phantom: Path, tmp_path: Path) -> None:
    before = hashes()
    options = ["--dataset_dir", str(phantom), "--output_dir", str(tmp_path), "--steps_per_epoch", "1"]
    options += ["--image_size", "[48,44]", "--batch_size", "2", "--patches_per_image", "2", "--max_epochs", "1"]
    run = run_bundle("training", ["train.json", "adapt.json"], *options)
    assert_ran(run)
    assert torch.load(tmp_path / "models" / "model.pt", weights_only=True)
    assert hashes() == before
