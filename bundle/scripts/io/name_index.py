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

"""What a written name means among those that there are."""

from __future__ import annotations

import difflib
from collections import defaultdict
from collections.abc import Iterable, Mapping
from pathlib import PurePosixPath
from typing import Generic, TypeVar

from scripts.io.input_error import InputError
from scripts.io.unicode_form import composed

__all__ = ["NameIndex", "nearest_names"]

T = TypeVar("T")

_SHOWN = 3  # names in a message


class NameIndex(Generic[T]):
    """Things by their names, found in any Unicode form of the name.

    The name as it is written counts first, then the only one that is the same in another form.

    Args:
        things: by name.

    Example:
        >>> index = NameIndex({"a\\u0308.png": 1, "b.png": 2})
        >>> index.find("\\u00e4.png"), index.find("c.png")
        (1, None)
    """

    def __init__(self, things: Mapping[str, T]) -> None:
        self._things = things
        self._alike: dict[str, list[str]] = defaultdict(list)
        for name in things:
            self._alike[composed(name)].append(name)

    def find(self, name: str) -> T | None:
        """What has this name; None where nothing has.

        Raises:
            InputError: several have it, in other forms than this one.
        """
        if name in self._things:
            return self._things[name]
        alike = self._alike.get(composed(name), [])
        if len(alike) > 1:
            raise InputError(
                f"{name!r} is the name of {len(alike)} files, which differ in Unicode only "
                f"({', '.join(map(ascii, alike))}): rename all but one"
            )
        return self._things[alike[0]] if alike else None


def nearest_names(name: str, names: Iterable[str]) -> str:
    """The end of a message about a name that is not found: what names there are that look most like it.

    The whole names are compared and, of paths, their last parts, in small letters.

    Example:
        >>> nearest_names("clip1.dcm", ["p1/clip_1.dcm", "p1/clip_2.dcm", "p2/knee.png"])
        "; the nearest names are 'p1/clip_1.dcm', 'p1/clip_2.dcm'"
        >>> nearest_names("a", ["x.png"]), nearest_names("a", [])
        ("; a name there is 'x.png'", '; there is none')
    """
    known = list(dict.fromkeys(names))
    alike: dict[str, float] = {}
    for part in (_whole, _last):
        spelt: dict[str, list[str]] = defaultdict(list)
        for one in known:
            spelt[part(one)].append(one)
        for near in difflib.get_close_matches(part(name), spelt, n=_SHOWN):
            ratio = difflib.SequenceMatcher(None, near, part(name)).ratio()
            alike |= {one: max(ratio, alike.get(one, 0.0)) for one in spelt[near][:_SHOWN]}
    nearest = sorted(alike, key=lambda one: (-alike[one], one))[:_SHOWN]
    if nearest:
        are = "name is" if len(nearest) == 1 else "names are"
        return f"; the nearest {are} {', '.join(map(repr, nearest))}"
    return f"; a name there is {known[0]!r}" if known else "; there is none"


def _whole(name: str) -> str:
    return composed(name).casefold()


def _last(name: str) -> str:
    return PurePosixPath(_whole(name)).name
