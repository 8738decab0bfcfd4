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

import logging
import os
import signal
import sys
import threading
import time
from collections.abc import Callable
from datetime import datetime
from pathlib import Path

import numpy as np
import pytest
import torch
from monai.bundle import ConfigWorkflow

from bundle_command import BUNDLE, start_bundle
from scripts.classical import NCCMatcher
from scripts.inferers import LandmarkTracker, LocalRefinement, Trust
from scripts.io.input_error import InputError, find_input_error
from scripts.live import LiveTracking, read_example_frames

START = {"valve": (30.0, 24.0), "apex": (40.0, 20.0)}
Table = Callable[[Path], list[dict[str, str]]]
Write = Callable[..., Path]


@pytest.fixture
def live(tmp_path: Path, incoming: Path, examples: Path) -> Callable[..., LiveTracking]:
    """A live view that ends half a second after the last frame."""

    def make(given: Path = examples, **options: object) -> LiveTracking:
        tracker = LandmarkTracker(NCCMatcher(), 16, (64, 48), sigma_per_scale=0.01, refinement=LocalRefinement())
        frames = read_example_frames(given, incoming)
        options = {"interval_s": 0.02, "give_up_s": 0.1, "stop_after_s": 0.5, **options}
        return LiveTracking(tracker, frames, incoming, tmp_path / "out", **options)

    return make


def images(rows: list[dict[str, str]]) -> list[str]:
    """Names of the frames in the order of their rows, each with both landmarks."""
    names = [row["image"] for row in rows]
    assert [row["label"] for row in rows] == ["valve", "apex"] * (len(rows) // 2)
    assert names[::2] == names[1::2]
    assert len(set(names)) == len(names) // 2
    return names[::2]


def test_files_of_all_formats_that_a_writer_is_slow_with(
    tmp_path: Path,
    incoming: Path,
    frames: np.ndarray,
    shifts: list[tuple[int, int]],
    write_frame: Write,
    live: Callable[..., LiveTracking],
    read_table: Table,
) -> None:
    suffixes = [".png", ".dcm", ".nii.gz", ".tif", ".nii", ".dcm"]
    names = [f"{i:02d}{suffixes[i % len(suffixes)]}" for i in range(len(frames))]
    contents = [
        write_frame(tmp_path / "whole" / name, frame).read_bytes() for name, frame in zip(names, frames, strict=True)
    ]

    def write() -> None:
        for name, content in zip(names, contents, strict=True):
            for end in (len(content) // 3, 2 * len(content) // 3, len(content)):
                with (incoming / name).open("ab") as file:
                    file.write(content[(incoming / name).stat().st_size : end])
                time.sleep(0.05)  # longer than two looks

    writer = threading.Thread(target=write)
    begin = datetime.now().astimezone()
    writer.start()
    live(give_up_s=5.0, stop_after_s=2.0).run()
    writer.join()
    rows = read_table(tmp_path / "out" / "live.csv")
    assert images(rows) == names
    for row in rows:
        shift = shifts[int(row["image"][:2])]
        found = float(row["x"]), float(row["y"])
        assert found == pytest.approx(np.add(START[row["label"]], shift), abs=0.3)
        assert (row["status"], row["reason"], row["n_examples"], row["frame"]) == ("unchecked", "", "1", "")
        assert 20 <= float(row["latency_ms"]) < 5000
        assert begin <= datetime.fromisoformat(row["time"]) <= datetime.now().astimezone()


def test_frames_that_are_there_already_are_taken_in_order(
    tmp_path: Path,
    incoming: Path,
    frames: np.ndarray,
    write_frame: Write,
    live: Callable[..., LiveTracking],
    read_table: Table,
) -> None:
    for i in range(4):
        write_frame(incoming / f"{9 - i}.png", frames[i], mtime_s=100 + i)
        write_frame(incoming / f"{9 - i}.dcm", frames[i], mtime_s=204 - i, InstanceNumber=9 - i)
    live().run()
    expected = ["9.png", "8.png", "7.png", "6.png", "6.dcm", "7.dcm", "8.dcm", "9.dcm"]
    assert images(read_table(tmp_path / "out" / "live.csv")) == expected


def test_a_restart_goes_on(
    tmp_path: Path,
    incoming: Path,
    frames: np.ndarray,
    write_frame: Write,
    live: Callable[..., LiveTracking],
    read_table: Table,
    caplog: pytest.LogCaptureFixture,
) -> None:
    caplog.set_level(logging.INFO)
    table = tmp_path / "out" / "live.csv"
    for i in range(4):
        write_frame(incoming / f"{i}.png", frames[i], mtime_s=100 + i)
    live(max_frames=3).run()
    assert images(read_table(table)) == ["0.png", "1.png", "2.png"]
    whole = table.read_bytes()
    table.write_bytes(whole[: whole.rfind(b"2.png") + 20])  # half of the last row
    live().run()
    assert images(read_table(table)) == ["0.png", "1.png", "2.png", "3.png"]
    assert table.read_bytes().startswith(whole[: whole.rfind(b"2.png")])
    assert "2 frames are in it" in caplog.text
    before = table.read_bytes()
    live().run()
    assert table.read_bytes() == before


def test_limits_are_learned_from_the_first_frames(
    incoming: Path,
    frames: np.ndarray,
    write_frame: Write,
    live: Callable[..., LiveTracking],
    caplog: pytest.LogCaptureFixture,
) -> None:
    caplog.set_level(logging.INFO)
    write_frame(incoming / "0.png", frames[0] * 0, mtime_s=99)  # shows nothing, and is not learned from
    for i in range(12):
        write_frame(incoming / f"{i + 1}.png", frames[i], mtime_s=100 + i)
    view = live(learn_frames=10, false_alarm=0.1)
    view.run()
    assert "limits learned from 10 frames: dissent" in caplog.text
    measures = torch.stack(
        [one.measures for i in range(10) for one in view.tracker.update(frames[i]).landmarks.values()]
    )
    expected = Trust.learn(measures, 0.1, ["dissent"])
    assert view.tracker.trust.limits == pytest.approx(expected.limits, rel=0.05, abs=0.02)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"learn_frames": 4, "false_alarm": 0.1}, "4 frames give 8 answers, too few .* give --learn_frames 5 or more"),
        ({"learn_frames": 50, "false_alarm": 0.0}, "false_alarm is 0.0; give a share between 0 and 1"),
    ],
)
def test_too_few_frames_to_learn_from_are_refused_at_once(live: Callable[..., LiveTracking], options, message) -> None:
    with pytest.raises(InputError, match=message):
        live(**options)


