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
"""The requests of MONAI Label's own client and of the plugins of 3D Slicer and OHIF, over a real socket.

They are those of MONAI Label 0.8.5: ``monailabel/client/client.py``; ``MONAILabel.py`` and ``MONAILabelLib/client.py``
of ``plugins/slicer/MONAILabel``; and ``services/MonaiLabelClient.js``, ``components/MonaiLabelPanel.tsx`` and
``components/actions/AutoSegmentation.tsx`` of ``plugins/ohifv3``. What each does with the answers is done here too.
"""

from __future__ import annotations

import hashlib
import io
import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pydicom
import pytest
import requests

pytest.importorskip("monailabel")
pytest.importorskip("cgi")  # MONAI Label's client needs it, and Python 3.13 has it no more

import SimpleITK
from monailabel.client.client import MONAILabelClient, MONAILabelClientException
from monailabel.utils.async_tasks import task
from pydicom.uid import ExplicitVRLittleEndian, MRImageStorage, generate_uid

from label_app.adapt_task import AdaptTask

CLIP = "patient~clip.nii"
MARKUPS = "https://raw.githubusercontent.com/slicer/slicer/master/Modules/Loadable/Markups/Resources/Schema/"


class Slicer:
    """3D Slicer's plugin: which models it lists, and what it asks."""

    def __init__(self, address: str, folder: Path) -> None:
        folder.mkdir(exist_ok=True)
        self.client = MONAILabelClient(address, str(folder), "user-xyz")
        self.folder = folder
        assert not self.client.auth_enabled()
        self.models = self.client.info()["models"]

    def listed(self) -> list[str]:
        return [name for name, model in self.models.items() if model["type"] in ("segmentation", "detection")]

    def run(self, model: str, image: str) -> tuple[str, dict[str, Any]]:
        """The file of the answer and its JSON; the extension is asked for whatever the model is."""
        return self.client.infer(model, image, {"result_extension": ".nrrd", "result_dtype": "uint8"})

    def segments(self, file: str, answer: dict[str, Any], model: str) -> dict[str, np.ndarray]:
        """Pixels of each segment: the values that there are, from the least on, get the names by their values."""
        labels = answer.get("label_names") or self.models[model]["labels"]
        names = sorted(labels, key=labels.get) if isinstance(labels, dict) else labels
        pixels = SimpleITK.GetArrayFromImage(SimpleITK.ReadImage(file))
        return {name: np.argwhere(pixels == value) for name, value in zip(names, np.unique(pixels)[1:], strict=False)}

    def submit(self, image: str, markups: list[dict[str, Any]]) -> dict[str, Any]:
        """What a detection is submitted as: a file of the scene's ROIs."""
        file = self.folder / "submitted.json"
        file.write_text(json.dumps({"@schema": f"{MARKUPS}markups-schema-v1.0.3.json#", "markups": markups}))
        return self.client.save_label(image, str(file), params={"label_info": []})


@pytest.fixture
def slicer(address: str, tmp_path: Path) -> Slicer:
    return Slicer(address, tmp_path / "slicer")


def set_point(address: str, image: str, label: str, x: float, y: float, frame: int | None = None) -> None:
    point = {"label": label, "frame": frame, "x": x, "y": y}
    assert requests.post(f"{address}/landmarks/api/images/{image}/edit", json={"points": [point]}).status_code == 200


def final(address: str, image: str) -> list[tuple[str, float, float]]:
    found = requests.get(f"{address}/landmarks/api/images/{image}").json()["final"]
    return [(one["label"], one["x"], one["y"]) for one in found]


