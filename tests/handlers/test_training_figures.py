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

"""Tests of the pictures and the table of a training run, through MONAI's trainer and evaluator."""

from __future__ import annotations

import csv
import math
from collections.abc import Iterator
from pathlib import Path

import pytest
import torch
from ignite.engine import Events
from ignite.metrics import Average
from matplotlib.figure import Figure
from monai.engines import SupervisedEvaluator, SupervisedTrainer
from monai.handlers import CheckpointLoader, CheckpointSaver, ValidationHandler
from PIL import Image

from scripts.engines import PatchCenterPrepareBatch
from scripts.handlers import TrainingFigures
from scripts.io import InputError
from scripts.metrics import MeanEuclideanError
from scripts.transforms import RandPatchCenter
from scripts.visualize import draw_curves, draw_matches

FILES = ["curves.png", "history.csv", "validation_matches.png"]
METRIC = "val_self_matching_error_px"


class Place(torch.nn.Module):
    """Answers with one learned position for each patch, (0, 0) at first, and log scales of 0."""

    def __init__(self) -> None:
        super().__init__()
        self.place = torch.nn.Parameter(torch.zeros(1, 4))

    def forward(self, image: torch.Tensor, patch: torch.Tensor, heatmap: bool = False) -> torch.Tensor:
        return self.place.expand(len(patch), 4)


def batches(count: int) -> list[dict[str, torch.Tensor]]:
    """Batches of two images, which have the batch's number as their grey."""
    return [
        {"image": torch.full((2, 1, 24, 20), i / 10), "index": torch.tensor([2 * i, 2 * i + 1])} for i in range(count)
    ]


def prepare(validation: bool = False) -> PatchCenterPrepareBatch:
    return PatchCenterPrepareBatch(RandPatchCenter(8, patches_per_image=3), validation=validation)


def build(
    folder: Path,
    *handlers: object,
    max_epochs: int = 3,
    every: int = 2,
    figures_first: bool = False,
    decollate: bool = True,
    at_start: bool = False,
) -> tuple[SupervisedTrainer, SupervisedEvaluator, Place]:
    """Epochs of three iterations; the loss is the position's first coordinate, which each takes down by 0.1.

    The mean loss of the epochs is so -0.1, -0.4, -0.7, ...
    """
    network = Place()
    evaluator = SupervisedEvaluator(
        device=torch.device("cpu"),
        val_data_loader=batches(2),
        network=network,
        prepare_batch=prepare(validation=True),
        key_val_metric={METRIC: MeanEuclideanError((24, 20))},
        decollate=False,
    )
    optimizer = torch.optim.SGD([{"params": network.parameters(), "lr": 0.1}])
    ours = [
        ValidationHandler(every, evaluator, exec_at_start=at_start),
        TrainingFigures(folder, evaluator, optimizer, max_samples=1),
    ]
    trainer = SupervisedTrainer(
        device=torch.device("cpu"),
        max_epochs=max_epochs,
        train_data_loader=batches(3),
        network=network,
        optimizer=optimizer,
        loss_function=lambda found, target: found[:, 0].mean(),
        prepare_batch=prepare(),
        key_train_metric={"train_mean_loss": Average(output_transform=loss_of)},
        train_handlers=[*handlers, *(reversed(ours) if figures_first else ours)],
        decollate=decollate,
    )
    return trainer, evaluator, network


def loss_of(output: dict | list) -> torch.Tensor:
    return output["loss"] if isinstance(output, dict) else output[0]["loss"]


def table(folder: Path) -> list[dict[str, str]]:
    with (folder / "history.csv").open(newline="") as file:
        return list(csv.DictReader(file))


def losses(folder: Path) -> dict[int, float]:
    return {int(row["epoch"]): float(row["train_loss"]) for row in table(folder)}


@pytest.fixture
def drawn(monkeypatch: pytest.MonkeyPatch) -> Iterator[dict[str, list]]:
    """What each picture was drawn of; they are drawn all the same."""
    calls: dict[str, list] = {"curves": [], "matches": []}

    def curves(history: list) -> Figure:
        calls["curves"].append([dict(row) for row in history])
        return draw_curves(history)

    def matches(*data: torch.Tensor, **options) -> Figure:
        calls["matches"].append((*(one.clone() for one in data), options))
        return draw_matches(*data, **options)

    monkeypatch.setattr("scripts.handlers.training_figures.draw_curves", curves)
    monkeypatch.setattr("scripts.handlers.training_figures.draw_matches", matches)
    return calls


@pytest.mark.parametrize("decollate", [True, False])
@pytest.mark.parametrize("figures_first", [True, False])
def test_the_table_has_a_row_an_epoch(tmp_path, figures_first, decollate):
    trainer, evaluator, _ = build(tmp_path / "new", figures_first=figures_first, decollate=decollate)
    trainer.run()
    rows = table(tmp_path / "new")
    assert list(rows[0]) == ["epoch", "train_loss", "learning_rate", METRIC]
    assert losses(tmp_path / "new") == pytest.approx({1: -0.1, 2: -0.4, 3: -0.7}, abs=1e-6)
    assert [row["learning_rate"] for row in rows] == ["0.1"] * 3
    assert [bool(row[METRIC]) for row in rows] == [False, True, False]
    assert float(rows[1][METRIC]) == evaluator.state.metrics[METRIC]
    assert sorted(path.name for path in (tmp_path / "new").iterdir()) == FILES
    for name in ("curves.png", "validation_matches.png"):
        with Image.open(tmp_path / "new" / name) as picture:
            picture.load()
            assert picture.format == "PNG" and min(picture.size) > 200


