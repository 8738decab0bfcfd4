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
"""Tests of the inference batch: which series its frames are of."""

from __future__ import annotations

import pytest
import torch
from torch.utils.data import DataLoader

from scripts.data.frame_dataset import FrameDataset
from scripts.data.image_series import find_image_series
from scripts.engines import SeriesPrepareBatch


@pytest.fixture
def dataset(tmp_path, write_clip) -> FrameDataset:
    write_clip(tmp_path / "a.nii", [(0, 0)] * 2, shape=(20, 16))
    write_clip(tmp_path / "sub" / "b.nii", [(0, 0)] * 3, shape=(20, 16))
    return FrameDataset(find_image_series(tmp_path), (16, 16))


@pytest.mark.parametrize("within_subject", [True, False])
def test_sources_go_with_the_frames_if_they_matter(dataset, tmp_path, within_subject):
    prepare = SeriesPrepareBatch(dataset, within_subject=within_subject)
    prepared = [(batch, prepare(batch, "cpu")) for batch in DataLoader(dataset, batch_size=3)]
    for batch, (image, target, args, kwargs) in prepared:
        torch.testing.assert_close(image, batch["image"].float())
        assert target is None
        assert args == ()
        assert kwargs.keys() == {"sources"}
    sources = [kwargs["sources"] for _, (*_, kwargs) in prepared]
    a, b = str(tmp_path / "a.nii"), str(tmp_path / "sub" / "b.nii")
    assert sources == ([[a, a, b], [b, b]] if within_subject else [None, None])
