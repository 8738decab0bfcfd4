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

"""Which samples an epoch has, and in which order: the same after a restart and for any number of processes."""

from __future__ import annotations

from collections.abc import Iterator, Sized

import ignite.distributed as idist
import numpy as np
from torch.utils.data.distributed import DistributedSampler

__all__ = ["EpochSampler"]


class EpochSampler(DistributedSampler):
    """A given number of samples an epoch, shuffled; every image as often as any other, to within one.

    The order follows from the seed and the epoch alone, and processes take turns on it: that of two processes with half
    of the batch size is that of one. MONAI's trainer tells a sampler of this base class the epoch.

    Args:
        dataset: what is sampled.
        num_samples: samples an epoch, of all processes together.
        seed: seed of the order.
        rank: which process this is; None asks ``ignite.distributed``.
        world_size: number of processes; None asks ``ignite.distributed``.

    Raises:
        ValueError: the data set is empty, or the processes cannot have equally many samples.

    Example:
        >>> sampler = EpochSampler(["a", "b", "c"], num_samples=6, seed=0)
        >>> sampler.set_epoch(1)
        >>> sorted(sampler)
        [0, 0, 1, 1, 2, 2]
    """

    def __init__(
        self,
        dataset: Sized,
        num_samples: int,
        *,
        seed: int = 0,
        rank: int | None = None,
        world_size: int | None = None,
    ) -> None:
        rank = idist.get_rank() if rank is None else rank
        world_size = idist.get_world_size() if world_size is None else world_size
        # torch asks for no more of a data set than its length
        super().__init__(dataset, num_replicas=world_size, rank=rank, seed=seed)  # type: ignore[arg-type]
        self.length = len(dataset)
        if self.length == 0:
            raise ValueError("there is no image to sample")
        if num_samples % world_size:
            raise ValueError(f"{num_samples} samples cannot be dealt to {world_size} processes; change batch_size")
        self.total_size = num_samples
        self.num_samples = num_samples // world_size

    def __iter__(self) -> Iterator[int]:
        generator = np.random.default_rng([self.seed, self.epoch])
        rounds = -(-self.total_size // self.length)
        order = np.concatenate([generator.permutation(self.length) for _ in range(rounds)])
        return iter(order[self.rank : self.total_size : self.num_replicas].tolist())
