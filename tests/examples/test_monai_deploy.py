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
"""The example application of MONAI Deploy gives what the bundle gives; needs MONAI Deploy, see ``make test-deploy``."""

from __future__ import annotations

import importlib.util
import shutil
import subprocess
import sys
from pathlib import Path

import pydicom
import pytest
from pydicom.examples import get_path

from bundle_command import BUNDLE, assert_ran, of_a_stranger, run_bundle

if importlib.util.find_spec("holoscan") is None:
    pytest.skip("MONAI Deploy is not installed", allow_module_level=True)  # with no test left, pytest fails

APP = BUNDLE.parent / "examples" / "monai_deploy" / "app.py"


def run_app(images: Path, results: Path) -> subprocess.CompletedProcess[str]:
    results.mkdir()
    command = [sys.executable, str(APP), "-i", str(images), "-o", str(results), "-m", str(BUNDLE)]
    return subprocess.run(command, cwd=results, env=of_a_stranger(), capture_output=True, text=True)


def test_it_finds_what_the_bundle_finds_and_writes_a_report(tmp_path, monkeypatch):
    from cuda.pathfinder import load_nvidia_dynamic_lib

    images, results = tmp_path / "images", tmp_path / "results"
    images.mkdir()
    shutil.copy(get_path("ybr_color"), images)
    done = run_app(images, results)
    assert_ran(done)
    assert f"1 DICOM report and landmarks.csv in {results}" in done.stdout
    # beside MONAI Deploy every program that imports MONAI needs CUDA's runtime
    monkeypatch.setenv("LD_LIBRARY_PATH", str(Path(load_nvidia_dynamic_lib("cudart").abs_path).parent))
    configs, where = ["inference.json", "data/echo_demo.json"], ["--dataset_dir", str(images)]
    assert_ran(run_bundle("inferring", configs, *where, "--output_dir", str(tmp_path / "alone")))
    assert (results / "landmarks.csv").read_bytes() == (tmp_path / "alone" / "landmarks.csv").read_bytes()
    (report,) = results.glob("sr/*.dcm")
    assert pydicom.dcmread(report).Modality == "SR"


def test_bad_input_is_named_last(tmp_path):
    images = tmp_path / "images"
    images.mkdir()
    done = run_app(images, tmp_path / "results")
    assert done.returncode != 0
    assert done.stderr.strip().splitlines()[-1].startswith(f"error: {images} holds no image")
