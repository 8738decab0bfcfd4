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

"""Batch norms that several GPUs share."""

from __future__ import annotations

from torch import nn

from scripts.networks.timm_encoder import TimmEncoder

__all__ = ["synchronize_norms"]


def synchronize_norms(network: nn.Module) -> nn.Module:
    """Let all batch norms take their statistics over the batches of all processes, in place.

    Torch's own conversion drops the activation that timm's DenseNet has within its norms; timm's keeps it.

    Args:
        network: the network; its weights and their names stay.

    Returns:
        The network, or, if it is a batch norm itself, what takes its place.

    Example:
        >>> network = synchronize_norms(nn.Sequential(nn.Conv2d(1, 2, 3), nn.BatchNorm2d(2)))
        >>> type(network[1]).__name__
        'SyncBatchNorm'
    """
    if any(isinstance(module, TimmEncoder) for module in network.modules()):
        from timm.layers import convert_sync_batchnorm

        return convert_sync_batchnorm(network)
    return nn.SyncBatchNorm.convert_sync_batchnorm(network)
