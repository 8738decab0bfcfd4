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

"""What a run left in a JSON file for a later one."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

from scripts.io.input_error import refuse_unreadable

__all__ = ["read_json_object"]


def read_json_object(path: str | os.PathLike[str]) -> dict[str, Any]:
    """Read a file that may not be there.

    Args:
        path: the file.

    Returns:
        Its object; an empty one where there is no file.

    Raises:
        InputError: it is damaged, or holds something else than an object.

    Example:
        >>> read_json_object("no_such_file.json")
        {}
    """
    if not Path(path).is_file():
        return {}
    with refuse_unreadable(path):
        return dict(json.loads(Path(path).read_text(encoding="utf-8")).items())
