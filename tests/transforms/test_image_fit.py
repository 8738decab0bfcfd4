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
"""Tests of fitting images to the network's size: points against painted blobs, both ways."""

from __future__ import annotations

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from scripts.transforms.image_fit import ImageFit

SHAPES = st.tuples(st.integers(8, 700), st.integers(8, 700))


def blob(shape: tuple[int, int], point: tuple[float, float], width: float) -> torch.Tensor:
    x, y = (torch.arange(size, dtype=torch.float64) - p for size, p in zip(shape, point, strict=True))
    return torch.exp(-(x[:, None] ** 2 + y[None, :] ** 2) / (2 * width**2)).float()[None, None]


def centroid(image: torch.Tensor) -> torch.Tensor:
    weight = image[0, 0].double()
    x, y = (torch.arange(size, dtype=torch.float64) for size in weight.shape)
    return torch.stack([(weight.sum(1) * x).sum(), (weight.sum(0) * y).sum()]) / weight.sum()


SPACINGS = st.one_of(st.none(), st.tuples(st.floats(0.05, 20.0), st.floats(0.05, 20.0)))


@settings(max_examples=200, deadline=None)
@given(original=SHAPES, network=SHAPES, spacing=SPACINGS, stretch=st.booleans(), data=st.data())
def test_points_return_to_where_they_came_from(original, network, spacing, stretch, data):
    region = None
    if data.draw(st.booleans()):
        start = [data.draw(st.integers(0, size - 2)) for size in original]
        stop = [data.draw(st.integers(first + 1, size)) for first, size in zip(start, original, strict=True)]
        region = (*start, *stop)
    fit = ImageFit(original, network, region, spacing, stretch)
    share = torch.rand(9, 2, generator=torch.Generator().manual_seed(0))
    start, stop = (torch.tensor(edge, dtype=torch.float32) for edge in (fit.start, fit.stop))
    points = start - 0.5 + share * (stop - start)
    assert fit.contains(points).all()
    # rounding in float32: a few of the last digits on either side, seen in the original's px
    rounding = 2.0**-22 * (max(original) + max(network) / min(fit.scale))
    torch.testing.assert_close(fit.to_original(fit.to_network(points)), points, atol=rounding, rtol=0)
    double = points.double()
    torch.testing.assert_close(fit.to_original(fit.to_network(double)), double, atol=1e-9, rtol=0)


@settings(max_examples=100, deadline=None)
@given(original=SHAPES, network=SHAPES, spacing=SPACINGS)
def test_the_image_touches_two_edges_keeps_its_aspect_ratio_and_lies_in_the_middle(original, network, spacing):
    fit = ImageFit(original, network, spacing=spacing)
    corners = fit.to_network(torch.tensor([[-0.5, -0.5], [original[0] - 0.5, original[1] - 0.5]], dtype=torch.float64))
    before, after = corners[0] + 0.5, torch.tensor(network) - 0.5 - corners[1]
    assert (before >= -1e-6).all()
    assert (after >= -1e-6).all()
    assert ((before.abs() < 1e-6) & (after.abs() < 1e-6)).any()
    assert ((after - before > -1e-6) & (after - before < 1 + 1e-6)).all()  # an odd rest goes behind
    # whole pixels: the ideal side is rounded by at most half a pixel, and is at least one
    lengths = original
    if spacing is not None and max(spacing) > 1.01 * min(spacing):
        lengths = [size * step for size, step in zip(original, spacing, strict=True)]
    exact = [length * min(n / o for n, o in zip(network, lengths, strict=True)) for length in lengths]
    sides = (corners[1] - corners[0]).tolist()
    assert all(abs(side - max(ideal, 1.0)) <= 0.5 + 1e-6 for side, ideal in zip(sides, exact, strict=True))


@pytest.mark.parametrize(
    ("original", "network", "region"),
    [
        ((300, 200), (80, 80), None),  # shrink, pad axis 1
        ((200, 301), (96, 64), None),  # shrink, pad axis 0
        ((60, 45), (128, 160), None),  # enlarge
        ((90, 90), (90, 90), None),  # nothing to do
        ((320, 240), (80, 100), (30, 41, 251, 218)),  # shrink a region
        ((160, 120), (200, 170), (60, 15, 130, 104)),  # enlarge a region
    ],
)
@pytest.mark.parametrize("place", [(0.5, 0.5), (0.4, 0.62), (0.63, 0.37)])
def test_a_blob_is_where_to_network_says(original, network, region, place):
    fit = ImageFit(original, network, region)
    point = [a + p * (b - 1 - a) for a, b, p in zip(fit.start, fit.stop, place, strict=True)]
    width = 3.0 / min(1.0, *fit.scale)
    image = blob(original, tuple(point), width)
    small = fit.resample(fit.crop(image))
    assert small.shape == (1, 1, *network)
    expected = fit.to_network(torch.tensor([point], dtype=torch.float64))[0]
    assert (centroid(small) - expected).abs().max() < 0.1


