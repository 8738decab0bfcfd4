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

"""What tells the weights of a network from all others."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from typing import Protocol

import torch

__all__ = ["Weighted", "weights_fingerprint"]


class Weighted(Protocol):
    """What has weights: a torch module, or what runs one."""

    def state_dict(self) -> Mapping[str, torch.Tensor]:
        """The weights by name."""


def weights_fingerprint(network: Weighted) -> str:
    """SHA-256 of the weights' names, shapes and values, as 64 hexadecimal digits.

    Example:
        >>> from torch.nn import Linear
        >>> weights_fingerprint(Linear(1, 1)) == weights_fingerprint(Linear(1, 1))
        False
    """
    digest = hashlib.sha256()
    for name, value in sorted(network.state_dict().items()):
        digest.update(f"{name}{tuple(value.shape)}{value.dtype}".encode())
        digest.update(value.detach().cpu().contiguous().numpy().tobytes())
    return digest.hexdigest()
