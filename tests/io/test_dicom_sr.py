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
"""Tests of DICOM Structured Reports, also by readers that are not ours: highdicom's, DCMTK's and dicom3tools'."""

from __future__ import annotations

import builtins
import shutil
import subprocess
from pathlib import Path

import numpy as np
import pydicom
import pytest
from pydicom.data import get_testdata_file
from pydicom.examples import get_path
from pydicom.uid import CTImageStorage, ExplicitVRLittleEndian, generate_uid

from scripts.data.image_reader import read_image_series
from scripts.data.image_series import find_image_series
from scripts.io.dicom_sr import ReportPoint, check_report_sources, read_dicom_sr, write_dicom_sr
from scripts.io.input_error import InputError
from scripts.io.landmarks_csv import Landmark

highdicom = pytest.importorskip("highdicom", reason="highdicom is not installed: pip install highdicom")

CLIP = get_path("ybr_color")  # 30 frames of ultrasound, 320 x 240 px, with no place in the patient
SLICE = get_testdata_file("CT_small.dcm")  # 128 x 128 px of 0.661468 mm, with a place
# by hand, of CT_small's header: the first pixel is at (-158.135803, -179.035797, -75.699997), axes are x and y
SLICE_AT = (-158.135803 + 10 * 0.661468, -179.035797 + 20.25 * 0.661468, -75.699997)


def landmark(label: str = "valve", frame: int | None = 0, x: float = 101.125, y: float = 64.5) -> Landmark:
    return Landmark("clip.dcm", frame, label, x, y, 1.25, 0.5, 3)


def affines_of(path: str | Path) -> np.ndarray:
    return read_image_series(find_image_series(path)[0]).affines


@pytest.fixture
def clip_report(tmp_path: Path) -> Path:
    path = tmp_path / "sr" / "clip.dcm"
    landmarks = [landmark(), landmark("Klappe ä, 2", 0, -0.5, -0.5), landmark("valve", 29, 319.5, 239.5)]
    assert write_dicom_sr(path, landmarks, [CLIP], affines_of(CLIP)) == []
    return path


@pytest.fixture
def slice_report(tmp_path: Path) -> Path:
    path = tmp_path / "sr" / "slice.dcm"
    assert write_dicom_sr(path, [landmark("apex", None, 10, 20.25)], [SLICE], affines_of(SLICE)) == []
    return path


def write_series(folder: Path, count: int, **tags) -> list[Path]:
    """Single-frame CT files of 12 x 20 px, 0.5 x 0.25 mm, that go up by 3 mm."""
    series, study, frame_of_reference = generate_uid(), generate_uid(), generate_uid()
    paths = []
    for number in range(count):
        dataset = pydicom.Dataset()
        dataset.file_meta = pydicom.dataset.FileMetaDataset()
        dataset.file_meta.TransferSyntaxUID = ExplicitVRLittleEndian
        dataset.SOPClassUID, dataset.SOPInstanceUID = CTImageStorage, generate_uid()
        dataset.SeriesInstanceUID, dataset.StudyInstanceUID = series, study
        dataset.FrameOfReferenceUID = frame_of_reference
        dataset.Rows, dataset.Columns = 20, 12
        dataset.PixelSpacing = [0.5, 0.25]
        dataset.ImageOrientationPatient = [0, 1, 0, 0, 0, -1]
        dataset.ImagePositionPatient = [3 * number, 10, 40]
        for name, value in tags.items():
            setattr(dataset, name, value)
        folder.mkdir(parents=True, exist_ok=True)
        paths.append(folder / f"{number}.dcm")
        dataset.save_as(paths[-1], enforce_file_format=True)
    return paths


def series_affines(count: int) -> np.ndarray:
    """By hand: x runs along P by 0.25 mm, y against S by 0.5 mm; RAS turns L and P."""
    affine = np.array([[0, 0, -1, 0], [-0.25, 0, 0, -10], [0, -0.5, 0, 40], [0, 0, 0, 1.0]])
    affines = np.tile(affine, (count, 1, 1))
    affines[:, 0, 3] = [-3 * number for number in range(count)]
    return affines