def test_hand_computed():
    fit = ImageFit((320, 240), (160, 160), (100, 40, 300, 140))  # 200 x 100 px -> 160 x 80 px, 40 px of zeros
    assert fit.scale == (0.8, 0.8)
    assert fit.offset == (0, 40)
    points = torch.tensor([[99.5, 39.5], [299.5, 139.5], [199.5, 89.5]])
    expected = torch.tensor([[-0.5, 39.5], [159.5, 119.5], [79.5, 79.5]])
    torch.testing.assert_close(fit.to_network(points), expected)
    torch.testing.assert_close(fit.length_to_original(torch.tensor([[4.0, 8.0]])), torch.tensor([[5.0, 10.0]]))
    image = fit.resample(fit.crop(torch.ones(1, 1, 320, 240)))[0, 0]
    assert (image[:, :40] == 0).all()
    assert (image[:, 120:] == 0).all()
    torch.testing.assert_close(image[:, 40:120], torch.ones(160, 80))
    outside = torch.tensor([[99.0, 60.0], [300.0, 60.0], [150.0, 39.0], [150.0, 140.0], [150.0, 60.0]])
    assert fit.contains(outside).tolist() == [False, False, False, False, True]


def test_the_crop_is_a_slice():
    image = torch.rand(2, 1, 30, 20, generator=torch.Generator().manual_seed(0))
    assert torch.equal(ImageFit((30, 20), (8, 8), (3, 5, 21, 17)).crop(image), image[:, :, 3:21, 5:17])


@pytest.mark.parametrize(
    "region", [(-1, 0, 5, 5), (0, 0, 31, 5), (0, 0, 5, 21), (5, 0, 5, 5), (6, 0, 5, 5), (0, 20, 5, 20)]
)
def test_regions_that_are_empty_or_outside_are_refused(region):
    with pytest.raises(ValueError, match="region"):
        ImageFit((30, 20), (8, 8), region)


@pytest.mark.parametrize("region", [(0,), (0, 0, 5), (0, 0, 5, 5, 5)])
def test_regions_of_other_than_four_numbers_are_refused(region):
    with pytest.raises(ValueError, match="region"):
        ImageFit((30, 20), (8, 8), region)


@pytest.mark.parametrize("spacing", [(1.0, 2.5), (0.3, 0.1), (1.0, 1.02)])
def test_a_disc_in_the_patient_is_a_disc_to_the_network(spacing):
    """Its half widths, of the second moments of a blob that is round in mm."""
    original = (300, 200)
    x, y = ((torch.arange(size) - size / 2) * step for size, step in zip(original, spacing, strict=True))
    width = 0.1 * min(300 * spacing[0], 200 * spacing[1])
    image = torch.exp(-(x[:, None] ** 2 + y[None, :] ** 2) / (2 * width**2))[None, None]
    seen = ImageFit(original, (160, 160), spacing=spacing).resample(image)[0, 0].double()
    place = torch.arange(160, dtype=torch.float64)
    widths = []
    for axis in (1, 0):
        weight = seen.sum(axis) / seen.sum()
        widths.append((weight * (place - (weight * place).sum()) ** 2).sum().sqrt())
    assert widths[0] / widths[1] == pytest.approx(1.0, abs=0.02)  # 0.4 px of 36 by whole pixels


def test_only_the_ratio_of_lengths_counts_and_nearly_square_is_square():
    assert ImageFit((30, 20), (80, 80), spacing=(0.2, 0.5)).scale == ImageFit((30, 20), (80, 80), spacing=(2, 5)).scale
    assert ImageFit((300, 200), (512, 512), spacing=(0.7, 0.7051)).scaled == ImageFit((300, 200), (512, 512)).scaled


def test_a_stretched_image_fills_the_networks():
    fit = ImageFit((320, 240), (160, 160), (100, 40, 300, 140), (0.5, 2.0), stretch=True)
    assert (fit.scale, fit.offset) == ((0.8, 1.6), (0, 0))
    torch.testing.assert_close(
        fit.to_network(torch.tensor([[99.5, 39.5], [299.5, 139.5]])), torch.tensor([[-0.5, -0.5], [159.5, 159.5]])
    )
    image = fit.resample(fit.crop(torch.ones(1, 1, 320, 240)))
    torch.testing.assert_close(image, torch.ones(1, 1, 160, 160))


@pytest.mark.parametrize("spacing", [(0.0, 1.0), (-1.0, 1.0), (float("nan"), 1.0), (1.0, float("inf"))])
def test_a_distance_that_is_not_positive_is_refused(spacing):
    with pytest.raises(ValueError, match="distance"):
        ImageFit((30, 20), (8, 8), spacing=spacing)