def test_slicer_loads_points_and_discs(address, place, tmp_path):
    for label in ("valve", "apex"):
        set_point(address, CLIP, label, *place(label, 0), frame=0)
    slicer = Slicer(address, tmp_path / "slicer")
    assert slicer.listed() == ["landmarks", "landmarks_discs"]

    file, answer = slicer.run("landmarks", CLIP)
    assert file.endswith(".json") and len(answer["landmarks"]) == 10
    (markup,) = json.loads(Path(file).read_text())["markups"]
    assert markup["type"] == "Fiducial"
    points = {one["label"]: one["position"] for one in markup["controlPoints"]}
    x, y = place("apex", 2)
    np.testing.assert_allclose(points["apex [2]"], [-(10 + 0.5 * x), -(-20 + 0.5 * y), 5.0], atol=0.3)

    file, answer = slicer.run("landmarks_discs", CLIP)
    assert file.endswith(".nrrd")
    segments = slicer.segments(file, answer, "landmarks_discs")
    assert set(segments) == {"valve", "apex"}
    for label, where in segments.items():
        in_frame = where[where[:, 0] == 2]
        np.testing.assert_allclose(in_frame.mean(axis=0)[1:], place(label, 2)[::-1], atol=0.6)
        assert len(in_frame) < 40  # a small disc, and not an area


def test_segments_keep_their_names_where_one_has_no_disc(address, place, tmp_path):
    for label in ("valve", "apex"):
        set_point(address, "0.png", label, *place(label, 0))
    set_point(address, CLIP, "hidden", *place("valve", 0), frame=0)
    set_point(address, CLIP, "valve", *place("valve", 0), frame=0)
    set_point(address, CLIP, "apex", *place("apex", 0), frame=0)
    slicer = Slicer(address, tmp_path / "slicer")
    segments = slicer.segments(*slicer.run("landmarks_discs", CLIP), "landmarks_discs")
    np.testing.assert_allclose(
        segments["apex"].mean(axis=0)[1:], np.mean([place("apex", i)[::-1] for i in range(5)], 0), atol=0.6
    )


def test_slicer_goes_on_with_the_id_of_its_upload(address, slicer, studies, place):
    set_point(address, "0.png", "valve", *place("valve", 0))
    shutil.copy(studies / "2.png", slicer.folder / "tmpx1y2.png")
    assert slicer.client.upload_image(str(slicer.folder / "tmpx1y2.png"), "MR Head.1") == {"image": "MR Head.1.png"}
    _, answer = slicer.run("landmarks", "MR Head.1")
    assert (answer["landmarks"][0]["x"], answer["landmarks"][0]["y"]) == pytest.approx(place("valve", 2), abs=0.5)
    points = slicer.folder / "points.json"
    points.write_text(json.dumps({"landmarks": [{"label": "valve", "x": 3, "y": 4}]}))
    slicer.client.save_label("MR Head.1", str(points), params={"label_info": []})
    assert final(address, "MR Head.1") == final(address, "MR Head.1.png") == [("valve", 3, 4)]
    assert Path(slicer.client.download_label("MR Head.1", "final")).stat().st_size
    objects = slicer.client.datastore()["objects"]
    assert set(objects["MR Head.1.png"]["labels"]) == {"final"} and "MR Head.1" not in objects
    assert slicer.client.next_sample("coverage", {})["id"] not in ("0.png", "MR Head.1.png")


ROI = {"type": "ROI", "coordinateSystem": "LPS", "roiType": "Box", "center": [-30.0, 5.0, 5.0], "size": [9, 9, 9]}
CENTRE = {
    "controlPoints": [{"id": "1", "label": "R-1 [2]", "position": [-30.0, 5.0, 5.0], "positionStatus": "defined"}]
}
NO_POINTS = {
    "nothing": [],
    "no list": [{"type": "Fiducial", "coordinateSystem": "LPS"}],
    "a ROI": [{**ROI, **CENTRE}],
    "two ROIs": [{**ROI, **CENTRE}] * 2,
    "a plane": [{**ROI, **CENTRE, "type": "Plane"}],
    "not placed": [{"controlPoints": [{"label": "valve [2]", "position": [0, 0, 0], "positionStatus": "undefined"}]}],
    "no list but a text": [{"controlPoints": "x"}],
    "a ROI beside no list": [{**ROI, **CENTRE}, {"type": "Fiducial"}],
}


