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
"""Tests of patches found in their own image, with matchers of known errors."""

from __future__ import annotations

import math
from collections.abc import Callable

import pytest
import torch

from scripts.data.frame_dataset import FrameDataset
from scripts.evaluation import EvaluationResult, PixelMatching

SHIFTS = [(0, 0), (3, -2), (-5, 6)]
POINTS = 14 * 14  # every second pixel of 28 x 28
OFFSET = (3.0, -4.0)
FAR_LEFT = 10  # patches of what lies further to the left get no answer from `blind`


@pytest.fixture
def clip(tmp_path, write_frames, frame_dataset) -> Callable[..., FrameDataset]:
    def write(shifts=SHIFTS, **options) -> FrameDataset:
        write_frames(tmp_path / "data" / "clip.nii", shifts, **options)
        return frame_dataset(tmp_path / "data", stretch="spacing" in options)  # pixels stay as they are

    return write


@pytest.fixture
def blind(known_matcher):
    return known_matcher(offset=OFFSET, lost=lambda places: places[:, 0] < FAR_LEFT)


def evaluate(dataset: FrameDataset, matcher, **options) -> EvaluationResult:
    return PixelMatching(dataset, 9, **({"step": 2} | options))(matcher)


@pytest.mark.parametrize("scrambled", [False, True])
def test_an_exact_matcher_has_no_error(clip, known_matcher, scrambled):
    metrics = evaluate(clip(scrambled=scrambled), known_matcher(scrambled=scrambled)).metrics
    assert metrics["max_px"] == pytest.approx(0, abs=1e-4)
    assert metrics["number"] == 3 * POINTS
    assert metrics["images"] == 3 and metrics["step"] == 2


def test_a_constant_error_is_the_mean_without_a_spread(clip, known_matcher):
    metrics = evaluate(clip(), known_matcher(offset=OFFSET)).metrics
    for name in ("mean", "median", "min", "max"):
        assert metrics[f"{name}_px"] == pytest.approx(5, abs=1e-4)
    assert metrics["sd_px"] == pytest.approx(0, abs=1e-4)


def test_px_are_those_of_the_original_image_where_the_network_sees_half_of_them(clip, known_matcher):
    result = evaluate(clip(zoom=2), known_matcher(offset=OFFSET))
    assert result.metrics["mean_px"] == pytest.approx(2 * 5, abs=1e-4)
    assert result.metrics["sd_px"] == pytest.approx(0, abs=1e-4)
    assert result.metrics["mean_sigma_px"] == pytest.approx(2 * math.sqrt(2), abs=1e-4)  # of 1 px along each axis
    torch.testing.assert_close(result.residuals["self-matching"].errors, torch.tensor([[6.0, -8.0]] * 3 * POINTS))
    torch.testing.assert_close(result.residuals["self-matching"].sigmas, torch.full((3 * POINTS, 2), 2.0))


@pytest.mark.parametrize("zoom", [1, 2])
@pytest.mark.parametrize("spacing", [(1.0, 1.0), (0.5, 0.5), (0.5, 2.0), (3.0, 0.25)])
def test_mm_follow_the_spacing_along_each_axis(clip, known_matcher, spacing, zoom):
    metrics = evaluate(clip(spacing=spacing, zoom=zoom), known_matcher(offset=OFFSET)).metrics
    assert metrics["mean_mm"] == pytest.approx(zoom * math.hypot(3 * spacing[0], 4 * spacing[1]), abs=1e-4)
    assert metrics["sd_mm"] == pytest.approx(0, abs=1e-4)
    assert metrics["mean_px"] == pytest.approx(zoom * 5, abs=1e-4)


@pytest.mark.parametrize("sigma", [0.5, 2.0])
def test_random_errors_have_the_mean_and_the_spread_of_rayleighs_distribution(clip, known_matcher, sigma):
    metrics = evaluate(clip(SHIFTS * 4, spacing=(0.5, 0.5)), known_matcher(noise=sigma)).metrics
    assert metrics["number"] == 12 * POINTS
    assert metrics["mean_px"] == pytest.approx(sigma * math.sqrt(math.pi / 2), rel=0.04)
    assert metrics["sd_px"] == pytest.approx(sigma * math.sqrt(2 - math.pi / 2), rel=0.06)
    assert metrics["median_px"] == pytest.approx(sigma * math.sqrt(2 * math.log(2)), rel=0.06)
    assert metrics["mean_mm"] == pytest.approx(metrics["mean_px"] / 2)


