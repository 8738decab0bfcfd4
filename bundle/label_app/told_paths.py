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

"""What is said of files to those who are not at the server's computer."""

from __future__ import annotations

import os
from collections.abc import Iterable

__all__ = ["without_folders"]


def without_folders(text: str, folders: Iterable[str | os.PathLike[str]]) -> str:
    """A message with the paths of files in these folders from there on, and the folders by their name.

    Example:
        >>> without_folders("/data/images/a/b.png cannot be read; look into /data/images", ["/data/images"])
        'a/b.png cannot be read; look into images'
    """
    for folder in map(os.fspath, folders):
        text = text.replace(os.path.join(folder, ""), "").replace(folder, os.path.basename(folder))
    return text
