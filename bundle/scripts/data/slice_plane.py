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

"""Which axis of a file its frames follow on: time, or the slices of a volume in a plane of the patient."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from nibabel.orientations import io_orientation

from scripts.data.image_header import check_affine, check_size
from scripts.io.input_error import InputError
from scripts.transforms.coordinates import slice_affines

__all__ = ["check_plane", "split_frames"]

# the axis of RAS that a plane's normal lies along
_NORMAL = {"sagittal": 0, "coronal": 1, "axial": 2}
_NARROW = 4  # times as long as wide, in px and in mm: no image of those that are followed over time


def check_plane(plane: str | None) -> None:
    """Refuse what is no plane.

    Raises:
        InputError: it is neither axial, coronal, sagittal nor None.

    Example:
        >>> check_plane("axial")
    """
    if plane is not None and plane not in _NORMAL:
        raise InputError(f"the setting 'plane' is {plane!r}; it must be axial, coronal or sagittal, or null for time")


def split_frames(
    path: Path,
    pixels: np.ndarray,
    affine: np.ndarray,
    plane: str | None,
    *,
    in_time: bool = False,
    as_slices: bool = True,
) -> tuple[list[np.ndarray], np.ndarray]:
    """Divide the pixels of a file into frames.

    Without a plane they follow on the last axis, which is taken for time. With one they are the slices of a volume
    along the axis whose direction is nearest to the plane's normal, as nibabel assigns axes, in stored order and not
    turned: the two other axes are x and y, in their order.

    Args:
        path: the file, for messages.
        pixels: (X, Y), (X, Y, 1), (X, Y, T) or (X, Y, 1, T); or a volume (X, Y, Z), which a plane tells from (X, Y, T).
        affine: (4, 4), index to RAS mm.
        plane: ``axial``, ``coronal``, ``sagittal`` or None.
        in_time: the file tells that its last axis is time, which a plane then does not change.
        as_slices: ITK, and so 3D Slicer, takes the frames of (X, Y, T) for slices; False where it takes them for
            something else, such as the numbers of a pixel, so that all lie at one place.

    Returns:
        T arrays, and (T, 4, 4): index (x, y, 0, 1) of each to RAS mm, whose third column leads to the next slice. Those
        of (X, Y, 1, T) lie at one place.

    Raises:
        InputError: the axes of a volume do not span a space, or its slices are too large; or no plane is given, and the
            last axis can hardly be time.

    Example:
        >>> affine = np.diag([-1.0, 1.0, 3.0, 1.0])
        >>> frames, affines = split_frames(Path("ct.nii"), np.zeros((5, 6, 7)), affine, "coronal")
        >>> len(frames), frames[0].shape, affines[2, :3, 3].tolist()
        (6, (5, 7), [0.0, 2.0, 0.0])
    """
    if plane is None and pixels.ndim == 3 and not in_time:
        _check_last_is_time(path, pixels.shape, affine)
    if plane is None or in_time or pixels.ndim != 3 or pixels.shape[2] == 1:
        pages = np.moveaxis(pixels.reshape(*pixels.shape[:2], -1), 2, 0)
        if pixels.ndim == 3 and as_slices:
            return list(pages), slice_affines(affine, len(pages))
        return list(pages), np.repeat(affine[None], len(pages), axis=0)
    check_affine(path, affine, 3)
    axis = io_orientation(affine)[:, 0].tolist().index(_NORMAL[plane])
    pages = np.moveaxis(pixels, axis, 0)
    check_size(path, pages.shape[1], pages.shape[2], len(pages))
    others = [one for one in range(3) if one != axis]
    return list(pages), slice_affines(affine[:, [*others, axis, 3]], len(pages))


def _check_last_is_time(path: Path, shape: tuple[int, ...], affine: np.ndarray) -> None:
    """Refuse a series of strips: its first or second axis is rather time, slices or colours, and the last is of space.

    Pixels that are much longer than wide do not make a strip: slices across the thick slices of a volume.
    """
    width, height, frames = shape
    sides = np.linalg.norm(affine[:3, :2], axis=0) * (width, height)
    narrow = int(height < width)
    if _NARROW * shape[narrow] > min(shape[1 - narrow], frames) or _NARROW * sides.min() > sides.max():
        return
    raise InputError(
        f"{path} has the shape {shape}: its last axis, which is taken for time, would give {frames} frames of "
        f"{width} x {height} px. If axis {narrow} is time, write it as the last (and colours as the numbers of a pixel)"
        f"{_planes(shape, affine, narrow)}"
    )


def _planes(shape: tuple[int, ...], affine: np.ndarray, narrow: int) -> str:
    """The end of a message: what planes there are to choose, if the axes span a space."""
    axes = io_orientation(affine)[:, 0]
    if np.isnan(axes).any():
        return ""
    across, along = (next(name for name, axis in _NORMAL.items() if axis == axes[one]) for one in (narrow, 2))
    return (
        f"; to read it as {shape[narrow]} slices of {shape[1 - narrow]} x {shape[2]} px give --plane {across}, and "
        f"--plane {along} to read it as {shape[2]} of {shape[0]} x {shape[1]} px"
    )
