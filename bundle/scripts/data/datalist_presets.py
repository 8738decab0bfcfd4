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

"""Public data sets: where they come from, how their folders look, and whose image is whose."""

from __future__ import annotations

from dataclasses import dataclass

__all__ = ["PRESETS", "Preset"]


@dataclass(frozen=True)
class Preset:
    """What is known of a data set. One of ``table``, ``patient_patterns`` and ``dicom`` may tell the patient.

    Attributes:
        title: its name in full.
        source: where to get it from those who publish it.
        licence: licence or terms in a line.
        layout: what to do before a data list can be made, and how the folder must look.
        rule: how the patients are told apart, in words.
        patient_patterns: regular expressions; group 1 of the first found in an image's path is the patient.
        suffixes: endings of the files that are images of the data set, lower case; others are left out. None for all.
        table: glob of the table, in the data set's folder or in a folder in it.
        image_column: its column of images.
        image_prefix: regular expression of what to take off the beginning of its paths.
        patient_column: its column of patients; None where ``patient_patterns`` tell the patient.
        keep: a column and the value that a row must have there.
        dicom: the patient is told by the DICOM header, and by ``patient_patterns`` where that is blank.
        unreadable: an ending of official files that cannot be read yet, and what to do with them.
    """

    title: str
    source: str
    licence: str
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
    unreadable: tuple[str, str] | None = None


PRESETS = {
    "any_folder": Preset(
        title="Images of a folder",
        source="your own images",
        licence="yours to know",
        layout="a folder for each patient; or DICOM files; or any images with --table.",
        rule="PatientID where all images are DICOM; else the first sub-folder, or each image alone",
    ),
    "chexpert": Preset(
        title="CheXpert",
        source="https://stanfordmlgroup.github.io/competitions/chexpert/",
        licence="Stanford University Dataset Research Use Agreement: registration, non-commercial research, no sharing",
        layout="unpack all archives (v1.0 in batches, or v1.0-small) into one folder that has train.csv or a folder "
        "with it. Frontal images of train.csv are used; those of the validation and test sets are left out.",
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
        source="https://nihcc.app.box.com/v/ChestXray-NIHCC",
        licence="no restrictions on use; link to the source, credit the NIH Clinical Center, cite Wang et al. 2017",
        layout="unpack images_001.tar.gz to images_012.tar.gz below one folder, each in a folder of its own or all in "
        "images/, and put Data_Entry_2017_v2020.csv (or Data_Entry_2017.csv) beside them.",
        rule="column 'Patient ID'",
        suffixes=(".png",),
        table="Data_Entry_2017*.csv",
        image_column="Image Index",
        patient_column="Patient ID",
    ),
    "kermany_pediatric": Preset(
        title="Kermany pediatric chest X-rays",
        source="https://doi.org/10.17632/rscbjbr9sj",
        licence="CC BY 4.0; cite Kermany, Zhang, Goldbaum 2018, Mendeley Data, doi 10.17632/rscbjbr9sj",
        layout="unpack the chest X-ray archive; chest_xray/{train,test}/{NORMAL,PNEUMONIA}/ and any other folders do, "
        "as only file names count.",
        # one person's number stands in both folders of the official split: whether it is one child is not told, and
        # taking it for one cannot leak
        rule="personNNN, IM-NNNN or NORMAL2-IM-NNNN of the file name, the same in all folders",
        patient_patterns=(
            r"(?:^|/)(person\d+)_(?:bacteria|virus)_[^/]*$",
            r"(?:^|/)((?:NORMAL2-)?IM-\d+)-[^/]*$",
            r"(?:^|/)(?:NORMAL|BACTERIA|VIRUS)-(\d+)-[^/]*$",  # names of version 3
        ),
        suffixes=(".jpeg", ".jpg"),
    ),
    "sunnybrook_cine": Preset(
        title="Sunnybrook Cardiac Data",
        source="https://www.cardiacatlas.org/sunnybrook-cardiac-data/",
        licence="CC0 1.0; cite Radau et al. 2009, hdl 10380/3070",
        layout="unpack the DICOM archives below one folder: SCD_IMAGES_01/SCD0000101/CINESAX_300/*.dcm and so on. "
        "All series are used: move scouts and long axes away if only the short axis is wanted.",
        rule="PatientID of the DICOM header, or the folder SCDNNNNNNN where it is blank",
        patient_patterns=(r"(?:^|/)(SCD\d+)",),
        dicom=True,
    ),
    "trackrad2025": Preset(
        title="TrackRAD2025",
        source="https://trackrad2025.grand-challenge.org/data/",
        licence="CC BY-NC 4.0",
        layout="below one folder A_001/images/A_001_frames.nii.gz and so on, converted from the official "
        "A_001_frames.mha, which cannot be read yet; targets/ is left out.",
        rule="the patient's folder, such as A_001",
        patient_patterns=(r"(?:^|/)([A-Z]_\d+)/images/",),
        unreadable=(".mha", "MetaImage cannot be read yet: convert the frames to NIfTI (X, Y, T) or DICOM first"),
    ),
}
