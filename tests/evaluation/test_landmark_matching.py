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
"""Tests of landmarks found from examples, on images of known landmarks with matchers of known errors."""

from __future__ import annotations

import csv
import math
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

import numpy as np
import pytest
import torch

from scripts.classical import NCCMatcher
from scripts.data.example_images import read_example_points
from scripts.evaluation import EvaluationResult, LandmarkMatching
from scripts.io.input_error import InputError

SIDE = 9
OFFSET = (3.0, -4.0)  # more than an eighth of a patch, so that it is no bias that is taken off
POINTS = {"left": (10, 12), "middle": (14, 17), "right": (18, 11)}
GRID = {f"{x}-{y}": (x, y) for x in (10, 12, 14, 16, 18) for y in (9, 12, 15, 18)}
SHIFTS = [(0, 0), (3, -2), (-2, 4), (1, 1), (0, 2), (-3, -3)]
MANY = [tuple(shift) for shift in np.random.RandomState(0).randint(-3, 4, (80, 2)).tolist()]


class Known:
    """Images with known landmarks, and what an evaluation says of them."""

    def __init__(self, folder: Path, write_frames, frame_dataset, write_marks) -> None:
        self.folder = folder
        self.truth = folder / "truth.csv"
        self.write_frames, self.frame_dataset, self.write_marks = write_frames, frame_dataset, write_marks
        self.dataset = None

    def write(
        self, images: Mapping[str, Sequence[tuple[int, int]]], points=POINTS, *, zoom: int = 1, **options
    ) -> Known:
        for name, shifts in images.items():
            self.write_frames(self.folder / "data" / name, shifts, zoom=zoom, **options)
        self.write_marks(self.truth, images, points, zoom)
        self.dataset = self.frame_dataset(self.folder / "data", stretch="spacing" in options)  # pixels stay as they are
        return self

    def lines(self, keep: Callable[[str], bool], more: str = "") -> Known:
        """Change the table: keep some of its lines and add more."""
        header, *lines = self.truth.read_text().splitlines(keepends=True)
        self.truth.write_text(header + "".join(filter(keep, lines)) + more)
        return self

    def examples(self, rows: str) -> list:
        path = self.folder / "examples.csv"
        path.write_text("image,frame,label,x,y\n" + rows)
        return read_example_points(path, self.dataset, self.folder / "data")

    def evaluation(self, **options) -> LandmarkMatching:
        return LandmarkMatching(self.dataset, SIDE, self.truth, **options)

    def evaluate(self, matcher, **options) -> EvaluationResult:
        return self.evaluation(**options)(matcher)


@pytest.fixture
def known(tmp_path, write_frames, frame_dataset, write_marks) -> Known:
    return Known(tmp_path, write_frames, frame_dataset, write_marks)


@pytest.fixture
def clip(known) -> Known:
    return known.write({"clip.nii": SHIFTS})


@pytest.fixture
def right_errs(known_matcher):
    """Finds what lies far to the right 5 px off, and all the rest exactly."""
    return known_matcher(offset=lambda places: (places[:, :1] > 16) * torch.tensor(OFFSET))


def test_an_exact_matcher_has_no_error(clip, known_matcher):
    metrics = clip.evaluate(known_matcher()).metrics
    for shot in ("single_shot", "few_shot"):
        assert metrics[shot]["max_px"] == pytest.approx(0, abs=1e-4)
        assert metrics[shot]["interval_95_px"] == pytest.approx([0, 0], abs=1e-4)
        assert metrics[shot]["within_2_px"] == metrics[shot]["within_6_px"] == 1
    assert (metrics["example_images"], metrics["target_images"], metrics["target_patients"]) == (3, 3, 1)
    assert metrics["labels"] == list(POINTS) and metrics["subjects"] == "within"


