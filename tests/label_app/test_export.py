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
"""What people have set leaves the page: for the bundle's runs, for 3D Slicer, for a DICOM server; and comes back."""

from __future__ import annotations

import csv
import io
import json
import os
import subprocess
import sys
import zipfile
from pathlib import Path
from types import SimpleNamespace

import nibabel as nib
import numpy as np
import pydicom
import pytest
from pydicom.examples import get_path

from label_app.export import export_landmarks, main
from scripts.data.example_files import read_example_file
from scripts.data.image_series import find_image_series
from scripts.data.label_folder import labelled_series
from scripts.data.prepared_series import PrepareSeries, prepare_series
from scripts.io.examples_csv import read_examples_csv
from scripts.io.input_error import InputError
from scripts.io.label_file import LabelPoint

BUNDLE = Path(__file__).parents[2] / "bundle"
SET = {
    "0.png": [("valve", None, 40.125, 30), ("Klappe, ä", None, -0.5, 0)],
    "patient~clip.nii": [("valve", 3, 43, 38), ("apex", 0, 56.1, 24.7)],
}
FOUND = {"1.png": [("valve", None, 1, 1)]}


def annotate(studies: Path, image: str, points: list, tag: str = "final") -> None:
    file = studies / ".landmarks" / tag / f"{image}.json"
    file.parent.mkdir(parents=True, exist_ok=True)
    names = ("label", "frame", "x", "y")
    file.write_text(json.dumps({"landmarks": [dict(zip(names, one, strict=True)) for one in points]}))


@pytest.fixture
def annotated(studies: Path) -> Path:
    for tag, labels in (("final", SET), ("original", FOUND)):
        for image, points in labels.items():
            annotate(studies, image, points, tag)
    return studies


@pytest.fixture
def echo(annotated: Path) -> Path:
    """A DICOM series among them."""
    dataset = pydicom.dcmread(get_path("ybr_color"))
    dataset.save_as(annotated / "echo.dcm")
    annotate(annotated, "echo.dcm", [("valve", 29, 101.25, 64.5)])
    return annotated


def rows(content: str) -> list[tuple]:
    return [tuple(row) for row in csv.reader(io.StringIO(content))]


EXPECTED_ROWS = [
    ("image", "frame", "label", "x", "y"),
    ("0.png", "", "valve", "40.125", "30.0"),
    ("0.png", "", "Klappe, ä", "-0.5", "0.0"),
    ("patient/clip.nii", "3", "valve", "43.0", "38.0"),
    ("patient/clip.nii", "0", "apex", "56.1", "24.7"),
]


def test_the_csv_file_has_what_people_have_set_and_no_more(annotated, tmp_path):
    told = export_landmarks(labelled_series(annotated), tmp_path / "out", ["csv"])
    assert rows((tmp_path / "out" / "examples.csv").read_text()) == EXPECTED_ROWS
    assert told == ["examples.csv: 4 landmarks in 2 images"] and len(list((tmp_path / "out").iterdir())) == 1


def test_markups_are_mm_in_the_patient_and_come_back(annotated, tmp_path):
    """AFFINE is index to RAS: x 0.5 mm and 10 mm; y 0.5 mm and -20 mm; z 5 mm."""
    export_landmarks(labelled_series(annotated), tmp_path, ["markups"])
    points = json.loads((tmp_path / "markups" / "patient" / "clip.nii.mrk.json").read_text())["markups"][0]
    valve, apex = points["controlPoints"]
    assert (valve["label"], apex["label"], points["coordinateSystem"]) == ("valve [3]", "apex [0]", "LPS")
    np.testing.assert_allclose(valve["position"], [-(10 + 0.5 * 43), -(-20 + 0.5 * 38), 5.0], atol=1e-6)
    assert valve["description"] == "set by a person, frame 3"
    images = [prepare_series(one, PrepareSeries((32, 32))) for one in find_image_series(annotated)]
    back = read_example_file(tmp_path / "markups", images)
    found = {(Path(one.image).name, one.frame, one.label, round(one.x, 5), round(one.y, 5)) for one in back}
    assert found == {
        ("0.png", None, "valve", 40.125, 30),
        ("0.png", None, "Klappe, ä", -0.5, 0),
        ("clip.nii", 3, "valve", 43, 38),
        ("clip.nii", 0, "apex", 56.1, 24.7),
    }


