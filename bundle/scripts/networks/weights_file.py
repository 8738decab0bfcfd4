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

import os
from dataclasses import asdict, dataclass
from pathlib import Path

from scripts.io.input_error import InputError
from scripts.io.json_object import read_json_object
from scripts.io.shipped_files import file_sha256, shipped_files

__all__ = ["WeightsFile"]


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
        digest = file_sha256(file)
        try:
            name = read_json_object(file.with_suffix(".json")).get("name")
        except InputError:  # whoever needs the sizes that it holds says so
            name = None
        return cls(str(file), digest, str(name or file.name), digest in shipped_files().values())

    def as_dict(self) -> dict[str, str | bool]:
        """The attributes by name, for JSON."""
        return asdict(self)
