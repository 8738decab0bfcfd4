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

"""Cutting square patches around centres, at sub-pixel positions and past the image border."""

from __future__ import annotations

import torch
import torch.nn.functional as F

from scripts.transforms.coordinates import index_to_grid

__all__ = ["extract_patches", "patch_offsets"]


def patch_offsets(patch_size: int, spatial_dims: int = 2, device: torch.device | str = "cpu") -> torch.Tensor:
    """Offsets of a patch's pixels from its centre.

    The centre of a patch with an even side lies between pixels, as that of the paper's 32..80 px patches does.

    Args:
        patch_size: side of the patch in px.
        spatial_dims: number of spatial axes.
        device: where to build the offsets.

    Returns:
        (patch_size, ..., patch_size, spatial_dims), px, index order.

    Example:
        >>> patch_offsets(2, spatial_dims=1).squeeze(-1)
        tensor([-0.5000,  0.5000])
    """
    axis = torch.arange(patch_size, dtype=torch.float32, device=device) - (patch_size - 1) / 2.0
    return torch.stack(torch.meshgrid([axis] * spatial_dims, indexing="ij"), dim=-1)


def extract_patches(images: torch.Tensor, centers: torch.Tensor, patch_size: int) -> torch.Tensor:
    """Cut one patch an image, or many from one image; outside the image is zero.

    The zeros are the padding by half a patch of Frueh et al. 2022, section III: centres may lie at the margins.

    Args:
        images: ``(B, C, *spatial)``, or ``(1, C, *spatial)`` to cut all patches from one image.
        centers: (B, spatial_dims), px in index order.
        patch_size: side of the patch in px.

    Returns:
        (B, C, patch_size, ..., patch_size).

    Raises:
        ValueError: the numbers of images and centres do not go together.

    Example:
        >>> image = torch.arange(16.0).reshape(1, 1, 4, 4)
        >>> extract_patches(image, torch.tensor([[0.5, 1.5]]), 2)
        tensor([[[[1., 2.],
                  [5., 6.]]]])
    """
    if images.shape[0] not in (1, centers.shape[0]):
        raise ValueError(
            f"{images.shape[0]} images do not go with {centers.shape[0]} centres; give one of each, or one image"
        )
    spatial = images.shape[2:]
    dims = len(spatial)
    offsets = patch_offsets(patch_size, dims, device=images.device)
    points = centers.to(images).reshape(-1, *[1] * dims, dims) + offsets
    grid = index_to_grid(points, spatial)
    if images.shape[0] == 1 and len(centers) != 1:
        # one long sampling grid on one image: no copy of the image for every patch
        flat = grid.reshape(1, -1, *grid.shape[2:])
        patches = F.grid_sample(images, flat, mode="bilinear", padding_mode="zeros", align_corners=False)
        return patches.reshape(images.shape[1], -1, *[patch_size] * dims).transpose(0, 1)
    return F.grid_sample(images, grid, mode="bilinear", padding_mode="zeros", align_corners=False)
