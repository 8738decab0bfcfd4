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
"""Nothing that is written, printed or logged names the patient of a DICOM image, but the report that was asked for."""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path

import nibabel as nib
import numpy as np
import pydicom
import pytest
import torch
from monai.bundle import ConfigWorkflow
from pydicom.uid import ExplicitVRLittleEndian, UltrasoundMultiFrameImageStorage, generate_uid

from bundle_command import BUNDLE
from scripts.io import Landmark, write_dicom_sr, write_landmarks_csv, write_slicer_markups, write_slicer_tracks
from scripts.networks import CorrelationHead, TemplateMatchingNetwork, build_encoder

PATIENT = {
    "PatientName": "Zwackelmann^Xaverine",
    "PatientID": "QZ-7741",
    "PatientBirthDate": "19331117",
    "OtherPatientNames": "Plotzhotzen^X",
    "PatientComments": "called Wachtmeisterin",
    "ReferringPhysicianName": "Dimpfelmoser^A",
    "AccessionNumber": "ACC-55193",
}
SECRETS = ("Zwackelmann", "Xaverine", "QZ-7741", "19331117", "1933-11-17", "Plotzhotzen", "Wachtmeisterin")
SECRETS += ("Dimpfelmoser", "ACC-55193")
SHAPE, FRAMES = (48, 44), 4
SHIFTS = [(0, 0), (2, 1), (4, 0), (1, 3)]
LPS = np.array([[0.8, 0.0, 0.0, 20.0], [0.0, 0.0, 1.0, -30.0], [0.0, -0.8, 0.0, 40.0], [0.0, 0.0, 0.0, 1.0]])
AFFINES = np.tile(np.diag([-1.0, -1.0, 1.0, 1.0]) @ LPS, (FRAMES, 1, 1))
CLIPS = ("first/clip.dcm", "second/clip.dcm")
KINDS = ["csv", "markups", "tracks", "fcsv", "report"]


def write_image(path: Path, frames: np.ndarray) -> None:
    """Frames (T, X, Y) in [0, 1] as DICOM with a patient and a place."""
    meta = pydicom.dataset.FileMetaDataset()
    meta.TransferSyntaxUID = ExplicitVRLittleEndian
    meta.MediaStorageSOPClassUID, meta.MediaStorageSOPInstanceUID = UltrasoundMultiFrameImageStorage, generate_uid()
    dataset = pydicom.Dataset()
    dataset.file_meta = meta
    dataset.SOPClassUID, dataset.SOPInstanceUID = meta.MediaStorageSOPClassUID, meta.MediaStorageSOPInstanceUID
    for name in ("SeriesInstanceUID", "StudyInstanceUID", "FrameOfReferenceUID"):
        setattr(dataset, name, generate_uid())
    for name, value in PATIENT.items():
        setattr(dataset, name, value)
    dataset.Modality, dataset.NumberOfFrames, dataset.FrameTime = "US", len(frames), 40
    dataset.Columns, dataset.Rows = frames.shape[1:]
    dataset.SamplesPerPixel, dataset.PhotometricInterpretation = 1, "MONOCHROME2"
    dataset.BitsAllocated, dataset.BitsStored, dataset.HighBit, dataset.PixelRepresentation = 8, 8, 7, 0
    dataset.PixelSpacing, dataset.ImagePositionPatient = [0.8, 0.8], LPS[:3, 3].tolist()
    dataset.ImageOrientationPatient = [1, 0, 0, 0, 0, -1]
    dataset.PixelData = (np.swapaxes(frames, 1, 2) * 255).astype(np.uint8).tobytes()
    path.parent.mkdir(parents=True, exist_ok=True)
    dataset.save_as(path, enforce_file_format=True)


@pytest.fixture(scope="module")
def weights(tmp_path_factory: pytest.TempPathFactory) -> Path:
    encoders = build_encoder("residual"), build_encoder("residual", zoom=2)
    path = tmp_path_factory.mktemp("weights") / "model.pt"
    torch.save(TemplateMatchingNetwork(*encoders, CorrelationHead(*encoders)).state_dict(), path)
    return path


@pytest.fixture
def images(tmp_path: Path, texture_frames: Callable[..., np.ndarray]) -> Path:
    """Two clips of one patient."""
    for number, name in enumerate(CLIPS):
        frames = texture_frames(SHAPE, SHIFTS, seed=number)
        write_image(tmp_path / "images" / name, (frames - frames.min()) / (frames.max() - frames.min()))
    return tmp_path / "images"


def write_points(folder: Path, kind: str, images: Path, clip: str, frames: range) -> Path:
    """A landmark in some frames of a clip."""
    rows = [
        Landmark(f"{images}/{clip}" if kind == "csv" else clip, t, "valve", *place, 1, 1, 1)
        for t, place in ((t, np.add((22.0, 20.0), SHIFTS[t]).tolist()) for t in frames)
    ]
    if kind == "csv":
        write_landmarks_csv(folder / "points.csv", rows)
        return folder / "points.csv"
    if kind == "markups":
        write_slicer_markups(folder / f"{clip}.mrk.json", rows, AFFINES)
        return folder / f"{clip}.mrk.json"
    if kind == "tracks":
        write_slicer_tracks(folder / clip, rows, AFFINES)
        return folder
    if kind == "report":
        write_dicom_sr(folder / "report.dcm", rows, [images / clip], AFFINES)
        return folder / "report.dcm"
    lines = ["# CoordinateSystem = LPS"]
    for row in rows:
        x, y, z = nib.affines.apply_affine(LPS, [row.x, row.y, 0]).tolist()
        lines.append(f"{row.frame},{x},{y},{z},0,0,0,1,1,1,0,valve [{row.frame}],,")
    path = folder / f"{clip}.fcsv"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("\n".join(lines) + "\n")
    return path


