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

from pathlib import Path

import nibabel as nib
import numpy as np
import pytest
import SimpleITK as sitk  # noqa: N813  its own custom

from label_app.label_file import LabelPoint
from label_app.label_map import write_label_map
from scripts.data import find_image_series, prepare_series
from scripts.data.prepared_series import PreparedSeries, PrepareSeries
from scripts.io.input_error import InputError
from scripts.transforms.coordinates import index_to_lps


@pytest.fixture
def clip(tmp_path: Path) -> PreparedSeries:
    """Three frames of 40 x 30 px of 0.5 x 1 mm in an oblique plane."""
    affine = np.eye(4)
    affine[:3, :2] = np.array([[0.8, 0.0], [0.0, 1.0], [-0.6, 0.0]]) * [0.5, 1.0]
    affine[:3, 2] = [0.6, 0.0, 0.8]
    affine[:3, 3] = [10.0, -20.0, 5.0]
    pixels = np.random.default_rng(0).random((40, 30, 1, 3), np.float32)
    nib.Nifti1Image(pixels, affine).to_filename(tmp_path / "clip.nii")
    return prepare_series(find_image_series(tmp_path / "clip.nii")[0], PrepareSeries((32, 32)))


def test_a_disc_is_where_the_landmark_is_in_the_patient(clip, tmp_path):
    points = [LabelPoint("valve", 2, 20.0, 10.0), LabelPoint("apex", 0, 8.0, 22.0, sigma_x=5.0, sigma_y=1.0)]
    values = write_label_map(tmp_path / "map.nrrd", clip, points, {"apex": 1, "valve": 2})
    assert values == {"apex": 1, "valve": 2}
    found = sitk.ReadImage(str(tmp_path / "map.nrrd"))
    assert found.GetSize() == (40, 30, 3) and found.GetPixelID() == sitk.sitkUInt8
    place = found.TransformContinuousIndexToPhysicalPoint((8.0, 22.0, 0.0))
    np.testing.assert_allclose(place, index_to_lps(np.array([8.0, 22.0]), clip.affines[0]), atol=1e-5)
    pixels = sitk.GetArrayFromImage(found)
    for value, (x, y, frame), radius in ((2, (20, 10, 2), 3), (1, (8, 22, 0), 5)):
        where = np.argwhere(pixels == value)
        assert set(where[:, 0]) == {frame}
        np.testing.assert_allclose(where.mean(axis=0)[1:], (y, x), atol=0.01)
        # round in the patient: half as many rows of 1 mm as columns of 0.5 mm
        assert (np.ptp(where[:, 2]), np.ptp(where[:, 1])) == (2 * radius, 2 * (radius // 2))


def test_a_landmark_without_a_place_has_no_disc(clip, tmp_path):
    write_label_map(tmp_path / "map.nrrd", clip, [LabelPoint("valve", 0, float("nan"), 1.0)], {"valve": 1})
    assert not sitk.GetArrayFromImage(sitk.ReadImage(str(tmp_path / "map.nrrd"))).any()


@pytest.mark.parametrize(("dtype", "number"), [("float", 1), ("int8", 1), ("uint8", 256)])
def test_types_that_cannot_hold_the_landmarks_are_refused(clip, tmp_path, dtype, number):
    with pytest.raises(InputError, match="uint16"):
        write_label_map(tmp_path / "map.nrrd", clip, [], {str(i): i + 1 for i in range(number)}, dtype=dtype)


def test_a_landmark_of_which_nothing_is_known_hides_no_other(clip, tmp_path):
    unknown = LabelPoint("apex", 0, 8.0, 22.0, sigma_x=float("inf"), sigma_y=float("inf"))
    write_label_map(tmp_path / "map.nrrd", clip, [LabelPoint("valve", 0, 20.0, 10.0), unknown], {"apex": 1, "valve": 2})
    pixels = sitk.GetArrayFromImage(sitk.ReadImage(str(tmp_path / "map.nrrd")))
    assert pixels[0, 10, 20] == 2 and pixels[0, 0, 0] == 1
