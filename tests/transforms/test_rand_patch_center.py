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
"""Tests of the self-supervision's geometry: ramps and dots tell where each output pixel came from."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.ndimage import map_coordinates
from scipy.stats import kstest

from scripts.transforms.counterparts import Counterparts
from scripts.transforms.patch import extract_patches
from scripts.transforms.rand_patch_center import RandPatchCenter, _through_curves

OFF = {
    "image_rotate": 0.0,
    "image_scale": (1.0, 1.0),
    "crop_scale": (1.0, 1.0),
    "crop_ratio": (1.0, 1.0),
    "patch_rotate": 0.0,
    "patch_scale": (1.0, 1.0),
    "gamma": (1.0, 1.0),
}
SHAPE = (72, 56)


def rand_images(batch: int, shape: tuple[int, int] = SHAPE, channels: int = 1) -> torch.Tensor:
    return torch.rand(batch, channels, *shape, generator=torch.Generator().manual_seed(0))


def ramps(batch: int, shape: tuple[int, int] = SHAPE) -> torch.Tensor:
    """Channels that hold x, y, which bilinear interpolation keeps exact, and 1, which tells what lies inside."""
    axes = [torch.arange(size, dtype=torch.float32) for size in shape]
    x, y = torch.meshgrid(axes, indexing="ij")
    return torch.stack([x, y, torch.ones(shape)]).expand(batch, -1, -1, -1)


def to_pixels(center: torch.Tensor, shape: tuple[int, int] = SHAPE) -> np.ndarray:
    """Normalised, from edge to edge, to px; written down again here on purpose."""
    return (center.double().numpy() + 1) / 2 * np.array(shape) - 0.5


def read_at(image: torch.Tensor, point: np.ndarray) -> float:
    return map_coordinates(image.double().numpy(), point[:, None], order=1, mode="grid-constant")[0]


def centroid(image: torch.Tensor) -> np.ndarray:
    weight = image.double().numpy()
    return np.array([(weight.sum(1 - axis) * np.arange(size)).sum() for axis, size in enumerate(weight.shape)]) / (
        weight.sum()
    )


def dot(shape: tuple[int, int], point: np.ndarray, width: float = 2.0) -> torch.Tensor:
    x, y = (np.arange(size) - p for size, p in zip(shape, point, strict=True))
    return torch.from_numpy(np.exp(-(x[:, None] ** 2 + y[None, :] ** 2) / (2 * width**2))).float()


def fit_curve(before: torch.Tensor, after: torch.Tensor, knots: int = 5) -> tuple[np.ndarray, float]:
    """Values at equal steps from 0 to 1 of the piecewise linear curve from one to the other, and how far it misses."""
    before, after = before.double().numpy().ravel(), after.double().numpy().ravel()
    steps = np.linspace(0.0, 1.0, knots)
    hats = np.stack([np.interp(before, steps, hat) for hat in np.eye(knots)], axis=1)
    values = np.linalg.lstsq(hats, after)[0]
    return values, np.abs(np.interp(before, steps, values) - after).max()


def read_curves(
    count: int, per_image: int = 1, seeds: list[int] | None = None, **options: object
) -> tuple[np.ndarray, np.ndarray]:
    """What a quarter, a half, three quarters and 1 become in images (B, 4) and in their patches (B, K, 4)."""
    images = torch.linspace(0.25, 1.0, 4)[None, :, None, None].expand(count, 4, 4, 5)
    # magnified, so that no zero from outside reaches a patch
    options = {**OFF, "image_scale": (4.0, 4.0), "patches_per_image": per_image, "seed": 0, **options}
    warped, patches, _ = RandPatchCenter(1, **options)(images, seeds)
    torch.testing.assert_close(warped, warped[:, :, :1, :1].expand_as(warped))
    return warped[:, :, 0, 0].numpy(), patches.reshape(count, per_image, 4).numpy()


def far_from_border(point: np.ndarray, margin: float, shape: tuple[int, int] = SHAPE) -> bool:
    return bool(np.all((point > margin) & (point < np.array(shape) - 1 - margin)))


# without augmentation: the patch is a crop


@settings(max_examples=40, deadline=None)
@given(
    shape=st.tuples(st.integers(4, 60), st.integers(4, 60)),
    side=st.integers(1, 21),
    seed=st.integers(0, 10_000),
    per_image=st.integers(1, 3),
)
def test_with_no_augmentation_the_patch_is_a_direct_bilinear_crop(shape, side, seed, per_image):
    images = rand_images(2, shape)
    augment = RandPatchCenter(side, patches_per_image=per_image, seed=seed, **OFF)
    warped, patches, centers = augment(images)
    torch.testing.assert_close(warped, images, atol=1e-4, rtol=0)
    offsets = np.arange(side) - (side - 1) / 2
    for i, (patch, center) in enumerate(zip(patches[:, 0].numpy(), to_pixels(centers, shape), strict=True)):
        x, y = np.meshgrid(center[0] + offsets, center[1] + offsets, indexing="ij")
        source = images[i // per_image, 0].numpy()
        expected = map_coordinates(source, [x, y], order=1, mode="grid-constant", cval=0.0)
        # half a pixel past the last pixel's centre the image ends, and zeros begin
        edge = np.minimum.reduce([x + 0.5, shape[0] - 0.5 - x, y + 0.5, shape[1] - 0.5 - y])
        decided = np.abs(edge) > 1e-4
        np.testing.assert_allclose(patch[decided], np.where(edge > 0, expected, 0.0)[decided], atol=3e-4)


@pytest.mark.parametrize("side", [8, 9])
def test_with_no_augmentation_the_patch_is_that_of_extract_patches(side):
    images = rand_images(40)
    warped, patches, centers = RandPatchCenter(side, seed=1, **OFF)(images)
    cut = extract_patches(warped, torch.from_numpy(to_pixels(centers)), side)
    inside = [far_from_border(center, side / 2) for center in to_pixels(centers)]
    assert 10 < sum(inside) < 40
    torch.testing.assert_close(patches[inside], cut[inside], atol=1e-4, rtol=0)


# with augmentation: the centre stays the target


@pytest.mark.parametrize("per_image", [1, 4])
@pytest.mark.parametrize("side", [9, 17])
def test_patch_centre_and_returned_centre_show_the_same_source_point(side, per_image):
    images = ramps(40)
    augment = RandPatchCenter(side, patches_per_image=per_image, seed=side, **{"gamma": (1.0, 1.0)})
    warped, patches, centers = augment(images)
    assert warped.shape == images.shape
    assert patches.shape == (40 * per_image, 3, side, side)
    assert centers.shape == (40 * per_image, 2)
    compared = 0
    for i, center in enumerate(to_pixels(centers)):
        in_patch = patches[i, :, side // 2, side // 2].numpy()
        in_image = np.array([read_at(channel, center) for channel in warped[i // per_image]])
        # where zeros from outside mix in the ramps are not exact
        if min(in_patch[2], in_image[2]) > 0.9999:
            np.testing.assert_allclose(in_patch, in_image, atol=0.01)
            compared += 1
    assert compared > 25 * per_image


@pytest.mark.parametrize("side", [24, 25])
def test_a_dot_under_the_centre_is_at_the_patch_centre_and_at_the_returned_centre(side):
    compared = 0
    for seed in range(60):
        options = {"image_rotate": 15.0, "patch_rotate": 20.0, "gamma": (1.0, 1.0), "seed": seed}
        # the same seed draws the same geometry: first a ramp tells which source point lies at the centre
        _, ramp, _ = RandPatchCenter(1, **options)(ramps(1))
        source = ramp[0, :2, 0, 0].double().numpy()
        if ramp[0, 2] < 0.9999 or not far_from_border(source, 10.0):
            continue
        warped, patches, centers = RandPatchCenter(side, **options)(dot(SHAPE, source)[None, None])
        center = to_pixels(centers)[0]
        if not far_from_border(center, 10.0):
            continue
        assert np.abs(centroid(patches[0, 0]) - (side - 1) / 2).max() < 0.1
        assert np.abs(centroid(warped[0, 0]) - center).max() < 0.1
        compared += 1
    assert compared > 15


def jacobian(patch: torch.Tensor) -> np.ndarray:
    """Source px a px of the patch: rows are the source's axes, columns the patch's. Ramps are linear."""
    values = patch[:2].double().numpy()
    along = [(values[:, -1, :] - values[:, 0, :]).mean(-1), (values[:, :, -1] - values[:, :, 0]).mean(-1)]
    return np.stack(along, axis=1) / (values.shape[1] - 1)


def patches_inside(patches: torch.Tensor) -> torch.Tensor:
    """Those that no zero from outside reaches."""
    return patches[patches[:, 2].amin(dim=(1, 2)) > 0.9999]


def test_patch_rotation_and_scale_stay_in_their_ranges_and_fill_them():
    options = {**OFF, "patch_rotate": 30.0, "patch_scale": (0.8, 1.6)}
    _, patches, _ = RandPatchCenter(11, patches_per_image=8, seed=0, **options)(ramps(60))
    maps = np.stack([jacobian(patch) for patch in patches_inside(patches)])
    assert len(maps) > 100
    zoom = 1 / np.sqrt(np.linalg.det(maps))
    angle = np.rad2deg(np.arctan2(maps[:, 1, 0], maps[:, 0, 0]))
    # a rotation times one factor, no shear and no mirror
    rotation = maps * zoom[:, None, None]
    np.testing.assert_allclose(
        rotation @ rotation.swapaxes(1, 2), np.broadcast_to(np.eye(2), rotation.shape), atol=2e-3
    )
    assert zoom.min() > 0.8 - 1e-3
    assert zoom.max() < 1.6 + 1e-3
    assert zoom.min() < 0.85
    assert zoom.max() > 1.5
    assert -30.01 < angle.min() < -25
    assert 25 < angle.max() < 30.01


def test_patch_of_a_warped_image_carries_the_image_map_too():
    options = {**OFF, "image_scale": (1.2, 1.2), "patch_scale": (1.5, 1.5)}
    _, patches, _ = RandPatchCenter(7, patches_per_image=9, seed=0, **options)(ramps(4))
    inside = patches_inside(patches)
    assert len(inside) > 10
    for patch in inside:
        np.testing.assert_allclose(jacobian(patch), np.eye(2) / 1.8, atol=1e-3)


def test_image_scale_magnifies_the_distance_between_two_dots():
    points = np.array([[26.0, 20.0], [46.0, 35.0]])
    image = torch.stack([dot(SHAPE, point) for point in points])[None]
    warped, _, _ = RandPatchCenter(8, seed=0, **{**OFF, "image_scale": (1.2, 1.2)})(image)
    found = np.stack([centroid(channel) for channel in warped[0]])
    np.testing.assert_allclose(found[1] - found[0], 1.2 * (points[1] - points[0]), atol=0.05)
    # about the middle of the image
    middle = (np.array(SHAPE) - 1) / 2
    np.testing.assert_allclose(found, middle + 1.2 * (points - middle), atol=0.05)


def test_image_rotation_is_rigid_and_in_its_range():
    points = np.array([[30.0, 22.0], [44.0, 33.0]])
    image = torch.stack([dot(SHAPE, point) for point in points]).expand(50, -1, -1, -1)
    warped, _, _ = RandPatchCenter(8, seed=0, **{**OFF, "image_rotate": 25.0})(image)
    way = np.stack([centroid(one[1]) - centroid(one[0]) for one in warped])
    np.testing.assert_allclose(np.linalg.norm(way, axis=1), np.linalg.norm(points[1] - points[0]), atol=0.05)
    start = points[1] - points[0]
    angle = np.rad2deg(np.arctan2(way[:, 1], way[:, 0]) - np.arctan2(start[1], start[0]))
    assert -25.2 < angle.min() < -18
    assert 18 < angle.max() < 25.2


def test_random_resized_crop_takes_a_part_of_the_image_of_the_asked_area_and_ratio():
    options = {**OFF, "crop_scale": (0.5, 0.8), "crop_ratio": (0.9, 1.1)}
    warped, _, _ = RandPatchCenter(8, seed=0, **options)(ramps(200))
    # corners of the crop, from edge to edge, in source px
    start, stop = warped[:, :2, 1, 1].numpy(), warped[:, :2, -2, -2].numpy()
    size = np.array(SHAPE)
    fraction = (stop - start) / (size - 3)
    area, ratio = fraction.prod(axis=1), fraction[:, 0] / fraction[:, 1]
    assert 0.5 - 1e-3 < area.min() < 0.55
    assert 0.75 < area.max() < 0.8 + 1e-3
    assert 0.9 - 1e-3 < ratio.min() < 0.93
    assert 1.07 < ratio.max() < 1.1 + 1e-3
    # the crop never leaves the image, and gets to all its sides
    first, end = start - 1.5 * fraction, stop + 1.5 * fraction
    assert (first > -0.5 - 1e-3).all()
    assert (end < size - 0.5 + 1e-3).all()
    assert (first.min(axis=0) < 2).all()
    assert (end.max(axis=0) > size - 3).all()


# zeros around


def test_zeros_outside_the_warped_image():
    images = torch.ones(100, 1, *SHAPE)
    # magnified, so that the source goes on where the warped image ends: its content must not show in the patch
    warped, patches, centers = RandPatchCenter(21, seed=0, **{**OFF, "image_scale": (2.0, 2.0)})(images)
    torch.testing.assert_close(warped, images)
    size, offsets, cut = np.array(SHAPE), np.arange(21) - 10, 0
    for patch, center in zip(patches[:, 0].numpy(), to_pixels(centers), strict=True):
        inside = [(c + offsets > -0.5) & (c + offsets < n - 0.5) for c, n in zip(center, size, strict=True)]
        expected = (inside[0][:, None] & inside[1][None, :]).astype(np.float32)
        np.testing.assert_allclose(patch, expected, atol=1e-5)
        cut += expected.mean() < 1
    assert cut > 20


def test_zeros_where_the_warp_leaves_the_source():
    warped, _, _ = RandPatchCenter(8, seed=0, **{**OFF, "image_scale": (0.5, 0.5)})(torch.ones(1, 1, *SHAPE))
    expected = torch.zeros(SHAPE)
    expected[18:54, 14:42] = 1
    torch.testing.assert_close(warped[0, 0], expected)


# order, contrast, noise, draws


def test_the_patches_of_one_image_come_after_each_other():
    images = (torch.arange(5.0) + 1).reshape(5, 1, 1, 1).expand(5, 1, *SHAPE)
    _, patches, centers = RandPatchCenter(6, patches_per_image=3, seed=0, **OFF)(images)
    assert patches.shape == (15, 1, 6, 6)
    assert patches.amax(dim=(1, 2, 3)).round().tolist() == [1, 1, 1, 2, 2, 2, 3, 3, 3, 4, 4, 4, 5, 5, 5]
    assert len({tuple(center) for center in centers.tolist()}) == 15


def test_channels_are_kept_apart():
    images = rand_images(3, channels=2)
    both = RandPatchCenter(9, patches_per_image=2, seed=5)(images)
    for channel in range(2):
        one = RandPatchCenter(9, patches_per_image=2, seed=5)(images[:, channel : channel + 1])
        torch.testing.assert_close(both[0][:, channel : channel + 1], one[0])
        torch.testing.assert_close(both[1][:, channel : channel + 1], one[1])
        assert torch.equal(both[2], one[2])


def test_gamma_and_gain_change_the_patch_and_not_the_image():
    images = rand_images(4)
    plain = RandPatchCenter(9, seed=0, **OFF)(images)
    changed = RandPatchCenter(9, seed=0, **{**OFF, "gamma": (1.7, 1.7), "gain": (0.6, 0.6)})(images)
    assert torch.equal(changed[0], plain[0])
    assert torch.equal(changed[2], plain[2])
    torch.testing.assert_close(changed[1], 0.6 * plain[1] ** 1.7, atol=1e-5, rtol=1e-4)


def test_gamma_is_drawn_for_each_patch_uniformly_in_its_logarithm():
    options = {**OFF, "gamma": (0.5, 2.0)}
    _, patches, _ = RandPatchCenter(3, patches_per_image=50, seed=0, **options)(torch.full((10, 1, 32, 32), 0.25))
    exponent = np.log(patches[:, 0, 1, 1].numpy()) / np.log(0.25)
    logarithm = np.log2(exponent)
    assert kstest(logarithm, "uniform", args=(-1, 2)).pvalue > 1e-3


def test_noise_differs_between_image_and_patch_and_has_the_asked_level():
    images = torch.full((200, 1, 32, 32), 0.5)
    augment = RandPatchCenter(33, seed=0, **{**OFF, "noise": 0.1})
    warped, patches, centers = augment(images)
    in_image = (warped - 0.5)[:, 0].numpy()
    level = in_image.std(axis=(1, 2))
    assert level.max() < 0.11
    assert kstest(level, "uniform", args=(0, 0.1)).pvalue > 1e-3
    # the pixels under the patch have another noise: cut the image's own and compare
    cut = extract_patches(warped - 0.5, torch.from_numpy(np.round(to_pixels(centers, (32, 32)))), 7)[:, 0].numpy()
    own = (patches - 0.5)[:, 0, 13:20, 13:20].numpy()
    usable = [i for i, center in enumerate(to_pixels(centers, (32, 32))) if far_from_border(center, 4, (32, 32))]
    correlation = [np.corrcoef(cut[i].ravel(), own[i].ravel())[0, 1] for i in usable]
    assert len(usable) > 80
    assert abs(np.mean(correlation)) < 0.06


def test_noise_is_drawn_anew_for_image_and_patch_and_in_each_call():
    images = torch.full((4, 1, 32, 32), 0.5)
    augment = RandPatchCenter(32, seed=0, **{**OFF, "image_scale": (9.0, 9.0), "noise": 0.1})
    fields = []
    for _ in range(2):
        warped, patches, _ = augment(images)
        fields += [warped - 0.5, torch.where(patches > 0.25, patches - 0.5, 0.0)]  # without the zeros around
    correlation = np.corrcoef(torch.stack(fields).flatten(1).numpy())
    assert np.abs(correlation - np.eye(4)).max() < 0.1


def test_a_remap_of_none_changes_nothing():
    options = {"patches_per_image": 2, "gain": (0.5, 1.5), "noise": 0.05, "seed": 3}
    plain, off = RandPatchCenter(9, **options), RandPatchCenter(9, remap=0.0, **options)
    for _ in range(2):
        outputs = zip(off(rand_images(4)), plain(rand_images(4)), strict=True)
        assert all(torch.equal(one, other) for one, other in outputs)


@pytest.mark.parametrize("geometry", [{"gamma": (1.0, 1.0)}, OFF], ids=["warped", "as it is"])
def test_remapped_intensities_are_a_piecewise_linear_function_of_those_before(geometry):
    images = rand_images(6, channels=2)
    options = {**geometry, "patches_per_image": 3}
    plain = RandPatchCenter(33, seed=2, **options)(images)
    remapped = RandPatchCenter(33, seed=2, remap=1.0, **options)(images)
    assert torch.equal(remapped[2], plain[2])
    curves = []
    for before, after in zip([*plain[0], *plain[1]], [*remapped[0], *remapped[1]], strict=True):
        curve, miss = fit_curve(before, after)
        assert miss < 1e-5
        assert abs(curve[0]) < 1e-4
        assert curve.min() > -1e-3
        assert curve.max() < 1 + 1e-3
        assert np.abs(curve - np.linspace(0, 1, 5)).max() > 0.05
        curves.append(curve)
    distance = np.abs(np.subtract.outer(curves, curves).diagonal(axis1=1, axis2=3)).max(axis=-1)
    assert distance[~np.eye(len(curves), dtype=bool)].min() > 0.05


def test_equal_intensities_stay_equal_and_0_stays_0():
    images = (rand_images(8) * 6).floor() / 5
    options = {**OFF, "image_scale": (0.5, 0.5), "patches_per_image": 2, "seed": 0}
    plain = RandPatchCenter(33, **options)(images)
    remapped = RandPatchCenter(33, remap=1.0, **options)(images)
    for before, after in zip([*plain[0], *plain[1]], [*remapped[0], *remapped[1]], strict=True):
        assert (before == 0).float().mean() > 0.1
        assert (after[before == 0] == 0).all()
        order = before.flatten().argsort()
        steps = torch.stack([before.flatten()[order].diff(), after.flatten()[order].diff().abs()])
        assert (steps[1] <= 4 * steps[0] + 1e-6).all()


def test_remapped_intensities_stay_in_0_to_1():
    images = rand_images(30, (24, 20))
    images[:10] = images[:10].round()
    warped, patches, _ = RandPatchCenter(9, patches_per_image=4, remap=1.0, seed=0)(images)
    for values in (warped, patches):
        assert -1e-6 < values.min() < 0.01
        assert 0.9 < values.max() < 1 + 1e-6


def test_remapped_values_are_drawn_uniformly_and_apart_for_image_and_patches():
    of_image, of_patches = read_curves(400, per_image=2, remap=1.0)
    drawn = np.concatenate([of_image[:, None], of_patches], axis=1).reshape(400, 12)
    for values in drawn.T:
        assert kstest(values, "uniform").pvalue > 1e-3
    assert np.abs(np.corrcoef(drawn.T) - np.eye(12)).max() < 0.2
    assert len({tuple(curve) for curve in drawn.reshape(-1, 4)}) == 1200


def test_remapped_values_tell_nothing_of_the_geometry():
    augment = RandPatchCenter(1, seed=0, **OFF)
    _, _, centers = augment(torch.zeros(500, 1, 4, 5))
    of_image, of_patches = read_curves(500, remap=1.0)
    changed = np.abs(read_curves(500, remap=0.5)[1] - np.linspace(0.25, 1, 4)).max(axis=-1) > 1e-3
    columns = np.concatenate([centers.numpy(), of_image, of_patches[:, 0], changed], axis=1)
    assert np.abs(np.corrcoef(columns.T)[:2, 2:]).max() < 0.17


@pytest.mark.parametrize("share", [0.1, 0.5, 0.8])
def test_the_asked_share_of_images_and_of_patches_is_remapped(share):
    of_image, of_patches = read_curves(600, per_image=2, remap=share)
    changes = np.abs(np.concatenate([of_image[:, None], of_patches], axis=1) - np.linspace(0.25, 1, 4)).max(axis=-1)
    changed = changes > 1e-3
    assert changes[~changed].max() < 1e-6
    np.testing.assert_allclose(changed.mean(axis=0), share, atol=0.06)
    # image and patches each by a draw of their own
    assert (changed[:, 0] & changed[:, 1]).mean() == pytest.approx(share**2, abs=0.06)
    assert (changed[:, 1] & changed[:, 2]).mean() == pytest.approx(share**2, abs=0.06)


def test_the_remap_of_an_image_depends_on_its_seed_alone():
    seeds = [11, 5, 8, 11]
    of_image, of_patches = read_curves(4, per_image=2, seeds=seeds, remap=0.7)
    for i, seed in enumerate(seeds):
        alone = read_curves(1, per_image=2, seeds=[seed], remap=0.7)
        np.testing.assert_allclose(alone[0][0], of_image[i], atol=1e-6)
        np.testing.assert_allclose(alone[1][0], of_patches[i], atol=1e-6)
    np.testing.assert_array_equal(of_image[3], of_image[0])
    first, second = (read_curves(200, remap=1.0, seeds=range(start, start + 200))[0] for start in (0, 100))
    np.testing.assert_array_equal(first[100:], second[:100])


def test_a_remap_in_a_batch_is_that_of_each_image_by_itself():
    images, seeds = rand_images(5), [4, 9, 2, 2**31 - 1, 0]
    augment = RandPatchCenter(9, patches_per_image=2, remap=0.6, noise=0.05)
    together = augment(images, seeds)
    for i, seed in enumerate(seeds):
        alone = augment(images[i : i + 1], [seed])
        torch.testing.assert_close(alone[0][0], together[0][i], atol=1e-4, rtol=0)
        torch.testing.assert_close(alone[1], together[1][2 * i : 2 * i + 2], atol=1e-4, rtol=0)
        assert torch.equal(alone[2], together[2][2 * i : 2 * i + 2])


def test_a_remap_comes_after_gamma_and_gain_and_before_noise():
    images = rand_images(4)
    options = {"patches_per_image": 2, "gain": (0.5, 1.0), "seed": 6}
    plain = RandPatchCenter(33, **options)(images)
    remapped = RandPatchCenter(33, remap=1.0, **options)(images)
    for before, after in zip([*plain[0], *plain[1]], [*remapped[0], *remapped[1]], strict=True):
        assert fit_curve(before, after)[1] < 1e-5
    noisy = RandPatchCenter(33, noise=0.2, **options)(images)
    both = RandPatchCenter(33, remap=1.0, noise=0.2, **options)(images)
    for i in range(2):
        torch.testing.assert_close(both[i] - remapped[i], noisy[i] - plain[i], atol=1e-5, rtol=0)


@settings(max_examples=40, deadline=None, derandomize=True)
@given(
    leading=st.lists(st.integers(1, 3), max_size=2),
    shape=st.tuples(st.integers(1, 3), st.integers(1, 6), st.integers(1, 6)),
    knots=st.integers(2, 7),
    seed=st.integers(0, 10_000),
)
def test_curves_interpolate_and_go_on_as_straight_lines(leading, shape, knots, seed):
    rng = np.random.default_rng(seed)
    images, curves = rng.uniform(-0.5, 1.5, (*leading, *shape)), rng.random((*leading, knots))
    on_knots = rng.random(images.shape) < 0.2
    images[on_knots] = rng.choice(np.linspace(0, 1, knots), on_knots.sum())
    found = _through_curves(torch.from_numpy(images), torch.from_numpy(curves))
    assert found.shape == images.shape
    steps = np.linspace(0, 1, knots)
    for index in np.ndindex(*leading):
        values, curve = images[index], curves[index]
        expected = np.interp(values, steps, curve)
        first, last = (knots - 1) * (curve[1] - curve[0]), (knots - 1) * (curve[-1] - curve[-2])
        expected = np.where(values < 0, curve[0] + values * first, expected)
        expected = np.where(values > 1, curve[-1] + (values - 1) * last, expected)
        np.testing.assert_allclose(found[index].numpy(), expected, atol=1e-12)


def test_curves_by_hand():
    values = torch.tensor([[[-0.5, 0.0, 0.125, 0.25, 0.6, 0.75, 1.0, 1.5]]])
    curve = torch.tensor([0.0, 0.8, 0.2, 1.0, 0.5])
    expected = torch.tensor([[[-1.6, 0.0, 0.4, 0.8, 0.52, 1.0, 0.5, -0.5]]])
    torch.testing.assert_close(_through_curves(values, curve), expected)


def test_same_seed_same_draws():
    images = rand_images(3)
    options = {"patches_per_image": 2, "noise": 0.05, "gain": (0.5, 1.5)}
    first, again, other = (RandPatchCenter(9, seed=seed, **options) for seed in (3, 3, 4))
    outputs = first(images)
    assert all(torch.equal(a, b) for a, b in zip(outputs, again(images), strict=True))
    assert not any(torch.equal(a, b) for a, b in zip(outputs, other(images), strict=True))
    # the next call draws anew
    assert not torch.equal(outputs[2], first(images)[2])


def test_centres_are_uniform_from_edge_to_edge():
    _, _, centers = RandPatchCenter(2, patches_per_image=200, seed=0)(torch.zeros(20, 1, 16, 40))
    for axis in centers.T.numpy():
        assert kstest(axis, "uniform", args=(-1, 2)).pvalue > 1e-3
    assert abs(np.corrcoef(centers.T.numpy())[0, 1]) < 0.05


def test_volumes_are_refused():
    with pytest.raises(ValueError, match="2D"):
        RandPatchCenter(4)(torch.zeros(1, 1, 8, 8, 8))


def test_patches_that_overhang_show_what_lies_beyond_the_image():
    image = torch.rand(1, 1, 64, 48, generator=torch.Generator().manual_seed(0)) + 0.5
    # the middle half of the image, enlarged: around it, a patch of this size finds source everywhere
    options = {"patches_per_image": 40, "crop_scale": (0.25, 0.25), "crop_ratio": (1.0, 1.0), "image_rotate": 0.0}
    options |= {"image_scale": (1.0, 1.0), "patch_rotate": 0.0, "patch_scale": (1.0, 1.0), "gamma": (1.0, 1.0)}
    seeds = [next(seed for seed in range(100) if _is_central(seed, image, options))]
    plain, kept, some = (RandPatchCenter(16, overhang=share, **options)(image, seeds)[1] for share in (0.0, 1.0, 0.5))
    beyond = plain == 0
    assert 0.05 < beyond.float().mean() < 0.5
    assert (kept > 0).all()
    assert torch.equal(kept[~beyond], plain[~beyond])
    whole = beyond.flatten(1).any(dim=1)
    same = [(some == one).flatten(1).all(dim=1)[whole] for one in (plain, kept)]
    assert (same[0] ^ same[1]).all()
    assert 0.2 < same[0].float().mean() < 0.8


def _is_central(seed: int, image: torch.Tensor, options: dict[str, object]) -> bool:
    """Whether the crop lies far enough inside of the source for all patches."""
    patches = RandPatchCenter(16, overhang=1.0, **options)(image, [seed])[1]
    return bool((patches > 0).all())


def test_patches_come_from_the_counterparts_place_in_the_other_image():
    """The middle pixel of a patch of odd size reads where it was cut, whatever the warp."""
    images = ramps(2, (96, 80))
    move = torch.tensor([5.0, -3.0])
    known = torch.ones(2, 96, 80, dtype=torch.bool)
    known[1] = False
    moves = move[None, :, None, None].expand(2, -1, 96, 80)
    augment = RandPatchCenter(9, patches_per_image=40, gamma=(1.0, 1.0))
    _, own, center = augment(images, [3, 4])
    _, patches, same_center = augment(images, [3, 4], Counterparts(images, moves, known))
    torch.testing.assert_close(center, same_center, rtol=0, atol=0)
    torch.testing.assert_close(patches[40:], own[40:], rtol=0, atol=0)  # nothing is known of the second image
    places, others = own[:40, :2, 4, 4], patches[:40, :2, 4, 4]
    inner = ((places > 8) & (places < torch.tensor([88.0, 72.0]))).all(dim=1)
    assert inner.sum() > 20
    torch.testing.assert_close(others[inner], places[inner] + move, atol=1e-3, rtol=0)
    # rotation and scale are those of the patch from the image itself
    turned = (patches - own)[:40, :2][inner]
    torch.testing.assert_close(turned, move[None, :, None, None].expand_as(turned), atol=1e-3, rtol=0)
