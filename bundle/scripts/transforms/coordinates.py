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
- *LPS*: mm in the patient, to the left, the back and the head: the convention of DICOM and of landmark files. Affines
  lead to RAS, as in NIfTI and MONAI; the signs change here.

:class:`scripts.transforms.ImageFit` moves points between an image and the network's with the image itself.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import torch

__all__ = [
    "JOINED_STEP_MM",
    "LPS_TO_RAS",
    "index_scale_to_normalized",
    "index_to_grid",
    "index_to_lps",
    "index_to_normalized",
    "joined_affines",
    "lps_to_index",
    "normalized_scale_to_index",
    "normalized_to_index",
    "pixel_spacing",
    "slice_affines",
]

JOINED_STEP_MM = 1.0  # from frame to frame of a file that the files of a series are joined to
LPS_TO_RAS = np.diag([-1.0, -1.0, 1.0, 1.0])  # its own inverse


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
    """Lengths along the axes (a standard deviation, a distance), (..., spatial_dims), from normalised units to pixels.

    Example:
        >>> normalized_scale_to_index(torch.tensor([0.1, 0.1]), (100, 200))
        tensor([ 5., 10.])
    """
    return scale * _extent(shape, scale) / 2.0


def index_scale_to_normalized(scale: torch.Tensor, shape: Sequence[int]) -> torch.Tensor:
    """Lengths from pixels to normalised units: the inverse of :func:`normalized_scale_to_index`, same shapes.

    Example:
        >>> index_scale_to_normalized(torch.tensor([5.0, 10.0]), (100, 200))
        tensor([0.1000, 0.1000])
    """
    return 2.0 * scale / _extent(shape, scale)


def index_to_grid(points: torch.Tensor, shape: Sequence[int]) -> torch.Tensor:
    """Pixel indices to a sampling grid of ``grid_sample(..., align_corners=False)``.

    Args:
        points: ``(B, *output_shape, spatial_dims)``, px in the image that is sampled.
        shape: spatial shape of the image that is sampled.

    Returns:
        ``(B, *output_shape, spatial_dims)``, normalised, last spatial axis first.

    Example:
        >>> index_to_grid(torch.tensor([[0.0, 9.5]]), (4, 20))
        tensor([[ 0.0000, -0.7500]])
    """
    return index_to_normalized(points, shape).flip(-1)


def pixel_spacing(affine: np.ndarray) -> tuple[float, float]:
    """Distance of pixel centres along x and y in mm, of an affine (4, 4) as :func:`index_to_lps` takes it.

    Example:
        >>> pixel_spacing(np.diag([0.5, -2.0, 1.0, 1.0]))
        (0.5, 2.0)
    """
    x, y = np.linalg.norm(affine[:3, :2], axis=0)
    return float(x), float(y)


def slice_affines(first: np.ndarray, count: int) -> np.ndarray:
    """The affines of the slices of a volume.

    Args:
        first: (4, 4) of the first, index (x, y, slice, 1) to RAS mm.
        count: how many slices.

    Returns:
        (count, 4, 4): index (x, y, 0, 1) of each.

    Example:
        >>> slice_affines(np.diag([-1.0, -1.0, 3.0, 1.0]), 3)[:, 2, 3].tolist()
        [0.0, 3.0, 6.0]
    """
    affines = np.repeat(np.asarray(first, dtype=float)[None], count, axis=0)
    affines[:, :3, 3] += np.arange(count)[:, None] * affines[0, :3, 2]
    return affines


def joined_affines(affines: np.ndarray) -> np.ndarray:
    """Where ITK, and with it 3D Slicer, puts the frames of a series that are joined to one file.

    The frames lie at one place. A viewer of volumes takes them for slices: 1 mm apart along their normal, the first of
    which is there.

    Args:
        affines: (T, 4, 4) of the series, index (x, y, 0, 1) to RAS mm.

    Returns:
        (T, 4, 4), float64; the third column is the step from frame to frame.

    Example:
        >>> joined_affines(np.stack([np.eye(4)] * 3))[2, :3, 3].tolist()
        [0.0, 0.0, 2.0]
    """
    first = np.array(affines[0], dtype=float)
    normal = np.cross(first[:3, 0], first[:3, 1])
    first[:3, 2] = JOINED_STEP_MM * normal / np.linalg.norm(normal)
    return slice_affines(first, len(affines))


def index_to_lps(points: np.ndarray, affine: np.ndarray) -> np.ndarray:
    """Where pixels of an image lie in the patient.

    Args:
        points: (..., 2), px.
        affine: (4, 4), index (x, y, 0, 1) to RAS mm, as of :class:`scripts.data.SeriesImage`.

    Returns:
        (..., 3), float64, LPS mm.

    Example:
        >>> index_to_lps(np.array([10.0, 20.0]), np.diag([0.5, 0.5, 1.0, 1.0])).tolist()
        [-5.0, -10.0, 0.0]
    """
    lps = LPS_TO_RAS @ np.asarray(affine, dtype=float)
    # adding zero turns -0.0 into 0.0, which reads better in files
    return np.asarray(points, dtype=float) @ lps[:3, :2].T + lps[:3, 3] + 0.0


def lps_to_index(points: np.ndarray, affine: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """The pixels that are nearest to places in the patient, and how far off the image's plane these lie.

    Args:
        points: (..., 3), LPS mm.
        affine: (4, 4), as in :func:`index_to_lps`. Its third column is not used: in a 2D file it may be anything.

    Returns:
        Points (..., 2) in px, inside of the image or not, and distances (...) from its plane in mm, of either sign.

    Raises:
        ValueError: the image's axes do not span a plane.

    Example:
        >>> index, off = lps_to_index(np.array([-5.0, -10.0, 3.0]), np.diag([0.5, 0.5, 1.0, 1.0]))
        >>> index.tolist(), float(off)
        ([10.0, 20.0], 3.0)
    """
    lps = LPS_TO_RAS @ np.asarray(affine, dtype=float)
    normal = np.cross(lps[:3, 0], lps[:3, 1])
    area = np.linalg.norm(normal)
    if not area > 0:
        raise ValueError(f"the image's axes {lps[:3, 0].tolist()} and {lps[:3, 1].tolist()} do not span a plane")
    axes = np.column_stack([lps[:3, 0], lps[:3, 1], normal / area])
    steps = (np.asarray(points, dtype=float) - lps[:3, 3]) @ np.linalg.inv(axes).T
    return steps[..., :2], steps[..., 2]
