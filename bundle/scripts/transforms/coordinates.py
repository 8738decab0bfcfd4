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

"""The only place where points change coordinates. Everything else calls these functions.

- *index*: ``point[i]`` indexes spatial axis ``i`` of a channel-first image; pixel centres are integers.
- *normalised*: [-1, 1] per axis from edge to edge of the image (``align_corners=False``), same axis order.
- *grid*: what ``torch.nn.functional.grid_sample`` takes: normalised, axes in reverse order.
"""

from __future__ import annotations

from collections.abc import Sequence

import torch

__all__ = [
    "index_scale_to_normalized",
    "index_to_grid",
    "index_to_normalized",
    "normalized_scale_to_index",
    "normalized_to_index",
]


def _extent(shape: Sequence[int], like: torch.Tensor) -> torch.Tensor:
    return torch.tensor([float(size) for size in shape], dtype=like.dtype, device=like.device)


def index_to_normalized(points: torch.Tensor, shape: Sequence[int]) -> torch.Tensor:
    """Pixel indices to [-1, 1].

    Args:
        points: (..., spatial_dims), px.
        shape: spatial shape of the image, one size an axis.

    Returns:
        (..., spatial_dims), normalised.

    Example:
        >>> index_to_normalized(torch.tensor([0.0, 9.5]), (4, 20))
        tensor([-0.7500,  0.0000])
    """
    return (2.0 * points + 1.0) / _extent(shape, points) - 1.0


def normalized_to_index(points: torch.Tensor, shape: Sequence[int]) -> torch.Tensor:
    """[-1, 1] to pixel indices: the inverse of :func:`index_to_normalized`, same shapes.

    Example:
        >>> normalized_to_index(torch.tensor([-0.75, 0.0]), (4, 20))
        tensor([0.0000, 9.5000])
    """
    return ((points + 1.0) * _extent(shape, points) - 1.0) / 2.0


def normalized_scale_to_index(scale: torch.Tensor, shape: Sequence[int]) -> torch.Tensor:
    """A length (a standard deviation, a distance) from normalised units to pixels.

    Example:
        >>> normalized_scale_to_index(torch.tensor([0.1, 0.1]), (100, 200))
        tensor([ 5., 10.])
    """
    return scale * _extent(shape, scale) / 2.0


def index_scale_to_normalized(scale: torch.Tensor, shape: Sequence[int]) -> torch.Tensor:
    """A length from pixels to normalised units: the inverse of :func:`normalized_scale_to_index`.

    Example:
        >>> index_scale_to_normalized(torch.tensor([5.0, 10.0]), (100, 200))
        tensor([0.1000, 0.1000])
    """
    return 2.0 * scale / _extent(shape, scale)


def index_to_grid(points: torch.Tensor, shape: Sequence[int]) -> torch.Tensor:
    """Pixel indices to a sampling grid of ``grid_sample(..., align_corners=False)``.

    Args:
        points: (B, *output_shape, spatial_dims), px in the image that is sampled.
        shape: spatial shape of the image that is sampled.

    Returns:
        (B, *output_shape, spatial_dims), normalised, last spatial axis first.

    Example:
        >>> index_to_grid(torch.tensor([[0.0, 9.5]]), (4, 20))
        tensor([[ 0.0000, -0.7500]])
    """
    return index_to_normalized(points, shape).flip(-1)
