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

"""Encoders by name."""

from __future__ import annotations

import os
from collections.abc import Callable
from functools import partial

from scripts.io.input_error import InputError
from scripts.networks.encoder_weights import load_encoder_weights
from scripts.networks.foveal_encoder import FovealEncoder
from scripts.networks.monai_encoders import DenseNetEncoder, EfficientNetEncoder, ResNetEncoder
from scripts.networks.residual_encoder import ResidualEncoder
from scripts.networks.timm_encoder import TIMM_MODELS, TimmEncoder

__all__ = ["ENCODERS", "build_encoder"]

_Encoder = ResidualEncoder | ResNetEncoder | EfficientNetEncoder | DenseNetEncoder | TimmEncoder
_MONAI_ENCODERS: dict[str, Callable[..., _Encoder]] = {
    "residual": ResidualEncoder,
    "resnet18": partial(ResNetEncoder, 18),
    "resnet34": partial(ResNetEncoder, 34),
    "resnet50": partial(ResNetEncoder, 50),
    "efficientnet_b0": EfficientNetEncoder,
    "densenet121": DenseNetEncoder,
}
ENCODERS = (*_MONAI_ENCODERS, *(f"timm_{model}" for model in TIMM_MODELS))


def build_encoder(
    name: str = "residual",
    *,
    spatial_dims: int = 2,
    in_channels: int = 1,
    pretrained: bool = False,
    weights: str | os.PathLike[str] | None = None,
    norm: str = "batch",
    zoom: int = 1,
) -> _Encoder | FovealEncoder:
    """Build an encoder, see :class:`scripts.networks.parts.Encoder`.

    Args:
        name: one of ``ENCODERS``; those with ``timm_`` need the extra ``encoders`` (timm).
        spatial_dims: number of spatial axes; the encoders of timm have two.
        in_channels: channels of the image.
        pretrained: load ImageNet weights from timm's hub, for the encoders of timm; not used where ``weights`` are
            given.
        weights: file of weights, see :func:`scripts.networks.load_encoder_weights`.
        norm: ``batch`` or ``instance`` for ``residual``; the others have the normalisation they were published with.
        zoom: above 1 for patches that are seen sharply in the middle and whole, so many times smaller, see
            :class:`scripts.networks.FovealEncoder`.

    Returns:
        An encoder of its own weights.

    Raises:
        InputError: no such name, an option that the encoder has not, timm or the weights cannot be had.

    Example:
        >>> encoder = build_encoder("resnet18")
        >>> encoder.channels, encoder.strides
        ([64, 64, 128, 256, 512], [2, 4, 8, 16, 32])
    """
    if name not in ENCODERS:
        raise InputError(f"there is no encoder {name!r}; the encoders are {', '.join(ENCODERS)}")
    if norm not in (("batch", "instance") if name == "residual" else ("batch",)):
        raise InputError(
            f"the encoder {name} has no norm {norm!r}; only residual has batch or instance, all others batch"
        )
    views = in_channels if zoom == 1 else 2 * in_channels
    from_hub = pretrained and weights is None
    if name in _MONAI_ENCODERS:
        if from_hub:
            raise InputError(
                f"the encoder {name} has no pretrained weights to download; take one with timm_ "
                f"({', '.join(f'timm_{model}' for model in TIMM_MODELS)}), give --encoder_weights FILE or "
                "--pretrained False"
            )
        options = {"norm": norm} if name == "residual" else {}
        encoder = _MONAI_ENCODERS[name](spatial_dims=spatial_dims, in_channels=views, **options)
    else:
        if spatial_dims != 2:
            raise InputError(
                f"the encoder {name} has 2 spatial dimensions and not {spatial_dims}; take one without timm_"
            )
        encoder = TimmEncoder(name.removeprefix("timm_"), in_channels=views, pretrained=from_hub)
    if weights is not None:
        load_encoder_weights(encoder, weights)
    return encoder if zoom == 1 else FovealEncoder(encoder, zoom)
