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

"""Which image an id means, and which ids there can be."""

from __future__ import annotations

from collections.abc import Collection, Container

from monailabel.interfaces.exception import ImageNotFoundException

from scripts.data.image_series import image_suffix

__all__ = ["id_fault", "listed_id", "meant_ids"]

_LONGEST_ID = 200  # bytes: the files that are named after it have more in their names, and 255 is all they may have


def listed_id(image_id: str, images: Collection[str]) -> str:
    """The id in a list of the one image that an id means, with its suffix or without.

    Raises:
        ImageNotFoundException: it means none, or several.

    Example:
        >>> listed_id("knee", ["hip.nii.gz", "knee.png"])
        'knee.png'
    """
    meant = meant_ids(image_id, images)
    if len(meant) > 1:
        raise ImageNotFoundException(f"{image_id!r} may be any of {', '.join(meant)}; give one of these ids")
    if not meant:
        raise ImageNotFoundException(f"there is no image {image_id!r}")
    return meant[0]


def meant_ids(image_id: str, images: Collection[str]) -> list[str]:
    """The ids in a list that an id may mean: itself, or else those that are it with a suffix of images.

    Example:
        >>> meant_ids("knee", ["knee.png", "knee.left.png", "knee.nii.gz"]), meant_ids("a", ["a", "a.png"])
        (['knee.png', 'knee.nii.gz'], ['a'])
    """
    if image_id in images:
        return [image_id]
    if not isinstance(image_id, str) or not image_id:
        return []
    return [one for one in images if one.startswith(image_id) and image_suffix(one) == one[len(image_id) :]]


def id_fault(image_id: str, others: Container[str]) -> str:
    """Why an image cannot have an id, or "".

    Example:
        >>> id_fault("knee.png", ["hip.png"]), id_fault("x" * 201, [])
        ('', 'its path has more than 200 bytes; shorten it')
    """
    if image_id in others:
        return "another image has the same name with '/' for '~'; rename one of them"
    try:
        length = len(image_id.encode())
    except UnicodeEncodeError:
        return "its name is not UTF-8; rename it"
    return f"its path has more than {_LONGEST_ID} bytes; shorten it" if length > _LONGEST_ID else ""
