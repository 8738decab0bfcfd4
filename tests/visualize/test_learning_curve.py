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

"""Tests of the error against the number of examples."""

from __future__ import annotations

import itertools
import math
import warnings

import numpy as np
import pytest

from scripts.visualize.learning_curve import LearningCurve, draw_learning_curve, series_style

RUN = LearningCurve([1, 10, 3], mean=[6.0, 2.0, 4.0], low=[5.0, 1.5, 3.0], high=[8.0, 3.0, 5.0])


def test_curves_are_at_their_counts_in_order():
    (line,) = draw_learning_curve({"This run": RUN}).axes[0].get_lines()
    assert np.stack(line.get_data()).tolist() == [[1, 3, 10], [6, 4, 2]]


def test_the_band_runs_from_low_to_high():
    (band,) = draw_learning_curve({"This run": RUN}).axes[0].collections
    corners = {tuple(corner) for corner in band.get_paths()[0].vertices.tolist()}
    assert corners == {(1, 5), (3, 3), (10, 1.5), (1, 8), (3, 5), (10, 3)}


def test_the_interval_of_a_single_count_is_a_line():
    (interval,) = draw_learning_curve({"a": LearningCurve([5], [2.0], [1.0], [4.0])}).axes[0].collections
    assert interval.get_segments()[0].tolist() == [[5, 1], [5, 4]]


def test_points_are_hollow_and_named():
    axes = draw_learning_curve({"This run": RUN}, points={"Paper": (20, 5.8), "Other": (50, 8.5)}).axes[0]
    points = axes.get_lines()[1:]
    assert [np.concatenate(point.get_data()).tolist() for point in points] == [[20, 5.8], [50, 8.5]]
    assert all(point.get_fillstyle() == "none" for point in points)
    assert len({point.get_marker() for point in points}) == 2


def test_all_series_are_named_as_written():
    figure = draw_learning_curve({"_this $run$": RUN, "NCC": RUN}, points={"Frueh et al. 2022": (1, 5.8)})
    assert [text.get_text() for text in figure.legends[0].get_texts()] == ["_this $run$", "NCC", "Frueh et al. 2022"]


def test_axes_are_logarithmic_with_plain_integers_and_units():
    figure = draw_learning_curve({"This run": RUN}, unit="mm", points={"Paper": (50, 5.8)})
    figure.canvas.draw()
    axes = figure.axes[0]
    assert (axes.get_xscale(), axes.get_yscale()) == ("log", "linear")
    ticks = [(text.get_position()[0], text.get_text()) for text in axes.get_xticklabels()]
    assert ticks == [(1, "1"), (3, "3"), (10, "10"), (50, "50")]
    assert axes.get_ylabel() == "error (mm)" and axes.get_ylim()[0] == 0


def test_ticks_of_many_counts_do_not_overlap():
    counts = list(range(1, 101))
    figure = draw_learning_curve({"a": LearningCurve(counts, counts, counts, counts)})
    figure.canvas.draw()
    boxes = [text.get_window_extent() for text in figure.axes[0].get_xticklabels()]
    assert 5 <= len(boxes) < 40
    assert all(left.x1 < right.x0 for left, right in itertools.pairwise(boxes))


def test_series_differ_in_two_of_colour_marker_and_line():
    styles = [tuple(series_style(i)[key] for key in ("color", "marker", "linestyle")) for i in range(20)]
    for i, style in enumerate(styles):
        for other in styles[:i]:
            assert sum(one != two for one, two in zip(style, other, strict=True)) >= 2


@pytest.mark.parametrize("names", [["a"], ["a name of about thirty-six letters"] * 3, ["long " * 12, "b", "c"]])
def test_names_lie_in_the_picture_and_below_the_axes(names):
    figure = draw_learning_curve({f"{name}{' ' * i}": RUN for i, name in enumerate(names)})
    figure.canvas.draw()
    legend, axes = figure.legends[0].get_window_extent(), figure.axes[0].get_tightbbox()
    assert figure.bbox.x0 <= legend.x0 and legend.x1 <= figure.bbox.x1 and legend.y0 >= figure.bbox.y0
    assert legend.y1 <= axes.y0 + 1
    assert axes.height > 300


@pytest.mark.parametrize("error", [math.nan, math.inf, 0.0])
def test_any_error_can_be_drawn(tmp_path, error):
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        draw_learning_curve({"a": LearningCurve([1, 2], [error, 1], [error, 1], [error, 1])}).savefig(
            tmp_path / "a.png"
        )


def test_what_does_not_go_together_is_refused():
    with pytest.raises(ValueError, match="one length"):
        LearningCurve([1, 2], [1.0], [1.0], [1.0])
    with pytest.raises(ValueError, match="positive"):
        LearningCurve([0], [1.0], [1.0], [1.0])
    with pytest.raises(ValueError, match="positive"):
        draw_learning_curve({}, points={"a": (0, 1.0)})
    with pytest.raises(ValueError, match="no curve"):
        draw_learning_curve({})
