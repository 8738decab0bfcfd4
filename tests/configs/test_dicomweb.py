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
"""The guide to DICOM servers, run as it stands against a real Orthanc."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pydicom
import pytest

from bundle_command import BUNDLE, assert_ran, run_bundle
from orthanc_server import ask, needs_orthanc, running_orthanc
from scripts.io.dicom_sr import read_dicom_sr
from scripts.io.landmarks_csv import read_landmarks_csv

STUDY = "1.2.840.114340.3.8251017118051.1.20160503.120850.2171"
CLIP = "1.2.840.114340.3.8251017118051.3.20160503.121539.16117.4"

pytestmark = [pytest.mark.slow, needs_orthanc]


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The address of an empty Orthanc."""
    with running_orthanc(tmp_path_factory.mktemp("orthanc")) as address:
        yield address


@pytest.fixture(scope="module")
def done(server: str, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder in which all commands of the guide ran, laid out as the bundle's."""
    folder = tmp_path_factory.mktemp("guide")
    for name in ("configs", "docs", "scripts"):
        (folder / name).symlink_to(BUNDLE / name)
    trained = run_bundle(
        "training",
        ["train.json", "data/echo_demo.json"],
        *("--ckpt_dir", str(folder / "models"), "--output_dir", str(folder / "training")),
        *("--max_epochs", "1", "--steps_per_epoch", "20", "--val_interval", "1"),
    )
    assert_ran(trained)
    commands = re.findall(r"```bash\n(.*?)```", (BUNDLE / "docs" / "dicomweb.md").read_text(), flags=re.DOTALL)
    assert len(commands) == 5
    environment = {
        **os.environ,
        "PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}",
        "SERVER": f"{server}/dicom-web",
        "MODEL": str(folder / "models" / "model.pt"),
        "OMP_NUM_THREADS": "1",
    }
    script = "\n".join(["set -euo pipefail", *commands])
    ran = subprocess.run(["bash", "-c", script], cwd=folder, env=environment, capture_output=True, text=True)
    assert ran.returncode == 0, ran.stdout[-2000:] + ran.stderr[-4000:]
    return folder


def test_the_clip_came_back_with_its_own_pixels(done: Path) -> None:
    pulled, original = pydicom.dcmread(done / "study" / f"{CLIP}.dcm"), pydicom.examples.ybr_color
    assert (pulled.pixel_array == original.pixel_array).all()


def test_the_server_has_the_report_in_the_study_of_the_clip(done: Path, server: str) -> None:
    (report,) = ask(f"{server}/dicom-web/studies/{STUDY}/instances?Modality=SR")
    (metadata,) = ask(report["00081190"]["Value"][0].replace("http://127.0.0.1/", f"{server}/") + "/metadata")
    assert len(ask(f"{server}/studies")) == 1 and len(ask(f"{server}/series")) == 2
    assert metadata["00100020"]["Value"] == [pydicom.examples.ybr_color.PatientID]
    # CurrentRequestedProcedureEvidenceSequence, ReferencedSeriesSequence, ReferencedSOPSequence
    evidence = metadata["0040A375"]["Value"][0]["00081115"]["Value"][0]["00081199"]["Value"]
    assert [one["00081155"]["Value"] for one in evidence] == [[CLIP]]


def test_the_report_that_the_server_kept_has_the_landmarks_that_were_found(done: Path) -> None:
    (path,) = [one for one in (done / "study_again").glob("*.dcm") if one.stem != CLIP]
    points = {(point.label, point.frame): (point.x, point.y) for point in read_dicom_sr(path)}
    found = read_landmarks_csv(done / "study_output" / "landmarks.csv")
    assert len(points) == len(found) == 4 * 30
    for row in found:
        assert points[row.label, row.frame] == pytest.approx((row.x, row.y), abs=1e-3)


def test_the_report_serves_as_examples(done: Path) -> None:
    # an example in each frame: each landmark is fused from thirty
    again = read_landmarks_csv(done / "study_again_output" / "landmarks.csv")
    assert len(again) == 4 * 30 and {row.n_examples for row in again} == {30}
