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
"""Tests of what a calibration says of sigmas that tell the truth, and of sigmas that are a known factor too small."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence

import numpy as np
import pytest
import torch

from scripts.evaluation import (
    Calibration,
    CyclicMatching,
    EvaluationResult,
    LandmarkMatching,
    PixelMatching,
    Residuals,
)

NUMBER = 20_000  # the share of so many draws is within 1.1 % of the true one, at three standard errors
LEVELS = (50, 90, 95)
LANDMARKS = "landmarks, 1 example"


def drawn(
    too_small: float = 1.0, *, number: int = NUMBER, laplace: bool = False, seed: int = 0, spread: float = 1.0
) -> Residuals:
    """Errors of sigmas from half a px to 2 px times ``spread``, of which is told what is that many times smaller."""
    random = np.random.RandomState(seed)
    sigmas = spread * 2.0 ** random.uniform(-1, 1, (number, 2))
    unit = random.laplace(0, math.sqrt(0.5), (number, 2)) if laplace else random.normal(size=(number, 2))
    return Residuals(torch.from_numpy(unit * sigmas), torch.from_numpy(sigmas / too_small))


def measured(residuals: Mapping[str, Residuals], notes: Sequence[str] = (), images: int = 1) -> Callable:
    """An evaluation of the validation split whose errors and sigmas are given."""

    class Measured:
        dataset = range(images)

        def __call__(self, matcher, device) -> EvaluationResult:
            assert images, "there is nothing to evaluate"
            return EvaluationResult("some_matching", {}, notes=list(notes), residuals=dict(residuals))

    return Measured()


def judge(judged: Mapping[str, Residuals], *fit: Mapping[str, Residuals], **options) -> EvaluationResult:
    return Calibration([measured(one) for one in fit], **options)(None, "cpu", judged)


def held(figures: Mapping[str, float]) -> list[float]:
    return [figures[f"coverage_{level}_percent"] for level in LEVELS]


def test_honest_sigmas_hold_what_they_promise():
    result = judge({"self-matching": drawn(seed=1)}, {"self-matching": drawn()})
    stages = result.metrics["self-matching"]
    for stage in ("before", "after"):
        assert held(stages[stage]) == pytest.approx(LEVELS, abs=1.5)
        assert stages[stage]["expected_calibration_error_percent"] < 1
        assert stages[stage]["number"] == NUMBER
    assert result.metrics["temperature"]["self-matching"] == pytest.approx(1, rel=0.03)
    assert result.notes == []


@pytest.mark.parametrize("factor", [3.0, 0.5])
def test_sigmas_a_factor_too_small_are_mended_on_other_data(factor):
    result = judge({"self-matching": drawn(factor, seed=1)}, {"self-matching": drawn(factor)})
    before, after = (result.metrics["self-matching"][stage] for stage in ("before", "after"))
    # the ellipse that should hold p holds 1 - (1 - p) ^ (1 / factor ^ 2)
    expected = [100 * (1 - (1 - level / 100) ** (1 / factor**2)) for level in LEVELS]
    assert held(before) == pytest.approx(expected, abs=1.5)
    assert before["expected_calibration_error_percent"] > 20
    assert result.metrics["temperature"]["self-matching"] == after["temperature"] == pytest.approx(factor, rel=0.03)
    assert held(after) == pytest.approx(LEVELS, abs=1.5)
    assert after["expected_calibration_error_percent"] < 1
    assert after["sharpness_px"] == pytest.approx(after["temperature"] * before["sharpness_px"])


def test_sharpness_is_the_mean_radius_of_the_ellipses():
    sigmas = torch.tensor([[1.0, 4.0], [3.0, 3.0]])
    result = judge({"cyclic": Residuals(torch.ones(2, 2), sigmas)})
    assert result.metrics["cyclic"]["before"]["sharpness_px"] == pytest.approx(2.5)


def test_sigmas_of_a_laplace_distribution_are_judged_by_that():
    options = {"distribution": "laplace", "levels": [0.5, 0.9, 0.95]}
    residuals = {"cyclic": drawn(3, laplace=True, seed=1)}
    result = judge(residuals, {"cyclic": drawn(3, laplace=True)}, **options)
    assert result.metrics["distribution"] == "laplace"
    assert result.metrics["temperature"]["cyclic"] == pytest.approx(3, rel=0.04)
    assert held(result.metrics["cyclic"]["after"]) == pytest.approx(LEVELS, abs=1.5)
    assert result.metrics["cyclic"]["after"]["expected_calibration_error_percent"] < 1
    # heavier tails than a normal distribution has
    honest = {"cyclic": drawn(laplace=True)}
    assert held(judge(honest, **options).metrics["cyclic"]["before"]) == pytest.approx(LEVELS, abs=1.5)
    assert judge(honest).metrics["cyclic"]["before"]["coverage_95_percent"] < 94
    assert judge(honest).metrics["cyclic"]["before"]["expected_calibration_error_percent"] > 1


def test_patches_in_their_own_image_have_a_temperature_of_their_own_and_all_others_that_of_the_cyclic_error():
    judged = {name: drawn(seed=1) for name in ("self-matching", "cyclic", LANDMARKS)}
    metrics = judge(judged, {"self-matching": drawn(2)}, {"cyclic": drawn(3)}).metrics
    assert metrics["temperature"] == {"self-matching": pytest.approx(2, rel=0.03), "cyclic": pytest.approx(3, rel=0.03)}
    assert metrics["self-matching"]["after"]["temperature"] == metrics["temperature"]["self-matching"]
    for name in ("cyclic", LANDMARKS):
        assert metrics[name]["after"]["temperature"] == metrics["temperature"]["cyclic"]


def test_without_a_temperature_of_its_kind_there_is_no_after():
    metrics = judge({"self-matching": drawn(), "cyclic": drawn()}, {"self-matching": drawn(2)}).metrics
    assert metrics["self-matching"].keys() == {"before", "after"}
    assert metrics["cyclic"].keys() == {"before"}


@pytest.mark.parametrize("laplace", [False, True])
def test_conformal_radii_hold_their_level_whatever_the_distribution(laplace):
    """They are found on some landmarks, with sigmas that are three times too small, and judged on others."""
    judged, fit = drawn(3, laplace=laplace, seed=1), drawn(3, laplace=laplace)
    metrics = judge({LANDMARKS: judged}, {LANDMARKS: fit}).metrics
    conformal = metrics[LANDMARKS]["conformal"]
    assert held(conformal) == pytest.approx(LEVELS, abs=1.5)
    if not laplace:
        radius = [conformal[f"radius_{level}_sigmas"] for level in LEVELS]
        assert radius == pytest.approx([3 * math.sqrt(-2 * math.log(1 - level / 100)) for level in LEVELS], rel=0.03)
    for level in LEVELS:
        sharpness = metrics[LANDMARKS]["before"]["sharpness_px"]
        assert conformal[f"radius_{level}_px"] == pytest.approx(conformal[f"radius_{level}_sigmas"] * sharpness)


def test_too_few_landmarks_for_a_level_leave_its_radius_without_a_bound():
    conformal = judge({LANDMARKS: drawn(seed=1)}, {LANDMARKS: drawn(number=9)}).metrics[LANDMARKS]["conformal"]
    # of ten cases the tenth may be larger than all nine known ones
    assert math.isfinite(conformal["radius_90_sigmas"])
    assert conformal["radius_95_sigmas"] == math.inf and conformal["coverage_95_percent"] == 100


def test_unknown_landmarks_of_the_validation_split_leave_no_conformal_radii_and_are_noted():
    result = judge({LANDMARKS: drawn(), "cyclic": drawn()}, {"cyclic": drawn()})
    assert result.metrics[LANDMARKS].keys() == result.metrics["cyclic"].keys() == {"before", "after"}
    (note,) = result.notes
    assert note.startswith(f"{LANDMARKS}: no conformal radii")


@pytest.mark.parametrize("images", [None, 0])
def test_without_a_validation_split_there_is_no_after_but_a_note(images):
    fit = [] if images is None else [measured({"cyclic": drawn()}, images=images)]
    result = Calibration(fit)(None, "cpu", {"cyclic": drawn(3)})
    assert result.metrics["temperature"] == {}
    assert result.metrics["cyclic"].keys() == {"before"}
    (note,) = result.notes
    assert note.startswith("no validation split to fit on") and "--validation_dir" in note
    assert list(result.figures) == ["reliability_before", "error_against_sigma"]


def test_notes_of_the_validation_split_are_told_as_such():
    fit = [measured({"cyclic": drawn()}, ["2 images left out: a, b"]), measured({}, ["no landmarks are known"])]
    notes = Calibration(fit)(None, "cpu", {"cyclic": drawn()}).notes
    assert notes == ["validation split: 2 images left out: a, b", "validation split: no landmarks are known"]


def test_nothing_to_judge_or_to_fit_on_is_noted_and_no_crash():
    nothing = Residuals.join([])
    result = judge({"cyclic": nothing, "self-matching": drawn()}, {"cyclic": nothing, "self-matching": nothing})
    assert result.metrics["temperature"] == {}
    assert "cyclic" not in result.metrics and result.metrics["self-matching"].keys() == {"before"}
    assert result.notes == ["cyclic: no answer to judge the sigmas of"]
    result = judge({"cyclic": nothing})
    assert result.rows == [] and result.figures == {}


def test_each_kind_of_answer_and_stage_has_a_row():
    judged = {"self-matching": drawn(), LANDMARKS: drawn(3)}
    result = judge(judged, {"cyclic": drawn(3), LANDMARKS: drawn(3)})
    assert [(row["answers"], row["stage"]) for row in result.rows] == [
        ("self-matching", "before"),
        (LANDMARKS, "before"),
        (LANDMARKS, "after"),
        (LANDMARKS, "conformal"),
    ]
    for row in result.rows:
        assert row.items() >= result.metrics[row["answers"]][row["stage"]].items()


def test_the_levels_are_those_that_are_asked_for():
    before = judge({"cyclic": drawn()}, levels=[0.25, 0.995]).metrics["cyclic"]["before"]
    assert [name for name in before if name.startswith("coverage")] == ["coverage_25_percent", "coverage_99.5_percent"]
    assert before["coverage_25_percent"] == pytest.approx(25, abs=1.5)
    assert before["coverage_99.5_percent"] == pytest.approx(99.5, abs=0.3)


def test_the_curves_lie_on_the_diagonal_after_and_below_it_before():
    result = judge({"cyclic": drawn(3, seed=1)}, {"cyclic": drawn(3)})
    assert list(result.figures) == ["reliability_before", "reliability_after", "error_against_sigma"]
    before, after = (result.figures[f"reliability_{stage}"]().axes[0].get_lines()[0] for stage in ("before", "after"))
    expected = np.arange(0.05, 0.96, 0.05)
    for line in (before, after):
        assert line.get_xdata() == pytest.approx(expected)
    assert after.get_ydata() == pytest.approx(expected, abs=0.015)
    assert before.get_ydata() == pytest.approx(1 - (1 - expected) ** (1 / 9), abs=0.015)


def test_the_error_grows_with_the_sigma_and_is_as_large_after():
    result = judge({"cyclic": drawn(3, seed=1)}, {"cyclic": drawn(3)})
    before, after = result.figures["error_against_sigma"]().axes[0].get_lines()[:2]
    assert len(before.get_xdata()) == 10
    assert np.array(before.get_ydata()) == pytest.approx(3 * np.array(before.get_xdata()), rel=0.05)
    assert np.array(after.get_ydata()) == pytest.approx(np.array(after.get_xdata()), rel=0.05)


@pytest.fixture
def ask(tmp_path, write_frames, frame_dataset, write_marks) -> Callable[[str], dict[str, Callable]]:
    """All questions to images of a part of the data; the four patients' images do not move."""
    points = {f"{x}-{y}": (x, y) for x in (8, 11, 14, 17, 20) for y in (8, 11, 14, 17, 20)}
    images = {f"{i}_a.nii": [(0, 0)] * 20 for i in range(4)}

    def questions(part: str) -> dict[str, Callable]:
        for name, shifts in images.items():
            write_frames(tmp_path / part / name, shifts)
        dataset = frame_dataset(tmp_path / part)
        truth = write_marks(tmp_path / f"{part}.csv", images, points)
        options = {"counts": [1], "subjects": "cross", "correct_bias": False}
        return {
            "self-matching": PixelMatching(dataset, 21, step=2, images=20),
            "cyclic": CyclicMatching(dataset, 21, subjects="cross", targets=3),
            LANDMARKS: LandmarkMatching(dataset, 21, truth, **options),
        }

    return questions


