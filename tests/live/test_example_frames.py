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

import nibabel as nib
import numpy as np
import pytest

from scripts.io.input_error import InputError
from scripts.live import read_example_frames


def write_csv(folder: Path, *rows: str) -> Path:
    path = folder / "examples.csv"
    path.write_text("\n".join(["image,frame,label,x,y", *rows]) + "\n")
    return path


def test_original_pixels_grouped_by_frame(
    tmp_path: Path, incoming: Path, frames: np.ndarray, write_frame: Callable[..., Path]
) -> None:
    write_frame(incoming / "IM1.dcm", frames[1], InstanceNumber=1)
    write_frame(incoming / "IM2.dcm", frames[2], InstanceNumber=2)
    nib.Nifti1Image(np.moveaxis(frames[:4], 0, -1), np.eye(4)).to_filename(tmp_path / "clip.nii")
    rows = ["IM1.dcm,,valve,30,24", "clip.nii,3,valve,31,25", "IM1.dcm,0,apex,1.5,2", f"{incoming}/IM2.dcm,,apex,3,4"]
    first, clip, second = read_example_frames(write_csv(tmp_path, *rows), incoming)
    assert (first.labels, first.points) == (["valve", "apex"], [(30.0, 24.0), (1.5, 2.0)])
    assert first.image.shape == (64, 48)
    assert np.abs(first.image.numpy() / 255 - frames[1]).max() < 0.01
    assert np.array_equal(clip.image.numpy(), frames[3])
    assert (second.labels, second.points) == (["apex"], [(3.0, 4.0)])


def test_damaged_frames_beside_it_do_not_matter(
    tmp_path: Path, incoming: Path, frames: np.ndarray, write_frame: Callable[..., Path]
) -> None:
    content = write_frame(incoming / "IM1.dcm", frames[0]).read_bytes()
    (incoming / "IM2.dcm").write_bytes(content[:200])
    assert len(read_example_frames(write_csv(tmp_path, "IM1.dcm,,valve,30,24"), incoming)) == 1


def test_wanted_labels(examples: Path, incoming: Path) -> None:
    [frame] = read_example_frames(examples, incoming, "apex")
    assert frame.labels == ["apex"]
    with pytest.raises(InputError, match="no example of 'root'"):
        read_example_frames(examples, incoming, ["apex", "root"])


@pytest.mark.parametrize(
    ("row", "message"),
    [
        ("none.png,,valve,3,4", "line 3: image 'none.png' is neither an existing file nor found below"),
        ("half.png,,valve,3,4", "line 3: .*half.png cannot be read"),
        ("note.txt,,valve,3,4", "line 3: .*note.txt is not a PNG"),
        ("example.png,1,valve,3,4", "frame 1 of example.png does not exist; it has 1"),
        ("example.png,,valve,64,4", "lies outside example.png .64 x 48 px"),
        ("clip.nii,,valve,3,4", "has 4 frames; tell in the column 'frame'"),
        ("small.png,,valve,3,4", "small.png has 20 x 30 px, the image of .*line 2 64 x 48"),
    ],
)
def test_faults_name_the_line(
    tmp_path: Path,
    incoming: Path,
    examples: Path,
    frames: np.ndarray,
    write_frame: Callable[..., Path],
    row: str,
    message: str,
) -> None:
    (tmp_path / "half.png").write_bytes((tmp_path / "example.png").read_bytes()[:500])
    (tmp_path / "note.txt").write_text("no image")
    write_frame(tmp_path / "small.png", frames[0][:20, :30])
    nib.Nifti1Image(np.moveaxis(frames[:4], 0, -1), np.eye(4)).to_filename(tmp_path / "clip.nii")
    with pytest.raises(InputError, match=message):
        read_example_frames(write_csv(tmp_path, "example.png,,valve,30,24", row), incoming)


def test_no_examples(incoming: Path) -> None:
    with pytest.raises(InputError, match="give --examples FILE.csv"):
        read_example_frames(None, incoming)