def test_unreadable_and_unsuitable_files_are_named_and_do_no_harm(
    tmp_path: Path,
    incoming: Path,
    frames: np.ndarray,
    write_frame: Write,
    live: Callable[..., LiveTracking],
    read_table: Table,
    caplog: pytest.LogCaptureFixture,
) -> None:
    caplog.set_level(logging.INFO)
    content = write_frame(tmp_path / "whole.dcm", frames[0]).read_bytes()
    (incoming / "0.dcm").write_bytes(content[:-100])
    (incoming / "1.png").write_bytes(b"")
    (incoming / "2.txt").write_text("no image")
    write_frame(incoming / "3.png", np.full((64, 48), 0.5))
    write_frame(incoming / "4.png", frames[1][:50], mtime_s=time.time() + 1)
    write_frame(incoming / "5.png", frames[2], mtime_s=time.time() + 2)
    live().run()
    rows = read_table(tmp_path / "out" / "live.csv")
    assert images(rows) == ["3.png", "4.png", "5.png"]
    assert [row["status"] for row in rows] == ["doubtful"] * 4 + ["unchecked"] * 2
    assert {row["reason"] for row in rows} == {
        *("", "the frame is constant", "the frame has 50 x 48 px, the examples 64 x 48")
    }
    assert all(row["x"] == row["sigma_y"] == "" for row in rows[:4])
    messages = [record.getMessage() for record in caplog.records]
    for name in ("0.dcm", "1.png", "2.txt"):
        assert [message for message in messages if message.startswith(f"{name} is skipped, unreadable for 0.1 s")]
    assert "4.png: the frame has 50 x 48 px, the examples 64 x 48" in messages
    assert "3 frames tracked" in messages[-1] and "3 unreadable files skipped" in messages[-1]


