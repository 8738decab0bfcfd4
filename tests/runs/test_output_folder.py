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
"""The folder of results: what is refused, who holds it, what a second run removes."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import time
from pathlib import Path

import pytest

from bundle_command import BUNDLE
from scripts.io import InputError, atomic_path
from scripts.runs import OutputFolder

MODELS = BUNDLE / "models"


def write(folder: Path, *names: str) -> None:
    for name in names:
        with atomic_path(folder / name) as temporary:
            temporary.write_text(name)


def files(folder: Path) -> set[str]:
    return {path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file()}


def test_a_second_run_removes_what_the_first_wrote_and_nothing_else(tmp_path: Path) -> None:
    first = OutputFolder(tmp_path, "inferring")
    write(tmp_path, "landmarks.csv", "pictures/a.png", "pictures/b.png", "pictures/sub/c.png", "markups/a.json")
    first.finish()
    other = OutputFolder(tmp_path, "evaluating")
    write(tmp_path, "metrics.json")
    other.finish()
    (tmp_path / "notes.txt").write_text("mine")
    (tmp_path / "pictures" / "mine.png").write_text("mine")
    (tmp_path / "markups" / "a.json").write_text("corrected by hand")
    second = OutputFolder(tmp_path, "inferring")
    write(tmp_path, "landmarks.csv", "pictures/a.png")
    assert "pictures/b.png" in files(tmp_path)  # until the second has ended
    second.finish()
    kept = {"landmarks.csv", "pictures/a.png", "metrics.json", "notes.txt", "pictures/mine.png", "markups/a.json"}
    assert files(tmp_path) == kept | {"runs.json"}
    assert not (tmp_path / "pictures" / "sub").exists()


def test_a_run_that_is_killed_is_tidied_by_the_next(tmp_path: Path) -> None:
    program = f"""
import sys, time
sys.path.insert(0, {str(BUNDLE)!r})
from scripts.io import atomic_path
from scripts.runs import OutputFolder
output = OutputFolder({str(tmp_path)!r}, "inferring")
with atomic_path({str(tmp_path / "pictures" / "whole.png")!r}) as temporary:
    temporary.write_text("whole")
with atomic_path({str(tmp_path / "pictures" / "half.png")!r}) as temporary:
    temporary.write_text("half")
    print("writing", flush=True)
    time.sleep(60)
