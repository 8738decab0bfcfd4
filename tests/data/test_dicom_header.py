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
"""Tests of what is refused by a DICOM header alone: each message says what is wrong and what to do."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pydicom
import pytest
from pydicom.uid import (
    MPEG2MPML,
    UID,
    EnhancedCTImageStorage,
    EnhancedMRImageStorage,
    ExplicitVRLittleEndian,
    NuclearMedicineImageStorage,
    SegmentationStorage,
)

from scripts.data.dicom_header import read_dicom_header
from scripts.io.input_error import InputError

FILES = Path(pydicom.__file__).parent / "data" / "test_files"
GREY = (np.arange(35).reshape(5, 7) * 7).astype(np.uint8)


def with_syntax(path: Path, syntax: UID | None) -> Path:
    """Write another transfer syntax into a file, whose pixels stay what they are."""
    dataset = pydicom.dcmread(path)
    encapsulated = syntax is not None and syntax != ExplicitVRLittleEndian
    if encapsulated:
        dataset.PixelData = pydicom.encaps.encapsulate([b"\0" * 8])
        dataset["PixelData"].VR = "OB"
        dataset["PixelData"].is_undefined_length = True
    dataset.file_meta.TransferSyntaxUID = syntax or ExplicitVRLittleEndian
    dataset.save_as(path)
    if syntax is None:
        path.write_bytes(path.read_bytes().replace(b"\x02\x00\x10\x00UI", b"\x02\x00\x11\x00UI"))
    return path


def refused(path: Path) -> str:
    with pytest.raises(InputError) as error:
        read_dicom_header(path)
    assert str(error.value).startswith(str(path))
    return str(error.value).removeprefix(f"{path} ")


def test_what_is_fine_is_told(tmp_path, write_dicom):
    header = read_dicom_header(write_dicom(tmp_path / "a.dcm", GREY, PatientName="Doe^Jane", PixelSpacing=[1, 2]))
    assert (header.Rows, header.Columns, header.PixelSpacing) == (5, 7, [1, 2])
    assert "PatientName" not in header and "PixelData" not in header


def test_a_file_without_pixels(tmp_path, write_dicom):
    assert refused(write_dicom(tmp_path / "a.dcm", None)) == (
        "is DICOM without pixels (MR Image Storage); remove it from the folder"
    )


@pytest.mark.parametrize(
    ("name", "kind"),
    [
        ("test-SR.dcm", "Comprehensive SR Storage"),
        ("rtplan.dcm", "RT Plan Storage"),
        ("waveform_ecg.dcm", "12-lead ECG"),
    ],
)
def test_real_files_that_are_no_images(name, kind):
    assert refused(FILES / name).startswith(f"is DICOM without pixels ({kind}")


def test_a_dicomdir():
    assert refused(FILES / "dicomdirtests" / "DICOMDIR").startswith("is a DICOMDIR, a list of files and no image")


def test_a_segmentation(tmp_path, write_dicom):
    path = write_dicom(tmp_path / "a.dcm", GREY, SOPClassUID=SegmentationStorage)
    dataset = pydicom.dcmread(path)
    dataset.file_meta.MediaStorageSOPClassUID = SegmentationStorage
    dataset.save_as(path)
    assert refused(path).startswith("is a DICOM segmentation and no image")


def test_a_dose_is_a_stack():
    assert refused(FILES / "rtdose.dcm").startswith("has 15 frames at 15 places in the patient")


def test_no_bytes_and_no_prefix(tmp_path):
    path = tmp_path / "a.dcm"
    path.write_bytes(b"")
    assert refused(path) == "is empty; remove it or copy it again"
    path.write_bytes(b"\x89PNG\r\n" * 40)
    assert refused(path) == "is no DICOM file of PS3.10 (no prefix 'DICM'); remove or convert it"


@pytest.mark.parametrize("cut", [1, 20, 35])
def test_a_file_that_is_cut_off_in_its_pixels(tmp_path, write_dicom, cut):
    path = write_dicom(tmp_path / "a.dcm", GREY.astype(np.uint16))
    path.write_bytes(path.read_bytes()[:-cut])
    # 12 bytes of head stand before the pixels, 8 of which are counted
    assert refused(path).startswith("is cut off: ") if cut > 4 else read_dicom_header(path)


def test_a_file_that_has_too_few_pixels_for_its_size(tmp_path, write_dicom):
    path = write_dicom(tmp_path / "a.dcm", GREY, PixelData=b"\0" * 20)
    assert refused(path) == "is cut off: 20 of 35 bytes of pixels are there; copy it again"


def test_every_cut_of_a_file_is_refused_or_leaves_the_pixels_whole(tmp_path, write_dicom):
    path = write_dicom(tmp_path / "a.dcm", GREY.astype(np.uint16))
    whole = path.read_bytes()
    for length in range(0, len(whole) - 70, 7):
        path.write_bytes(whole[:length])
        refused(path)


@pytest.mark.parametrize(
    ("tags", "message"),
    [
        ({"Rows": 1, "Columns": 1}, "has 1 x 1 px"),
        ({"Rows": 0}, "has 7 x 0 px"),
        ({"Rows": 60_000, "Columns": 60_000}, "has 60000 x 60000 px, more than 67 Mpx"),
        ({"Rows": 1000, "Columns": 1000, "NumberOfFrames": 1_000_000}, "has 1000000 frames of 1000 x 1000 px"),
        ({"ImageType": ["ORIGINAL", "PRIMARY", "M", "ND", "MOSAIC"]}, "is a mosaic: one sheet with all slices"),
    ],
)
def test_sizes_and_places_that_cannot_be(tmp_path, write_dicom, tags, message):
    assert refused(write_dicom(tmp_path / "a.dcm", GREY, **tags)).startswith(message)


def test_a_transfer_syntax_that_nothing_reads(tmp_path, write_dicom):
    path = with_syntax(write_dicom(tmp_path / "a.dcm", GREY), MPEG2MPML)
    assert refused(path).startswith("has the transfer syntax MPEG2 Main Profile / Main Level, which cannot be read")


def test_no_transfer_syntax(tmp_path, write_dicom):
    path = with_syntax(write_dicom(tmp_path / "a.dcm", GREY), None)
    assert refused(path).startswith("does not tell its transfer syntax")


def test_frames_at_several_places(tmp_path, write_dicom):
    tags = {"GridFrameOffsetVector": [0, 5], "SOPClassUID": EnhancedCTImageStorage}
    assert refused(write_dicom(tmp_path / "a.dcm", np.stack([GREY, GREY]), **tags)).startswith(
        "has 2 frames at 2 places"
    )


def frames_with(group: str, values: list[dict[str, object]]) -> dict[str, object]:
    """Functional groups of an enhanced file, a group each frame."""
    frames = []
    for tags in values:
        item, frame = pydicom.Dataset(), pydicom.Dataset()
        for name, value in tags.items():
            setattr(item, name, value)
        setattr(frame, group, pydicom.Sequence([item]))
        frames.append(frame)
    return {"SOPClassUID": EnhancedMRImageStorage, "PerFrameFunctionalGroupsSequence": pydicom.Sequence(frames)}


TWO = np.stack([GREY] * 4)
MIXED = {
    "MAGNITUDE and PHASE, by ComplexImageComponent": frames_with(
        "MRImageFrameTypeSequence",
        [
            {"ComplexImageComponent": "PHASE" if i % 2 else "MAGNITUDE", "FrameType": ["O", "P", "F", "MP"[i % 2]]}
            for i in range(4)
        ],
    ),
    r"PRIMARY\DIFFUSION\ADC and PRIMARY\DIFFUSION\NONE, by ImageType": frames_with(
        "MRImageFrameTypeSequence",
        [{"FrameType": ["DERIVED", "PRIMARY", "DIFFUSION", kind]} for kind in ("NONE", "ADC") * 2],
    ),
    "AXIAL and LOCALIZER, by ImageType": frames_with(
        "CTImageFrameTypeSequence", [{"FrameType": ["ORIGINAL", kind]} for kind in ("LOCALIZER", "AXIAL") * 2]
    ),
    "4.6 and 9.2, by EchoTime": frames_with(
        "MREchoSequence", [{"EffectiveEchoTime": 4.6 * (1 + i % 2)} for i in range(4)]
    ),
    "0, 500, 1000 and 1 more, by DiffusionBValue": frames_with(
        "MRDiffusionSequence", [{"DiffusionBValue": 500.0 * i} for i in range(4)]
    ),
    "2 kinds of ContrastBolusAgent": frames_with(
        "ContrastBolusUsageSequence", [{"ContrastBolusAgentAdministered": told} for told in ("NO", "NO", "YES", "YES")]
    ),
    "CONTROL and LABEL, by ASLContext": frames_with(
        "MRArterialSpinLabelingSequence", [{"ASLContext": told} for told in ("LABEL", "CONTROL") * 2]
    ),
    "1 and 2, by DetectorVector": {"SOPClassUID": NuclearMedicineImageStorage, "DetectorVector": [1, 1, 2, 2]},
    "1 and 2, by EnergyWindowVector": {"SOPClassUID": NuclearMedicineImageStorage, "EnergyWindowVector": [1, 2, 1, 2]},
}


@pytest.mark.parametrize("kinds", MIXED)
def test_frames_of_several_kinds_in_one_file(tmp_path, write_dicom, kinds):
    assert refused(write_dicom(tmp_path / "a.dcm", TWO, **MIXED[kinds])) == (
        f"mixes frames of {kinds}, which are not one image over time; write each kind to a file of its own"
    )


@pytest.mark.parametrize(
    "tags",
    [
        frames_with("MREchoSequence", [{"EffectiveEchoTime": 4.6 + 0.001 * i} for i in range(4)]),
        frames_with(
            "MRImageFrameTypeSequence", [{"FrameType": [kind, "PRIMARY"]} for kind in ("ORIGINAL", "DERIVED") * 2]
        ),
        frames_with("MRDiffusionSequence", [{}, {"DiffusionBValue": None}] * 2),
        {"SOPClassUID": NuclearMedicineImageStorage, "DetectorVector": [1] * 4, "EnergyWindowVector": 1},
        {"SOPClassUID": NuclearMedicineImageStorage, "DetectorVector": [1, 1, 1, 1, 2, 2]},  # longer than the frames
    ],
)
def test_frames_of_one_kind_in_one_file(tmp_path, write_dicom, tags):
    assert read_dicom_header(write_dicom(tmp_path / "a.dcm", TWO, **tags)).NumberOfFrames == 4


def test_what_a_vendor_names_freely_is_not_quoted(tmp_path, write_dicom):
    kernels = frames_with("CTReconstructionSequence", [{"ConvolutionKernel": f"KERNEL {i % 2}"} for i in range(4)])
    assert refused(write_dicom(tmp_path / "a.dcm", TWO, **kernels)).startswith(
        "mixes frames of 2 kinds of ConvolutionKernel, which are not one image over time"
    )
