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
"""Tests of the frames that an evaluation takes: their names, patients and spacing, and the grid on them."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from scripts.data.frame_dataset import FrameDataset
from scripts.evaluation.frames import Frame, PixelGrid, draw_some, spacing_notes, usable_frames


@pytest.fixture
def dataset(tmp_path, write_frames, frame_dataset) -> FrameDataset:
    """A clip of patient 1, a still of an unknown one, and a PNG."""
    write_frames(tmp_path / "1_clip.nii", [(0, 0), (2, 1)], spacing=(0.5, 0.5))
    write_frames(tmp_path / "still.nii", shape=(28, 12))
    write_frames(tmp_path / "x.png")
    return frame_dataset(tmp_path)


@pytest.fixture
def frames(dataset) -> list[Frame]:
    return usable_frames(dataset, 9)[0]


def test_a_frame_is_named_with_its_number_where_there_are_several(frames):
    assert [frame.name for frame in frames] == ["1_clip.nii, frame 0", "1_clip.nii, frame 1", "still.nii", "x.png"]
    assert frames[1].row == {"image": "1_clip.nii", "frame": 1}


def test_a_series_of_an_unknown_patient_stands_for_itself(frames):
    assert [frame.patient for frame in frames[:2]] == ["1", "1"]
    assert len({frame.patient for frame in frames}) == 3


def test_a_frame_is_shown_as_the_network_sees_it(frames, dataset):
    for t in range(2):
        image = frames[t].image()
        assert image.shape == (1, 1, 28, 28)
        torch.testing.assert_close(image[0, 0], dataset[t]["image"][0].float())
    assert (frames[0].image() != frames[1].image()).any()


def test_errors_become_mm_by_the_spacing_of_each_axis(frames, tmp_path, write_frames, frame_dataset):
    errors = torch.tensor([[[2.0, -3.0]], [[0.0, 1.0]]])
    write_frames(tmp_path / "long" / "a.nii", spacing=(0.5, 2.0))
    (long,) = usable_frames(frame_dataset(tmp_path / "long", stretch=True), 9)[0]
    assert long.to_mm(errors).tolist() == [[[1, -6]], [[0, 2]]]
    assert frames[2].to_mm(errors).tolist() == errors.tolist()


def test_without_a_known_spacing_there_are_no_mm(frames):
    assert frames[3].to_mm(torch.ones(4, 2)).isnan().all()


def test_images_without_a_known_spacing_are_named_once(frames):
    assert spacing_notes(frames[:3]) == []
    (note,) = spacing_notes([*frames, frames[3]])
    assert note.startswith("1 images") and note.endswith(": x.png")


def test_the_grid_is_every_nth_pixel_of_the_image_and_none_of_its_padding(frames):
    for step in (1, 2, 3, 5):
        first = (step - 1) // 2
        whole = [[x, y] for x in range(first, 28, step) for y in range(first, 28, step)]
        assert PixelGrid(frames[0], step).points.tolist() == whole
        # 12 of 28 px along y, so that 8 before and after are empty
        assert PixelGrid(frames[2], step).points.tolist() == [[x, y] for x, y in whole if 8 <= y < 20]


@pytest.mark.parametrize(("step", "first"), [(1, 0), (2, 0), (4, 1), (7, 3), (28, 13), (100, 13)])
def test_the_grid_begins_in_the_middle_of_its_first_step(frames, step, first):
    assert PixelGrid(frames[0], step).points[0].tolist() == [first, first]


def test_the_grid_is_on_the_part_of_the_image_that_is_used(tmp_path, write_frames, frame_dataset):
    write_frames(tmp_path / "a.nii", shape=(28, 20))
    dataset = frame_dataset(tmp_path, region=(4, 0, 28, 12))  # fits in 28 x 14
    grid = PixelGrid(usable_frames(dataset, 9)[0][0], 1)
    assert grid.points.amin(dim=0).tolist() == [0, 7] and grid.points.amax(dim=0).tolist() == [27, 20]


def test_a_map_has_each_value_at_its_pixel_and_none_on_the_padding(frames):
    grid = PixelGrid(frames[2], 3)
    shown = grid.map(grid.points[:, 0] + 100 * grid.points[:, 1])
    x, y = torch.meshgrid(torch.arange(1.0, 28, 3), torch.arange(1.0, 28, 3), indexing="ij")
    on_image = (y >= 8) & (y < 20)
    assert shown.isnan().tolist() == (~on_image).tolist()
    assert shown[on_image].tolist() == (x + 100 * y)[on_image].tolist()


def test_images_smaller_than_a_patch_are_left_out_and_named_with_their_size(dataset):
    frames, notes = usable_frames(dataset, 13)
    assert {frame.prepared.name for frame in frames} == {"1_clip.nii", "x.png"}
    (note,) = notes
    assert note.startswith("1 images left out") and "13 px" in note and note.endswith(": still.nii (28 x 12 px)")
    assert len(usable_frames(dataset, 12)[0]) == 4
    assert usable_frames(dataset, 12)[1] == []


def test_what_counts_is_the_size_at_the_network(tmp_path, write_frames, frame_dataset):
    write_frames(tmp_path / "a.nii", shape=(28, 12), zoom=2)  # 56 x 24 px, of which the network sees 28 x 12
    assert usable_frames(frame_dataset(tmp_path), 13)[0] == []


def test_a_held_out_part_has_its_own_frames_only(tmp_path, write_frames, frame_dataset):
    write_frames(tmp_path / "a.nii", [(0, 0)] * 6)
    frames, _ = usable_frames(frame_dataset(tmp_path, hold_out_every=3, held_out=True), 9)
    assert [frame.index for frame in frames] == [1, 4]


def test_some_are_drawn_in_their_order_by_the_seed_and_none_twice():
    items = list(range(50))
    drawn = [draw_some(items, 10, np.random.RandomState(seed)) for seed in range(60)]
    assert all(one == sorted(set(one)) and len(one) == 10 for one in drawn)
    assert drawn[1] == draw_some(items, 10, np.random.RandomState(1)) != drawn[2]
    assert set().union(*drawn) == set(items)


@pytest.mark.parametrize("number", [None, 3, 7])
def test_all_are_taken_where_there_are_not_more(number):
    assert draw_some(["c", "a", "b"], number, np.random.RandomState(0)) == ["c", "a", "b"]
