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

"""Reading NRRD and MetaImage, by ITK."""

from __future__ import annotations

import zlib

import numpy as np
from monai.data import ITKReader
from monai.data.utils import to_affine_nd

from scripts.data.image_series import ImageSeries
from scripts.data.itk_header import import_itk, read_itk_header, refuse_unreadable_by_itk
from scripts.data.luma import to_luma
from scripts.data.series_image import SeriesImage
from scripts.data.slice_plane import split_frames
from scripts.data.text_header import TextHeader
from scripts.io.input_error import InputError
from scripts.transforms.coordinates import LPS_TO_RAS

__all__ = ["read_itk"]

_ZLIB_OR_GZIP, _CHUNK = 47, 2**16


def read_itk(series: ImageSeries, *, plane: str | None = None) -> SeriesImage:
    """Read an image of shape (X, Y), (X, Y, 1), (X, Y, T) or (X, Y, 1, T).

    Args:
        series: one file.
        plane: give the slices of a volume as frames, see :func:`scripts.data.slice_plane.split_frames`.

    Raises:
        InputError: see :func:`scripts.data.read_image_series`.

    Example:
        >>> read_itk(image_series_of(["cine.mha"], ".")).spacing_known  # doctest: +SKIP
        True
    """
    path = series.files[0]
    header, itk = read_itk_header(path), import_itk(path)
    text = header.text
    grey = header.components == 1
    # ITK's own types of colours have no more than 8 bits
    pixel_type = itk.F if grey and not header.listed else itk.VariableLengthVector[itk.F]
    with refuse_unreadable_by_itk(path):
        if text.zipped:
            _check_zipped(text, int(header.image_io.GetImageSizeInBytes()))
        reader = ITKReader(pixel_type=pixel_type, imageio=header.image_io)
        # ITK's order of indices, x first, and RAS
        pixels, about = reader.get_data(reader.read(path))
        # that of two dimensions lies in the plane of x and y
        affine = to_affine_nd(3, about["affine"])
    pixels = pixels if grey else to_luma(pixels[..., :3])
    time = text.time_axis
    moved = time is not None and time < pixels.ndim - 1
    if time is not None and moved:
        pixels = np.moveaxis(pixels, time, -1)
        # ITK's directions are not those of the two other axes alone: their distances only
        spacings = [header.image_io.GetSpacing(axis) for axis in range(pixels.ndim) if axis != time]
        affine = LPS_TO_RAS @ np.diag([*spacings[:2], 1.0, 1.0])
    as_slices = not (header.listed or moved)
    pages, affines = split_frames(path, pixels, affine, plane, in_time=header.in_time, as_slices=as_slices)
    return SeriesImage.from_pages(
        series,
        pages,
        affines,
        spacing_known=text.spacing_told,
        places=affines if text.place_told and not moved else None,
        spacing_source="header of NRRD or MetaImage" if text.spacing_told else None,
    )


def _check_zipped(text: TextHeader, needed: int) -> None:
    """ITK does not compare checksums, and hands out whatever it got from a damaged stream."""
    stream, there, rest = zlib.decompressobj(_ZLIB_OR_GZIP), 0, b""
    with open(text.pixel_file, "rb") as file:
        file.seek(text.pixels_at)
        # a checksum stands behind the last byte
        while there < needed or (there == needed and not stream.eof):
            rest = rest or file.read(_CHUNK)
            if not rest:
                break
            # gzip may be several streams, one after the other
            stream = zlib.decompressobj(_ZLIB_OR_GZIP) if stream.eof else stream
            there += len(stream.decompress(rest))
            rest = stream.unused_data
    if there != needed or not stream.eof:
        raise InputError(f"{text.pixel_file} has {there} of {needed} bytes in its compressed pixels; copy it again")
