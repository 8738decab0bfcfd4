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

from collections.abc import Callable
from pathlib import Path

import nibabel as nib
import numpy as np
import pytest

from scripts.io.input_error import InputError
from scripts.live import find_stream_images

PIXELS = np.random.default_rng(0).random((8, 6))


def test_files_beside_and_below_are_found_by_name(tmp_path: Path, write_frame: Callable[..., Path]) -> None:
    for name in ("in/b.png", "in/s1/a.dcm", "in/.hidden/c.png", "near/d.nii", "near/deep/e.png"):
        write_frame(tmp_path / name, PIXELS)
    write_frame(tmp_path / "in" / "s1" / "IM1.dcm", PIXELS).rename(tmp_path / "in" / "s1" / "IM1")
    (tmp_path / "in" / "notes.txt").write_text("no image")
    (tmp_path / "in" / "cut.dcm").write_bytes(b"not written to its end")
    names = [image.name for image in find_stream_images([tmp_path / "near", tmp_path / "in"])]
    assert names == ["d.nii", "b.png", "cut.dcm", "s1/IM1", "s1/a.dcm"]
    # a file beside the examples is not found twice where these are in the stream's own folder
    names = [image.name for image in find_stream_images([tmp_path / "in" / "s1", tmp_path / "in"])]
    assert names == ["IM1", "a.dcm", "b.png", "cut.dcm"]


def test_each_file_of_a_series_is_an_image(tmp_path: Path, write_frame: Callable[..., Path]) -> None:
    for number in (1, 2):
        write_frame(tmp_path / f"{number}.dcm", PIXELS, SeriesInstanceUID="1.2.3", InstanceNumber=number)
    images = find_stream_images([tmp_path])
    assert [(image.name, len(image.series.files), image.length) for image in images] == [
        ("1.dcm", 1, 1),
        ("2.dcm", 1, 1),
    ]


def test_size_and_place_are_those_of_the_file(tmp_path: Path) -> None:
    affine = np.array([[-0.5, 0, 0, 10], [0, -0.5, 0, 20], [0, 0, 2, 30], [0, 0, 0, 1.0]])
    nib.Nifti1Image(np.zeros((8, 6, 1, 3), np.float32), affine).to_filename(tmp_path / "clip.nii")
    [image] = find_stream_images([tmp_path])
    assert image.fit.original == (8, 6) and image.length == 3
    np.testing.assert_allclose(image.affines, np.tile(affine, (3, 1, 1)))


def test_a_file_that_cannot_be_read_is_told_when_it_is_asked(tmp_path: Path) -> None:
    (tmp_path / "cut.dcm").write_bytes(b"not written to its end")
    [image] = find_stream_images([tmp_path])
    with pytest.raises(InputError, match="cut.dcm"):
        _ = image.length
