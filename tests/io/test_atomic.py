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
from __future__ import annotations

import errno
import os
import re
import shutil
import subprocess
import sys
import time
from pathlib import Path

import pytest

from scripts.io import InputError, atomic
from scripts.io.atomic import atomic_path


def test_the_file_appears_when_the_block_ends_and_nothing_else_stays(tmp_path: Path) -> None:
    target = tmp_path / "new" / "a.txt"
    with atomic_path(target) as temporary:
        temporary.write_text("whole")
        assert temporary.parent == target.parent
        assert not target.exists()
    assert target.read_text() == "whole"
    assert list(target.parent.iterdir()) == [target]


def test_an_error_leaves_the_old_file_and_no_temporary_one(tmp_path: Path) -> None:
    target = tmp_path / "a.txt"
    target.write_text("old")
    with pytest.raises(RuntimeError, match="half way"), atomic_path(target) as temporary:
        temporary.write_text("ha")
        raise RuntimeError("half way")
    assert target.read_text() == "old"
    assert list(tmp_path.iterdir()) == [target]


@pytest.mark.parametrize("name", ["a.png", "a.nii.gz", "a.mrk.json"])
def test_the_temporary_name_keeps_every_suffix(tmp_path: Path, name: str) -> None:
    with atomic_path(tmp_path / name) as temporary:
        assert temporary.name.endswith(name[1:])
        temporary.touch()


def test_a_block_that_writes_nothing_is_an_error_and_keeps_the_old_file(tmp_path: Path) -> None:
    target = tmp_path / "a.txt"
    target.write_text("old")
    with pytest.raises(FileNotFoundError), atomic_path(target):
        pass
    assert target.read_text() == "old"


def test_the_file_has_the_permissions_of_any_new_file(tmp_path: Path) -> None:
    plain, target = tmp_path / "plain", tmp_path / "atomic"
    plain.touch()
    with atomic_path(target) as temporary:
        temporary.touch()
    assert target.stat().st_mode == plain.stat().st_mode


@pytest.mark.parametrize("fault", [errno.ENOSPC, errno.EDQUOT, errno.EROFS, errno.EFBIG, errno.EACCES])
def test_a_fault_of_the_disk_is_one_sentence_that_names_the_file(fault: int, tmp_path: Path) -> None:
    with pytest.raises(InputError, match=re.escape(f"a.txt cannot be written ({os.strerror(fault)})")) as raised:  # noqa: SIM117
        with atomic_path(tmp_path / "a.txt") as temporary:
            temporary.write_text("half")
            raise OSError(fault, os.strerror(fault))
    assert raised.value.errno == fault
    assert isinstance(raised.value, OSError)
    assert not list(tmp_path.iterdir())


def test_torch_says_that_too_when_a_file_may_not_grow(tmp_path: Path) -> None:
    """A real limit on the size of files, in a process of its own."""
    program = f"""
import resource, signal, sys
signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
sys.path.insert(0, {str(Path(atomic.__file__).parents[2])!r})
import torch
from scripts.io.atomic import atomic_path
resource.setrlimit(resource.RLIMIT_FSIZE, (100_000, 100_000))
for size in (2**20, 2**10):
    try:
        with atomic_path({str(tmp_path / "model.pt")!r}) as temporary:
            torch.save(torch.zeros(size), temporary)
        print("written")
    except Exception as error:
        print(type(error).__name__, error)
"""
    run = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True)
    assert run.stdout.splitlines()[0].startswith(f"WriteError {tmp_path / 'model.pt'} cannot be written"), run.stderr
    assert run.stdout.splitlines()[1] == "written"
    assert [path.name for path in tmp_path.iterdir()] == ["model.pt"]


@pytest.mark.parametrize("place", ["file/a.txt", "file/sub/a.txt", "/proc/nothing/a.txt"])
def test_a_folder_that_cannot_be_is_one_sentence(place: str, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("in the way")
    with pytest.raises(InputError, match=r"a\.txt cannot be written \("):  # noqa: SIM117
        with atomic_path(tmp_path / place):
            pytest.fail("there is no folder to write to")
    assert [path.name for path in tmp_path.iterdir()] == ["file"]


def test_an_error_of_another_file_is_left_as_it_is(tmp_path: Path) -> None:
    with pytest.raises(PermissionError, match="other"):  # noqa: SIM117
        with atomic_path(tmp_path / "a.txt"):
            raise PermissionError(errno.EACCES, "Permission denied", str(tmp_path / "other.txt"))


def test_what_killed_programs_left_is_removed_when_the_folder_is_written_to_again(tmp_path: Path) -> None:
    left, fresh, own = (tmp_path / name for name in (".0123456789ab-a.txt", ".0123456789ac-b.txt", ".my-file"))
    for path in (left, fresh, own):
        path.write_text("half")
    for path in (left, own):
        os.utime(path, (time.time() - 7200,) * 2)
    with atomic_path(tmp_path / "c.txt") as temporary:
        temporary.write_text("whole")
    assert sorted(path.name for path in tmp_path.iterdir()) == [fresh.name, own.name, "c.txt"]
    atomic.remove_leftovers(tmp_path, age_s=0)
    assert sorted(path.name for path in tmp_path.iterdir()) == [own.name, "c.txt"]


def test_shipped_weights_are_not_written_over(tmp_path: Path) -> None:
    """By no command: the guard is where all files are written."""
    models = Path(atomic.__file__).parents[2] / "models"
    for name in ("model.json", "model_series.images.txt"):
        shutil.copy(models / name, tmp_path)
        before = (tmp_path / name).read_bytes()
        with pytest.raises(InputError, match=re.escape(f"{name} is as shipped, and is not written over")):  # noqa: SIM117
            with atomic_path(tmp_path / name) as temporary:
                temporary.write_text("mine")
        assert (tmp_path / name).read_bytes() == before
    (tmp_path / "model.pt").write_text("mine")
    with atomic_path(tmp_path / "model.pt") as temporary:
        temporary.write_text("mine again")
