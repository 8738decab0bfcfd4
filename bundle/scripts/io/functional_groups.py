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

"""The functional groups of an enhanced multi-frame DICOM file."""

from __future__ import annotations

from pydicom import Dataset

__all__ = ["frame_group", "functional_groups", "number_of_frames"]


def number_of_frames(dataset: Dataset) -> int:
    """NumberOfFrames, or 1 where there is none.

    Example:
        >>> number_of_frames(Dataset())
        1
    """
    return int(dataset.get("NumberOfFrames") or 1)


def frame_group(dataset: Dataset, name: str, frame: int) -> Dataset | None:
    """A functional group of a frame of an enhanced multi-frame file (PS3.3 C.7.6.16): its own, else the shared one.

    Args:
        dataset: the file.
        name: keyword of the group's sequence.
        frame: index from 0.

    Returns:
        The group's first item, or None where there is none.

    Example:
        >>> frame_group(Dataset(), "PixelMeasuresSequence", 0) is None
        True
    """
    own = dataset.get("PerFrameFunctionalGroupsSequence") or ()
    shared = dataset.get("SharedFunctionalGroupsSequence") or ()
    for groups in (*own[frame : frame + 1], *shared[:1]):
        if groups.get(name):
            return groups[name][0]
    return None


def functional_groups(dataset: Dataset, name: str) -> list[Dataset | None]:
    """:func:`frame_group` of every frame; an empty list for a file that has no functional groups.

    Example:
        >>> functional_groups(Dataset(), "PixelMeasuresSequence")
        []
    """
    if not (dataset.get("PerFrameFunctionalGroupsSequence") or dataset.get("SharedFunctionalGroupsSequence")):
        return []
    return [frame_group(dataset, name, frame) for frame in range(number_of_frames(dataset))]
