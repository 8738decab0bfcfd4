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

"""What a killed server leaves behind in its own folders: hidden files that were not written to their end."""

from __future__ import annotations

import contextlib
import os
import shutil
import time
from pathlib import Path

from scripts.io.atomic import remove_leftovers

__all__ = ["FETCHING", "remove_stale_files"]

FETCHING = ".fetch-"  # how folders of series begin that are being fetched
_A_DAY = 86400.0  # seconds: no file takes that long to write


def remove_stale_files(folder: str | os.PathLike[str], older_than_s: float = _A_DAY) -> None:
    """Remove temporary files and unfinished series below a folder of our own that nobody can be writing any more.

    Args:
        folder: the folder; it need not be there. Never one of the user's, who may name hidden files alike.
        older_than_s: how long nothing was written to them, s.

    Example:
        >>> remove_stale_files("images/.landmarks")  # doctest: +SKIP
    """
    before = time.time() - older_than_s
    for place, names, _ in os.walk(folder):
        remove_leftovers(Path(place), older_than_s)
        for unfinished in (Path(place, name) for name in names if name.startswith(FETCHING)):
            with contextlib.suppress(OSError):  # it is gone, or not ours to remove
                if unfinished.stat().st_mtime < before:
                    shutil.rmtree(unfinished)
