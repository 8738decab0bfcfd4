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
"""Tests of which images tell their place in the patient."""

from __future__ import annotations

from pathlib import Path

import nibabel as nib
import numpy as np
import pytest
from PIL import Image
from pydicom.data import get_testdata_file
from pydicom.examples import get_path

from scripts.data.image_place import knows_place
from scripts.data.image_reader import read_image_series
from scripts.data.image_series import find_image_series


def placed(path: str | Path) -> bool:
    image = read_image_series(find_image_series(path)[0])
    return knows_place(image.series, image.affines)


def test_a_dicom_slice_does_and_an_ultrasound_clip_does_not():
    assert placed(get_testdata_file("CT_small.dcm"))
    assert not placed(get_path("ybr_color"))


def test_a_dicom_position_without_spacing_does_not(tmp_path, write_dicom):
    tags = {"ImagePositionPatient": [1, 2, 3], "ImageOrientationPatient": [1, 0, 0, 0, 1, 0]}
    pixels = np.arange(24, dtype=np.uint8).reshape(4, 6)
    assert not placed(write_dicom(tmp_path / "a.dcm", pixels, **tags))
    assert placed(write_dicom(tmp_path / "b.dcm", pixels, PixelSpacing=[0.5, 0.5], **tags))


@pytest.mark.parametrize(("qform", "sform"), [(0, 0), (1, 0), (0, 2)])
def test_nifti_does_if_a_form_code_is_set(tmp_path, qform, sform):
    image = nib.Nifti1Image(np.arange(24, dtype=np.float32).reshape(6, 4), np.diag([0.5, 0.5, 1, 1]))
    image.set_qform(image.affine, code=qform)
    image.set_sform(image.affine, code=sform)
    image.to_filename(tmp_path / "a.nii")
    assert placed(tmp_path / "a.nii") == bool(qform or sform)


def test_pictures_do_not(tmp_path):
    Image.fromarray(np.arange(24, dtype=np.uint8).reshape(4, 6)).save(tmp_path / "a.png")
    assert not placed(tmp_path / "a.png")
