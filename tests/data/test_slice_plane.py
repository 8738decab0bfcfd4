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
"""Tests of the slices of volumes: every voxel keeps its grey value and its place, as nibabel has them."""

from __future__ import annotations

from pathlib import Path

import nibabel as nib
import numpy as np
import pytest
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st
from nibabel.affines import apply_affine

from scripts.data.image_reader import SeriesImage, read_image_series
from scripts.data.image_series import find_image_series
from scripts.data.slice_plane import check_plane, split_frames
from scripts.io.input_error import InputError

PLANES = ("sagittal", "coronal", "axial")  # in the order of R, A, S
VOLUME = np.random.default_rng(0).normal(size=(4, 5, 6)).astype(np.float32)


@st.composite
def affines(draw: st.DrawFn) -> np.ndarray:
    """Axes in any order and sign, at right angles or sheared, turned a little or anyhow, with spacings of their own."""
    generator = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    axes = np.eye(3)[generator.permutation(3)] * generator.choice([-1.0, 1.0], 3)
    turn = draw(st.sampled_from([0.0, 0.2, 3.0]))
    axes = axes + turn * generator.uniform(-0.5, 0.5, (3, 3))
    affine = np.eye(4)
    affine[:3, :3] = axes * generator.uniform(0.3, 5.0, 3)
    affine[:3, 3] = generator.uniform(-200, 200, 3)
    return affine


def write(path: Path, pixels: np.ndarray, affine: np.ndarray) -> Path:
    image = nib.Nifti1Image(pixels, None)
    image.set_sform(affine, code=1)
    image.to_filename(path)
    return path


def read(path: Path, plane: str | None) -> SeriesImage:
    return read_image_series(find_image_series(path)[0], plane=plane)


