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

"""Which files of a folder make which image: still images, multi-frame files and DICOM series."""

from __future__ import annotations

import os
from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import pydicom
from pydicom.misc import is_dicom

from scripts.io.input_error import InputError

__all__ = ["ImageSeries", "find_image_series", "image_series_of", "is_hidden", "select_series"]

_RASTER = (".png", ".jpg", ".jpeg", ".tif", ".tiff", ".bmp")
_NIFTI = (".nii", ".nii.gz")
_DICOM = (".dcm", ".dicom", ".ima")
_PLACE_TAGS = ["ImagePositionPatient", "ImageOrientationPatient"]
_DICOM_TAGS = ["SeriesInstanceUID", "InstanceNumber", "NumberOfFrames", "Rows", "Columns", *_PLACE_TAGS]


@dataclass(frozen=True)
class ImageSeries:
    """One image: a still, or frames over time.

    Attributes:
        name: path of its (first) file relative to the data set's folder, with forward slashes; unique in it.
        files: the file, or the files of a single-frame DICOM series in the order of their InstanceNumber.
        format: ``raster``, ``nifti`` or ``dicom``.
        patient: whose image it is, or None where that is not known. Two series with the same patient are of one
            person. It is not compared: a series is the same, whoever told its patient or did not.
    """

    name: str
    files: tuple[Path, ...]
    format: str
    patient: str | None = field(default=None, compare=False)


def find_image_series(dataset_dir: str | os.PathLike[str]) -> list[ImageSeries]:
    """Find all images below a folder, in any number of sub-folders.

    Single-frame DICOM files of one folder that share a series UID, a matrix and a place in the patient are one series
    over time, in the order of their InstanceNumber (so each slice of a stack is an image of its own); every other file
    is an image. Files that are no images are passed over, and so are hidden files and folders and DICOM files without
    pixels (DICOMDIR, reports, presentation states).

    Args:
        dataset_dir: a folder, or one file.

    Returns:
        The series, sorted by name.

    Raises:
        InputError: the folder does not exist or holds no image, or a DICOM file cannot be read.

    Example:
        >>> [series.name for series in find_image_series("clips")]  # doctest: +SKIP
        ['patient_1/cine.nii.gz', 'patient_2/IM0001.dcm']
    """
    series = _find_below(Path(dataset_dir))
    if not series:
        raise InputError(f"{dataset_dir} holds no image; give a folder with PNG, JPEG, TIFF, NIfTI or DICOM files")
    return sorted(series, key=lambda one: one.name)


def is_hidden(path: Path, root: Path) -> bool:
    """Tell whether a file is hidden, or in a hidden folder below ``root``: names with a leading dot, and ``__MACOSX``.

    Example:
        >>> is_hidden(Path("clips/.ipynb_checkpoints/x.png"), Path("clips")), is_hidden(Path(".a/x.png"), Path(".a"))
        (True, False)
    """
    return any(part.startswith(".") or part == "__MACOSX" for part in path.relative_to(root).parts)


def image_series_of(files: Sequence[str | os.PathLike[str]], dataset_dir: str | os.PathLike[str]) -> ImageSeries:
    """Make a series of files that are known to belong together, such as those of a data list.

    Args:
        files: one file, or the files of a single-frame DICOM series in the order of time.
        dataset_dir: the folder that the series' name is relative to.

    Raises:
        InputError: a file does not exist or is no image, or several files are not all DICOM.

    Example:
        >>> image_series_of(["clips/p1/f1.dcm", "clips/p1/f2.dcm"], "clips").name  # doctest: +SKIP
        'p1/f1.dcm'
    """
    paths = tuple(Path(file) for file in files)
    missing = next((path for path in paths if not path.is_file()), None)
    if not paths or missing is not None:
        raise InputError(f"{missing or dataset_dir}: there is no such image")
    formats = [_format_of(path) for path in paths]
    if formats[0] is None:
        raise InputError(f"{paths[0]} is not a PNG, JPEG, TIFF, NIfTI or DICOM image")
    if len(paths) > 1 and set(formats) != {"dicom"}:
        raise InputError(f"{paths[0]} and {len(paths) - 1} more files are listed as one image; only DICOM files may be")
    return ImageSeries(Path(os.path.relpath(paths[0], dataset_dir)).as_posix(), paths, formats[0])


