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
"""Names that people give, made short enough for a picture and still told apart."""

from __future__ import annotations

import math
import unicodedata
from collections import Counter
from collections.abc import Sequence

from matplotlib import font_manager, rcParams

__all__ = ["short_names", "text_width", "use_installed_fonts"]

# of scripts that matplotlib's own font lacks; what is installed of them is used for the letters that are missing
_FONTS = (
    "Noto Sans CJK JP", "Noto Sans CJK SC", "Source Han Sans", "WenQuanYi Zen Hei", "WenQuanYi Micro Hei",
    "Hiragino Sans", "PingFang SC", "Yu Gothic", "Microsoft YaHei", "SimHei", "Malgun Gothic", "Noto Sans Devanagari",
    "Noto Sans Thai", "Noto Sans Hebrew", "Arial Unicode MS",
)  # fmt: skip


def use_installed_fonts() -> None:
    """Let matplotlib take letters that its font lacks from fonts that are installed."""
    there = {font.name for font in font_manager.fontManager.ttflist}
    more = [name for name in _FONTS if name in there]
    if more:
        rcParams["font.family"] = list(dict.fromkeys(["DejaVu Sans", *more]))


def text_width(text: str) -> int:
    """How many small letters a text is about as wide as: accents have no width, Chinese letters that of two.

    Example:
        >>> text_width("valve"), text_width("\u5f01"), text_width("e\u0301"), text_width("MR")
        (5, 2, 1, 3)
    """
    return math.ceil(sum(map(_letter_width, text)))


def _letter_width(letter: str) -> float:
    if unicodedata.combining(letter):
        return 0.0
    if unicodedata.east_asian_width(letter) in "WF":
        return 2.0
    return 1.65 if letter in "mwMW@%" else 1.2 if letter.isupper() else 1.0


def short_names(names: Sequence[str], most: int) -> list[str]:
    """Shorten long names in the middle; names that differ stay different.

    Of names with the same beginning and end, more of one or the other is kept; those that are alike even so are
    numbered.

    Args:
        names: the names.
        most: width of a name at most, see :func:`text_width`; 8 or more.

    Returns:
        A name for each.

    Example:
        >>> short_names(["apex", "left ventricle, septal side"], 12)
        ['apex', 'left v… side']
    """
    given = list(dict.fromkeys(names))
    for share in (0.5, 0.8, 0.2, 1.0, 0.0):
        shown = {name: name if text_width(name) <= most else _middle_out(name, most, share) for name in given}
        if len(set(shown.values())) == len(given):
            return [shown[name] for name in names]
    alike = Counter(shown.values())
    twice = [name for name in given if alike[shown[name]] > 1]
    for number, name in enumerate(twice, start=1):
        ending = f" ({number})"
        shown[name] = _middle_out(name, most - len(ending), 0.5) + ending
    return [shown[name] for name in names]


def _middle_out(name: str, most: int, share: float) -> str:
    """The first and the last letters, each with its accents; the first ones take a share of the room."""
    letters: list[str] = []
    for one in name:
        if letters and unicodedata.combining(one):
            letters[-1] += one
        else:
            letters.append(one)
    head = round((most - 1) * share)
    return _fitting(letters, head) + "…" + _fitting(letters[::-1], most - 1 - head, reverse=True)


def _fitting(letters: Sequence[str], most: int, *, reverse: bool = False) -> str:
    taken: list[str] = []
    width = 0.0
    for one in letters:
        width += sum(map(_letter_width, one))
        if width > most:
            break
        taken.append(one)
    return "".join(taken[::-1] if reverse else taken)
