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

"""An example that does not speak for its landmark even in its own image."""

from __future__ import annotations

from dataclasses import dataclass

__all__ = ["DoubtfulExample"]


@dataclass(frozen=True)
class DoubtfulExample:
    """An example whose point is likely to be wrong, or to be one that the network cannot tell from others.

    Attributes:
        label: name of the landmark.
        source: the series that its image is of, as given to :meth:`ExampleBank.add`.
        frame: index of its frame, likewise.
        where: its image and frame, in words.
        distance: how far away it was found, or marked again, px of the original image; NaN where it was not.
        reason: what is wrong, as the end of a sentence.

    Example:
        >>> print(DoubtfulExample("apex", None, 3, "clip.dcm, frame 3", 41.2, "is found 41.2 px away in its own image"))
        example 'apex' on clip.dcm, frame 3, is found 41.2 px away in its own image; look whether it is at the right \
place, or take another one
    """

    label: str
    source: str | None
    frame: int | None
    where: str
    distance: float
    reason: str

    def __str__(self) -> str:
        return (
            f"example {self.label!r} on {self.where}, {self.reason}; "
            "look whether it is at the right place, or take another one"
        )