def test_a_file_that_is_replaced_while_it_is_read_is_read_again(
    tmp_path: Path,
    incoming: Path,
    frames: np.ndarray,
    write_frame: Write,
    live: Callable[..., LiveTracking],
    read_table: Table,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    from scripts.live.live_tracking import read_frame

    write_frame(incoming / "0.png", frames[0], mtime_s=100)
    reads = []

    def read(path: Path, **options: bool) -> object:
        image = read_frame(path, **options)
        reads.append(path)
        if len(reads) == 1:
            write_frame(incoming / "0.png", frames[1], mtime_s=101)
        return image

    monkeypatch.setattr("scripts.live.live_tracking.read_frame", read)
    live().run()
    assert len(reads) == 2
    row = read_table(tmp_path / "out" / "live.csv")[0]
    assert float(row["x"]) == pytest.approx(31.0, abs=0.3)


def test_the_picture_is_of_the_last_frame(
    tmp_path: Path, incoming: Path, frames: np.ndarray, write_frame: Write, live: Callable[..., LiveTracking]
) -> None:
    write_frame(incoming / "0.png", frames[0])
    live(picture=True, max_frames=1).run()
    assert (tmp_path / "out" / "live.png").stat().st_size > 1000
    assert sorted(path.name for path in (tmp_path / "out").iterdir()) == ["live.csv", "live.png"]


def test_an_example_frame_without_contrast(tmp_path: Path, incoming: Path, write_frame: Write) -> None:
    write_frame(tmp_path / "flat.png", np.full((64, 48), 0.5))
    (tmp_path / "flat.csv").write_text("image,frame,label,x,y\nflat.png,,valve,30,24\n")
    frames = read_example_frames(tmp_path / "flat.csv", incoming)
    with pytest.raises(InputError, match=r"flat.csv, line 2: .*constant"):
        LiveTracking(LandmarkTracker(NCCMatcher(), 16, (64, 48)), frames, incoming, tmp_path / "out")


# the real command line


def options(tmp_path: Path, weights: Path, *more: str) -> list[str]:
    where = ["--dataset_dir", str(tmp_path / "incoming"), "--output_dir", str(tmp_path / "out")]
    where += ["--ckpt_path", str(weights), "--examples", str(tmp_path / "examples.csv")]
    return [*where, "--image_size", "[64,48]", "--patch_size", "16", *more]


def wait_for_rows(table: Path, number: int, process: object) -> None:
    while not table.exists() or table.read_bytes().count(b"\n") <= number:
        assert process.poll() is None, process.communicate()
        time.sleep(0.01)


@pytest.mark.skipif(not hasattr(signal, "SIGKILL"), reason="there is no such signal")
def test_killed_started_again_and_ended_by_ctrl_c(
    tmp_path: Path,
    incoming: Path,
    examples: Path,
    weights: Path,
    frames: np.ndarray,
    write_frame: Write,
    read_table: Table,
) -> None:
    table = tmp_path / "out" / "live.csv"
    configs = ["inference.json", "live.json"]
    for i in range(6):
        write_frame(incoming / f"{i:02d}.png", frames[i], mtime_s=100 + i)
    process = start_bundle("live", configs, *options(tmp_path, weights))
    wait_for_rows(table, 4, process)
    process.kill()
    process.communicate()
    kept = table.read_bytes()
    kept = kept[: kept.rfind(b"\n") + 1]
    process = start_bundle("live", configs, *options(tmp_path, weights, "--picture", "True", "--refine", "False"))
    for i in range(6, 12):
        write_frame(incoming / f"{i:02d}.dcm", frames[i], InstanceNumber=i)
    wait_for_rows(table, 24, process)
    os.kill(process.pid, signal.SIGINT)
    output, errors = process.communicate()
    assert process.returncode == 0, errors[-3000:]
    assert "Traceback" not in errors
    assert "frames tracked, latency" in output + errors
    assert table.read_bytes().startswith(kept)
    expected = [f"{i:02d}.png" for i in range(6)] + [f"{i:02d}.dcm" for i in range(6, 12)]
    assert images(read_table(table)) == expected
    assert (tmp_path / "out" / "live.png").exists()


def test_a_fault_is_found_before_the_start(
    tmp_path: Path, incoming: Path, examples: Path, weights: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(BUNDLE)
    monkeypatch.setattr(sys, "excepthook", sys.excepthook)  # the config replaces it
    where = {"dataset_dir": str(incoming), "ckpt_path": str(weights), "image_size": [64, 48], "patch_size": 16}
    for fault, message in (
        ({"output_dir": str(incoming / "out"), "examples": str(examples)}, "lies in"),
        ({"output_dir": str(tmp_path / "out")}, "give --examples FILE.csv"),
        ({"output_dir": str(tmp_path / "out"), "examples": str(tmp_path / "none.csv")}, "none.csv: there is no such"),
    ):
        workflow = ConfigWorkflow(
            config_file=["configs/inference.json", "configs/live.json"],
            logging_file="configs/logging.conf",
            workflow_type="infer",
            run_id="live",
            **where,
            **fault,
        )
        with pytest.raises(Exception) as raised:
            workflow.initialize()
        assert message in str(find_input_error(raised.value))
    assert not list(incoming.iterdir())
    assert not (tmp_path / "out").exists()


def test_an_example_that_is_not_found_again_is_told_at_once_and_teaches_nothing(
    incoming: Path,
    tmp_path: Path,
    frames: np.ndarray,
    write_frame: Write,
    live: Callable[..., LiveTracking],
    read_table: Table,
    caplog: pytest.LogCaptureFixture,
) -> None:
    frame = frames[0].copy()
    frame[:, 30:] = frame.mean()
    write_frame(tmp_path / "half.png", frame)
    table = tmp_path / "examples.csv"
    table.write_text("image,frame,label,x,y\nhalf.png,,seen,30,12\nhalf.png,,blank,30,45\n")
    view = live(given=table)
    line = "example 'blank' on half.png, lies on a blank part of its image"
    assert line in caplog.text
    write_frame(incoming / "0.png", frame)
    view.run()
    statuses = {row["label"]: (row["status"], row["reason"]) for row in read_table(tmp_path / "out" / "live.csv")}
    assert statuses["blank"] == ("doubtful", "its example lies on a blank part of its image")
    assert statuses["seen"][0] == "unchecked"
    with pytest.raises(InputError, match="9 frames give 9 answers, too few"):
        live(given=table, learn_frames=9, false_alarm=0.1)
    table.write_text("image,frame,label,x,y\nhalf.png,,blank,30,45\n")
    with pytest.raises(InputError, match=f"no limits can be learned, as each landmark has a doubtful example: {line}"):
        live(given=table, learn_frames=9)


def test_a_name_that_no_table_can_hold_and_a_video_are_named_once(
    tmp_path: Path,
    incoming: Path,
    frames: np.ndarray,
    write_frame: Write,
    live: Callable[..., LiveTracking],
    read_table: Table,
    caplog: pytest.LogCaptureFixture,
) -> None:
    content = write_frame(tmp_path / "whole.png", frames[0]).read_bytes()
    Path(os.fsdecode(os.fsencode(incoming) + b"/\xe4.png")).write_bytes(content)
    (incoming / "a\n.png").write_bytes(content)
    (incoming / "film.mp4").write_bytes(b"any")
    write_frame(incoming / "good.png", frames[2], mtime_s=time.time() + 2)
    live().run()
    assert images(read_table(tmp_path / "out" / "live.csv")) == ["good.png"]
    messages = [record.getMessage() for record in caplog.records]
    for name, reason in ((r"\xe4.png", "not UTF-8"), (r"a\n.png", "control character"), ("film.mp4", "ffmpeg")):
        [line] = [one for one in messages if one.startswith(f"{name} is skipped")]
        assert reason in line
