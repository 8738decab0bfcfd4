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

"""Which value in a label map stands for which landmark."""

from __future__ import annotations

import threading
from collections.abc import Iterable

__all__ = ["LabelValues"]


class LabelValues:
    """Values from 1 on for landmarks, which stay as they are while the server runs.

    A viewer asks for them once, and reads all later maps by them: a landmark that is named in between, or whose
    examples change, must not make another of it.

    Example:
        >>> values = LabelValues()
        >>> values.of(["valve", "apex"]), values.of(["anulus", "valve"])
        ({'valve': 2, 'apex': 1}, {'anulus': 3, 'valve': 2})
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._values: dict[str, int] = {}

    def of(self, labels: Iterable[str]) -> dict[str, int]:
        """The value of each landmark; those that are new get the next ones, by their names."""
        wanted = list(labels)
        with self._lock:
            for label in sorted(set(wanted) - set(self._values)):
                self._values[label] = len(self._values) + 1
            return {label: self._values[label] for label in wanted}
