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

"""Names and labels of files from several systems, compared in one Unicode form."""

from __future__ import annotations

import unicodedata
from collections.abc import Sequence
from typing import overload

__all__ = ["composed", "composed_labels"]


def composed(text: str) -> str:
    """A name in the form in which names are compared: letters with their marks as one character (NFC).

    Macs write an ä of a file's name as two characters, spreadsheets and other systems as one, and both look the same.

    Example:
        >>> composed("a\\u0308.png") == "\\u00e4.png"
        True
    """
    return unicodedata.normalize("NFC", text)


@overload
def composed_labels(labels: str | Sequence[str]) -> list[str]: ...
@overload
def composed_labels(labels: None) -> None: ...


def composed_labels(labels: str | Sequence[str] | None) -> list[str] | None:
    """The labels that a user gave, of which one may come as a text, as those of files are read; None stays None.

    Example:
        >>> composed_labels("apex"), composed_labels(("apex", "valve")), composed_labels(None)
        (['apex'], ['apex', 'valve'], None)
    """
    if labels is None:
        return None
    return [composed(label) for label in ([labels] if isinstance(labels, str) else labels)]