def select_series(series: Iterable[ImageSeries], path: str, near: Sequence[Path]) -> ImageSeries:
    """Find the series that a path in a table means, among known ones or on disk.

    Args:
        series: known series.
        path: absolute, or relative to one of ``near``; any file of a series, or a folder that holds one series.
        near: folders to start from, the first that has the file wins.

    Raises:
        InputError: there is no such file, or a folder holds several series.
    """
    found = next((folder / path for folder in near if (folder / path).exists()), None)
    if found is None:
        places = " or ".join(str(folder) for folder in near)
        raise InputError(f"image {path!r} is neither an existing absolute path nor found below {places}")
    resolved = found.resolve()
    for one in series:
        if any(file.resolve() == resolved for file in one.files):
            return one
    if resolved.is_dir():
        inside = find_image_series(resolved)
        if len(inside) > 1:
            raise InputError(f"folder {path!r} holds {len(inside)} images; name a file of the one that is meant")
        return next((one for one in series if one.files[0].resolve() == inside[0].files[0].resolve()), inside[0])
    # a DICOM file outside the data set: its folder may hold the other frames of its series
    alone = _find_below(resolved)
    is_frame = any(one.format == "dicom" for one in alone)
    for one in _find_below(resolved.parent, recursive=False) if is_frame else alone:
        if resolved in one.files:
            return one
    raise InputError(f"image {path!r} is not a PNG, JPEG, TIFF, NIfTI or DICOM image")


def _find_below(root: Path, *, recursive: bool = True) -> list[ImageSeries]:
    if not root.exists():
        raise InputError(f"{root} does not exist; --dataset_dir must be a folder of images")
    if root.is_file():
        files, root = [root], root.parent
    else:
        files = sorted(path for path in (root.rglob("*") if recursive else root.glob("*")) if path.is_file())
    series: list[ImageSeries] = []
    dicom: dict[tuple, list[tuple[int, Path]]] = defaultdict(list)
    for path in files:
        image_format = None if is_hidden(path, root) else _format_of(path)
        if image_format == "dicom":
            found = _dicom_key(path)
            if found is not None:
                dicom[found[0]].append((found[1], path))
        elif image_format is not None:
            series.append(ImageSeries(path.relative_to(root).as_posix(), (path,), image_format))
    for numbered in dicom.values():
        ordered = tuple(path for _, path in sorted(numbered))
        series.append(ImageSeries(ordered[0].relative_to(root).as_posix(), ordered, "dicom"))
    return series


def _format_of(path: Path) -> str | None:
    name = path.name.lower()
    if name.endswith(_RASTER):
        return "raster"
    if name.endswith(_NIFTI):
        return "nifti"
    return "dicom" if name.endswith(_DICOM) or _has_dicom_prefix(path) else None


def _has_dicom_prefix(path: Path) -> bool:
    try:
        return is_dicom(path)
    except OSError as error:
        raise InputError(f"{path} cannot be read ({error}); remove it or change its permissions") from error


def _dicom_key(path: Path) -> tuple[tuple, int] | None:
    """What the files of one series have in common, and the file's place among them; None for a file without pixels."""
    try:
        header = pydicom.dcmread(path, stop_before_pixels=True, specific_tags=_DICOM_TAGS)
        if not header.file_meta:
            raise ValueError("the file ends in its header")
        if "Rows" not in header:
            return None
        if int(header.get("NumberOfFrames") or 1) > 1 or "SeriesInstanceUID" not in header:
            return (path,), 0
        place = tuple(str(header.get(tag)) for tag in _PLACE_TAGS)
        key = (path.parent, header.SeriesInstanceUID, header.Rows, header.get("Columns"), place)
        return key, int(header.get("InstanceNumber") or 0)
    except Exception as error:  # a damaged header raises errors of many kinds
        raise InputError(f"{path} cannot be read as DICOM ({error}); remove or repair it") from error
