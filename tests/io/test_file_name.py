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
"""Tests of which names of files results can be named after, and how others are shown."""

from __future__ import annotations

import pytest

from scripts.io.atomic import atomic_path
from scripts.io.file_name import name_fault
from scripts.io.input_error import printable

ENDINGS = (".mrk.json", ".png", ".gif", ".trajectories.png", ".dcm")


@pytest.mark.parametrize("letter", ["x", "\u00e9", "\u65e5", "\U0001f600"])
def test_results_of_the_longest_name_that_is_taken_can_be_written(tmp_path, letter):
    count = next(n for n in range(300, 0, -1) if name_fault(f"p/{letter * n}.png") is None)
    assert len((letter * count + ".png").encode()) > 238 - 4
    for ending in ENDINGS:
        path = tmp_path / f"{letter * count}.png{ending}"
        with atomic_path(path) as temporary:
            assert temporary.name.endswith(ending)
            temporary.write_text("whole")
        assert path.read_text() == "whole"
    assert "bytes" in name_fault(f"p/{letter * (count + 1)}.png")


@pytest.mark.parametrize(
    "name", ["a:b.png", "a\\b.png", 'q?*<>|".png', "-dash.png", "CON.png", "e\u0301.png", "p 1/a .png"]
)
def test_names_that_only_some_systems_refuse_are_taken(name):
    assert name_fault(name) is None


@pytest.mark.parametrize(
    ("name", "fault"),
    [("f\udce4/x.png", "UTF-8"), ("a\n.png", "control"), ("a\x1b[2J.png", "control"), (" a.png", "space")],
)
def test_names_that_no_table_can_hold_are_refused(name, fault):
    assert fault in name_fault(name)


def test_what_is_shown_is_one_line_of_text():
    shown = printable("im/\udce4\n\x1b[2J \u65e5\u00e9.png")
    assert shown == r"im/\xe4\n\x1b[2J " + "\u65e5\u00e9.png"
    assert shown.encode()
