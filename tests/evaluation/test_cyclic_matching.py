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
"""Tests of patches found in other images and back, with matchers of known errors."""

from __future__ import annotations

import math
from collections.abc import Callable

import pytest
import torch

from scripts.data.frame_dataset import FrameDataset
from scripts.evaluation import CyclicMatching, EvaluationResult
from scripts.io.input_error import InputError

SIDE = 21  # of the patches: what leaves the image by a few px is still seen
POINTS = 14 * 14  # every second pixel of 28 x 28
OFFSET = (1.0, -2.0)
THERE_AND_BACK = 2 * math.hypot(*OFFSET)
SHIFTS = [(0, 0), (3, -2), (-2, 4), (1, 1)]
# at rest in frame 1, furthest from it in frame 3
MOTION = [(1, 0), (0, 0), (1, 0), (4, 0), (1, 0)]
HEADER = "source_image,source_frame,target_image,target_frame\n"


@pytest.fixture
def stills(tmp_path, write_frames, frame_dataset) -> Callable[..., FrameDataset]:
    """One image a patient, each moved."""

    def write(shifts=SHIFTS, **options) -> FrameDataset:
        for i, shift in enumerate(shifts):
            write_frames(tmp_path / "data" / f"{i}_a.nii", [shift], **options)
        return frame_dataset(tmp_path / "data", stretch="spacing" in options)  # pixels stay as they are

    return write


@pytest.fixture
def clip(tmp_path, write_frames, frame_dataset) -> FrameDataset:
    write_frames(tmp_path / "data" / "clip.nii", MOTION, scrambled=True)
    return frame_dataset(tmp_path / "data")


def evaluate(dataset: FrameDataset, matcher, **options) -> EvaluationResult:
    return CyclicMatching(dataset, SIDE, **({"step": 2} | options))(matcher)


def test_an_exact_matcher_comes_back_to_where_it_started(stills, known_matcher):
    metrics = evaluate(stills(), known_matcher()).metrics
    assert metrics["max_px"] == pytest.approx(0, abs=1e-4)
    assert metrics["number"] == 4 * 3 * POINTS
    assert metrics["pairs"] == 12 and metrics["key_images"] == 4 and metrics["step"] == 2


def test_a_constant_error_is_made_twice(stills, known_matcher):
    metrics = evaluate(stills(), known_matcher(offset=OFFSET)).metrics
    assert metrics["mean_px"] == pytest.approx(THERE_AND_BACK, abs=1e-4)
    assert metrics["sd_px"] == pytest.approx(0, abs=1e-4)


@pytest.mark.parametrize("zoom", [1, 2])
@pytest.mark.parametrize("spacing", [(0.5, 0.5), (0.5, 2.0)])
def test_lengths_are_px_and_mm_of_the_original_image(stills, known_matcher, zoom, spacing):
    metrics = evaluate(stills(zoom=zoom, spacing=spacing), known_matcher(offset=OFFSET)).metrics
    assert metrics["mean_px"] == pytest.approx(zoom * THERE_AND_BACK, abs=1e-4)
    expected = 2 * zoom * math.hypot(OFFSET[0] * spacing[0], OFFSET[1] * spacing[1])
    assert metrics["mean_mm"] == pytest.approx(expected, abs=1e-4)
    assert metrics["sd_mm"] == pytest.approx(0, abs=1e-4)


def test_px_and_mm_are_those_of_the_source(tmp_path, write_frames, frame_dataset, known_matcher):
    write_frames(tmp_path / "data" / "0_a.nii", zoom=2, spacing=(3.0, 3.0))
    write_frames(tmp_path / "data" / "1_a.nii", zoom=4, spacing=(0.5, 0.5))
    dataset = frame_dataset(tmp_path / "data")
    for source, zoom, mm in ((0, 2, 3.0), (1, 4, 0.5)):
        table = tmp_path / "pairs.csv"
        table.write_text(f"{HEADER}{source}_a.nii,,{1 - source}_a.nii,\n")
        metrics = evaluate(dataset, known_matcher(offset=OFFSET), pairs=table).metrics
        assert metrics["mean_px"] == pytest.approx(zoom * THERE_AND_BACK, abs=1e-4)
        assert metrics["mean_mm"] == pytest.approx(zoom * mm * THERE_AND_BACK, abs=1e-4)