"""
    killed = subprocess.Popen([sys.executable, "-c", program], stdout=subprocess.PIPE, text=True)
    assert killed.stdout.readline() == "writing\n"
    with pytest.raises(InputError, match="is in use by another run; wait for its end, or give another --output_dir"):
        OutputFolder(tmp_path, "evaluating")
    killed.kill()
    killed.wait()
    assert any(name.endswith("-half.png") for name in files(tmp_path))
    OutputFolder(tmp_path, "evaluating")  # a run of another kind tidies as well
    assert files(tmp_path) == {".inferring.files", "pictures/whole.png"}
    output = OutputFolder(tmp_path, "inferring")
    write(tmp_path, "landmarks.csv")
    output.finish()
    assert files(tmp_path) == {"landmarks.csv", "runs.json"}


def test_a_run_that_goes_on_removes_nothing(tmp_path: Path) -> None:
    """A sweep passes over its finished variants, and a finished training draws no curves again."""
    for names in (["a/variant.json", "sweep.csv"], ["sweep.csv"], []):
        output = OutputFolder(tmp_path, "sweeping", goes_on=True)
        write(tmp_path, *names)
        output.finish()
    assert files(tmp_path) == {"a/variant.json", "sweep.csv", "runs.json"}


def test_a_file_that_the_run_did_not_get_to_write_is_not_its_own(tmp_path: Path) -> None:
    """Neither by the list of a run that ended, nor by that of one that did not."""
    mine = tmp_path / "pictures" / "mine.png"
    mine.parent.mkdir()
    mine.write_text("mine")
    for ends in (True, False):
        output = OutputFolder(tmp_path, "inferring")
        with pytest.raises(ZeroDivisionError), atomic_path(mine):
            raise ZeroDivisionError
        write(tmp_path, "landmarks.csv")
        if ends:
            output.finish()
        del output
        (tmp_path / "landmarks.csv").write_text("corrected by hand")
        OutputFolder(tmp_path, "inferring").finish()
        assert {"pictures/mine.png", "landmarks.csv"} <= files(tmp_path)


def test_what_a_run_reads_is_not_written_over(tmp_path: Path) -> None:
    for name in ("landmarks.csv", "markups/a.mrk.json"):
        corrected = tmp_path / name
        corrected.parent.mkdir(exist_ok=True)
        corrected.write_text("corrected by hand")
        with pytest.raises(InputError, match=r"is read, and results would be written over it"):
            OutputFolder(tmp_path, "inferring", inputs=[None, corrected])
    examples = tmp_path / "examples.csv"
    examples.write_text("mine")
    output = OutputFolder(tmp_path, "inferring", inputs=[examples])
    with pytest.raises(InputError, match="is read, and is not written over"):
        write(tmp_path, "examples.csv")
    assert examples.read_text() == "mine"
    output.finish()


def test_weights_and_checkpoints_are_never_removed(tmp_path: Path) -> None:
    for models in (tmp_path / "models", tmp_path):
        output = OutputFolder(tmp_path, "training", ckpt_dir=models)
        write(tmp_path, "training/curves.png")
        write(models, "model.pt", "checkpoint.pt")
        output.finish()
    OutputFolder(tmp_path, "training", ckpt_dir=tmp_path / "others").finish()
    assert files(tmp_path) == {"runs.json", "model.pt", "checkpoint.pt", "models/model.pt", "models/checkpoint.pt"}


def test_the_weights_are_written_down(tmp_path: Path) -> None:
    OutputFolder(tmp_path, "inferring", weights=MODELS / "model_series.pt").finish()
    weights = json.loads((tmp_path / "runs.json").read_text())["inferring"]["weights"]
    digest = subprocess.run(["sha256sum", MODELS / "model_series.pt"], check=True, capture_output=True, text=True)
    assert weights == {
        "path": str(MODELS / "model_series.pt"),
        "sha256": digest.stdout.split()[0],
        "name": "series",
        "shipped": True,
    }


def test_a_folder_in_the_data_set_is_refused_unless_it_is_hidden(tmp_path: Path) -> None:
    images = tmp_path / "images"
    images.mkdir()
    (tmp_path / "link").symlink_to(images)
    for folder in (images, images / "results", tmp_path / "link" / "results"):
        for given in ({"path": folder}, {"path": tmp_path / "out", "ckpt_dir": folder}):
            with pytest.raises(InputError, match="lies in the data set"):
                OutputFolder(run="training", data=images, **given)
    assert not list(images.iterdir())
    OutputFolder(images / ".landmarks" / "training", "training", data=images)
    OutputFolder(tmp_path, "training", data=images)  # the data set lies in it
    with pytest.raises(InputError, match="lies in the data set"):
        OutputFolder(images / "results", "evaluating", data=[tmp_path / "link", images, None])


@pytest.mark.parametrize("name", ["pictures", "pictures/a.png", "sr", "markups/sub"])
def test_images_where_results_would_lie_are_refused(name: str, tmp_path: Path) -> None:
    with pytest.raises(InputError, match="its results would"):
        OutputFolder(tmp_path, "inferring", data=tmp_path / name)


def test_shipped_weights_are_refused_wherever_they_lie(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"models is for the weights as shipped.*give another --ckpt_dir"):
        OutputFolder(tmp_path / "out", "training", ckpt_dir=MODELS)
    for name in ("model.pt", "model.ts"):
        copy = tmp_path / name.replace(".", "_")
        copy.mkdir()
        shutil.copy(MODELS / name, copy)
        with pytest.raises(InputError, match=f"{name} is as shipped"):
            OutputFolder(copy, "exporting")
    (tmp_path / "own").mkdir()
    (tmp_path / "own" / "model.pt").write_bytes(b"other weights")
    OutputFolder(tmp_path / "own", "training")


def test_a_file_a_read_only_place_and_a_damaged_list_are_told(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(InputError, match="is a file; give --output_dir a folder"):
        OutputFolder(tmp_path / "file", "inferring")
    for place in (tmp_path / "file" / "sub", Path("/proc/results")):
        with pytest.raises(InputError, match=r"cannot be written to \(.*\); mend that, or give another --output_dir"):
            OutputFolder(place, "inferring")
    for damaged in ("{", '{"inferring": 3}', '{"inferring": {"files": [1]}}'):
        (tmp_path / "runs.json").write_text(damaged)
        with pytest.raises(InputError, match=r"runs\.json"):
            OutputFolder(tmp_path, "inferring")


def test_a_list_that_names_files_elsewhere_removes_none(tmp_path: Path) -> None:
    outside = tmp_path / "precious.txt"
    outside.write_text("mine")
    status = outside.stat()
    results = tmp_path / "results"
    results.mkdir()
    (results / "link").symlink_to(tmp_path)
    stamp = [status.st_size, status.st_mtime_ns]
    named = {"../precious.txt": stamp, str(outside): stamp, "link/precious.txt": stamp}
    (results / "runs.json").write_text(json.dumps({"inferring": {"files": named}}))
    OutputFolder(results, "inferring").finish()
    assert outside.exists()


@pytest.mark.skipif(os.geteuid() != 0, reason="mounts a small disk")
def test_a_full_disk_is_told_before_the_work_and_while_writing(tmp_path: Path) -> None:
    disk = tmp_path / "disk"
    disk.mkdir()
    if subprocess.run(["mount", "-t", "tmpfs", "-o", "size=3m", "tmpfs", disk], capture_output=True).returncode:
        pytest.skip("cannot mount a disk here")
    try:
        output = OutputFolder(disk / "results", "inferring")
        with pytest.raises(InputError, match=r"landmarks\.csv cannot be written \(No space left on device\)"):  # noqa: SIM117
            with atomic_path(disk / "results" / "landmarks.csv") as temporary:
                temporary.write_bytes(bytes(2**22))
        assert files(disk) == {"results/.inferring.files"}
        (disk / "filled").write_bytes(bytes(2**21 + 2**19))
        with pytest.raises(InputError, match=r"cannot be written to \(the disk is full\)"):
            OutputFolder(disk / "others", "inferring")
        assert files(disk) == {"results/.inferring.files", "filled"}
        del output
    finally:
        time.sleep(0.1)
        subprocess.run(["umount", "-l", disk], check=True)
