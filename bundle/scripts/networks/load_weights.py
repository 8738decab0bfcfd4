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

"""Loading trained weights, with a clear word where they are missing or do not fit."""

from __future__ import annotations

import os
from pathlib import Path
from textwrap import shorten

import torch
from torch import nn

from scripts.io.input_error import InputError, first_line

__all__ = ["load_weights"]


def load_weights(network: nn.Module, path: str | os.PathLike[str]) -> nn.Module:
    """Load a bare state dict into a network.

    Args:
        network: the network, as its config defines it.
        path: file that training wrote, such as ``models/model.pt``.

    Returns:
        The network, in evaluation mode.

    Raises:
        InputError: there is no such file, it is no state dict, or it is of another network.

    Example:
        >>> network = load_weights(network, "models/model.pt")  # doctest: +SKIP
    """
    if not Path(path).is_file():
        raise InputError(f"there are no weights at {path}; train first, or give --ckpt_path")
    try:
        network.load_state_dict(torch.load(path, map_location="cpu", weights_only=True))
    except Exception as error:  # torch raises many kinds for a file that is no state dict
        fault = shorten(first_line(error), 200, placeholder=" ...")  # it lists all tensors
        raise InputError(
            f"the weights at {path} do not fit the network ({fault}); give the configs (head, encoder) and "
            "--patch_zoom they were trained with, or train again"
        ) from error
    return network.eval()
