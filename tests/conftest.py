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
"""Fixtures of several packages' tests: textured images that move by known shifts."""

from __future__ import annotations

import importlib.util
from collections.abc import Callable, Sequence
from pathlib import Path

import nibabel as nib
import numpy as np
import pytest
import torch
import torch.nn.functional as F


def _declare_missing_torchvision_ops() -> torch.library.Library | None:
    """Let torchvision, which timm imports, be imported beside a torch whose build its compiled ops do not fit.

    PyPI's torchvision does not load its ops beside a CPU build of torch, and then falls over two that it expects.
    No test calls them.

    Returns:
        What must live as long as the ops; None where the real ones are there, or no torchvision.
    """
    found = importlib.util.find_spec("torchvision")
    if found is None:
        return None
    try:
        torch.ops.load_library(str(Path(found.origin).with_name("_C.so")))
    except OSError:
        library = torch.library.Library("torchvision", "FRAGMENT")
        for op in ("nms", "qnms"):
            library.define(f"{op}(Tensor dets, Tensor scores, float iou_threshold) -> Tensor")
        return library
    return None


_TORCHVISION_OPS = _declare_missing_torchvision_ops()
_MARGIN = 32  # of the canvas; larger than any shift


def _texture_frames(shape: Sequence[int], shifts: Sequence[tuple[int, int]], *, seed: int = 0) -> np.ndarray:
    """Frames (T, X, Y) of one smooth texture without a border; what is at p without a shift is at p + shift."""
    size = [n + 2 * _MARGIN for n in shape]
    coarse = torch.from_numpy(np.random.default_rng(seed).random((1, 1, *[n // 8 for n in size])))
    canvas = F.interpolate(coarse, size=size, mode="bicubic")[0, 0].numpy()
    starts = [(_MARGIN - dx, _MARGIN - dy) for dx, dy in shifts]
    return np.stack([canvas[x : x + shape[0], y : y + shape[1]] for x, y in starts])


def _write_clip(
    path: Path,
    shifts: Sequence[tuple[int, int]],
    *,
    shape: Sequence[int] = (80, 60),
    seed: int = 0,
    affine: np.ndarray | None = None,
) -> Path:
    """NIfTI (X, Y, 1, T) of a texture that moves by the shifts, px."""
    frames = _texture_frames(shape, shifts, seed=seed) * 1000
    pixels = np.moveaxis(frames, 0, -1)[:, :, None].astype(np.float32)
    path.parent.mkdir(parents=True, exist_ok=True)
    nib.Nifti1Image(pixels, np.eye(4) if affine is None else affine).to_filename(path)
    return path


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--zoo_schema", help="the Model Zoo's schema of metadata.json, to check it by")


@pytest.fixture
def texture_frames() -> Callable[..., np.ndarray]:
    return _texture_frames


@pytest.fixture
def write_clip() -> Callable[..., Path]:
    return _write_clip
