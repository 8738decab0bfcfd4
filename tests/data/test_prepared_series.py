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
"""Tests of what a prepared series knows of its image: the distance of its pixels in the patient."""

from __future__ import annotations

from pathlib import Path

import nibabel as nib
import numpy as np
import pytest
import torch
from PIL import Image

from scripts.data.frame_dataset import FrameDataset
from scripts.data.image_series import find_image_series
from scripts.data.prepared_series import PreparedSeries, PrepareSeries, prepare_series

PIXELS = np.arange(35, dtype=np.uint8).reshape(5, 7)  # 5 rows, 7 columns


def prepare(path: Path, **options) -> PreparedSeries:
    return prepare_series(find_image_series(path)[0], PrepareSeries((16, 16), **options))


def write_nifti(path: Path, x: float, y: float, unit: str = "mm") -> Path:
    """Columns x and rows y apart, in a plane that is oblique in the patient."""
    angle = np.deg2rad(30)
    affine = np.eye(4)
    affine[:3, 0] = np.array([np.cos(angle), 0, -np.sin(angle)]) * x
    affine[:3, 1] = np.array([np.sin(angle), 0, np.cos(angle)]) * y
    affine[:3, 3] = 40, -20, 7
    nifti = nib.Nifti1Image(PIXELS.T, affine)
    nifti.header.set_xyzt_units(unit)
    nifti.to_filename(path)
    return path


@pytest.mark.parametrize(("unit", "mm"), [("mm", 1), ("unknown", 1), ("meter", 1000), ("micron", 0.001)])
def test_spacing_of_oblique_nifti_is_in_mm(tmp_path, unit, mm):
    prepared = prepare(write_nifti(tmp_path / "a.nii.gz", 0.8 / mm, 1.4 / mm, unit))
    assert prepared.spacing == pytest.approx((0.8, 1.4), rel=1e-5)


def test_spacing_is_that_of_the_original_image_whatever_the_region(tmp_path):
    prepared = prepare(write_nifti(tmp_path / "a.nii", 0.8, 1.4), region=(1, 0, 5, 4))
    assert prepared.spacing == pytest.approx((0.8, 1.4), rel=1e-5)


def test_burned_in_text_outside_of_the_region_has_no_say_in_the_intensities(tmp_path):
    grey = np.random.default_rng(0).integers(20, 120, (30, 40), dtype=np.uint8)
    Image.fromarray(grey).save(tmp_path / "a.png")
    grey[:4, :10] = 255  # 3 % of the pixels
    Image.fromarray(grey).save(tmp_path / "b.png")
    used = (0, 4, 40, 30)
    assert torch.equal(prepare(tmp_path / "b.png", region=used).frames, prepare(tmp_path / "a.png", region=used).frames)
    assert prepare(tmp_path / "b.png").frames.std() < prepare(tmp_path / "b.png", region=used).frames.std()


def test_spacing_of_dicom_has_x_first(tmp_path, write_dicom):
    # DICOM writes the distance of rows, which is along y, first
    orientation = [0.8, 0.6, 0.0, 0.0, 0.0, -1.0]
    write_dicom(tmp_path / "a.dcm", PIXELS, PixelSpacing=[0.7, 1.3], ImageOrientationPatient=orientation)
    assert prepare(tmp_path).spacing == pytest.approx((1.3, 0.7))


def test_dicom_without_pixel_spacing_tells_none(tmp_path, write_dicom):
    write_dicom(tmp_path / "a.dcm", PIXELS, ImagerPixelSpacing=[0.1, 0.1])
    assert prepare(tmp_path).spacing is None


@pytest.mark.parametrize("suffix", ["png", "jpeg", "tiff", "bmp"])
def test_raster_images_tell_none(tmp_path, suffix):
    Image.fromarray(PIXELS).save(tmp_path / f"a.{suffix}", dpi=(300, 300))
    assert prepare(tmp_path).spacing is None


def test_spacing_is_kept_on_disk(tmp_path, monkeypatch):
    (tmp_path / "images").mkdir()
    write_nifti(tmp_path / "images" / "a.nii", 0.8, 1.4)
    Image.fromarray(PIXELS).save(tmp_path / "images" / "b.png")
    data = find_image_series(tmp_path / "images")
    FrameDataset(data, (16, 16), cache_dir=tmp_path / "cache")
    monkeypatch.setattr("scripts.data.prepared_series.read_image_series", None)  # reading would now raise
    nifti, png = FrameDataset(data, (16, 16), cache_dir=tmp_path / "cache").series
    assert nifti.spacing == pytest.approx((0.8, 1.4), rel=1e-5)
    assert png.spacing is None


