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
"""Tests of what identifies, and of what a de-identification left."""

from __future__ import annotations

import pytest
from pydicom import Dataset
from pydicom.dataelem import DataElement

from scripts.data.dicom_identity import patient_id, told_uid


def with_uid(value: object) -> Dataset:
    dataset = Dataset()
    dataset["StudyInstanceUID"] = DataElement(0x0020000D, "UI", value, validation_mode=0)
    return dataset


@pytest.mark.parametrize("value", ["1.2.840.113619.2.5", "2.25.3", "1.2.07", " 1.2.3 ", "1.2.3\0"])
def test_a_uid_identifies(value):
    assert told_uid(with_uid(value), "StudyInstanceUID") == value.strip(" \0")


@pytest.mark.parametrize(
    "value",
    ["", None, "REMOVED", "ANON", "0", "1", "0.0.0.0", "1.2.", ".1.2", "9.1.2", "1.2.x", "1..2", ["1.2", "1.3"]],
)
def test_what_is_no_uid_counts_as_absent(value):
    assert told_uid(with_uid(value), "StudyInstanceUID") is None
    assert told_uid(Dataset(), "StudyInstanceUID") is None


@pytest.mark.parametrize("value", ["P1", "7", "0815", "anonymous 7", "ANON-0003", "X1", "SCD0000101", "未知1", " P1 "])
def test_a_patient_id_identifies(value):
    dataset = Dataset()
    dataset.PatientID = value
    assert patient_id(dataset) == value.strip()


@pytest.mark.parametrize(
    "value",
    ["", " ", "ANONYMOUS", "Anonymous^Anonymous", "anon", "Anonymized", "REMOVED", "De-Identified", "N/A", "none"]
    + ["unknown", "0", "00000", "XXXXXX", "xxx-xxx", "***", "-", "NULL"],
)
def test_a_word_for_no_identifier_counts_as_absent(value):
    dataset = Dataset()
    dataset.PatientID = value
    assert patient_id(dataset) == patient_id(Dataset()) == ""
