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
"""Reading the one frame of a file."""

from __future__ import annotations

import os
from pathlib import Path

import torch

from scripts.data.image_reader import read_image_series
from scripts.data.image_series import image_series_of
from scripts.io.input_error import InputError

__all__ = ["read_frame"]


def read_frame(path: str | os.PathLike[str], *, voi: bool = False) -> torch.Tensor:
    """Read a PNG, JPEG, TIFF, NIfTI, NRRD, MetaImage or DICOM file of one frame.

    Args:
        path: the file.
        voi: apply the window of DICOM files, see :func:`scripts.data.read_image_series`.

    Returns:
        (X, Y), float32, in the units of the file; axis 0 is x.

    Raises:
        InputError: the file is no image, cannot be read (such as one that is not written to its end), or has several
            frames.

    Example:
        >>> from pydicom.examples import get_path
        >>> tuple(read_frame(get_path("mr")).shape)
        (64, 64)
    """
    image = read_image_series(image_series_of([path], Path(path).parent), voi=voi)
    if len(image.frames) > 1:
        raise InputError(f"{path} has {len(image.frames)} frames; a live stream has a file for each")
    return image.frames[0, 0]
