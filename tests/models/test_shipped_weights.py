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
"""The weights as shipped, by the commands that need no other argument."""

from __future__ import annotations

import csv
import json
import zipfile
from pathlib import Path

import numpy as np
import pytest
import torch
from monai.bundle import ConfigParser
from PIL import Image

from bundle_command import assert_ran, run_bundle
from scripts.data.phantom import breathing_phantom
from scripts.networks import CorrelationHead, TemplateMatchingNetwork, build_encoder, load_weights

MODELS = Path(__file__).parents[2] / "bundle" / "models"
CONFIGS = MODELS.parent / "configs"
LARGEST = 25e6  # bytes, of the Model Zoo


@pytest.mark.parametrize("name", ["model", "model_series"])
def test_weights_are_small_plain_and_tell_what_they_were_trained_on(name: str) -> None:
    path = MODELS / f"{name}.pt"
    assert path.stat().st_size < LARGEST
    state = torch.load(path, weights_only=True)
    assert all(isinstance(value, torch.Tensor) and value.isfinite().all() for value in state.values())
    hashes = (MODELS / f"{name}.images.txt").read_text().split()
    assert len(hashes) > 100
    assert all(len(one) == 64 for one in hashes)


@pytest.mark.parametrize(
    ("weights", "data"),
    [("model", "chest_xray"), ("model_series", "echo_demo"), ("model", None), ("model_series", None)],
)
def test_they_are_for_the_sizes_that_the_configs_give(weights: str, data: str | None) -> None:
    told = json.loads((MODELS / f"{weights}.json").read_text())["settings"]
    for workflow in ("train", "evaluate", "inference"):
        config = ConfigParser()
        files = [f"{workflow}.json"] + ([f"data/{data}.json"] if data else [])
        config.read_config([CONFIGS / name for name in files])
        of_network = ["patch_size", "patch_zoom"]
        names = told if data else of_network
        assert {name: config[name] for name in names} == {name: told[name] for name in names}


def test_other_sizes_are_warned_of(tmp_path: Path) -> None:
    (tmp_path / "images").mkdir()
    Image.fromarray(np.random.default_rng(0).integers(0, 255, (224, 224), np.uint8)).save(tmp_path / "images" / "a.png")
    (tmp_path / "examples.csv").write_text("image,frame,label,x,y\na.png,,apex,100,90\n")
    where = ["--dataset_dir", str(tmp_path / "images"), "--examples", str(tmp_path / "examples.csv")]
    run = run_bundle("inferring", ["inference.json"], *where, "--output_dir", str(tmp_path / "out"))
    assert_ran(run)
    assert "model.pt: trained with image_size [112, 112], used with [224, 224]" in run.stdout + run.stderr


def test_the_torchscript_is_the_same_network_and_tells_no_path_of_the_computer_it_was_made_on() -> None:
    scripted = torch.jit.load(MODELS / "model.ts")
    encoders = build_encoder("residual"), build_encoder("residual", zoom=2)
    network = TemplateMatchingNetwork(*encoders, CorrelationHead(*encoders), patch_size=96)
    network = load_weights(network, MODELS / "model.pt").eval()
    image, patches = torch.rand(1, 1, 112, 112), torch.rand(3, 1, 96, 96)
    with torch.no_grad():
        torch.testing.assert_close(scripted(image, patches), network(image, patches), atol=1e-5, rtol=0)
    with zipfile.ZipFile(MODELS / "model.ts") as file:
        assert not [name for name in file.namelist() if name.endswith(".debug_pkl")]
        assert not any(b"/scripts/" in file.read(name) for name in file.namelist() if "/data/" not in name)


def test_a_landmark_is_found_with_no_weights_given(tmp_path: Path) -> None:
    """Images that are no X-rays: a point is found again in its own image, and answered in the other."""
    (tmp_path / "images").mkdir()
    subject = breathing_phantom(3, n_frames=2)
    for i, frame in enumerate(subject.frames):
        pixels = (255 * np.clip(frame / np.percentile(frame, 99.5), 0, 1)).astype(np.uint8)
        Image.fromarray(pixels.T).save(tmp_path / "images" / f"{i}.png")
    label, track = next(iter(subject.tracks.items()))
    rows = ["image,frame,label,x,y", f"0.png,,{label},{track[0][0]},{track[0][1]}"]
    (tmp_path / "examples.csv").write_text("\n".join(rows) + "\n")
    where = ["--dataset_dir", str(tmp_path / "images"), "--examples", str(tmp_path / "examples.csv")]
    options = [*where, "--output_dir", str(tmp_path / "out")]
    assert_ran(run_bundle("inferring", ["inference.json", "data/chest_xray.json"], *options))
    found = {row["image"]: row for row in csv.DictReader((tmp_path / "out" / "landmarks.csv").open())}
    assert set(found) == {"0.png", "1.png"}
    own = np.array([float(found["0.png"]["x"]), float(found["0.png"]["y"])])
    assert np.linalg.norm(own - track[0]) < 4.0
    assert all(float(row["sigma_x"]) > 0 for row in found.values())