@pytest.fixture
def run(weights: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[..., None]:
    """Run a workflow of the bundle in this process, where all that it says can be heard."""
    monkeypatch.chdir(BUNDLE)
    monkeypatch.setattr(sys, "excepthook", sys.excepthook)  # the config replaces it

    def run_workflow(run_id: str, configs: list[str], **options: object) -> None:
        sizes = {"image_size": list(SHAPE), "patch_size": 16, "device": "$torch.device('cpu')"}
        made = ConfigWorkflow(
            config_file=[f"configs/{name}" for name in configs],
            logging_file="configs/logging.conf",
            workflow_type="infer",
            run_id=run_id,
            ckpt_path=str(weights),
            **sizes,
            **{name: str(value) if isinstance(value, Path) else value for name, value in options.items()},
        )
        made.initialize()
        made.run()

    return run_workflow


def told(output: Path, capfd: pytest.CaptureFixture[str]) -> dict[str, bytes]:
    """All that was printed, logged and written, and the names of the files; reports apart."""
    said = {"output": "".join(capfd.readouterr()).encode()}
    files = {path.relative_to(output).as_posix(): path for path in output.rglob("*") if path.is_file()}
    assert files
    said["names"] = "\n".join(files).encode()
    return said | {name: path.read_bytes() for name, path in files.items() if not name.startswith("sr/")}


def assert_private(said: dict[str, bytes]) -> None:
    leaks = [(name, secret) for name, text in said.items() for secret in SECRETS if secret.encode() in text]
    assert leaks == []


@pytest.mark.parametrize("kind", KINDS)
def test_inferring(tmp_path, images, run, capfd, kind):
    pytest.importorskip("highdicom")
    examples = write_points(tmp_path / "points", kind, images, CLIPS[0], range(1))
    out = tmp_path / "out"
    layout = "over_time" if kind == "tracks" else "points"
    where = {"dataset_dir": images, "output_dir": out, "examples": examples, "markups_layout": layout}
    run("inferring", ["inference.json"], **where, dicom_sr=True)
    said = told(out, capfd)
    assert {"landmarks.csv", "index.html", f"pictures/{CLIPS[0]}.gif"} <= set(said)
    assert_private(said)
    # the reports were asked for, and name whom they are of
    for clip in CLIPS:
        report = (out / "sr" / f"{clip}.dcm").read_bytes()
        assert b"Zwackelmann" in report and b"QZ-7741" in report and b"19331117" in report


@pytest.mark.parametrize("kind", KINDS)
def test_evaluating(tmp_path, images, run, capfd, kind):
    if kind == "report":
        pytest.importorskip("highdicom")
    out = tmp_path / "out"
    points = {
        "examples": write_points(tmp_path / "examples", kind, images, CLIPS[0], range(1)),
        "truth": write_points(tmp_path / "truth", kind, images, CLIPS[0], range(FRAMES)),
        "validation_truth": write_points(tmp_path / "validation", kind, images, CLIPS[1], range(FRAMES)),
    }
    if kind == "csv":  # a truth names images as the data set does
        for path in (points["truth"], points["validation_truth"]):
            path.write_text(path.read_text().replace(f"{images}/", ""))
    few = {"pixel_matching#step": 12, "cyclic_matching#step": 12, "landmark_matching#draws": 2, "cyclic_error#step": 12}
    run("evaluating", ["evaluate.json"], dataset_dir=images, validation_dir=images, output_dir=out, **points, **few)
    said = told(out, capfd)
    assert {"metrics.json", "report.html", "landmark_matching.csv", "calibration.csv"} <= set(said)
    assert b"conformal" in said["metrics.json"] and b"copy_first_px" in said["metrics.json"]  # both truths were used
    assert_private(said)


@pytest.mark.parametrize("kind", KINDS)
def test_live(tmp_path, images, run, capfd, kind, texture_frames):
    if kind == "report":
        pytest.importorskip("highdicom")
    examples = write_points(tmp_path / "points", kind, images, CLIPS[0], range(1))
    frames = texture_frames(SHAPE, SHIFTS, seed=0)
    frames = (frames - frames.min()) / (frames.max() - frames.min())
    incoming, out = tmp_path / "incoming", tmp_path / "out"
    for number, frame in enumerate(frames):
        write_image(incoming / f"{number}.dcm", frame[None])
    (incoming / "cut.dcm").write_bytes((incoming / "0.dcm").read_bytes()[:-9])
    (images / CLIPS[0]).rename(incoming / "clip.dcm")
    if kind == "csv":
        examples.write_text(examples.read_text().replace(f"{images}/{CLIPS[0]}", "clip.dcm"))
    if kind == "tracks":
        examples = examples / "first"
    where = {"dataset_dir": incoming, "output_dir": out, "examples": examples}
    run(
        "live", ["inference.json", "live.json"], **where, interval_s=0.02, give_up_s=0.1, stop_after_s=0.5, picture=True
    )
    said = told(out, capfd)
    assert {"live.csv", "live.png"} <= set(said)
    assert b"cut.dcm is skipped" in said["output"]
    assert said["live.csv"].count(b".dcm,") == FRAMES
    assert_private(said)