def test_points_come_back_to_a_thousandth_of_a_pixel(clip_report):
    uid = pydicom.dcmread(CLIP, stop_before_pixels=True).SOPInstanceUID
    points = read_dicom_sr(clip_report)
    names = [("valve", 0), ("Klappe ä, 2", 0), ("valve", 29)]
    assert [(point.label, point.frame) for point in points] == names
    assert {point.image_uid for point in points} == {uid}
    places = [(point.x, point.y) for point in points]
    np.testing.assert_allclose(places, [(101.125, 64.5), (-0.5, -0.5), (319.5, 239.5)], atol=1e-3)
    assert all(point.lps is None for point in points)  # the clip does not tell its place


def test_a_place_in_the_patient_comes_back_to_a_thousandth_of_a_mm(slice_report):
    [point] = read_dicom_sr(slice_report)
    assert (point.label, point.frame) == ("apex", None)
    np.testing.assert_allclose((point.x, point.y), (10, 20.25), atol=1e-3)
    np.testing.assert_allclose(point.lps, SLICE_AT, atol=1e-3)


def test_each_file_of_a_series_is_a_frame_with_its_own_place(tmp_path):
    files = write_series(tmp_path / "series", 3)
    landmarks = [landmark("a", 0, 2, 4), landmark("b", 0, 4, 4), landmark("a", 2, 3.5, 19)]
    write_dicom_sr(tmp_path / "sr.dcm", landmarks, files, series_affines(3))
    points = read_dicom_sr(tmp_path / "sr.dcm")
    uids = [pydicom.dcmread(file).SOPInstanceUID for file in files]
    assert [(p.label, p.image_uid, p.frame) for p in points] == [
        ("a", uids[0], None),
        ("b", uids[0], None),
        ("a", uids[2], None),
    ]
    places = [(0, 10.5, 38), (0, 11, 38), (6, 10.875, 30.5)]
    np.testing.assert_allclose([point.lps for point in points], places, atol=1e-3)


def test_affines_that_are_not_the_headers_give_no_place_in_the_patient(tmp_path):
    [file] = write_series(tmp_path, 1)
    for affines in (None, np.eye(4)):
        write_dicom_sr(tmp_path / "sr.dcm", [landmark("a", None, 2, 4)], [file], affines)
        assert read_dicom_sr(tmp_path / "sr.dcm")[0].lps is None


@pytest.mark.parametrize(
    "tag", ["FrameOfReferenceUID", "ImagePositionPatient", "ImageOrientationPatient", "PixelSpacing"]
)
def test_without_frame_of_reference_position_or_spacing_there_is_no_place_in_the_patient(tmp_path, tag):
    header = pydicom.dcmread(write_series(tmp_path, 1)[0])
    del header[tag]
    write_dicom_sr(tmp_path / "sr.dcm", [landmark("a", None, 2, 4)], [header], series_affines(1))
    assert read_dicom_sr(tmp_path / "sr.dcm")[0].lps is None


def test_highdicom_reads_the_same(clip_report, slice_report):
    report = highdicom.sr.srread(clip_report)
    assert isinstance(report, highdicom.sr.Comprehensive3DSR)
    groups = report.content.get_planar_roi_measurement_groups(graphic_type=highdicom.sr.GraphicTypeValues.POINT)
    assert [group.tracking_identifier for group in groups] == ["valve", "Klappe ä, 2", "valve"]
    assert groups[0].tracking_uid == groups[2].tracking_uid != groups[1].tracking_uid
    # DICOM's origin is the corner of the first pixel: its centre is (0.5, 0.5)
    np.testing.assert_allclose(groups[0].roi.value, [[101.625, 65.0]])
    np.testing.assert_allclose(groups[1].roi.value, [[0, 0]])
    np.testing.assert_allclose(groups[2].roi.value, [[320, 240]])
    measured = [(one.name.value, one.value, one.unit.value) for one in groups[0].get_measurements()]
    assert measured == [("sigma_x", 1.25, "{pixels}"), ("sigma_y", 0.5, "{pixels}"), ("n_examples", 3, "{examples}")]

    report = highdicom.sr.srread(slice_report)
    flat, spatial = report.content.get_planar_roi_measurement_groups()
    assert flat.tracking_uid == spatial.tracking_uid
    np.testing.assert_allclose(spatial.roi.value, [SLICE_AT], atol=1e-3)
    assert spatial.roi.frame_of_reference_uid == pydicom.dcmread(SLICE).FrameOfReferenceUID
    measured = {one.name.value: (one.value, one.unit.value) for one in flat.get_measurements()}
    assert measured["sigma_x"] == (pytest.approx(1.25 * 0.661468, abs=1e-5), "mm")
    assert measured["sigma_y"] == (pytest.approx(0.5 * 0.661468, abs=1e-5), "mm")


