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

"""Keeps the weights of the best validation."""

from __future__ import annotations

import logging
import math
import os
from pathlib import Path

import ignite.distributed as idist
import torch
from ignite.engine import Engine, Events

from scripts.io.atomic import atomic_path

__all__ = ["BestWeights"]


class BestWeights:
    """After each validation, write the network's bare state dict if the metric is lower than ever before.

    MONAI's ``CheckpointSaver`` forgets the best value when training is started again, and would then replace the best
    weights by whatever comes first. This one has a state, for :class:`scripts.handlers.ResumeHandler`. With several
    processes, whose metrics are the same, the first one writes.

    Args:
        network: whose weights are kept.
        path: the file, such as ``models/model.pt``.
        metric: name of a metric of the validation engine; lower is better, NaN is never best.
    """

    def __init__(self, network: torch.nn.Module, path: str | os.PathLike[str], metric: str = "val_error_px") -> None:
        self.network = network
        self.path = Path(path)
        self.metric = metric
        self.best = math.inf

    def attach(self, engine: Engine) -> None:
        """Register at the end of the validation engine's run, after the handlers that add metrics."""
        engine.add_event_handler(Events.EPOCH_COMPLETED, self)

    def __call__(self, engine: Engine) -> None:
        """Compare and write."""
        value = float(engine.state.metrics[self.metric])
        better = value < self.best
        if idist.get_rank() == 0:
            verdict = f"the best so far, to {self.path}" if better else f"no better than {self.best:.3f}, not kept"
            logging.getLogger(type(self).__name__).info("%s %.3f: %s", self.metric, value, verdict)
            if better:
                with atomic_path(self.path) as temporary:
                    torch.save(self.network.state_dict(), temporary)
        if better:
            self.best = value

    def state_dict(self) -> dict[str, float]:
        """The best value, for a checkpoint."""
        return {"best": self.best}

    def load_state_dict(self, state: dict[str, float]) -> None:
        """Go on from a checkpoint's best value."""
        self.best = state["best"]
