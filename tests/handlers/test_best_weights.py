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

"""Tests of the best weights: which validation they are of, and what a restart makes of them."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
from ignite.engine import Engine, Events

from scripts.handlers import BestWeights


def validate(network: torch.nn.Module, handler: BestWeights, values: list[float]) -> None:
    """Validations with these errors; before the i-th the network's bias becomes i."""
    engine = Engine(lambda *_: None)

    @engine.on(Events.EPOCH_STARTED)
    def _set(engine: Engine) -> None:
        network.bias.data.fill_(engine.state.epoch - 1)
        engine.state.metrics["val_error_px"] = values[engine.state.epoch - 1]

    handler.attach(engine)
    engine.run([0], max_epochs=len(values))


def kept(path: Path) -> float:
    return torch.load(path, weights_only=True)["bias"].item()


@pytest.mark.parametrize(
    ("values", "best"), [([3.0, 2.0, 1.0], 2), ([1.0, 2.0, 1.0], 0), ([float("nan"), 5.0, 4.0, float("nan")], 2)]
)
def test_the_weights_are_those_of_the_lowest_error(tmp_path, values, best):
    network = torch.nn.Linear(1, 1)
    validate(network, BestWeights(network, tmp_path / "model.pt"), values)
    assert kept(tmp_path / "model.pt") == best
    assert [path.name for path in tmp_path.iterdir()] == ["model.pt"]


def test_a_worse_validation_after_a_restart_does_not_replace_them(tmp_path):
    network, path = torch.nn.Linear(1, 1), tmp_path / "model.pt"
    first = BestWeights(network, path)
    validate(network, first, [9.0, 2.0])
    restarted = BestWeights(network, path)
    restarted.load_state_dict(first.state_dict())
    validate(network, restarted, [3.0])
    assert kept(path) == 1
    validate(network, restarted, [1.5])
    assert kept(path) == 0


def test_with_several_processes_the_first_one_writes(tmp_path, monkeypatch):
    monkeypatch.setattr("ignite.distributed.get_rank", lambda: 1)
    network = torch.nn.Linear(1, 1)
    handler = BestWeights(network, tmp_path / "model.pt")
    validate(network, handler, [1.0])
    assert handler.best == 1.0
    assert not list(tmp_path.iterdir())
