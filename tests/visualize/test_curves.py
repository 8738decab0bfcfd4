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

"""Tests of the curves of a training run."""

from __future__ import annotations

import math
import warnings

import numpy as np
import pytest
from matplotlib.axes import Axes

from scripts.visualize.curves import draw_curves

HISTORY = [
    {"epoch": 1, "train_loss": 4.0, "learning_rate": 1e-3},
    {
        "epoch": 2,
        "train_loss": 3.0,
        "learning_rate": 2e-3,
        "val_self_matching_error_px": 2.0,
        "val_cyclic_error_px": 4.0,
        "val_error_px": 3.0,
    },
    {"epoch": 3, "train_loss": -1.0, "learning_rate": 1e-3},
    {
        "epoch": 4,
        "train_loss": -2.0,
        "learning_rate": 5e-4,
        "val_self_matching_error_px": 3.0,
        "val_cyclic_error_px": 5.0,
        "val_error_px": 4.0,
    },
]


def curve(axes: Axes, gid: str) -> list[list[float]]:
    (line,) = (line for line in axes.get_lines() if line.get_gid() == gid)
    return np.stack(line.get_data()).tolist()


def test_each_figure_is_at_its_epoch():
    loss, errors, rate = draw_curves(HISTORY).axes
    assert curve(loss, "train_loss") == [[1, 2, 3, 4], [4, 3, -1, -2]]
    assert curve(rate, "learning_rate") == [[1, 2, 3, 4], [1e-3, 2e-3, 1e-3, 5e-4]]
    assert curve(errors, "val_self_matching_error_px") == [[2, 4], [2, 3]]
    assert curve(errors, "val_cyclic_error_px") == [[2, 4], [4, 5]]
    assert curve(errors, "val_error_px") == [[2, 4], [3, 4]]


def test_errors_are_logarithmic_and_in_px_and_epochs_shared():
    loss, errors, rate = draw_curves(HISTORY).axes
    assert [axes.get_yscale() for axes in (loss, errors, rate)] == ["linear", "log", "linear"]
    assert "px" in errors.get_ylabel()
    assert loss.get_xlim() == errors.get_xlim() == rate.get_xlim()
    assert rate.get_xlabel() == "epoch"


def test_the_lowest_mean_error_is_ringed_and_named():
    errors = draw_curves(HISTORY).axes[1]
    assert curve(errors, "best") == [[2], [3]]
    assert [text.get_text() for text in errors.get_legend().get_texts()] == [
        "self-matching, last 3.00",
        "cyclic, last 5.00",
        "mean of both, last 4.00",
        "lowest mean: 3.00 in epoch 2",
    ]


def test_curves_differ_in_colour_and_marker():
    lines = [line for line in draw_curves(HISTORY).axes[1].get_lines() if line.get_gid() != "best"]
    assert len({line.get_color() for line in lines}) == len({line.get_marker() for line in lines}) == 3


def test_other_metrics_get_a_legend_without_a_best():
    errors = draw_curves([{"epoch": 1, "val_cyclic_error_px": 2.0, "val_other": 1.0}]).axes[1]
    assert [text.get_text() for text in errors.get_legend().get_texts()] == ["cyclic, last 2.00"]


def test_without_a_validation_the_picture_says_so():
    errors = draw_curves(HISTORY[:1]).axes[1]
    assert [text.get_text() for text in errors.texts] == ["no validation yet"]
    assert not draw_curves(HISTORY).axes[1].texts


@pytest.mark.parametrize("error", [math.nan, math.inf, 1e-9, 2.34])
def test_any_error_can_be_drawn(tmp_path, error):
    rows = [{"epoch": 1, "train_loss": error, "learning_rate": error, "val_error_px": error}]
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        draw_curves(rows).savefig(tmp_path / "a.png")


@pytest.mark.parametrize(("low", "high"), [(2.1, 2.4), (1.2, 9.0), (0.8, 300.0)])
def test_errors_have_ticks_with_numbers(low, high):
    figure = draw_curves([{"epoch": 1, "val_error_px": high}, {"epoch": 2, "val_error_px": low}])
    figure.canvas.draw()
    bottom, top = figure.axes[1].get_ylim()
    ticks = [text for text in figure.axes[1].get_yticklabels() if bottom <= text.get_position()[1] <= top]
    assert len([text for text in ticks if float(text.get_text()) == pytest.approx(text.get_position()[1])]) >= 2


def test_an_empty_history_is_refused():
    with pytest.raises(ValueError, match="no epoch"):
        draw_curves([])
