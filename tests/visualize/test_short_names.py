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
"""Tests of names that are shortened for pictures."""

from __future__ import annotations

import unicodedata

import numpy as np
import pytest
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure

from scripts.visualize.short_names import short_names, text_width

LONG = [f"left ventricle segment {i} of seventeen, {'very ' * 12}long side {i % 3}" for i in range(40)]
ALIKE = ["y" * 50 + str(i) + "z" * 69 for i in range(100)]
CHINESE = ["\u5de6\u5fc3\u5ba4" * 40 + str(i) for i in range(10)]
ACCENTS = ["e\u0301a\u0308" * 60, "e\u0301a\u0308" * 61]


@pytest.mark.parametrize("most", [8, 24, 48])
@pytest.mark.parametrize("names", [LONG, ALIKE, CHINESE, ACCENTS, ["m" * 120, "m" * 121], ["a", "b" * 120]])
def test_names_are_short_and_stay_different(names, most):
    short = short_names(names, most)
    assert len(set(short)) == len(names)
    assert max(map(text_width, short)) <= most
    assert not any(unicodedata.combining(one[0]) for one in short)  # no accent without its letter


def test_short_names_stay_as_they_are():
    assert short_names(["apex", "", "valve", "apex"], 8) == ["apex", "", "valve", "apex"]


def test_both_ends_of_a_name_are_kept():
    [short] = short_names(["left ventricle, basal segment of the septal side"], 24)
    assert short.startswith("left ")
    assert short.endswith("side")


@pytest.mark.parametrize(
    "text", ["landmark of the heart", "MMMMWWWW", "mwmwmw", "ABCDEFGHIJK", "0123456789", "e\u0301" * 9]
)
def test_the_width_is_what_matplotlib_draws_or_more(text):
    figure = Figure(dpi=100)
    FigureCanvasAgg(figure)
    drawn = figure.text(0, 0, text, fontsize=10).get_window_extent().width
    assert drawn <= 9 * text_width(text)
    assert np.isclose(drawn, 8.7 * text_width(text), rtol=0.45)
