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
"""Tests of the cyclic error with matchers of known answers, and against its definition with the network."""

from __future__ import annotations

import math

import pytest
import torch

from scripts.metrics.cyclic_error import cyclic_error, grid_points, match_points
from scripts.networks import CorrelationHead, RegressionHead, ResidualEncoder, TemplateMatchingNetwork
from scripts.transforms.coordinates import normalized_to_index
from scripts.transforms.patch import extract_patches

SHAPE = (40, 30)
POINTS = torch.tensor([[20.0, 10.0], [12.0, 8.5], [30.25, 21.0], [0.0, 29.0]])


class RampMatcher:
    """Reads the position off the images: channels hold x and y of the source, the last one marks the inside.

    A patch of one pixel is the source's position at its centre; the answer in an image is that position moved by what
    the image's ramps say, plus an error of ``offset``.
    """

    def __init__(self, offset: tuple[float, float] = (0.0, 0.0)) -> None:
        self.offset = torch.tensor(offset)
        self.encoded_images: list[int] = []
        self.encoded_patches: list[int] = []

    def encode_image(self, image: torch.Tensor) -> torch.Tensor:
        self.encoded_images.append(len(image))
        return image[:, :, 0, 0]  # source position of its first pixel

    def encode_patch(self, patch: torch.Tensor) -> torch.Tensor:
        self.encoded_patches.append(len(patch))
        return patch[:, :, 0, 0]

    def match(self, image_code: torch.Tensor, patch_code: torch.Tensor) -> torch.Tensor:
        found = patch_code - image_code + self.offset
        normalized = torch.stack([(2 * found[:, i] + 1) / SHAPE[i] - 1 for i in range(2)], dim=1)
        return torch.cat([normalized, torch.zeros_like(found)], dim=1)


def ramps(*shifts: tuple[float, float]) -> torch.Tensor:
    """Images whose pixel values are positions in the source; each image is moved by a shift."""
    x, y = torch.meshgrid(*[torch.arange(float(size)) for size in SHAPE], indexing="ij")
    return torch.stack([torch.stack([x - dx, y - dy]) for dx, dy in shifts])


INNER = POINTS[:3]  # far enough from the border that shifted ramps are read inside


def test_a_perfect_matcher_has_no_error():
    errors = cyclic_error(RampMatcher(), ramps((0, 0)), ramps((0, 0), (3, -2), (-1.5, 4)), INNER, 1)
    assert errors.shape == (3, 3)
    torch.testing.assert_close(errors, torch.zeros(3, 3), atol=1e-3, rtol=0)


def test_an_offset_counts_on_the_way_out_and_on_the_way_back():
    errors = cyclic_error(RampMatcher((0.3, -0.4)), ramps((0, 0)), ramps((2, 1), (0, 0)), INNER, 1)
    # out: 0.5 px off; back: as much again, in the same direction
    torch.testing.assert_close(errors, torch.full((2, 3), 1.0), atol=1e-3, rtol=0)


def test_the_error_is_euclidean_in_px_of_a_non_square_image():
    class Nowhere(RampMatcher):
        def match(self, image_code: torch.Tensor, patch_code: torch.Tensor) -> torch.Tensor:
            return torch.zeros(len(patch_code), 4)

    errors = cyclic_error(Nowhere(), ramps((0, 0)), ramps((0, 0)), POINTS, 1)
    expected = [math.hypot(x - 19.5, y - 14.5) for x, y in POINTS.tolist()]
    torch.testing.assert_close(errors[0], torch.tensor(expected))


def test_source_patches_are_encoded_once_for_all_targets():
    matcher = RampMatcher()
    cyclic_error(matcher, ramps((0, 0)), ramps((0, 0), (1, 0), (2, 0)), INNER, 1)
    # those of the source, then those found in each target
    assert matcher.encoded_patches == [3, 3, 3, 3]
    assert set(matcher.encoded_images) == {1}


@pytest.mark.parametrize("head", [CorrelationHead, RegressionHead])
def test_equals_the_definition_with_the_network(head):
    torch.manual_seed(0)
    encoders = ResidualEncoder(channels=(4, 6, 8)), ResidualEncoder(channels=(4, 6, 8))
    network = TemplateMatchingNetwork(*encoders, head(*encoders)).eval().requires_grad_(False)
    source, targets = torch.rand(1, 1, *SHAPE), torch.rand(2, 1, *SHAPE)

    def find(image: torch.Tensor, template: torch.Tensor, point: torch.Tensor) -> torch.Tensor:
        patch = extract_patches(template, point[None], 16)
        return normalized_to_index(network(image, patch)[0, :2], SHAPE)

    errors = cyclic_error(network, source, targets, POINTS, 16)
    assert errors.shape == (2, 4)
    assert errors.min() > 0.1  # random weights lead elsewhere
    for i, target in enumerate(targets.split(1)):
        for k, point in enumerate(POINTS):
            back = find(source, target, find(target, source, point))
            assert errors[i, k].item() == pytest.approx(torch.dist(back, point).item(), abs=2e-3)


def test_no_graph_is_kept():
    encoders = ResidualEncoder(channels=(4, 6, 8)), ResidualEncoder(channels=(4, 6, 8))
    network = TemplateMatchingNetwork(*encoders, CorrelationHead(*encoders)).eval()
    assert not cyclic_error(network, torch.rand(1, 1, *SHAPE), torch.rand(1, 1, *SHAPE), POINTS, 16).requires_grad


def test_match_points_gives_px_of_a_non_square_image():
    matcher = RampMatcher()
    found = match_points(matcher, matcher.encode_image(ramps((3, -2))), torch.tensor([[10.0, 12.0]]), SHAPE)
    torch.testing.assert_close(found, torch.tensor([[13.0, 10.0]]), atol=1e-4, rtol=0)


def test_grid_points_are_every_nth_pixel_from_the_first_on():
    assert grid_points((5, 3), 2).tolist() == [[0, 0], [0, 2], [2, 0], [2, 2], [4, 0], [4, 2]]
    assert grid_points((2, 2, 2), 1).shape == (8, 3)
    assert grid_points((7, 9), 3).max(dim=0).values.tolist() == [6, 6]
