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
"""Tests of local refinement on textures that are known at every point, not at pixels only."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch

from scripts.inferers.local_refinement import LocalRefinement
from scripts.transforms.patch import extract_patches

SHAPE = (72, 64)


def texture(points: torch.Tensor, *, seed: int = 0, shortest: float = 8.0, longest: float = 24.0) -> torch.Tensor:
    """Values (...) in [0, 1] of a smooth, irregular texture at points (..., 2): a sum of 24 waves."""
    rng = np.random.default_rng(seed)
    angles, phases = rng.uniform(0, 2 * math.pi, (2, 24))
    numbers = 2 * math.pi / rng.uniform(shortest, longest, 24)
    waves = torch.from_numpy(np.stack([numbers * np.cos(angles), numbers * np.sin(angles)]))
    return torch.sin(points.double() @ waves + torch.from_numpy(phases)).mean(dim=-1).float() * 0.9 + 0.5


def grid(shape: tuple[int, int]) -> torch.Tensor:
    return torch.stack(torch.meshgrid(*(torch.arange(float(n)) for n in shape), indexing="ij"), dim=-1)


def moved_image(shift: tuple[float, float] = (0.0, 0.0), **how: float) -> torch.Tensor:
    """The texture, of which all has moved by a shift, (1, 1, *SHAPE)."""
    return texture(grid(SHAPE) - torch.tensor(shift), **how)[None, None]


def patch_at(center: tuple[float, float], side: int, **how: float) -> torch.Tensor:
    """The texture around a point, sampled without interpolation, (1, 1, side, side)."""
    return texture(grid((side, side)) - (side - 1) / 2 + torch.tensor(center), **how)[None, None]


def pair(x: float, y: float) -> torch.Tensor:
    return torch.tensor([[x, y]])


@pytest.mark.parametrize("side", [20, 21, 32, 33])
@pytest.mark.parametrize("shift", [(0.0, 0.0), (0.5, -0.5), (0.3, 0.8), (-2.26, 1.49), (0.9, -3.1)])
@pytest.mark.parametrize("error", [(0.0, 0.0), (1.4, -0.7), (-1.0, 1.6)])
def test_a_sub_pixel_shift_is_found(side, shift, error):
    start, truth = (34.3, 30.6), (34.3 + shift[0], 30.6 + shift[1])
    found, similarity = LocalRefinement()(
        moved_image(shift), patch_at(start, side), pair(truth[0] + error[0], truth[1] + error[1]), torch.ones(1, 2)
    )
    torch.testing.assert_close(found, pair(*truth), atol=0.05, rtol=0)
    assert similarity.item() > 0.95


@pytest.mark.parametrize("side", [14, 15])
def test_the_similarity_is_the_correlation_coefficient_of_the_pixels(side):
    center = (30.0, 28.0) if side % 2 else (30.5, 28.5)
    noise = torch.rand(1, 1, *SHAPE, generator=torch.Generator().manual_seed(0))
    image = moved_image() + 0.3 * noise
    patch = patch_at(center, side)
    found, similarity = LocalRefinement(gate=0.0, least=0.1)(image, patch, pair(*center), torch.ones(1, 2))
    first = [int(c - (side - 1) / 2) for c in center]
    window = image[0, 0, first[0] : first[0] + side, first[1] : first[1] + side]
    expected = np.corrcoef(window.flatten().numpy(), patch.flatten().numpy())[0, 1]
    assert similarity.item() == pytest.approx(expected, abs=1e-4)
    assert (found - pair(*center)).norm() <= 1.0


def test_what_lies_beyond_the_gate_is_not_taken():
    image, patch = moved_image(shortest=24.0, longest=48.0), patch_at((34.0, 30.0), 21, shortest=24.0, longest=48.0)
    start = pair(34.0, 34.5)
    for sigma, gate, least in [(1.0, 3.0, 3.0), (0.1, 3.0, 4.0), (2.0, 2.0, 1.0)]:
        refine = LocalRefinement(gate=gate, least=least)
        found, similarity = refine(image, patch, start, torch.full((1, 2), sigma))
        assert torch.equal(found, start)
        assert similarity.item() < 0.97
    for sigma, gate, least in [(2.0, 3.0, 3.0), (0.1, 3.0, 5.0), (1.0, 5.0, 1.0)]:
        found, similarity = LocalRefinement(gate=gate, least=least)(image, patch, start, torch.full((1, 2), sigma))
        torch.testing.assert_close(found, pair(34.0, 30.0), atol=0.1, rtol=0)
        assert similarity.item() > 0.99


def test_each_axis_has_a_gate_of_its_own():
    image, patch = moved_image(shortest=24.0, longest=48.0), patch_at((34.0, 30.0), 21, shortest=24.0, longest=48.0)
    refine = LocalRefinement(gate=3.0, least=0.5)
    along_y, along_x = pair(34.0, 34.0), pair(38.0, 30.0)
    narrow_x, narrow_y = pair(0.1, 2.0), pair(2.0, 0.1)
    torch.testing.assert_close(refine(image, patch, along_y, narrow_x)[0], pair(34.0, 30.0), atol=0.1, rtol=0)
    torch.testing.assert_close(refine(image, patch, along_x, narrow_y)[0], pair(34.0, 30.0), atol=0.1, rtol=0)
    assert torch.equal(refine(image, patch, along_y, narrow_y)[0], along_y)
    assert torch.equal(refine(image, patch, along_x, narrow_x)[0], along_x)


@pytest.mark.parametrize("reach", [1, 2, 4, 6])
def test_nothing_moves_farther_than_the_reach(reach):
    image, patch = moved_image(shortest=24.0, longest=48.0), patch_at((34.0, 30.0), 21, shortest=24.0, longest=48.0)
    wide = torch.full((1, 2), 50.0)
    refine = LocalRefinement(reach=reach)
    beyond = pair(34.0 + reach + 1.5, 30.0)
    assert torch.equal(refine(image, patch, beyond, wide)[0], beyond)
    within = pair(34.0 + reach - 1.0, 30.0)
    torch.testing.assert_close(refine(image, patch, within, wide)[0], pair(34.0, 30.0), atol=0.1, rtol=0)


def test_in_noise_no_answer_leaves_its_gate_and_reach_and_those_without_a_top_stay():
    generator = torch.Generator().manual_seed(0)
    image = torch.rand(1, 1, *SHAPE, generator=generator)
    points = torch.rand(200, 2, generator=generator) * torch.tensor(SHAPE)
    patches = torch.rand(200, 1, 9, 9, generator=generator)
    sigmas = torch.rand(200, 2, generator=generator) * 2
    found, similarity = LocalRefinement(reach=4, gate=2.0, least=1.5)(image, patches, points, sigmas)
    moves = (found - points).abs()
    assert (moves <= 5.0).all()
    # a top's pixel lies inside of the gate, what is fitted to its neighbours up to a pixel farther
    radius = (2.0 * sigmas).clamp_min(1.5)
    assert (((moves - 1.0).clamp_min(0.0) / radius).square().sum(dim=1) <= 1.0).all()
    stayed = (found == points).all(dim=1)
    assert 0 < stayed.sum() < 200
    assert (similarity.abs() <= 1.0).all()


def test_the_mirror_image_of_a_patch_has_no_top_and_the_point_stays():
    image, patch = moved_image(), patch_at((34.0, 30.0), 21)
    found, similarity = LocalRefinement()(image, 1.0 - patch, pair(34.0, 30.0), torch.ones(1, 2))
    assert torch.equal(found, pair(34.0, 30.0))
    assert similarity.item() == pytest.approx(-1.0, abs=1e-4)


@pytest.mark.parametrize("value", [0.0, 0.1, 0.3, 0.7, 1.0])
def test_without_contrast_the_point_stays_and_resembles_nothing(value):
    points, sigmas = pair(33.7, 30.2), torch.ones(1, 2)
    flat_patch, flat_image = torch.full((1, 1, 17, 17), value), torch.full((1, 1, *SHAPE), value)
    for image, patch in [
        (moved_image(), flat_patch),
        (flat_image, patch_at((34.0, 30.0), 17)),
        (flat_image, flat_patch),
    ]:
        found, similarity = LocalRefinement()(image, patch, points, sigmas)
        assert torch.equal(found, points)
        assert similarity.item() == 0.0


def test_in_a_flat_part_of_a_textured_image_the_point_stays():
    points, sigmas = pair(47.0, 40.0), torch.full((1, 2), 0.1)
    for seed in range(8):
        generator = torch.Generator().manual_seed(seed)
        image = torch.full((1, 1, 80, 80), 0.9)
        image[..., :36, :] = torch.rand(1, 1, 36, 80, generator=generator)
        found, _ = LocalRefinement()(image, torch.rand(1, 1, 15, 15, generator=generator), points, sigmas)
        assert torch.equal(found, points)


@pytest.mark.parametrize(("gain", "offset"), [(0.2, 0.0), (1.0, -0.3), (0.4, 0.5), (3.0, 2.0)])
def test_gain_and_offset_of_image_and_patch_do_not_matter(gain, offset):
    image, patch = moved_image((0.4, -1.2)), patch_at((34.0, 30.0), 20)
    points, sigmas = pair(35.5, 28.0), torch.ones(1, 2)
    found, similarity = LocalRefinement()(image, patch, points, sigmas)
    assert not torch.equal(found, points)
    for other in [(image * gain + offset, patch), (image, patch * gain + offset)]:
        changed, changed_similarity = LocalRefinement()(*other, points, sigmas)
        torch.testing.assert_close(changed, found, atol=2e-3, rtol=0)
        torch.testing.assert_close(changed_similarity, similarity, atol=1e-4, rtol=0)


@pytest.mark.parametrize("side", [16, 17])
def test_many_points_at_once_equal_one_after_the_other(side):
    generator = torch.Generator().manual_seed(0)
    image = moved_image((0.7, 0.2))
    centers = torch.rand(7, 2, generator=generator) * torch.tensor([40.0, 30.0]) + 15
    patches = torch.cat([patch_at(tuple(center.tolist()), side) for center in centers])
    points = centers + torch.randn(7, 2, generator=generator) * 2
    sigmas = torch.rand(7, 2, generator=generator) + 0.2
    found, similarity = LocalRefinement()(image, patches, points, sigmas)
    for i in range(7):
        alone = LocalRefinement()(image, patches[i : i + 1], points[i : i + 1], sigmas[i : i + 1])
        torch.testing.assert_close(found[i], alone[0][0], atol=1e-3, rtol=0)
        torch.testing.assert_close(similarity[i], alone[1][0], atol=1e-4, rtol=0)


@pytest.mark.parametrize("center", [(2.0, 3.0), (69.0, 61.0), (0.0, 63.0)])
def test_points_at_the_margin_are_found_with_patches_that_were_padded(center):
    image = moved_image()
    patch = extract_patches(image, pair(*center), 17)
    found, similarity = LocalRefinement()(image, patch, pair(center[0] + 1.2, center[1] - 0.8), torch.ones(1, 2))
    torch.testing.assert_close(found, pair(*center), atol=0.3, rtol=0)
    assert similarity.item() == pytest.approx(1.0, abs=1e-3)


def test_a_point_that_is_not_known_stays_unknown_and_leaves_the_others_alone():
    image, patch = moved_image(), patch_at((34.0, 30.0), 25)
    points = torch.tensor([[torch.nan, 30.0], [35.0, 31.0]])
    found, _ = LocalRefinement()(image, patch.repeat(2, 1, 1, 1), points, torch.ones(2, 2))
    assert found[0, 0].isnan()
    torch.testing.assert_close(found[1], torch.tensor([34.0, 30.0]), atol=0.05, rtol=0)


@pytest.mark.parametrize("side", [40, 41])
def test_the_middle_of_a_patch_tells_where_its_surroundings_move_on_their_own(side):
    """Within 12 px of the point all moves by (2, 1), further off nothing does."""
    point = (34.0, 30.0) if side % 2 else (34.5, 30.5)
    near = (grid(SHAPE) - torch.tensor(point)).norm(dim=-1) < 12
    image = torch.where(near, moved_image((2.0, 1.0)), moved_image())
    moved = pair(point[0] + 2.0, point[1] + 1.0)
    middle, whole = (
        LocalRefinement(size=size)(image, patch_at(point, side), pair(*point), torch.ones(1, 2))[0]
        for size in (15, side)
    )
    torch.testing.assert_close(middle, moved, atol=0.3, rtol=0)
    assert (whole - moved).norm() > 0.8
