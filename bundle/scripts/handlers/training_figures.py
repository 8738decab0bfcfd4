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

"""Pictures and a table of a training run, brought up to date while it runs."""

from __future__ import annotations

import csv
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch
from ignite.engine import Engine, Events
from matplotlib.figure import Figure
from monai.engines import Evaluator
from monai.utils import CommonKeys

from scripts.io.atomic import atomic_path
from scripts.io.csv_table import write_csv
from scripts.io.input_error import InputError
from scripts.visualize.curves import draw_curves
from scripts.visualize.matching import draw_matches

__all__ = ["TrainingFigures"]

_COLUMNS = ("epoch", "train_loss", "learning_rate")


class TrainingFigures:
    """Write what a training run looks like: samples of the last validation batch, curves, and their figures.

    - ``validation_matches.png``: :func:`scripts.visualize.draw_matches`, after each validation;
    - ``curves.png``: :func:`scripts.visualize.draw_curves`, after each validation and at the end;
    - ``history.csv``: a row an epoch with ``epoch``, ``train_loss`` (mean over its iterations), ``learning_rate`` (of
      the first parameter group, at its end) and the validation's metrics, blank where there was no validation.

    A training that goes on from a checkpoint keeps the rows of the epochs before; one that starts anew starts a new
    table. With several processes, attach it to the first one only.

    Args:
        folder: where to write; it is made.
        evaluator: the validation engine, whose output is not decollated and whose ``prepare_batch`` is a
            :class:`scripts.engines.PatchCenterPrepareBatch`.
        optimizer: whose learning rate is recorded.
        loss_metric: the trainer's metric that is the epoch's mean loss, over all processes.
        sigma_per_scale: standard deviation for a predicted scale of 1: 1 for a Gaussian, sqrt(2) for a Laplacian.
        max_samples: how many samples to draw.

    Raises:
        InputError: (while training) the table to be continued cannot be read.

    Example:
        >>> figures = TrainingFigures("output", evaluator, optimizer)  # doctest: +SKIP
        >>> figures.attach(trainer)  # doctest: +SKIP
    """

    def __init__(
        self,
        folder: str | os.PathLike[str],
        evaluator: Evaluator,
        optimizer: torch.optim.Optimizer,
        *,
        loss_metric: str = "train_mean_loss",
        sigma_per_scale: float = 1.0,
        max_samples: int = 6,
    ) -> None:
        self.folder = Path(folder)
        self.evaluator = evaluator
        self.optimizer = optimizer
        self.sigma_per_scale = sigma_per_scale
        self.max_samples = max_samples
        self.loss_metric = loss_metric
        self._rows: dict[int, dict[str, float]] | None = None  # epoch to row; None until a run's first epoch

    def attach(self, engine: Engine) -> None:
        """Register at the trainer, and at the end of each run of the evaluator, when all its metrics are there."""
        engine.add_event_handler(Events.STARTED, self._started)
        engine.add_event_handler(Events.EPOCH_STARTED, self._epoch_started)
        engine.add_event_handler(Events.EPOCH_COMPLETED, self._epoch_completed)
        engine.add_event_handler(Events.COMPLETED, self._write_curves)
        self.evaluator.add_event_handler(Events.COMPLETED, self._validated, engine)

    def _started(self, engine: Engine) -> None:
        self._rows = None

    def _epoch_started(self, engine: Engine) -> None:
        if self._rows is None:  # not before: a checkpoint, which tells the epoch, may be loaded when the engine starts
            epoch = engine.state.epoch
            history = self.folder / "history.csv"
            rows = _read_history(history) if epoch > 1 and history.exists() else {}
            self._rows = {earlier: row for earlier, row in rows.items() if earlier < epoch}

    def _epoch_completed(self, engine: Engine) -> None:
        self._record(engine, {})

    def _validated(self, evaluator: Engine, trainer: Engine) -> None:
        self._write_matches(evaluator, trainer.state.epoch)
        if self._rows is not None:  # a validation before the first epoch has no row
            self._record(trainer, {name: float(value) for name, value in evaluator.state.metrics.items()})
            self._write_curves()

    def _record(self, trainer: Engine, metrics: Mapping[str, float]) -> None:
        """Bring the epoch's row up to date: whether trainer or evaluator comes first depends on the handlers' order."""
        assert self._rows is not None  # from the first epoch's start on
        row = self._rows.setdefault(trainer.state.epoch, {"epoch": trainer.state.epoch})
        if self.loss_metric in trainer.state.metrics:  # not yet there if the validation runs within an epoch
            row["train_loss"] = float(trainer.state.metrics[self.loss_metric])
        row["learning_rate"] = float(self.optimizer.param_groups[0]["lr"])
        row.update(metrics)
        _write_history(self.folder / "history.csv", self._rows)

    def _write_curves(self) -> None:
        if self._rows:
            _save(draw_curves(list(self._rows.values())), self.folder / "curves.png")

    def _write_matches(self, evaluator: Engine, epoch: int) -> None:
        state: Any = evaluator.state  # whose output ignite declares as a number
        output = state.output
        prepare: Any = self.evaluator.prepare_batch
        figure = draw_matches(
            output[CommonKeys.IMAGE],
            prepare.last_patch,
            output[CommonKeys.LABEL],
            output[CommonKeys.PRED],
            sigma_per_scale=self.sigma_per_scale,
            max_samples=self.max_samples,
            title=f"Validation after epoch {epoch}",
        )
        _save(figure, self.folder / "validation_matches.png")


def _save(figure: Figure, path: Path) -> None:
    with atomic_path(path) as temporary:
        figure.savefig(temporary)


def _write_history(path: Path, rows: Mapping[int, Mapping[str, float]]) -> None:
    columns = list(dict.fromkeys([*_COLUMNS, *(name for row in rows.values() for name in row)]))
    write_csv(path, columns, ([row.get(name, "") for name in columns] for row in rows.values()))


def _read_history(path: Path) -> dict[int, dict[str, float]]:
    """Epoch to row, without what is blank."""
    rows = {}
    try:
        with path.open(encoding="utf-8", newline="") as file:
            for line in csv.DictReader(file):
                epoch = int(line.pop("epoch"))
                rows[epoch] = {"epoch": epoch} | {name: float(value) for name, value in line.items() if value}
    except (csv.Error, KeyError, TypeError, ValueError) as error:
        raise InputError(
            f"{path} cannot be continued ({error}); mend it, or remove it to begin a new history"
        ) from error
    return rows
