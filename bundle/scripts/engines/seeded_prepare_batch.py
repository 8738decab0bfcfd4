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

"""Seeds for what is random about a batch of images: the same after a restart and for any number of processes."""

from __future__ import annotations

from typing import Any

import ignite.distributed as idist
import numpy as np
from monai.engines import PrepareBatch

__all__ = ["SeededPrepareBatch"]


class SeededPrepareBatch(PrepareBatch):
    """What prepares batches at random: it has a seed an image, and a state for checkpoints.

    In training the seeds follow from the seed, the number of the batch and the place in it, so they are the same after
    a restart (the number of the batch is this object's state) and for any number of processes that share the batch. In
    validation they follow from the seed and the image's ``index``, so that validations can be compared, whatever the
    batch size.

    Args:
        seed: seed of the draws.
        validation: draw the same for an image each time.
    """

    def __init__(self, *, seed: int = 0, validation: bool = False) -> None:
        self.seed = seed
        self.validation = validation
        self.batches = 0

    def draw_seeds(self, batchdata: dict[str, Any]) -> list[int]:
        """A seed an image of the batch, not negative; in training this counts the batch.

        Args:
            batchdata: with ``image`` (B, ...), and for validation ``index`` (B,), the images' places in the data set.
        """
        if self.validation:
            return [int(np.random.default_rng([self.seed, int(index)]).integers(2**62)) for index in batchdata["index"]]
        images = len(batchdata["image"])
        world_size = idist.get_world_size()
        drawn = np.random.default_rng([self.seed, self.batches]).integers(2**62, size=images * world_size)
        self.batches += 1
        return drawn[idist.get_rank() :: world_size].tolist()

    def state_dict(self) -> dict[str, int]:
        """How many batches were made, for a checkpoint."""
        return {"batches": self.batches}

    def load_state_dict(self, state: dict[str, int]) -> None:
        """Go on after so many batches."""
        self.batches = state["batches"]
