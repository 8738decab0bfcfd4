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
"""Tests of the time an image takes, with a matcher that takes a known time."""

from __future__ import annotations

import time

import pytest
import torch

from scripts.data.frame_dataset import FrameDataset
from scripts.evaluation import InferenceTime


@pytest.fixture
def dataset(tmp_path, write_frames, frame_dataset) -> FrameDataset:
    write_frames(tmp_path / "a.nii")
    return frame_dataset(tmp_path)


@pytest.fixture
def slow_matcher(known_matcher):
    class Slow(known_matcher):
        """Takes 10 ms to encode an image and 5 ms to match patches; patches take much longer to encode."""

        def encode_image(self, image: torch.Tensor) -> torch.Tensor:
            time.sleep(0.01)
            return super().encode_image(image)

        def encode_patch(self, patch: torch.Tensor) -> torch.Tensor:
            time.sleep(0.3)
            return super().encode_patch(patch)

        def match(self, image_code: torch.Tensor, patch_code: torch.Tensor) -> torch.Tensor:
            assert not torch.is_grad_enabled()
            time.sleep(0.005)
            return super().match(image_code, patch_code)

    return Slow()


def test_the_time_is_that_of_encoding_an_image_and_matching_not_that_of_encoding_examples(dataset, slow_matcher):
    result = InferenceTime(dataset, 9, seconds=0.1)(slow_matcher)
    assert result.name == "inference_time"
    assert 15 <= result.metrics["ms_per_image"] < 200  # the machine may be busy


def test_examples_are_encoded_once_and_images_each_time(dataset, slow_matcher):
    metrics = InferenceTime(dataset, 9, examples=7, seconds=0.1)(slow_matcher).metrics
    assert metrics["examples"] == slow_matcher.encoded_patches == 7
    assert slow_matcher.encoded_images >= 2


def test_the_device_is_told_and_on_a_cpu_the_threads(dataset, known_matcher):
    metrics = InferenceTime(dataset, 9, seconds=0.01)(known_matcher(), torch.device("cpu")).metrics
    assert metrics["device"] == "cpu"
    assert metrics["threads"] == torch.get_num_threads()
