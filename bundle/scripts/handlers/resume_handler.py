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

"""Writes all that training needs to go on, and goes on from it."""

from __future__ import annotations

import logging
import os
import random
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import ignite.distributed as idist
import numpy as np
import torch
from ignite.engine import Engine, Events

from scripts.io.atomic import atomic_path
from scripts.io.input_error import InputError, first_line

__all__ = ["ResumeHandler"]


class ResumeHandler:
    """Write a checkpoint after each epoch; when training starts and finds one, go on from there.

    The checkpoint has the state of all objects, the epoch, the gradient scaler and the random number generators, so
    that a run that was killed and started again ends with the weights it would have had. Epochs are its steps: of a
    run killed in the middle of one that epoch is done again, with the same draws. Attach it after the handlers whose
    state it keeps. With several processes the first one writes, all read.

    Args:
        path: the file.
        objects: what has ``state_dict`` and ``load_state_dict``, by name.
        settings: values that must be the same as when the checkpoint was begun; the run is of no use otherwise.
        resume: False removes a checkpoint and begins anew.
        interval: epochs from one checkpoint to the next; the last epoch always has one.

    Raises:
        InputError: (when training starts) the checkpoint is damaged, or of other settings or another network.
    """

    def __init__(
        self,
        path: str | os.PathLike[str],
        objects: Mapping[str, Any],
        settings: Mapping[str, Any] | None = None,
        *,
        resume: bool = True,
        interval: int = 1,
    ) -> None:
        self.path = Path(path)
        self.objects = dict(objects)
        self.settings = {name: _plain(value) for name, value in (settings or {}).items()}
        self.resume = resume
        self.interval = interval

    def attach(self, engine: Engine) -> None:
        """Register at the start of training and at the end of each epoch."""
        engine.add_event_handler(Events.STARTED, self._start)
        engine.add_event_handler(Events.EPOCH_COMPLETED, self._save)

    def _start(self, engine: Engine) -> None:
        if idist.get_rank() == 0:
            self._tidy()
        # the first process decides: others might not see the file yet, and would begin another epoch
        if not idist.broadcast(float(self.path.is_file()), src=0):
            return
        checkpoint = self._read()
        self._check_settings(checkpoint["settings"])
        try:
            for name, value in self.objects.items():
                value.load_state_dict(checkpoint["objects"][name])
        except (KeyError, RuntimeError, ValueError) as error:
            raise InputError(
                f"{self.path} does not fit this network or optimizer ({first_line(error)}); give the configs "
                "it was made with, or --resume False to begin anew"
            ) from error
        scaler = getattr(engine, "scaler", None)
        if scaler is not None and checkpoint["scaler"]:
            scaler.load_state_dict(checkpoint["scaler"])
        engine.state.epoch, engine.state.iteration = checkpoint["epoch"], checkpoint["iteration"]
        _set_random_state(checkpoint["random"])
        done = "; it is complete, --resume False begins anew" if checkpoint["epoch"] >= engine.state.max_epochs else ""
        logging.getLogger(type(self).__name__).info(f"going on after epoch {checkpoint['epoch']} of {self.path}{done}")

    def _tidy(self) -> None:
        """Remove what a run that was killed while it wrote has left, and the checkpoint if it is not wanted."""
        for left in self.path.parent.glob(f".*-{self.path.name}"):
            left.unlink(missing_ok=True)
        if not self.resume:
            self.path.unlink(missing_ok=True)

    def _save(self, engine: Engine) -> None:
        due = engine.state.epoch % self.interval == 0 or engine.state.epoch == engine.state.max_epochs
        if idist.get_rank() > 0 or not due:
            return
        scaler = getattr(engine, "scaler", None)
        checkpoint = {
            "epoch": engine.state.epoch,
            "iteration": engine.state.iteration,
            "settings": self.settings,
            "objects": {name: value.state_dict() for name, value in self.objects.items()},
            "scaler": scaler.state_dict() if scaler is not None else {},
            "random": _random_state(),
        }
        with atomic_path(self.path) as temporary:
            torch.save(checkpoint, temporary)

    def _read(self) -> dict[str, Any]:
        try:
            checkpoint = torch.load(self.path, map_location="cpu", weights_only=True)
            for name in ("epoch", "iteration", "settings", "objects", "scaler", "random"):
                checkpoint[name]
        except Exception as error:  # torch raises many kinds for a file that is no checkpoint
            raise InputError(
                f"{self.path} is no checkpoint ({first_line(error)}); remove it, or give --resume False"
            ) from error
        return checkpoint

    def _check_settings(self, before: Mapping[str, Any]) -> None:
        changed = [
            f"{name} was {before.get(name)!r} and is {value!r}"
            for name, value in self.settings.items()
            if before.get(name) != value
        ]
        if changed:
            raise InputError(
                f"{self.path} was begun with other settings ({'; '.join(changed)}); set them back to go on, or give "
                "--resume False to begin anew"
            )


def _plain(value: Any) -> Any:
    """Lists for tuples, so that a value compares equal after it was saved."""
    return list(value) if isinstance(value, tuple | list) else value


def _random_state() -> dict[str, Any]:
    state: Any = np.random.get_state()  # a tuple, though declared as a dict, too
    name, keys, *rest = state
    return {
        "python": random.getstate(),
        "numpy": (name, keys.tolist(), *rest),
        "torch": torch.get_rng_state(),
        # of this process's device: all processes draw alike, so the first one's serves them all
        "cuda": torch.cuda.get_rng_state() if torch.cuda.is_available() else None,
    }


def _set_random_state(state: dict[str, Any]) -> None:
    random.setstate(state["python"])
    np.random.set_state(tuple(state["numpy"]))
    torch.set_rng_state(state["torch"])
    if state["cuda"] is not None and torch.cuda.is_available():
        torch.cuda.set_rng_state(state["cuda"])
