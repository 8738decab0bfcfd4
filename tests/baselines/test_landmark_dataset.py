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
"""Tests of the labelled frames: which are taken, and that their landmarks are the file's."""

from __future__ import annotations

import itertools
from pathlib import Path

import numpy as np
import pytest
import torch

from scripts.baselines import LandmarkDataset
from scripts.io.input_error import InputError

SIZE = (48, 32)


def names(dataset: LandmarkDataset) -> list[str]:
    return [dataset.series[s].name for s, _ in dataset.items]


def test_landmarks_are_those_of_the_file_in_px_of_the_networks_image(series, truth):
    dataset = LandmarkDataset(series, SIZE, truth=truth)
    assert dataset.labels == ["apex", "tip"]
    assert names(dataset) == [f"p{i}.nii" for i in range(6)]
    # at half size the middles of two pixels are one
    halved = (np.array([[20 - 2, 8 + 2], [10 + 2, 12 + 2]]) + 0.5) / 2 - 0.5
    np.testing.assert_allclose(dataset[2]["landmarks"], halved)
    assert dataset[5]["landmarks"].isnan().tolist() == [[True, True], [False, False]]
    assert dataset[2]["image"].shape == (1, *SIZE)


def test_images_without_a_landmark_are_not_read(series, truth):
    assert [one.name for one in LandmarkDataset(series, SIZE, truth=truth).series] == [f"p{i}.nii" for i in range(6)]


def test_fewer_images_are_among_the_more_and_have_all_landmarks(series, truth):
    drawn = [set(names(LandmarkDataset(series, SIZE, truth=truth, labelled_images=n, seed=3))) for n in range(1, 6)]
    assert [len(one) for one in drawn] == [1, 2, 3, 4, 5]
    assert all(fewer < more for fewer, more in itertools.pairwise(drawn))
    assert "p5.nii" not in drawn[-1]
    others = [names(LandmarkDataset(series, SIZE, truth=truth, labelled_images=2, seed=seed)) for seed in range(8)]
    assert len({tuple(one) for one in others}) > 1


def test_the_draw_does_not_depend_on_the_order_of_the_rows(series, truth, tmp_path):
    header, *rows = Path(truth).read_text().split()
    (tmp_path / "turned.csv").write_text("\n".join([header, *rows[::-1]]))
    one, turned = (
        LandmarkDataset(series, SIZE, truth=path, labelled_images=3, seed=1)
        for path in (truth, tmp_path / "turned.csv")
    )
    assert names(one) == names(turned)
    assert torch.equal(one.landmarks, turned.landmarks)
    assert one.fingerprint == turned.fingerprint


def test_labels_have_the_order_that_is_asked_for(series, truth):
    both = LandmarkDataset(series, SIZE, truth=truth, labels=["tip", "apex"])
    assert torch.equal(both.landmarks[:5].flip(1), LandmarkDataset(series, SIZE, truth=truth).landmarks[:5])
    assert LandmarkDataset(series, SIZE, truth=truth, labels="tip", labelled_images=6).landmarks.shape == (6, 1, 2)


def test_held_out_images_are_others_and_may_lack_a_landmark(series, truth):
    given = {"truth": truth, "hold_out_every": 3}
    trained = LandmarkDataset(series, SIZE, **given)
    held_out = LandmarkDataset(series, SIZE, **given, held_out=True, labels=trained.labels, prepared=trained)
    assert names(trained) == ["p0.nii", "p2.nii", "p3.nii", "p5.nii"]
    assert names(held_out) == ["p1.nii", "p4.nii"]
    LandmarkDataset(series[5:6], SIZE, truth=truth, held_out=True, labels=["tip", "apex"])


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"truth": None}, "give --truth FILE"),
        ({"labels": ["carina"]}, "no landmark 'carina' in the training images"),
        ({"labelled_images": 6}, "5 training images have all of the landmarks apex, tip, and 6 are wanted"),
        ({"labelled_images": 0}, "set --labelled_images to 1 to 5"),
    ],
)
def test_wrong_settings(series, truth, options, message):
    with pytest.raises(InputError, match=message):
        LandmarkDataset(series, SIZE, **{"truth": truth, **options})


def test_a_file_of_other_images(series, truth):
    with pytest.raises(InputError, match=r"it names no image of this part.*the nearest names are 'p\d\.nii'"):
        LandmarkDataset(series[6:], SIZE, truth=truth)
