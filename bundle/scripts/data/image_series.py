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

import logging
import os
import posixpath
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import pydicom

from scripts.data.dicom_copies import DicomCopies
from scripts.data.dicom_geometry import dicom_geometry
from scripts.data.dicom_header import read_dicom_header
from scripts.data.dicom_series import divide_into_images
from scripts.data.image_header import read_nifti_header, read_raster_header
from scripts.data.image_kind import SUFFIXES, ForeignFileError, image_kind
from scripts.data.itk_header import read_itk_header
from scripts.io.file_name import name_fault
from scripts.io.input_error import InputError, printable, refuse_unreadable
from scripts.io.json_object import read_json_object
from scripts.io.name_index import nearest_names
from scripts.io.named_file import find_file, nearest_files

__all__ = [
    "FoundImages",
    "ImageSeries",
    "find_image_series",
    "image_series_of",
    "image_suffix",
    "is_hidden",
    "select_series",
]

_CHECK_HEADER: dict[str, Callable[[Path], object]] = {
    "raster": read_raster_header,
    "nifti": read_nifti_header,
    "itk": read_itk_header,
}
_RUNS = "runs.json"  # of :class:`scripts.runs.OutputFolder`


@dataclass(frozen=True)
class ImageSeries:
    """One image: a still, or frames over time.

    Attributes:
        name: path of its (first) file relative to the data set's folder, with forward slashes; unique in it.
        files: the file, or the files of a single-frame DICOM series in the order of time.
        format: ``raster``, ``nifti``, ``itk`` (NRRD and MetaImage) or ``dicom``.
        patient: whose image it is, or None where that is not known. Two series with the same patient are of one
            person. It is not compared: a series is the same, whoever told its patient or did not.
        order: the rule that put its files in order, see :func:`scripts.data.frame_order.order_by_time`; None where
            there is one file, or where whoever listed the files put them in order. It is not compared.
    """

    name: str
    files: tuple[Path, ...]
    format: str
    patient: str | None = field(default=None, compare=False)
    order: str | None = field(default=None, compare=False)

    @property
    def file_names(self) -> tuple[str, ...]:
        """The names of its files in the data set; the first is its own name.

        Example:
            >>> ImageSeries("p1/f1.dcm", (Path("clips/p1/f1.dcm"), Path("clips/p1/f2.dcm")), "dicom").file_names
            ('p1/f1.dcm', 'p1/f2.dcm')
        """
        folder = posixpath.dirname(self.name)
        others = (Path(os.path.relpath(file, self.files[0].parent)).as_posix() for file in self.files[1:])
        return self.name, *(posixpath.normpath(posixpath.join(folder, other)) for other in others)


class FoundImages(list[ImageSeries]):
    """The images of a folder.

    Attributes:
        skipped: a line for each file, or kind of files, that cannot be used, with the reason and the remedy.
    """

    def __init__(self, series: Iterable[ImageSeries], skipped: Iterable[str] = ()) -> None:
        super().__init__(series)
        self.skipped = tuple(skipped)


def find_image_series(dataset_dir: str | os.PathLike[str]) -> FoundImages:
    """Find all images below a folder, in any number of sub-folders.

    Single-frame DICOM files of one folder that share a series UID, a patient, a matrix, a place in the patient and a
    kind of image are one series over time, see :func:`scripts.data.dicom_series.divide_into_images`, so each slice of a
    stack is an image of its own, ordered as :func:`scripts.data.frame_order.order_by_time` says; every other image file
    is an image. The log tells in a sentence each series what became of it. A file that cannot be used, by its header,
    is skipped with a warning that names it: damaged, empty, too large, without pixels (DICOMDIR, reports, presentation
    states), with frames at several places or of several kinds, compressed in a way that cannot be decoded, the same
    DICOM instance as another of its folder, or with a name that no result can have. So are links to folders, which may
    lead in circles. Of videos, and of images of a kind that is not read, the first is named. Hidden files and folders
    and files that are no images are passed over and counted.

    Args:
        dataset_dir: a folder, or one file.

    Returns:
        The series, sorted by name, and what was skipped.

    Raises:
        InputError: the folder does not exist or holds no image that can be used; or the one file cannot be used.

    Example:
        >>> [series.name for series in find_image_series("clips")]  # doctest: +SKIP
        ['patient_1/cine.nii.gz', 'patient_2/IM0001.dcm']
    """
    found = _find_below(Path(dataset_dir))
    skipped = found.lines()
    if not found.series:
        why = f"; {found.count} skipped, the first because {skipped[0]}" if skipped else found.others()
        raise InputError(
            f"{dataset_dir} holds no image{' that can be used' if skipped else ''}; "
            f"give a folder with PNG, JPEG, TIFF, NIfTI, NRRD, MetaImage or DICOM files{why}"
        )
    found.log(dataset_dir)
    return FoundImages(sorted(found.series, key=lambda one: one.name), skipped)