def walk(item: pydicom.Dataset):
    yield item
    for child in item.get("ContentSequence", []):
        yield from walk(child)


def test_the_tree_is_that_of_a_measurement_report(clip_report):
    report = pydicom.dcmread(clip_report)
    assert report.SOPClassUID == "1.2.840.10008.5.1.4.1.1.88.34"
    assert report.ContentTemplateSequence[0].TemplateIdentifier == "1500"
    source = pydicom.dcmread(CLIP, stop_before_pixels=True)
    assert (report.StudyInstanceUID, report.Modality) == (source.StudyInstanceUID, "SR")
    assert report.SeriesInstanceUID != source.SeriesInstanceUID
    assert (report.PatientID, report.PatientName) == (source.get("PatientID", ""), source.get("PatientName", ""))
    groups = [item for item in walk(report) if "ContentTemplateSequence" in item and item is not report]
    assert [group.ContentTemplateSequence[0].TemplateIdentifier for group in groups] == ["1410"] * 3
    images = [item.ReferencedSOPSequence[0] for item in walk(report) if item.ValueType == "IMAGE"]
    assert [image.ReferencedFrameNumber for image in images] == [1, 1, 30]  # counted from 1
    assert {image.ReferencedSOPInstanceUID for image in images} == {source.SOPInstanceUID}
    [study] = report.CurrentRequestedProcedureEvidenceSequence
    [series] = study.ReferencedSeriesSequence
    assert series.SeriesInstanceUID == source.SeriesInstanceUID
    assert [one.ReferencedSOPInstanceUID for one in series.ReferencedSOPSequence] == [source.SOPInstanceUID]


def test_a_second_report_tracks_the_same_landmarks(tmp_path):
    for name in "ab":
        write_dicom_sr(tmp_path / f"{name}.dcm", [landmark()], [CLIP])
    first, second = (pydicom.dcmread(tmp_path / f"{name}.dcm") for name in "ab")
    assert first.SOPInstanceUID != second.SOPInstanceUID
    uids = [[item.UID for item in walk(report) if item.get("ValueType") == "UIDREF"] for report in (first, second)]
    assert uids[0] == uids[1]


def test_the_patients_name_keeps_its_letters(tmp_path):
    tags = {"SpecificCharacterSet": "ISO_IR 100", "PatientName": "Müller^Jörg", "PatientID": "7", "PatientSex": "X"}
    write_dicom_sr(tmp_path / "sr.dcm", [landmark("Ω", None, 2, 4)], write_series(tmp_path, 1, **tags))
    report = pydicom.dcmread(tmp_path / "sr.dcm")
    assert (report.PatientName, report.PatientID, report.PatientSex) == ("Müller^Jörg", "7", "")
    assert read_dicom_sr(tmp_path / "sr.dcm")[0].label == "Ω"


def test_what_a_report_cannot_hold_is_left_out_and_told(tmp_path):
    [file] = write_series(tmp_path, 1)
    outside = [landmark("a", None, -0.6, 4), landmark("b", None, 2, 19.6), landmark("c", None, float("nan"), 4)]
    assert write_dicom_sr(tmp_path / "sr.dcm", [*outside, landmark("d", None, 2, 4)], [file]) == outside
    assert [point.label for point in read_dicom_sr(tmp_path / "sr.dcm")] == ["d"]
    assert write_dicom_sr(tmp_path / "sr.dcm", outside, [file]) == outside
    assert not (tmp_path / "sr.dcm").exists()  # not an earlier one either


@pytest.mark.parametrize("frame", [None, 3, -1])
def test_frames_that_the_sources_have_not_are_refused(tmp_path, frame):
    with pytest.raises(ValueError, match="but the sources have 3 frames"):
        write_dicom_sr(tmp_path / "sr.dcm", [landmark("a", frame, 2, 4)], write_series(tmp_path, 3))
    assert not (tmp_path / "sr.dcm").exists()


def test_one_report_is_of_one_series(tmp_path):
    with pytest.raises(ValueError, match="belongs to one series"):
        write_dicom_sr(tmp_path / "sr.dcm", [landmark(), Landmark("b", 0, "a", 1, 1, 1, 1, 1)], [CLIP])


