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

import math
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from scripts.io.landmark_status import LandmarkStatus
from scripts.live import LivePicture, LiveRow

IMAGE = np.random.default_rng(0).random((64, 48)) * 0.3
ROWS = [LiveRow("valve", 30.0, 24.0, 2.0, 2.0, 1, LandmarkStatus.UNCHECKED, "")]


def colourful(path: Path) -> int:
    """Number of pixels that are not grey: what is drawn on the image."""
    with Image.open(path) as picture:
        pixels = np.asarray(picture.convert("RGB")).astype(int)
    return int((np.ptp(pixels[60:], axis=-1) > 60).sum())  # below the title


def test_at_most_once_a_second_and_the_last_frame_in_the_end(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    drawn = []
    monkeypatch.setattr("scripts.live.live_picture.write_overlay", lambda *args, title, **_: drawn.append(title))
    now = 0.0
    picture = LivePicture(tmp_path / "live.png", clock=lambda: now)
    for i in range(25):
        now = i / 10
        picture.show(f"{i}.png", IMAGE, ROWS)
    assert drawn == ["0.png", "10.png", "20.png"]
    picture.refresh()
    assert len(drawn) == 3
    now = 3.0
    picture.refresh()
    picture.refresh(now=True)
    assert drawn[3:] == ["24.png"]


def test_what_is_doubtful_is_named_but_not_drawn(tmp_path: Path) -> None:
    lost = [LiveRow("valve", 30.0, 24.0, 2.0, 2.0, 1, LandmarkStatus.DOUBTFUL, "the examples disagree")]
    nothing = [LiveRow("valve", *[math.nan] * 4, 1, LandmarkStatus.DOUBTFUL, "the frame is constant")]
    counts = []
    for rows in (ROWS, lost, nothing):
        LivePicture(tmp_path / "live.png").show("a.png", IMAGE, rows)
        counts.append(colourful(tmp_path / "live.png"))
    assert counts[0] > 100
    assert counts[1:] == [0, 0]
    assert [path.name for path in tmp_path.iterdir()] == ["live.png"]


def test_a_place_that_cannot_be_written_is_told(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    (tmp_path / "file").write_text("")
    LivePicture(tmp_path / "file" / "live.png").show("a.png", IMAGE, ROWS)
    assert "live.png cannot be written" in caplog.text