def is_hidden(path: Path, root: Path) -> bool:
    """Tell whether a file is hidden, or in a hidden folder below ``root``: names with a leading dot, and ``__MACOSX``.

    Example:
        >>> is_hidden(Path("clips/.ipynb_checkpoints/x.png"), Path("clips")), is_hidden(Path(".a/x.png"), Path(".a"))
        (True, False)
    """
    return any(part.startswith(".") or part == "__MACOSX" for part in path.relative_to(root).parts)


def image_suffix(name: str) -> str:
    """The end of a file's name by which it is known as an image, as it is written; "" where there is none.

    A dot does not make a suffix: a DICOM file may be named after its UID.

    Example:
        >>> image_suffix("knee.left.NII.GZ"), image_suffix("1.2.840.113")
        ('.NII.GZ', '')
    """
    lower = name.lower()
    ends = [suffix for suffixes in SUFFIXES.values() for suffix in suffixes if lower.endswith(suffix)]
    return name[len(name) - max(map(len, ends), default=0) :]


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
        nearest = "" if missing is None else nearest_files(missing)
        raise InputError(f"{missing or dataset_dir}: there is no such image{nearest}")
    formats = [image_kind(path) for path in paths]
    if formats[0] is None:
        raise InputError(f"{paths[0]} is not a PNG, JPEG, TIFF, NIfTI, NRRD, MetaImage or DICOM image")
    if len(paths) > 1 and set(formats) != {"dicom"}:
        raise InputError(f"{paths[0]} and {len(paths) - 1} more files are listed as one image; only DICOM files may be")
    name = Path(os.path.relpath(paths[0], dataset_dir)).as_posix()
    _check_name(paths[0], name)
    return ImageSeries(name, paths, formats[0])


def select_series(series: Iterable[ImageSeries], path: str, near: Sequence[Path]) -> ImageSeries:
    """Find the series that a path in a table means, among known ones or on disk.

    Args:
        series: known series.
        path: absolute, or relative to one of ``near``; any file of a series, or a folder that holds one series.
        near: folders to start from, the first that has the file wins.

    Raises:
        InputError: there is no such file, it is no image that can be used, or a folder holds no series or several.

    Example:
        >>> select_series(find_image_series("clips"), "p1/f2.dcm", [Path("clips")]).name  # doctest: +SKIP
        'p1/f1.dcm'
    """
    found = find_file(path, near)
    if found is None:
        places, nearest = " or ".join(str(folder) for folder in near), nearest_names(path, [one.name for one in series])
        raise InputError(f"image {path!r} is neither an existing absolute path nor found below {places}{nearest}")
    resolved = found.resolve()
    for one in series:
        if any(file.resolve() == resolved for file in one.files):
            return one
    if resolved.is_dir():
        inside = _find_below(resolved).series
        if not inside:
            raise InputError(f"folder {path!r} holds no image that can be used")
        if len(inside) > 1:
            raise InputError(f"folder {path!r} holds {len(inside)} images; name a file of the one that is meant")
        return next((one for one in series if one.files[0].resolve() == inside[0].files[0].resolve()), inside[0])
    # a DICOM file outside the data set: its folder may hold the other frames of its series
    alone = _find_below(resolved).series
    is_frame = any(one.format == "dicom" for one in alone)
    for one in [*(_find_below(resolved.parent, recursive=False).series if is_frame else ()), *alone]:
        if resolved in one.files:
            return one
    raise InputError(f"image {path!r} is not a PNG, JPEG, TIFF, NIfTI, NRRD, MetaImage or DICOM image")


@dataclass
class _Found:
    """What was found below a folder, what was not used and why, how DICOM files were put together, and how many images
    tell no distance in the patient."""

    series: list[ImageSeries] = field(default_factory=list)
    skipped: list[str] = field(default_factory=list)
    foreign: dict[str, list[ForeignFileError]] = field(default_factory=lambda: defaultdict(list))
    passed_over: Counter[str] = field(default_factory=Counter)
    decisions: list[str] = field(default_factory=list)
    elsewhere: int = 0

    @property
    def count(self) -> int:
        """Number of files that cannot be used, though they are images or videos."""
        return len(self.skipped) + sum(map(len, self.foreign.values()))

    def lines(self) -> list[str]:
        """A line for each of them, and one for those of a kind that is not read."""
        more = []
        for what, files in self.foreign.items():
            first, others = files[0], len(files) - 1
            line = f"{first.path} and {others} more cannot be used, as {what} are not read; {first.remedy}"
            more.append(line if others else str(first))
        return [printable(line) for line in (*self.skipped, *more)]

    def others(self) -> str:
        """The end of a line that counts the files that are no images."""
        told = ", ".join(f"{count} {printable(kind)}" for kind, count in self.passed_over.most_common() if count)
        return f"; passed over: {told}" if told else ""

    def log(self, folder: str | os.PathLike[str]) -> None:
        logger, there = logging.getLogger("ImageSeries"), printable(str(folder))
        for reason in self.lines():
            logger.warning("skipped: %s", reason)
        if self.count:
            logger.warning("%d files below %s skipped, %d images found", self.count, there, len(self.series))
        if self.others():
            logger.info("%s: %d images found%s", there, len(self.series), self.others())
        for decision in self.decisions:
            logger.info("%s", printable(decision))
        if self.elsewhere:
            logger.info(
                "%d DICOM files tell the distance of pixels at the detector or on a film only: lengths stay in px",
                self.elsewhere,
            )


