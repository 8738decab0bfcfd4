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
"""Every code block of the README and of the bundle's pages runs, as it stands there."""

from __future__ import annotations

import hashlib
import re
from collections import Counter
from pathlib import Path

import pytest
from given import write_given
from reader import ROOT, Block, copy_tree, read_blocks, type_page

PAGES = ["README.md", *sorted(path.relative_to(ROOT).as_posix() for path in (ROOT / "bundle/docs").glob("*.md"))]
BLOCKS = [block for page in PAGES for block in read_blocks(page)]
# those with most to run first, so that two processes end together
TYPED = Counter({page: 0 for page in PAGES})
for block in BLOCKS:
    if block.reason is None:
        long = block.text.count("run sweeping") + block.text.count("baseline/")
        TYPED[block.page] += 1 + block.text.count("run ") + 10 * long
RUN = [page for page, commands in TYPED.most_common() if commands]


def hashes(folder: Path) -> dict[str, str]:
    return {path.name: hashlib.sha256(path.read_bytes()).hexdigest() for path in folder.iterdir()}


@pytest.fixture
def given(tmp_path: Path) -> Path:
    write_given(tmp_path / "given")
    return tmp_path / "given"


@pytest.mark.parametrize("page", RUN)
def test_the_code_of_a_page(page: str, given: Path, tmp_path: Path) -> None:
    tree = copy_tree(tmp_path / "tree")
    (given / "bundles").mkdir()
    (given / "bundles" / "landmark_template_matching").symlink_to(tree / "bundle")
    shipped, images = hashes(tree / "bundle" / "models"), hashes(given / "images")
    ran = type_page(page, tree, given)
    print("\n".join(line for line in ran.stdout.splitlines() if line.startswith("### ")))
    assert ran.returncode == 0, f"{ran.stdout[-3000:]}\n{ran.stderr[-6000:]}"
    assert hashes(tree / "bundle" / "models") == shipped
    assert hashes(given / "images") == images


def test_pages_name_nothing_that_a_reader_must_guess() -> None:
    """What the reader has to put in stands below ``/path/to``."""
    for block in BLOCKS:
        if block.reason is None and block.language == "bash":
            guessed = re.findall(r"(?<![\w./$])(?:[A-Z]{2,}|\.\.\.)(?![\w(])", block.text)
            assert not guessed, f"{block.page}, line {block.line}: {guessed}"


def test_what_is_not_run_says_why(capsys: pytest.CaptureFixture[str]) -> None:
    left: list[Block] = [block for block in BLOCKS if block.reason is not None]
    with capsys.disabled():
        print(f"\nof {len(BLOCKS)} code blocks {len(left)} are not run:")
        for block in left:
            print(f"  {block.page}, line {block.line}: {block.reason}")
    assert all(len(block.reason or "") > 10 for block in left)
    assert len(left) < len(BLOCKS) / 2
