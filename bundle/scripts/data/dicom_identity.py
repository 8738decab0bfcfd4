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

"""What identifies an image, a study or a patient in a DICOM header, and what only stands where an identifier was."""

from __future__ import annotations

import re

from pydicom import Dataset

__all__ = ["IDENTITY_TAGS", "patient_id", "told_uid"]

IDENTITY_TAGS = ("SOPClassUID", "SOPInstanceUID", "StudyInstanceUID", "SeriesInstanceUID", "PatientID")
# PS3.5 9.1: numbers with dots between, of which the first is 0, 1 or 2. Zeros before a number are against the rules
# and common, and identify as well.
_UID = re.compile(r"[012](\.[0-9]+)+")
_PLACEHOLDERS = {"anon", "anonym", "anonymous", "anonymized", "anonymised", "anonymousanonymous", "deidentified"}
_PLACEHOLDERS |= {"pseudonymized", "pseudonymised", "removed", "deleted", "redacted", "empty", "blank"}
_PLACEHOLDERS |= {"none", "null", "nil", "na", "nan", "unknown", "unspecified", "undefined", "notavailable"}
_PLACEHOLDERS |= {"noid", "nopatientid", "patientid", "id", "patient", "noname", "default"}


def told_uid(header: Dataset, name: str) -> str | None:
    """A UID that identifies something; None where there is none, or only what a de-identification left of it.

    Args:
        header: of the file.
        name: keyword of the UID.

    Returns:
        The UID. It is compared, never shown. None for an empty one, for a word (``REMOVED``), for one number and for
        zeros only.

    Example:
        >>> header = Dataset()
        >>> header.StudyInstanceUID = "0"
        >>> told_uid(header, "StudyInstanceUID") is None
        True
    """
    text = _text(header, name)
    return text if _UID.fullmatch(text) and re.search("[1-9]", text) else None


def patient_id(header: Dataset) -> str:
    """The PatientID; "" where there is none, or only a word that a de-identification put there for all patients.

    Such words say that there is no identifier (``ANONYMOUS``, ``REMOVED``, ``unknown``), or are zeros or crosses only
    (``000``, ``XXX``). A word with a number, such as ``anonymous 7``, is an identifier.

    Returns:
        The identifier. It is compared, never shown.

    Example:
        >>> header = Dataset()
        >>> header.PatientID = "Anonymous"
        >>> patient_id(header)
        ''
    """
    text = _text(header, "PatientID")
    letters = re.sub(r"[\W_]", "", text).lower()
    return "" if letters in _PLACEHOLDERS or set(letters) <= {"0"} or set(letters) <= {"x"} else text


def _text(header: Dataset, name: str) -> str:
    try:
        return str(header.get(name) or "").strip(" \0\t\r\n")
    except Exception:  # a damaged value raises errors of many kinds, and identifies nothing
        return ""