def test_whether_it_is_placed_is_kept_on_disk(tmp_path, monkeypatch):
    (tmp_path / "images").mkdir()
    write_nifti(tmp_path / "images" / "a.nii", 0.8, 1.4)
    Image.fromarray(PIXELS).save(tmp_path / "images" / "b.png")
    data = find_image_series(tmp_path / "images")
    FrameDataset(data, (16, 16), cache_dir=tmp_path / "cache")
    monkeypatch.setattr("scripts.data.prepared_series.read_image_series", None)  # reading would now raise
    nifti, png = FrameDataset(data, (16, 16), cache_dir=tmp_path / "cache").series
    assert (nifti.placed, png.placed) == (True, False)


def test_files_of_an_older_form_are_made_anew(tmp_path, monkeypatch):
    (tmp_path / "images").mkdir()
    data = find_image_series(write_nifti(tmp_path / "images" / "a.nii", 0.8, 1.4))

    make, prepare = PrepareSeries.__init__, PrepareSeries.__call__

    def make_first(self: PrepareSeries, *arguments, **options) -> None:
        make(self, *arguments, **options)
        del self.version

    def prepare_first(self: PrepareSeries, item: dict) -> dict:
        return {name: value for name, value in prepare(self, item).items() if name != "spacing_known"}

    with monkeypatch.context() as first:  # as before the spacing was kept
        first.setattr(PrepareSeries, "__init__", make_first)
        first.setattr(PrepareSeries, "__call__", prepare_first)
        with pytest.raises(KeyError, match="spacing_known"):  # the file is there, and lacks what is read
            FrameDataset(data, (16, 16), cache_dir=tmp_path / "cache")
    assert len(list((tmp_path / "cache").iterdir())) == 1
    series = FrameDataset(data, (16, 16), cache_dir=tmp_path / "cache").series
    assert series[0].spacing == pytest.approx((0.8, 1.4), rel=1e-5)
    assert len(list((tmp_path / "cache").iterdir())) == 2


def test_pixels_that_are_not_square_become_square(tmp_path):
    """7 x 5 px of 0.5 x 2 mm are 3.5 x 10 mm."""
    series = find_image_series(write_nifti(tmp_path / "a.nii", 0.5, 2.0))[0]
    fit = prepare_series(series, PrepareSeries((28, 40))).fit
    assert fit.scaled == (14, 40)
    assert fit.scale == (2.0, 8.0)


def test_pictures_that_are_stretched_fill_the_networks_image(tmp_path):
    series = find_image_series(write_nifti(tmp_path / "a.nii", 0.5, 2.0))[0]
    assert prepare_series(series, PrepareSeries((32, 32), stretch=True)).fit.scaled == (32, 32)


def test_a_window_cuts_off_what_lies_outside_of_it(tmp_path, write_dicom):
    pixels = np.tile(np.arange(16, dtype=np.uint16) * 100, (16, 1))
    path = write_dicom(tmp_path / "a.dcm", pixels, WindowCenter=700, WindowWidth=400)
    series = find_image_series(path)[0]
    plain, windowed = (prepare_series(series, PrepareSeries((16, 16), voi=voi)).image(0)[0, 0, :, 0] for voi in (0, 1))
    assert (plain[1:].diff() > 0).all()
    # PS3.3 C.11.2.1.2: 700 - 0.5 -+ 199.5
    assert (windowed[:6] == 0).all() and (windowed[9:] == 1).all()
    assert (windowed[5:10].diff() > 0).all()


def test_each_setting_has_files_of_its_own_in_the_cache(tmp_path, write_dicom):
    data = find_image_series(write_dicom(tmp_path / "a.dcm", PIXELS))
    for number, options in enumerate([{}, {"stretch": True}, {"voi": True}, {"voi": True}], start=1):
        FrameDataset(data, (16, 16), cache_dir=tmp_path / "cache", **options)
        assert len(list((tmp_path / "cache").iterdir())) == min(number, 3)
