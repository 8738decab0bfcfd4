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
"""A reader who types every code block of a page, in a copy of the tree."""

from __future__ import annotations

import os
import re
import shlex
import shutil
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).parents[2]
SKIP = re.compile(r"<!-- not run: (.+?) -->\s*$")
LANGUAGES = ("bash", "python")
# added to each run behind what the page has: the same command, in seconds
SHORT = {
    "training": (
        "--max_epochs 1 --steps_per_epoch 1 --val_interval 1 --batch_size 2 --patches_per_image 2 "
        "--validate#cyclic_error#pairs 1 --validate#cyclic_error#step 56"
    ),
    "evaluating": (
        "--cyclic_error#pairs 1 --cyclic_error#step 56 --pixel_matching#step 40 --pixel_matching#images 2 "
        "--cyclic_matching#step 40 --cyclic_matching#key_images 1 --cyclic_matching#targets 1 "
        "--landmark_matching#draws 1 --landmark_matching#images 2 --inference_time#seconds 0.1 "
        "--augment#patches_per_image 2 --validation#pixel_matching#step 40 --validation#pixel_matching#images 2 "
        "--validation#cyclic_matching#step 40 --validation#cyclic_matching#key_images 1 "
        "--validation#landmark_matching#draws 1 --validation#landmark_matching#images 2 --batch_size 2"
    ),
    "inferring": "--max_pictures 1",
    "live": "--stop_after_s 3",
    # one variant of each; those of the configs have tests of their own
    "sweeping": "--variants \"{'small': {'settings': {'patch_size': 32}}}\" --settings \"{'max_epochs': 1, "
    "'steps_per_epoch': 1, 'val_interval': 1, 'batch_size': 2, 'patches_per_image': 2, 'image_size': [64, 64], "
    "'pixel_matching#step': 40, 'cyclic_matching#step': 40, 'cyclic_matching#key_images': 1, 'inference_time#seconds': "
    "0.1, 'validation#cyclic_matching#step': 40, 'validation#pixel_matching#step': 40}\"",
}


@dataclass(frozen=True)
class Block:
    """A code block.

    Attributes:
        page: its page, from the tree's folder on.
        line: line of its fence, from 1.
        language: the word behind the fence.
        text: the code.
        reason: why it is not run; None where it is.
    """

    page: str
    line: int
    language: str
    text: str
    reason: str | None


def read_blocks(page: str) -> Iterator[Block]:
    """The bash and Python of a page, in order."""
    text = (ROOT / page).read_text(encoding="utf-8")
    for found in re.finditer(r"^```(\w+)\n(.*?)^```", text, flags=re.DOTALL | re.MULTILINE):
        if found[1] in LANGUAGES:
            before = SKIP.search(text[: found.start()])
            line = text[: found.start()].count("\n") + 1
            yield Block(page, line, found[1], found[2], before[1] if before else None)


def copy_tree(folder: Path) -> Path:
    """The files of the tree that Git knows or would take, with programs that shorten each run."""
    listed = ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"]
    names = subprocess.run(listed, cwd=ROOT, check=True, capture_output=True, text=True).stdout.split("\0")
    for name in filter(None, names):
        if (ROOT / name).is_file():
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(ROOT / name, folder / name)
    _write_programs(folder / ".venv")
    return folder


def _write_programs(environment: Path) -> None:
    """A virtual environment in the copy: this test's own programs, behind a script that adds the short options."""
    programs = environment / "bin"
    programs.mkdir(parents=True)
    (environment / ".installed").touch()
    cases = "".join(f'    *" run {run} "*) more=({options});;\n' for run, options in SHORT.items())
    own = {"python": [sys.executable], "torchrun": [sys.executable, "-m", "torch.distributed.run"]}
    for name, command in own.items():
        choose = f'more=()\ncase " $* " in\n{cases}esac\n'
        _write_program(programs / name, f'{choose}exec {shlex.join(command)} "$@" "${{more[@]}}"\n')
    # what a page has the reader install is there
    _write_program(programs / "pip", f'shift\nexec {sys.executable} -m pip show --quiet "$@"\n')
    (programs / "activate").write_text(f"export PATH={shlex.quote(str(programs))}:$PATH\n")


def _write_program(path: Path, script: str) -> None:
    path.write_text("#!/usr/bin/env bash\n" + script)
    path.chmod(0o755)


def type_page(page: str, tree: Path, given: Path) -> subprocess.CompletedProcess[str]:
    """Run all blocks of a page in one shell: bash as it stands, Python as one program where its last block is.

    Args:
        page: the page; one of the bundle's is typed in its folder, with the environment active.
        tree: the copy.
        given: what ``/path/to`` stands for.
    """
    blocks = [block for block in read_blocks(page) if block.reason is None]
    python = [block for block in blocks if block.language == "python"]
    lines = ["set -euo pipefail"]
    in_bundle = page.startswith("bundle/")
    lines += [f"source {shlex.quote(str(tree / '.venv' / 'bin' / 'activate'))}"] if in_bundle else []
    for block in blocks:
        lines.append(f'echo "### {page}, line {block.line}, after $SECONDS s"')
        if block.language == "bash":
            lines.append(block.text)
        elif block is python[-1]:
            program = tree / "page.py"
            program.write_text("\n".join(one.text for one in python).replace("/path/to", str(given)))
            lines.append(f"PYTHONPATH={shlex.quote(str(tree / 'bundle'))} python {shlex.quote(str(program))}")
    script = "\n".join(lines).replace("/path/to", str(given))
    environment = {name: value for name, value in os.environ.items() if name not in ("PYTHONPATH", "TMN_DATA")}
    environment |= {"OMP_NUM_THREADS": "1", "PYTHONWARNINGS": "ignore"}
    place = tree / "bundle" if in_bundle else tree
    command = ["bash", "-c", script]
    return subprocess.run(command, cwd=place, env=environment, capture_output=True, text=True, stdin=subprocess.DEVNULL)
