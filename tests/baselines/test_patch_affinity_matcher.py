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
"""Tests of matching by affinity, with features that are known and with a network's."""

from __future__ import annotations

import pytest
import torch
import torch.nn.functional as F

from scripts.baselines import PatchAffinityMatcher, SimCLRNetwork
from scripts.metrics.cyclic_error import cyclic_error, encode_patches, match_points
from scripts.networks import build_encoder
from scripts.transforms.patch import extract_patches

SHAPE = (64, 48)


class Pixels(torch.nn.Module):
    """A patch's own pixels for its features."""

    def forward(self, patch):
        return F.normalize(patch.flatten(1) - patch.mean(dim=(1, 2, 3))[:, None], dim=1)


@pytest.fixture
def image(texture_frames) -> torch.Tensor:
    return torch.from_numpy(texture_frames(SHAPE, [(0, 0)])).float()[None]


@pytest.fixture
def network() -> SimCLRNetwork:
    torch.manual_seed(0)
    return SimCLRNetwork(build_encoder("resnet18"), features=32).eval()


# middles of cells of 4 px, so that the patches there are among those of the image
CENTERS = torch.tensor([[5.5, 9.5], [33.5, 21.5], [61.5, 1.5], [29.5, 45.5]])


@torch.no_grad()
def test_a_patch_is_found_in_its_own_image(image, network):
    for features in (Pixels(), network):
        matcher = PatchAffinityMatcher(features, patch_size=16, stride=4)
        codes = encode_patches(matcher, image, CENTERS, 16)
        image_code = matcher.encode_image(image)
        assert image_code.shape[:3] == (1, 16, 12)
        torch.testing.assert_close(match_points(matcher, image_code, codes, SHAPE), CENTERS, atol=1e-4, rtol=0)
        torch.testing.assert_close(matcher.affinity(image_code, codes).amax(dim=(1, 2)), torch.ones(4))


@torch.no_grad()
def test_between_cells_it_is_off_by_half_a_stride_at_most(image):
    matcher = PatchAffinityMatcher(Pixels(), patch_size=16, stride=4)
    points = torch.tensor([[20.0, 20.0], [30.0, 30.0], [40.5, 13.0]])
    found = match_points(matcher, matcher.encode_image(image), encode_patches(matcher, image, points, 16), SHAPE)
    assert (found - points).abs().max() <= 2.0


@torch.no_grad()
def test_affinity_is_the_inner_product_of_patches_cut_one_by_one(image, network):
    """Eq. 5; the first axis of the map is the first of the image."""
    matcher = PatchAffinityMatcher(network, patch_size=16, stride=8, chunk_size=5)
    key = extract_patches(image, torch.tensor([[20.0, 30.0]]), 16)
    found = matcher.affinity(matcher.encode_image(image), matcher.encode_patch(key))
    assert found.shape == (1, 8, 6)
    for i, j in ((0, 0), (7, 5), (2, 4)):
        other = extract_patches(image, torch.tensor([[8 * i + 3.5, 8 * j + 3.5]]), 16)
        expected = (network(key) * network(other)).sum()
        torch.testing.assert_close(found[0, i, j], expected, atol=1e-4, rtol=1e-4)


@torch.no_grad()
def test_patches_of_several_images_and_sizes_that_do_not_divide(image):
    images = torch.cat([image, image.roll(8, 2)])[..., :46]
    matcher = PatchAffinityMatcher(Pixels(), patch_size=16, stride=4)
    code = matcher.encode_image(images)
    assert code.shape[:3] == (2, 16, 12)
    patches = extract_patches(image, torch.tensor([[20.0, 20.0], [30.0, 28.0]]), 16)
    answers = matcher(images, patches.repeat(2, 1, 1, 1))
    assert answers.shape == (4, 4)
    assert not answers[:, 2:].any()
    one_by_one = torch.cat([matcher(one[None], patches) for one in images])
    torch.testing.assert_close(answers, one_by_one)
    moved = (answers[2:, 0] - answers[:2, 0]) * 64 / 2
    torch.testing.assert_close(moved, torch.full((2,), 8.0))


@torch.no_grad()
def test_one_pass_over_the_whole_image_has_other_features(image, network):
    """Why patches are encoded one by one: next to its neighbours a place has other features than alone."""
    whole = image[..., :64, :32]
    dense = network.encoder(whole)[-1]
    assert dense.shape == (1, 512, 2, 1)
    for cell, patch in enumerate(whole.split(32, dim=2)):
        alone = network.encoder(patch)[-1]
        assert alone.shape == (1, 512, 1, 1)
        assert (dense[:, :, cell] - alone[:, :, 0]).norm() > 0.1 * alone.norm()


def test_it_is_measured_like_any_matcher(image):
    matcher = PatchAffinityMatcher(Pixels(), patch_size=16, stride=4)
    error = cyclic_error(matcher, image, image.roll(4, 2), CENTERS[1:2], 16)
    assert error.item() == pytest.approx(0.0, abs=1e-4)
