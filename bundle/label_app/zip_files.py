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

"""Several files in one to send."""

from __future__ import annotations

import tempfile
import zipfile
from collections.abc import Mapping
from pathlib import Path

__all__ = ["new_zip"]


def new_zip(files: Mapping[str, Path]) -> str:
    """Path of a new temporary ZIP file of files by their names in it; whoever asks for it removes it.

    Example:
        >>> new_zip({"final/a.png.json": Path("labels/a.png.json")})  # doctest: +SKIP
        '/tmp/tmpx1y2.zip'
    """
    with tempfile.NamedTemporaryFile(suffix=".zip", delete=False) as file:
        try:
            with zipfile.ZipFile(file, "w", strict_timestamps=False) as archive:  # ZIP knows no time before 1980
                for name, path in files.items():
                    archive.write(path, name)
        except Exception:
            Path(file.name).unlink()
            raise
    return file.name
