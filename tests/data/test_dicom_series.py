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
"""Tests of which DICOM files are one image: small real files, whose pixels tell which file they are of."""

from __future__ import annotations

import logging
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pydicom
import pytest
from pydicom import Dataset
from pydicom.dataelem import DataElement
from pydicom.sequence import Sequence
from pydicom.uid import CTImageStorage, EnhancedMRImageStorage, SecondaryCaptureImageStorage, UltrasoundImageStorage

from scripts.data.datalist_maker import make_datalist
from scripts.data.image_reader import read_image_series
from scripts.data.image_series import find_image_series

PLACE = {
    "ImagePositionPatient": [-40, -30, 10],
    "ImageOrientationPatient": [1, 0, 0, 0, 1, 0],
    "PixelSpacing": [1.5, 1.25],
}
SERIES = {"SeriesInstanceUID": "1.2.3", "StudyInstanceUID": "1.2.4", "PatientID": "Zwackelmann-7", **PLACE}
UNPLACED = {name: value for name, value in SERIES.items() if name not in PLACE}
WriteDicom = Callable[..., Path]


def write(folder: Path, write_dicom: WriteDicom, headers: list[dict[str, object]], **common: object) -> None:
    """A file for each header, whose pixels are its number."""
    for i, tags in enumerate(headers):
        pixels = np.full((6, 8), i, dtype=np.uint16)
        write_dicom(folder / f"{i}.dcm", pixels, **{"InstanceNumber": i + 1, **SERIES, **common, **tags})


def images(folder: Path) -> list[list[int]]:
    """Numbers of the files of each image, in the order of its frames."""
    read = [read_image_series(one) for one in find_image_series(folder)]
    return [one.frames[:, 0, 0, 0].int().tolist() for one in read]


def told(folder: Path, caplog: pytest.LogCaptureFixture) -> list[str]:
    caplog.clear()
    with caplog.at_level(logging.INFO, "ImageSeries"):
        find_image_series(folder)
    return caplog.messages


def item(**tags: object) -> Sequence:
    dataset = Dataset()
    for name, value in tags.items():
        setattr(dataset, name, value)
    return Sequence([dataset])


# place


@pytest.mark.parametrize(
    "headers",
    [
        [{"ImagePositionPatient": [text, "-30", "10"]} for text in ("-40", "-40.0", "-4e1", "-40.000000")],
        [{"ImagePositionPatient": [-40, -30, 10 + 1e-6 * i]} for i in range(4)],
        [{"ImagePositionPatient": [-40, -30, 10 + 0.004 * i]} for i in range(6)],
        [{"ImagePositionPatient": [-40, -30, 10 + 0.004 * i], "PixelSpacing": [0.2, 0.2]} for i in range(6)],
        [{"ImageOrientationPatient": ["1", text, "0", "0", "1", "0"]} for text in ("0", "-0", "1e-9", "0.0000")],
        [{"ImageOrientationPatient": [1, 1e-4 * i, 0, 0, 1, 0]} for i in range(4)],
        [
            {"ImagePositionPatient": None, "ImageOrientationPatient": None},
            {"ImagePositionPatient": "", "ImageOrientationPatient": ""},
        ],
    ],
)
def test_places_are_compared_as_numbers(tmp_path, write_dicom, headers):
    write(tmp_path, write_dicom, headers)
    assert images(tmp_path) == [list(range(len(headers)))]


@pytest.mark.parametrize(
    ("headers", "by"),
    [
        ([{"ImagePositionPatient": [-40, -30, 10 + 0.5 * i]} for i in range(4)], "ImagePositionPatient"),
        (
            [{"ImagePositionPatient": [-40, -30, 0.01 * i], "PixelSpacing": [0.01, 0.01]} for i in range(4)],
            "ImagePositionPatient",
        ),
        (
            [{"ImageOrientationPatient": [np.cos(a), np.sin(a), 0, 0, 0, -1]} for a in np.radians(range(4))],
            "ImageOrientationPatient",
        ),
        ([{"ImagePositionPatient": None, "SliceLocation": 5.0 * i} for i in range(4)], "SliceLocation"),
    ],
)
def test_slices_are_images_of_their_own(tmp_path, write_dicom, caplog, headers, by):
    write(tmp_path, write_dicom, headers)
    assert images(tmp_path) == [[0], [1], [2], [3]]
    assert told(tmp_path, caplog) == [f"0.dcm and 3 more files of one series are 4 images, told apart by {by}"]


