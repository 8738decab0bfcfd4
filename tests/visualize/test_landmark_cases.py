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

"""Tests of the pictures of landmark cases: what is drawn where, in px."""

from __future__ import annotations

import dataclasses
import math

import numpy as np
import pytest
import torch
from matplotlib.axes import Axes
from matplotlib.patches import Ellipse

from scripts.visualize.landmark_cases import LandmarkCase, draw_landmark_cases
from scripts.visualize.overlay import label_colors

CASE = LandmarkCase(
    torch.arange(40 * 24, dtype=torch.float32).reshape(40, 24),
    truth={"apex": (9.0, 5.0), "valve": [30.5, 20.0]},
    found={"apex": (12.0, 9.0), "valve": [30.0, 18.0]},
    sigma={"apex": (1.0, 2.0), "valve": [3.0, 0.5]},
    title="a.png\n5.0 px",
)


def marks(axes: Axes, gid: str) -> list[list[list[float]]]:
    return [np.stack(line.get_data(), axis=1).tolist() for line in axes.get_lines() if line.get_gid() == gid]


def legend(figure) -> list[str]:
    return [text.get_text() for text in figure.legends[0].get_texts()]


def test_marks_are_at_their_px():
    (axes,) = draw_landmark_cases([CASE]).axes
    assert marks(axes, "truth") == [[[9, 5]], [[30.5, 20]]]
    assert marks(axes, "found") == [[[12, 9]], [[30, 18]]]
    assert marks(axes, "error") == [[[9, 5], [12, 9]], [[30.5, 20], [30, 18]]]


def test_ellipses_are_one_sigma_around_what_was_found():
    (axes,) = draw_landmark_cases([CASE]).axes
    ellipses = [patch for patch in axes.patches if isinstance(patch, Ellipse)]
    assert [(*one.center, one.width, one.height) for one in ellipses] == [(12, 9, 2, 4), (30, 18, 6, 1)]


def test_axis_0_of_the_image_runs_to_the_right():
    (axes,) = draw_landmark_cases([CASE]).axes
    np.testing.assert_array_equal(axes.get_images()[0].get_array(), CASE.image.T)
    assert axes.get_images()[0].origin == "upper"
    assert axes.get_xlim() == (-0.5, 39.5) and axes.get_ylim() == (23.5, -0.5)


def test_true_and_found_differ_in_shape_and_labels_in_colour():
    other = dataclasses.replace(CASE, truth={"valve": (1.0, 1.0)}, found={"valve": (2.0, 2.0)})
    first, second = draw_landmark_cases([CASE, other]).axes
    colors = label_colors(["apex", "valve"])
    for gid in ("truth", "found", "error"):
        assert [line.get_color() for line in first.get_lines() if line.get_gid() == gid] == list(colors.values())
        assert [line.get_color() for line in second.get_lines() if line.get_gid() == gid] == [colors["valve"]]
    shapes = {line.get_gid(): line.get_marker() for line in first.get_lines()}
    assert shapes["truth"] != shapes["found"]


def test_the_legend_explains_the_marks_and_names_up_to_seven_labels():
    explained = ["true position", "found position", "±1 sigma", "error"]
    assert legend(draw_landmark_cases([CASE])) == [*explained, "apex", "valve"]
    for number in (7, 8):
        points = {f"_{i} $": (i, i) for i in range(number)}
        names = sorted(points) if number == 7 else []
        assert legend(draw_landmark_cases([LandmarkCase(CASE.image, points, {}, {}, "")])) == [*explained, *names]


@pytest.mark.parametrize(
    ("found", "sigma", "errors", "ellipses"),
    [({}, {}, 0, 0), ({"apex": (math.nan, 1.0)}, {"apex": (1.0, 1.0)}, 0, 0), ({"apex": (1.0, 1.0)}, {}, 1, 0)],
)
def test_what_was_not_found_has_its_true_position_alone(tmp_path, found, sigma, errors, ellipses):
    figure = draw_landmark_cases([LandmarkCase(CASE.image, {"apex": (9.0, 5.0)}, found, sigma, "a")])
    figure.savefig(tmp_path / "a.png")
    (axes,) = figure.axes
    assert marks(axes, "truth") == [[[9, 5]]]
    assert (len(marks(axes, "error")), len(axes.patches)) == (errors, ellipses)


def test_cases_stand_in_rows_in_their_order():
    cases = [dataclasses.replace(CASE, title=f"_{i} $x$") for i in range(5)]
    panels = draw_landmark_cases(cases, columns=2).axes
    assert [axes.get_title(loc="left") for axes in panels] == [case.title for case in cases]
    boxes = [axes.get_position() for axes in panels]
    assert boxes[0].y0 == pytest.approx(boxes[1].y0) and boxes[0].x1 < boxes[1].x0
    assert boxes[0].x0 == pytest.approx(boxes[2].x0) and boxes[0].y0 > boxes[2].y1 > boxes[4].y1


@pytest.mark.parametrize("shapes", [[(40, 24)], [(40, 24), (20, 90), (90, 20)], [(20, 90)] * 6])
def test_all_that_is_written_lies_in_the_picture_and_apart(shapes):
    title = "a_very_long_name_of_an_image_in_a_folder_with_a_long_name.nii.gz frame 12\n5.0 px"
    cases = [dataclasses.replace(CASE, image=torch.rand(shape), title=title) for shape in shapes]
    figure = draw_landmark_cases(cases, title="The worst images of the whole evaluation", columns=3)
    figure.canvas.draw()
    boxes = [axes.get_window_extent() for axes in figure.axes]
    boxes += [axes._left_title.get_window_extent() for axes in figure.axes]
    boxes += [figure.legends[0].get_window_extent(), figure.texts[0].get_window_extent()]
    for i, box in enumerate(boxes):
        assert figure.bbox.x0 <= box.x0 and box.x1 <= figure.bbox.x1
        assert figure.bbox.y0 <= box.y0 and box.y1 <= figure.bbox.y1
        assert box.shrunk(0.98, 0.98).count_overlaps(boxes[:i]) == 0


def test_what_cannot_be_drawn_is_refused():
    with pytest.raises(ValueError, match="0 cases"):
        draw_landmark_cases([])
    with pytest.raises(ValueError, match="0 columns"):
        draw_landmark_cases([CASE], columns=0)
    with pytest.raises(ValueError, match=r"\(1, 40, 24\)"):
        draw_landmark_cases([dataclasses.replace(CASE, image=CASE.image[None])])