def test_reports_are_of_dicom_series_and_come_back(echo, tmp_path):
    pytest.importorskip("highdicom")
    told = export_landmarks(labelled_series(echo), tmp_path / "out", ["sr"])
    assert told == ["sr: 1 files; 2 images are no DICOM"]
    assert [file.name for file in (tmp_path / "out").rglob("*") if file.is_file()] == ["echo.dcm.dcm"]
    report = pydicom.dcmread(tmp_path / "out" / "sr" / "echo.dcm.dcm")
    source = pydicom.dcmread(echo / "echo.dcm", stop_before_pixels=True)
    assert (report.Modality, report.StudyInstanceUID) == ("SR", source.StudyInstanceUID)
    images = [prepare_series(find_image_series(echo / "echo.dcm")[0], PrepareSeries((32, 32)))]
    (point,) = read_example_file(tmp_path / "out" / "sr" / "echo.dcm.dcm", images)
    assert (point.label, point.frame, point.x, point.y) == ("valve", 29, 101.25, 64.5)


def test_what_cannot_be_is_told_before_anything_is_written(annotated, studies, tmp_path, monkeypatch):
    everything = labelled_series(annotated)
    for formats, why in ((["csv", "json"], "no format 'json'"), (["csv", "sr"], "highdicom|none has a landmark")):
        with pytest.raises(InputError, match=why):
            export_landmarks(everything, tmp_path / "out", formats)
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    with pytest.raises(InputError, match="pip install highdicom, or choose other formats"):
        export_landmarks(everything, tmp_path / "out", ["sr"])
    with pytest.raises(InputError, match="no landmark is set yet"):
        export_landmarks([], tmp_path / "out")
    assert not (tmp_path / "out").exists()


def test_the_command(annotated, tmp_path):
    command = [sys.executable, "-W", "ignore", "-m", "label_app.export", "--studies"]
    begun = {"cwd": BUNDLE, "capture_output": True, "text": True, "env": {**os.environ, "OMP_NUM_THREADS": "1"}}
    done = subprocess.run([*command, str(annotated), "--output_dir", str(tmp_path / "out")], **begun)
    assert done.returncode == 0, done.stderr
    assert done.stdout.splitlines() == ["examples.csv: 4 landmarks in 2 images", "markups: 2 files"]
    assert rows((tmp_path / "out" / "examples.csv").read_text()) == EXPECTED_ROWS
    done = subprocess.run([*command, str(annotated / "0.png"), "--output_dir", str(tmp_path / "no")], **begun)
    assert (
        done.returncode != 0 and done.stderr.splitlines()[-1].startswith("error: ") and "Traceback" not in done.stderr
    )


def test_slices_of_a_volume_have_their_own_places(studies, tmp_path):
    volume = nib.Nifti1Image(np.zeros((20, 12, 5), np.int16), np.diag([0.5, 0.5, 2.0, 1.0]))
    volume.header.set_sform(volume.affine, code=1)
    volume.to_filename(studies / "volume.nii")
    annotate(studies, "volume.nii", [("valve", 3, 4, 6)])
    main(["--studies", str(studies), "--output_dir", str(tmp_path), "--format", "markups", "--plane", "axial"])
    points = json.loads((tmp_path / "markups" / "volume.nii.mrk.json").read_text())["markups"][0]
    assert points["controlPoints"][0]["position"] == [-2.0, -3.0, 6.0]


def test_the_server_sends_the_same_as_the_command_writes(client, annotated, tmp_path, temporary):
    for image, points in SET.items():
        names = ("label", "frame", "x", "y")
        body = {"points": [dict(zip(names, one, strict=True)) for one in points]}
        assert client.post(f"/landmarks/api/images/{image}/edit", json=body).status_code == 200
    answer = client.get("/landmarks/api/export")
    assert (answer.status_code, answer.headers["content-type"]) == (200, "application/zip")
    assert "landmarks.zip" in answer.headers["content-disposition"]
    main(["--studies", str(annotated), "--output_dir", str(tmp_path / "out")])
    written = {
        file.relative_to(tmp_path / "out").as_posix(): file.read_bytes()
        for file in (tmp_path / "out").rglob("*")
        if file.is_file()
    }
    with zipfile.ZipFile(io.BytesIO(answer.content)) as archive:
        assert {name: archive.read(name) for name in archive.namelist()} == written
    assert rows(written["examples.csv"].decode()) == EXPECTED_ROWS
    with zipfile.ZipFile(io.BytesIO(client.get("/landmarks/api/export?format=csv").content)) as archive:
        assert archive.namelist() == ["examples.csv"]
    assert list(temporary.iterdir()) == []


def test_the_server_sends_reports(echo, client):
    pytest.importorskip("highdicom")
    with zipfile.ZipFile(io.BytesIO(client.get("/landmarks/api/export?format=sr").content)) as archive:
        assert archive.namelist() == ["sr/echo.dcm.dcm"]


