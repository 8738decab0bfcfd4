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

"""Which DICOM files of a folder are copies of one another."""

from __future__ import annotations

import hashlib
from collections import defaultdict
from pathlib import Path

import pydicom
from pydicom import Dataset

from scripts.data.dicom_identity import told_uid
from scripts.data.frame_times import TIME_TAGS
from scripts.io.input_error import InputError

__all__ = ["DicomCopies"]

_PIXELS = ("PixelData", "FloatPixelData", "DoubleFloatPixelData")


class DicomCopies:
    """Finds files that are the same instance as another of their folder.

    They have one SOPInstanceUID, the same times and numbers, and the same pixels. Files that differ in these were given
    one UID when they were de-identified: it is taken for none then. Copies in other folders stay: a folder is a series'
    own.

    Example:
        >>> copies = DicomCopies()
        >>> copies.check(Path("a.dcm"), Dataset())
        >>> copies.shared
        []
    """

    def __init__(self) -> None:
        self._first: dict[tuple[Path, str], list[tuple[Path, Dataset]]] = defaultdict(list)
        self._digests: dict[Path, tuple[str, bytes]] = {}
        self.shared: list[Path] = []

    def check(self, path: Path, header: Dataset) -> None:
        """Take note of a file.

        Args:
            path: the file.
            header: of it, as :func:`scripts.data.dicom_header.read_dicom_header` gives it.

        Raises:
            InputError: it is a copy of one before it. One that only shares its UID comes into ``shared``.
        """
        uid = told_uid(header, "SOPInstanceUID")
        if uid is None:
            return
        before = self._first[path.parent, uid]
        for first, known in before:
            if _times(known) == _times(header) and self._same_pixels(first, path):
                raise InputError(f"{path} is the same DICOM instance as {first.name} beside it; remove one of them")
        if before:
            self.shared.append(path)
        before.append((path, header))

    def _same_pixels(self, first: Path, second: Path) -> bool:
        (syntax, one), (other_syntax, other) = self._digest(first), self._digest(second)
        # the UID stays when pixels are compressed without loss, and with loss they get another one (PS3.3 C.12.1.1)
        return syntax != other_syntax or one == other

    def _digest(self, path: Path) -> tuple[str, bytes]:
        if path not in self._digests:
            dataset = pydicom.dcmread(path)
            pixels = next((dataset[name].value for name in _PIXELS if name in dataset), b"")
            syntax = str(dataset.file_meta.get("TransferSyntaxUID"))
            self._digests[path] = syntax, hashlib.sha256(pixels).digest()
        return self._digests[path]


def _times(header: Dataset) -> list[str]:
    return [str(header.get(name)) for name in TIME_TAGS if name != "FrameTimeVector"]
