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
"""Write a file whole or not at all."""

from __future__ import annotations

import errno
import os
import re
import time
import uuid
import weakref
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Protocol

from scripts.io.input_error import InputError
from scripts.io.shipped_files import is_shipped

__all__ = ["WriteError", "WriteWatcher", "atomic_path", "remove_leftovers", "watch_writes"]

_LEFTOVER = re.compile(r"\.[0-9a-f]{12}-.")
_NAME_END = 32  # letters, of up to 4 bytes: 142 bytes together, and no file system allows less than eCryptfs's 143
_LEFTOVER_AGE_S = 3600.0  # no file takes longer to write
# of the disk or of the user's rights, which no other program mends; the rest are ours
_DISK_FAULTS = {errno.ENOSPC, errno.EDQUOT, errno.EFBIG, errno.EROFS, errno.EIO, errno.EACCES, errno.EPERM}

_tidied: set[Path] = set()
_watchers: weakref.WeakSet[WriteWatcher] = weakref.WeakSet()


class WriteError(InputError, OSError):
    """A file cannot be written: the disk is full, read-only or forbids it; ``errno`` says which."""


class WriteWatcher(Protocol):
    """What is told of each file that is written, by its final path."""

    def about_to_write(self, path: Path) -> None:
        """Called before; what it raises keeps the file as it is."""

    def written(self, path: Path) -> None:
        """Called when the new file is there."""


def watch_writes(watcher: WriteWatcher) -> None:
    """Tell a watcher of all files that :func:`atomic_path` writes in this process, as long as the watcher lives."""
    _watchers.add(watcher)


def remove_leftovers(folder: Path, age_s: float = _LEFTOVER_AGE_S) -> None:
    """Remove the temporary files of runs that were killed while they wrote into a folder; not of its sub-folders.

    Args:
        folder: there need be none.
        age_s: spare those that were written to within so many seconds: another program may be writing them.
    """
    try:
        left = [entry for entry in os.scandir(folder) if _LEFTOVER.match(entry.name) and entry.is_file()]
    except OSError:
        return
    for entry in left:
        try:
            if entry.stat().st_mtime <= time.time() - age_s:
                os.unlink(entry)
        except OSError:  # gone by now, or not ours to remove
            continue


@contextmanager
def atomic_path(path: str | os.PathLike[str]) -> Iterator[Path]:
    """Give a temporary path to write to, and rename it to ``path`` when the block ends without an error.

    A reader sees the old file or the new one, never half of one. The temporary file lies in the folder of ``path``
    (a rename is only atomic within one file system), is hidden, and ends with the name of ``path``, of a long one with
    its end, so that writers that choose a format by suffix (``.png``, ``.nii.gz``, ``.mrk.json``) choose the same.
    Missing folders are made. If the block raises, the temporary file is removed and what was at ``path`` stays. What
    killed programs left in the folder is removed when a process first writes into it, see :func:`remove_leftovers`.

    Args:
        path: where the file shall be in the end.

    Yields:
        The temporary path. The block must create a file there.

    Raises:
        InputError: weights as shipped would be written over.
        WriteError: the disk is full, read-only or does not let the file or its folder be written.
        FileNotFoundError: if the block ended without creating the file.

    Example:
        >>> with atomic_path("out/result.txt") as temporary:  # doctest: +SKIP
        ...     temporary.write_text("whole")
    """
    target = Path(path)
    if is_shipped(target):
        raise InputError(f"{target} is as shipped, and is not written over; choose another place")
    # Not tempfile.mkstemp: it would leave the result readable by its owner only, whatever the umask says.
    temporary = target.with_name(f".{uuid.uuid4().hex[:12]}-{target.name[-_NAME_END:]}")
    try:
        _make_folder(target)
        _tidy_once(target.parent)
        for watcher in list(_watchers):
            watcher.about_to_write(target)
        yield temporary
        # on the disk before it has the name: else a crash of the machine may leave the name with nothing in it
        with temporary.open("rb") as file:
            os.fsync(file.fileno())
        os.replace(temporary, target)
        for watcher in list(_watchers):
            watcher.written(target)
    except (OSError, RuntimeError) as error:
        fault = _disk_fault(error, target, temporary)
        if fault is None:
            raise
        raise _refusal(target, fault) from error
    finally:
        with suppress(OSError):  # there may be no such folder; the error that is on its way says more
            temporary.unlink(missing_ok=True)


def _make_folder(target: Path) -> None:
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        if error.errno == errno.ENAMETOOLONG:  # the name is at fault, whoever gave it
            raise
        raise _refusal(target, error.errno or errno.EIO) from error


def _refusal(target: Path, fault: int) -> WriteError:
    refusal = WriteError(f"{target} cannot be written ({os.strerror(fault)}); nothing of it was kept")
    refusal.errno = fault
    return refusal


def _tidy_once(folder: Path) -> None:
    if (folder := folder.resolve()) not in _tidied:
        _tidied.add(folder)
        remove_leftovers(folder)


def _disk_fault(error: OSError | RuntimeError, target: Path, temporary: Path) -> int | None:
    """The number of the fault if the disk is at fault, and not another file that the block reads."""
    if isinstance(error, OSError):
        at = None if error.filename is None else Path(os.fsdecode(error.filename))
        full = error.errno in (errno.ENOSPC, errno.EDQUOT)  # wherever it was noticed first
        ours = full or at is None or at == temporary or at in target.parents
        return error.errno if ours and error.errno in _DISK_FAULTS and not isinstance(error, WriteError) else None
    # torch says that writing failed, and not why
    return errno.ENOSPC if "PytorchStreamWriter" in str(error) or "inline_container" in str(error) else None
