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

import os
from pathlib import Path

import pytest

from scripts.io.input_error import InputError
from scripts.live import FolderWatcher


class Clock:
    """Time that the test turns on."""

    def __init__(self) -> None:
        self.now = 100.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def watcher(incoming: Path, clock: Clock) -> FolderWatcher:
    return FolderWatcher(incoming, settle_s=0.1, give_up_s=5.0, clock=clock)


def look(watcher: FolderWatcher, clock: Clock, after_s: float = 0.1) -> list[str]:
    clock.now += after_s
    return sorted(one.name for one in watcher.look())


def test_a_file_is_complete_when_two_looks_see_the_same(incoming: Path, watcher: FolderWatcher, clock: Clock) -> None:
    (incoming / "a.png").write_bytes(b"half")
    assert look(watcher, clock) == []
    with (incoming / "a.png").open("ab") as file:
        file.write(b" and more")
    assert look(watcher, clock) == []
    assert look(watcher, clock, after_s=0.01) == []  # two looks at the same time tell nothing
    assert look(watcher, clock) == ["a.png"]


def test_a_file_of_its_full_size_that_is_still_written(incoming: Path, watcher: FolderWatcher, clock: Clock) -> None:
    (incoming / "a.dcm").write_bytes(bytes(100))
    for second in range(3):
        os.utime(incoming / "a.dcm", (second, second))
        assert look(watcher, clock) == []
    assert look(watcher, clock) == ["a.dcm"]


def test_what_was_taken_or_is_known_is_not_new(incoming: Path, clock: Clock) -> None:
    watcher = FolderWatcher(incoming, known={"known.png"}, settle_s=0.1, clock=clock)
    for name in ("known.png", "a.png", "b.png"):
        (incoming / name).write_bytes(b"1")
    look(watcher, clock)
    clock.now += 0.1
    first, second = sorted(watcher.look(), key=lambda one: one.name)
    watcher.take(first)
    assert look(watcher, clock) == [second.name] == ["b.png"]


def test_the_time_since_it_was_seen_is_that_of_its_last_change(
    incoming: Path, watcher: FolderWatcher, clock: Clock
) -> None:
    (incoming / "a.png").write_bytes(b"1")
    look(watcher, clock)
    (incoming / "a.png").write_bytes(b"12")
    look(watcher, clock, after_s=2.0)
    clock.now += 0.3
    [arrival] = watcher.look()
    assert arrival.since_s == pytest.approx(clock.now - 0.3)


def test_sub_folders_but_no_hidden_and_unfinished_files(incoming: Path, watcher: FolderWatcher, clock: Clock) -> None:
    for name in ("s1/a.dcm", "s1/.a.dcm.Xf3", ".cache/b.dcm", "__MACOSX/c.png", "d.dcm.part", "e.tmp", "f.png~", "IM1"):
        (incoming / name).parent.mkdir(exist_ok=True)
        (incoming / name).write_bytes(b"1")
    look(watcher, clock)
    assert look(watcher, clock) == ["IM1", "s1/a.dcm"]


def test_an_unreadable_file_is_tried_again_then_named_and_left(
    incoming: Path, watcher: FolderWatcher, clock: Clock, caplog: pytest.LogCaptureFixture
) -> None:
    (incoming / "bad.png").write_bytes(b"1")
    look(watcher, clock)
    tries = 0
    for _ in range(100):
        clock.now += 0.1
        for arrival in watcher.look():
            tries += 1
            watcher.put_off(arrival, "no picture")
    assert 4 <= tries <= 7
    assert watcher.skipped == 1
    assert [record.getMessage() for record in caplog.records] == ["bad.png is skipped, unreadable for 5 s: no picture"]
    # its writer was only slow
    (incoming / "bad.png").write_bytes(b"12")
    look(watcher, clock)
    assert look(watcher, clock) == ["bad.png"]
    [arrival] = watcher.look()
    watcher.take(arrival)
    assert watcher.skipped == 0


def test_a_file_that_vanishes_is_forgotten(incoming: Path, watcher: FolderWatcher, clock: Clock) -> None:
    (incoming / "a.png").write_bytes(b"1")
    look(watcher, clock)
    clock.now += 0.1
    [arrival] = watcher.look()
    assert not arrival.has_changed
    (incoming / "a.png").unlink()
    assert arrival.has_changed
    assert look(watcher, clock) == []


def test_a_folder_that_goes_away_and_comes_back(
    incoming: Path, watcher: FolderWatcher, clock: Clock, caplog: pytest.LogCaptureFixture
) -> None:
    incoming.rename(incoming.with_name("away"))
    assert look(watcher, clock) == look(watcher, clock) == []
    assert [record.getMessage() for record in caplog.records] == [f"{incoming} cannot be reached; waiting for it"]
    incoming.with_name("away").rename(incoming)
    (incoming / "a.png").write_bytes(b"1")
    look(watcher, clock)
    assert look(watcher, clock) == ["a.png"]


def test_no_folder(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="give --dataset_dir FOLDER"):
        FolderWatcher(tmp_path / "none")
