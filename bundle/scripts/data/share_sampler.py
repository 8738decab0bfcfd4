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

"""Which images of an evaluation are this process's."""

from __future__ import annotations

from collections.abc import Iterator, Sized

import ignite.distributed as idist
from torch.utils.data import Sampler

from scripts.io.input_error import InputError

__all__ = ["ShareSampler"]


class ShareSampler(Sampler[int]):
    """Every n-th item for each of n processes, in order; each item is one process's, and none is repeated.

    Torch's ``DistributedSampler`` repeats items until all processes have equally many, which would count some twice.

    Args:
        dataset: what is evaluated.
        rank: which process this is; None asks ``ignite.distributed``.
        world_size: number of processes; None asks ``ignite.distributed``.

    Raises:
        InputError: there are fewer items than processes: one would have none, and the others would wait for it.

    Example:
        >>> list(ShareSampler("abcde", rank=1, world_size=2))
        [1, 3]
    """

    def __init__(self, dataset: Sized, *, rank: int | None = None, world_size: int | None = None) -> None:
        self.rank = idist.get_rank() if rank is None else rank
        self.world_size = idist.get_world_size() if world_size is None else world_size
        self.length = len(dataset)
        if self.length < self.world_size:
            raise InputError(
                f"{self.length} images cannot be shared by {self.world_size} processes; run fewer processes, or "
                "evaluate (or hold out) more images"
            )

    def __iter__(self) -> Iterator[int]:
        return iter(range(self.rank, self.length, self.world_size))

    def __len__(self) -> int:
        return len(range(self.rank, self.length, self.world_size))
