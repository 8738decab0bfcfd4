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
"""Tests of the intensity scale of a series against numpy's percentiles."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from scripts.transforms.scale_intensity import scale_series_intensity


@pytest.fixture
def frames() -> torch.Tensor:
    return torch.randn(3, 1, 40, 30, generator=torch.Generator().manual_seed(0)) * 200 + 900


def test_percentiles_of_the_whole_series_become_0_and_1(frames):
    low, high = np.percentile(frames.numpy(), [5.0, 90.0])
    expected = np.clip((frames.numpy() - low) / (high - low), 0, 1)
    scaled = scale_series_intensity(frames, 5.0, 90.0)
    assert scaled.dtype == torch.float32
    np.testing.assert_allclose(scaled, expected, atol=1e-5)


def test_all_frames_share_one_scale(frames):
    brighter = torch.cat([frames, frames[:1] * 2])
    scaled = scale_series_intensity(brighter)
    # a frame alone would look the same at any gain; here it stays brighter than its copy
    assert scaled[3].mean() > scaled[0].mean() + 0.2


def test_gain_and_offset_of_a_series_do_not_matter(frames):
    torch.testing.assert_close(
        scale_series_intensity(frames * 7.5 - 300), scale_series_intensity(frames), atol=1e-5, rtol=0
    )


def test_constant_series_is_zero():
    scaled = scale_series_intensity(torch.full((2, 1, 5, 6), 7.0))
    assert torch.equal(scaled, torch.zeros(2, 1, 5, 6))


@pytest.mark.parametrize("dtype", [torch.int16, torch.uint8, torch.float64])
def test_frames_of_any_type_become_float32(dtype):
    frames = torch.arange(8, dtype=dtype).reshape(1, 1, 8, 1)
    for one in (frames, torch.zeros_like(frames)):
        assert scale_series_intensity(one).dtype == torch.float32


def test_a_few_bright_pixels_on_an_even_ground_are_kept():
    frames = torch.full((2, 1, 50, 50), 3.0)
    frames[0, 0, 10, 20], frames[1, 0, 4, 4] = 11.0, 7.0
    scaled = scale_series_intensity(frames)
    assert scaled[0, 0, 10, 20] == 1.0
    assert scaled[1, 0, 4, 4] == 0.5
    assert scaled.sum() == 1.5


@pytest.mark.parametrize("largest_sample", [100, 999, 1800, 3599])
def test_large_series_are_scaled_by_the_percentiles_of_evenly_spread_pixels(frames, largest_sample):
    whole = scale_series_intensity(frames)
    sampled = scale_series_intensity(frames, largest_sample=largest_sample)
    assert not torch.equal(sampled, whole)
    assert (sampled - whole).abs().mean() < 0.1
    # every 1 + 3600 // n-th of all 3600 pixels
    low, high = np.percentile(frames.numpy().ravel()[:: 1 + 3600 // largest_sample], [0.5, 99.5])
    np.testing.assert_allclose(sampled, np.clip((frames.numpy() - low) / (high - low), 0, 1), atol=1e-5)


def test_a_series_below_the_largest_sample_is_not_sampled(frames):
    assert torch.equal(scale_series_intensity(frames, largest_sample=3601), scale_series_intensity(frames))


def test_a_bright_pixel_that_the_sample_misses_still_counts_on_an_even_ground():
    frame = torch.full((1, 1, 40, 30), 3.0)
    frame[0, 0, 11, 7] = 5.0
    scaled = scale_series_intensity(frame, largest_sample=50)
    assert scaled[0, 0, 11, 7] == 1.0
    assert scaled.sum() == 1.0


def test_the_largest_sample_is_all_that_percentiles_are_taken_of(frames, monkeypatch):
    taken, percentile = [], np.percentile
    monkeypatch.setattr(np, "percentile", lambda sample, q: taken.append(sample.size) or percentile(sample, q))
    for largest in [1, 7, 500, 3600, 4000]:
        scale_series_intensity(frames, largest_sample=largest)
    assert all(size <= largest for size, largest in zip(taken, [1, 7, 500, 3600, 4000], strict=True))
    assert taken[-1] == 3600


def test_a_hot_pixel_does_not_change_the_others(frames):
    hot = frames.clone()
    hot[0, 0, 3, 4] = 65535.0
    changed = (scale_series_intensity(hot) - scale_series_intensity(frames)).abs()
    changed[0, 0, 3, 4] = 0.0
    assert changed.max() < 0.02


def test_a_little_burned_in_text_leaves_most_of_the_contrast(frames):
    text = frames.clone()
    text[:, :, :4, 0] = 65535.0  # 0.33 % of the pixels
    before, after = (scale_series_intensity(one)[:, :, 4:].std() for one in (frames, text))
    assert after > 0.8 * before


def test_pixels_that_are_not_valid_have_no_say(frames):
    valid = torch.ones_like(frames, dtype=torch.bool)
    valid[..., :2] = False
    padded = frames.masked_fill(~valid, -1e6)
    scaled = scale_series_intensity(padded, valid=valid)
    expected = scale_series_intensity(frames[..., 2:])
    torch.testing.assert_close(scaled[..., 2:], expected)
    assert scaled[..., :2].max() == 0


def test_where_no_pixel_is_valid_all_have_a_say(frames):
    scaled = scale_series_intensity(frames, valid=torch.zeros_like(frames, dtype=torch.bool))
    torch.testing.assert_close(scaled, scale_series_intensity(frames))
