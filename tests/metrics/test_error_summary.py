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
"""Tests of error summaries against NumPy, and of bootstrap intervals against distributions worked out by hand."""

from __future__ import annotations

import json
import math

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

from scripts.metrics.error_summary import bootstrap_interval, error_summary, summary_px_mm

MEASURES = ("mean", "sd", "median", "min", "max")
MANY = 4000  # resamples: the share of them below a value is within 0.03 of the true one, at 4 standard errors


def measures(summary: dict[str, float | int], unit: str = "px") -> list[float]:
    return [summary[f"{name}_{unit}"] for name in MEASURES]


def test_hand_computed_figures():
    summary = error_summary(torch.tensor([[4.0, 2.0], [1.0, 5.0]]), "mm", [1, 2.5, 10])
    assert measures(summary, "mm") == pytest.approx([3, math.sqrt(2.5), 3, 1, 5])
    others = {key: value for key, value in summary.items() if key.removesuffix("_mm") not in MEASURES}
    # 1 mm is within 1 mm
    assert others == {"within_1_mm": 0.25, "within_2.5_mm": 0.5, "within_10_mm": 1, "number": 4}


@given(arrays.arrays(np.float32, arrays.array_shapes(max_dims=3, max_side=7), elements=st.floats(0, 512, width=32)))
def test_equals_numpy_on_errors_of_any_shape(errors):
    expected = [measure(errors.astype(float)) for measure in (np.mean, np.std, np.median, np.min, np.max)]
    summary = error_summary(torch.from_numpy(errors), "px")
    assert measures(summary) == pytest.approx(expected, abs=1e-9)
    assert summary["number"] == errors.size


def test_what_is_not_finite_is_left_out_and_left_as_it_is():
    errors = torch.tensor([torch.nan, 1.0, torch.inf, 4.0, -torch.inf, 4.0])
    before = errors.clone()
    summary = error_summary(errors, "px", [3])
    assert measures(summary) == pytest.approx([3, math.sqrt(2), 4, 1, 4])
    assert (summary["within_3_px"], summary["number"]) == (pytest.approx(1 / 3), 3)
    torch.testing.assert_close(errors, before, equal_nan=True)


@pytest.mark.parametrize("errors", [torch.zeros(0), torch.zeros(3, 0), torch.full((2, 2), torch.nan)])
def test_without_an_error_all_is_unknown_but_the_number(errors):
    summary = error_summary(errors, "px", [2])
    assert all(math.isnan(value) for value in [*measures(summary), summary["within_2_px"]])
    assert summary["number"] == 0


def test_one_error_has_no_spread():
    assert measures(error_summary(torch.tensor([2.5]), "px")) == [2.5, 0, 2.5, 2.5, 2.5]


def test_whole_numbers_are_errors_too():
    assert measures(error_summary(torch.tensor([1, 2, 6]), "px"))[:3] == pytest.approx([3, math.sqrt(14 / 3), 2])


def test_sums_are_more_exact_than_the_errors():
    # 2^24 + 3 is no 32-bit float
    assert error_summary(torch.tensor([2.0**24, 1.0, 1.0, 1.0]), "px")["mean_px"] == 2**22 + 0.75


def test_the_median_of_very_many_errors():
    number = 1_000_001
    errors = torch.randperm(number, generator=torch.Generator().manual_seed(0))
    summary = error_summary(errors.float(), "px")
    assert measures(summary)[2:] == [(number - 1) / 2, 0, number - 1]


def test_a_summary_can_be_written_as_json():
    summary = error_summary(torch.tensor([1.0, 3.0]), "px", [2])
    assert json.loads(json.dumps(summary)) == summary


def test_millimetres_are_told_of_the_errors_whose_spacing_is_known():
    errors_px, errors_mm = torch.tensor([2.0, 4.0, 9.0]), torch.tensor([1.0, torch.nan, 3.0])
    summary = summary_px_mm(errors_px, errors_mm, [2, 5])
    assert measures(summary) == pytest.approx([5, math.sqrt(26 / 3), 4, 2, 9])
    assert measures(summary, "mm") == pytest.approx([2, 1, 2, 1, 3])
    shares = [summary[f"within_{key}"] for key in ("2_px", "5_px", "2_mm", "5_mm")]
    assert shares == pytest.approx([1 / 3, 2 / 3, 1 / 2, 1])
    assert summary["number"] == 3


@pytest.mark.parametrize("errors_px", [torch.tensor([1.0, 2.0]), torch.full((2,), torch.nan)])
def test_without_a_known_spacing_there_is_no_key_in_millimetres(errors_px):
    summary = summary_px_mm(errors_px, torch.full((2,), torch.nan), [2])
    assert not [key for key in summary if "mm" in key]
    assert "within_2_px" in summary


