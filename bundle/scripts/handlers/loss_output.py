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

"""What is left of a training step for the handlers."""

from __future__ import annotations

from typing import Any

from ignite.engine import Engine, Events
from monai.utils import CommonKeys

__all__ = ["LossOutput"]


class LossOutput:
    """Leave of the trainer's output the loss alone, as a list of one dictionary.

    That is the form which MONAI's trainer gives its output by decollating it, and which the handler of ``--tracking
    mlflow`` reads. Decollating takes apart images, heatmaps and targets that no handler reads, a tenth of a step's time
    on two cores, and waits for the device. Attach it before what reads the loss, to a trainer with ``decollate=False``.
    """

    def attach(self, engine: Engine) -> None:
        """Register at the end of each step."""
        engine.add_event_handler(Events.ITERATION_COMPLETED, self)

    def __call__(self, engine: Engine) -> None:
        """Replace the output."""
        state: Any = engine.state  # whose output ignite declares as a number
        state.output = [{CommonKeys.LOSS: state.output[CommonKeys.LOSS].detach()}]