@pytest.mark.parametrize("subjects", ["within", "cross"])
@pytest.mark.parametrize("zoom", [1, 2])
def test_a_constant_error_is_the_mean_in_px_and_mm_of_the_original(known, known_matcher, subjects, zoom):
    known.write({f"{i}_a.nii": SHIFTS[i : i + 2] for i in range(4)}, zoom=zoom, spacing=(0.5, 2.0))
    metrics = known.evaluate(known_matcher(offset=OFFSET), subjects=subjects).metrics
    for figures in (metrics["single_shot"], metrics["few_shot"]):
        assert figures["mean_px"] == pytest.approx(zoom * 5, abs=1e-4)
        assert figures["sd_px"] == pytest.approx(0, abs=1e-4)
        assert figures["mean_mm"] == pytest.approx(zoom * math.hypot(3 * 0.5, 4 * 2), abs=1e-4)
        assert figures["interval_95_px"] == pytest.approx([zoom * 5] * 2, abs=1e-4)
    for name in ("mean_px", "sd_px", "min_px", "max_px"):
        assert metrics[name] == metrics["single_shot"][name]


def test_an_error_that_repeats_is_taken_off_where_it_is_small(clip, known_matcher):
    small = known_matcher(offset=(1.0, 0.5))
    assert clip.evaluate(small).metrics["max_px"] == pytest.approx(0, abs=1e-4)
    assert clip.evaluate(small, correct_bias=False).metrics["mean_px"] == pytest.approx(math.hypot(1, 0.5), abs=1e-4)
    assert clip.evaluate(known_matcher(offset=OFFSET)).metrics["mean_px"] == pytest.approx(5, abs=1e-4)


def test_random_errors_shrink_with_the_root_of_the_number_of_examples(known, known_matcher):
    known.write({"clip.nii": MANY}, GRID, spacing=(0.5, 0.5))
    sigma, counts = 3.0, [1, 4, 16]
    metrics = known.evaluate(known_matcher(noise=sigma), counts=counts, few=16, correct_bias=False).metrics
    assert [figures["examples"] for figures in metrics["by_examples"]] == counts
    assert [figures["draws"] for figures in metrics["by_examples"]] == [20, 20, 1]
    for count, figures in zip(counts, metrics["by_examples"], strict=True):
        spread = sigma / math.sqrt(count)
        assert figures["number"] == figures["draws"] * 40 * 20
        assert figures["mean_px"] == pytest.approx(spread * math.sqrt(math.pi / 2), rel=0.05)
        assert figures["sd_px"] == pytest.approx(spread * math.sqrt(2 - math.pi / 2), rel=0.07)
        assert figures["mean_mm"] == pytest.approx(figures["mean_px"] / 2)
        for radius in (2, 4, 6):
            share = 1 - math.exp(-(radius**2) / (2 * spread**2))
            assert figures[f"within_{radius}_px"] == pytest.approx(share, abs=0.04)
        assert figures["within_2_mm"] == figures["within_4_px"]
    # the single and the few of the tables are those of the curve
    assert metrics["single_shot"] == metrics["by_examples"][0]
    assert metrics["few_shot"] == metrics["by_examples"][2]


def test_few_examples_are_the_largest_number_tried_up_to_few(clip, known_matcher):
    for few, examples in ((20, 3), (2, 2), (1, 1)):
        metrics = clip.evaluate(known_matcher(), few=few).metrics
        assert metrics["few_shot"]["examples"] == examples
        assert metrics["single_shot"]["examples"] == 1
        assert [figures["examples"] for figures in metrics["by_examples"]] == [1, 2, 3]


def test_figures_are_overall_and_by_landmark(clip, right_errs):
    metrics = clip.evaluate(right_errs).metrics
    by_label = {label: figures["single_shot"]["mean_px"] for label, figures in metrics["by_label"].items()}
    assert by_label == {
        label: pytest.approx(mean, abs=1e-4) for label, mean in (("left", 0), ("middle", 0), ("right", 5))
    }
    assert metrics["mean_px"] == pytest.approx(5 / 3, abs=1e-4)
    assert metrics["single_shot"]["within_4_px"] == pytest.approx(2 / 3)
    assert metrics["by_label"]["right"]["few_shot"]["within_4_px"] == 0
    assert metrics["by_label"]["right"]["few_shot"]["within_6_px"] == 1
    assert "apart" not in metrics


