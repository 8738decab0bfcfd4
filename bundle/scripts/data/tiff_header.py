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

"""The header of a TIFF file, all of whose pages are checked before any of their pixels is decoded."""

from __future__ import annotations

import logging
import struct
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import tifffile

from scripts.io.input_error import InputError, refuse_unreadable

__all__ = ["CMYK", "GREY", "INVERTED", "PALETTE", "RGB", "YCBCR", "is_tiff", "open_tiff", "photometric", "tiff_pages"]

INVERTED, GREY, RGB, PALETTE, _MASK, CMYK, YCBCR = range(7)  # the tag PhotometricInterpretation
# how many numbers a pixel has before those that are no colour, such as transparency
_COLOURS = {INVERTED: 1, GREY: 1, RGB: 3, PALETTE: 1, CMYK: 4, YCBCR: 3}
_STARTS = (b"II*\0", b"MM\0*", b"II+\0", b"MM\0+")
_REDUCED, _IS_MASK = 1, 4  # bits of the tag NewSubfileType
_JPEG = (6, 7)
# what is wrong with a file is told once, by its name
logging.getLogger("tifffile").setLevel(logging.CRITICAL)


def is_tiff(path: Path) -> bool:
    """Whether a file is TIFF or BigTIFF by its first bytes, whatever its name says.

    Example:
        >>> is_tiff(Path(__file__))
        False
    """
    with refuse_unreadable(path), open(path, "rb") as file:
        return file.read(4) in _STARTS


@contextmanager
def open_tiff(path: Path) -> Iterator[tifffile.TiffFile]:
    """Open a TIFF file.

    Raises:
        InputError: in place of any error while it is open.

    Example:
        >>> with open_tiff(Path("a.tif")) as tiff:  # doctest: +SKIP
        ...     print(len(tiff.pages))
        30
    """
    with refuse_unreadable(path), tifffile.TiffFile(path) as tiff:
        # each page has a header of its own
        tiff.pages.useframes = False
        yield tiff


def tiff_pages(path: Path, tiff: tifffile.TiffFile) -> Iterator[tifffile.TiffPage]:
    """Go through the headers of all pages.

    Args:
        path: the file, for the message.
        tiff: the open file.

    Yields:
        A page whose pixels can be decoded, of the size of the first.

    Raises:
        InputError: a page cannot be read, is of another size, a mask or several channels, or is cut off; or the list of
            pages is damaged.

    Example:
        >>> with open_tiff(path) as tiff:  # doctest: +SKIP
        ...     print([(page.imagewidth, page.imagelength) for page in tiff_pages(path, tiff)])
        [(640, 480)]
    """
    first: tifffile.TiffPage | None = None
    last: tifffile.TiffPage | None = None
    for page in tiff.pages:
        assert isinstance(page, tifffile.TiffPage)
        first, last = first or page, page
        _check_sizes(path, first, page)
        _check_values(path, page)
        ends = (begin + count for begin, count in zip(page.dataoffsets, page.databytecounts, strict=True))
        if max(ends, default=0) > tiff.filehandle.size:
            raise InputError(f"{path} is cut off: the pixels of page {page.index + 1} are not all there; copy it again")
        yield page
    if last is None or _next_page(tiff, last):
        raise InputError(f"{path} has a damaged list of pages; copy it again or repair it")
    told = [(tiff.imagej_metadata or {}).get("images", 1)]
    told += [2 for one in tiff.shaped_metadata or () if one.get("truncated")]
    if len(tiff.pages) == 1 and max(told) > 1:
        raise InputError(f"{path} has several images behind the header of one; write each to a page of its own")


def photometric(page: tifffile.TiffPage) -> int:
    """What the numbers of a page mean; where that is not told, as libtiff takes it.

    Example:
        >>> photometric(page) == RGB  # doctest: +SKIP
        True
    """
    if "PhotometricInterpretation" in page.tags:
        return int(page.photometric)
    return RGB if page.samplesperpixel > 2 else GREY


def _check_sizes(path: Path, first: tifffile.TiffPage, page: tifffile.TiffPage) -> None:
    size, other = ((one.imagewidth, one.imagelength) for one in (first, page))
    if size != other:
        what = "a smaller copy" if page.subfiletype & _REDUCED or other < size else "another image"
        raise InputError(
            f"{path} has pages of several sizes: page {page.index + 1}, {what}, has {other[0]} x {other[1]} px, the "
            f"first has {size[0]} x {size[1]}; write the pages of one size to a file of their own"
        )


def _check_values(path: Path, page: tifffile.TiffPage) -> None:
    kind, where = photometric(page), f"{path}, page {page.index + 1}," if page.index else f"{path}"
    jpeg = page.compression in _JPEG
    if kind == _MASK or page.subfiletype & _IS_MASK:
        raise InputError(f"{where} is a mask of another page; write the pages without it")
    if kind not in _COLOURS or page.dtype is None or page.dtype.kind not in "biuf" or page.imagedepth > 1:
        raise InputError(
            f"{where} has values of a kind that cannot be read ({getattr(page.photometric, 'name', kind)}, "
            f"{page.bitspersample} bits); convert it to grey values or RGB"
        )
    if (page.compression != 1 and page.compression not in tifffile.TIFF.DECOMPRESSORS) or page.compression == 6:
        name = getattr(page.compression, "name", page.compression)
        raise InputError(f"{where} has a compression that cannot be read ({name}); save it with another")
    if kind == YCBCR and page.is_subsampled and not jpeg:
        raise InputError(f"{where} has colours of fewer pixels (YCbCr) that cannot be read; convert it to RGB")
    others = page.samplesperpixel - _COLOURS[kind]
    # one more number may be transparency that nothing tells to be it
    if others < 0 or (others > 1 and kind in (INVERTED, GREY)):
        raise InputError(f"{where} has {page.samplesperpixel} channels that are no colours; write each to a file")


def _next_page(tiff: tifffile.TiffFile, page: tifffile.TiffPage) -> int:
    """Where a page tells that the next one begins; 0 for the last page."""
    file, form = tiff.filehandle, tiff.tiff
    file.seek(page.offset)
    (tags,) = struct.unpack(form.tagnoformat, file.read(form.tagnosize))
    file.seek(page.offset + form.tagnosize + tags * form.tagsize)
    (offset,) = struct.unpack(form.offsetformat, file.read(form.offsetsize))
    return offset
