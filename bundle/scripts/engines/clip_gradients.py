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

"""Keeps single steps of training small, and stops a training that has diverged."""

from __future__ import annotations

from typing import Any

import torch
from torch import nn

from scripts.io.input_error import InputError

__all__ = ["ClipGradients"]


class ClipGradients:
    """Scale the gradients down to a norm; a hook for ``Optimizer.register_step_pre_hook``.

    With a gradient scaler the optimizer's step, and so this hook, sees unscaled gradients, and none that overflowed.

    Args:
        network: whose gradients are clipped.
        max_norm: largest Euclidean norm of all gradients together; ``inf`` only checks them.

    Raises:
        InputError: (when called) a gradient is NaN or infinite. Nothing can be learned from there on, and the weights
            are still those of the step before.

    Example:
        >>> layer = nn.Linear(1, 1)
        >>> optimizer = torch.optim.SGD(layer.parameters(), lr=1.0)
        >>> handle = optimizer.register_step_pre_hook(ClipGradients(layer, max_norm=5.0))
    """

    def __init__(self, network: nn.Module, max_norm: float) -> None:
        self.network = network
        self.max_norm = max_norm

    def __call__(self, *_: Any) -> None:
        """Clip; takes what the optimizer gives its hooks, and needs none of it."""
        norm = nn.utils.get_total_norm([p.grad for p in self.network.parameters() if p.grad is not None])
        if not torch.isfinite(norm):
            raise InputError(
                "training has diverged: a gradient is not finite. Lower --learning_rate, or begin anew from the last "
                "checkpoint; --max_grad_norm clips larger steps"
            )
        nn.utils.clip_grads_with_norm_(self.network.parameters(), self.max_norm, norm)
