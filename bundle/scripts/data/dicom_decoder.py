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


"""Which decoder reads the pixels of a DICOM file, and what to install where none does."""

from __future__ import annotations

import re
from pathlib import Path

from pydicom import Dataset
from pydicom.pixels import get_decoder
from pydicom.pixels.decoders.base import Decoder
from pydicom.uid import UID, JPEG2000TransferSyntaxes, JPEGExtended12Bit

from scripts.io.input_error import InputError

__all__ = ["check_transfer_syntax", "choose_decoder"]

# pydicom names what it imports; the package of gdcm has another name
_PACKAGES = {"gdcm": "python-gdcm"}
# what to install, the first that serves; what is not among them comes before the last, which is under the GPL
_PREFERRED = ("pyjpegls", "pylibjpeg-openjpeg", "python-gdcm")
_UNDER_GPL = "pylibjpeg-libjpeg"


def check_transfer_syntax(path: Path, header: Dataset) -> UID:
    """Refuse a file whose pixels nothing here decodes.

    Args:
        path: the file, for the message.
        header: its header, with the file's meta information.

    Returns:
        The transfer syntax.

    Raises:
        InputError: it is not told, cannot be read at all, or needs a decoder that is not installed, which is named.

    Example:
        >>> import pydicom
        >>> from pydicom.examples import get_path
        >>> check_transfer_syntax(get_path("ct"), pydicom.dcmread(get_path("ct"))).name
        'Explicit VR Little Endian'
    """
    syntax = header.file_meta.get("TransferSyntaxUID")
    if not syntax:
        raise InputError(f"{path} does not tell its transfer syntax, the form of its pixels; repair or remove it")
    try:
        decoder = get_decoder(syntax)
    except NotImplementedError:
        raise InputError(
            f"{path} has the transfer syntax {syntax.name}, which cannot be read; convert it to an uncompressed one"
        ) from None
    usable = _usable_plugins(decoder, header)
    if not decoder.is_available or (decoder.available_plugins and not usable):
        raise InputError(
            f"{path} has the transfer syntax {syntax.name}{_depth(header)}, for which a decoder is missing: "
            f"{_remedy(decoder, header)}"
        )
    return syntax


def choose_decoder(header: Dataset) -> str:
    """The first decoder that bears damaged files, or "" for whatever there is.

    On damaged files, found by changing bytes at random, gdcm ended the process and pylibjpeg's decoder of JPEG 2000 did
    not come back. pydicom would ask them in turn.

    Example:
        >>> import pydicom
        >>> from pydicom.examples import get_path
        >>> choose_decoder(pydicom.dcmread(get_path("ybr_color")))
        'pillow'
    """
    plugins = _usable_plugins(get_decoder(header.file_meta.TransferSyntaxUID), header)
    return next((plugin for plugin in plugins if plugin not in ("gdcm", "pylibjpeg")), next(iter(plugins), ""))


def _usable_plugins(decoder: Decoder, header: Dataset) -> list[str]:
    """Those of the installed ones that read values of so many bits."""
    return [plugin for plugin in decoder.available_plugins if not _is_too_deep(plugin, decoder.UID, header)]


def _is_too_deep(plugin: str, syntax: UID, header: Dataset) -> bool:
    bits = int(header.get("BitsStored") or 8)
    if syntax == JPEGExtended12Bit:
        return bits > 8 and plugin != "pylibjpeg"
    colours = int(header.get("SamplesPerPixel") or 1)
    return syntax in JPEG2000TransferSyntaxes and plugin == "pillow" and (bits > 16 or (bits > 8 and colours > 1))


def _depth(header: Dataset) -> str:
    bits = int(header.get("BitsStored") or 8)
    return f" with {bits} bits" if bits > 8 else ""


def _remedy(decoder: Decoder, header: Dataset) -> str:
    """What to install, by pydicom's own list of what its decoders need, such as ``gdcm - requires gdcm>=3.0.10``."""
    choices = []
    for line in decoder.missing_dependencies:
        plugin, _, needs = line.partition(" - ")
        if not _is_too_deep(plugin, decoder.UID, header):
            choices.append([_PACKAGES.get(name, name) for name in re.findall(r"([\w-]+)>=", needs)])
    choices.sort(key=_rank)
    if not choices:
        return "convert it to an uncompressed one"
    packages = " ".join(choices[0])
    if _UNDER_GPL in choices[0]:
        return f"convert it to an uncompressed one, or pip install {packages} (under the GPL)"
    return f"pip install {packages}, or convert it to an uncompressed one"


def _rank(packages: list[str]) -> int:
    if _UNDER_GPL in packages:
        return len(_PREFERRED) + 1
    return min((_PREFERRED.index(name) for name in packages if name in _PREFERRED), default=len(_PREFERRED))