def test_the_learning_rate_is_the_one_at_the_end_of_the_epoch(tmp_path):
    trainer, _, _ = build(tmp_path)
    trainer.add_event_handler(Events.ITERATION_COMPLETED, lambda: trainer.optimizer.param_groups[0].update(lr=0.5))
    trainer.add_event_handler(Events.EPOCH_STARTED, lambda: trainer.optimizer.param_groups[0].update(lr=0.25))
    trainer.run()
    assert [row["learning_rate"] for row in table(tmp_path)] == ["0.5"] * 3


def test_matches_are_of_the_last_batch_as_the_evaluator_saw_it(tmp_path, drawn):
    build(tmp_path)[0].run()
    ((image, patch, truth, prediction, options),) = drawn["matches"]
    expected, center, _, inputs = prepare(validation=True)(batches(2)[1])
    torch.testing.assert_close(image, expected)
    torch.testing.assert_close(patch, inputs["patch"])
    torch.testing.assert_close(truth, center)
    # six steps of 0.1 down when epoch 2 is done
    torch.testing.assert_close(prediction, torch.tensor([[-0.6, 0.0, 0.0, 0.0]]).expand(6, 4))
    assert options["title"] == "Validation after epoch 2"


def test_options_reach_the_picture(tmp_path, drawn):
    trainer, evaluator, _ = build(tmp_path / "a", max_epochs=2)
    TrainingFigures(tmp_path / "b", evaluator, trainer.optimizer, sigma_per_scale=1.5, max_samples=2).attach(trainer)
    trainer.run()
    options = drawn["matches"][1][-1]
    assert (options["sigma_per_scale"], options["max_samples"]) == (1.5, 2)


@pytest.mark.parametrize("figures_first", [True, False])
def test_curves_are_up_to_date_at_each_validation_and_at_the_end(tmp_path, drawn, figures_first):
    build(tmp_path, figures_first=figures_first)[0].run()
    assert [[row["epoch"] for row in rows] for rows in drawn["curves"]] == [[1, 2], [1, 2, 3]]
    assert drawn["curves"][0][1]["train_loss"] == pytest.approx(-0.4, abs=1e-6)
    assert METRIC in drawn["curves"][0][1]


def test_files_are_there_while_the_training_runs(tmp_path):
    trainer, _, _ = build(tmp_path, figures_first=True)
    seen = []
    trainer.add_event_handler(Events.EPOCH_COMPLETED, lambda: seen.append(sorted(p.name for p in tmp_path.iterdir())))
    trainer.run()
    assert seen == [["history.csv"], FILES, FILES]


def test_without_a_validation_there_are_curves_only(tmp_path):
    build(tmp_path, every=9)[0].run()
    assert sorted(path.name for path in tmp_path.iterdir()) == ["curves.png", "history.csv"]


def test_a_validation_before_the_first_epoch_is_drawn_but_has_no_row(tmp_path, drawn):
    build(tmp_path, at_start=True, every=9)[0].run()
    assert [data[-1]["title"] for data in drawn["matches"]] == ["Validation after epoch 0"]
    assert list(losses(tmp_path)) == [1, 2, 3]


def test_a_training_that_goes_on_keeps_the_rows_before(tmp_path):
    trainer, _, network = build(tmp_path / "out", max_epochs=5)
    CheckpointSaver(str(tmp_path), {"trainer": trainer, "network": network}, save_interval=2, file_prefix="run").attach(
        trainer
    )
    trainer.run()
    before = table(tmp_path / "out")
    assert len(before) == 5

    trainer, _, network = build(tmp_path / "out", max_epochs=4, every=1)
    (checkpoint,) = tmp_path.glob("*epoch=2*.pt")
    CheckpointLoader(str(checkpoint), {"trainer": trainer, "network": network}).attach(trainer)
    trainer.run()
    after = table(tmp_path / "out")
    assert after[:2] == before[:2]
    assert losses(tmp_path / "out") == pytest.approx({1: -0.1, 2: -0.4, 3: -0.7, 4: -1.0}, abs=1e-6)
    assert [bool(row[METRIC]) for row in after] == [False, True, True, True]


def resume(trainer: SupervisedTrainer, epoch: int) -> None:
    trainer.state.epoch, trainer.state.iteration = epoch, 3 * epoch
    trainer.run()


def test_a_training_that_starts_anew_starts_a_new_table(tmp_path):
    build(tmp_path, max_epochs=5)[0].run()
    build(tmp_path, max_epochs=2)[0].run()
    assert list(losses(tmp_path)) == [1, 2]


def test_numbers_that_are_none_are_kept(tmp_path):
    (tmp_path / "history.csv").write_text("epoch,train_loss,learning_rate,val_old\n1,nan,0.5,\n2,inf,0.25,7.5\n")
    resume(build(tmp_path, max_epochs=3, every=9)[0], 2)
    rows = table(tmp_path)
    assert math.isnan(float(rows[0]["train_loss"]))
    assert [row["val_old"] for row in rows] == ["", "7.5", ""]
    assert rows[1]["train_loss"] == "inf"


def test_going_on_without_a_table_begins_one(tmp_path):
    resume(build(tmp_path / "new", max_epochs=3)[0], 1)
    assert list(losses(tmp_path / "new")) == [2, 3]


@pytest.mark.parametrize(
    "text",
    [
        "time,loss\n1,2\n",
        "epoch,train_loss\none,2\n",
        "epoch,train_loss\n1,low\n",
        pytest.param(f"epoch,train_loss\n1,{'9' * 200_000}\n", id="a cell too long for a CSV file"),
    ],
)
def test_a_table_that_cannot_be_read_is_named_and_left(tmp_path, text):
    (tmp_path / "history.csv").write_text(text)
    with pytest.raises(InputError, match=r"history\.csv cannot be continued"):
        resume(build(tmp_path, max_epochs=3)[0], 1)
    assert (tmp_path / "history.csv").read_text() == text
