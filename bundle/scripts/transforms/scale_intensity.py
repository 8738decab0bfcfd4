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

"""One intensity scale for all frames of a series, and intensities in fewer bytes."""

from __future__ import annotations

import numpy as np
import torch

__all__ = ["intensity_range", "restore_intensity", "scale_series_intensity", "store_intensity"]


_LARGEST_SAMPLE = 2_000_000


def scale_series_intensity(
    frames: torch.Tensor,
    lower: float = 0.5,
    upper: float = 99.5,
    largest_sample: int = _LARGEST_SAMPLE,
    *,
    valid: torch.Tensor | None = None,
) -> torch.Tensor:
    """Scale the percentiles of a whole series to [0, 1] and clip.

    MONAI's ``ScaleIntensityRangePercentiles`` does this image by image; the frames of a series share one scale here,
    so that a frame does not brighten because a bright structure left it.

    Args:
        frames: (T, 1, X, Y), on the CPU.
        lower: percentile that becomes 0.
        upper: percentile that becomes 1.
        largest_sample: take the percentiles of so many pixels at most, evenly spread; a few million are as good as all.
        valid: (T, 1, X, Y), bool: the pixels that have a say in the scale; None for all.

    Returns:
        (T, 1, X, Y), float32; all zero where the series is constant.

    Example:
        >>> scale_series_intensity(torch.tensor([0.0, 5.0, 10.0]).reshape(1, 1, 3, 1), 0, 100).flatten()
        tensor([0.0000, 0.5000, 1.0000])
    """
    low, high = intensity_range(frames, valid, lower, upper, largest_sample)
    if high <= low:
        return torch.zeros_like(frames, dtype=torch.float32)
    return ((frames - low) / (high - low)).clamp(0.0, 1.0).float()


def intensity_range(
    frames: torch.Tensor,
    valid: torch.Tensor | None = None,
    lower: float = 0.5,
    upper: float = 99.5,
    largest_sample: int = _LARGEST_SAMPLE,
) -> tuple[float, float]:
    """The values that become 0 and 1, see :func:`scale_series_intensity`; the same one where the series is constant.

    Args:
        frames: (T, 1, X, Y), on the CPU.
        valid: of that shape, bool: the pixels that have a say; None, or none of them True, for all.
        lower: percentile.
        upper: percentile.
        largest_sample: as many pixels at most.

    Example:
        >>> frames = torch.tensor([-2000.0, 0.0, 5.0, 10.0])
        >>> intensity_range(frames, frames > -2000, 0, 100)
        (0.0, 10.0)
    """
    if valid is None or not valid.any():
        valid = None
    every = 1 + frames.numel() // largest_sample
    sample = frames.flatten()[::every]
    if valid is not None:
        chosen = sample[valid.flatten()[::every]]
        sample = chosen if chosen.numel() else frames[valid][:largest_sample]
    low, high = np.percentile(sample.numpy(), [lower, upper]).tolist()
    if high <= low:
        # a few bright pixels on an even ground: the percentiles see the ground only
        values = frames if valid is None else frames[valid]
        low, high = values.min().item(), values.max().item()
    return low, high


def store_intensity(images: torch.Tensor, storage: str) -> torch.Tensor:
    """Keep intensities in [0, 1] in fewer bytes; :func:`restore_intensity` is the inverse.

    Args:
        images: any shape, [0, 1].
        storage: ``float16`` (to 1/4096 or better) or ``uint8`` (to 1/510).

    Raises:
        ValueError: the storage is another one.

    Example:
        >>> store_intensity(torch.tensor([0.0, 0.5, 1.0]), "uint8")
        tensor([  0, 128, 255], dtype=torch.uint8)
    """
    if storage == "float16":
        return images.half()
    if storage == "uint8":
        return images.mul(255.0).round().byte()
    raise ValueError(f"storage is float16 or uint8, not {storage!r}")


def restore_intensity(images: torch.Tensor) -> torch.Tensor:
    """Intensities as float32 in [0, 1], of images kept by :func:`store_intensity`.

    Example:
        >>> restore_intensity(torch.tensor([0, 255], dtype=torch.uint8))
        tensor([0., 1.])
    """
    return images.float().div_(255.0) if images.dtype == torch.uint8 else images.float()
