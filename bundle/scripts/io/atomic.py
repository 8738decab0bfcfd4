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

import os
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

__all__ = ["atomic_path"]


@contextmanager
def atomic_path(path: str | os.PathLike[str]) -> Iterator[Path]:
    """Give a temporary path to write to, and rename it to ``path`` when the block ends without an error.

    A reader sees the old file or the new one, never half of one. The temporary file lies in the folder of ``path``
    (a rename is only atomic within one file system), is hidden, and ends with the full name of ``path``, so that
    writers that choose a format by suffix (``.png``, ``.nii.gz``, ``.mrk.json``) choose the same. Missing folders are
    made. If the block raises, the temporary file is removed and what was at ``path`` stays.

    Args:
        path: where the file shall be in the end.

    Yields:
        The temporary path. The block must create a file there.

    Raises:
        FileNotFoundError: if the block ended without creating the file.
        OSError: if the folder cannot be written to.

    Example:
        >>> with atomic_path("out/result.txt") as temporary:  # doctest: +SKIP
        ...     temporary.write_text("whole")
    """
    target = Path(path)
    target.parent.mkdir(parents=True, exist_ok=True)
    # Not tempfile.mkstemp: it would leave the result readable by its owner only, whatever the umask says.
    temporary = target.with_name(f".{uuid.uuid4().hex[:12]}-{target.name}")
    try:
        yield temporary
        # on the disk before it has the name: else a crash of the machine may leave the name with nothing in it
        with temporary.open("rb") as file:
            os.fsync(file.fileno())
        os.replace(temporary, target)
    finally:
        temporary.unlink(missing_ok=True)
