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
"""What examples ask of the image that they are on."""

from __future__ import annotations

from typing import Protocol

import numpy as np

from scripts.data.image_series import ImageSeries
from scripts.transforms.image_fit import ImageFit

__all__ = ["MarkedImage"]


class MarkedImage(Protocol):
    """An image that a file of examples may mean; :class:`scripts.data.PreparedSeries` is one.

    A file names one image or a few of many, so that all but the name and the files may be read when it is asked for.
    """

    @property
    def name(self) -> str:
        """Path of its first file relative to the folder that is searched, with forward slashes."""
        ...

    @property
    def series(self) -> ImageSeries:
        """Its files."""
        ...

    @property
    def affines(self) -> np.ndarray:
        """(T, 4, 4): index (x, y, 0, 1) of the original image to RAS mm."""
        ...

    @property
    def length(self) -> int:
        """Number of frames T."""
        ...

    @property
    def fit(self) -> ImageFit:
        """Of which ``original``, the size (X, Y) in px, is used."""
        ...
