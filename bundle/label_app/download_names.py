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

"""What the file of an image is called where it is kept after a download."""

from __future__ import annotations

import re
from pathlib import Path

from scripts.data.image_series import image_suffix

__all__ = ["name_by_content", "name_of_file"]

_LETTERS = str.maketrans("0123456789abcdef", "abcdefghijklmnop")
_NOT_IN_NAMES = re.compile(r"[^\w +,()\[\]~.-]")  # on some system


def name_of_file(name: str, file: Path) -> str:
    """The name of an image with the suffix of its file, which need not be that of the files that it was made of.

    Example:
        >>> name_of_file("run~1.IMA", Path("made.dcm")), name_of_file("1.2.840", Path("made.dcm"))
        ('run~1.dcm', '1.2.840.dcm')
    """
    suffix = image_suffix(file.name) or ".dcm"
    return name[: len(name) - len(image_suffix(name))] + suffix


def name_by_content(name: str, file: Path, checksum: str) -> str:
    """A name that no other image has, nor another state of this one, and that differs from them by more than a number.

    Example:
        >>> name_by_content("4/3", Path("1.2.3"), "SHA256:0123456789abcdef")
        '4_3 (abcdefgh).dcm'
    """
    whole = name_of_file(name, file)
    suffix = image_suffix(whole)
    letters = checksum.rpartition(":")[2][:8].translate(_LETTERS)
    # no name of all file systems is longer than 255 bytes, of which a letter takes up to four
    return f"{_NOT_IN_NAMES.sub('_', whole[: len(whole) - len(suffix)]).strip()[:50]} ({letters}){suffix}"
