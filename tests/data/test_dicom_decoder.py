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
"""Tests of what is told where no decoder reads a file, for every transfer syntax that pydicom knows."""

from __future__ import annotations

from importlib import import_module
from pathlib import Path

import numpy as np
import pydicom
import pytest
from pydicom.pixels import get_decoder
from pydicom.uid import (
    UID,
    AllTransferSyntaxes,
    HTJ2KLossless,
    JPEG2000Lossless,
    JPEGExtended12Bit,
    JPEGLosslessSV1,
    JPEGLSLossless,
)

from scripts.data.dicom_decoder import choose_decoder
from scripts.data.dicom_header import read_dicom_header
from scripts.io.input_error import InputError

FILES = Path(pydicom.__file__).parent / "data" / "test_files"
GREY = (np.arange(35).reshape(5, 7) * 7).astype(np.uint8)
MODULES = {name: f"pydicom.pixels.decoders.{name}" for name in ("gdcm", "pillow", "pyjpegls", "pylibjpeg")}
OPENJPEG = "pylibjpeg pylibjpeg-openjpeg"


def write(path: Path, write_dicom, syntax: UID, **tags: object) -> Path:
    dataset = pydicom.dcmread(write_dicom(path, GREY, **tags))
    dataset.PixelData = pydicom.encaps.encapsulate([b"\0" * 8])
    dataset["PixelData"].VR = "OB"
    dataset["PixelData"].is_undefined_length = True
    dataset.file_meta.TransferSyntaxUID = syntax
    dataset.save_as(path, implicit_vr=False, little_endian=True)
    return path


def needs(syntax: UID) -> dict[str, tuple[str, ...]]:
    """Pydicom's own table: each plugin that reads a transfer syntax, and what it needs besides NumPy."""
    tables = {name: import_module(module).DECODER_DEPENDENCIES for name, module in MODULES.items()}
    found = {name: table[syntax] for name, table in tables.items() if syntax in table}
    return {name: tuple(one for one in needed if one != "numpy") for name, needed in found.items()}


def install(monkeypatch, syntax: UID, *plugins: str) -> None:
    decoder = get_decoder(syntax)
    monkeypatch.setattr(decoder, "_available", dict.fromkeys(plugins))
    monkeypatch.setattr(decoder, "_unavailable", {k: v for k, v in needs(syntax).items() if k not in plugins})


def refused(path: Path) -> str:
    with pytest.raises(InputError) as error:
        read_dicom_header(path)
    assert str(error.value).startswith(str(path))
    return str(error.value)


@pytest.mark.parametrize(
    "syntax", [one for one in AllTransferSyntaxes if one.is_encapsulated], ids=lambda one: one.name
)
def test_the_remedy_of_every_transfer_syntax_is_one_that_pydicom_uses_for_it(
    tmp_path, write_dicom, monkeypatch, syntax
):
    path = write(tmp_path / "a.dcm", write_dicom, syntax)
    try:
        decoder = get_decoder(syntax)
    except NotImplementedError:
        assert "cannot be read; convert it to an uncompressed one" in refused(path)
        return
    if not needs(syntax):  # RLE, which pydicom reads itself
        read_dicom_header(path)
        return
    install(monkeypatch, syntax)
    assert not decoder.is_available
    told = refused(path)
    assert f"has the transfer syntax {syntax.name}, for which a decoder is missing: pip install " in told
    names = told.partition("pip install ")[2].split(",")[0].replace("python-gdcm", "gdcm").split()
    # all that one of the plugins needs, no more and no less, and not what is under the GPL
    assert sorted(names) in [sorted(one.partition(">")[0] for one in plugin) for plugin in needs(syntax).values()]
    assert "pylibjpeg-libjpeg" not in names


@pytest.mark.parametrize(
    ("syntax", "packages"),
    [
        (JPEGLSLossless, "pyjpegls"),
        (JPEG2000Lossless, OPENJPEG),
        (HTJ2KLossless, OPENJPEG),
        (JPEGLosslessSV1, "python-gdcm"),
    ],
)
def test_the_remedy_that_is_preferred(tmp_path, write_dicom, monkeypatch, syntax, packages):
    path = write(tmp_path / "a.dcm", write_dicom, syntax)
    install(monkeypatch, syntax)
    if syntax == JPEG2000Lossless:  # which Pillow reads, a requirement
        monkeypatch.delitem(get_decoder(syntax)._unavailable, "pillow")
    assert f"pip install {packages}, or convert it" in refused(path)


@pytest.mark.parametrize(("colours", "bits", "fine"), [(1, 16, True), (3, 8, True), (3, 12, False)])
def test_jpeg_2000_of_more_colour_than_pillow_reads(tmp_path, write_dicom, monkeypatch, colours, bits, fine):
    tags = {"SamplesPerPixel": colours, "BitsAllocated": 16, "BitsStored": bits, "HighBit": bits - 1}
    path = write(tmp_path / "a.dcm", write_dicom, JPEG2000Lossless, **tags)
    install(monkeypatch, JPEG2000Lossless, "pillow")
    if fine:
        read_dicom_header(path)
    else:
        assert f"with 12 bits, for which a decoder is missing: pip install {OPENJPEG}, or convert it" in refused(path)
        install(monkeypatch, JPEG2000Lossless, "pillow", "pylibjpeg")
        assert choose_decoder(read_dicom_header(path)) == "pylibjpeg"


def test_jpeg_of_12_bits_needs_what_is_under_the_gpl_or_to_be_converted(monkeypatch):
    path = FILES / "JPGExtended.dcm"
    install(monkeypatch, JPEGExtended12Bit, "pillow")
    assert refused(path).endswith(
        "has the transfer syntax JPEG Extended (Process 2 and 4) with 12 bits, for which a decoder is missing: "
        "convert it to an uncompressed one, or pip install pylibjpeg pylibjpeg-libjpeg (under the GPL)"
    )
    install(monkeypatch, JPEGExtended12Bit, "gdcm", "pillow", "pylibjpeg")
    assert choose_decoder(read_dicom_header(path)) == "pylibjpeg"


@pytest.mark.parametrize(
    ("plugins", "chosen"),
    [
        (("gdcm", "pillow", "pylibjpeg"), "pillow"),
        (("gdcm", "pyjpegls"), "pyjpegls"),
        (("pydicom",), "pydicom"),
        (("gdcm",), "gdcm"),
        ((), ""),
    ],
)
def test_decoders_that_end_the_program_are_asked_last(monkeypatch, plugins, chosen):
    monkeypatch.setattr("pydicom.pixels.common.CoderBase.available_plugins", plugins)
    assert choose_decoder(pydicom.dcmread(FILES / "MR_small_RLE.dcm")) == chosen
