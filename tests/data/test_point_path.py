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
"""The whole way of a point, from a file to the network and back to the patient, against SimpleITK and nibabel."""

from __future__ import annotations

from pathlib import Path

import nibabel as nib
import numpy as np
import pytest
import torch
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from scripts.data import find_image_series, prepare_series
from scripts.data.prepared_series import PreparedSeries, PrepareSeries
from scripts.transforms.coordinates import index_to_lps, index_to_normalized, lps_to_index, normalized_to_index

sitk = pytest.importorskip("SimpleITK")

SIDES = st.integers(8, 60)
SHAPES = st.tuples(SIDES, SIDES)
SPACINGS = st.tuples(*[st.floats(0.1, 5.0)] * 3)
ORIGINS = st.tuples(*[st.floats(-300.0, 300.0)] * 3)
PX = 1e-3  # the tolerance

each_file = settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])


@st.composite
def directions(draw: st.DrawFn, mirrored: bool = True) -> np.ndarray:
    """Axes (3, 3) at right angles: the patient's own in any order and sign, or turned anyhow."""
    generator = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    if draw(st.booleans()):
        axes = np.eye(3)[generator.permutation(3)] * generator.choice([-1.0, 1.0], 3)
    else:
        axes = np.linalg.qr(generator.normal(size=(3, 3)))[0]
    return axes if mirrored or np.linalg.det(axes) > 0 else axes * [1.0, 1.0, -1.0]


@st.composite
def settings_of_network(draw: st.DrawFn, shape: tuple[int, int]) -> PrepareSeries:
    """A size of the network, a region or none, the aspect ratio kept or not."""
    corners = [sorted(draw(st.lists(st.integers(0, side), min_size=2, max_size=2, unique=True))) for side in shape]
    (x0, x1), (y0, y1) = corners
    region = draw(st.sampled_from([None, (x0, y0, x1, y1)]))
    return PrepareSeries(draw(SHAPES), region, stretch=draw(st.booleans()))


def assert_exact(prepared: PreparedSeries, truth: sitk.Image, frame: int = 0) -> None:
    """Every corner, and points between: to the network and back, and to mm as SimpleITK has them."""
    corners = torch.tensor([[x, y] for x in (0.0, 1.0) for y in (0.0, 1.0)])
    inside = torch.rand(6, 2, generator=torch.Generator().manual_seed(0))
    used = [torch.tensor(edge, dtype=torch.float32) for edge in (prepared.fit.start, prepared.fit.stop)]
    points = used[0] + torch.cat([corners, inside]) * (used[1] - used[0] - 1)
    seen = prepared.fit.to_network(points)
    network = prepared.fit.network
    assert ((seen > -0.5 - PX) & (seen < torch.tensor(network) - 0.5 + PX)).all()
    normalized = index_to_normalized(seen, network)
    back = prepared.fit.to_original(normalized_to_index(normalized, network))
    np.testing.assert_allclose(back, points, atol=PX)

    third = [frame] if truth.GetSize()[2] > 1 else [0]
    at = [[*map(float, point), *third] for point in points]
    expected = np.array([truth.TransformContinuousIndexToPhysicalPoint(one) for one in at])
    mm = PX * min(truth.GetSpacing()[:2])
    found = index_to_lps(back.double().numpy(), prepared.affines[frame])
    np.testing.assert_allclose(found, expected, atol=2 * mm + 1e-4)  # float32 of a header at 300 mm: 3e-5
    index, off = lps_to_index(expected, prepared.affines[frame])
    np.testing.assert_allclose(index, points, atol=PX)
    np.testing.assert_allclose(off, 0.0, atol=1e-3)


def write(path: Path, shape: tuple[int, ...], direction: np.ndarray, spacing: tuple, origin: tuple) -> sitk.Image:
    image = sitk.GetImageFromArray(np.random.default_rng(0).integers(0, 99, shape[::-1]).astype(np.int16))
    image.SetDirection(direction.flatten().tolist())
    image.SetSpacing(spacing)
    image.SetOrigin(origin)
    sitk.WriteImage(image, str(path))
    return image


@pytest.mark.parametrize("suffix", ["nii", "nrrd", "mha"])
@each_file
@given(data=st.data(), shape=SHAPES, direction=directions(), spacing=SPACINGS, origin=ORIGINS)
def test_files_of_research(tmp_path, suffix, data, shape, direction, spacing, origin):
    if suffix != "nii":
        pytest.importorskip("itk")
    path = tmp_path / f"image.{suffix}"
    prepare = data.draw(settings_of_network(shape))
    image = write(path, (*shape, 1), direction, spacing, origin)
    assert_exact(prepare_series(find_image_series(path)[0], prepare), image)


@each_file
@given(data=st.data(), shape=SHAPES, direction=directions(), spacing=SPACINGS, origin=ORIGINS)
def test_nifti_as_nibabel_has_it(tmp_path, data, shape, direction, spacing, origin):
    write(tmp_path / "image.nii", (*shape, 1), direction, spacing, origin)
    prepare = data.draw(settings_of_network(shape))
    prepared = prepare_series(find_image_series(tmp_path / "image.nii")[0], prepare)
    affine = nib.load(tmp_path / "image.nii").affine
    ras = nib.affines.apply_affine(affine, [[2.25, 5.5, 0.0]])[0]
    np.testing.assert_allclose(index_to_lps(np.array([2.25, 5.5]), prepared.affines[0]), ras * [-1, -1, 1], atol=1e-9)


@each_file
@given(data=st.data(), shape=SHAPES, direction=directions(mirrored=False), spacing=SPACINGS, origin=ORIGINS)
def test_dicom(tmp_path, write_dicom, data, shape, direction, spacing, origin):
    prepare = data.draw(settings_of_network(shape))
    path = write_dicom(
        tmp_path / "slice.dcm",
        np.random.default_rng(0).integers(0, 99, shape[::-1]).astype(np.uint16),
        # decimal strings have 16 characters
        ImagePositionPatient=[f"{value:.10g}" for value in origin],
        ImageOrientationPatient=[f"{value:.10g}" for value in (*direction[:, 0], *direction[:, 1])],
        PixelSpacing=[f"{spacing[1]:.10g}", f"{spacing[0]:.10g}"],
    )
    assert_exact(prepare_series(find_image_series(path)[0], prepare), sitk.ReadImage(str(path)))
