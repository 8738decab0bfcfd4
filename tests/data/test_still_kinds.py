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
"""Tests of which files of one frame are stills, over the storage classes of the standard."""

from __future__ import annotations

import pytest
from pydicom import Dataset
from pydicom.dataset import FileMetaDataset
from pydicom.uid import UID, UID_dictionary

from scripts.data.still_kinds import is_still

STORAGE = {name: UID(uid) for uid, (name, kind, *_) in UID_dictionary.items() if kind == "SOP Class"}


def header(kind: str | None, modality: str | None = None, frames: int | None = None) -> Dataset:
    dataset = Dataset()
    for name, value in (("SOPClassUID", kind), ("Modality", modality), ("NumberOfFrames", frames)):
        if value is not None:
            setattr(dataset, name, value)
    return dataset


@pytest.mark.parametrize("frames", [None, 1])
def test_projections_ultrasound_and_photographs_are_stills(frames):
    words = ("Computed Radiography Image", "Digital X-Ray Image", "Mammography X-Ray Image", "Intra-Oral X-Ray Image")
    words += ("X-Ray Angiographic", "X-Ray Radiofluoroscopic", "XA Image", "XRF Image", "Ultrasound Image")
    words += ("Ultrasound Multi-frame Image", "VL ", "Ophthalmic Photography", "Endoscopic Image", "Dermoscopic")
    kinds = {name: uid for name, uid in STORAGE.items() if any(word in name for word in words) and "Storage" in name}
    kinds = {name: uid for name, uid in kinds.items() if not name.startswith("DICOS")}  # of baggage
    assert len(kinds) >= 25
    assert {name for name, uid in kinds.items() if not is_still(header(uid, "MR", frames))} == set()
    assert not any(is_still(header(uid, "US", 2)) for uid in kinds.values())


@pytest.mark.parametrize(
    "name",
    ["MR Image Storage", "CT Image Storage", "Enhanced MR Image Storage", "Secondary Capture Image Storage"]
    + ["RT Image Storage", "Nuclear Medicine Image Storage", "Ophthalmic Tomography Image Storage"],
)
def test_other_classes_may_be_frames_over_time_whatever_the_modality_says(name):
    assert not any(is_still(header(STORAGE[name], modality)) for modality in ("MR", "US", "DX", "OP", None))


@pytest.mark.parametrize("kind", [None, "", "1.3.6.1.4.1.9590.100.1"])
@pytest.mark.parametrize(
    ("modality", "expected"), [("CR", True), ("dx ", True), ("US", True), ("XC", True), ("MR", False)]
)
def test_the_modality_tells_where_no_class_of_the_standard_does(kind, modality, expected):
    assert is_still(header(kind, modality)) is expected


def test_the_class_of_the_file_s_head_counts_too():
    dataset = header(None)
    dataset.file_meta = FileMetaDataset()
    dataset.file_meta.MediaStorageSOPClassUID = STORAGE["Digital X-Ray Image Storage - For Presentation"]
    assert is_still(dataset)