def test_the_sigma_of_the_trained_distribution_scales_what_the_network_tells(clip, known_matcher):
    dataset = clip()
    for factor in (1.0, math.sqrt(2)):
        result = evaluate(dataset, known_matcher(noise=0.5, too_small=2), sigma_per_scale=factor)
        assert result.metrics["mean_sigma_px"] == pytest.approx(factor * 0.25 * math.sqrt(2), rel=1e-4)


def test_each_image_has_a_row_and_a_map(clip, known_matcher):
    result = evaluate(clip(), known_matcher(noise=1.0))
    assert [(row["image"], row["frame"]) for row in result.rows] == [("clip.nii", t) for t in range(3)]
    assert [row["number"] for row in result.rows] == [POINTS] * 3
    assert sum(row["mean_px"] for row in result.rows) / 3 == pytest.approx(result.metrics["mean_px"])
    assert max(row["max_px"] for row in result.rows) == result.metrics["max_px"]
    assert result.rows[0]["mean_sigma_px"] == pytest.approx(math.sqrt(2), rel=1e-4)
    assert list(result.figures) == ["map_001", "map_002", "map_003"]
    for t, draw in enumerate(result.figures.values()):
        figure = draw()
        assert f"clip.nii, frame {t}" in [text.get_text() for text in figure.texts]
        error, sigma = (axes.get_title(loc="left") for axes in figure.axes[1:3])
        assert error.startswith("Error\n") and f"{result.rows[t]['mean_px']:.2f} ±" in error
        assert "1.41 ± 0.00 px" in sigma


def test_a_map_shows_each_error_at_its_pixel(clip, known_matcher):
    right = known_matcher(offset=lambda places: 6.0 * (places[:, :1] >= 14) * torch.tensor([1.0, 0.0]))
    figure = evaluate(clip([(0, 0)]), right).figures["map_001"]()
    shown = figure.axes[1].get_images()[0].get_array()  # rows of y
    assert shown.shape == (14, 14)
    assert abs(shown[:, :7]).max() < 1e-4 and abs(shown[:, 7:] - 6).max() < 1e-4


def test_pixels_of_the_padding_are_not_asked_for(clip, known_matcher):
    metrics = evaluate(clip(shape=(28, 14)), known_matcher(offset=OFFSET)).metrics
    assert metrics["number"] == 3 * 14 * 7
    assert metrics["mean_px"] == pytest.approx(5, abs=1e-4)


def test_the_step_is_the_distance_of_the_pixels(clip, known_matcher):
    for step, number in ((1, 28**2), (5, 6**2), (40, 1)):
        assert evaluate(clip([(0, 0)]), known_matcher(), step=step).metrics["number"] == number


def test_chunks_do_not_change_the_figures(clip, known_matcher):
    dataset = clip()
    first, *others = (evaluate(dataset, known_matcher(noise=1.0), chunk_size=size) for size in (1000, 7, 1))
    for other in others:
        assert other.metrics == pytest.approx(first.metrics)


def test_some_images_are_drawn_by_the_seed_and_that_is_noted(clip, known_matcher):
    dataset = clip([(0, 0)] * 20)
    first, same, other = (evaluate(dataset, known_matcher(), images=6, step=9, seed=seed) for seed in (1, 1, 2))
    assert first.metrics["images"] == len(first.rows) == len(first.figures) == 6
    assert first.rows == same.rows
    assert [row["frame"] for row in first.rows] != [row["frame"] for row in other.rows]
    assert first.notes == ["6 of 20 images, drawn with seed 1"]
    for images in (20, 100, None):
        assert evaluate(dataset, known_matcher(), images=images, step=9).notes == []


