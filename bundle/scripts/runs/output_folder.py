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
"""The folder that a run writes to: checked before the work, held for it alone, and tidied after it."""

from __future__ import annotations

import errno
import fcntl
import json
import logging
import os
import uuid
import weakref
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, ClassVar

import ignite.distributed as idist

from scripts.data.image_series import is_hidden
from scripts.io.atomic import atomic_path, remove_leftovers, watch_writes
from scripts.io.input_error import InputError
from scripts.io.json_object import read_json_object
from scripts.networks.weights_file import WeightsFile, find_shipped_file

__all__ = ["OutputFolder"]

_RUNS = "runs.json"
_PROBE_BYTES = 2**20


class OutputFolder:
    """Take a folder for a run, or say in one line why it cannot be had.

    ``runs.json`` in the folder says of each kind of run which weights it used (path, SHA-256, name) and which files it
    wrote. When a run of the same kind ends, the files of the one before are removed that it did not write again and
    that nobody has changed since; nothing else is. A run that fails or is killed removes nothing.

    With several processes the first one alone does all this.

    Args:
        path: the folder; it is made.
        run: kind of the run, such as ``inferring``.
        dataset_dir: the images; the folder must not lie among them, or the next run would take results for images.
        weights: file of the weights that the run uses, or will have made; None for none.
        ckpt_dir: another folder that the run writes to, whose files are never removed.

    Raises:
        InputError: a folder is a file, cannot be written to, is full, lies in the data set, holds weights as shipped
            or is in use by another run; or ``runs.json`` is damaged.

    Example:
        >>> output = OutputFolder("results", "inferring", weights="models/model.pt")  # doctest: +SKIP
        >>> output.finish()  # doctest: +SKIP
    """

    def __init__(
        self,
        path: str | os.PathLike[str],
        run: str,
        *,
        dataset_dir: str | os.PathLike[str] | None = None,
        weights: str | os.PathLike[str] | None = None,
        ckpt_dir: str | os.PathLike[str] | None = None,
    ) -> None:
        self.path = Path(path).absolute()
        self.run = run
        self.weights = weights
        self.ckpt_dir = Path(ckpt_dir).absolute() if ckpt_dir is not None else None
        self._active = idist.get_rank() == 0
        if not self._active:
            return
        folders = {"--output_dir": self.path} | ({"--ckpt_dir": self.ckpt_dir} if self.ckpt_dir is not None else {})
        for option, folder in folders.items():
            _check(folder, option, dataset_dir)
        made = [parent for folder in folders.values() for parent in _missing(folder)]
        weakref.finalize(self, _remove_empty, made)  # a run that is refused later leaves no trace
        for option, folder in folders.items():
            _make(folder, option)
        self._holds = [_Hold.of(folder, option) for option, folder in folders.items()]
        for folder in folders.values():
            remove_leftovers(folder, age_s=0)  # it is ours: nobody else writes there
        self._before = self._read().get(run, {}).get("files", {}) | self._read_journal()
        self._written: set[str] = set()
        watch_writes(self)

    def about_to_write(self, path: Path) -> None:
        """Remember a file of the folder, on the disk too: a run that is killed cannot say what it has written."""
        path = path.absolute()
        if not self._active or not path.is_relative_to(self.path) or path == self.path / _RUNS:
            return
        if path.parent == self.ckpt_dir:
            return
        name = path.relative_to(self.path).as_posix()
        if name not in self._written:
            self._written.add(name)
            with self._journal.open("a", encoding="utf-8") as journal:
                journal.write(json.dumps(name) + "\n")

    def finish(self) -> None:
        """Remove what the run before wrote and this one did not, write ``runs.json`` and let the folder go."""
        if not self._active:
            return
        self._active = False
        stale = [name for name, stamp in self._before.items() if name not in self._written and self._is(name, stamp)]
        for name in stale:
            self._remove(self.path / name)
        if stale:
            logging.getLogger(self.run).info("removed %d files that the run before had left here", len(stale))
        weights = WeightsFile.of(self.weights).as_dict() if self.weights and Path(self.weights).is_file() else None
        runs = self._read()
        runs[self.run] = {
            "finished": datetime.now(UTC).isoformat(timespec="seconds"),
            "weights": weights,
            "files": {name: stamp for name in sorted(self._written) if (stamp := _stamp(self.path / name))},
        }
        with atomic_path(self.path / _RUNS) as temporary:
            temporary.write_text(json.dumps(runs, indent=1) + "\n", encoding="utf-8")
        self._journal.unlink(missing_ok=True)
        self._holds.clear()

    @property
    def _journal(self) -> Path:
        return self.path / f".{self.run}.files"

    def _read(self) -> dict[str, Any]:
        path = self.path / _RUNS
        runs = read_json_object(path)
        files = [run.get("files") if isinstance(run, dict) else None for run in runs.values()]
        if not all(isinstance(one, dict) for one in files):
            raise InputError(f"{path} is not what a run wrote; remove it, or give another --output_dir")
        return runs

    def _read_journal(self) -> dict[str, list[int]]:
        """The files of a run that did not end, as they are now, and none of its temporary ones."""
        names = set()
        with suppress(FileNotFoundError):
            for line in self._journal.read_text(encoding="utf-8").splitlines():
                with suppress(ValueError):  # the last line may have been cut
                    names.add(str(json.loads(line)))
        for folder in {(self.path / name).parent for name in names}:
            remove_leftovers(folder, age_s=0)
        return {name: stamp for name in names if (stamp := _stamp(self.path / name))}

    def _is(self, name: str, stamp: Any) -> bool:
        """Whether a file is one that a run wrote: in the folder, and as the run left it."""
        file = self.path / name
        return file.resolve().is_relative_to(self.path.resolve()) and _stamp(file) == stamp

    def _remove(self, file: Path) -> None:
        file.unlink(missing_ok=True)
        for folder in file.parents:
            if folder == self.path or not folder.is_relative_to(self.path):
                return
            try:
                folder.rmdir()
            except OSError:  # there is more in it
                return


