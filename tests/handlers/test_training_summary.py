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
"""Tests of the summary of a training run, through MONAI's trainer and evaluator."""

from __future__ import annotations

import json
from types import SimpleNamespace

import pytest
import torch
from ignite.engine import Events
from monai.engines import SupervisedEvaluator, SupervisedTrainer
from monai.handlers import ValidationHandler

from scripts.handlers import TrainingSummary, training_summary
from scripts.metrics import MeanEuclideanError


class Place(torch.nn.Module):
    """Answers with one learned position, (0, 0) at first."""

    def __init__(self) -> None:
        super().__init__()
        self.place = torch.nn.Parameter(torch.zeros(1, 2))

    def forward(self, image: torch.Tensor) -> torch.Tensor:
        return self.place.expand(len(image), 2)


def batches(count: int) -> list[dict[str, torch.Tensor]]:
    return [{"image": torch.zeros(2, 1, 4, 4), "label": torch.full((2, 2), 0.5)} for _ in range(count)]


@pytest.fixture
def engines() -> tuple[SupervisedTrainer, SupervisedEvaluator]:
    """Two epochs of three iterations, each of which takes the place a tenth of the axis to the right in x and y."""
    network = Place()
    evaluator = SupervisedEvaluator(
        device=torch.device("cpu"),
        val_data_loader=batches(1),
        network=network,
        key_val_metric={"val_px": MeanEuclideanError((60, 80))},
        decollate=False,
    )
    trainer = SupervisedTrainer(
        device=torch.device("cpu"),
        max_epochs=2,
        train_data_loader=batches(3),
        network=network,
        optimizer=torch.optim.SGD(network.parameters(), lr=0.05),
        loss_function=lambda found, target: -found[0].sum(),
        train_handlers=[ValidationHandler(1, evaluator)],
        decollate=False,
    )
    return trainer, evaluator


def test_seconds_iterations_and_the_last_validation(tmp_path, engines, monkeypatch):
    clock = iter([100.0, 112.345])
    monkeypatch.setattr(training_summary, "time", SimpleNamespace(perf_counter=lambda: next(clock)))
    trainer, evaluator = engines
    path = tmp_path / "models" / "model.json"
    TrainingSummary(path, evaluator, {"patch_size": 96}).attach(trainer)
    trainer.add_event_handler(Events.EPOCH_COMPLETED, lambda: pytest.fail("too early") if path.exists() else None)
    trainer.run()
    # six steps of 0.05: at 0.3, which is 0.2 off: 6 of 60 px and 8 of 80 px
    assert json.loads(path.read_text()) == {
        "name": None,
        "train_seconds": 12.3,
        "iterations": 6,
        "last_validation": {"val_px": pytest.approx(10.0, abs=1e-3)},
        "settings": {"patch_size": 96},
    }


def test_a_fault_leaves_what_was_there(tmp_path, engines):
    trainer, evaluator = engines
    path = tmp_path / "model.json"
    path.write_text('{"settings": {}}')
    TrainingSummary(path, evaluator).attach(trainer)
    evaluator.add_event_handler(Events.COMPLETED, lambda engine: engine.state.metrics.update(bad="text"))
    with pytest.raises(ValueError):
        trainer.run()
    assert path.read_text() == '{"settings": {}}'
    assert [file.name for file in tmp_path.iterdir()] == ["model.json"]


def test_after_a_restart_the_seconds_are_counted_on_and_a_complete_run_is_written_again(tmp_path, engines, monkeypatch):
    clock = iter([100.0, 110.0, 111.0, 200.0, 205.0])
    monkeypatch.setattr(training_summary, "time", SimpleNamespace(perf_counter=lambda: next(clock)))
    trainer, evaluator = engines
    path = tmp_path / "model.json"
    first = TrainingSummary(path, evaluator)
    first.attach(trainer)
    trainer.run()
    written, state = json.loads(path.read_text()), first.state_dict()
    path.unlink()  # as if killed before it was written
    restarted = TrainingSummary(path, SupervisedEvaluator(torch.device("cpu"), batches(1), Place()))
    restarted._started(trainer)
    restarted.load_state_dict(state)
    restarted._completed(trainer)
    assert json.loads(path.read_text()) == {**written, "train_seconds": 16.0}


@pytest.mark.parametrize("before", ["damaged", "[]", "{}", '{"settings": {"patch_size": 48}}'])
def test_what_tells_of_weights_of_other_settings_goes_when_training_begins(tmp_path, engines, before):
    trainer, evaluator = engines
    path = tmp_path / "model.json"
    path.write_text(before)
    TrainingSummary(path, evaluator, {"patch_size": 96}).attach(trainer)
    trainer.add_event_handler(Events.EPOCH_COMPLETED, lambda: pytest.fail("it is there") if path.exists() else None)
    trainer.run()
    assert json.loads(path.read_text())["settings"] == {"patch_size": 96}


def test_files_that_could_not_be_used_are_counted_once(tmp_path, engines):
    trainer, evaluator = engines
    TrainingSummary(tmp_path / "model.json", evaluator, skipped=["a.png is damaged", "a.png is damaged"]).attach(
        trainer
    )
    trainer.run()
    assert json.loads((tmp_path / "model.json").read_text())["images_not_used"] == 1