def test_series_of_a_dicom_server_are_exported_by_their_folders(tmp_path, monkeypatch):
    pytest.importorskip("monailabel")
    from dicomweb_client import DICOMwebClient

    from label_app.dicomweb_datastore import DicomWebDatastore
    from label_app.page_routes import export

    source = pydicom.dcmread(get_path("ybr_color"))
    uid = str(source.SeriesInstanceUID)
    found = [{"0020000D": {"Value": [str(source.StudyInstanceUID)]}, "0020000E": {"Value": [uid]}}]
    monkeypatch.setattr(DICOMwebClient, "search_for_series", lambda *_, **__: found)
    monkeypatch.setattr(DICOMwebClient, "retrieve_series", lambda *_: [source])
    store = DicomWebDatastore("http://nowhere.example", tmp_path, PrepareSeries((32, 32)))
    store.edit_label(uid, [LabelPoint("valve", 29, 101.25, 64.5)])
    monkeypatch.setattr("label_app.page_routes._app", lambda: SimpleNamespace(datastore=lambda: store))
    answer = export()
    with zipfile.ZipFile(answer.path) as archive:
        assert rows(archive.read("examples.csv").decode())[1:] == [
            (f"{uid}/00000.dcm", "29", "valve", "101.25", "64.5")
        ]
    Path(answer.path).unlink()
    (one,) = labelled_series(store.folder)
    assert (one.name, one.points[0].x) == (f"{uid}/00000.dcm", 101.25)


@pytest.mark.parametrize(
    ("formats", "status", "why"),
    [("format=xml", 422, "csv"), ("format=csv&format=sr", 400, "highdicom|none has a landmark")],
)
def test_the_server_tells_what_it_cannot_export(client, annotated, temporary, formats, status, why):
    answer = client.get(f"/landmarks/api/export?{formats}")
    assert answer.status_code == status and any(one in answer.text for one in why.split("|"))
    assert list(temporary.iterdir()) == []


def test_the_server_tells_of_a_damaged_label_and_of_none(client, studies):
    answer = client.get("/landmarks/api/export")
    assert answer.status_code == 400 and "no landmark is set yet" in answer.json()["detail"]
    annotate(studies, "0.png", [])
    (studies / ".landmarks" / "final" / "0.png.json").write_text("{")
    answer = client.get("/landmarks/api/export")
    assert answer.status_code == 400 and "0.png.json is not JSON" in answer.json()["detail"]


def test_a_run_takes_the_folder_as_it_takes_the_exported_csv(client, studies, conf, place, tmp_path):
    """From the server's route to ``inferring``, by both ways."""
    for image, label in (("0.png", "valve"), ("2.png", "valve"), ("1.png", "apex")):
        x, y = place(label, int(image[0]))
        body = {"points": [{"label": label, "x": x + 0.25, "y": y}]}
        assert client.post(f"/landmarks/api/images/{image}/edit", json=body).status_code == 200
    main(["--studies", str(studies), "--output_dir", str(tmp_path / "export"), "--format", "csv"])
    exported = tmp_path / "export" / "examples.csv"
    of_folder, of_csv = read_example_file(studies, []), read_examples_csv(exported)
    assert [(one.label, one.frame, one.x, one.y) for one in of_folder] == [
        (one.label, one.frame, one.x, one.y) for one in of_csv
    ]
    assert [one.image for one in of_folder] == [str(studies / one.image) for one in of_csv]
    results = []
    for examples in (studies, exported):
        out = tmp_path / f"out{len(results)}"
        configs = f"['configs/inference.json','{conf['config_file']}']"
        command = [sys.executable, "-W", "ignore", "-m", "monai.bundle", "run", "inferring", "--config_file", configs]
        command += ["--dataset_dir", str(studies), "--examples", str(examples), "--output_dir", str(out)]
        command += ["--image_size", conf["image_size"], "--patch_size", conf["patch_size"], "--max_pictures", "0"]
        done = subprocess.run(command, cwd=BUNDLE, capture_output=True, text=True)
        assert done.returncode == 0, done.stderr[-3000:]
        results.append(rows((out / "landmarks.csv").read_text()))
    assert results[0] == results[1] and len(results[0]) == 1 + 2 * 10
    header, *found = results[0]
    at = {(row[0], row[2]): row for row in found}["4.png", "valve"]
    x, y = (float(at[header.index(name)]) for name in "xy")
    assert (x, y) == (pytest.approx(place("valve", 4)[0] + 0.25, abs=0.5), pytest.approx(place("valve", 4)[1], abs=0.5))
