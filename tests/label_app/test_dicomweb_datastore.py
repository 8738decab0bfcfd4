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
"""Annotation over a real DICOMweb server."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pydicom
import pytest

pytest.importorskip("monailabel")

from dicomweb_client import DICOMwebClient
from monailabel.config import settings
from monailabel.interfaces.exception import ImageNotFoundException
from pydicom.examples import get_path
from pydicom.uid import ExplicitVRLittleEndian, SecondaryCaptureImageStorage, generate_uid

from label_app.dicomweb_datastore import DicomWebDatastore
from label_app.label_file import LabelPoint
from label_app.landmark_app import LandmarkApp
from orthanc_server import needs_orthanc, running_orthanc
from scripts.data.prepared_series import PrepareSeries
from scripts.io.input_error import InputError

SHIFTS = [(0, 0), (6, -4), (-5, 3)]
VALVE = (40.0, 30.0)
PREPARE = PrepareSeries((96, 64))


def test_a_server_that_does_not_answer_is_named(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="http://127.0.0.1:9/dicom-web does not answer"):
        DicomWebDatastore("http://127.0.0.1:9/dicom-web", tmp_path, PREPARE)


def still(pixels: np.ndarray, description: str) -> pydicom.Dataset:
    """A picture of one frame, (X, Y), in a study of its own."""
    dataset = pydicom.Dataset()
    dataset.file_meta = pydicom.dataset.FileMetaDataset()
    dataset.file_meta.TransferSyntaxUID = ExplicitVRLittleEndian
    dataset.file_meta.MediaStorageSOPClassUID = dataset.SOPClassUID = SecondaryCaptureImageStorage
    dataset.file_meta.MediaStorageSOPInstanceUID = dataset.SOPInstanceUID = generate_uid()
    dataset.StudyInstanceUID, dataset.SeriesInstanceUID = generate_uid(), generate_uid()
    dataset.PatientID, dataset.PatientName, dataset.Modality = "secret-id", "Secret^Name", "OT"
    dataset.SeriesDescription, dataset.InstanceNumber = description, 1
    dataset.Columns, dataset.Rows = pixels.shape
    dataset.SamplesPerPixel, dataset.PhotometricInterpretation = 1, "MONOCHROME2"
    dataset.BitsAllocated, dataset.BitsStored, dataset.HighBit, dataset.PixelRepresentation = 8, 8, 7, 0
    dataset.PixelData = pixels.T.tobytes()
    dataset.preamble = bytes(128)
    return dataset


@pytest.fixture
def stills(texture_frames: Callable[..., np.ndarray]) -> list[pydicom.Dataset]:
    frames = texture_frames((96, 64), SHIFTS)
    grey = np.interp(frames, (frames.min(), frames.max()), (0, 255)).round().astype(np.uint8)
    return [still(np.ascontiguousarray(frame), f"still {i}") for i, frame in enumerate(grey)]


@pytest.fixture
def root(tmp_path: Path, stills: list[pydicom.Dataset]) -> Iterator[str]:
    """A server with three stills, the echo clip and a report that is no image."""
    (tmp_path / "orthanc").mkdir()
    with running_orthanc(tmp_path / "orthanc") as address:
        report = pydicom.dcmread(pydicom.data.get_testdata_file("test-SR.dcm"))
        client = DICOMwebClient(f"{address}/dicom-web")
        client.store_instances([*stills, pydicom.dcmread(get_path("ybr_color")), report])
        yield f"{address}/dicom-web"


@pytest.mark.slow
@needs_orthanc
def test_series_are_images_that_are_fetched_when_they_are_asked_for(root, stills, tmp_path):
    store = DicomWebDatastore(root, tmp_path / "cache", PREPARE)
    uids = {str(one.SeriesInstanceUID): one for one in stills}
    clip = str(pydicom.examples.ybr_color.SeriesInstanceUID)
    assert set(store.list_images()) == {*uids, clip}  # not the report
    (folder,) = (tmp_path / "cache").iterdir()
    assert not any(one.suffix == ".dcm" for one in folder.rglob("*"))
    for uid, original in uids.items():
        assert store.image_name(uid) == original.SeriesDescription
        assert (original.pixel_array == store.pixels(uid)[0].T).all()
    assert (store.prepared(clip).length, store.prepared(clip).fit.original) == (30, (320, 240))
    for wrong in ("1.2.3", "../x", ""):
        with pytest.raises(ImageNotFoundException):
            store.prepared(wrong)
    assert DicomWebDatastore(root, tmp_path / "other", PREPARE, search={"Modality": "US"}).list_images() == [clip]


@pytest.mark.slow
@needs_orthanc
def test_series_that_come_later_are_seen_after_another_look(root, stills, tmp_path):
    store = DicomWebDatastore(root, tmp_path / "cache", PREPARE)
    before, first = store.list_images(), str(stills[0].SeriesInstanceUID)
    kept = store.series(first)
    later = still(np.zeros((8, 8), np.uint8), "later")
    DICOMwebClient(root).store_instances([later])
    assert store.list_images() == before
    store.refresh()
    assert store.list_images() == sorted([*before, str(later.SeriesInstanceUID)])
    assert store.image_name(str(later.SeriesInstanceUID)) == "later" and store.series(first) is kept
    store.search = {"Modality": "US"}
    store.refresh()
    assert first not in store.list_images()
    with pytest.raises(ImageNotFoundException):
        store.image_name(first)


@pytest.mark.slow
@needs_orthanc
def test_landmarks_are_found_over_the_server_as_over_a_folder(root, stills, conf, tmp_path, monkeypatch):
    monkeypatch.setattr(settings, "MONAI_LABEL_DICOMWEB_CACHE_PATH", str(tmp_path / "cache"))
    monkeypatch.setattr(settings, "MONAI_LABEL_DICOMWEB_SEARCH_FILTER", {"Modality": "OT"})
    uids = [str(one.SeriesInstanceUID) for one in stills]
    app = LandmarkApp("label_app", root, conf)
    app.datastore().edit_label(uids[0], [LabelPoint("valve", None, *VALVE)])
    for uid, (dx, dy) in zip(uids, SHIFTS, strict=True):
        (found,) = app.infer({"model": "landmarks", "image": uid})["params"]["landmarks"]
        assert (found["x"], found["y"]) == pytest.approx((VALVE[0] + dx, VALVE[1] + dy), abs=0.5)
    assert app.batch_infer({"model": "landmarks"})["failed"] == {}
    assert app.next_sample({"strategy": "coverage"})["id"] in uids[1:]
    # a restart finds images and labels where they are, without the server's pixels
    again = LandmarkApp("label_app", root, conf)
    assert again.datastore().status() == {"total": 3, "completed": 1, "label_tags": {"final": 1, "original": 2}}
    kept = [file.read_text() for file in (tmp_path / "cache").rglob("*.json")]
    assert kept and not any("secret" in json.dumps(one).lower() for one in kept)


def test_a_series_of_several_instances_is_one_file(stills, tmp_path, monkeypatch):
    for number, one in enumerate(stills):
        one.StudyInstanceUID, one.SeriesInstanceUID = "1.2", "1.2.3"
        one.InstanceNumber = 3 - number
    found = [{"0020000D": {"Value": ["1.2"]}, "0020000E": {"Value": ["1.2.3"]}}]
    monkeypatch.setattr(DICOMwebClient, "search_for_series", lambda *_, **__: found)
    monkeypatch.setattr(DICOMwebClient, "retrieve_series", lambda *_: stills)
    store = DicomWebDatastore("http://nowhere.example", tmp_path, PREPARE)
    whole = pydicom.dcmread(store.get_image("1.2.3"))
    assert (whole.pixel_array == [one.pixel_array for one in reversed(stills)]).all()
    assert len(store.list_images()) == 1 and store.image_file("1.2.3").suffix == ".dcm"


def test_a_series_without_a_file_is_told_whenever_it_is_asked_for(tmp_path, monkeypatch):
    found = [{"0020000D": {"Value": ["1.2"]}, "0020000E": {"Value": ["1.2.3"]}}]
    monkeypatch.setattr(DICOMwebClient, "search_for_series", lambda *_, **__: found)
    monkeypatch.setattr(DICOMwebClient, "retrieve_series", lambda *_: [])
    store = DicomWebDatastore("http://nowhere.example", tmp_path, PREPARE)
    for _ in range(2):
        with pytest.raises(InputError, match=r"gives no file of series 1\.2\.3"):
            store.prepared("1.2.3")


@pytest.mark.slow
@needs_orthanc
def test_a_stack_is_refused_with_the_reason(root, tmp_path):
    slices = [still(np.full((8, 8), i, np.uint8), "stack") for i in range(2)]
    for i, one in enumerate(slices):
        one.StudyInstanceUID, one.SeriesInstanceUID = slices[0].StudyInstanceUID, slices[0].SeriesInstanceUID
        one.ImagePositionPatient, one.ImageOrientationPatient = [0, 0, i], [1, 0, 0, 0, 1, 0]
    DICOMwebClient(root).store_instances(slices)
    store = DicomWebDatastore(root, tmp_path / "cache", PREPARE)
    with pytest.raises(InputError, match="2 images"):
        store.prepared(str(slices[0].SeriesInstanceUID))