@pytest.mark.parametrize("markups", NO_POINTS.values(), ids=NO_POINTS)
def test_markups_without_points_leave_the_landmarks(address, slicer, studies, markups):
    set_point(address, CLIP, "valve", 40, 30, frame=2)
    before = sorted((studies / ".landmarks").rglob("*.json"))
    with pytest.raises(MONAILabelClientException) as error:
        slicer.submit(CLIP, markups)
    assert "Status: 400" in error.value.msg and "oint" in error.value.msg
    assert final(address, CLIP) == [("valve", 40, 30)]
    assert sorted((studies / ".landmarks").rglob("*.json")) == before


def test_points_beside_a_roi_are_taken_and_a_list_may_be_empty(address, slicer):
    point = {"label": "apex [2]", "position": [-30.0, 5.0, 5.0], "positionStatus": "defined"}
    slicer.submit(CLIP, [{**ROI, **CENTRE}, {"type": "Fiducial", "controlPoints": [point]}])
    assert final(address, CLIP) == [("apex", pytest.approx(40), pytest.approx(30))]
    slicer.submit(CLIP, [{"type": "Fiducial", "controlPoints": []}])
    assert final(address, CLIP) == []


class Ohif:
    """The plugin of OHIF 3, as the server itself serves it."""

    def __init__(self, address: str) -> None:
        self.address = address
        self.info = requests.get(f"{address}/info/").json()

    def listed(self) -> list[str]:
        return [name for name, model in self.info["models"].items() if model["type"] in ("segmentation", "vista3d")]

    def values(self, model: str) -> dict[str, int]:
        labels = self.info["models"][model]["labels"]
        return {label: i for i, label in enumerate(labels, start=1)} if isinstance(labels, list) else labels

    def run(self, model: str, image: str) -> requests.Response:
        asked = {"result_extension": ".nrrd", "result_dtype": "uint8", "result_compress": False}
        params = json.dumps({**asked, "restore_label_idx": False})
        at = {"image": image, "output": "image"}
        return requests.post(f"{self.address}/infer/{model}", params=at, files={"params": (None, params)})


def test_ohif_gets_discs_of_the_values_that_it_was_told(address, place, tmp_path):
    for label in ("valve", "apex"):
        set_point(address, "0.png", label, *place(label, 0))
    ohif = Ohif(address)
    assert ohif.listed() == ["landmarks_discs"]
    values = ohif.values("landmarks_discs")
    # meanwhile another landmark is named, and an example is corrected
    set_point(address, "1.png", "anulus", 20, 20)
    set_point(address, "0.png", "valve", *place("valve", 0))
    answer = ohif.run("landmarks_discs", "2.png")
    assert answer.status_code == 200 and answer.content.startswith(b"NRRD000") and b"encoding: raw" in answer.content
    (tmp_path / "map.nrrd").write_bytes(answer.content)
    pixels = SimpleITK.GetArrayFromImage(SimpleITK.ReadImage(str(tmp_path / "map.nrrd")))
    for label in ("valve", "apex"):
        found = np.argwhere(pixels == values[label]).mean(axis=0)
        np.testing.assert_allclose(found[1:], place(label, 2)[::-1], atol=0.6)


@pytest.fixture
def no_process(monkeypatch: pytest.MonkeyPatch) -> list[dict[str, Any]]:
    """What would run in the background."""
    begun: list[dict[str, Any]] = []
    monkeypatch.setattr(AdaptTask, "_train", lambda *_: ({}, 1.0, 1.0))
    monkeypatch.setattr(
        task, "run_background_task", lambda request, method: begun.append(request) or {"id": "1", **request}
    )
    return begun


@pytest.mark.parametrize("settings", [{}, {"adapt": {"max_epochs": 3}}], ids=["none", "of each"])
def test_training_begins_without_a_model(address, slicer, no_process, settings):
    # OHIF sends JSON; MONAI Label's client and Slicer's plugin add who they are
    answer = requests.post(f"{address}/train/", json=settings)
    assert answer.status_code == 200 and answer.json()["adapt"]["result"]["model"] == "adapt"
    begun = slicer.client.train_start(None, dict(settings))
    assert set(begun) == {"adapt"} and begun["adapt"]["detail"] is None
    assert [one.get("max_epochs") for one in no_process] == [settings.get("adapt", {}).get("max_epochs")] * 2
    assert slicer.client.train_start("adapt", {})["model"] == "adapt"
    assert slicer.client.train_status(check_if_running=True) is False and slicer.client.train_stop() is None