def test_answers_that_are_not_finite_are_counted_named_and_left_out(clip, blind):
    result = evaluate(clip(), blind)
    lost = [14 * len([x for x in range(0, 28, 2) if x - dx < FAR_LEFT]) for dx, _ in SHIFTS]
    assert lost == [70, 98, 42]
    (note,) = result.notes
    assert note.startswith("3 images with answers that are not finite")
    for t, number in enumerate(lost):
        assert f"clip.nii, frame {t} ({number} of {POINTS})" in note
    assert result.metrics["number"] == 3 * POINTS - sum(lost) == len(result.residuals["self-matching"].errors)
    assert result.metrics["mean_px"] == result.metrics["mean_mm"] == pytest.approx(5, abs=1e-4)
    assert [row["number"] for row in result.rows] == [POINTS - number for number in lost]
    shown = result.figures["map_001"]().axes[1].get_images()[0].get_array()
    assert shown[:, :5].mask.all() and not shown[:, 5:].mask.any()


def test_an_answer_with_a_sigma_of_zero_is_left_out_in_px_and_in_mm(clip, known_matcher):
    def left(places: torch.Tensor) -> torch.Tensor:
        return places[:, 0] < FAR_LEFT

    # twice as far off where its sigma is 0
    matcher = known_matcher(offset=lambda places: torch.tensor(OFFSET) * (1 + left(places))[:, None], sure=left)
    result = evaluate(clip([(0, 0)]), matcher)
    assert f"clip.nii (70 of {POINTS})" in result.notes[0]
    residuals = result.residuals["self-matching"]
    assert result.metrics["number"] == len(residuals.errors) == POINTS - 70
    for unit in ("px", "mm"):
        assert result.metrics[f"max_{unit}"] == pytest.approx(5, abs=1e-4)


def test_no_finite_answer_at_all_leaves_no_figure_and_no_crash(clip, known_matcher):
    result = evaluate(clip(), known_matcher(lost=lambda places: torch.ones(len(places), dtype=torch.bool)))
    assert result.metrics["number"] == 0
    assert math.isnan(result.metrics["mean_px"]) and "mean_mm" not in result.metrics
    assert len(result.residuals["self-matching"].errors) == 0
    assert result.notes[0].count(f"({POINTS} of {POINTS})") == 3
    assert "no value" in result.figures["map_001"]().axes[1].get_title(loc="left")


def test_images_smaller_than_a_patch_are_left_out(clip, known_matcher, tmp_path, write_frames):
    write_frames(tmp_path / "data" / "a.nii", shape=(28, 8))
    result = evaluate(clip(), known_matcher())
    assert {row["image"] for row in result.rows} == {"clip.nii"}
    (note,) = result.notes
    assert note.startswith("1 images left out") and "a.nii (28 x 8 px)" in note


def test_nothing_but_small_images_leaves_no_figure_and_no_crash(clip, known_matcher):
    result = evaluate(clip(shape=(28, 8)), known_matcher())
    assert result.metrics["images"] == result.metrics["number"] == 0
    assert result.rows == [] and result.figures == {}
    assert len(result.notes) == 1


def test_images_without_a_known_spacing_count_in_px_only_and_are_named(clip, known_matcher, tmp_path, write_frames):
    write_frames(tmp_path / "data" / "x.png", zoom=2)
    result = evaluate(clip(spacing=(2.0, 2.0)), known_matcher(offset=OFFSET))
    assert result.metrics["number"] == 4 * POINTS
    assert result.metrics["mean_px"] == pytest.approx((3 * 5 + 10) / 4, abs=1e-4)
    assert result.metrics["mean_mm"] == pytest.approx(10, abs=1e-4) == result.metrics["max_mm"]
    (note,) = result.notes
    assert "no pixel spacing" in note and note.endswith(": x.png")


def test_without_any_known_spacing_there_are_no_mm(known_matcher, tmp_path, write_frames, frame_dataset):
    write_frames(tmp_path / "x.png", zoom=2)
    metrics = evaluate(frame_dataset(tmp_path), known_matcher(offset=OFFSET)).metrics
    assert metrics["mean_px"] == pytest.approx(10, abs=1e-4)
    assert not [name for name in metrics if name.endswith("mm")]
