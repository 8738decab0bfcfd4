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
"""Tests of patch cutting against numpy slices and scipy's interpolation."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.ndimage import map_coordinates

from scripts.transforms.patch import extract_patches, patch_offsets


def rand_image(*shape: int, seed: int = 0) -> torch.Tensor:
    return torch.rand(*shape, generator=torch.Generator().manual_seed(seed))


def direct_crop(image: np.ndarray, center: np.ndarray, side: int) -> np.ndarray:
    axis = np.arange(side) - (side - 1) / 2
    at = [c + offset for c, offset in zip(center, np.meshgrid(*[axis] * image.ndim, indexing="ij"), strict=True)]
    return map_coordinates(image, at, order=1, mode="grid-constant", cval=0.0)


def test_offsets_are_centred_and_in_index_order():
    assert patch_offsets(3, 1).squeeze(-1).tolist() == [-1.0, 0.0, 1.0]
    offsets = patch_offsets(4, 2)
    assert offsets.shape == (4, 4, 2)
    assert offsets[3, 0].tolist() == [1.5, -1.5]
    assert patch_offsets(5, 3).mean(dim=(0, 1, 2)).tolist() == [0.0, 0.0, 0.0]


@settings(max_examples=40, deadline=None)
@given(
    shape=st.tuples(st.integers(12, 50), st.integers(12, 50)),
    side=st.integers(1, 12),
    data=st.data(),
)
def test_equals_a_slice_where_no_interpolation_is_needed(shape, side, data):
    first = [data.draw(st.integers(0, size - side)) for size in shape]
    image = rand_image(1, 2, *shape)
    center = torch.tensor([[start + (side - 1) / 2 for start in first]])
    expected = image[..., first[0] : first[0] + side, first[1] : first[1] + side]
    torch.testing.assert_close(extract_patches(image, center, side), expected, atol=2e-5, rtol=0)


@settings(max_examples=40, deadline=None)
@given(
    shape=st.tuples(st.integers(2, 40), st.integers(2, 40)),
    side=st.integers(1, 17),
    place=st.tuples(st.floats(-0.5, 1.5), st.floats(-0.5, 1.5)),
)
def test_equals_scipy_anywhere_and_is_zero_outside(shape, side, place):
    image = rand_image(1, 1, *shape)
    center = np.array(place) * (np.array(shape) - 1)
    found = extract_patches(image, torch.from_numpy(center)[None].float(), side)[0, 0]
    np.testing.assert_allclose(found, direct_crop(image[0, 0].numpy(), center, side), atol=1e-4)


@pytest.mark.parametrize("side", [4, 5])
def test_volumes(side):
    image = rand_image(1, 1, 9, 7, 8)
    center = np.array([3.3, 2.6, 6.1])
    found = extract_patches(image, torch.from_numpy(center)[None].float(), side)
    assert found.shape == (1, 1, side, side, side)
    np.testing.assert_allclose(found[0, 0], direct_crop(image[0, 0].numpy(), center, side), atol=1e-5)


def test_a_patch_of_each_image_and_many_of_one():
    images, centers = rand_image(3, 2, 20, 16), torch.tensor([[4.0, 5.0], [10.5, 3.25], [18.0, 14.0]])
    one_each, of_the_first = extract_patches(images, centers, 6), extract_patches(images[:1], centers, 6)
    assert one_each.shape == of_the_first.shape == (3, 2, 6, 6)
    for i, center in enumerate(centers.numpy()):
        for channel in range(2):
            expected = direct_crop(images[i, channel].numpy(), center, 6)
            np.testing.assert_allclose(one_each[i, channel], expected, atol=1e-5)
            expected = direct_crop(images[0, channel].numpy(), center, 6)
            np.testing.assert_allclose(of_the_first[i, channel], expected, atol=1e-5)


def test_numbers_that_do_not_go_together_are_refused():
    with pytest.raises(ValueError, match="2 images do not go with 3 centres"):
        extract_patches(torch.zeros(2, 1, 8, 8), torch.zeros(3, 2), 4)
