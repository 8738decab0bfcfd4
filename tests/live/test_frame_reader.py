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
from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from scripts.io.input_error import InputError
from scripts.live import read_frame

PIXELS = np.random.default_rng(0).random((64, 48))
FORMATS = ["a.png", "a.jpg", "a.tif", "a.nii", "a.nii.gz", "a.dcm", "a.bmp"]


@pytest.mark.parametrize("name", FORMATS)
def test_x_is_first(tmp_path: Path, write_frame: Callable[..., Path], name: str) -> None:
    frame = read_frame(write_frame(tmp_path / name, PIXELS))
    assert frame.shape == (64, 48)
    assert np.corrcoef(frame.numpy().ravel(), PIXELS.ravel())[0, 1] > 0.9


@pytest.mark.parametrize("name", FORMATS)
@pytest.mark.parametrize("share", [0.0, 0.03, 0.3, 0.7, 0.98])
def test_half_written_files_are_unreadable(
    tmp_path: Path, write_frame: Callable[..., Path], name: str, share: float
) -> None:
    content = write_frame(tmp_path / "whole" / name, PIXELS).read_bytes()
    (tmp_path / name).write_bytes(content[: int(len(content) * share)])
    with pytest.raises(InputError, match=name):
        read_frame(tmp_path / name)


def test_several_frames(tmp_path: Path) -> None:
    pages = [Image.fromarray(np.full((6, 8), i, np.uint8)) for i in range(3)]
    pages[0].save(tmp_path / "clip.tif", save_all=True, append_images=pages[1:])
    with pytest.raises(InputError, match="has 3 frames; a live stream has a file for each"):
        read_frame(tmp_path / "clip.tif")


def test_a_window_is_applied_where_it_is_asked_for(tmp_path: Path, write_frame: Callable[..., Path]) -> None:
    path = write_frame(tmp_path / "a.dcm", PIXELS, WindowCenter=128, WindowWidth=20)
    plain, windowed = (read_frame(path, voi=voi) for voi in (False, True))
    assert windowed[plain > 150].unique().numel() == 1
    assert windowed[plain < 100].unique().numel() == 1
