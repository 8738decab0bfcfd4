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
"""Landmark files in and out; one format per file, and nothing here knows of networks."""

from scripts.io.atomic import WriteError, atomic_path
from scripts.io.dicom_sr import ReportPoint, check_report_sources, read_dicom_sr, write_dicom_sr
from scripts.io.examples_csv import Example, read_examples_csv
from scripts.io.fcsv import read_fcsv
from scripts.io.input_error import InputError, find_input_error, refuse_unreadable, report_input_errors
from scripts.io.json_object import read_json_object
from scripts.io.label_file import Label, LabelPoint, read_label, write_label
from scripts.io.landmark_status import LandmarkStatus
from scripts.io.landmarks_csv import Landmark, read_landmarks_csv, write_landmarks_csv
from scripts.io.pairs_csv import FramePair, read_pairs_csv
from scripts.io.slicer_markups import (
    read_slicer_markups,
    read_slicer_points,
    write_slicer_markups,
    write_slicer_tracks,
)
from scripts.io.world_point import WorldPoint

__all__ = [
    "Example",
    "FramePair",
    "InputError",
    "Label",
    "LabelPoint",
    "Landmark",
    "LandmarkStatus",
    "ReportPoint",
    "WorldPoint",
    "WriteError",
    "atomic_path",
    "check_report_sources",
    "find_input_error",
    "read_dicom_sr",
    "read_examples_csv",
    "read_fcsv",
    "read_json_object",
    "read_label",
    "read_landmarks_csv",
    "read_pairs_csv",
    "read_slicer_markups",
    "read_slicer_points",
    "refuse_unreadable",
    "report_input_errors",
    "write_dicom_sr",
    "write_label",
    "write_landmarks_csv",
    "write_slicer_markups",
    "write_slicer_tracks",
]