@settings(max_examples=50, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(affine=affines())
def test_every_voxel_keeps_its_value_and_its_place(tmp_path, affine):
    assume(np.linalg.cond(affine[:3, :3]) < 1000)
    path = write(tmp_path / "volume.nii", VOLUME, affine)
    truth = nib.load(path)
    codes = nib.aff2axcodes(truth.affine)
    used = []
    for plane, ends in zip(PLANES, ("RL", "AP", "SI"), strict=True):
        image = read(path, plane)
        axis = next(i for i, code in enumerate(codes) if code in ends)
        used.append(axis)
        rest = [i for i in range(3) if i != axis]
        assert image.frames.shape == (VOLUME.shape[axis], 1, *(VOLUME.shape[i] for i in rest))
        assert not image.still and image.frame_ms is None and image.placed and image.spacing_known
        for voxel in np.ndindex(VOLUME.shape):
            frame, (x, y) = voxel[axis], (voxel[rest[0]], voxel[rest[1]])
            assert image.frames[frame, 0, x, y] == VOLUME[voxel]
            place = (image.places[frame] @ [x, y, 0, 1])[:3]
            np.testing.assert_allclose(place, apply_affine(truth.affine, voxel), atol=1e-9)
    assert sorted(used) == [0, 1, 2]


def test_the_third_column_leads_to_the_next_slice(tmp_path):
    image = read(write(tmp_path / "a.nii", VOLUME, np.diag([-0.5, 0.7, 3.0, 1.0])), "sagittal")
    for affines in (image.affines, image.places):
        np.testing.assert_allclose(np.diff(affines[:, :3, 3], axis=0), affines[:-1, :3, 2], atol=1e-6)
    np.testing.assert_allclose(image.pixel_size, [0.7, 3.0], rtol=1e-6)


def test_without_a_plane_the_third_axis_is_time(tmp_path):
    path = write(tmp_path / "a.nii", VOLUME, np.diag([-0.5, 0.7, 3.0, 1.0]))
    image = read(path, None)
    np.testing.assert_array_equal(image.frames[:, 0].numpy(), VOLUME.transpose(2, 0, 1))
    expected = np.array([nib.load(path).affine] * 6)
    expected[:, 2, 3] += 3.0 * np.arange(6)
    np.testing.assert_allclose(image.places, expected)


@pytest.mark.parametrize("shape", [(4, 5), (4, 5, 1), (4, 5, 1, 3)])
@pytest.mark.parametrize("plane", PLANES)
def test_what_is_no_volume_stays_as_it_is(tmp_path, shape, plane):
    path = write(tmp_path / "a.nii", VOLUME.flatten()[: np.prod(shape)].reshape(shape), np.diag([-0.5, 0.7, 3.0, 1.0]))
    image, plain = read(path, plane), read(path, None)
    assert image.frames.shape[2:] == (4, 5)
    np.testing.assert_array_equal(image.frames, plain.frames)
    np.testing.assert_array_equal(image.affines, plain.affines)
    assert image.still == plain.still


def test_dicom_is_read_as_without_a_plane(tmp_path, write_dicom):
    pixels = np.arange(60, dtype=np.uint8).reshape(3, 4, 5)
    path = write_dicom(tmp_path / "a.dcm", pixels)
    np.testing.assert_array_equal(read(path, "coronal").frames, read(path, None).frames)


def test_the_third_axis_is_that_of_axial_slices_where_nothing_is_told(tmp_path):
    nib.Nifti1Image(VOLUME, None).to_filename(tmp_path / "a.nii")
    image = read(tmp_path / "a.nii", "axial")
    np.testing.assert_array_equal(image.frames[:, 0].numpy(), VOLUME.transpose(2, 0, 1))
    assert not image.placed


@pytest.mark.parametrize("plane", ["transversal", "", "Axial", 2])
def test_another_plane_is_refused(tmp_path, plane):
    with pytest.raises(InputError, match="'plane' is .*; it must be axial, coronal or sagittal, or null"):
        check_plane(plane)
    path = write(tmp_path / "a.nii", VOLUME, np.eye(4))
    with pytest.raises(InputError, match="'plane' is"):
        read(path, plane)


def test_axes_that_span_no_space_are_refused(tmp_path):
    flat = np.diag([1.0, 1.0, 0.0, 1.0])
    path = write(tmp_path / "a.nii", VOLUME, flat)
    assert len(read(path, None).frames) == 6
    with pytest.raises(InputError, match=r"a\.nii has an affine that tells no place"):
        read(path, "axial")


def test_slices_that_are_too_large_are_refused():
    # 2 x 9000 px are small, 9000 x 9000 px are not
    volume = np.broadcast_to(np.float32(0), (9000, 2, 9000))
    assert len(split_frames(Path("a.nii"), volume, np.eye(4), "sagittal")[0]) == 9000
    with pytest.raises(InputError, match=r"a\.nii has 9000 x 9000 px, more than 67 Mpx"):
        split_frames(Path("a.nii"), volume, np.eye(4), "coronal")


def test_a_volume_of_two_slices_is_the_smallest(tmp_path):
    path = write(tmp_path / "a.nii", VOLUME[:2, :2, :2], np.eye(4))
    assert [tuple(read(path, plane).frames.shape) for plane in PLANES] == [(2, 1, 2, 2)] * 3


@pytest.mark.parametrize(
    ("shape", "axis", "planes"),
    [
        ((10, 125, 125), 0, "10 slices of 125 x 125 px give --plane sagittal, and --plane axial .* 125 of 10 x 125 px"),
        ((125, 10, 60), 1, "10 slices of 125 x 60 px give --plane coronal, and --plane axial .* 60 of 125 x 10 px"),
        ((3, 64, 48), 0, "3 slices of 64 x 48 px give --plane sagittal"),  # of colours
    ],
)
def test_a_series_of_strips_is_refused_with_what_to_do(tmp_path, shape, axis, planes):
    pixels = np.random.default_rng(0).normal(size=shape).astype(np.float32)
    path = write(tmp_path / "a.nii", pixels, np.eye(4))
    with pytest.raises(InputError, match=rf"a\.nii has the shape .*If axis {axis} is time, .*{planes}"):
        read(path, None)
    read_by_axis = read(path, ("sagittal", "coronal")[axis])
    np.testing.assert_array_equal(read_by_axis.frames[:, 0].numpy(), np.moveaxis(pixels, axis, 0))
    np.testing.assert_array_equal(read(path, "axial").frames[:, 0].numpy(), np.moveaxis(pixels, 2, 0))


@pytest.mark.parametrize(
    ("shape", "spacing"),
    [
        ((10, 12, 300), (1, 1, 1)),  # few pixels, many frames
        ((40, 125, 300), (1, 1, 1)),  # an ultrasound picture may be narrow
        ((10, 125, 30), (1, 1, 1)),  # fewer frames than four times the width
        ((10, 125, 125), (8, 1, 1)),  # across the slices of a volume: 80 x 125 mm
        ((125, 10, 125), (1, 4, 1)),
        ((10, 125, 1), (1, 1, 1)),
    ],
)
def test_other_series_and_volumes_are_read_without_a_plane(tmp_path, shape, spacing):
    pixels = np.random.default_rng(0).normal(size=shape).astype(np.float32)
    image = read(write(tmp_path / "a.nii", pixels, np.diag([*spacing, 1.0])), None)
    np.testing.assert_array_equal(image.frames[:, 0].numpy(), np.moveaxis(pixels, 2, 0))


def test_time_in_milliseconds_on_the_first_axis_is_no_width(tmp_path):
    path = write(tmp_path / "a.nii", np.zeros((10, 125, 125), np.float32), np.diag([250.0, 1.5, 1.5, 1.0]))
    with pytest.raises(InputError, match="125 frames of 10 x 125 px"):
        read(path, None)


def test_a_series_in_four_axes_tells_its_time(tmp_path):
    image = read(write(tmp_path / "a.nii", np.zeros((10, 125, 1, 125), np.float32), np.eye(4)), None)
    assert image.frames.shape == (125, 1, 10, 125)
    with pytest.raises(InputError, match=r"\(10, 125, 125, 1\); .*write time as the last axis"):
        read(write(tmp_path / "b.nii", np.zeros((10, 125, 125, 1), np.float32), np.eye(4)), None)


def test_where_the_axes_span_no_space_no_plane_is_named(tmp_path):
    path = write(tmp_path / "a.nii", np.zeros((10, 125, 125), np.float32), np.diag([1.0, 1.0, 0.0, 1.0]))
    with pytest.raises(InputError, match=r"If axis 0 is time, write it as the last \(and [a-z ]*\)$"):
        read(path, None)
