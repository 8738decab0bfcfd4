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

"""The cyclic error as a validation metric, and the figure that checkpoints go by."""

from __future__ import annotations

from typing import Protocol

import torch
from ignite.engine import Engine, Events

from scripts.metrics.cyclic_error import Matcher
from scripts.metrics.pair_cyclic_error import PairCyclicError

__all__ = ["CyclicErrorHandler"]


class _Network(Matcher, Protocol):
    """A matcher that is trained."""

    def eval(self) -> Matcher:
        """Itself, put into evaluation mode."""


class CyclicErrorHandler:
    """After each validation, measure the cyclic error of held-out pairs and add it to the engine's metrics.

    Also adds the mean of the self-matching and the cyclic error. Attach it before what reads these metrics.

    Args:
        network: the network that is validated.
        cyclic_error: the pairs.
        device: where the network is.
        self_matching_name: metric that holds the self-matching error.
        cyclic_name: metric to add for the cyclic error, px of the network's image.
        mean_name: metric to add for the mean of both.
    """

    def __init__(
        self,
        network: _Network,
        cyclic_error: PairCyclicError,
        device: torch.device | str = "cpu",
        *,
        self_matching_name: str = "val_self_matching_error_px",
        cyclic_name: str = "val_cyclic_error_px",
        mean_name: str = "val_error_px",
    ) -> None:
        self.network = network
        self.cyclic_error = cyclic_error
        self.device = device
        self.self_matching_name = self_matching_name
        self.cyclic_name = cyclic_name
        self.mean_name = mean_name

    def attach(self, engine: Engine) -> None:
        """Register at the end of each epoch of the validation engine."""
        engine.add_event_handler(Events.EPOCH_COMPLETED, self)

    def __call__(self, engine: Engine) -> None:
        """Measure and add the metrics."""
        cyclic = self.cyclic_error.mean(self.network.eval(), self.device)
        engine.state.metrics[self.cyclic_name] = cyclic
        engine.state.metrics[self.mean_name] = (cyclic + engine.state.metrics[self.self_matching_name]) / 2.0