@pytest.mark.parametrize("drift", [0.0, 1e-4])
def test_enhanced_files_of_one_frame_tell_place_echo_and_time_in_their_groups(tmp_path, write_dicom, drift):
    def group(i: int) -> dict[str, object]:
        frame = Dataset()
        frame.PlanePositionSequence = item(ImagePositionPatient=[0, 0, i % 2 * 5 + drift * i])
        frame.PlaneOrientationSequence = item(ImageOrientationPatient=[1, 0, 0, 0, 1, 0])
        frame.CardiacSynchronizationSequence = item(NominalCardiacTriggerDelayTime=float(400 - 40 * (i // 2)))
        return {"PerFrameFunctionalGroupsSequence": Sequence([frame]), "NumberOfFrames": 1, "InstanceNumber": 1}

    write(tmp_path, write_dicom, [group(i) for i in range(6)], SOPClassUID=EnhancedMRImageStorage)
    for path in tmp_path.iterdir():
        dataset = pydicom.dcmread(path)
        for name in PLACE:
            del dataset[name]
        dataset.save_as(path)
    assert images(tmp_path) == [[4, 2, 0], [5, 3, 1]]


# whose, and of what kind

KINDS = {
    "PatientID": [{"PatientID": "P1"}, {"PatientID": "P2"}],
    "StudyInstanceUID": [{"StudyInstanceUID": "1.2.4"}, {"StudyInstanceUID": "1.2.5"}],
    "ImageType": [{"ImageType": ["ORIGINAL", "PRIMARY", kind]} for kind in "MP"],
    "ComplexImageComponent": [{"ComplexImageComponent": "MAGNITUDE"}, {"ComplexImageComponent": "PHASE"}],
    "EchoTime": [{"EchoTime": 4.6, "EchoNumbers": 1}, {"EchoTime": "2.3", "EchoNumbers": 2}],
    "EchoNumbers": [{"EchoTime": 30, "EchoNumbers": 1}, {"EchoTime": 30, "EchoNumbers": 2}],
    "DiffusionBValue": [{"DiffusionBValue": 0.0}, {"DiffusionBValue": 1000.0}],
    "ContrastBolusAgent": [{}, {"ContrastBolusAgent": "Gadobutrol"}],
    "KVP": [
        {"KVP": 80, "Modality": "CT", "SOPClassUID": CTImageStorage},
        {"KVP": 140, "Modality": "CT", "SOPClassUID": CTImageStorage},
    ],
    "ConvolutionKernel": [{"ConvolutionKernel": "B30f"}, {"ConvolutionKernel": "B70f"}],
    "ViewPosition": [{"ViewPosition": "AP"}, {"ViewPosition": "LL"}],
    "ImageLaterality": [{"ImageLaterality": "R"}, {"ImageLaterality": "L"}],
    "Laterality": [{"Laterality": "R"}, {"Laterality": "L"}],
    "ViewCodeSequence": [
        {"ViewCodeSequence": item(CodeValue=code, CodingSchemeDesignator="SCT", CodeMeaning=code)}
        for code in ("1", "2")
    ],
    "SamplesPerPixel": [{}, {"SamplesPerPixel": 3, "PhotometricInterpretation": "RGB", "PlanarConfiguration": 0}],
}


@pytest.mark.parametrize("by", KINDS)
def test_one_series_uid_may_have_several_images(tmp_path, write_dicom, caplog, by):
    headers = [dict(KINDS[by][i % 2]) for i in range(6)]
    for tags in headers:
        if tags.get("SamplesPerPixel") == 3:
            tags["PixelData"] = np.zeros((6, 8, 3), np.uint16).tobytes()
    write(tmp_path, write_dicom, headers)
    found = find_image_series(tmp_path)
    assert [[int(file.stem) for file in one.files] for one in found] == [[0, 2, 4], [1, 3, 5]]
    assert told(tmp_path, caplog) == [
        f"0.dcm and 5 more files of one series are 2 images, told apart by {by}; "
        "their frames are ordered by InstanceNumber"
    ]
    assert "Zwackelmann" not in caplog.text and "1.2.4" not in caplog.text


@pytest.mark.parametrize(
    ("creator", "group", "element", "values"),
    [
        ("GEMS_PARM_01", 0x43, 0x102F, (0, 1)),
        ("SIEMENS MR HEADER", 0x19, 0x100C, (0, 800)),
        ("Philips Imaging DD 001", 0x2001, 0x1003, (0.0, 800.0)),
    ],
)
def test_what_only_a_vendor_tells_of_the_kind(tmp_path, write_dicom, creator, group, element, values):
    write(tmp_path, write_dicom, [{}] * 4)
    for i, path in enumerate(sorted(tmp_path.iterdir())):
        dataset = pydicom.dcmread(path)
        dataset.add(DataElement((group, 0x10), "LO", creator))
        vr = {0x43: "SS", 0x19: "IS", 0x2001: "FL"}[group]
        dataset.add(DataElement((group, element), vr, values[i % 2]))
        dataset.save_as(path)
    assert images(tmp_path) == [[0, 2], [1, 3]]


@pytest.mark.parametrize(
    "headers",
    [
        [{"EchoTime": text, "EchoNumbers": 1} for text in ("10", "10.0", "10.004")],
        [{"EchoNumbers": [1, 2]}] * 3,
        [{"InversionTime": value} for value in (100, 180, 260)],
        [{"FlipAngle": value} for value in (3, 6, 9)],
        [{"PatientID": text} for text in ("P1", "P1 ", "P1")],
        [{"ImageType": [first, "PRIMARY", "M"]} for first in ("ORIGINAL", "DERIVED", "ORIGINAL")],
        [{"PatientOrientation": text} for text in (["L", "P"], ["L", "F"], "")],  # the place is told
        [{"KVP": value} for value in (70, 75, 120)],
    ],
)
def test_what_frames_over_time_may_differ_in(tmp_path, write_dicom, headers):
    write(tmp_path, write_dicom, headers)
    assert images(tmp_path) == [[0, 1, 2]]


def test_views_are_told_apart_by_the_patient_s_directions_where_no_place_is_told(tmp_path, write_dicom):
    headers = [{"PatientOrientation": [["L", "F"], ["A", "F"]][i % 2]} for i in range(4)]
    for i, tags in enumerate(headers):
        pixels = np.full((6, 8), i, dtype=np.uint16)
        kind = {"SOPClassUID": SecondaryCaptureImageStorage, "InstanceNumber": i}
        write_dicom(tmp_path / f"{i}.dcm", pixels, **UNPLACED, **kind, **tags)
    assert images(tmp_path) == [[0, 2], [1, 3]]


def test_two_series_of_one_folder_are_told_once_each(tmp_path, write_dicom, caplog):
    write(tmp_path / "a", write_dicom, [{}] * 3)
    write(tmp_path / "b", write_dicom, [{"ImagePositionPatient": [0, 0, 5 * (i // 3)]} for i in range(9)])
    assert sorted(told(tmp_path, caplog)) == [
        "a/0.dcm: 3 frames, ordered by InstanceNumber",
        "b/0.dcm and 8 more files of one series are 3 images, told apart by ImagePositionPatient; "
        "their frames are ordered by InstanceNumber",
    ]


# identity


@pytest.mark.parametrize("uid", ["", "REMOVED", "ANON", "0", None])
def test_without_a_series_uid_each_file_is_an_image(tmp_path, write_dicom, caplog, uid):
    with pydicom.config.disable_value_validation():
        write(tmp_path, write_dicom, [{}] * 3, SeriesInstanceUID=uid)
    assert images(tmp_path) == [[0], [1], [2]]
    assert told(tmp_path, caplog) == ["0.dcm and 2 more files tell no SeriesInstanceUID: each is an image of its own"]


def test_files_that_were_given_one_instance_uid_are_no_copies(tmp_path, write_dicom, caplog):
    write(tmp_path, write_dicom, [{}] * 3, SOPInstanceUID="1.2.9")
    assert images(tmp_path) == [[0, 1, 2]]
    assert told(tmp_path, caplog)[1:] == [
        "2 files, the first 1.dcm, have the SOPInstanceUID of another, but not its pixels or times: it counts as none"
    ]


@pytest.mark.parametrize("uid", ["REMOVED", ""])
def test_files_without_an_instance_uid_are_no_copies(tmp_path, write_dicom, uid):
    with pydicom.config.disable_value_validation():
        write(tmp_path, write_dicom, [{}] * 3, SOPInstanceUID=uid)
    assert images(tmp_path) == [[0, 1, 2]]


def test_two_black_frames_of_one_instance_uid_are_two_frames_by_their_times(tmp_path, write_dicom):
    for i in range(3):
        tags = {**SERIES, "SOPInstanceUID": "1.2.9", "TriggerTime": 40 * i}
        write_dicom(tmp_path / f"{i}.dcm", np.zeros((6, 8), np.uint16), **tags)
    assert [len(one) for one in images(tmp_path)] == [3]


def test_a_copy_is_one_in_another_transfer_syntax_too(tmp_path, write_dicom, caplog):
    write(tmp_path, write_dicom, [{}] * 2)
    copy = pydicom.dcmread(tmp_path / "1.dcm")
    copy.compress(pydicom.uid.RLELossless, generate_instance_uid=False)
    copy.save_as(tmp_path / "copy.dcm")
    assert images(tmp_path) == [[0, 1]]
    assert "copy.dcm is the same DICOM instance as 1.dcm beside it" in caplog.text


# stills


@pytest.mark.parametrize("modality", ["CR", "DX", "MG", "IO", "XA", "RF", "US", "XC", "OP", "ES"])
def test_projections_and_photographs_of_one_series_are_stills(tmp_path, write_dicom, caplog, modality):
    for i in range(4):
        time = {"AcquisitionTime": f"10{i:02d}00", "InstanceNumber": i + 1, "Modality": modality}
        write_dicom(
            tmp_path / f"{i}.dcm", np.full((6, 8), i, np.uint8), **UNPLACED, **time, SOPClassUID="1.3.6.1.4.1.1"
        )
        dataset = pydicom.dcmread(tmp_path / f"{i}.dcm")
        dataset.file_meta.MediaStorageSOPClassUID = "1.3.6.1.4.1.1"
        dataset.save_as(tmp_path / f"{i}.dcm")
    assert images(tmp_path) == [[0], [1], [2], [3]]
    assert {read_image_series(one).frame_ms for one in find_image_series(tmp_path)} == {None}
    assert told(tmp_path, caplog) == [
        "0.dcm and 3 more files of one series are 4 stills, as they are projections, ultrasound images or photographs "
        "of one frame"
    ]


def test_exported_clips_stay_series(tmp_path, write_dicom):
    write(tmp_path, write_dicom, [{}] * 3, SOPClassUID=SecondaryCaptureImageStorage, Modality="US")
    assert images(tmp_path) == [[0, 1, 2]]


# the data list


@pytest.mark.parametrize("patients", [["P0", "P1", "P2", "P3"], ["ANON"] * 4, [""] * 4])
def test_patients_of_one_series_uid_are_counted(tmp_path, write_dicom, patients):
    headers = [{"PatientID": patients[i % 4], "StudyInstanceUID": f"1.2.{i % 4}"} for i in range(8)]
    write(tmp_path, write_dicom, headers)
    made = make_datalist(tmp_path)
    parts = [item for part in ("training", "validation", "test") for item in made.content[part]]
    assert sorted(sorted(one["image"]) for one in parts) == [[f"{i}.dcm", f"{i + 4}.dcm"] for i in range(4)]
    assert len({one["patient"] for one in parts}) == 4


def test_patients_whose_study_uid_was_removed_are_counted(tmp_path, write_dicom):
    headers = [{"PatientID": f"P{i % 4}", "SOPClassUID": UltrasoundImageStorage} for i in range(8)]
    with pydicom.config.disable_value_validation():
        write(tmp_path, write_dicom, headers, StudyInstanceUID="REMOVED", SeriesInstanceUID="")
    made = make_datalist(tmp_path)
    parts = [item for part in ("training", "validation", "test") for item in made.content[part]]
    assert len(parts) == 8
    assert len({one["patient"] for one in parts}) == 4
