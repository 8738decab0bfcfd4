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

"""The header of an NRRD or MetaImage file, checked before ITK decodes its pixels."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np

from scripts.data.image_header import check_affine, check_not_empty, check_shape
from scripts.data.text_header import TextHeader, read_metaimage_text, read_nrrd_text
from scripts.io.input_error import InputError, refuse_unreadable

__all__ = ["ItkHeader", "import_itk", "read_itk_header", "refuse_unreadable_by_itk"]

_NRRD = (".nrrd", ".nhdr")
_COLOURS = ("unsigned_char", "unsigned_short")


@dataclass(frozen=True)
class ItkHeader:
    """What a header tells.

    Attributes:
        image_io: ITK's reader of the format.
        shape: lengths of the axes, x first, and that of time last where the file tells which it is.
        components: numbers a pixel: 1, or 3 or 4 for colour.
        listed: True where ITK has the frames as the numbers of a pixel.
        text: what ITK does not tell.
    """

    image_io: Any
    shape: tuple[int, ...]
    components: int
    listed: bool
    text: TextHeader

    @property
    def in_time(self) -> bool:
        """True where the file tells that it is a series, and which of its axes is time."""
        return self.listed or self.text.time_axis is not None


def read_itk_header(path: Path) -> ItkHeader:
    """Check an NRRD (``.nrrd``, ``.nhdr``) or MetaImage (``.mha``, ``.mhd``) file by its header.

    Raises:
        InputError: ITK is not installed; the file is not what its suffix says, not two-dimensional, of complex values
            or vectors, cut off, has no affine that tells a place, or see :func:`scripts.data.image_header.check_size`,
            :func:`scripts.data.text_header.read_nrrd_text` and its like.

    Example:
        >>> read_itk_header(Path("cine.mha")).shape  # doctest: +SKIP
        (256, 256, 30)
    """
    check_not_empty(path)
    itk = import_itk(path)
    nrrd = path.name.lower().endswith(_NRRD)
    text = read_nrrd_text(path) if nrrd else read_metaimage_text(path)
    with refuse_unreadable_by_itk(path):
        image_io = itk.NrrdImageIO.New() if nrrd else itk.MetaImageIO.New()
        image_io.SetFileName(str(path))
        image_io.ReadImageInformation()
        axes = range(image_io.GetNumberOfDimensions())
        shape = tuple(int(image_io.GetDimensions(axis)) for axis in axes)
        listed = text.listed and int(image_io.GetNumberOfComponents()) > 1
        if listed:
            shape = (*shape, int(image_io.GetNumberOfComponents()))
        elif text.time_axis is not None:
            shape = (*shape[: text.time_axis], *shape[text.time_axis + 1 :], shape[text.time_axis])
        check_shape(path, shape)
        columns = [np.array(image_io.GetDirection(axis)) * image_io.GetSpacing(axis) for axis in axes]
        # an image of ITK's has axes that span its space, that of time too
        check_affine(path, np.column_stack([*columns, [image_io.GetOrigin(axis) for axis in axes]]), len(axes))
        components = 1 if listed else _check_values(path, image_io)
        needed = int(image_io.GetImageSizeInBytes())
        there = text.pixel_file.stat().st_size - text.pixels_at
    if text.plain and there < needed:
        raise InputError(f"{path} is cut off: {there} of {needed} bytes of pixels are there; copy it again")
    return ItkHeader(image_io, shape, components, listed, text)


def import_itk(path: Path) -> ModuleType:
    """Import ITK, which is not among the requirements.

    Args:
        path: the file that needs it, for the message.

    Raises:
        InputError: it is not installed.

    Example:
        >>> import_itk(Path("cine.mha")).__name__  # doctest: +SKIP
        'itk'
    """
    try:
        import itk
    except ImportError:
        raise InputError(f"{path} needs ITK to be read: pip install itk-io, or convert it to NIfTI") from None
    return itk


@contextmanager
def refuse_unreadable_by_itk(path: Path) -> Iterator[None]:
    """Name the file in whatever error is raised; of the lines of ITK's, tell the last that says something.

    Raises:
        InputError: in place of any other error.

    Example:
        >>> with refuse_unreadable_by_itk(Path("a.nrrd")):
        ...     raise RuntimeError("/itk/nrrd.cxx:41:\\nITK ERROR: NrrdImageIO(0x55): no sizes\\n")
        Traceback (most recent call last):
        ...
        scripts.io.input_error.InputError: a.nrrd cannot be read (no sizes); remove or repair it
    """
    with refuse_unreadable(path):
        try:
            yield
        except RuntimeError as error:
            lines = [line for line in str(error).splitlines() if line and not line.startswith(("/", "Reason"))]
            raise ValueError(re.sub(r"^.*\(0x\w+\): ", "", lines[-1]) if lines else error) from error


def _check_values(path: Path, image_io: Any) -> int:
    """The numbers a pixel."""
    components = int(image_io.GetNumberOfComponents())
    kind = image_io.GetPixelTypeAsString(image_io.GetPixelType())
    dtype = image_io.GetComponentTypeAsString(image_io.GetComponentType())
    if components == 1:
        return components
    # SimpleITK writes colours as vectors, and those of the patient are of signed numbers
    if components in (3, 4) and (kind in ("rgb", "rgba") or (kind == "vector" and dtype in _COLOURS)):
        return components
    raise InputError(f"{path} has pixels of {components} numbers ({kind} of {dtype}); convert it to grey values or RGB")
