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
from collections.abc import Sequence
from dataclasses import dataclass

import pydicom

from scripts.data.image_series import ImageSeries
from scripts.io.input_error import InputError

__all__ = ["PatientKeys", "keys_by_dicom", "keys_by_folder", "keys_by_pattern"]

_MIN_FOLDERS = 3  # one for each part; fewer are rather folders such as "images" and "masks"


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
    """Take the first sub-folder for the patient, or each image for a patient where there are no three sub-folders.

    Example:
        >>> names = ("a/1.png", "a/2.png", "b/1.png", "c/1.png")
        >>> keys_by_folder([ImageSeries(name, (), "raster") for name in names]).rule
        'the first sub-folder is the patient'
    """
    folders = {one: one.name.split("/")[0] for one in series if "/" in one.name}
    if len(set(folders.values())) < _MIN_FOLDERS:
        rule = f"each image is a patient of its own (fewer than {_MIN_FOLDERS} sub-folders hold images)"
        return PatientKeys({one: one.name for one in series}, rule)
    loose = len(series) - len(folders)
    note = f"{_images(loose)} in no sub-folder: each is a patient of its own"
    # no folder's name begins with a slash, so that a loose image is never taken for a folder's
    keys = {one: folders.get(one, f"/{one.name}") for one in series}
    return PatientKeys(keys, "the first sub-folder is the patient", (note,) if loose else ())


def keys_by_pattern(series: Sequence[ImageSeries], patterns: Sequence[str], what: str) -> PatientKeys:
    """Find the patient in the path.

    Args:
        series: the images.
        patterns: regular expressions, searched in the name of a series; group 1 of the first that is found is the key.
        what: the rule in words.

    Raises:
        InputError: no path has any of the patterns.

    Example:
        >>> keys_by_pattern([ImageSeries("x/p7_2.png", (), "raster")], [r"(p\\d+)_"], "the number").notes
        ()
    """
    found = {one: next(filter(None, (re.search(p, one.name) for p in patterns)), None) for one in series}
    keys = {one: match[1] for one, match in found.items() if match}
    if not keys:
        raise InputError(
            f"none of {_images(len(series))}, such as {series[0].name!r}, has a name from which the patient can be "
            f"told ({what}); check the layout, or give --table with a column of patients"
        )
    left_out = len(series) - len(keys)
    note = f"{_images(left_out)} left out, whose path does not tell the patient"
    return PatientKeys(keys, what, (note,) if left_out else ())


def keys_by_dicom(series: Sequence[ImageSeries], folder_pattern: str | None = None) -> PatientKeys:
    """Take the PatientID of the DICOM header; where that is blank what comes nearest, on the side of no leak.

    An image without PatientID belongs to the patient that other images of its study name, else to the folder that
    ``folder_pattern`` finds, else to its StudyInstanceUID, else to its folder.

    Args:
        series: DICOM images.
        folder_pattern: regular expression; its group 1, found in the path, stands for a PatientID.

    Raises:
        InputError: a header cannot be read.

    Example:
        >>> from pydicom.examples import get_path
        >>> from scripts.data import find_image_series
        >>> keys_by_dicom(find_image_series(get_path("ct"))).rule
        'PatientID of the DICOM header'
    """
    headers = {one: _patient_and_study(one) for one in series}
    patient_of_study = {study: patient for patient, study in headers.values() if patient and study}
    keys: dict[ImageSeries, str] = {}
    blank = dict.fromkeys(("another image of the study", "the folder's name", "StudyInstanceUID", "the folder"), 0)
    for one, (patient, study) in headers.items():
        named = re.search(folder_pattern, one.name) if folder_pattern else None
        stands_in = {
            "another image of the study": patient_of_study.get(study, ""),
            "the folder's name": named[1] if named else "",
            # the prefixes keep a study or a folder from being taken for a PatientID
            "StudyInstanceUID": study and f"study:{study}",
            "the folder": f"folder:{one.name.rpartition('/')[0]}",
        }
        if not patient:
            source, patient = next((source, key) for source, key in stands_in.items() if key)
            blank[source] += 1
        keys[one] = patient
    notes = (f"{_images(count)} without PatientID: {source} taken instead" for source, count in blank.items() if count)
    return PatientKeys(keys, "PatientID of the DICOM header", tuple(notes))


def _patient_and_study(series: ImageSeries) -> tuple[str, str]:
    path = series.files[0]
    try:
        header = pydicom.dcmread(path, stop_before_pixels=True, specific_tags=["PatientID", "StudyInstanceUID"])
        return str(header.get("PatientID") or "").strip(), str(header.get("StudyInstanceUID") or "").strip()
    except Exception as error:  # a damaged header raises errors of many kinds
        raise InputError(f"{path} cannot be read as DICOM ({error}); remove or repair it") from error


def _images(count: int) -> str:
    return f"{count} image{'' if count == 1 else 's'}"