@pytest.fixture
def series(studies: Path, texture_frames: Callable[..., np.ndarray]) -> list[Path]:
    """A clip as three files of DICOM."""
    frames = texture_frames((96, 64), [(0, 0), (1, 1), (2, 2)])
    uids, files = (generate_uid(), generate_uid()), []
    for i, frame in enumerate(np.interp(frames, (frames.min(), frames.max()), (0, 255)).astype(np.uint8)):
        dataset = pydicom.Dataset()
        dataset.file_meta = pydicom.dataset.FileMetaDataset()
        dataset.file_meta.TransferSyntaxUID = ExplicitVRLittleEndian
        dataset.file_meta.MediaStorageSOPClassUID = dataset.SOPClassUID = MRImageStorage
        dataset.file_meta.MediaStorageSOPInstanceUID = dataset.SOPInstanceUID = generate_uid()
        dataset.StudyInstanceUID, dataset.SeriesInstanceUID = uids
        dataset.Modality, dataset.InstanceNumber = "MR", i + 1
        dataset.Columns, dataset.Rows = frame.shape
        dataset.SamplesPerPixel, dataset.PhotometricInterpretation = 1, "MONOCHROME2"
        dataset.BitsAllocated, dataset.BitsStored, dataset.HighBit, dataset.PixelRepresentation = 8, 8, 7, 0
        dataset.PixelData = np.ascontiguousarray(frame.T).tobytes()
        dataset.preamble = bytes(128)
        files.append(studies / "run" / f"{i}.dcm")
        files[-1].parent.mkdir(exist_ok=True)
        dataset.save_as(files[-1], enforce_file_format=True)
    return files


def test_the_download_of_a_series_is_one_file(series, address, temporary):
    where = {"image": "run~0.dcm"}
    answer = requests.get(f"{address}/datastore/image", params=where)
    assert answer.status_code == 200 and answer.headers["content-type"] == "application/dicom"
    assert 'filename="run~0.dcm"' in answer.headers["content-disposition"]
    joined = pydicom.dcmread(io.BytesIO(answer.content))
    assert joined.NumberOfFrames == len(series)
    for frame, file in zip(joined.pixel_array, series, strict=True):
        np.testing.assert_array_equal(frame, pydicom.dcmread(file).pixel_array)
    assert not list(temporary.iterdir())
    part = requests.get(f"{address}/datastore/image", params=where, headers={"Range": "bytes=128-131"})
    assert (part.status_code, part.content) == (206, b"DICM")
    still = requests.get(f"{address}/datastore/image", params={"image": "0.png"})
    assert still.headers["content-type"] == "image/png" and still.content.startswith(b"\x89PNG")
    series[1].unlink()
    assert requests.get(f"{address}/datastore/image", params=where).status_code == 400


@pytest.mark.parametrize("image", ["run~0.dcm", "0.png"])
def test_a_checksum_is_that_of_the_file_that_is_sent(series, address, image):
    sent = requests.get(f"{address}/datastore/image", params={"image": image}).content

    def check(**asked: str) -> int:
        return requests.head(f"{address}/datastore/image", params={"image": image, **asked}).status_code

    digests = {kind: hashlib.new(kind, sent).hexdigest() for kind in ("sha256", "md5")}
    assert check() == check(check_sum=digests["sha256"]) == check(check_sum=f"SHA256:{digests['sha256']}") == 200
    assert check(check_sum=f"MD5:{digests['md5'].upper()}") == 200
    assert check(check_sum="00") == check(check_sum=f"MD5:{digests['sha256']}") == 404
    assert check(check_sum="none") == 422
