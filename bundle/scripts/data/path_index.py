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

"""Files below a folder, as tables name them."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable

from scripts.io.unicode_form import composed

__all__ = ["PathIndex"]


class PathIndex:
    """Paths, found by themselves and by their ends: a/b/c, b/c and c; in any Unicode form.

    Args:
        paths: relative to one folder, with forward slashes.

    Example:
        >>> index = PathIndex(["a.png", "p1/a.png", "p1/b.png", "p2/b.png"])
        >>> index.find("a.png"), index.find("b.png"), index.find("c.png")
        (['a.png'], ['p1/b.png', 'p2/b.png'], [])
    """

    def __init__(self, paths: Iterable[str]) -> None:
        self._by_end: dict[str, list[str]] = defaultdict(list)
        for path in paths:
            parts = composed(path).split("/")
            for start in range(len(parts)):
                self._by_end["/".join(parts[start:])].append(path)

    def find(self, name: str) -> list[str]:
        """The paths that a name may mean: one where it is a path or written as only one is; none, or several."""
        ends = self._by_end.get(composed(name), [])
        for nearer in (
            [path for path in ends if path == name],
            # a path from the folder is meant before the same ending in a folder below
            [path for path in ends if composed(path) == composed(name)],
            [path for path in ends if path.endswith(name)],
        ):
            if nearer:
                return nearer
        return ends
