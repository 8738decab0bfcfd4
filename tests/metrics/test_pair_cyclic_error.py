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
"""Tests of the cyclic error of frame pairs: which pairs, and matchers of known answers."""

from __future__ import annotations

import pytest
import torch

from scripts.classical import NCCMatcher
from scripts.data.frame_dataset import FrameDataset
from scripts.data.image_series import find_image_series
from scripts.metrics.cyclic_error import grid_points
from scripts.metrics.pair_cyclic_error import PairCyclicError
from scripts.transforms.warp import RandShiftScale

SHAPE = (48, 40)
STILL = [(0, 0)]


class ByHeart(NCCMatcher):
    """Knows one image by heart: it answers where a patch lies in that, whatever image it is shown."""

    def __init__(self, image: torch.Tensor) -> None:
        super().__init__()
        self.image = image

    def match(self, image_code: torch.Tensor, patch_code: torch.Tensor) -> torch.Tensor:
        return super().match(self.image, patch_code)


@pytest.fixture
def mixed(tmp_path, write_clip) -> FrameDataset:
    """Series of 3, 1, 1 and 4 frames."""
    for i, length in enumerate([3, 1, 1, 4]):
        write_clip(tmp_path / f"{i}.nii", STILL * length, shape=(20, 16), seed=i)
    return FrameDataset(find_image_series(tmp_path), (20, 16))


def inner(step: int, margin: int) -> torch.Tensor:
    """Which points of the grid are that far from the border."""
    points = grid_points(SHAPE, step)
    return ((points >= margin) & (points <= torch.tensor(SHAPE) - 1 - margin)).all(dim=1)


def test_pairs_are_within_a_series_where_it_has_several_frames_else_across(mixed):
    pairs = PairCyclicError(mixed, 5, pairs=300).pairs
    assert {source for source, _ in pairs} == set(range(9))
    for source, target in pairs:
        series, other = mixed.items[source][0], mixed.items[target][0]
        assert source != target
        assert (series == other) == (series in (0, 3))
    # every other frame may be the target
    assert {target for source, target in pairs if source == 0} == {1, 2}
    assert {target for source, target in pairs if source == 3} == {0, 1, 2, 4, 5, 6, 7, 8}


def test_no_frame_is_a_source_twice_where_there_are_enough(mixed):
    assert sorted(source for source, _ in PairCyclicError(mixed, 5, pairs=9).pairs) == list(range(9))


def test_the_seed_decides_pairs_and_perturbation(mixed):
    first, same, other = (PairCyclicError(mixed, 5, pairs=6, step=5, seed=seed) for seed in (1, 1, 2))
    assert first.pairs == same.pairs
    assert first.pairs != other.pairs
    errors = first(NCCMatcher())
    assert errors.shape == (6, 4 * 4)
    torch.testing.assert_close(errors, first(NCCMatcher()), rtol=0, atol=0)  # nor does a call change the next one
    torch.testing.assert_close(errors, same(NCCMatcher()), rtol=0, atol=0)


def test_a_matcher_that_finds_the_content_has_no_error_on_shifted_frames(tmp_path, write_clip):
    write_clip(tmp_path / "a.nii", [(0, 0), (3, -2), (-4, 3)], shape=SHAPE)
    dataset = FrameDataset(find_image_series(tmp_path), SHAPE)
    errors = PairCyclicError(dataset, 15, pairs=6, step=3, perturb=False)(NCCMatcher())
    keep = inner(3, 15)  # shifted by 7 px, their patches are still in the image
    assert keep.sum() >= 12
    assert errors[:, keep].max() < 0.2


def test_a_matcher_that_knows_positions_by_heart_is_found_out_by_the_perturbation_alone(tmp_path, write_clip):
    write_clip(tmp_path / "a.nii", STILL * 3, shape=SHAPE)
    dataset = FrameDataset(find_image_series(tmp_path), SHAPE)
    matcher = ByHeart(dataset[0]["image"][None])
    keep = inner(4, 14)
    assert PairCyclicError(dataset, 15, pairs=4, step=4, perturb=False)(matcher)[:, keep].max() < 0.2

    # Its way out ends at p. There the target shows what the source shows at A(p), so that its way back ends at A(p).
    points = grid_points(SHAPE, 4)
    warp = RandShiftScale(seed=3)
    ramps = torch.stack(torch.meshgrid(*[torch.arange(float(n)) for n in SHAPE], indexing="ij"))[None]
    warped = torch.cat([warp(ramps) for _ in range(4)])
    seen = warped[:, :, points[:, 0].long(), points[:, 1].long()].transpose(1, 2)
    expected = (seen - points).norm(dim=2)

    perturbed = PairCyclicError(dataset, 15, pairs=4, step=4, perturb=True, seed=3)
    errors = perturbed(matcher)
    assert expected[:, keep].mean() > 1
    torch.testing.assert_close(errors[:, keep], expected[:, keep], atol=0.5, rtol=0)
    # one that finds the content is not
    assert perturbed(NCCMatcher())[:, keep].mean() < 0.3 * errors[:, keep].mean()


def test_a_single_image_is_paired_with_itself(tmp_path, write_clip):
    write_clip(tmp_path / "a.nii", STILL, shape=SHAPE)
    dataset = FrameDataset(find_image_series(tmp_path), SHAPE, hold_out_every=5, held_out=True)
    same = PairCyclicError(dataset, 15, pairs=2, step=8, perturb=False)
    assert same.pairs == [(0, 0), (0, 0)]
    assert same(NCCMatcher())[:, inner(8, 10)].max() < 0.2
    assert PairCyclicError(dataset, 15, pairs=2, step=8)(NCCMatcher()).isfinite().all()


def test_errors_become_px_of_each_pairs_own_original(tmp_path, write_clip):
    write_clip(tmp_path / "a.nii", STILL * 2, shape=(80, 60))
    write_clip(tmp_path / "b.nii", STILL * 2, shape=(20, 20))
    measure = PairCyclicError(FrameDataset(find_image_series(tmp_path), (40, 40)), 5, pairs=4)
    px = measure.original_px(torch.full((4, 3), 3.0))
    # 80 px became 40, 20 px became 40
    expected = [[6.0] * 3 if measure.dataset.items[source][0] == 0 else [1.5] * 3 for source, _ in measure.pairs]
    assert sorted(map(tuple, expected)) == [(1.5,) * 3] * 2 + [(6.0,) * 3] * 2
    torch.testing.assert_close(px, torch.tensor(expected))


def test_a_region_sets_the_scale(tmp_path, write_clip):
    write_clip(tmp_path / "a.nii", STILL * 2, shape=(80, 60))
    dataset = FrameDataset(find_image_series(tmp_path), (40, 40), region=(30, 20, 40, 30))
    px = PairCyclicError(dataset, 5, pairs=2).original_px(torch.ones(2, 1))
    torch.testing.assert_close(px, torch.full((2, 1), 0.25))


def test_points_on_the_padding_do_not_count(tmp_path, write_clip):
    write_clip(tmp_path / "clip.nii", [(0, 0), (1, 0)], shape=(40, 20))
    dataset = FrameDataset(find_image_series(tmp_path), (40, 40))  # ten empty px before and after along y
    errors = PairCyclicError(dataset, 11, pairs=2, step=5)(NCCMatcher()).unflatten(1, (8, 8))
    counted = ~errors.isnan().any(dim=1).any(dim=0)
    assert counted.tolist() == [10 <= y < 30 for y in range(0, 40, 5)]
