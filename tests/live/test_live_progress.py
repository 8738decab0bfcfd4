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

import io
import logging

import pytest

from scripts.io.landmark_status import LandmarkStatus
from scripts.live import LiveProgress, LiveRow


def rows(*statuses: str) -> list[LiveRow]:
    each = zip(("valve", "apex", "root"), statuses, strict=True)
    return [LiveRow(label, 1.0, 2.0, 1.0, 1.0, 1, LandmarkStatus(status), "") for label, status in each]


def test_the_line_counts_the_three_words_and_names_what_is_doubtful() -> None:
    with LiveProgress() as progress:
        progress.add(rows("unchecked", "unchecked", "unchecked"), latency_ms=130.4, tracking_ms=40.0)
        assert progress.line == "1 frame, latency 130 ms (tracking 40 ms), landmarks: 3 unchecked"
        progress.add(rows("doubtful", "valid", "doubtful"), latency_ms=150.0, tracking_ms=40.0)
    assert progress.line == ("2 frames, latency 150 ms (tracking 40 ms), landmarks: 1 valid, 2 doubtful (valve, root)")
    assert progress.summary(1) == (
        "2 frames tracked, latency 140 ms (median), 149 ms (95 %), landmarks: 1 valid, 3 unchecked, 2 doubtful, "
        "1 unreadable file skipped"
    )


def test_a_terminal_shows_it_in_one_line(monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture) -> None:
    terminal = io.StringIO()
    terminal.isatty = lambda: True
    monkeypatch.setattr("sys.stderr", terminal)
    caplog.set_level(logging.INFO)
    with LiveProgress() as progress:
        for _ in range(3):
            progress.add(rows("valid", "valid", "valid"), latency_ms=130.0, tracking_ms=40.0)
    shown = [line.split(",")[0] for line in terminal.getvalue().split("\r") if line.strip()]
    assert list(dict.fromkeys(shown)) == ["1 frame", "2 frames", "3 frames"]
    assert terminal.getvalue().count("\n") == 1
    assert not caplog.records


def test_a_stream_without_frames() -> None:
    with LiveProgress() as progress:
        pass
    assert progress.summary(0) == "0 frames tracked"


def test_without_a_terminal_the_log_has_a_line_now_and_then(caplog: pytest.LogCaptureFixture) -> None:
    now = 0.0
    caplog.set_level(logging.INFO)
    with LiveProgress(every_s=10.0, clock=lambda: now) as progress:
        for i in range(25):
            now = float(i)
            progress.add(rows("valid", "valid", "valid"), latency_ms=1.0, tracking_ms=1.0)
    assert [record.getMessage().split(",")[0] for record in caplog.records] == ["1 frame", "11 frames", "21 frames"]
