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

"""The network as a TorchScript file."""

from __future__ import annotations

import os
import warnings
from collections.abc import Mapping
from typing import Any

from monai.data import save_net_with_metadata
from monai.networks import convert_to_torchscript

from scripts.networks.template_matching_network import TemplateMatchingNetwork

__all__ = ["export_torchscript"]


def export_torchscript(
    network: TemplateMatchingNetwork, path: str | os.PathLike[str], metadata: Mapping[str, Any] | None = None
) -> None:
    """Script the network and write it as MONAI's ``ckpt_export`` does, for any size of image and patch.

    Beside ``forward(image, patch)`` the file has the methods ``encode_image``, ``encode_patch`` and ``match``.

    Args:
        network: the network; it is put in evaluation mode.
        path: the file, which ends with ``.ts``.
        metadata: the bundle's metadata, kept in the file.

    Example:
        >>> export_torchscript(network, "model.ts")  # doctest: +SKIP
        >>> torch.jit.load("model.ts").encode_patch(torch.rand(5, 1, 48, 48)).shape  # doctest: +SKIP
        torch.Size([5, 64])
    """
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)  # torch's own word on torch.jit
        scripted = convert_to_torchscript(network)
        save_net_with_metadata(scripted, os.fspath(path), include_config_vals=False, meta_values=metadata)
