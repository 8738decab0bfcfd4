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

"""Whose image is it: rules that tell the patient of a series from its path or its DICOM header."""

from __future__ import annotations

import re
from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import takewhile

import pydicom

from scripts.data.dicom_identity import patient_id, told_uid
from scripts.data.image_series import ImageSeries
from scripts.io.input_error import InputError
from scripts.io.unicode_form import composed

__all__ = ["PatientKeys", "keys_by_dicom", "keys_by_folder", "keys_by_pattern", "patient_in_path"]

_MIN_FOLDERS = 3  # one for each part; fewer are rather folders such as "images" and "masks"
_PARTS = {"train", "training", "val", "valid", "validation", "test", "testing"}
_SHOWN = 3  # images named in a message
_SHARED_BY = 3  # of two PatientIDs in a study one may be a slip of the pen; so many are patients
_LEAKS = "the split leaks if a patient has several images; then give --patient_pattern or --table"


@dataclass(frozen=True)
class PatientKeys:
    """Who is on which image.

    Attributes:
        keys: a key of the patient for each series that is used. Keys are compared, never shown.
        rule: how the patients were told apart, in words.
        notes: what else the user shall know: exceptions and what was left out, with counts.
    """

    keys: dict[ImageSeries, str]
    rule: str
    notes: tuple[str, ...] = ()


def keys_by_folder(series: Sequence[ImageSeries]) -> PatientKeys:
    """Take the first sub-folder for the patient, or each image for a patient where there are no sub-folders.

    Folders that all images have in common are no sub-folders.

    Raises:
        InputError: there are one or two sub-folders, or one is named like a part of a split; these are no patients.

    Example:
        >>> names = ("all/a/1.png", "all/a/2.png", "all/b/1.png", "all/c/1.png")
        >>> keys_by_folder([ImageSeries(name, (), "raster") for name in names]).rule
        'the first sub-folder is the patient'
    """
    parents = [one.name.split("/")[:-1] for one in series]
    shared = len(list(takewhile(lambda names: len(set(names)) == 1, zip(*parents, strict=False))))
    folders = {one: parent[shared] for one, parent in zip(series, parents, strict=True) if len(parent) > shared}
    if not folders:
        rule = "each image is a patient of its own, as there are no sub-folders"
        return PatientKeys({one: one.name for one in series}, rule, (f"WARNING: {_LEAKS}",))
    _check_folders(sorted(set(folders.values())))
    loose = len(series) - len(folders)
    note = f"WARNING: {_images(loose)} in no sub-folder: each is a patient of its own, and {_LEAKS}"
    # no folder's name begins with a slash, so that a loose image is never taken for a folder's
    keys = {one: folders.get(one, f"/{one.name}") for one in series}
    return PatientKeys(keys, "the first sub-folder is the patient", (note,) if loose else ())


def _check_folders(names: Sequence[str]) -> None:
    part = next((name for name in names if name.lower() in _PARTS), None)
    if part is None and len(names) >= _MIN_FOLDERS:
        return
    told = ", ".join(map(repr, names[:_SHOWN]))
    why = "fewer than three sub-folders" if part is None else f"sub-folders of which {part!r} is named like a part"
    raise InputError(
        f"the images lie in {why} ({told}), which are no patients; tell the patients with --patient_pattern, a regular "
        "expression for the images' paths, or with --table"
    )


def patient_in_path(patterns: Sequence[str], path: str) -> str:
    """The first group, or the whole match where there is none, of the first pattern found in a path; "" if none is.

    Example:
        >>> patient_in_path([r"(p\\d+)_"], "val/p7_2.png"), patient_in_path([r"p\\d+"], "p7_2.png")
        ('p7', 'p7')
    """
    found = (re.search(composed(pattern), composed(path)) for pattern in patterns)
    match = next(filter(None, found), None)
    return (match[1 if match.re.groups else 0] or "") if match else ""


def keys_by_pattern(
    series: Sequence[ImageSeries], patterns: Sequence[str], what: str, *, match_all: bool = False
) -> PatientKeys:
    """Find the patient in the path.

    Args:
        series: the images.
        patterns: regular expressions, searched in the name of a series, see :func:`patient_in_path`.
        what: the rule in words.
        match_all: refuse images whose path tells no patient; otherwise they are left out.

    Raises:
        InputError: no path has any of the patterns, or one has none and ``match_all`` is set.

    Example:
        >>> keys_by_pattern([ImageSeries("x/p7_2.png", (), "raster")], [r"(p\\d+)_"], "the number").notes
        ()
    """
    keys = {one: key for one in series if (key := patient_in_path(patterns, one.name))}
    without = [one.name for one in series if one not in keys]
    if without and (match_all or not keys):
        count = f"{len(without)} of {_images(len(series))}" if keys else f"none of {_images(len(series))}"
        verb = "tell no patient by their path" if keys else "tells a patient by its path"
        raise InputError(
            f"{count} {verb} ({what}), such as {', '.join(map(repr, without[:_SHOWN]))}; "
            "check the layout or the pattern, or give --table with a column of patients"
        )
    note = f"{_images(len(without))} left out, whose path does not tell the patient"
    return PatientKeys(keys, what, (note,) if without else ())


