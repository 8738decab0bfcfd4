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

"""What a file's header tells before its pixels are decoded: whether it is an image that can be read, and how large."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import nibabel as nib
import numpy as np
from nibabel.arrayproxy import ArrayProxy
from PIL import Image

from scripts.data.tiff_header import is_tiff, open_tiff, tiff_pages
from scripts.io.input_error import InputError, refuse_unreadable

__all__ = [
    "LARGEST_FRAME",
    "LARGEST_SERIES",
    "RASTER_FORMATS",
    "RasterHeader",
    "check_affine",
    "check_not_empty",
    "check_shape",
    "check_size",
    "read_nifti_header",
    "read_raster_header",
]

LARGEST_FRAME = 2**26  # px; 8192 x 8192
LARGEST_SERIES = 2**29  # px of all frames; 2 GiB as float32
# what Pillow may take a file for, whatever its name says; among its other formats are some that run other programs
RASTER_FORMATS = ("PNG", "JPEG", "BMP")


def check_size(path: Path, width: int, height: int, frames: int = 1) -> None:
    """Refuse what is no image by its size, or would not fit into memory.

    Args:
        path: the file, for the message.
        width: px.
        height: px.
        frames: how many.

    Raises:
        InputError: a side is shorter than 2 px, there is no frame, or a frame or all frames are too large.

    Example:
        >>> check_size(Path("a.png"), 512, 512, frames=100)
    """
    if min(width, height) < 2 or frames < 1:
        raise InputError(
            f"{path} has {width} x {height} px and {frames} frame(s); an image has at least 2 x 2 px: remove the file"
        )
    if width * height > LARGEST_FRAME:
        raise InputError(
            f"{path} has {width} x {height} px, more than {LARGEST_FRAME / 1e6:.0f} Mpx; "
            "cut out a part or scale it down"
        )
    if width * height * frames > LARGEST_SERIES:
        raise InputError(
            f"{path} has {frames} frames of {width} x {height} px, more than {LARGEST_SERIES / 1e6:.0f} Mpx together; "
            "split it into shorter files"
        )


def check_shape(path: Path, shape: Sequence[int]) -> None:
    """Refuse what is neither an image nor a series, or see :func:`check_size`.

    Args:
        path: the file, for the message.
        shape: lengths of the axes, x first.

    Raises:
        InputError: the shape is not (X, Y), (X, Y, 1), (X, Y, T) or (X, Y, 1, T).

    Example:
        >>> check_shape(Path("cine.nii"), (256, 256, 1, 30))
    """
    shape = tuple(int(length) for length in shape)
    if not (len(shape) in (2, 3) or (len(shape) == 4 and shape[2] == 1)) or min(shape[:2]) < 2:
        raise InputError(
            f"{path} has the shape {shape}; an image must be (X, Y), (X, Y, 1), (X, Y, T) or (X, Y, 1, T): write time "
            "as the last axis, and each slice of a volume over time to a file of its own"
        )
    check_size(path, shape[0], shape[1], math.prod(shape[2:]))


def check_affine(path: Path, affine: np.ndarray, axes: int) -> None:
    """Refuse an affine whose first axes do not span a plane or space.

    Args:
        path: the file, for the message.
        affine: (N, M), index to mm.
        axes: how many of its columns.

    Raises:
        InputError: they do not, or a number is NaN or infinite.

    Example:
        >>> check_affine(Path("cine.nii"), np.eye(4), 2)
    """
    if not np.isfinite(affine).all() or np.linalg.matrix_rank(affine[:, :axes]) < axes:
        raise InputError(f"{path} has an affine that tells no place ({affine[:3].tolist()}); correct it")


def check_not_empty(path: Path) -> None:
    """Refuse a file of no bytes.

    Raises:
        InputError: the file is empty, or its size cannot be told.

    Example:
        >>> check_not_empty(Path(__file__))
    """
    with refuse_unreadable(path):
        if path.stat().st_size == 0:
            raise InputError(f"{path} is empty; remove it or copy it again")


@dataclass(frozen=True)
class RasterHeader:
    """What the header of a PNG, JPEG, TIFF or BMP file tells.

    Attributes:
        width: px.
        height: px.
        pages: how many.
        orientation: the tag Orientation of TIFF, from 1 to 8, which turns no pixel here; 1 for other formats.
    """

    width: int
    height: int
    pages: int = 1
    orientation: int = 1


def read_raster_header(path: Path) -> RasterHeader:
    """Check a PNG, JPEG, TIFF or BMP file by its header, and a TIFF file by those of all its pages.

    Raises:
        InputError: it is none of these, has pages of several sizes, or see :func:`check_size`.

    Example:
        >>> read_raster_header(Path("a.png")).pages  # doctest: +SKIP
        1
    """
    check_not_empty(path)
    if is_tiff(path):
        return _read_tiff_header(path)
    with refuse_unreadable(path), Image.open(path, formats=RASTER_FORMATS) as picture:
        # what a JPEG has besides its picture is a thumbnail, a map of depths or the other eye's
        pages = getattr(picture, "n_frames", 1) if picture.format == "PNG" else 1
        check_size(path, *picture.size, pages)
        return RasterHeader(*picture.size, pages)


def _read_tiff_header(path: Path) -> RasterHeader:
    with open_tiff(path) as tiff:
        orientation, pages, width, height = 1, 0, 0, 0
        for pages, page in enumerate(tiff_pages(path, tiff), start=1):
            width, height = page.imagewidth, page.imagelength
            check_size(path, width, height, pages)
            if pages == 1 and "Orientation" in page.tags:
                orientation = int(page.tags["Orientation"].value)
        return RasterHeader(width, height, pages, orientation)


def read_nifti_header(path: Path) -> nib.Nifti1Pair:
    """Check a NIfTI file by its header.

    Returns:
        The image, whose pixels are not read yet.

    Raises:
        InputError: it is no NIfTI file, not two-dimensional, of complex or colour values, cut off, has no affine that
            tells a place, or see :func:`check_size`.

    Example:
        >>> read_nifti_header(Path("cine.nii.gz")).shape  # doctest: +SKIP
        (256, 256, 1, 30)
    """
    check_not_empty(path)
    with refuse_unreadable(path):
        image = nib.load(path)
        if not isinstance(image, nib.Nifti1Pair):
            raise InputError(f"{path} is {type(image).__name__}, not an image in NIfTI's form; convert or remove it")
        check_shape(path, image.shape)
        dtype = image.get_data_dtype()
        if dtype.kind not in "iuf":
            raise InputError(f"{path} has values of the type {dtype}; convert it to grey values of integers or floats")
        assert isinstance(image.dataobj, ArrayProxy)  # the pixels of a file, which were not asked for yet
        needed = int(image.dataobj.offset) + math.prod(map(int, image.shape)) * dtype.itemsize
        if path.name.lower().endswith(".nii") and path.stat().st_size < needed:
            raise InputError(f"{path} is cut off: {path.stat().st_size} of {needed} bytes are there; copy it again")
        check_affine(path, image.affine, 2)
    return image
