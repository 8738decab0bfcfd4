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
"""What ``make label`` starts, and what ``make clean`` removes, in a copy of the folder with nothing else in it."""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """The Makefile, beside an environment whose Python only writes down its arguments."""
    folder = tmp_path / "root"
    python = folder / ".venv-label" / "bin" / "python"
    python.parent.mkdir(parents=True)
    for name in ("Makefile", "pyproject.toml", "constraints.txt"):
        shutil.copy(ROOT / name, folder)
    python.write_text('#!/bin/sh\nprintf "%s\\n" "$@" > "$ARGUMENTS"\n')
    python.chmod(0o755)
    (folder / ".venv-label" / ".installed").touch()
    return folder


def make(root: Path, *words: str) -> list[str]:
    """What it prints, or the arguments that it gives to Python."""
    told = root.parent / "arguments"
    environment = {name: value for name, value in os.environ.items() if name not in ("STUDIES", "CKPT", "CONFIG")}
    made = subprocess.run(
        ["make", "-s", *words], cwd=root, env=environment | {"ARGUMENTS": str(told)}, capture_output=True, text=True
    )
    assert made.returncode == 0, made.stderr
    return (told.read_text() if told.exists() else made.stdout).splitlines()


def option(arguments: list[str], name: str) -> str:
    return arguments[arguments.index(name) + 1]


def test_a_folder_of_ones_own_is_annotated_with_the_weights_for_single_images(root):
    folder = root.parent / "my $$ 'images'"
    arguments = make(root, "label", f"STUDIES={folder}")
    assert option(arguments, "--studies") == str(folder).replace("$$", "$")
    assert option(arguments, "--ckpt_path") == "bundle/models/model.pt"
    assert option(arguments, "--config_file") == "bundle/configs/data/chest_xray.json"
    assert not (root / "label_demo").exists()
    for word in ("--ckpt_path", "--config_file"):
        assert (ROOT / option(arguments, word)).is_file()


def test_weights_of_ones_own_come_with_their_config_or_none(root):
    arguments = make(root, "label", "STUDIES=images", "CKPT=my model.pt")
    assert option(arguments, "--ckpt_path") == "my model.pt" and "--config_file" not in arguments
    arguments = make(root, "label", "STUDIES=images", "CKPT=my model.pt", "CONFIG=my config.json")
    assert option(arguments, "--config_file") == "my config.json"


def test_without_a_folder_the_demo_is_annotated(root):
    (root / "label_demo").mkdir()
    arguments = make(root, "label")
    assert option(arguments, "--studies") == "label_demo"
    assert option(arguments, "--ckpt_path") == "bundle/models/model_series.pt"
    assert option(arguments, "--config_file") == "bundle/configs/data/echo_demo.json"


WRITTEN = ("demo_output", "label_demo", "phantom_output", "comparison", "coverage", "api/html", "hugging_face")


@pytest.mark.parametrize("kept", ["final/a.png.json", "original/a.png.json", "history/final/a.png.1.json"])
@pytest.mark.parametrize("below", ["", "test/sub 1"])
def test_clean_removes_no_annotation(root, kept, below):
    labels = [root / one / below / ".landmarks" / kept for one in WRITTEN]
    for label in labels:
        label.parent.mkdir(parents=True)
        label.write_text("{}")
    told = make(root, "clean")
    assert all(label.read_text() == "{}" for label in labels)
    assert [line.split()[0] for line in told] == list(WRITTEN)


def test_clean_removes_what_was_never_annotated(root):
    for one in WRITTEN:
        (root / one / ".landmarks" / "final").mkdir(parents=True)
        (root / one / "metrics.json").write_text("{}")
    assert make(root, "clean") == []
    assert not any((root / one).exists() for one in WRITTEN)
