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
"""Which weights a run used: where they lie, what tells them from all others, and what they are called."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from pathlib import Path

from scripts.io.input_error import InputError
from scripts.io.json_object import read_json_object

__all__ = ["WeightsFile", "find_shipped_file"]

_MODELS = Path(__file__).resolve().parents[2] / "models"


@dataclass(frozen=True)
class WeightsFile:
    """A file of weights.

    Attributes:
        path: where it lies, absolute.
        sha256: of its bytes, 64 hexadecimal digits.
        name: what the JSON file beside it calls it; the file's own name where there is none.
        shipped: whether it is a file of the bundle as shipped, wherever it lies.

    Example:
        >>> str(WeightsFile("/models/model.pt", "9f86d081" * 8, "chest X-rays", shipped=True))
        '/models/model.pt (chest X-rays, as shipped, SHA-256 9f86d0819f86...)'
    """

    path: str
    sha256: str
    name: str
    shipped: bool

    def __str__(self) -> str:
        return f"{self.path} ({self.name}, {'as shipped, ' if self.shipped else ''}SHA-256 {self.sha256[:12]}...)"

    @classmethod
    def of(cls, path: str | os.PathLike[str]) -> WeightsFile:
        """Read what tells a file of weights from others.

        Args:
            path: the file.

        Raises:
            InputError: it cannot be read.
        """
        file = Path(path).absolute()
        digest = _sha256(file)
        try:
            name = read_json_object(file.with_suffix(".json")).get("name")
        except InputError:  # whoever needs the sizes that it holds says so
            name = None
        return cls(str(file), digest, str(name or file.name), digest in dict(_shipped()))

    def as_dict(self) -> dict[str, str | bool]:
        """The attributes by name, for JSON."""
        return asdict(self)


def find_shipped_file(folder: str | os.PathLike[str]) -> Path | None:
    """A file of the bundle as shipped that lies in a folder under its own name and must not be written over, if any.

    ``models/SHA256SUMS`` lists them; ``sha256sum --check SHA256SUMS`` checks them.

    Example:
        >>> find_shipped_file("models").name  # doctest: +SKIP
        'model.images.txt'
    """
    for digest, name in _shipped():
        file = Path(folder) / name
        if file.is_file() and _sha256(file) == digest:
            return file
    return None


def _shipped() -> Iterator[tuple[str, str]]:
    """Hash and name of each shipped file."""
    sums = _MODELS / "SHA256SUMS"
    for line in sums.read_text(encoding="utf-8").splitlines() if sums.is_file() else ():
        digest, name = line.split(maxsplit=1)
        yield digest, name.lstrip("*")


def _sha256(file: Path) -> str:
    try:
        with file.open("rb") as opened:
            return hashlib.file_digest(opened, "sha256").hexdigest()
    except OSError as error:
        raise InputError(f"{file} cannot be read ({error.strerror}); give other weights with --ckpt_path") from error
