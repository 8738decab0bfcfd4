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

import csv
import math
import os
import signal
import subprocess
import sys
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

import pytest

from bundle_command import BUNDLE
from scripts.io.input_error import InputError
from scripts.io.landmark_status import LandmarkStatus
from scripts.live import LiveCsv, LiveRow

TIME = datetime(2026, 1, 2, 3, 4, 5, 678000, tzinfo=UTC)
LABELS = ["valve", "apex"]
HEADER = "image,frame,label,x,y,sigma_x,sigma_y,n_examples,status,reason,latency_ms,time\n"


def rows() -> list[LiveRow]:
    lost = LiveRow("apex", *[math.nan] * 4, 1, LandmarkStatus.DOUBTFUL, "the frame is constant")
    return [LiveRow("valve", 1.25, 2.0, 0.5, 0.25, 2, LandmarkStatus.VALID, ""), lost]


def add(path: Path, *images: str, labels: list[str] = LABELS) -> None:
    with LiveCsv(path, labels) as table:
        for image in images:
            table.append(image, rows(), latency_ms=12.345, time=TIME)


def test_content(tmp_path: Path) -> None:
    add(tmp_path / "new" / "live.csv", "s1/a.dcm")
    assert (tmp_path / "new" / "live.csv").read_text() == (
        HEADER + "s1/a.dcm,,valve,1.250,2.000,0.500,0.250,2,valid,,12.3,2026-01-02T03:04:05.678+00:00\n"
        "s1/a.dcm,,apex,,,,,1,doubtful,the frame is constant,12.3,2026-01-02T03:04:05.678+00:00\n"
    )


def test_frames_are_there_when_it_is_opened_again(tmp_path: Path) -> None:
    names = ["a.png", 'b, "c".png', "ü.png", os.fsdecode(b"\xff.png"), "two\nlines.png"]
    add(tmp_path / "live.csv", *names)
    before = (tmp_path / "live.csv").read_bytes()
    with LiveCsv(tmp_path / "live.csv", LABELS) as table:
        assert all(name in table for name in names)
        assert "d.png" not in table and len(table) == 5
    add(tmp_path / "live.csv", *names)
    assert (tmp_path / "live.csv").read_bytes() == before


def test_a_cut_at_any_byte_is_repaired_without_loss_or_double_rows(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("os.fsync", lambda _: None)  # hundreds of them take seconds
    path = tmp_path / "live.csv"
    add(path, "a.png", "b, c.png", "d.png")
    whole = path.read_bytes()
    for size in range(len(whole)):
        path.write_bytes(whole[:size])
        with LiveCsv(path, LABELS) as table:
            kept = path.read_bytes()
            assert kept == whole[: max(whole[:size].rfind(b"\n") + 1, len(HEADER))]
            missing = [image for image in ("a.png", "b, c.png", "d.png") if image not in table]
            for image in missing:
                table.append(image, rows(), latency_ms=12.345, time=TIME)
        assert path.read_bytes() == whole, size


def test_a_cut_of_a_long_line_in_a_long_file(tmp_path: Path) -> None:
    path = tmp_path / "live.csv"
    add(path, *(f"{i}.png" for i in range(500)))
    whole = path.read_bytes()
    path.write_bytes(whole + b"x" * 200_000)
    with LiveCsv(path, LABELS) as table:
        assert len(table) == 500
    assert path.read_bytes() == whole


def test_a_new_landmark_does_not_touch_older_frames(tmp_path: Path) -> None:
    path = tmp_path / "live.csv"
    add(path, "a.png", "b.png")
    before = path.read_bytes()
    with LiveCsv(path, [*LABELS, "root"]) as table:
        assert "a.png" in table
        assert path.read_bytes() == before
        # the last frame may be one that was cut
        root = LiveRow("root", 1.0, 2.0, 1.0, 1.0, 1, LandmarkStatus.UNCHECKED, "")
        table.append("b.png", [*rows(), root], latency_ms=1.0, time=TIME)
    with path.open(newline="") as file:
        found = [(row["image"], row["label"]) for row in csv.DictReader(file)]
    assert found == [(image, label) for image in ("a.png", "b.png") for label in LABELS] + [("b.png", "root")]


@pytest.mark.parametrize("content", ["image,label\na,b", "notes", "image,frame;label\n", HEADER + "a.png,,valve\n"])
def test_another_file_is_left_as_it_is(tmp_path: Path, content: str) -> None:
    (tmp_path / "live.csv").write_text(content)
    with pytest.raises(InputError, match="live.csv.* move it away"):
        LiveCsv(tmp_path / "live.csv", LABELS)
    assert (tmp_path / "live.csv").read_text() == content


def test_a_spreadsheet_program_has_saved_it(tmp_path: Path) -> None:
    add(tmp_path / "live.csv", "a.png")
    content = (tmp_path / "live.csv").read_text().replace("\n", "\r\n")
    (tmp_path / "live.csv").write_bytes(b"\xef\xbb\xbf" + content.encode())
    with LiveCsv(tmp_path / "live.csv", LABELS) as table:
        assert "a.png" in table and len(table) == 1


def test_a_place_that_cannot_be_written(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(InputError, match="cannot be written"):
        LiveCsv(tmp_path / "file" / "live.csv", LABELS)


@pytest.mark.skipif(not os.path.exists("/dev/full"), reason="there is no full disk to write to")
def test_a_full_disk_is_named(tmp_path: Path) -> None:
    with LiveCsv(tmp_path / "live.csv", LABELS) as table:
        table._file.close()
        with open("/dev/full", "wb", buffering=0) as full:
            table._file = full
            with pytest.raises(InputError, match="No space left"):
                table.append("a.png", rows(), latency_ms=1.0, time=TIME)


WRITER = """
import sys, types
from datetime import datetime
for name in ("scripts", "scripts.io", "scripts.live"):  # without what imports torch, which takes seconds
    sys.modules[name] = types.ModuleType(name)
    sys.modules[name].__path__ = [sys.argv[2] + "/" + name.replace(".", "/")]
from scripts.io.landmark_status import LandmarkStatus
from scripts.live.live_csv import LiveCsv, LiveRow
with LiveCsv(sys.argv[1], ["valve", "apex"]) as table:
    for i in range(100_000):
        if f"{i}.png" not in table:
            rows = [LiveRow(label, i, i, 1, 1, 1, LandmarkStatus.UNCHECKED, "") for label in ("valve", "apex")]
            table.append(f"{i}.png", rows, latency_ms=1.0, time=datetime.now().astimezone())
            print(i, flush=True)
"""


@pytest.mark.skipif(not hasattr(signal, "SIGKILL"), reason="there is no such signal")
def test_killed_while_it_writes(tmp_path: Path, read_table: Callable[[Path], list[dict[str, str]]]) -> None:
    path = tmp_path / "live.csv"
    command = [sys.executable, "-c", WRITER, str(path), str(BUNDLE)]
    told = -1
    for _ in range(5):
        process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
        for _ in range(20):
            told = int(process.stdout.readline())
        process.kill()
        process.communicate()
        LiveCsv(path, LABELS).close()
        found = [(row["image"], row["label"]) for row in read_table(path)]
        assert found[: 2 * (told + 1)] == [(f"{i}.png", label) for i in range(told + 1) for label in LABELS]
        assert len(set(found)) == len(found)
