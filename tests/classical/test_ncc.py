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
"""Tests of normalised cross-correlation against a brute-force search and patterns of known place."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from scripts.classical.ncc import NCCMatcher, ncc_match

SUB_PIXEL = 0.13  # what a paraboloid through scores one pixel apart can do on the pattern below, px


def brute_force(image: np.ndarray, patch: np.ndarray) -> np.ndarray:
    """Best centre (2,), to whole steps, from a correlation coefficient for each window in turn."""
    side = len(patch)
    padded = np.pad(image, side // 2)
    scores = np.zeros([n - side + 1 for n in padded.shape])
    for i, j in np.ndindex(*scores.shape):
        window = padded[i : i + side, j : j + side]
        if np.ptp(window) > 0:
            scores[i, j] = np.corrcoef(window.ravel(), patch.ravel())[0, 1]
    return np.array(np.unravel_index(scores.argmax(), scores.shape)) - side // 2 + (side - 1) / 2


def blobs(x: np.ndarray, y: np.ndarray) -> np.ndarray:
    """A smooth pattern that can be looked up at any place."""
    rng = np.random.default_rng(0)
    centers, widths, heights = rng.uniform(-12, 76, (150, 2)), rng.uniform(2.5, 4, 150), rng.uniform(-1, 1, 150)
    terms = zip(centers, widths, heights, strict=True)
    return sum(h * np.exp(-((x - cx) ** 2 + (y - cy) ** 2) / (2 * w * w)) for (cx, cy), w, h in terms)


def cut(center: tuple[float, float], side: int) -> torch.Tensor:
    offsets = np.arange(side) - (side - 1) / 2
    patch = blobs(center[0] + offsets[:, None], center[1] + offsets[None, :])
    return torch.from_numpy(patch).float()[None, None]


@pytest.fixture(scope="module")
def image() -> torch.Tensor:
    return torch.from_numpy(blobs(np.arange(64.0)[:, None], np.arange(56.0)[None, :])).float()[None]


@pytest.mark.parametrize("side", [1, 2, 5, 6, 11, 14])
def test_agrees_with_brute_force(side):
    rng = np.random.default_rng(side)
    noise = rng.normal(size=(17, 14)).astype(np.float32)
    patches = rng.normal(size=(4, side, side)).astype(np.float32)
    found = ncc_match(torch.from_numpy(noise)[None], torch.from_numpy(patches)[:, None])
    if side == 1:  # a single pixel has no contrast
        np.testing.assert_allclose(found, [[8.0, 6.5]] * 4)
        return
    for patch, position in zip(patches, found.numpy(), strict=True):
        # The sub-pixel step on top of the brute-force result stays below a pixel.
        assert np.abs(position - brute_force(noise, patch)).max() < 1


@settings(max_examples=25, deadline=None)
@given(
    x=st.integers(8, 55),
    y=st.integers(8, 47),
    side=st.integers(8, 16),
    gain=st.floats(0.1, 50),
    offset=st.floats(-9, 9),
)
def test_finds_an_exact_copy_whatever_gain_and_offset(x, y, side, gain, offset):
    whole = torch.rand(1, 64, 56, generator=torch.Generator().manual_seed(0))
    x, y = x - side // 2, y - side // 2
    patch = gain * whole[None, :, x : x + side, y : y + side] + offset
    found = ncc_match(whole, patch)
    # In white noise the neighbouring scores are small but not alike, so the parabola leaves the pixel a little.
    assert (found - torch.tensor([x, y]) - (side - 1) / 2).abs().max() < 0.2


@pytest.mark.parametrize("side", [16, 17, 24, 33, 48])
@pytest.mark.parametrize("center", [(30.0, 27.0), (30.25, 26.5), (28.9, 31.4), (33.5, 24.5)])
def test_finds_sub_pixel_places(image, side, center):
    found = ncc_match(image, cut(center, side))
    assert (found - torch.tensor([center])).abs().max() < SUB_PIXEL


def test_slanted_structures_do_not_pull_the_sub_pixel_place_aside():
    x, y = np.arange(64.0)[:, None], np.arange(56.0)[None, :]

    def streak(x: np.ndarray, y: np.ndarray) -> torch.Tensor:
        along, across = (x + y) / np.sqrt(2), (x - y) / np.sqrt(2)
        return torch.from_numpy(np.exp(-(along**2) / (2 * 6.0**2) - across**2 / (2 * 3.0**2)))

    offsets = np.arange(40) - 19.5
    patch = streak(offsets[:, None], offsets[None, :])[None, None]
    # Per axis the top would be found 0.1 px and more aside, for only one of the coordinates is between samples.
    found = ncc_match(streak(x - 30.5, y - 27.1)[None], patch)
    assert (found - torch.tensor([[30.5, 27.1]])).abs().max() < 0.03


@pytest.mark.parametrize("center", [(2.0, 30.0), (61.0, 30.0), (30.0, 1.0), (30.0, 54.0), (0.0, 0.0)])
def test_finds_centres_at_the_margins(image, center):
    offsets = torch.arange(17) - 8
    rows, columns = int(center[0]) + offsets, int(center[1]) + offsets
    outside = (rows < 0) | (rows > 63), (columns < 0) | (columns > 55)
    patch = image[0][rows.clamp(0, 63)][:, columns.clamp(0, 55)]
    patch[outside[0]] = 0
    patch[:, outside[1]] = 0
    assert (ncc_match(image, patch[None, None]) - torch.tensor([center])).abs().max() < 0.5


def test_each_patch_is_matched_by_itself(image):
    rng = np.random.default_rng(0)
    patches = torch.cat([cut(tuple(rng.uniform(16, 40, 2)), 20) for _ in range(37)])  # more than one chunk
    together = ncc_match(image, patches)
    alone = torch.cat([ncc_match(image, patch[None]) for patch in patches])
    assert together.shape == (37, 2)
    torch.testing.assert_close(together, alone)


def test_weak_contrast_on_a_large_offset_does_not_drown_in_rounding(image):
    faint = image.double() * 0.1 + 1000
    found = ncc_match(faint, cut((30.0, 27.0), 20))
    assert (found - torch.tensor([[30.0, 27.0]])).abs().max() < SUB_PIXEL


def test_flat_regions_never_win():
    image = torch.full((1, 60, 60), 0.1)
    pattern = torch.rand(10, 10, generator=torch.Generator().manual_seed(0))
    image[0, 40:50, 12:22] += pattern
    found = ncc_match(image, pattern[None, None])
    assert (found - torch.tensor([[44.5, 16.5]])).abs().max() < 0.2


@pytest.mark.parametrize("side", [8, 9])
@pytest.mark.parametrize("level", [0.0, 0.1, 1e6])
def test_constant_patch_gives_the_image_centre(image, side, level):
    found = ncc_match(image, torch.full((2, 1, side, side), level))
    torch.testing.assert_close(found, torch.tensor([[31.5, 27.5]] * 2))


def test_image_of_zeros_gives_the_image_centre():
    found = ncc_match(torch.zeros(1, 31, 20), torch.rand(1, 1, 8, 8))
    torch.testing.assert_close(found, torch.tensor([[15.0, 9.5]]))


def test_no_patches_give_no_positions(image):
    assert ncc_match(image, torch.zeros(0, 1, 8, 8)).shape == (0, 2)


@pytest.mark.parametrize("dtype", [torch.int16, torch.float16, torch.float64])
def test_takes_any_real_dtype(image, dtype):
    scaled, patch = (image * 1000).to(dtype), (cut((30.0, 27.0), 20) * 1000).to(dtype)
    found = ncc_match(scaled, patch)
    assert found.dtype == torch.float32
    assert (found - torch.tensor([[30.0, 27.0]])).abs().max() < SUB_PIXEL


@pytest.mark.parametrize(
    ("image_shape", "patch_shape", "word"),
    [
        ((64, 56), (1, 1, 8, 8), "image"),
        ((2, 64, 56), (1, 1, 8, 8), "image"),
        ((1, 64, 56), (1, 8, 8), "patches"),
        ((1, 64, 56), (1, 2, 8, 8), "patches"),
        ((1, 64, 56), (1, 1, 8, 9), "patches"),
        ((1, 64, 56), (1, 1, 57, 57), "fit"),
        ((1, 64, 56), (1, 1, 0, 0), "fit"),
    ],
)
def test_wrong_shapes_are_refused(image_shape, patch_shape, word):
    with pytest.raises(ValueError, match=word):
        ncc_match(torch.zeros(image_shape), torch.zeros(patch_shape))


def test_matcher_finds_the_patches_of_each_image_in_that_image(image):
    images = torch.stack([image, image.roll(7, 1), image.roll(-4, 2)])
    centers = [(30.0, 27.0), (25.0, 22.0)]
    matcher = NCCMatcher()
    patches = torch.cat([cut(center, 16) for center in centers] * 3)
    found = matcher.match(matcher.encode_image(images), matcher.encode_patch(patches))
    assert found.shape == (6, 4)
    assert (found[:, 2:] == 0).all()  # it has no uncertainty
    # normalised from edge to edge of 64 x 56 px
    in_pixels = (found[:, :2] + 1) / 2 * torch.tensor([64.0, 56.0]) - 0.5
    moved = torch.tensor([[[0.0, 0.0]], [[7.0, 0.0]], [[0.0, -4.0]]])
    expected = (torch.tensor(centers) + moved).flatten(0, 1)
    assert (in_pixels - expected).abs().max() < SUB_PIXEL


def test_matcher_looks_for_all_patches_in_one_image(image):
    centers = [(30.0, 27.0), (25.0, 22.0), (40.0, 30.0)]
    found = NCCMatcher().match(image[None], torch.cat([cut(center, 16) for center in centers]))
    assert ((found[:, :2] + 1) / 2 * torch.tensor([64.0, 56.0]) - 0.5 - torch.tensor(centers)).abs().max() < SUB_PIXEL


def test_matcher_has_no_weights_and_changes_no_code(image):
    matcher = NCCMatcher()
    assert not list(matcher.parameters())
    assert torch.equal(matcher.encode_image(image[None]), image[None])
    assert torch.equal(matcher.encode_patch(cut((30.0, 27.0), 9)), cut((30.0, 27.0), 9))