def test_no_errors_at_all():
    summary = summary_px_mm(torch.zeros(0), torch.zeros(0))
    assert math.isnan(summary["mean_px"]) and summary["number"] == 0


# Errors (draws, images) and the intervals by level. Each comment says what a resampled mean is, and how often.
RESAMPLED = {
    # 0, 2 and 4 with 1/4, 1/2 and 1/4
    "two images": ([[0.0, 4.0]], {0.4: (2, 2), 0.95: (0, 4)}),
    "two draws": ([[0.0], [4.0]], {0.4: (2, 2), 0.95: (0, 4)}),
    # how often the second draw is drawn times how often the second image is: 0, 1, 2 and 4 with 7, 4, 4 and 1 of 16
    "both": ([[0.0, 0.0], [0.0, 4.0]], {0.3: (0, 1), 0.8: (0, 2), 0.95: (0, 4)}),
    # an image without any error says nothing
    "image without an error": ([[0.0, np.nan], [4.0, np.nan]], {0.4: (2, 2), 0.95: (0, 4)}),
    # each error counts once: 0, 1.5, 2 and 3 with 3, 2, 4 and 6 of 15; once in 16 there is none
    "one error missing": ([[0.0, np.nan], [3.0, 3.0]], {0.1: (2, 2), 0.5: (1.5, 3), 0.95: (0, 3)}),
}


@pytest.mark.parametrize(("errors", "intervals"), RESAMPLED.values(), ids=RESAMPLED)
def test_the_interval_of_a_few_errors_worked_out_by_hand(errors, intervals):
    for level, expected in intervals.items():
        assert bootstrap_interval(np.array(errors), level=level, resamples=MANY) == pytest.approx(expected)


@pytest.mark.parametrize("shape", [(1, 150), (150, 1), (40, 90), (90, 40)])
def test_draws_and_images_both_make_the_mean_unsure(shape):
    random = np.random.default_rng(0)
    of_draw, of_image = (random.normal(5, spread, number) for spread, number in zip((1, 3), shape, strict=True))
    errors = of_draw[:, None] + of_image
    # the mean of a resample is a mean of draws plus an independent mean of images, each nearly normal
    standard_error = math.sqrt(of_draw.var() / shape[0] + of_image.var() / shape[1])
    for level, factor in [(0.95, 1.96), (0.6827, 1.0)]:
        low, high = bootstrap_interval(errors, level=level, resamples=MANY)
        # 4 standard errors of a quantile, and a little for what is not normal
        assert low == pytest.approx(errors.mean() - factor * standard_error, abs=0.2 * standard_error)
        assert high == pytest.approx(errors.mean() + factor * standard_error, abs=0.2 * standard_error)


@pytest.mark.parametrize("shape", [(1, 1), (1, 5), (5, 1), (4, 3)])
def test_equal_errors_leave_nothing_unsure_even_where_some_are_missing(shape):
    errors = np.full(shape, 2.5)
    assert bootstrap_interval(errors) == pytest.approx((2.5, 2.5))
    errors.flat[1::3] = np.nan
    assert bootstrap_interval(errors) == pytest.approx((2.5, 2.5))


@settings(deadline=None, max_examples=30)
@given(
    arrays.arrays(np.float64, arrays.array_shapes(min_dims=2, max_dims=2, max_side=5), elements=st.floats(0, 100)),
    st.floats(0.1, 10),
    st.floats(-50, 50),
)
def test_the_interval_lies_among_the_errors_and_follows_their_unit(errors, factor, offset):
    low, high = bootstrap_interval(errors, resamples=100)
    assert errors.min() - 1e-9 <= low <= high <= errors.max() + 1e-9
    moved = bootstrap_interval(factor * errors + offset, resamples=100)
    assert moved == pytest.approx((factor * low + offset, factor * high + offset), abs=1e-6)


@pytest.mark.parametrize("errors", [np.full((2, 3), np.nan), np.zeros((0, 4)), np.zeros((4, 0))])
def test_without_an_error_there_is_no_interval(errors):
    assert all(map(math.isnan, bootstrap_interval(errors)))


def test_the_seed_alone_decides():
    errors = np.random.default_rng(0).random((6, 9))
    np.random.seed(1)
    first = bootstrap_interval(errors, seed=3)
    np.random.seed(2)
    state = np.random.get_state()[1].copy()
    assert bootstrap_interval(errors, seed=3) == first
    assert bootstrap_interval(errors, seed=4) != first
    assert (np.random.get_state()[1] == state).all()


def test_one_resample_has_no_width():
    low, high = bootstrap_interval(np.array([[0.0, 1.0, 5.0, 7.0]]), resamples=1)
    assert low == high
