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

"""Tests of the pictures of sweeps."""

from __future__ import annotations

import math
import warnings

import numpy as np
import pytest
from matplotlib.axes import Axes

from scripts.visualize.sweep_curve import draw_sweep


def marks(axes: Axes) -> tuple[list[float], list[float], str]:
    """Places and means of a panel, and the style of the line through them."""
    line = axes.containers[0].lines[0]
    return (*np.stack(line.get_data()).tolist(), line.get_linestyle())


def bars(axes: Axes) -> list[list[float]]:
    """Lower and upper ends of the bars that are seen."""
    segments = axes.containers[0].lines[2][0].get_segments()
    return [ends[:, 1].tolist() for ends in segments if len(ends) == 2 and np.isfinite(ends).all()]


def ticks(axes: Axes) -> list[tuple[float, str]]:
    axes.figure.canvas.draw()
    return [(text.get_position()[0], text.get_text()) for text in axes.get_xticklabels()]


def test_numbers_are_joined_in_their_order():
    values = {"self": ([4.0, 2.0, 3.0], [1.0, 0.5, 2.0])}
    (axes,) = draw_sweep(["32", "128", "64"], values, xlabel="patch size (px)").axes
    places, means, line = marks(axes)
    assert (places, means) == ([32, 64, 128], [4, 3, 2]) and line == "-"
    assert bars(axes) == [[3, 5], [1, 5], [1.5, 2.5]]
    assert ticks(axes) == [(32, "32"), (64, "64"), (128, "128")]
    assert axes.get_xlabel() == "patch size (px)" and axes.get_xscale() == "linear"


def test_numbers_of_several_decades_are_on_a_logarithmic_axis_as_written():
    (axes,) = draw_sweep(["1e-4", "1e-3", "1e-2"], {"a": ([1, 2, 3], [0, 0, 0])}, xlabel="learning rate").axes
    assert axes.get_xscale() == "log"
    assert [text for _, text in ticks(axes)] == ["1e-4", "1e-3", "1e-2"]


@pytest.mark.parametrize("names", [["vgg16", "_res$net$50", "16"], ["1", "2", "nan"]])
def test_categories_stand_side_by_side_and_are_not_joined(names):
    (axes,) = draw_sweep(names, {"a": ([1.0, 2.0, 3.0], [0.5] * 3)}, xlabel="encoder").axes
    places, means, line = marks(axes)
    assert (places, means) == ([0, 1, 2], [1, 2, 3]) and line.lower() == "none"
    assert ticks(axes) == list(enumerate(names))


def test_there_is_a_panel_for_each_measure():
    values = {"_self $": ([1.0, 2.0], [0.1, 0.1]), "cyclic": ([5.0, 6.0], [0.1, 0.1])}
    figure = draw_sweep(["1", "2"], values, xlabel="n", unit="mm")
    assert [axes.get_title(loc="left") for axes in figure.axes] == list(values)
    assert [marks(axes)[1] for axes in figure.axes] == [[1, 2], [5, 6]]
    assert [axes.get_ylabel() for axes in figure.axes] == ["mm", "mm"]
    assert figure.axes[0].get_position().y0 > figure.axes[1].get_position().y0
    assert figure.axes[0].get_ylim()[0] == 0


@pytest.mark.parametrize("names", [["1", "2", "3"], ["a", "b", "c"]])
def test_missing_values_leave_a_gap(tmp_path, names):
    values = {"a": ([1.0, math.nan, 3.0], [0.5, math.nan, math.nan]), "b": ([math.nan] * 3, [math.nan] * 3)}
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        figure = draw_sweep(names, values, xlabel="n")
        figure.savefig(tmp_path / "a.png")
    assert np.isnan(marks(figure.axes[0])[1]).tolist() == [False, True, False]
    assert bars(figure.axes[0]) == [[0.5, 1.5]]
    assert [[text.get_text() for text in axes.texts] for axes in figure.axes] == [[], ["no value"]]
    assert len(ticks(figure.axes[1])) == 3


def test_long_names_do_not_overlap_and_lie_in_the_picture():
    names = ["densenet121, pre-trained", "convnext_small, pre-trained", "vgg16, pre-trained", "resnet50, one layer"]
    figure = draw_sweep(names, {"a": ([1.0] * 4, [0.5] * 4)}, xlabel="encoder")
    figure.canvas.draw()
    labels = figure.axes[0].get_xticklabels()
    assert all(text.get_window_extent().x0 >= 0 and text.get_window_extent().y0 >= 0 for text in labels)
    ends = [text.get_window_extent().x1 for text in labels]
    assert {text.get_rotation() for text in labels} != {0.0} and min(np.diff(ends)) > 50


def test_a_single_variant_can_be_drawn(tmp_path):
    for name in ("48", "vgg16"):
        draw_sweep([name], {"a": ([1.0], [0.5])}, xlabel="n").savefig(tmp_path / "a.png")


def test_what_does_not_go_together_is_refused():
    with pytest.raises(ValueError, match="no variant"):
        draw_sweep([], {"a": ([], [])}, xlabel="n")
    with pytest.raises(ValueError, match="no measure"):
        draw_sweep(["1"], {}, xlabel="n")
    with pytest.raises(ValueError, match="a: 1 means and 2 standard deviations for 2 variants"):
        draw_sweep(["1", "2"], {"a": ([1.0], [1.0, 2.0])}, xlabel="n")
