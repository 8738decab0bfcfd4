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

"""Tests of what a tracked training uploads, read back with MLflow's own client."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import torch
from mlflow import MlflowClient
from monai.bundle import ConfigParser, ConfigWorkflow
from monai.bundle.utils import DEFAULT_MLFLOW_SETTINGS
from monai.engines import SupervisedEvaluator, SupervisedTrainer
from monai.handlers import CheckpointSaver, MLFlowHandler, StatsHandler, ValidationHandler, from_engine

from scripts.engines import PatchCenterPrepareBatch
from scripts.handlers import TrainingFigures, track_artifacts
from scripts.metrics import MeanEuclideanError
from scripts.transforms import RandPatchCenter


class Place(torch.nn.Module):
    """Answers with one learned position for each patch."""

    def __init__(self) -> None:
        super().__init__()
        self.place = torch.nn.Parameter(torch.zeros(1, 4))

    def forward(self, image: torch.Tensor, patch: torch.Tensor, heatmap: bool = False) -> torch.Tensor:
        return self.place.expand(len(patch), 4)


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a store, whose tables take seconds to make."""
    return tmp_path_factory.mktemp("store")


@pytest.fixture(autouse=True)
def _no_store_of_the_user(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("MLFLOW_TRACKING_URI", raising=False)


def train(folder: Path, uri: str) -> None:
    network = Place()
    optimizer = torch.optim.SGD(network.parameters(), lr=0.25)
    batch = {"image": torch.rand(2, 1, 24, 20), "index": torch.arange(2)}
    prepare, prepare_validation = (
        PatchCenterPrepareBatch(RandPatchCenter(8), validation=validation) for validation in (False, True)
    )
    device = torch.device("cpu")
    evaluator = SupervisedEvaluator(
        device=device,
        val_data_loader=[batch],
        network=network,
        prepare_batch=prepare_validation,
        key_val_metric={"val_px": MeanEuclideanError((24, 20))},
        val_handlers=[MLFlowHandler(uri, experiment_name="tiny", iteration_log=False)],
        decollate=False,
    )
    handlers = [
        ValidationHandler(1, evaluator),
        CheckpointSaver(str(folder), {"model": network}, save_final=True, final_filename="model.pt"),
        TrainingFigures(folder / "figures", evaluator, optimizer),
        MLFlowHandler(
            uri,
            experiment_name="tiny",
            tag_name="train_loss",
            output_transform=from_engine(["loss"], first=True),
            close_on_complete=True,
        ),
    ]
    SupervisedTrainer(
        device=device,
        max_epochs=1,
        train_data_loader=[batch],
        network=network,
        optimizer=optimizer,
        loss_function=lambda found, target: found[:, 0].mean(),
        prepare_batch=prepare,
        train_handlers=track_artifacts(handlers, [folder / "figures", str(folder / "model.pt"), "nowhere/a.pt"]),
    ).run()


def test_pictures_and_weights_are_in_the_run(tmp_path, store):
    uri = f"sqlite:///{store}/mlruns.db"
    train(tmp_path, uri)
    client = MlflowClient(uri)
    (run,) = client.search_runs([client.get_experiment_by_name("tiny").experiment_id])
    artifacts = {artifact.path: artifact.file_size for artifact in client.list_artifacts(run.info.run_id)}
    assert set(artifacts) == {"curves.png", "history.csv", "model.pt", "validation_matches.png"}
    assert artifacts["curves.png"] == (tmp_path / "figures" / "curves.png").stat().st_size
    assert run.info.status == "FINISHED"
    assert run.data.metrics["lr_group_0"] == 0.25
    assert {"train_loss", "val_px"} <= set(run.data.metrics)


def test_the_handler_that_the_bundle_s_tracking_adds_is_found(store):
    parser = ConfigParser(
        {
            "bundle_root": ".",
            "output_dir": f"$'{store}'",
            "train": {"handlers": [{"_target_": "StatsHandler"}], "trainer": {"_target_": "SupervisedTrainer"}},
            "tracked": "$scripts.handlers.track_artifacts(@train#handlers, ['figures', 'models/model.pt'])",
            "imports": ["$import scripts"],
        }
    )
    ConfigWorkflow.patch_bundle_tracking(parser, DEFAULT_MLFLOW_SETTINGS)
    stats, tracker = parser.get_parsed_content("tracked")
    assert isinstance(stats, StatsHandler) and isinstance(tracker, MLFlowHandler)
    config, *ours = tracker.artifacts
    assert ours == ["figures", "models/model.pt"]
    assert json.loads(Path(config).read_text())["train"]["handlers"][0] == {"_target_": "StatsHandler"}
    tracker.close()


def test_without_tracking_nothing_is_done():
    handlers = [StatsHandler()]
    before = vars(handlers[0]).copy()
    assert track_artifacts(handlers, ["figures"]) is handlers
    assert len(handlers) == 1 and vars(handlers[0]) == before
