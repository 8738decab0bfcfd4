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

"""Tests of the pictures of matches: what is drawn where, in px worked out by hand."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import Ellipse, Rectangle

from scripts.visualize.matching import draw_matches

SHAPE = (40, 24)
# px = ((normalised + 1) * size - 1) / 2: true at (29.5, 5.5), found 3 px to the right and 4 px down, at (32.5, 9.5)
TRUE, FOUND = (0.5, -0.5), (0.65, -0.5 + 8 / 24)
LOG_SCALES = (math.log(0.1), math.log(0.2))  # 0.1 * 40 / 2 = 2 px and 0.2 * 24 / 2 = 2.4 px


def figure_of(images: int = 1, each: int = 1, found: tuple[float, ...] = (*FOUND, *LOG_SCALES), **options) -> Figure:
    """Patches of 8 px; the grey of image i has mean i + 0.5, of patch j mean 100 + j + 0.5."""
    noise = torch.rand(images * each, 1, *SHAPE, generator=torch.Generator().manual_seed(0))
    image = noise[:images] + torch.arange(images).reshape(-1, 1, 1, 1)
    patch = noise[..., :8, :8] + 100 + torch.arange(images * each).reshape(-1, 1, 1, 1)
    truth, prediction = (torch.tensor([one] * images * each) for one in (TRUE, found))
    return draw_matches(image, patch, truth, prediction, **options)


def position(axes: Axes, gid: str) -> list[float]:
    (line,) = (line for line in axes.get_lines() if line.get_gid() == gid)
    return np.concatenate(line.get_data()).tolist()


def patches_of(axes: Axes, kind: type) -> list:
    return [patch for patch in axes.patches if isinstance(patch, kind)]


@pytest.mark.parametrize("panel", [0, 2])
def test_centres_are_at_their_px_in_the_image_and_in_the_close_up(panel):
    axes = figure_of().axes[panel]
    assert position(axes, "truth") == pytest.approx([29.5, 5.5], abs=1e-4)
    assert position(axes, "found") == pytest.approx([32.5, 9.5], abs=1e-4)


@pytest.mark.parametrize(("options", "factor"), [({}, 1.0), ({"sigma_per_scale": math.sqrt(2)}, math.sqrt(2))])
def test_the_ellipse_is_one_sigma_around_the_found_centre(options, factor):
    (ellipse,) = patches_of(figure_of(**options).axes[0], Ellipse)
    assert ellipse.center == pytest.approx((32.5, 9.5), abs=1e-4)
    assert (ellipse.width, ellipse.height) == pytest.approx((4 * factor, 4.8 * factor), rel=1e-4)


def test_the_outline_is_the_patch_s_side_around_the_true_centre():
    (outline,) = patches_of(figure_of().axes[0], Rectangle)
    assert outline.get_bbox().extents == pytest.approx([25.5, 1.5, 33.5, 9.5], abs=1e-4)


def test_the_close_up_is_as_large_as_the_patch_and_around_the_found_centre():
    axes = figure_of().axes[2]
    assert axes.get_xlim() == pytest.approx((28.5, 36.5), abs=1e-4)
    assert axes.get_ylim() == pytest.approx((13.5, 5.5), abs=1e-4)  # downwards


def test_the_title_is_the_error():
    assert figure_of().axes[0].get_title(loc="left") == "error 5.0 px"


def test_axis_0_of_image_and_patch_runs_to_the_right():
    image, patch = torch.rand(1, 1, *SHAPE), torch.rand(1, 1, 8, 8)
    axes = draw_matches(image, patch, torch.zeros(1, 2), torch.zeros(1, 4)).axes
    for one, expected in zip(axes, (image, patch, image), strict=True):
        np.testing.assert_array_equal(one.get_images()[0].get_array(), expected[0, 0].T)
        assert one.get_images()[0].origin == "upper"


def test_samples_are_taken_evenly_and_each_beside_its_image():
    figure = figure_of(images=4, each=3, max_samples=3)  # samples 0, 5.5 -> 6 and 11, three an image
    shown = [round(float(axes.get_images()[0].get_array().mean()) - 0.5) for axes in figure.axes]
    assert shown == [0, 100, 0, 2, 106, 2, 3, 111, 3]


def test_fewer_samples_than_asked_for_are_all_drawn():
    assert len(figure_of(each=2, max_samples=6).axes) == 2 * 3


def test_a_heatmap_behind_the_prediction_does_not_matter():
    axes = figure_of(found=(*FOUND, *LOG_SCALES, 7.0, 8.0, 9.0)).axes[0]
    assert position(axes, "found") == pytest.approx([32.5, 9.5], abs=1e-4)


@pytest.mark.parametrize("found", [(math.nan, 0.0, 0.0, 0.0), (0.0, 0.0, 200.0, 0.0), (1e4, 0.0, 0.0, 0.0)])
def test_a_network_that_diverged_is_drawn_without_fault(tmp_path, found):
    figure_of(found=found).savefig(tmp_path / "a.png")


@pytest.mark.parametrize(("x", "name"), [(0.0, "found"), (math.nan, "not found")])
def test_a_centre_that_is_no_number_is_told(x, name):
    below = figure_of(found=(x, 0.0, 0.0, 0.0)).axes[2]
    assert [text.get_text() for text in below.texts] == [name]
    assert len(patches_of(below, Ellipse)) == (name == "found")


def test_tensors_with_gradients_are_drawn():
    prediction = torch.zeros(1, 4, requires_grad=True)
    draw_matches(torch.rand(1, 1, *SHAPE), torch.rand(1, 1, 8, 8), torch.zeros(1, 2), prediction)


@pytest.mark.parametrize(("shape", "count"), [((192, 176), 6), ((400, 100), 2), ((400, 100), 1), ((100, 400), 1)])
def test_all_that_is_written_lies_in_the_picture_and_apart(shape, count):
    figure = draw_matches(
        torch.rand(1, 1, *shape), torch.rand(count, 1, 48, 48), torch.zeros(count, 2), torch.zeros(count, 4), title="T"
    )
    figure.canvas.draw()
    axes = [one.get_window_extent() for one in figure.axes]
    titles = [one.title.get_window_extent() for one in figure.axes]
    titles += [one._left_title.get_window_extent() for one in figure.axes[::3]]
    boxes = [*axes, figure.legends[0].get_window_extent(), *(box for box in titles if box.width)]
    boxes += [text.get_window_extent() for text in figure.texts]
    for box in boxes:
        assert figure.bbox.x0 <= box.x0 and box.x1 <= figure.bbox.x1
        assert figure.bbox.y0 <= box.y0 and box.y1 <= figure.bbox.y1
    for i, box in enumerate(boxes):
        assert box.shrunk(0.98, 0.98).count_overlaps(boxes[:i]) == 0


@pytest.mark.parametrize(
    ("images", "patches", "truth", "prediction"),
    [
        ((1, 1, 9, 9, 9), (1, 1, 4, 4), (1, 2), (1, 4)),
        ((1, 1, 9, 9), (1, 1, 4, 4), (1, 3), (1, 4)),
        ((1, 1, 9, 9), (1, 1, 4, 4), (1, 2), (1, 2)),
        ((1, 1, 9, 9), (2, 1, 4, 4), (1, 2), (1, 4)),
        ((1, 1, 9, 9), (1, 1, 4, 4), (1, 2), (3, 4)),
        ((2, 1, 9, 9), (3, 1, 4, 4), (3, 2), (3, 4)),
        ((1, 1, 9, 9), (0, 1, 4, 4), (0, 2), (0, 4)),
        ((0, 1, 9, 9), (1, 1, 4, 4), (1, 2), (1, 4)),
    ],
)
def test_what_does_not_go_together_is_refused(images, patches, truth, prediction):
    with pytest.raises(ValueError, match=r"\("):
        draw_matches(*(torch.zeros(shape) for shape in (images, patches, truth, prediction)))