def _find_below(root: Path, *, recursive: bool = True) -> _Found:
    if not root.exists():
        raise InputError(f"{root} does not exist; --dataset_dir must be a folder of images")
    found = _Found()
    named = root.is_file()
    files, root = ([root], root.parent) if named else (_list_files(root, recursive, found), root)
    headers: dict[Path, pydicom.Dataset] = {}
    copies = DicomCopies()
    for path in files:
        if is_hidden(path, root):
            found.passed_over["hidden"] += 1
            continue
        try:
            kind = image_kind(path)
            if kind is None:
                found.passed_over[path.suffix.lower() or "without a suffix"] += 1
                continue
            if kind != "dicom":
                name = path.relative_to(root).as_posix()
                _check_name(path, name)
                _CHECK_HEADER[kind](path)
                found.series.append(ImageSeries(name, (path,), kind))
                continue
            header = read_dicom_header(path)
            # a value is decoded when it is asked for, which a damaged one may not survive
            with refuse_unreadable(path):
                elsewhere = _tells_elsewhere(header)
                copies.check(path, header)
            headers[path] = header
            found.elsewhere += elsewhere
        except InputError as error:
            if named:
                raise
            if isinstance(error, ForeignFileError):
                found.foreign[error.what].append(error)
            else:
                found.skipped.append(str(error))
    images, found.decisions = divide_into_images(headers, root)
    for one in images:
        name = one.files[0].relative_to(root).as_posix()
        try:
            _check_name(one.files[0], name)
        except InputError as error:
            if named:
                raise
            found.skipped.append(str(error))
            continue
        found.series.append(ImageSeries(name, one.files, "dicom", order=one.order))
    if copies.shared:
        shared = copies.shared[0].relative_to(root).as_posix()
        found.decisions.append(
            f"{len(copies.shared)} files, the first {shared}, have the SOPInstanceUID of another, but not its pixels "
            "or times: it counts as none"
        )
    return found


def _check_name(path: Path, name: str) -> None:
    fault = name_fault(name)
    if fault is not None:
        raise InputError(f"{printable(str(path))} cannot be used: {fault}")


def _list_files(root: Path, recursive: bool, found: _Found) -> list[Path]:
    """All files below a folder, sorted. Folders that cannot be listed or are links go to ``found.skipped``."""
    skipped = found.skipped

    def refuse(error: OSError) -> None:
        skipped.append(f"{error.filename} cannot be listed ({error.strerror}); change its permissions")

    files: list[Path] = []
    results: set[Path] = set()
    for folder, folders, names in os.walk(root, onerror=refuse):
        here = Path(folder)
        links = [here / name for name in folders if (here / name).is_symlink() and not is_hidden(here / name, root)]
        # a link may lead in a circle, or to a folder that is listed anyway
        skipped += [f"{link} is a link to a folder, which is not followed; give that folder itself" for link in links]
        # not a pipe or a socket, which would never end
        there = {here / name for name in names if os.path.isfile(here / name)}
        if _RUNS in names:
            results |= _results_in(here)
        files += there
        nowhere = [here / name for name in names if not os.path.exists(here / name) and image_suffix(name)]
        skipped += [f"{link} is a link to a file that is not there; get or remove it" for link in nowhere]
        if not recursive:
            break
    found.passed_over["written by a run"] += sum(file in results for file in files)
    return sorted(file for file in files if file not in results)


def _results_in(folder: Path) -> set[Path]:
    """What runs have written into a folder, by their list of it: pictures of images, which are no images themselves."""
    try:
        runs = [run for run in read_json_object(folder / _RUNS).values() if isinstance(run, dict)]
    except InputError:  # somebody else's
        return set()
    return {folder / name for run in runs if isinstance(run.get("files"), dict) for name in run["files"]}


def _tells_elsewhere(header: pydicom.Dataset) -> bool:
    geometry = dicom_geometry(header)
    return geometry.spacing_source is not None and not geometry.spacing_known
