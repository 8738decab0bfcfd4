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

"""Tests of the reduced output, with the handler that must read it."""

from __future__ import annotations

import torch
from ignite.engine import Events
from monai.engines import SupervisedTrainer
from monai.handlers import from_engine

from scripts.handlers import LossOutput


def test_handlers_find_the_loss_as_they_would_in_a_decollated_output():
    network = torch.nn.Linear(1, 1)
    seen: dict[bool, list[float]] = {}
    for decollate in (True, False):
        torch.nn.init.ones_(network.weight)
        torch.nn.init.zeros_(network.bias)
        trainer = SupervisedTrainer(
            device=torch.device("cpu"),
            max_epochs=1,
            train_data_loader=[{"image": torch.full((2, 1), x), "label": torch.zeros(2, 1)} for x in (1.0, 3.0)],
            network=network,
            optimizer=torch.optim.SGD(network.parameters(), lr=0.01),
            loss_function=torch.nn.MSELoss(),
            train_handlers=[] if decollate else [LossOutput()],
            decollate=decollate,
        )
        losses = seen[decollate] = []
        read = from_engine(["loss"], first=True)

        @trainer.on(Events.ITERATION_COMPLETED)
        def _note(engine: SupervisedTrainer, read=read, losses=losses) -> None:
            losses.append(float(read(engine.state.output)))

        trainer.run()
    assert seen[False] == seen[True]
    assert len(set(seen[False])) == 2
    assert not trainer.state.output[0]["loss"].requires_grad