def test_sources_that_cannot_be_referred_to_are_named(tmp_path):
    check_report_sources([CLIP, SLICE])
    [file] = write_series(tmp_path, 1, StudyInstanceUID="")
    with pytest.raises(InputError, match=r"0\.dcm lacks StudyInstanceUID, so that no report can refer to it"):
        check_report_sources([file])
    [file] = write_series(tmp_path, 1, SOPClassUID="1.2.840.10008.5.1.4.1.1.6")  # ultrasound until 1993
    with pytest.raises(InputError, match=r"0\.dcm: highdicom can make no report of this header"):
        check_report_sources([file])
    (tmp_path / "broken.dcm").write_bytes(b"nothing")
    with pytest.raises(InputError, match=r"broken\.dcm cannot be read as DICOM"):
        check_report_sources([tmp_path / "broken.dcm"])


def test_a_missing_highdicom_is_told_with_the_extra(monkeypatch):
    real = builtins.__import__

    def without(name, *args, **kwargs):
        if name.startswith("highdicom"):
            raise ImportError("No module named 'highdicom'")
        return real(name, *args, **kwargs)

    monkeypatch.setattr(builtins, "__import__", without)
    with pytest.raises(InputError, match=r"pip install highdicom .*extra 'sr'.*dicom_sr to false"):
        check_report_sources([CLIP])


def test_other_files_are_refused_by_name(tmp_path, clip_report):
    with pytest.raises(InputError, match=r"gone\.dcm: there is no such file"):
        read_dicom_sr(tmp_path / "gone.dcm")
    with pytest.raises(InputError, match="not a DICOM Structured Report"):
        read_dicom_sr(SLICE)
    (tmp_path / "text.dcm").write_text("nothing")
    with pytest.raises(InputError, match=r"text\.dcm: cannot be read as a DICOM Structured Report"):
        read_dicom_sr(tmp_path / "text.dcm")
    report = pydicom.dcmread(clip_report)
    report.ContentSequence = report.ContentSequence[:2]
    report.save_as(tmp_path / "empty.dcm")
    with pytest.raises(InputError, match=r"empty\.dcm: there is no named point"):
        read_dicom_sr(tmp_path / "empty.dcm")


def test_points_of_measurements_are_read_too(tmp_path):
    """TID 1501, as viewers write it: the point is what a measurement was inferred from."""
    sr = highdicom.sr
    source = pydicom.dcmread(SLICE, stop_before_pixels=True)
    image = sr.SourceImageForRegion.from_source_image(source)
    at = sr.CoordinatesForMeasurement(sr.GraphicTypeValues.POINT, np.array([[3.0, 4.5]]), image)
    unit = sr.CodedConcept("mm", "UCUM", "millimeter")
    depth = sr.Measurement(sr.CodedConcept("131190003", "SCT", "Depth"), 2.0, unit, referenced_coordinates=[at])
    tracking = sr.TrackingIdentifier(uid=generate_uid(), identifier="probe")
    group = sr.MeasurementsAndQualitativeEvaluations(tracking_identifier=tracking, measurements=[depth])
    person = sr.ObserverContext(
        sr.CodedConcept("121006", "DCM", "Person"), sr.PersonObserverIdentifyingAttributes(name="A^B")
    )
    report = sr.MeasurementReport(
        observation_context=sr.ObservationContext(observer_person_context=person),
        procedure_reported=sr.CodedConcept("363679005", "SCT", "Imaging procedure"),
        imaging_measurements=[group],
    )
    document = sr.Comprehensive3DSR([source], report, generate_uid(), 1, generate_uid(), 1, manufacturer="another")
    document.save_as(tmp_path / "other.dcm")
    assert read_dicom_sr(tmp_path / "other.dcm") == [ReportPoint("probe", source.SOPInstanceUID, None, 2.5, 4.0)]


@pytest.mark.parametrize(
    ("program", "package"),
    [("dsrdump", "dcmtk"), ("dciodvfy", "dicom3tools")],
)
def test_other_programs_find_no_fault(program, package, clip_report, slice_report):
    found = shutil.which(program)
    if found is None:
        pytest.skip(f"{program} is not installed: apt-get install {package}")
    for path in (clip_report, slice_report):
        result = subprocess.run([found, str(path)], capture_output=True, text=True, timeout=60)
        output = result.stdout + result.stderr
        assert result.returncode == 0, output
        # dsrdump marks faults by E: or F:, dciodvfy by Error
        faults = [line for line in output.splitlines() if line.startswith(("Error", "E:", "F:"))]
        assert not faults, output
        if program == "dsrdump":
            assert "Comprehensive 3D SR Document" in output