@pytest.mark.parametrize("apart", [["right"], "right"])
def test_landmarks_apart_are_not_in_the_main_figure(clip, right_errs, apart):
    result = clip.evaluate(right_errs, labels_apart=apart)
    metrics = result.metrics
    assert metrics["labels"] == ["left", "middle"] and metrics["labels_apart"] == ["right"]
    assert metrics["max_px"] == pytest.approx(0, abs=1e-4)
    assert all(figures["max_px"] < 1e-4 for figures in [metrics["few_shot"], *metrics["by_examples"]])
    for shot in ("single_shot", "few_shot"):
        assert metrics["apart"][shot]["min_px"] == pytest.approx(5, abs=1e-4)
    assert metrics["by_label"]["right"]["single_shot"]["mean_px"] == pytest.approx(5, abs=1e-4)
    for row in result.rows:
        assert row["mean_px_1_examples"] == pytest.approx(0, abs=1e-4)
        assert row["right_px"] == pytest.approx(5, abs=1e-4)


@pytest.mark.parametrize("labels", [["right"], "right"])
def test_only_the_wanted_landmarks_are_judged(clip, right_errs, labels):
    metrics = clip.evaluate(right_errs, labels=labels).metrics
    assert metrics["labels"] == list(metrics["by_label"]) == ["right"]
    assert metrics["mean_px"] == pytest.approx(5, abs=1e-4)


