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

import logging
import os
from collections.abc import Mapping
from pathlib import Path
from textwrap import shorten
from typing import Any

import torch
from torch import nn

from scripts.io.input_error import InputError, first_line, refuse_unreadable
from scripts.io.json_object import read_json_object
from scripts.networks.weights_file import WeightsFile

__all__ = ["load_weights"]


def load_weights(
    network: nn.Module, path: str | os.PathLike[str], settings: Mapping[str, Any] | None = None
) -> nn.Module:
    """Load a bare state dict into a network, and log which weights these are.

    Weights fit a network of any size of images and patches, but find little at another than they were trained for. A
    warning tells where ``settings`` are not those that training wrote into the JSON file beside the weights.

    Args:
        network: the network, as its config defines it.
        path: file that training wrote, such as ``models/model.pt``.
        settings: what the network is used with, such as ``{"image_size": [224, 224]}``.

    Returns:
        The network, in evaluation mode.

    Raises:
        InputError: there is no such file, it is no state dict, or it is of another network; or the JSON file beside it
            is damaged.

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
    _compare(Path(path), settings or {})
    logging.getLogger("load_weights").info("weights: %s", WeightsFile.of(path))
    return network.eval()


def _compare(path: Path, settings: Mapping[str, Any]) -> None:
    if not settings:
        return
    beside = path.with_suffix(".json")
    with refuse_unreadable(beside):
        trained = dict(read_json_object(beside).get("settings", {}))
    for name, value in settings.items():
        value = list(value) if isinstance(value, tuple) else value
        if name in trained and trained[name] != value:
            logging.getLogger("load_weights").warning(
                "%s: trained with %s %s, used with %s; give --%s as in training, or the config in configs/data that "
                "these weights are for",
                *(path, name, trained[name], value, name),
            )
