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
"""The configs of the learned baselines, run as the command line runs them, at the smallest size."""

from __future__ import annotations

import csv
import json
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
import torch
from monai.bundle import ConfigWorkflow

from scripts.baselines import LandmarkRegressor, regress_landmarks
from scripts.data import FrameDataset, find_image_series
from scripts.data.phantom import write_phantom
from scripts.io.input_error import InputError, find_input_error
from scripts.networks import build_encoder, load_weights

BUNDLE = Path(__file__).parents[2] / "bundle"
SIZE = [48, 32]
TINY = {"image_size": SIZE, "batch_size": 4, "encoder": "residual", "val_interval": 1}
SHORT = {"max_epochs": 2, "steps_per_epoch": 2}
PATCHES = ["simclr_image.json", "simclr_patch.json"]


@pytest.fixture(autouse=True)
def in_the_bundle(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(BUNDLE)
    # configs replace it; the tests after these must not see that
    monkeypatch.setattr(sys, "excepthook", sys.excepthook)


@pytest.fixture(scope="module")
def phantom(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two subjects of 6 frames, 48 x 44 px, five landmarks in each frame."""
    folder = tmp_path_factory.mktemp("phantom")
    write_phantom(folder, subjects=range(2), size=(48, 44), n_frames=6, motion_px=4.0)
    return folder


@pytest.fixture
def train(phantom: Path, tmp_path: Path) -> Callable[..., Path]:
    def run(configs: list[str], name: str, **options: object) -> Path:
        folder = tmp_path / name
        where = {"dataset_dir": str(phantom), "ckpt_dir": str(folder), "output_dir": str(folder)}
        run_bundle(["train.json"], configs, "train", **where, **TINY, **options)
        return folder

    return run


def run_bundle(base: list[str], configs: list[str], kind: str, **options: object) -> None:
    workflow = ConfigWorkflow(
        config_file=[*(f"configs/{one}" for one in base), *(f"configs/baseline/{one}" for one in configs)],
        meta_file="configs/metadata.json",
        logging_file=False,
        workflow_type=kind,
        **options,
    )
    workflow.initialize()
    workflow.run()


def last_validation(folder: Path) -> dict[str, float]:
    return json.loads((folder / "model.json").read_text())["last_validation"]


def state(path: Path) -> dict:
    return torch.load(path, weights_only=True)


def test_supervised_training_and_its_answers(train, phantom: Path) -> None:
    truth = str(phantom / "tracks.csv")
    folder = train(["supervised.json"], "supervised", truth=truth, labelled_images=3, steps=3, steps_per_epoch=1)
    assert state(folder / "checkpoint.pt")["iteration"] == 3
    assert state(folder / "checkpoint.pt")["objects"]["optimizer"]["param_groups"][0]["lr"] == 1e-4
    network = load_weights(LandmarkRegressor(build_encoder("residual"), landmarks=5), folder / "model.pt")
    # the last validation again, from the phantom's own table
    frames = FrameDataset(find_image_series(phantom), SIZE, storage="uint8", hold_out_every=5, held_out=True)
    network.load_state_dict(state(folder / "checkpoint.pt")["objects"]["network"])
    found = regress_landmarks(network, frames)
    rows = list(csv.DictReader((phantom / "tracks.csv").open()))
    labels = sorted({row["label"] for row in rows})
    at = {(row["image"], int(row["frame"]), row["label"]): (float(row["x"]), float(row["y"])) for row in rows}
    errors = []
    for (series, frame), points in zip(frames.items, found, strict=True):
        prepared = frames.series[series]
        truth_px = torch.tensor([at[prepared.name, frame, label] for label in labels])
        errors.append((points - truth_px) * torch.tensor(prepared.fit.scale))
    expected = torch.stack(errors).norm(dim=2).mean().item()
    assert last_validation(folder) == {"val_error_px": pytest.approx(expected, rel=1e-3)}


def test_a_supervised_run_goes_on_and_refuses_other_images(train, phantom: Path) -> None:
    given = {"truth": str(phantom / "tracks.csv"), "labelled_images": 3, "steps_per_epoch": 1}
    whole = train(["supervised.json"], "whole", **given, max_epochs=2)
    # as of a run that was stopped after its first epoch
    stopped = train(["supervised.json"], "stopped", **given, **{"max_epochs": 2, "train#trainer#max_epochs": 1})
    train(["supervised.json"], "stopped", **given, max_epochs=2)
    one, other = (state(folder / "checkpoint.pt")["objects"]["network"] for folder in (whole, stopped))
    assert all(torch.equal(one[name], value) for name, value in other.items())
    with pytest.raises(Exception) as caught:
        train(["supervised.json"], "whole", **{**given, "labelled_images": 4}, max_epochs=2)
    assert "training images was" in str(find_input_error(caught.value))


def test_pretraining_on_whole_images_gives_the_encoder_of_supervised_training(train, phantom: Path) -> None:
    pretrained = train(["simclr_image.json"], "simclr", **SHORT)
    checkpoint = state(pretrained / "checkpoint.pt")["objects"]
    assert checkpoint["best_encoder"] == checkpoint["best_weights"]
    assert last_validation(pretrained)["val_loss"] > 0
    best, encoder = state(pretrained / "model.pt"), state(pretrained / "encoder.pt")
    assert all(torch.equal(best[f"encoder.{name}"], value) for name, value in encoder.items())
    weights = str(pretrained / "encoder.pt")
    given = {"truth": str(phantom / "tracks.csv"), "encoder_weights": weights, "learning_rate": 0.0, "steps": 1}
    tuned = state(train(["supervised.json"], "tuned", **given) / "model.pt")
    learned = [name for name in encoder if "running" not in name and "tracked" not in name]
    assert all(torch.equal(tuned[f"encoder.{name}"], encoder[name]) for name in learned)


def test_patches_are_learned_and_evaluated_like_any_network(train, phantom: Path, tmp_path: Path) -> None:
    folder = train(PATCHES, "patches", **SHORT, patch_size=16)
    options = {name: TINY[name] for name in ("image_size", "batch_size", "encoder")}
    where = {"dataset_dir": str(phantom), "ckpt_path": str(folder / "model.pt"), "output_dir": str(tmp_path / "eval")}
    known = {"truth": str(phantom / "tracks.csv"), "examples": str(phantom / "examples.csv")}
    few = {"pixel_matching#step": 8, "cyclic_matching#step": 12, "stride": 8, "inference_time#seconds": 0.1}
    given = {**where, **options, **known, **few, "patch_size": 16}
    run_bundle(["evaluate.json"], ["simclr_patch_evaluate.json"], "infer", **given)
    metrics = json.loads((tmp_path / "eval" / "metrics.json").read_text())
    assert metrics["error_px"] > 0
    assert metrics["landmark_matching"]["labels"]
    assert metrics["train_seconds"] > 0


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({}, "give --truth FILE"),
        ({"labels": ["carina"]}, "no landmark 'carina'"),
        ({"labelled_images": 500}, "and 500 are wanted"),
    ],
)
def test_wrong_settings_are_told_before_training(train, phantom: Path, options: dict, message: str) -> None:
    truth = {"truth": str(phantom / "tracks.csv")} if options else {}
    with pytest.raises(Exception) as caught:
        train(["supervised.json"], "refused", **truth, **options)
    assert isinstance(find_input_error(caught.value), InputError)
    assert message in str(find_input_error(caught.value))