@pytest.mark.parametrize("sigma", [1.0, 2.0])
def test_random_errors_of_both_ways_add_up_to_rayleighs_distribution(stills, known_matcher, sigma):
    metrics = evaluate(stills([(0, 0)] * 4), known_matcher(noise=sigma, whole=True)).metrics
    # each way is rounded to whole pixels, which adds a variance of 1 / 12
    spread = math.sqrt(2 * (sigma**2 + 1 / 12))
    assert metrics["mean_px"] == pytest.approx(spread * math.sqrt(math.pi / 2), rel=0.04)
    assert metrics["sd_px"] == pytest.approx(spread * math.sqrt(2 - math.pi / 2), rel=0.06)


def test_within_a_subject_the_pair_is_found_by_its_motion(clip, known_matcher):
    result = evaluate(clip, known_matcher(scrambled=True, offset=OFFSET), subjects="within")
    assert [(row["image"], row["frame"], row["targets"]) for row in result.rows] == [("clip.nii", 1, 1)]
    (key,), subjects, notes = CyclicMatching(clip, SIDE, subjects="within").key_frames()
    assert (key.source.index, [target.index for target in key.targets]) == (1, [3])
    assert subjects == result.metrics["subjects"] == "within" and notes == result.notes == []
    assert result.metrics["mean_px"] == pytest.approx(THERE_AND_BACK, abs=1e-4)
    assert result.metrics["number"] == POINTS


def test_across_subjects_targets_are_of_other_patients_and_drawn_by_the_seed(tmp_path, write_frames, frame_dataset):
    for patient in "abcdef":
        for i in range(3):
            write_frames(tmp_path / f"{patient}_{i}.nii")
    dataset = frame_dataset(tmp_path)

    def draw(seed: int) -> list[tuple[str, list[str]]]:
        evaluation = CyclicMatching(dataset, SIDE, key_images=4, targets=5, seed=seed)
        keys, subjects, notes = evaluation.key_frames()
        assert subjects == "cross" and notes == []
        return [(key.source.name, [target.name for target in key.targets]) for key in keys]

    pairs = draw(1)
    assert len(pairs) == 4 and all(len(set(targets)) == 5 for _, targets in pairs)
    assert all(source[0] != target[0] for source, targets in pairs for target in targets)
    assert draw(1) == pairs != draw(2)


def test_pairs_are_those_of_a_table_where_it_is_given(stills, known_matcher, tmp_path):
    table = tmp_path / "pairs.csv"
    table.write_text(f"{HEADER}2_a.nii,,0_a.nii,\n2_a.nii,,3_a.nii,\n1_a.nii,,0_a.nii,\n")
    result = evaluate(stills(), known_matcher(offset=OFFSET), pairs=table, subjects="within")
    assert {row["image"]: row["targets"] for row in result.rows} == {"1_a.nii": 1, "2_a.nii": 2}
    assert result.metrics["subjects"] == "given" and result.metrics["pairs"] == 3
    assert result.metrics["mean_px"] == pytest.approx(THERE_AND_BACK, abs=1e-4)


def test_a_fault_in_the_table_is_told_before_any_work(stills, tmp_path):
    table = tmp_path / "pairs.csv"
    table.write_text(f"{HEADER}0_a.nii,,1_a.nii,\n0_a.nii,,none.nii,\n")
    with pytest.raises(InputError, match=r"pairs\.csv, line 3: frame 0 of none\.nii"):
        CyclicMatching(stills(), SIDE, pairs=table)


def test_auto_is_within_where_a_series_has_several_frames_and_else_across(clip, tmp_path, write_frames, frame_dataset):
    assert CyclicMatching(clip, SIDE).key_frames()[1] == "within"
    write_frames(tmp_path / "stills" / "a.nii")
    write_frames(tmp_path / "stills" / "b.nii")
    assert CyclicMatching(frame_dataset(tmp_path / "stills"), SIDE).key_frames()[1] == "cross"


def test_there_is_no_other_choice_of_subjects(clip):
    with pytest.raises(ValueError, match="both"):
        CyclicMatching(clip, SIDE, subjects="both")


def test_each_key_image_has_a_row_and_maps_over_its_targets(stills, known_matcher):
    result = evaluate(stills(), known_matcher(offset=OFFSET), step=4)
    assert [(row["image"], row["targets"], row["number"]) for row in result.rows] == [
        (f"{i}_a.nii", 3, 3 * 49) for i in range(4)
    ]
    assert [row["mean_px"] for row in result.rows] == pytest.approx([THERE_AND_BACK] * 4, abs=1e-4)
    assert list(result.figures) == [f"map_{i:03d}" for i in range(1, 5)]
    figure = result.figures["map_002"]()
    mean, spread = (axes.get_title(loc="left") for axes in figure.axes[1:3])
    assert mean == f"Mean cyclic error\n{THERE_AND_BACK:.2f} ± 0.00 px"
    assert spread.endswith("0.00 ± 0.00 px")
    assert "1_a.nii" in [text.get_text() for text in figure.texts]


