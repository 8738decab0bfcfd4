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

"""Public data sets: how their folders look, and whose image is whose. See docs/data.md for their sources and terms."""

from __future__ import annotations

from dataclasses import dataclass

__all__ = ["PRESETS", "Preset"]


@dataclass(frozen=True)
class Preset:
    """What is known of a data set. One of ``table``, ``patient_patterns`` and ``dicom`` may tell the patient.

    Attributes:
        title: its name in full.
        layout: how the folder must look, in a line.
        rule: how the patients are told apart, in words.
        patient_patterns: regular expressions; group 1 of the first found in an image's path is the patient.
        suffixes: endings of the files that are images of the data set, lower case; others are left out. None for all.
        table: glob of the table, in the data set's folder or in a folder in it.
        image_column: its column of images.
        image_prefix: regular expression of what to take off the beginning of its paths.
        patient_column: its column of patients; None where ``patient_patterns`` tell the patient.
        keep: a column and the value that a row must have there.
        dicom: the patient is told by the DICOM header, and by ``patient_patterns`` where that is blank.
    """

    title: str
    layout: str
    rule: str
    patient_patterns: tuple[str, ...] = ()
    suffixes: tuple[str, ...] | None = None
    table: str | None = None
    image_column: str | None = None
    image_prefix: str = ""
    patient_column: str | None = None
    keep: tuple[str, str] | None = None
    dicom: bool = False


PRESETS = {
    "any_folder": Preset(
        title="Images of a folder",
        layout="a folder for each patient, or DICOM files, or any images with --patient_pattern or --table",
        rule="--patient_pattern or --table; else PatientID of DICOM, the first sub-folder, or each image alone",
    ),
    "chexpert": Preset(
        title="CheXpert",
        layout="CheXpert-v1.0-small/train.csv, CheXpert-v1.0-small/train/patient00001/study1/view1_frontal.jpg, ...",
        rule="patientNNNNN of the path in train.csv",
        patient_patterns=(r"(?:^|/)(patient\d+)/",),
        suffixes=(".jpg",),
        table="train.csv",
        image_column="Path",
        # v1.0 unpacks to "CheXpert-v1.0 batch 2 (train 1)/patient00001/...", so the path begins at the patient
        image_prefix=r"CheXpert-v1\.0(?:-small)?/train/",
        keep=("Frontal/Lateral", "Frontal"),
    ),
    "nih_chestxray14": Preset(
        title="NIH ChestX-ray14",
        layout="Data_Entry_2017_v2020.csv, images_001/images/00000001_000.png, ...",
        rule="column 'Patient ID'",
        suffixes=(".png",),
        table="Data_Entry_2017*.csv",
        image_column="Image Index",
        patient_column="Patient ID",
    ),
    "kermany_pediatric": Preset(
        title="Kermany pediatric chest X-rays",
        layout="chest_xray/train/PNEUMONIA/person1_bacteria_1.jpeg, chest_xray/train/NORMAL/IM-0115-0001.jpeg, ...",
        # a number may stand in several folders, and with or without NORMAL2: whether it is one child is not told, and
        # taking it for one cannot leak
        rule="personNNN or IM-NNNN of the file name, the same in all folders",
        patient_patterns=(
            r"(?:^|/)(person\d+)_(?:bacteria|virus)_[^/]*$",
            r"(?:^|/)(?:NORMAL2-)?(IM-\d+)-[^/]*$",
            r"(?:^|/)(?:NORMAL|BACTERIA|VIRUS)-(\d+)-[^/]*$",  # names of version 3
        ),
        suffixes=(".jpeg", ".jpg"),
    ),
    "sunnybrook_cine": Preset(
        title="Sunnybrook Cardiac Data",
        layout="SCD_IMAGES_01/SCD0000101/CINESAX_300/IM-0003-0001.dcm, ...",
        rule="PatientID of the DICOM header, or the folder SCDNNNNNNN where it is blank",
        patient_patterns=(r"(?:^|/)(SCD\d+)",),
        dicom=True,
    ),
    "trackrad2025": Preset(
        title="TrackRAD2025",
        layout="A_001/images/A_001_frames.mha, ...",
        rule="the patient's folder, such as A_001",
        patient_patterns=(r"(?:^|/)([A-Z]_\d+)/images/",),
    ),
}