def keys_by_dicom(series: Sequence[ImageSeries], folder_pattern: str | None = None) -> PatientKeys:
    """Take the PatientID of the DICOM header; where that is blank, what comes nearest.

    A PatientID that a de-identification left for all patients, such as ANONYMOUS, counts as blank, see
    :func:`scripts.data.dicom_identity.patient_id`. A StudyInstanceUID counts as none where it is no UID, or where three
    or more patients share it, since a study has one patient.

    An image without PatientID belongs to the patient that the other images of its study name, else to the one patient
    that the images of the folder found by ``folder_pattern`` name, else to that folder, else to its StudyInstanceUID,
    else to the folder it lies in. The last three cannot tell that another study or folder is of the same patient, so a
    patient of whom only some images have a PatientID may come into two parts. How many images they decided is noted.

    Args:
        series: DICOM images.
        folder_pattern: regular expression; its group 1, found in the path, stands for a PatientID.

    Raises:
        InputError: a header cannot be read, or images of one study have different PatientIDs.

    Example:
        >>> from pydicom.examples import get_path
        >>> from scripts.data import find_image_series
        >>> keys_by_dicom(find_image_series(get_path("ct"))).rule
        'PatientID of the DICOM header'
    """
    headers, notes = _without_shared_studies({one: _patient_and_study(one) for one in series})
    patient_of_study = _patient_of_each_study(headers)
    folders = {one: patient_in_path([folder_pattern], one.name) if folder_pattern else "" for one in series}
    patients_of_folder = defaultdict(set)
    for one, (patient, study) in headers.items():
        patients_of_folder[folders[one]].add(patient or patient_of_study.get(study, ""))
    keys: dict[ImageSeries, str] = {}
    blank: Counter[str] = Counter()
    for one, (patient, study) in headers.items():
        named = patients_of_folder[folders[one]] - {""} if folders[one] else set()
        stands_in = {
            "another image of the study": patient_of_study.get(study, ""),
            "another image of the folder": next(iter(named)) if len(named) == 1 else "",
            "the folder's name": folders[one],
            # the prefixes keep a study or a folder from being taken for a PatientID
            "StudyInstanceUID": study and f"study:{study}",
            "the folder": f"folder:{one.name.rpartition('/')[0]}",
        }
        if not patient:
            source, patient = next((source, key) for source, key in stands_in.items() if key)
            blank[source] += 1
        keys[one] = patient
    notes += [f"{_images(count)} without PatientID: {source} taken instead" for source, count in blank.items()]
    return PatientKeys(keys, "PatientID of the DICOM header", tuple(notes))


def _without_shared_studies(
    headers: Mapping[ImageSeries, tuple[str, str]],
) -> tuple[dict[ImageSeries, tuple[str, str]], list[str]]:
    """Leave out the studies of so many patients that their UID stands for none; and the notes of it."""
    patients: dict[str, set[str]] = defaultdict(set)
    for patient, study in headers.values():
        patients[study] |= {patient} - {""}
    shared = {study for study, names in patients.items() if study and len(names) >= _SHARED_BY}
    count = sum(study in shared for _, study in headers.values())
    note = f"{_images(count)} with a StudyInstanceUID that {_SHARED_BY} or more patients share: it counts as none"
    kept = {one: (patient, "" if study in shared else study) for one, (patient, study) in headers.items()}
    return kept, [note] if shared else []


def _patient_of_each_study(headers: Mapping[ImageSeries, tuple[str, str]]) -> dict[str, str]:
    """The PatientID that images of a study have; a study of two is refused, as no choice between them is safe."""
    first: dict[str, ImageSeries] = {}
    for one, (patient, study) in headers.items():
        if patient and study and headers[first.setdefault(study, one)][0] != patient:
            raise InputError(
                f"{first[study].name} and {one.name} are of one study but have different PatientIDs, so it cannot be "
                "told whether they are of one patient; correct the headers, or tell the patients with --table, or "
                "with --preset any_folder and --patient_pattern"
            )
    return {study: headers[one][0] for study, one in first.items()}


def _patient_and_study(series: ImageSeries) -> tuple[str, str]:
    path = series.files[0]
    try:
        header = pydicom.dcmread(path, stop_before_pixels=True, specific_tags=["PatientID", "StudyInstanceUID"])
        return patient_id(header), told_uid(header, "StudyInstanceUID") or ""
    except Exception as error:  # a damaged header raises errors of many kinds
        raise InputError(f"{path} cannot be read as DICOM ({error}); remove or repair it") from error


def _images(count: int) -> str:
    return f"{count} image{'' if count == 1 else 's'}"