def test_the_interval_holds_the_mean_and_shrinks_with_the_number_of_patients(known, known_matcher):
    widths = []
    for patients in (8, 32):
        known.write({f"{i:02d}_a.nii": [MANY[i]] for i in range(patients)})
        # all examples there are, so that only the patients are drawn again
        options = {"counts": [patients // 2], "few": patients // 2, "correct_bias": False}
        figures = known.evaluate(known_matcher(noise=3.0, seed=1), **options).metrics["few_shot"]
        low, high = figures["interval_95_px"]
        spread = 3.0 / math.sqrt(patients / 2)
        assert figures["draws"] == 1 and figures["number"] == 3 * patients / 2
        assert low < figures["mean_px"] < high
        standard_error = spread * math.sqrt(2 - math.pi / 2) / math.sqrt(figures["number"])
        assert high - low == pytest.approx(2 * 1.96 * standard_error, rel=0.5)
        widths.append((high - low) / spread)
    assert widths[0] / widths[1] == pytest.approx(2, rel=0.5)


def test_nobody_gives_examples_for_their_own_images_across_patients(known):
    known.write({f"{patient}_{i}.nii": SHIFTS[:2] for patient in "abcde" for i in range(2)})
    for seed in range(5):
        evaluation = known.evaluation(subjects="cross", seed=seed)
        (group,) = evaluation.groups
        givers, judged = ({one.frame.patient for one in part} for part in (group.candidates, group.targets))
        assert givers and judged and not givers & judged
        assert givers | judged == set("abcde")


def test_within_a_subject_no_frame_gives_examples_for_itself_or_another_series(known):
    known.write({"p.nii": SHIFTS, "q.nii": SHIFTS[:3]})
    groups = known.evaluation(subjects="within").groups
    assert len(groups) == 2
    for group in groups:
        candidates, targets = ({one.frame.index for one in part} for part in (group.candidates, group.targets))
        assert len({one.frame.prepared.name for one in [*group.candidates, *group.targets]}) == 1
        assert candidates and targets and not candidates & targets


def test_draws_are_repeatable_and_of_the_seed(known, known_matcher):
    known.write({"clip.nii": MANY[:30]})

    def means(seed: int, draws: int = 20) -> list[float]:
        metrics = known.evaluate(known_matcher(noise=2.0), counts=[1, 3], draws=draws, seed=seed).metrics
        assert metrics["single_shot"]["draws"] == draws
        return [figures["mean_px"] for figures in metrics["by_examples"]]

    assert means(1) == means(1)
    assert means(1) != means(2)
    means(1, draws=3)


def test_the_division_is_of_the_seed_and_so_are_the_draws_of_given_examples(known, known_matcher):
    known.write({"clip.nii": MANY[:30]})

    def division(seed: int) -> list[int]:
        (group,) = known.evaluation(seed=seed).groups
        return [one.frame.index for one in group.candidates]

    assert division(1) == division(1) != division(2)
    x, y = POINTS["left"]
    given = known.examples("".join(f"clip.nii,{t},left,{x + MANY[t][0]},{y + MANY[t][1]}\n" for t in range(6)))
    first, same, other = (
        known.evaluate(known_matcher(noise=2.0), counts=[2], draws=3, examples=given, seed=seed).metrics["mean_px"]
        for seed in (1, 1, 2)
    )
    assert first == same != other


def test_images_are_limited(known, known_matcher):
    known.write({"clip.nii": MANY[:40]})
    metrics = known.evaluate(known_matcher(), images=7, counts=[1, 5]).metrics
    assert metrics["target_images"] == 7
    assert metrics["example_images"] == 5


def test_given_examples_are_used(clip, known_matcher):
    # marked 2 px too far to the right: so far off the landmark is found in other images
    (x, y), frame = POINTS["left"], 1
    dx, dy = SHIFTS[frame]
    examples = clip.examples(f"clip.nii,{frame},left,{x + dx + 2},{y + dy}\n")
    result = clip.evaluate(known_matcher(), examples=examples)
    assert result.metrics["mean_px"] == pytest.approx(2, abs=1e-4)
    assert result.metrics["subjects"] == "within" and result.metrics["example_images"] == 1
    assert [row["frame"] for row in result.rows] == [0, 2, 3, 4, 5]


def test_given_examples_across_patients_are_for_others_only(known, known_matcher):
    known.write({f"{patient}_{i}.nii": [SHIFTS[i]] for patient in "abc" for i in range(2)})
    examples = known.examples("b_0.nii,,left,10,12\nb_0.nii,,middle,14,17\nb_0.nii,,right,18,11\n")
    result = known.evaluate(known_matcher(offset=OFFSET), examples=examples)
    assert {row["image"] for row in result.rows} == {"a_0.nii", "a_1.nii", "c_0.nii", "c_1.nii"}
    assert result.metrics["mean_px"] == pytest.approx(5, abs=1e-4)
    assert result.metrics["target_patients"] == 2


def test_each_target_has_a_row_with_the_error_of_each_landmark(clip, right_errs):
    result = clip.evaluate(right_errs, few=2)
    assert len(result.rows) == 3
    for row in result.rows:
        assert row["image"] == "clip.nii"
        assert row["mean_px_1_examples"] == row["mean_px_2_examples"] == pytest.approx(5 / 3, abs=1e-4)
        errors = [row[f"{label}_px"] for label in POINTS]
        assert errors == pytest.approx([0, 0, 5], abs=1e-4)


def test_other_matchers_are_compared_on_the_same_images(clip, known_matcher):
    baselines = {"Off": known_matcher(offset=OFFSET)}
    result = clip.evaluate(known_matcher(), baselines=baselines)
    assert result.metrics["mean_px"] == pytest.approx(0, abs=1e-4)
    off = result.metrics["baselines"]["Off"]
    assert [off["mean_px"], off["few_shot"]["mean_px"]] == pytest.approx([5, 5], abs=1e-4)
    assert off["by_label"].keys() == POINTS.keys()
    axes = result.figures["learning_curve"]().axes[0]
    lines = [list(line.get_ydata()) for line in axes.get_lines()]
    assert lines == [pytest.approx([0] * 3, abs=1e-4), pytest.approx([5] * 3, abs=1e-4)]


def test_pictures_show_the_best_and_the_worst_images(known, known_matcher):
    known.write({"clip.nii": SHIFTS * 2})
    result = known.evaluate(known_matcher(noise=2.0))
    errors = sorted(row["mean_px_6_examples"] for row in result.rows)
    for name, expected in (("best_cases", errors[:4]), ("worst_cases", errors[:-5:-1])):
        titles = [axes.get_title(loc="left") for axes in result.figures[name]().axes]
        assert [title.split("\n")[-1] for title in titles] == [f"{error:.1f} px" for error in expected]
        assert all(title.startswith("clip.nii, frame") for title in titles)


def test_a_picture_shows_truth_and_answer_at_the_networks_size(known, known_matcher):
    known.write({"clip.nii": [(0, 0), (0, 0)]}, {"left": (10, 12)}, zoom=2)
    (axes,) = known.evaluate(known_matcher(offset=OFFSET)).figures["worst_cases"]().axes
    marks = {line.get_gid(): line.get_xydata()[0].tolist() for line in axes.get_lines() if line.get_gid() != "error"}
    assert marks["truth"] == pytest.approx([10, 12], abs=1e-4)
    assert marks["found"] == pytest.approx([13, 8], abs=1e-4)
    (ellipse,) = axes.patches
    assert (ellipse.width / 2, ellipse.height / 2) == pytest.approx((1, 1), abs=1e-4)


def test_errors_come_with_their_sigmas_for_the_calibration(clip, known_matcher):
    residuals = clip.evaluate(known_matcher(noise=0.5), sigma_per_scale=2.0, correct_bias=False).residuals
    assert list(residuals) == ["landmarks, 1 example", "landmarks, 3 examples"]
    one = residuals["landmarks, 1 example"]
    assert one.errors.shape == (20 * 3 * 3, 2)
    torch.testing.assert_close(one.sigmas, torch.ones_like(one.sigmas))
    # all three examples there are: one draw; what they differ by adds to the sigma
    several = residuals["landmarks, 3 examples"]
    assert several.errors.shape == (3 * 3, 2)
    assert (several.sigmas > 1).all()
    assert list(clip.evaluate(known_matcher(), few=1).residuals) == ["landmarks, 1 example"]


def test_without_a_table_the_question_stays_open_with_a_note(clip, known_matcher):
    result = LandmarkMatching(clip.dataset, SIDE)(known_matcher())
    assert result.name == "landmark_matching"
    assert result.metrics == {} and result.rows == [] and result.figures == {} and result.residuals == {}
    (note,) = result.notes
    assert "no landmarks are known" in note and "--truth" in note


def test_a_missing_table_is_told(clip):
    clip.truth.unlink()
    with pytest.raises(InputError, match=r"truth\.csv: there is no such file"):
        clip.evaluation()


def test_a_landmark_that_no_image_has_is_refused(clip):
    with pytest.raises(InputError, match=r"no image of the data set has 'nose'; it has left"):
        clip.evaluation(labels=["left", "nose"])


def test_where_it_need_not_be_there_a_wanted_landmark_is_noted(clip):
    notes = clip.evaluation(labels=["left", "nose"], strict=False).notes
    assert "1 wanted landmarks that no image has: nose" in notes


def test_a_landmark_to_report_apart_that_no_image_has_is_noted(clip):
    assert "1 landmarks to report apart that no image has: nose" in clip.evaluation(labels_apart=["nose"]).notes


def test_a_mark_in_a_frame_that_does_not_exist_is_noted(clip):
    clip.lines(lambda line: True, "clip.nii,99,left,11,12\n")
    assert "1 landmarks left out, marked in frames that do not exist: left in clip.nii, frame 99" in (
        clip.evaluation().notes
    )


def test_with_no_landmark_in_the_main_figure_no_case_is_drawn(clip):
    evaluation = clip.evaluation()
    result = clip.evaluation(labels_apart=evaluation.names)(NCCMatcher())
    assert list(result.figures) == ["learning_curve"]


def test_a_landmark_that_is_marked_twice_is_refused_with_its_line(clip):
    clip.lines(lambda line: True, "clip.nii,2,left,11,12\n")
    with pytest.raises(InputError, match=r"truth\.csv, line 20: 'left' is marked twice in clip\.nii, frame 2"):
        clip.evaluation()


def test_there_is_no_other_choice_of_subjects(clip):
    with pytest.raises(ValueError, match="both"):
        clip.evaluation(subjects="both")


def test_a_landmark_that_is_absent_in_an_image_is_left_out_there_and_named(clip, right_errs):
    (group,) = clip.evaluation().groups
    target, example = group.targets[0].frame.index, group.candidates[0].frame.index
    lacking = (f"clip.nii,{target},right", f"clip.nii,{example},left")
    result = clip.lines(lambda line: not line.startswith(lacking)).evaluate(right_errs)
    assert f"1 target images without right, which are left out for it: clip.nii, frame {target}" in result.notes
    assert f"1 example images without left, which are no examples of it: clip.nii, frame {example}" in result.notes
    assert "left has 2 examples at most, so larger numbers of examples use 2" in result.notes
    by_label = result.metrics["by_label"]
    assert by_label["right"]["few_shot"]["number"] == 2 and by_label["left"]["few_shot"]["number"] == 3
    assert by_label["right"]["few_shot"]["mean_px"] == pytest.approx(5, abs=1e-4)
    # 2 of 3 + 3 + 2 are 5 px off
    assert result.metrics["few_shot"]["mean_px"] == pytest.approx(2 * 5 / 8, abs=1e-4)
    row = next(row for row in result.rows if row["frame"] == target)
    assert math.isnan(row["right_px"]) and row["left_px"] == pytest.approx(0, abs=1e-4)


def test_a_landmark_without_any_example_has_no_figure_and_no_crash(clip, known_matcher):
    (group,) = clip.evaluation().groups
    index = group.targets[0].frame.index
    result = clip.lines(lambda line: True, f"clip.nii,{index},rare,9,9\n").evaluate(known_matcher())
    assert result.metrics["by_label"]["rare"]["single_shot"]["number"] == 0
    assert math.isnan(result.metrics["by_label"]["rare"]["single_shot"]["mean_px"])
    assert result.metrics["max_px"] == pytest.approx(0, abs=1e-4)
    assert any(note.startswith("3 example images without rare") for note in result.notes)
    for draw in result.figures.values():
        draw()


def test_an_image_without_any_landmark_is_neither_example_nor_target_and_named(clip, known_matcher):
    result = clip.lines(lambda line: not line.startswith("clip.nii,4")).evaluate(known_matcher())
    assert "1 images without any landmark in the table: clip.nii, frame 4" in result.notes
    assert result.metrics["example_images"] + result.metrics["target_images"] == 5


def test_a_landmark_outside_of_its_image_is_left_out_and_named(clip, known_matcher):
    result = clip.lines(lambda line: not line.startswith("clip.nii,4,left"), "clip.nii,4,left,28,3\n").evaluate(
        known_matcher(offset=OFFSET)
    )
    assert "1 landmarks left out, marked outside of their images: left in clip.nii, frame 4" in result.notes
    assert result.metrics["max_px"] == pytest.approx(5, abs=1e-4)


def test_series_of_one_image_cannot_be_judged_within_and_are_named(known, known_matcher):
    known.write({"clip.nii": SHIFTS, "still.nii": [(0, 0)]})
    result = known.evaluate(known_matcher(), subjects="within")
    assert "1 series with one labelled frame, which leaves no other frame to judge: still.nii" in result.notes
    assert {row["image"] for row in result.rows} == {"clip.nii"}
    known.write({"still.nii": [(0, 0)]}).lines(lambda line: line.startswith("still"))
    result = known.evaluate(known_matcher(), subjects="within")
    assert result.metrics == {} and any("no landmark can be judged" in note for note in result.notes)


def test_one_patient_alone_cannot_be_judged_across_patients_and_is_noted(known, known_matcher):
    known.write({"a_0.nii": SHIFTS[:2], "a_1.nii": SHIFTS[2:4]})
    result = known.evaluate(known_matcher(), subjects="cross")
    assert result.metrics == {} and result.figures == {}
    assert "landmarks of one patient only, so no other patient to find them in" in result.notes
    assert any("no landmark can be judged" in note for note in result.notes)


def test_a_table_of_other_images_leaves_the_question_open(clip, known_matcher):
    clip.lines(lambda line: False, "other.nii,0,left,3,3\n")
    for options in ({}, {"labels": ["left"]}):
        result = clip.evaluate(known_matcher(), **options)
        assert result.metrics == {}
        assert result.notes[0].startswith("6 images without any landmark in the table")
        assert "no landmark can be judged" in result.notes[-1]


def test_images_smaller_than_a_patch_are_left_out_and_named(known, known_matcher):
    known.write({"0_a.nii": [(0, 0)]}, shape=(28, 8))
    images = {"1_a.nii": [(0, 0)], "2_a.nii": [(1, 0)], "3_a.nii": [(2, 1)], "4_a.nii": [(2, 1)]}
    known.write(images).lines(lambda line: True, "0_a.nii,0,left,10,4\n")
    result = known.evaluate(known_matcher(offset=OFFSET))
    assert result.notes[0].startswith("1 images left out") and "0_a.nii (28 x 8 px)" in result.notes[0]
    assert result.metrics["example_images"] + result.metrics["target_images"] == 4
    assert result.metrics["mean_px"] == pytest.approx(5, abs=1e-4)


def test_numbers_of_examples_that_there_are_not_are_named(clip, known_matcher):
    result = clip.evaluate(known_matcher(), counts=[1, 3, 4, 50])
    assert "2 numbers of examples left out, as there are fewer labelled images: 4, 50" in result.notes
    assert [figures["examples"] for figures in result.metrics["by_examples"]] == [1, 3]
    assert clip.evaluate(known_matcher(), counts=[1, 3]).notes == []


def test_answers_that_are_not_finite_are_counted_named_and_left_out(clip, known_matcher):
    blind = known_matcher(offset=OFFSET, lost=lambda places: places[:, 0] > 16)
    result = clip.evaluate(blind, counts=[1, 2])
    (note,) = result.notes
    assert note.startswith("3 target images with answers that are not finite, which are left out: clip.nii, frame")
    assert result.metrics["by_label"]["right"]["single_shot"]["number"] == 0
    assert result.metrics["single_shot"]["number"] == 20 * 3 * 2
    assert result.metrics["mean_px"] == pytest.approx(5, abs=1e-4)
    assert len(result.residuals["landmarks, 1 example"].errors) == 20 * 3 * 2
    for draw in result.figures.values():
        draw()


def test_no_finite_answer_at_all_leaves_no_figure_and_no_crash(clip, known_matcher):
    result = clip.evaluate(known_matcher(lost=lambda places: torch.ones(len(places), dtype=torch.bool)))
    assert result.metrics["single_shot"]["number"] == 0 and math.isnan(result.metrics["mean_px"])
    assert result.notes[0].startswith("3 target images with answers that are not finite")
    assert all(len(residuals.errors) == 0 for residuals in result.residuals.values())


def test_images_without_a_known_spacing_count_in_px_only_and_are_named(known, known_matcher):
    known.write({f"{i}_a.{'png' if i % 2 else 'nii'}": [SHIFTS[i]] for i in range(6)})
    result = known.evaluate(known_matcher(offset=OFFSET), counts=[1], seed=1)
    names = [row["image"] for row in result.rows if row["image"].endswith("png")]
    assert 0 < len(names) < len(result.rows)
    assert f"{len(names)} images whose files tell no pixel spacing, so without errors in mm: {', '.join(names)}" in (
        result.notes
    )
    assert result.metrics["single_shot"]["mean_mm"] == pytest.approx(5, abs=1e-4)


def test_the_tables_of_an_older_run_serve_as_known_landmarks(clip, known_matcher):
    """Further columns, such as those of landmarks.csv, do no harm."""
    with clip.truth.open(newline="") as file:
        rows = list(csv.DictReader(file))
    with clip.truth.open("w", newline="") as file:
        writer = csv.DictWriter(file, ["sigma_x", "label", "image", "y", "x", "frame"])
        writer.writeheader()
        writer.writerows(row | {"sigma_x": "1.0"} for row in rows)
    assert clip.evaluate(known_matcher(offset=OFFSET)).metrics["mean_px"] == pytest.approx(5, abs=1e-4)
