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

"""Files by the names that tables write for them."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path

from scripts.io.name_index import NameIndex, nearest_names

__all__ = ["find_file", "nearest_files"]


def find_file(name: str | os.PathLike[str], near: Sequence[str | os.PathLike[str]]) -> Path | None:
    """Find the file or folder that a path means, in whatever Unicode form its parts are written on disk.

    Args:
        name: a path, absolute, or relative to one of ``near``.
        near: folders to start from; the first that has it wins.

    Returns:
        The path as it is on disk; None where there is none.

    Raises:
        InputError: several files are called so, in other forms than the one that is written.

    Example:
        >>> find_file("p1/f2.dcm", ["tables", "clips"])  # doctest: +SKIP
        PosixPath('clips/p1/f2.dcm')
    """
    return next((found for folder in near if (found := _find_below(Path(folder), name)) is not None), None)


def nearest_files(path: Path) -> str:
    """The end of a message about a file that its folder does not have, see :func:`scripts.io.name_index.nearest_names`.

    Example:
        >>> nearest_files(Path("clips/p1/f3.dcm"))  # doctest: +SKIP
        "; the nearest names are 'f2.dcm', 'f1.dcm'"
    """
    return nearest_names(path.name, _names_in(path.parent))


def _find_below(folder: Path, name: str | os.PathLike[str]) -> Path | None:
    path = folder / name
    if path.exists() or str(name).isascii():
        return path if path.exists() else None
    here = folder
    for part in Path(name).parts:
        written = part if (here / part).exists() else NameIndex({one: one for one in _names_in(here)}).find(part)
        if written is None:
            return None
        here = here / written
    return here


def _names_in(folder: Path) -> list[str]:
    """Sorted; none where the folder cannot be listed."""
    try:
        return sorted(name for name in os.listdir(folder) if not name.startswith("."))
    except OSError:
        return []
