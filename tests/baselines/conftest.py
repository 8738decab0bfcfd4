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
"""Labelled images for the tests of learned baselines."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from scripts.data.frame_dataset import FrameDataset
from scripts.data.image_series import ImageSeries, find_image_series

ROWS = [
    *[f"p{i}.nii,0,tip,{10 + i},{12 + i}" for i in range(6)],
    # marked in all but the last image
    *[f"p{i}.nii,0,apex,{20 - i},{8 + i}" for i in range(5)],
]


def write_rows(path: Path, rows: list[str]) -> str:
    path.write_text("\n".join(["image,frame,label,x,y", *rows]) + "\n")
    return str(path)


@pytest.fixture
def truth(tmp_path: Path) -> str:
    """Two landmarks: ``tip`` in six images, ``apex`` in five of them; px of images of 96 x 64."""
    return write_rows(tmp_path / "truth.csv", ROWS)


@pytest.fixture
def series(tmp_path: Path, write_clip: Callable[..., Path]) -> list[ImageSeries]:
    """Eight images of 96 x 64 px, the last two of which have no landmark."""
    for i in range(8):
        write_clip(tmp_path / "data" / f"p{i}.nii", [(0, 0)], shape=(96, 64), seed=i)
    return find_image_series(tmp_path / "data")


@pytest.fixture
def frames(series: list[ImageSeries]) -> FrameDataset:
    """The images at half size."""
    return FrameDataset(series, (48, 32))