class _Hold:
    """A lock on a folder, which ends with the process, however it ends, or with the last reference to it."""

    _held: ClassVar[weakref.WeakValueDictionary[tuple[int, int], _Hold]] = weakref.WeakValueDictionary()

    def __init__(self, folder: Path, option: str) -> None:
        self._handle = os.open(folder, os.O_RDONLY)
        try:
            fcntl.flock(self._handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            if error.errno in (errno.EWOULDBLOCK, errno.EACCES):
                raise InputError(
                    f"{folder} is in use by another run; wait for its end, or give another {option}"
                ) from error
            # a file system without such locks: better no lock than no run

    def __del__(self) -> None:
        with suppress(AttributeError, OSError):
            os.close(self._handle)

    @classmethod
    def of(cls, folder: Path, option: str) -> _Hold:
        """The lock; a process that holds it already shares it."""
        status = folder.stat()
        key = status.st_dev, status.st_ino
        hold = cls._held.get(key) or cls(folder, option)
        cls._held[key] = hold
        return hold


def _check(folder: Path, option: str, dataset_dir: str | os.PathLike[str] | None) -> None:
    """Refuse a folder that a run should not write to."""
    if folder.exists() and not folder.is_dir():
        raise InputError(f"{folder} is a file; give {option} a folder")
    if dataset_dir is not None and _is_among(folder, Path(dataset_dir)):
        raise InputError(
            f"{folder} lies in the data set {dataset_dir}, where results would be taken for images; "
            f"give another {option}"
        )
    shipped = find_shipped_file(folder)
    if shipped is not None:
        raise InputError(
            f"{folder} holds {shipped.name} as shipped, which a run must not write over; give another {option}"
        )


def _make(folder: Path, option: str) -> None:
    try:
        folder.mkdir(parents=True, exist_ok=True)
        _probe(folder)
    except OSError as error:
        why = "the disk is full" if error.errno in (errno.ENOSPC, errno.EDQUOT) else error.strerror
        raise InputError(f"{folder} cannot be written to ({why}); mend that, or give another {option}") from error


def _is_among(folder: Path, dataset_dir: Path) -> bool:
    folder, dataset_dir = folder.resolve(), dataset_dir.resolve()
    if not dataset_dir.is_dir() or not folder.is_relative_to(dataset_dir):
        return False
    return not is_hidden(folder, dataset_dir)  # hidden folders are not searched for images


def _missing(folder: Path) -> list[Path]:
    """The folder and those above it that are not there, the outermost first."""
    return [one for one in (*reversed(folder.parents), folder) if not one.exists()]


def _remove_empty(folders: list[Path]) -> None:
    for folder in reversed(folders):
        with suppress(OSError):  # there is something in it
            folder.rmdir()


def _probe(folder: Path) -> None:
    """Write a little, which tells more than what the file system says of rights and room."""
    probe = folder / f".{uuid.uuid4().hex[:12]}-probe"
    try:
        with probe.open("wb") as file:
            file.write(bytes(_PROBE_BYTES))
            file.flush()
            os.fsync(file.fileno())
    finally:
        probe.unlink(missing_ok=True)


def _stamp(file: Path) -> list[int] | None:
    """Size and time of the last change, ns: what tells whether somebody has changed a file since; None for no file."""
    try:
        status = file.stat()
    except OSError:
        return None
    return [status.st_size, status.st_mtime_ns]