@pytest.mark.parametrize("factor", [1.0, 3.0])
def test_a_network_whose_sigmas_are_a_factor_too_small_is_found_out_on_images(ask, known_matcher, factor):
    network = known_matcher(noise=2.0, varied=True, too_small=factor)
    names = ("self-matching", LANDMARKS)
    judged = {name: ask("test")[name](network).residuals[name] for name in names}
    metrics = Calibration([ask("validation")[name] for name in names])(network, "cpu", judged).metrics
    assert metrics["temperature"] == {"self-matching": pytest.approx(factor, rel=0.04)}
    assert held(metrics["self-matching"]["after"]) == pytest.approx(LEVELS, abs=2)
    assert metrics["self-matching"]["after"]["expected_calibration_error_percent"] < 1.5
    for name in names:
        assert (metrics[name]["before"]["expected_calibration_error_percent"] > 25) == (factor == 3)
    # of a thousand landmarks each
    assert held(metrics[LANDMARKS]["conformal"]) == pytest.approx(LEVELS, abs=5)


@pytest.mark.parametrize("factor", [1.0, 3.0])
def test_without_labels_the_cyclic_error_mends_the_sigmas_of_landmarks(ask, known_matcher, factor):
    # answers at whole pixels, which the way back needs, make errors and shares a little coarser
    network = known_matcher(noise=2.0, varied=True, too_small=factor, whole=True)
    judged = {LANDMARKS: ask("test")[LANDMARKS](network).residuals[LANDMARKS]}
    metrics = Calibration([ask("validation")["cyclic"]])(network, "cpu", judged).metrics
    assert metrics["temperature"] == {"cyclic": pytest.approx(factor, rel=0.08)}
    after = metrics[LANDMARKS]["after"]
    assert held(after) == pytest.approx(LEVELS, abs=5)
    assert after["expected_calibration_error_percent"] < 4
    assert (metrics[LANDMARKS]["before"]["expected_calibration_error_percent"] > 25) == (factor == 3)
