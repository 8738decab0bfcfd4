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
"""Which reader takes a file, by its content and its name; and what becomes of images and videos that none takes."""

from __future__ import annotations

import re
from pathlib import Path

from scripts.io.input_error import InputError, refuse_unreadable

__all__ = ["SUFFIXES", "ForeignFileError", "image_kind"]

SUFFIXES = {
    "raster": (".png", ".jpg", ".jpeg", ".tif", ".tiff", ".bmp"),
    "nifti": (".nii", ".nii.gz"),
    # the pixels of a .nhdr or .mhd file lie in another, whose suffix is not here
    "itk": (".nrrd", ".nhdr", ".mha", ".mhd"),
    "dicom": (".dcm", ".dicom", ".ima"),
}
_READ = tuple(suffix for suffixes in SUFFIXES.values() for suffix in suffixes)
_COMPRESSED = tuple(one + end for one in _READ for end in (".gz", ".bz2", ".xz", ".zst") if one + end not in _READ)

_TO_PNG = "convert them to PNG, or to TIFF for more than 8 bits"
_VIDEO = ("videos", 'write their frames as PNG (ffmpeg -i FILE "frames/%05d.png") or convert them to DICOM')
# what such files are, and the remedy
_FOREIGN: dict[tuple[str, ...], tuple[str, str]] = {
    (".mp4", ".avi", ".mov", ".mkv", ".wmv", ".webm", ".m4v", ".mpg", ".mpeg", ".flv", ".3gp", ".ogv"): _VIDEO,
    (".gif",): ("GIF images", _TO_PNG),
    (".webp",): ("WebP images", _TO_PNG),
    (".jp2", ".j2k", ".jpx", ".jpf", ".jxl"): ("JPEG 2000 or JPEG XL images", _TO_PNG),
    (".heic", ".heif", ".avif"): ("HEIF images", _TO_PNG),
    (".pgm", ".ppm", ".pbm", ".pnm", ".tga", ".psd", ".exr"): ("PNM, Targa, PSD and EXR images", _TO_PNG),
    (".dng", ".nef", ".cr2", ".arw"): ("camera raw images", _TO_PNG),
    (".svs", ".ndpi", ".scn", ".mrxs", ".vsi", ".bif", ".czi", ".lif", ".nd2", ".lsm", ".oib", ".oif", ".qptiff"): (
        "images of a microscope or slide scanner",
        "write the part that is wanted as TIFF, of one size",
    ),
    (".npy",): ("NumPy arrays", "write them as NIfTI (nibabel.Nifti1Image), or as PNG"),
    (".hdr", ".img"): ("pairs of header and pixels", "convert them to NIfTI of one file, .nii.gz"),
    (".mgz", ".mgh", ".mnc"): (
        "FreeSurfer and MINC images",
        "convert them to NIfTI, .nii.gz",
    ),
    _COMPRESSED: ("compressed images", "uncompress them"),
}
_BY_CONTENT: list[tuple[re.Pattern[bytes], str]] = [
    (re.compile(pattern, re.DOTALL), kind)
    for pattern, kind in (
        (rb".{128}DICM", "dicom"),
        (rb"\x89PNG\r\n\x1a\n|\xff\xd8\xff", "raster"),
        # a size, four bytes of zeros, and the length of one of the headers that there are
        (rb"BM.{4}\0{4}.{4}[\x0c\x28\x34\x38\x40\x6c\x7c]\0\0\0", "raster"),
        (rb"(II[*+]\0|MM\0[*+])", "tiff"),
        (rb".{344}n\+1\0|.{4}n\+2\0", ".nii"),
        (rb"NRRD000", ".nrrd"),
        (rb"\s*ObjectType\s*=\s*Image", ".mha"),
        (rb"GIF8[79]a", ".gif"),
        (rb"RIFF.{4}WEBP", ".webp"),
        (rb"\0\0\0\x0c(jP  |JXL )|\xff\x4f\xff\x51", ".jp2"),
        (rb".{4}ftyp(hei|mif|avi)", ".heic"),
        (rb"\x93NUMPY", ".npy"),
        (rb".{4}ftyp|RIFF.{4}AVI |\x1a\x45\xdf\xa3|\x30\x26\xb2\x75\x8e\x66\xcf\x11|\0\0\x01\xba", ".mp4"),
        (rb"version https://git-lfs", "pointer"),
    )
]
_HEAD = 352  # bytes; as far as the mark of NIfTI
# the first element of a data set with no preamble, of group 2 or 8: with its VR, or with a short length
_BARE_DICOM = re.compile(rb"[\x02\x08]\0.\0[A-Z]{2}|\0[\x02\x08]\0.[A-Z]{2}", re.DOTALL)
_BARE_IMPLICIT = re.compile(rb"\x08\0.\0.[\0-\x0f]\0\0", re.DOTALL)


class ForeignFileError(InputError):
    """An image or a video that no reader takes.

    Attributes:
        path: the file.
        what: what such files are, as a plural.
        remedy: what to do with them.
    """

    def __init__(self, path: Path, what: str, remedy: str) -> None:
        super().__init__(f"{path} cannot be used, as {what} are not read; {remedy}")
        self.path, self.what, self.remedy = path, what, remedy

    def __reduce__(self) -> tuple[type[ForeignFileError], tuple[Path, str, str]]:
        return type(self), (self.path, self.what, self.remedy)


def image_kind(path: Path) -> str | None:
    """Tell which reader takes a file. Its first bytes decide where they are known, else its suffix.

    Args:
        path: the file, of which no more than its first bytes are read.

    Returns:
        ``raster``, ``nifti``, ``itk`` or ``dicom``; None for a file that is no image as far as that tells.

    Raises:
        InputError: the file cannot be opened, or is an image or a video that no reader takes; it has the remedy.

    Example:
        >>> from pydicom.examples import get_path
        >>> image_kind(Path(get_path("ct"))), image_kind(Path(__file__))
        ('dicom', None)
    """
    with refuse_unreadable(path), open(path, "rb") as file:
        head = file.read(_HEAD)
    name = path.name.lower()
    by_name = next((kind for kind, suffixes in SUFFIXES.items() if name.endswith(suffixes)), None)
    content = next((kind for pattern, kind in _BY_CONTENT if pattern.match(head)), None)
    if content in ("raster", "dicom"):
        return content
    if content == "pointer" and by_name:
        raise InputError(f"{path} is not the image but a pointer of Git LFS to it; get the files with git lfs pull")
    _refuse_foreign(path, name)
    if content == "tiff":
        return "raster"
    if content is not None and content in _READ:
        if by_name not in ("nifti", "itk"):
            raise InputError(f"{path} is an image of the kind {content} by its content; give it that suffix")
    elif content is not None and content.startswith("."):
        _refuse_foreign(path, content)
    if by_name is None and _is_bare_dicom(head, path.suffix):
        return "dicom"  # whose reader says what it lacks
    return by_name


def _is_bare_dicom(head: bytes, suffix: str) -> bool:
    # numbers of pixels may look like an element without a VR
    unnamed = not suffix or suffix[1:].isdigit()
    return bool(_BARE_DICOM.match(head) or (unnamed and _BARE_IMPLICIT.match(head)))


def _refuse_foreign(path: Path, name: str) -> None:
    for suffixes, (what, remedy) in _FOREIGN.items():
        if name.endswith(suffixes):
            raise ForeignFileError(path, what, remedy)