def test_a_map_of_the_spread_shows_how_much_targets_differ(stills, known_matcher):
    class Errs(known_matcher):
        """Finds all patches 3 px too far along x in images that have moved, and is exact in others."""

        def match(self, image_code: torch.Tensor, patch_code: torch.Tensor) -> torch.Tensor:
            found = super().match(image_code, patch_code)
            return found + torch.tensor([2 * 3 / 28, 0, 0, 0]) * image_code.any()

    dataset = stills([(0, 0), (2, 2), (0, 0)])
    figure = evaluate(dataset, Errs(), key_images=3).figures["map_001"]()
    # out to the moved one and back the error is 3, out to the other 0
    mean, spread = (axes.get_images()[0].get_array() for axes in figure.axes[1:3])
    assert abs(mean - 1.5).max() < 1e-4 and abs(spread - 1.5).max() < 1e-4


def test_one_target_has_no_map_of_the_spread_over_targets(stills, known_matcher):
    figures = evaluate(stills(SHIFTS[:2]), known_matcher()).figures
    assert not any("deviation" in axes.get_title(loc="left") for axes in figures["map_001"]().axes)


def test_the_sigmas_of_both_ways_add_up(stills, known_matcher):
    residuals = evaluate(stills(zoom=2), known_matcher(offset=OFFSET), sigma_per_scale=3.0).residuals["cyclic"]
    assert residuals.errors.shape == (12 * POINTS, 2)
    # the told sigma is 1 px of the network's image along each axis
    torch.testing.assert_close(residuals.sigmas, torch.full_like(residuals.sigmas, 2 * 3 * math.sqrt(2)))
    expected = torch.tensor([[4 * OFFSET[0], 4 * OFFSET[1]]]).expand_as(residuals.errors)
    torch.testing.assert_close(residuals.errors, expected, atol=1e-4, rtol=0)


def test_pixels_of_the_padding_are_not_asked_for(stills, known_matcher):
    metrics = CyclicMatching(stills([(0, 0)] * 4, shape=(28, 14)), 13, step=2)(known_matcher()).metrics
    assert metrics["number"] == 12 * 14 * 7
    assert metrics["max_px"] == pytest.approx(0, abs=1e-4)


def test_chunks_do_not_change_the_figures(stills, known_matcher):
    dataset = stills(SHIFTS[:2])
    first, other = (evaluate(dataset, known_matcher(offset=OFFSET), step=4, chunk_size=size) for size in (5, 1000))
    assert first.metrics == pytest.approx(other.metrics)


def test_answers_that_are_not_finite_are_counted_named_and_left_out(stills, known_matcher):
    blind = known_matcher(offset=OFFSET, lost=lambda places: places[:, 0] < 10)
    result = evaluate(stills([(0, 0), (4, 0)]), blind, targets=1)
    # the way back starts 1 px further to the right than the way out
    lost = [14 * len([x for x in range(0, 28, 2) if x - dx < 10]) for dx in (0, 4)]
    assert lost == [70, 98]
    (note,) = result.notes
    assert note.startswith("2 key images with answers that are not finite")
    assert f"0_a.nii (70 of {POINTS})" in note and f"1_a.nii (98 of {POINTS})" in note
    assert result.metrics["number"] == 2 * POINTS - sum(lost) == len(result.residuals["cyclic"].errors)
    assert result.metrics["mean_px"] == result.metrics["mean_mm"] == pytest.approx(THERE_AND_BACK, abs=1e-4)
    shown = result.figures["map_001"]().axes[1].get_images()[0].get_array()
    assert shown[:, :5].mask.all() and not shown[:, 5:].mask.any()


def test_a_patch_that_is_lost_in_one_target_counts_in_the_others(stills, known_matcher):
    class Blind(known_matcher):
        """Finds nothing in the image that has moved most."""

        def match(self, image_code: torch.Tensor, patch_code: torch.Tensor) -> torch.Tensor:
            found = super().match(image_code, patch_code)
            return found * (torch.nan if (image_code.abs() > 3).any() else 1)

    result = evaluate(stills([(0, 0), (4, 0), (1, 1)]), Blind(offset=OFFSET))
    # of the six pairs two are lost on the way out and two on the way back
    assert result.metrics["number"] == 2 * POINTS
    assert [row["number"] for row in result.rows] == [POINTS, 0, POINTS]
    shown = result.figures["map_001"]().axes[1].get_images()[0].get_array()
    assert abs(shown - THERE_AND_BACK).max() < 1e-4 and not shown.mask.any()


