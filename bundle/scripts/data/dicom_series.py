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

"""Which DICOM files are the frames of one image, and which are images of their own."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from pydicom import Dataset

from scripts.data.dicom_identity import IDENTITY_TAGS, patient_id, told_uid
from scripts.data.frame_kind import KIND_TAGS, KIND_TRAITS, Trait, told
from scripts.data.frame_order import order_by_time
from scripts.data.frame_times import TIME_TAGS, value_of
from scripts.data.still_kinds import STILL_TAGS, is_still
from scripts.io.dicom_position import numbers_of, positive_pair
from scripts.io.functional_groups import number_of_frames
from scripts.io.natural_order import natural_key
from scripts.io.same_place import SAME_COSINE, first_alike, place_tolerance

__all__ = ["SERIES_TAGS", "DicomImage", "divide_into_images", "divide_series_files"]

_PLACE_TAGS = ("ImagePositionPatient", "ImageOrientationPatient", "SliceLocation", "PatientOrientation", "PixelSpacing")
_SIZE_TAGS = ("Rows", "Columns", "SamplesPerPixel")
_GROUP_TAGS = ("SharedFunctionalGroupsSequence", "PerFrameFunctionalGroupsSequence")
# what must be read of a header to tell series apart and put them in order
SERIES_TAGS = (*IDENTITY_TAGS, *STILL_TAGS, *_SIZE_TAGS, *_PLACE_TAGS, *_GROUP_TAGS, *KIND_TAGS, *TIME_TAGS)


@dataclass(frozen=True)
class DicomImage:
    """One image of DICOM files.

    Attributes:
        files: in the order of time.
        order: the rule of that order, see :func:`scripts.data.frame_order.order_by_time`; None of one file.
    """

    files: tuple[Path, ...]
    order: str | None = None


def divide_into_images(headers: Mapping[Path, Dataset], root: Path) -> tuple[list[DicomImage], list[str]]:
    """Put files together that are frames of one image.

    Files of one frame are, if they lie in one folder, are of one series and agree in what :func:`divide_series_files`
    compares. A file of several frames is an image of its own. So is one that tells no series UID, and a projection, an
    ultrasound image or a photograph of one frame (:func:`scripts.data.still_kinds.is_still`).

    Args:
        headers: of each file, as :func:`scripts.data.dicom_header.read_dicom_header` gives it.
        root: the folder that files are named from in the sentences.

    Returns:
        The images, and a sentence for each series and each decision about it, without values of the headers.

    Example:
        >>> divide_into_images({Path("a.dcm"): Dataset()}, Path())
        ([DicomImage(files=(PosixPath('a.dcm'),), order=None)], [])
    """
    images: list[DicomImage] = []
    sentences: list[str] = []
    for (_, uid, still), files in _by_series(headers).items():
        name = min(files).relative_to(root).as_posix()
        more = f"{name} and {len(files) - 1} more files"
        if uid is None or still:
            images += [DicomImage((path,)) for path in files]
            why = (
                f"{more} of one series are {len(files)} stills, as they are projections, ultrasound images or "
                "photographs of one frame"
                if uid is not None
                else f"{more} tell no SeriesInstanceUID: each is an image of its own"
            )
            sentences += [why] if len(files) > 1 else []
            continue
        groups, names = divide_series_files({path: headers[path] for path in files})
        made = [_image(group, headers) for group in groups]
        images += made
        rules = " or ".join(dict.fromkeys(one.order for one in made if one.order is not None))
        if len(made) > 1:
            ordered = f"; their frames are ordered by {rules}" if rules else ""
            sentences.append(f"{more} of one series are {len(made)} images, told apart by {_listed(names)}{ordered}")
        elif rules:
            first = made[0].files[0].relative_to(root).as_posix()
            sentences.append(f"{first}: {len(files)} frames, ordered by {rules}")
    return images, sentences


def divide_series_files(headers: Mapping[Path, Dataset]) -> tuple[list[list[Path]], list[str]]:
    """Tell the images of one series apart.

    By patient and study; by rows, columns and colour; by place: position and orientation, which are compared as numbers
    (:mod:`scripts.io.same_place`), else SliceLocation, else PatientOrientation; and by all of
    :data:`scripts.data.frame_kind.KIND_TRAITS`.

    Args:
        headers: of the series' files of one frame.

    Returns:
        The files of each image, by name; and the attributes that tell the images apart, as few as do.

    Example:
        >>> one, other = Dataset(), Dataset()
        >>> one.EchoTime, other.EchoTime = 2.3, 4.6
        >>> divide_series_files({Path("a.dcm"): one, Path("b.dcm"): other})[1]
        ['EchoTime']
    """
    paths = sorted(headers, key=lambda path: natural_key(str(path)))
    frames = [(headers[path], 0) for path in paths]
    keys: list[tuple] = [()] * len(paths)
    names: list[str] = []
    for name, labels in _labels(frames):
        finer = [(*key, label) for key, label in zip(keys, labels, strict=True)]
        if len(set(finer)) > len(set(keys)):
            keys = finer
            names.append(name)
    groups: dict[tuple, list[Path]] = defaultdict(list)
    for path, key in zip(paths, keys, strict=True):
        groups[key].append(path)
    return list(groups.values()), list(dict.fromkeys(names))


def _by_series(headers: Mapping[Path, Dataset]) -> dict[tuple[Path, str | None, bool], list[Path]]:
    """Files of one frame by their folder and series UID; and by whether they are stills. Others are alone."""
    series: dict[tuple[Path, str | None, bool], list[Path]] = defaultdict(list)
    for path, header in headers.items():
        if number_of_frames(header) > 1:
            series[path, None, False] = [path]
        else:
            series[path.parent, told_uid(header, "SeriesInstanceUID"), is_still(header)].append(path)
    return series


def _image(group: Sequence[Path], headers: Mapping[Path, Dataset]) -> DicomImage:
    if len(group) == 1:
        return DicomImage((group[0],))
    return DicomImage(*order_by_time({path: headers[path] for path in group}))


def _listed(names: Sequence[str]) -> str:
    return " and ".join(filter(None, [", ".join(names[:-1]), names[-1]]))


def _labels(frames: Sequence[tuple[Dataset, int]]) -> Iterable[tuple[str, list[int]]]:
    """For each attribute that may tell images apart, which files are alike in it."""
    for trait in (*_OWNERS, *_SIZES):
        yield trait.name, trait.labels(frames)
    positions = np.array([_row(header, "ImagePositionPatient", "PlanePositionSequence", 3) for header, _ in frames])
    tolerance = np.array([place_tolerance(_spacing(header)) for header, _ in frames])
    yield "ImagePositionPatient", first_alike(positions, tolerance).tolist()
    along = [_row(header, "ImageOrientationPatient", "PlaneOrientationSequence", 6) for header, _ in frames]
    yield "ImageOrientationPatient", first_alike(np.array(along), SAME_COSINE).tolist()
    for trait in (*_UNPLACED, *KIND_TRAITS):
        yield trait.name, trait.labels(frames)


def _row(header: Dataset, name: str, group: str, count: int) -> tuple[float, ...]:
    """Numbers of a place; NaN where they are absent, empty or malformed."""
    return value_of(lambda one: numbers_of(told(one, 0, name, group), count), header) or (np.nan,) * count


def _spacing(header: Dataset) -> tuple[float, float] | None:
    return value_of(lambda one: positive_pair(told(one, 0, "PixelSpacing", "PixelMeasuresSequence")), header)


def _unplaced(read: Callable[[Dataset, int], tuple]) -> Callable[[Dataset, int], tuple]:
    """What tells a place where a file has no position."""

    def read_unplaced(header: Dataset, frame: int) -> tuple:
        placed = not np.isnan(_row(header, "ImagePositionPatient", "PlanePositionSequence", 3)).any()
        return () if placed else read(header, frame)

    return read_unplaced


_OWNERS = (
    Trait("PatientID", lambda header, frame: (patient_id(header),)),
    Trait("StudyInstanceUID", lambda header, frame: (told_uid(header, "StudyInstanceUID"),)),
)
_SIZES = tuple(Trait(name, lambda header, frame, name=name: numbers_of(header.get(name)), 0.5) for name in _SIZE_TAGS)
_UNPLACED = (
    Trait(
        "SliceLocation", _unplaced(lambda header, frame: numbers_of(header.get("SliceLocation"))), place_tolerance(None)
    ),
    Trait(
        "PatientOrientation",
        _unplaced(
            lambda header, frame: tuple(str(one).strip().upper() for one in header.get("PatientOrientation") or ())
        ),
    ),
)
