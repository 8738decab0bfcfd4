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
"""Tests of counting frames against reading them."""

from __future__ import annotations

import nibabel as nib
import numpy as np
import pytest
from PIL import Image

from scripts.data.frame_count import count_frames
from scripts.data.image_reader import read_image_series
from scripts.data.image_series import find_image_series
from scripts.io.input_error import InputError

PIXELS = np.zeros((3, 6, 8), dtype=np.uint8)


def test_counts_what_is_read(tmp_path, write_dicom):
    pages = [Image.fromarray(page) for page in PIXELS]
    pages[0].save(tmp_path / "still.png")
    pages[0].save(tmp_path / "pages.tif", save_all=True, append_images=pages[1:])
    pages[0].save(tmp_path / "page.tif")
    for name, shape in {"flat": (6, 8), "clip": (6, 8, 3), "clip4": (6, 8, 1, 5)}.items():
        nib.Nifti1Image(np.zeros(shape, dtype=np.float32), np.eye(4)).to_filename(tmp_path / f"{name}.nii.gz")
    write_dicom(tmp_path / "multi.dcm", PIXELS)
    write_dicom(tmp_path / "one.dcm", PIXELS[0])
    for number in (1, 2):
        write_dicom(tmp_path / "s" / f"{number}.dcm", PIXELS[0], SeriesInstanceUID="1.2", InstanceNumber=number)
    counted = {one.name: count_frames(one) for one in find_image_series(tmp_path)}
    assert counted == {one.name: len(read_image_series(one).frames) for one in find_image_series(tmp_path)}
    assert counted["clip4.nii.gz"] == 5 and counted["s/1.dcm"] == 2 and counted["pages.tif"] == 3


def test_a_damaged_file_is_named(tmp_path):
    (tmp_path / "bad.nii").write_bytes(b"no image")
    with pytest.raises(InputError, match=r"bad\.nii cannot be read"):
        count_frames(find_image_series(tmp_path)[0])
