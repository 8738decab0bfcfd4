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
"""Tests of what is refused by the header of a PNG or NIfTI file, before pixels are decoded."""

from __future__ import annotations

from pathlib import Path

import nibabel as nib
import numpy as np
import pytest
from PIL import Image

from scripts.data.image_header import LARGEST_FRAME, LARGEST_SERIES, check_size, read_nifti_header, read_raster_header
from scripts.data.image_reader import read_image_series
from scripts.data.image_series import find_image_series
from scripts.io.input_error import InputError


def test_limits_are_inclusive():
    check_size(Path("a.png"), 8192, 8192)
    check_size(Path("a.png"), 1024, 1024, 512)
    assert (LARGEST_FRAME, LARGEST_SERIES) == (8192 * 8192, 1024 * 1024 * 512)


@pytest.mark.parametrize(
    ("size", "message"),
    [
        ((1, 1, 1), r"a\.png has 1 x 1 px"),
        ((512, 1, 1), "at least 2 x 2 px"),
        ((5, 5, 0), r"0 frame\(s\)"),
        ((8193, 8192, 1), "more than 67 Mpx; cut out a part"),
        ((1024, 1024, 513), "513 frames of 1024 x 1024 px, more than 537 Mpx together; split"),
    ],
)
def test_sizes_that_are_refused(size, message):
    with pytest.raises(InputError, match=message):
        check_size(Path("a.png"), *size)


def test_a_huge_picture_is_refused_before_its_pixels_are_decoded(tmp_path, monkeypatch):
    Image.new("1", (9000, 9000)).save(tmp_path / "a.png")  # 10 kB
    monkeypatch.setattr(Image.Image, "load", None)
    with pytest.raises(InputError, match=r"a\.png has 9000 x 9000 px, more than 67 Mpx"):
        read_raster_header(tmp_path / "a.png")


@pytest.mark.parametrize(("shape", "suffix"), [((1, 1), "png"), ((5, 1), "tif"), ((1, 7), "bmp")])
def test_pictures_of_one_pixel_or_line(tmp_path, shape, suffix):
    path = tmp_path / f"a.{suffix}"
    Image.fromarray(np.zeros(shape, np.uint8)).save(path)
    with pytest.raises(InputError, match="at least 2 x 2 px"):
        read_raster_header(path)


def test_nifti_that_is_cut_off_is_known_by_its_length(tmp_path):
    path = tmp_path / "a.nii"
    nib.Nifti1Image(np.zeros((8, 6, 4), np.float32), np.eye(4)).to_filename(path)
    path.write_bytes(path.read_bytes()[:-10])
    with pytest.raises(InputError, match=r"a\.nii is cut off: 1110 of 1120 bytes are there"):
        read_nifti_header(path)


@pytest.mark.parametrize("dtype", [np.complex64, np.dtype([("R", "u1"), ("G", "u1"), ("B", "u1")])])
def test_nifti_of_values_that_are_not_grey(tmp_path, dtype):
    nib.Nifti1Image(np.zeros((8, 6), dtype), np.eye(4)).to_filename(tmp_path / "a.nii")
    with pytest.raises(InputError, match=r"a\.nii has values of the type"):
        read_nifti_header(tmp_path / "a.nii")


def test_nifti_whose_affine_tells_no_place(tmp_path):
    image = nib.Nifti1Image(np.zeros((8, 6), np.float32), None)
    image.set_sform(np.zeros((4, 4)), code=1)
    image.to_filename(tmp_path / "a.nii")
    with pytest.raises(InputError, match=r"a\.nii has an affine that tells no place"):
        read_nifti_header(tmp_path / "a.nii")


def test_nifti_of_another_kind(tmp_path):
    path = tmp_path / "a.nii"
    nib.freesurfer.MGHImage(np.zeros((8, 6, 1), np.float32), np.eye(4)).to_filename(tmp_path / "a.mgz")
    path.write_bytes((tmp_path / "a.mgz").read_bytes())
    with pytest.raises(InputError, match=r"a\.nii cannot be read"):
        read_nifti_header(path)


@pytest.mark.parametrize(
    ("unit", "ms"), [("sec", 40.0), ("msec", 0.04), ("usec", 4e-5), ("unknown", None), ("hz", None)]
)
def test_time_between_the_frames_of_nifti(tmp_path, unit, ms):
    image = nib.Nifti1Image(np.zeros((8, 6, 1, 3), np.float32), np.eye(4))
    image.header["pixdim"][4] = 0.04
    image.header.set_xyzt_units("mm", unit)
    image.to_filename(tmp_path / "a.nii")
    found = read_image_series(find_image_series(tmp_path)[0]).frame_ms
    assert found is None if ms is None else found == pytest.approx(ms, rel=1e-5)


def test_the_third_axis_of_nifti_tells_no_time(tmp_path):
    image = nib.Nifti1Image(np.zeros((8, 6, 3), np.float32), np.eye(4))
    image.header.set_xyzt_units("mm", "sec")
    image.to_filename(tmp_path / "a.nii")
    assert read_image_series(find_image_series(tmp_path)[0]).frame_ms is None