def test_an_answer_with_a_sigma_of_zero_counts_where_the_other_way_has_one(stills, known_matcher, tmp_path):
    class Sure(known_matcher):
        """Is sure of the way out, and of the way back for what lies to the left."""

        def match(self, image_code: torch.Tensor, patch_code: torch.Tensor) -> torch.Tensor:
            found = super().match(image_code, patch_code)
            out = image_code.any()  # the target has moved
            return found.masked_fill(torch.tensor([0, 0, 1, 1]).bool() & (out | (patch_code[:, :1] < 10)), -math.inf)

    table = tmp_path / "pairs.csv"
    table.write_text(f"{HEADER}0_a.nii,,1_a.nii,\n")
    # there it is twice as far off
    matcher = Sure(offset=lambda places: torch.tensor([0.0, 3.0]) * (1 + (places[:, :1] < 10)))
    result = evaluate(stills([(0, 0), (4, 0)]), matcher, pairs=table)
    assert f"0_a.nii (70 of {POINTS})" in result.notes[0]
    assert result.metrics["number"] == POINTS - 70
    for unit in ("px", "mm"):
        assert result.metrics[f"max_{unit}"] == pytest.approx(6, abs=1e-4)


def test_no_finite_answer_at_all_leaves_no_figure_and_no_crash(stills, known_matcher):
    nowhere = known_matcher(lost=lambda places: torch.ones(len(places), dtype=torch.bool))
    result = evaluate(stills(), nowhere, targets=3)
    assert result.metrics["number"] == 0 and math.isnan(result.metrics["mean_px"])
    assert result.metrics["pairs"] == 12
    assert f"0_a.nii ({3 * POINTS} of {3 * POINTS})" in result.notes[0]
    assert "no value" in result.figures["map_001"]().axes[1].get_title(loc="left")


def test_series_of_one_image_have_no_pair_within_and_are_named(stills, known_matcher):
    result = evaluate(stills(), known_matcher(), subjects="within")
    assert (
        result.notes[0].startswith("4 series of one image") and "0_a.nii, 1_a.nii, 2_a.nii, 3_a.nii" in result.notes[0]
    )
    assert "no pair of images" in result.notes[1]
    assert result.metrics["pairs"] == result.metrics["number"] == 0
    assert result.rows == [] and result.figures == {}


def test_one_patient_alone_has_no_pair_across_and_is_named(tmp_path, write_frames, frame_dataset, known_matcher):
    write_frames(tmp_path / "1_a.nii")
    write_frames(tmp_path / "1_b.nii")
    result = evaluate(frame_dataset(tmp_path), known_matcher())
    assert result.notes[0] == "2 key images without an image of another patient: 1_a.nii, 1_b.nii"
    assert "no pair of images" in result.notes[1]
    assert result.metrics["pairs"] == result.metrics["number"] == 0 and math.isnan(result.metrics["mean_px"])


def test_fewer_targets_than_wanted_are_noted(stills, known_matcher):
    assert evaluate(stills(), known_matcher(), step=9, targets=3).notes == []
    (note,) = evaluate(stills(), known_matcher(), step=9, targets=4).notes
    assert note.startswith("4 key images with fewer than 4 images of other patients")


def test_images_smaller_than_a_patch_are_left_out(stills, known_matcher, tmp_path, write_frames):
    write_frames(tmp_path / "data" / "9_a.nii", shape=(28, 20))
    result = evaluate(stills(), known_matcher(), targets=3, step=9)
    assert {row["image"] for row in result.rows} == {f"{i}_a.nii" for i in range(4)}
    assert result.metrics["pairs"] == 12
    (note,) = result.notes
    assert note.startswith("1 images left out") and "9_a.nii (28 x 20 px)" in note


def test_images_without_a_known_spacing_count_in_px_only_and_are_named(
    tmp_path, write_frames, frame_dataset, known_matcher
):
    write_frames(tmp_path / "0_a.nii", spacing=(2.0, 2.0))
    write_frames(tmp_path / "1_a.png")
    result = evaluate(frame_dataset(tmp_path), known_matcher(offset=OFFSET), targets=1)
    assert result.metrics["number"] == 2 * POINTS
    assert result.metrics["mean_mm"] == pytest.approx(2 * THERE_AND_BACK, abs=1e-4)
    (note,) = result.notes
    assert "no pixel spacing" in note and note.endswith(": 1_a.png")
