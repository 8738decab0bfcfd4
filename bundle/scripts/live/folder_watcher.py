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
"""Which files of a folder are new, and written to their end."""

from __future__ import annotations

import logging
import os
import time
from collections.abc import Callable, Container, Iterator
from dataclasses import dataclass
from pathlib import Path

from scripts.data.image_series import is_hidden
from scripts.io.input_error import InputError, printable

__all__ = ["Arrival", "FolderWatcher"]

_RETRY_S = 1.0  # before a file is tried again that has not changed
_UNFINISHED = (".part", ".partial", ".filepart", ".tmp", ".temp", ".crdownload", "~")


@dataclass(frozen=True)
class Arrival:
    """A file that does not change any more.

    Attributes:
        name: its path relative to the folder, with forward slashes.
        path: where it is.
        size: bytes.
        mtime_ns: when it was changed last, ns since 1970, by the clock of who wrote it.
        since_s: when it was first seen as it is now, s of the watcher's clock.
    """

    name: str
    path: Path
    size: int
    mtime_ns: int
    since_s: float

    @property
    def has_changed(self) -> bool:
        """Whether it has been changed, or removed, after it was taken for complete."""
        try:
            stat = self.path.stat()
        except OSError:
            return True
        return (stat.st_size, stat.st_mtime_ns) != (self.size, self.mtime_ns)


@dataclass
class _Waiting:
    arrival: Arrival
    next_try_s: float
    failed_s: float | None = None
    given_up: bool = False


class FolderWatcher:
    """Look into a folder for new files, also in its sub-folders.

    A file is complete when its size and its time have not changed between two looks. Whether it can be read is for the
    caller to find out, who says :meth:`take` or :meth:`put_off`. A file that was put off is tried again when it
    changes, and now and then; after ``give_up_s`` without a change it is named in the log and left alone until it
    changes. Hidden files are passed over, and so are names that programs give to files that they have not finished
    (``.part``, ``.tmp``).

    Args:
        folder: the folder.
        known: names of files that are not new; it may grow.
        settle_s: least time between the two looks, s.
        give_up_s: how long a file may stay unreadable, s.
        clock: time in s, which never goes back.

    Raises:
        InputError: there is no such folder.

    Example:
        >>> watcher = FolderWatcher("incoming", settle_s=0.1)  # doctest: +SKIP
        >>> watcher.look(), time.sleep(0.1), [file.name for file in watcher.look()]  # doctest: +SKIP
        ([], None, ['IM0001.dcm'])
    """

    def __init__(
        self,
        folder: str | os.PathLike[str],
        *,
        known: Container[str] = (),
        settle_s: float = 0.1,
        give_up_s: float = 10.0,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self.folder = Path(folder)
        if not self.folder.is_dir():
            raise InputError(f"{folder} is no folder; give --dataset_dir FOLDER, into which the frames are written")
        self.known = known
        self.settle_s = settle_s
        self.give_up_s = give_up_s
        self._clock = clock
        self._taken: set[str] = set()
        self._skipped: set[str] = set()
        self._waiting: dict[str, _Waiting] = {}
        self._gone = False
        self._logger = logging.getLogger(type(self).__name__)

    @property
    def skipped(self) -> int:
        """Number of files that were given up and not read since."""
        return len(self._skipped)

    def look(self) -> list[Arrival]:
        """New files that are complete, in no order."""
        now = self._clock()
        self._report_folder()
        there = {arrival.name: arrival for arrival in self._new_files(now)}
        for name, arrival in there.items():
            before = self._waiting.get(name)
            old = None if before is None else before.arrival
            if old is None or (old.size, old.mtime_ns) != (arrival.size, arrival.mtime_ns):
                self._waiting[name] = _Waiting(arrival, now + self.settle_s)
        self._waiting = {name: self._waiting[name] for name in there}
        return [one.arrival for one in self._waiting.values() if now >= one.next_try_s and not one.given_up]

    def take(self, arrival: Arrival) -> None:
        """The file was read: it is not new any more."""
        self._taken.add(arrival.name)
        self._skipped.discard(arrival.name)
        self._waiting.pop(arrival.name, None)

    def put_off(self, arrival: Arrival, reason: str) -> None:
        """The file could not be read, now.

        Args:
            arrival: the file.
            reason: why not, for the log.
        """
        waiting = self._waiting[arrival.name]
        now = self._clock()
        waiting.next_try_s = now + min(_RETRY_S, self.give_up_s / 2)
        waiting.failed_s = now if waiting.failed_s is None else waiting.failed_s
        if now - waiting.failed_s >= self.give_up_s:
            waiting.given_up = True
            self._skipped.add(arrival.name)
            self._logger.warning(
                "%s is skipped, unreadable for %g s: %s", printable(arrival.name), self.give_up_s, printable(reason)
            )

    def _new_files(self, now: float) -> Iterator[Arrival]:
        for parent, folders, files in os.walk(self.folder):
            folders[:] = [name for name in folders if not is_hidden(Path(name), Path())]
            start = Path(parent).relative_to(self.folder).as_posix()
            prefix = "" if start == "." else f"{start}/"
            for file in files:
                # most files are old ones: no more than this is done for them in each look
                if (name := prefix + file) in self._taken or name in self.known:
                    continue
                if file.lower().endswith(_UNFINISHED) or is_hidden(Path(file), Path()):
                    continue
                path = Path(parent, file)
                try:
                    stat = path.stat()
                except OSError:  # removed or renamed since it was listed
                    continue
                yield Arrival(name, path, stat.st_size, stat.st_mtime_ns, now)

    def _report_folder(self) -> None:
        gone = not self.folder.is_dir()
        if gone and not self._gone:
            self._logger.warning("%s cannot be reached; waiting for it", self.folder)
        self._gone = gone
