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

"""Loading an encoder's weights from a file, such as ImageNet weights."""

from __future__ import annotations

import os
import re
from collections.abc import Iterable
from pathlib import Path

import torch
from torch import nn

from scripts.io.input_error import InputError, first_line

__all__ = ["load_encoder_weights"]

# beginnings of the names of published weights that come after the last stage
_AFTER_THE_STAGES = ("fc.", "classifier.", "head.", "pre_logits.", "class_layers.", "_fc.", "_conv_head.", "_bn1.")


def load_encoder_weights(encoder: nn.Module, path: str | os.PathLike[str]) -> nn.Module:
    """Load a state dict into an encoder, under the encoder's own names or those of its published ImageNet weights.

    Published are: torchvision's for ResNet, DenseNet and VGG, those of EfficientNet-PyTorch, and timm's for the
    ``timm_`` encoders. Weights of a classifier are left out. An encoder of fewer channels takes the first
    convolution's summed over them, an equal part a channel: what a grey image in all channels would give.

    Args:
        encoder: an encoder of :func:`scripts.networks.build_encoder`.
        path: a bare state dict, ``.safetensors`` or a file of ``torch.save``.

    Returns:
        The encoder.

    Raises:
        InputError: there is no such file, it is no state dict, or it is of another network.

    Example:
        >>> encoder = load_encoder_weights(ResNetEncoder(50), "resnet50-0676ba61.pth")  # doctest: +SKIP
    """
    found = _read_state_dict(path)
    own = encoder.state_dict()
    first_convolution = next(name for name, weight in own.items() if weight.ndim > 2)
    fitting: dict[str, torch.Tensor] = {}
    misfits: list[str] = []
    unknown = {name for name in found if not name.startswith(_AFTER_THE_STAGES)}
    for name, weight in own.items():
        published = next((other for other in _published_names(name) if other in found), None)
        if published is None:
            # a counter that old files lack; only a momentum of None reads it
            if not name.endswith("num_batches_tracked"):
                misfits.append(f"no {name}")
            continue
        unknown.discard(published)
        value = found[published]
        if name == first_convolution and value.ndim == weight.ndim and value.shape[1] > weight.shape[1]:
            value = value.sum(dim=1, keepdim=True).repeat_interleave(weight.shape[1], dim=1) / weight.shape[1]
        if value.shape == weight.shape:
            fitting[name] = value
        else:
            misfits.append(f"{published} is {tuple(value.shape)} and not {tuple(weight.shape)}")
    misfits += [f"{name} is unknown" for name in sorted(unknown)]
    if misfits:
        raise InputError(
            f"the weights at {path} do not fit the encoder ({_some(misfits)}); give the --encoder that they are of"
        )
    encoder.load_state_dict(fitting, strict=False)
    return encoder


def _read_state_dict(path: str | os.PathLike[str]) -> dict[str, torch.Tensor]:
    if not Path(path).is_file():
        raise InputError(f"there are no encoder weights at {path}; give --encoder_weights an existing file")
    try:
        if Path(path).suffix == ".safetensors":
            from safetensors.torch import load_file

            found = load_file(path)
        else:
            found = torch.load(path, map_location="cpu", weights_only=True)
    except ImportError as error:
        raise InputError(f"reading {path} needs safetensors: pip install safetensors") from error
    except Exception as error:  # torch raises many kinds for a file that is no state dict
        raise InputError(
            f"the encoder weights at {path} cannot be read ({first_line(error)}); give another file"
        ) from error
    if not isinstance(found, dict) or not all(isinstance(value, torch.Tensor) for value in found.values()):
        raise InputError(f"the encoder weights at {path} are no state dict, tensors by name; give another file")
    return found


def _published_names(name: str) -> Iterable[str]:
    """The encoder's own name of a weight, and those that it may have in a published file."""
    yield name
    # timm joins the first two levels of a network's modules when it makes an encoder of it
    plain = re.sub(r"^net\.((features|stages|stem)_)?", lambda match: f"{match[2]}." if match[1] else "", name)
    # MONAI has one level more in DenseNet's layers and in EfficientNet's blocks
    plain = re.sub(r"(denselayer\d+)\.layers\.", r"\1.", plain)
    plain = re.sub(r"^_blocks\.\d+\.", "_blocks.", plain)
    yield plain
    yield re.sub(r"(denselayer\d+\.(?:norm|conv))(\d)", r"\1.\2", plain)  # torchvision's file of 2017


def _some(misfits: list[str]) -> str:
    return ", ".join(misfits[:3]) + (f" and {len(misfits) - 3} more" if len(misfits) > 3 else "")
