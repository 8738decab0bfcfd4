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
"""Tests of calibration figures against SciPy's distributions, integrals solved by hand, and random draws."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import integrate, stats

from scripts.metrics.calibration import (
    LEVELS,
    conformal_radius,
    coverage,
    ellipse_radius,
    expected_calibration_error,
    fit_temperature,
    radii,
    sharpness,
    sigma_bins,
)

DRAWS = 100_000  # the share of a hundred thousand draws is within 0.007 of the true one, at 4 standard errors


def laplace_share(radius: float) -> float:
    """Share of two independent Laplace distributions of variance 1 within a radius, in polar coordinates.

    With a = sqrt(2) (cos t + sin t) the density on the ray at t is exp(-a r) / 2: along the ray it is integrated by
    hand, over the four quadrants numerically.
    """

    def ray(t: float) -> float:
        a = math.sqrt(2) * (math.cos(t) + math.sin(t))
        return (1 - (1 + a * radius) * math.exp(-a * radius)) / (2 * a**2)

    return 4 * integrate.quad(ray, 0, math.pi / 2)[0]


def gaussian_radii(number: int = 2000, spread: float = 1.0) -> torch.Tensor:
    """Radii spread like those of normal errors, without the chance of drawing: equally probable quantiles."""
    return torch.from_numpy(spread * stats.chi(2).ppf((np.arange(number) + 0.5) / number))


def laplace_radii(number: int = DRAWS) -> torch.Tensor:
    """Radii of errors drawn from two independent Laplace distributions of variance 1."""
    return torch.from_numpy(np.hypot(*np.random.default_rng(0).laplace(scale=math.sqrt(0.5), size=(2, number))))


@given(st.floats(0, 50), st.floats(0, 2 * math.pi), st.floats(0.1, 20), st.floats(0.1, 20))
def test_a_point_on_an_ellipse_has_its_radius(radius, angle, sigma_x, sigma_y):
    errors = torch.tensor([[radius * sigma_x * math.cos(angle), radius * sigma_y * math.sin(angle)]])
    assert radii(errors, torch.tensor([[sigma_x, sigma_y]])).item() == pytest.approx(radius, rel=1e-4, abs=1e-4)


def test_radii_are_one_an_answer_and_unknown_where_the_error_is():
    found = radii(torch.tensor([[3.0, -8.0], [torch.nan, 1.0], [0.0, 0.0]]), torch.tensor([[1.0, 2.0]] * 3))
    assert found[[0, 2]].tolist() == [5, 0]
    assert found[1].isnan()
    assert radii(torch.zeros(0, 2), torch.zeros(0, 2)).shape == (0,)


def test_a_gaussian_ellipse_has_the_radius_of_chi_with_two_degrees_of_freedom():
    levels = np.array([0.0, 0.01, 0.3, 0.5, 0.9, 0.99, 0.9999])
    np.testing.assert_allclose(ellipse_radius(levels), stats.chi(2).ppf(levels), rtol=1e-9)


def test_a_laplace_ellipse_holds_its_share_of_the_distribution():
    levels = np.array([0.0, 0.01, 0.05, 0.3, 0.5, 0.9, 0.95, 0.99])
    found = ellipse_radius(levels, "laplace")
    assert found.shape == levels.shape
    assert [laplace_share(radius) for radius in found] == pytest.approx(levels, abs=5e-5)


def test_another_distribution_is_refused_with_the_names_of_those_there_are():
    for judge in (lambda name: ellipse_radius(0.5, name), lambda name: coverage(torch.ones(3), 0.5, name)):
        with pytest.raises(ValueError, match=r"'cauchy'.*gaussian, laplace"):
            judge("cauchy")
    for judge in (expected_calibration_error, fit_temperature):
        with pytest.raises(ValueError, match="cauchy"):
            judge(torch.ones(3), "cauchy")


@pytest.mark.parametrize("level", [0.1, 0.5, 0.9, 0.95])
def test_ellipses_cover_normal_errors_of_any_two_sigmas(level):
    generator = torch.Generator().manual_seed(0)
    sigmas = 0.1 + 5 * torch.rand(DRAWS, 2, generator=generator)
    errors = sigmas * torch.randn(DRAWS, 2, generator=generator)
    assert coverage(radii(errors, sigmas), level) == pytest.approx(level, abs=0.007)


@pytest.mark.parametrize("level", [0.1, 0.5, 0.95])
def test_laplace_errors_are_covered_by_laplace_ellipses_but_not_by_gaussian_ones(level):
    drawn = laplace_radii()
    assert coverage(drawn, level, "laplace") == pytest.approx(level, abs=0.007)
    by_gaussian = laplace_share(stats.chi(2).ppf(level))
    assert abs(by_gaussian - level) > 0.014
    assert coverage(drawn, level) == pytest.approx(by_gaussian, abs=0.007)


def test_a_truth_on_the_ellipse_is_covered_and_an_unknown_one_is_not():
    edge = math.sqrt(2 * math.log(2))  # half of a normal distribution in two dimensions
    assert coverage(torch.tensor([edge - 1e-4, edge + 1e-4]), 0.5) == 0.5
    assert coverage(torch.tensor([float(ellipse_radius(0.5))], dtype=torch.float64), 0.5) == 1
    assert coverage(torch.tensor([0.1, torch.nan, torch.inf, 0.2]), 0.5) == 0.5
    assert math.isnan(coverage(torch.zeros(0), 0.5))


def test_calibrated_sigmas_have_no_calibration_error():
    assert expected_calibration_error(gaussian_radii()) == pytest.approx(0, abs=1e-9)


def test_sigmas_too_large_by_root_two_have_a_calibration_error_of_17_5_percent():
    # coverage is 1 - (1 - p)^2, so it is p - p^2 off: on average 0.5 - 0.0025 * (19 * 20 * 39 / 6) / 19
    assert expected_calibration_error(gaussian_radii(spread=math.sqrt(0.5))) == pytest.approx(0.175, abs=5e-4)


def test_sigmas_too_small_by_root_two_err_by_the_root_of_what_is_outside():
    outside = np.arange(1, 20) / 20
    expected = np.mean(np.sqrt(outside) - outside)  # coverage is 1 - sqrt(1 - p)
    assert expected_calibration_error(gaussian_radii(spread=math.sqrt(2))) == pytest.approx(expected, abs=5e-4)


@pytest.mark.parametrize("radius", [0.0, 1e9, math.inf])
def test_sigmas_beyond_all_measure_have_a_calibration_error_of_a_half(radius):
    assert expected_calibration_error(torch.full((7,), radius)) == pytest.approx(0.5)


def test_too_large_and_too_small_sigmas_do_not_cancel_out():
    # half of the answers are always covered, half never: coverage is 0.5 at every level
    expected = sum(abs(5 * i - 50) for i in range(1, 20)) / 19 / 100
    assert expected_calibration_error(torch.tensor([0.0, 1e9])) == pytest.approx(expected)


def test_the_calibration_error_of_no_answer_is_unknown():
    assert math.isnan(expected_calibration_error(torch.zeros(0)))


def test_the_calibration_error_depends_on_the_distribution():
    drawn = laplace_radii()
    assert expected_calibration_error(drawn, "laplace") < 0.005
    by_gaussian = np.mean([abs(laplace_share(stats.chi(2).ppf(level)) - level) for level in LEVELS])
    assert expected_calibration_error(drawn) == pytest.approx(by_gaussian, abs=0.005)


@pytest.mark.parametrize("spread", [0.02, 1.0, 3.0, 500.0])
def test_the_temperature_is_the_factor_by_which_sigmas_are_too_small(spread):
    assert fit_temperature(gaussian_radii(spread=spread)) == pytest.approx(spread, rel=5e-3)
    assert fit_temperature(gaussian_radii(spread=spread).float()) == pytest.approx(spread, rel=5e-3)


def test_the_temperature_of_laplace_errors():
    assert fit_temperature(2.5 * laplace_radii(20_000), "laplace") == pytest.approx(2.5, rel=0.02)


def test_a_few_patches_at_the_wrong_end_of_the_image_hardly_change_the_temperature():
    good = gaussian_radii(970, spread=2)
    assert fit_temperature(torch.cat([good, torch.full((30,), 1e5)])) == pytest.approx(2, rel=0.08)


@pytest.mark.parametrize("power", [0.3, 1.0, 2.5])
def test_no_other_factor_gives_a_smaller_calibration_error(power):
    skewed = 4 * gaussian_radii(1500) ** power
    found = fit_temperature(skewed)
    best = min(expected_calibration_error(skewed / factor) for factor in np.geomspace(0.4, 40, 300))
    assert expected_calibration_error(skewed / found) <= best + 2e-3


def test_one_answer_gets_the_temperature_that_puts_it_at_the_median():
    # any jump of coverage from 0 to 1 between the levels next to 0.5 is as good
    low, high = (2 / stats.chi(2).ppf(level) for level in (0.55, 0.45))
    assert low <= fit_temperature(torch.tensor([2.0])) <= high


def test_the_temperature_is_above_zero_even_where_nothing_is_off():
    assert 0 < fit_temperature(torch.zeros(5)) < 1e-3


@pytest.mark.parametrize("values", [[], [math.nan], [1.0, 2.0, math.nan]])
def test_there_is_no_temperature_for_unknown_radii(values):
    assert math.isnan(fit_temperature(torch.tensor(values)))


def test_the_conformal_radius_is_a_rank_whatever_the_order():
    nineteen = torch.arange(1.0, 20.0)
    shuffled = nineteen[torch.randperm(19, generator=torch.Generator().manual_seed(0))]
    for values in (nineteen, shuffled):
        assert [conformal_radius(values, level) for level in (0.01, 0.5, 0.86, 0.9, 0.94)] == [1, 10, 18, 18, 19]


@pytest.mark.parametrize(("number", "level", "rank"), [(99, 0.07, 7), (99, 0.55, 55), (199, 0.29, 58)])
def test_the_conformal_rank_is_whole_where_its_product_is(number, level, rank):
    assert conformal_radius(torch.arange(1.0, number + 1), level) == rank


def test_too_few_answers_for_a_level_give_an_infinite_conformal_radius():
    assert conformal_radius(torch.arange(1.0, 9.0), 0.9) == math.inf
    assert conformal_radius(torch.arange(1.0, 10.0), 0.9) == 9
    assert conformal_radius(torch.tensor([3.0]), 0.5) == 3
    assert conformal_radius(torch.tensor([3.0]), 0.51) == math.inf
    assert conformal_radius(torch.zeros(0), 0.01) == math.inf


def test_an_unknown_radius_counts_as_one_out_of_reach():
    values = torch.tensor([torch.nan, 1.0, 2.0, 3.0])
    assert conformal_radius(values, 0.6) == 3
    assert not conformal_radius(values, 0.8) < math.inf


@settings(deadline=None)
@given(st.lists(st.integers(0, 30), min_size=1, max_size=40), st.floats(0.01, 0.99))
def test_each_of_some_cases_in_turn_is_held_by_the_others_as_often_as_the_level_says(values, level):
    cases = torch.tensor(values, dtype=torch.float32)
    held = [cases[i] <= conformal_radius(torch.cat([cases[:i], cases[i + 1 :]]), level) for i in range(len(cases))]
    share = sum(map(bool, held)) / len(cases)
    assert share >= level - 1e-9
    if len(set(values)) == len(values):  # without ties, no more often than the number of cases makes necessary
        assert share <= level + 1 / len(cases) + 1e-9


def test_conformal_radii_hold_new_cases_of_a_distribution_that_is_far_from_normal():
    new = np.random.default_rng(0)
    held = [
        new.pareto(0.5) <= conformal_radius(torch.from_numpy(new.pareto(0.5, size=10)), level=0.85)
        for _ in range(10_000)
    ]
    assert np.mean(held) == pytest.approx(10 / 11, abs=0.012)  # rank 10 of 10; 4 standard errors


def test_sharpness_is_the_radius_of_a_circle_of_the_same_area():
    assert sharpness(torch.tensor([[2.0, 8.0]])) == pytest.approx(4)
    assert sharpness(torch.tensor([[1.0, 4.0], [9.0, 1.0], [5.0, 5.0]])) == pytest.approx(10 / 3)
    assert math.isnan(sharpness(torch.zeros(0, 2)))


@pytest.mark.parametrize("sigma", [1e-30, 1e30])
def test_sharpness_outlives_sigmas_whose_product_does_not_fit_a_float(sigma):
    assert sharpness(torch.full((2, 2), sigma)) == pytest.approx(sigma, rel=1e-6)


def test_bins_go_by_sigma_and_hold_root_mean_squares_an_axis():
    sigmas = torch.tensor([[7.0, 1.0], [1.0, 1.0], [4.0, 4.0], [1.0, 7.0]])
    errors = torch.tensor([[6.0, 8.0], [0.0, 2.0], [1.0, -1.0], [0.0, 0.0]])
    found_sigmas, found_errors = sigma_bins(errors, sigmas, bins=2)
    # by length: (1, 1) and (4, 4), then the two of (7, 1)
    assert found_sigmas == pytest.approx([math.sqrt(34 / 4), 5])
    assert found_errors == pytest.approx([math.sqrt(6 / 4), 5])


def test_bins_are_of_equal_number_up_to_one():
    sigmas = torch.arange(1.0, 8.0)[:, None].expand(7, 2)
    found, _ = sigma_bins(torch.zeros(7, 2), sigmas, bins=3)
    assert found == pytest.approx([math.sqrt(14 / 3), math.sqrt(41 / 2), math.sqrt(85 / 2)])


def test_fewer_answers_than_bins_have_a_bin_each():
    sigmas = torch.tensor([[2.0, 2.0], [1.0, 1.0], [3.0, 3.0]])
    assert sigma_bins(10 * sigmas, sigmas) == ([1, 2, 3], [10, 20, 30])
    assert sigma_bins(torch.zeros(0, 2), torch.zeros(0, 2)) == ([], [])


def test_sigmas_that_tell_the_truth_are_equal_to_the_errors_in_every_bin():
    generator = torch.Generator().manual_seed(0)
    sigmas = torch.exp(torch.randn(DRAWS, 2, generator=generator))
    found_sigmas, found_errors = sigma_bins(sigmas * torch.randn(DRAWS, 2, generator=generator), sigmas)
    assert len(found_sigmas) == 10
    assert found_sigmas == sorted(found_sigmas)
    assert found_sigmas[-1] > 10 * found_sigmas[0]
    assert found_errors == pytest.approx(found_sigmas, rel=0.1)
