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
from collections.abc import Sequence
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, ClassVar

import ignite.distributed as idist

from scripts.data.image_series import is_hidden
from scripts.io.atomic import atomic_path, remove_leftovers, watch_writes
from scripts.io.input_error import InputError
from scripts.io.json_object import read_json_object
from scripts.io.shipped_files import MODELS, find_shipped_file
from scripts.networks.weights_file import WeightsFile

__all__ = ["OutputFolder"]

PathOrNone = str | os.PathLike[str] | None

_RUNS = "runs.json"
_RESULTS = {"pictures", "markups", "sr", "training"}  # folders of results
_WRITES_WEIGHTS = {"training", "exporting"}
_PROBE_BYTES = 2**20


class OutputFolder:
    """Take a folder for a run, or say in one line why it cannot be had.

    ``runs.json`` in the folder says of each kind of run which weights it used (path, SHA-256, name) and which files it
    wrote whole (not tables that grow, such as ``live.csv``). When a run of the same kind ends, the files of the one
    before are removed that it did not write again and that nobody has changed since; nothing else is. A run that fails
    or is killed removes nothing, and so does one that goes on where another stopped.

    With several processes the first one alone does all this.

    Args:
        path: the folder; it is made.
        run: kind of the run, such as ``inferring``.
        data: the images, one folder (or file) or several, of which some may be None; results must not come to lie among
            them, or the next run would take them for images.
        inputs: other files that the run reads, of which some may be None; it must not write over them.
        weights: file of the weights that the run uses, or will have made; None for none.
        ckpt_dir: another folder that the run writes to, whose files are never removed.
        goes_on: whether the run passes over what an earlier one has done.

    Raises:
        InputError: a folder is a file, cannot be written to, is full, lies in the data set or is in use by another run;
            weights as shipped or a file that is read would be written over; or ``runs.json`` is damaged.

    Example:
        >>> output = OutputFolder("results", "inferring", weights="models/model.pt")  # doctest: +SKIP
        >>> output.finish()  # doctest: +SKIP
    """

    def __init__(
        self,
        path: str | os.PathLike[str],
        run: str,
        *,
        data: PathOrNone | Sequence[PathOrNone] = None,
        inputs: Sequence[PathOrNone] = (),
        weights: PathOrNone = None,
        ckpt_dir: PathOrNone = None,
        goes_on: bool = False,
    ) -> None:
        self.path = Path(path).absolute()
        self.run = run
        self.weights = weights
        self.goes_on = goes_on
        self.ckpt_dir = Path(ckpt_dir).absolute() if ckpt_dir is not None else None
        self._active = idist.get_rank() == 0
        if not self._active:
            return
        folders = {"--output_dir": self.path} | ({"--ckpt_dir": self.ckpt_dir} if self.ckpt_dir is not None else {})
        several = [data] if data is None or isinstance(data, str | os.PathLike) else data
        images = [Path(one) for one in several if one is not None]
        for option, folder in folders.items():
            _check(folder, option, images)
        for folder in folders.values() if run in _WRITES_WEIGHTS else ():
            _refuse_shipped(folder)
        made = [parent for folder in folders.values() for parent in _missing(folder)]
        weakref.finalize(self, _remove_empty, made)  # a run that is refused later leaves no trace
        for option, folder in folders.items():
            _make(folder, option)
        self._holds = [_Hold.of(folder, option) for option, folder in folders.items()]
        for folder in folders.values():
            remove_leftovers(folder, age_s=0)  # it is ours: nobody else writes there
        # of runs of other kinds too: whichever was killed, nobody else writes here now
        unfinished = {journal: self._read_journal(journal) for journal in self.path.glob(".*.files")}
        self._before = self._read().get(run, {}).get("files", {}) | unfinished.get(self._journal, {})
        self._inputs = {Path(one).resolve() for one in inputs if one is not None}
        for file in self._inputs:
            if self._will_write(file):
                raise InputError(f"{file} is read, and results would be written over it; give another --output_dir")
        self._written: dict[str, list[int] | None] = {}
        watch_writes(self)

    def about_to_write(self, path: Path) -> None:
        """Remember a file of the folder, on the disk too: a run that is killed cannot say what it has written.

        Raises:
            InputError: the run reads it.
        """
        if self._active and path.resolve() in self._inputs:
            raise InputError(f"{path} is read, and is not written over; give another --output_dir")
        name = self._name(path)
        if name is not None and name not in self._written:
            self._written[name] = None
            self._note(name, None)

    def written(self, path: Path) -> None:
        """Remember how the file was left, which tells whether somebody changes it later."""
        name = self._name(path)
        if name is not None:
            known, self._written[name] = self._written.get(name), _stamp(path)
            if known is None:
                self._note(name, self._written[name])

    def _name(self, path: Path) -> str | None:
        """A file's path in the folder; None for one that is not the run's own."""
        path = path.absolute()
        if not self._active or not path.is_relative_to(self.path) or path == self.path / _RUNS:
            return None
        return None if path.parent == self.ckpt_dir else path.relative_to(self.path).as_posix()

    def _note(self, name: str, stamp: list[int] | None) -> None:
        with self._journal.open("a", encoding="utf-8") as journal:
            journal.write(json.dumps([name, stamp]) + "\n")

    def _will_write(self, file: Path) -> bool:
        """Whether a file is among those that a run of this kind writes, as far as that is known before."""
        here = self.path.resolve()
        if not file.is_relative_to(here) or file == here:
            return False
        name = file.relative_to(here)
        return name.as_posix() in {*self._before, "landmarks.csv"} or name.parts[0] in _RESULTS

    def finish(self) -> None:
        """Remove what the run before wrote and this one did not, write ``runs.json`` and let the folder go."""
        if not self._active:
            return
        self._active = False
        left = () if self.goes_on else self._before.items()
        stale = [name for name, stamp in left if not self._written.get(name) and self._is(name, stamp)]
        kept = {name: stamp for name, stamp in self._before.items() if self.goes_on and self._is(name, stamp)}
        for name in stale:
            self._remove(self.path / name)
        if stale:
            logging.getLogger(self.run).info("removed %d files that the run before had left here", len(stale))
        weights = WeightsFile.of(self.weights).as_dict() if self.weights and Path(self.weights).is_file() else None
        runs = self._read()
        runs[self.run] = {
            "finished": datetime.now(UTC).isoformat(timespec="seconds"),
            "weights": weights,
            "files": dict(sorted((kept | {name: stamp for name, stamp in self._written.items() if stamp}).items())),
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

    def _read_journal(self, journal: Path) -> dict[str, list[int]]:
        """The files that a run which did not end has written whole, and none of its temporary ones."""
        noted: dict[str, list[int] | None] = {}
        with suppress(FileNotFoundError):
            for line in journal.read_text(encoding="utf-8").splitlines():
                with suppress(ValueError, TypeError):  # the last line may have been cut
                    name, stamp = json.loads(line)
                    noted[str(name)] = stamp
        for folder in {(self.path / name).parent for name in noted}:
            remove_leftovers(folder, age_s=0)
        return {name: stamp for name, stamp in noted.items() if stamp}

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


def _check(folder: Path, option: str, images: Sequence[Path]) -> None:
    """Refuse a folder that a run should not write to."""
    if folder.exists() and not folder.is_dir():
        raise InputError(f"{folder} is a file; give {option} a folder")
    if folder.resolve() == MODELS:
        raise InputError(f"{folder} is for the weights as shipped, which no run writes over; give another {option}")
    for one in images:
        if _is_among(folder, one) or _gets_results(one, folder):
            raise InputError(
                f"{folder} lies in the data set {one}, or its results would, and would be taken for images; "
                f"give another {option}"
            )


def _refuse_shipped(folder: Path) -> None:
    shipped = find_shipped_file(folder)
    if shipped is not None:
        raise InputError(f"{shipped} is as shipped, which no run writes over; write to another folder")


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


def _gets_results(images: Path, folder: Path) -> bool:
    """Whether images lie where a run would put results of its own, below its folder."""
    images, folder = images.resolve(), folder.resolve()
    return images.is_relative_to(folder) and images != folder and images.relative_to(folder).parts[0] in _RESULTS


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
