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

"""What a training run took and reached, beside its weights."""

from __future__ import annotations

import json
import os
import time
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import ignite.distributed as idist
from ignite.engine import Engine, Events
from monai.engines import Evaluator

from scripts.io.atomic import atomic_path
from scripts.io.input_error import InputError
from scripts.io.json_object import read_json_object

__all__ = ["TrainingSummary"]


class TrainingSummary:
    """Write seconds, iterations, the last validation's metrics and the network's settings as JSON when training ends.

    Args:
        path: the file to write.
        evaluator: the validation engine.
        settings: what the network must be used with, see :func:`scripts.networks.load_weights`.
        name: what the weights are called wherever they are used.
        skipped: lines on files that could not be used, see :class:`scripts.data.FrameDataset`; they are counted.
    """

    def __init__(
        self,
        path: str | os.PathLike[str],
        evaluator: Evaluator,
        settings: Mapping[str, Any] | None = None,
        name: str | None = None,
        skipped: Iterable[str] = (),
    ) -> None:
        self.path = Path(path)
        self.evaluator = evaluator
        self.settings = dict(settings or {})
        self.name = name
        self.images_not_used = len(set(skipped))
        self._start = 0.0
        self._before = 0.0
        self._validation_before: dict[str, float] = {}

    def attach(self, engine: Engine) -> None:
        """Register at the start and the end of the trainer."""
        engine.add_event_handler(Events.STARTED, self._started)
        engine.add_event_handler(Events.COMPLETED, self._completed)

    def _started(self, engine: Engine) -> None:
        self._start = time.perf_counter()
        if idist.get_rank() == 0 and not self._is_of_these_settings():
            self.path.unlink(missing_ok=True)  # the weights it tells of are about to be written over

    def _is_of_these_settings(self) -> bool:
        try:
            return read_json_object(self.path).get("settings") == self.settings
        except InputError:
            return False

    @property
    def seconds(self) -> float:
        """How long training has taken, with the runs before a restart."""
        return self._before + time.perf_counter() - self._start

    def state_dict(self) -> dict[str, Any]:
        """The seconds and the last validation so far, for a checkpoint."""
        return {"seconds": self.seconds, "last_validation": self._last_validation()}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Count on from a checkpoint."""
        self._before = state["seconds"]
        self._validation_before = state["last_validation"]

    def _last_validation(self) -> dict[str, float]:
        metrics = getattr(self.evaluator.state, "metrics", None) or {}
        return {name: round(float(value), 4) for name, value in metrics.items()} or self._validation_before

    def _completed(self, engine: Engine) -> None:
        if idist.get_rank() > 0:
            return
        summary = {
            "name": self.name,
            "train_seconds": round(self.seconds, 1),
            "iterations": engine.state.iteration,
            "last_validation": self._last_validation(),
            **({"images_not_used": self.images_not_used} if self.images_not_used else {}),
            "settings": self.settings,
        }
        with atomic_path(self.path) as temporary:
            temporary.write_text(json.dumps(summary, indent=2))
