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
"""A named point in the patient, as files of 3D Slicer have it."""

from __future__ import annotations

from dataclasses import dataclass

__all__ = ["WorldPoint"]


@dataclass(frozen=True)
class WorldPoint:
    """A named point in the patient.

    Attributes:
        label: its name.
        lps: its place, LPS mm.
        description: what the file says of it.

    Example:
        >>> WorldPoint("valve [3]", (-5.0, -10.0, 0.0), "frame 3").lps
        (-5.0, -10.0, 0.0)
    """

    label: str
    lps: tuple[float, float, float]
    description: str = ""
