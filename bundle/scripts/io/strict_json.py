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

"""Read JSON as the standard has it."""

from __future__ import annotations

import json
from typing import Any

from scripts.io.input_error import InputError

__all__ = ["parse_object"]


def parse_object(content: bytes | str, where: str) -> dict[str, Any]:
    """Read a JSON object that can be written as JSON again.

    Python reads more than the standard has: NaN, numbers that become infinite, halves of characters. Kept in a file or
    sent in an answer, these would be a fault later.

    Args:
        content: the text, UTF-8.
        where: what to call it in messages.

    Returns:
        What it says.

    Raises:
        InputError: it is no JSON, or no object.

    Example:
        >>> parse_object('{"frame": 3}', "params"), parse_object(b"{}", "body")
        ({'frame': 3}, {})
    """
    try:
        document = json.loads(content)
        json.dumps(document, ensure_ascii=False, allow_nan=False).encode()
    except (ValueError, RecursionError) as error:
        raise InputError(f"{where} is not JSON ({error}).") from error
    if not isinstance(document, dict):
        raise InputError(f"{where} must be a JSON object, {{...}}, not a {type(document).__name__}.")
    return document
