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
"""The files of weights as shipped, which nothing writes over."""

from __future__ import annotations

import functools
import hashlib
import os
from pathlib import Path

from scripts.io.input_error import InputError

__all__ = ["MODELS", "file_sha256", "find_shipped_file", "is_shipped", "shipped_files"]

MODELS = Path(__file__).resolve().parents[2] / "models"
"""The bundle's own folder of weights."""


@functools.cache
def shipped_files() -> dict[str, str]:
    """Name to SHA-256 of each shipped file.

    ``models/SHA256SUMS`` lists them; ``sha256sum --check SHA256SUMS`` checks them.
    """
    sums = MODELS / "SHA256SUMS"
    lines = sums.read_text(encoding="utf-8").splitlines() if sums.is_file() else []
    return {name.lstrip("*"): digest for digest, name in (line.split(maxsplit=1) for line in lines)}


def is_shipped(path: str | os.PathLike[str]) -> bool:
    """Whether a file is one of those, under its own name; it may lie anywhere.

    Example:
        >>> is_shipped("examples.csv")
        False
    """
    file = Path(path)
    digest = shipped_files().get(file.name)
    return digest is not None and file.is_file() and file_sha256(file) == digest


def find_shipped_file(folder: str | os.PathLike[str]) -> Path | None:
    """The first of those that lies in a folder, if any does.

    Example:
        >>> find_shipped_file("models").name  # doctest: +SKIP
        'model.pt'
    """
    return next((Path(folder) / name for name in shipped_files() if is_shipped(Path(folder) / name)), None)


def file_sha256(path: str | os.PathLike[str]) -> str:
    """SHA-256 of a file's bytes, 64 hexadecimal digits.

    Raises:
        InputError: it cannot be read.
    """
    try:
        with open(path, "rb") as file:
            return hashlib.file_digest(file, "sha256").hexdigest()
    except OSError as error:
        raise InputError(f"{path} cannot be read ({error.strerror}); give another file") from error
