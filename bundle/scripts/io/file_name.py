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
"""Names of files that results can be named after."""

from __future__ import annotations

from pathlib import PurePath

__all__ = ["name_fault"]

# 255 bytes is the longest name of common file systems; the longest ending that a result adds is ".trajectories.png"
_LONGEST = 255 - len(".trajectories.png")


def name_fault(name: str) -> str | None:
    """Why no results can be named after a file, with the remedy; None for a name that is all right.

    Args:
        name: path of the file in its data set.

    Example:
        >>> name_fault("p1/clip.png"), name_fault("a\\udce4.png")
        (None, 'the name is not UTF-8; rename it')
    """
    try:
        lengths = [len(part.encode()) for part in PurePath(name).parts]
    except UnicodeEncodeError:
        return "the name is not UTF-8; rename it"
    if any(ord(one) < 32 or 127 <= ord(one) < 160 for one in name):
        return "the name has a control character; rename it"
    if name != name.strip():
        return "the name begins or ends with a space, which tables do not keep; rename it"
    if max(lengths, default=0) > _LONGEST:
        return f"the name has {max(lengths)} bytes, and the results' names, which are longer, can have 255; shorten it"
    return None
