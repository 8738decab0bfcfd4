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

"""Tests of the pictures of calibration."""

from __future__ import annotations

import math
import warnings

import numpy as np
import pytest

from scripts.visualize.reliability import draw_error_against_sigma, draw_reliability


def lines(figure) -> list[list[list[float]]]:
    return [np.stack(line.get_data()).tolist() for line in figure.axes[0].get_lines()]


def names(figure) -> list[str]:
    return [text.get_text() for text in figure.legends[0].get_texts()]


def test_coverage_is_observed_against_expected():
    figure = draw_reliability({"before": ([0.5, 0.9], [0.3, 0.6]), "_after": ([0.5], [0.51])})
    assert lines(figure)[:2] == [[[0.5, 0.9], [0.3, 0.6]], [[0.5], [0.51]]]
    assert names(figure) == ["before", "_after", "calibrated"]
    axes = figure.axes[0]
    assert (axes.get_xlabel(), axes.get_ylabel()) == ("expected coverage", "observed coverage")
    assert axes.get_xlim() == axes.get_ylim() == (0, 1)


def test_levels_are_percent():
    figure = draw_reliability({"a": ([0.5], [0.5])})
    figure.canvas.draw()
    texts = [text.get_text() for text in figure.axes[0].get_xticklabels() if -0.01 < text.get_position()[0] < 1.01]
    assert texts == ["0 %", "20 %", "40 %", "60 %", "80 %", "100 %"]


def test_error_is_against_sigma_on_equal_logarithmic_axes():
    figure = draw_error_against_sigma({"a": ([0.6, 2.0], [1.1, 4.2])}, unit="mm")
    assert lines(figure)[0] == [[0.6, 2.0], [1.1, 4.2]]
    axes = figure.axes[0]
    assert axes.get_xscale() == axes.get_yscale() == "log"
    assert axes.get_xlim() == axes.get_ylim() == pytest.approx((0.5, 5.0))
    assert (axes.get_xlabel(), axes.get_ylabel()) == ("root mean square sigma (mm)", "root mean square error (mm)")


@pytest.mark.parametrize(
    "figure", [draw_reliability({"a": ([0.5], [0.4])}), draw_error_against_sigma({"a": ([0.5, 3], [0.7, 40])})]
)
def test_the_diagonal_is_where_both_are_equal(figure):
    figure.canvas.draw()
    axes = figure.axes[0]
    ends = axes.get_lines()[-1].get_window_extent()
    low, high = axes.get_xlim()
    assert axes.transData.transform([(low, low), (high, high)]) == pytest.approx(ends.get_points())
    assert ends.width == pytest.approx(ends.height)


@pytest.mark.parametrize(
    ("figure", "top_left", "bottom_right"),
    [  # a coverage above the expected one is of sigmas that are too large; an error above sigma, of too small ones
        (draw_reliability({"a": ([0.5], [0.4])}), "sigmas too large", "sigmas too small"),
        (draw_error_against_sigma({"a": ([1.0], [2.0])}), "sigmas too small", "sigmas too large"),
    ],
)
def test_the_sides_of_the_diagonal_are_named(figure, top_left, bottom_right):
    texts = {text.get_text(): text.get_position() for text in figure.axes[0].texts}
    assert texts[top_left][0] < 0.5 < texts[top_left][1]
    assert texts[bottom_right][1] < 0.5 < texts[bottom_right][0]


@pytest.mark.parametrize(("low", "high"), [(1.1, 1.2), (0.3, 70.0), (2.0, 5.0), (1e-3, 1e4), (3.0, 3.0)])
def test_both_axes_have_at_least_two_numbers(low, high):
    figure = draw_error_against_sigma({"a": ([low, high], [low, high])})
    figure.canvas.draw()
    start, end = figure.axes[0].get_xlim()
    assert start <= low and high <= end
    labels = [
        text for text in figure.axes[0].get_xticklabels() if start * 0.999 <= text.get_position()[0] <= end * 1.001
    ]
    values = [float(text.get_text()) for text in labels]
    assert len(values) >= 2 and values == pytest.approx([text.get_position()[0] for text in labels])


def test_bins_that_a_logarithm_cannot_show_are_left_out():
    figure = draw_error_against_sigma({"a": ([0.0, 1.0, math.nan, 2.0], [1.0, 0.0, 1.0, 3.0])})
    assert lines(figure)[0] == [[2.0], [3.0]]


@pytest.mark.parametrize("draw", [draw_reliability, draw_error_against_sigma])
@pytest.mark.parametrize("value", [math.nan, 0.0, 1.0])
def test_any_value_can_be_drawn(tmp_path, draw, value):
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        draw({"a": ([value], [value])}).savefig(tmp_path / "a.png")


@pytest.mark.parametrize("draw", [draw_reliability, draw_error_against_sigma])
def test_curves_differ_and_what_does_not_go_together_is_refused(draw):
    first, second = draw({"a": ([0.5], [0.5]), "b": ([0.5], [0.5])}).axes[0].get_lines()[:2]
    assert first.get_color() != second.get_color() and first.get_marker() != second.get_marker()
    with pytest.raises(ValueError, match="no curve"):
        draw({})
    with pytest.raises(ValueError, match="a: .* not 2 and 1"):
        draw({"a": ([0.5, 0.6], [0.5])})
