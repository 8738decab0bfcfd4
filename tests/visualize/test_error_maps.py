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

"""Tests of the maps of errors."""

from __future__ import annotations

import math
import warnings

import numpy as np
import pytest
import torch
from matplotlib.axes import Axes
from matplotlib.colors import to_rgb

from scripts.visualize.error_maps import draw_error_maps

IMAGE = torch.arange(48 * 36, dtype=torch.float32).reshape(48, 36)


def shown(axes: Axes) -> np.ndarray:
    return np.ma.filled(axes.get_images()[0].get_array().astype(float), np.nan)


def test_a_coarser_map_covers_the_image_with_axis_0_to_the_right():
    values = torch.rand(16, 12)
    image, error = draw_error_maps(IMAGE, {"Error": values}).axes[:2]
    np.testing.assert_allclose(shown(image), IMAGE.T)
    np.testing.assert_allclose(shown(error), values.T, rtol=1e-6)
    assert image.get_images()[0].get_extent() == error.get_images()[0].get_extent()
    assert error.get_images()[0].get_extent() == pytest.approx([-0.5, 47.5, 35.5, -0.5])
    assert image.get_xlim() == error.get_xlim() and image.get_ylim() == error.get_ylim()
    assert image.get_position().size == pytest.approx(error.get_position().size)


def test_a_block_is_drawn_where_its_pixels_are():
    values = torch.zeros(16, 12)
    values[10, 3] = 5.0  # pixels 30 to 32 to the right, 9 to 11 downwards
    figure = draw_error_maps(IMAGE, {"Error": values}, limits={"Error": 5.0})
    figure.canvas.draw()
    picture = np.asarray(figure.canvas.buffer_rgba())[::-1, :, :3]  # rows upwards, as matplotlib has them
    axes = figure.axes[1]

    def color(x: float, y: float) -> tuple[int, ...]:
        column, row = axes.transData.transform((x, y))
        return tuple(int(one) for one in picture[int(row), int(column)])

    inside = {color(x, y) for x in (29.8, 31, 32.2) for y in (8.8, 10, 11.2)}
    outside = {color(*point) for point in ((29, 10), (33, 10), (31, 8), (31, 12), (10, 31))}
    (bright,), (dark,) = inside, outside  # the ends of viridis
    assert bright == pytest.approx((253, 231, 37), abs=1) and dark == pytest.approx((68, 1, 84), abs=1)


def test_titles_are_mean_and_standard_deviation_of_what_is_finite():
    values = torch.tensor([[1.0, 3.0], [math.nan, math.inf]])
    figure = draw_error_maps(torch.rand(4, 4), {"Error": values, "Sigma": values * 100}, unit="mm")
    assert [axes.get_title(loc="left") for axes in figure.axes[:3]] == [
        "Image",
        "Error\n2.00 ± 1.00 mm",
        "Sigma\n200.0 ± 100.0 mm",
    ]


def test_the_limit_is_the_98th_percentile_or_what_is_given():
    values = torch.arange(101, dtype=torch.float32)[:, None].repeat(1, 2)
    values[0] = math.nan  # of 1 to 100 the 98th percentile is 98.02
    figure = draw_error_maps(torch.rand(202, 4), {"a": values, "b": values}, limits={"b": 7.0})
    limits = [axes.get_images()[0].get_clim() for axes in figure.axes[1:3]]
    assert limits[0] == pytest.approx((0, 98.02)) and limits[1] == (0, 7)


def test_each_map_has_a_bar_with_the_unit():
    figure = draw_error_maps(IMAGE, {"a": torch.rand(16, 12), "b": torch.rand(16, 12)}, unit="mm")
    assert [axes.get_ylabel() for axes in figure.axes[3:]] == ["mm", "mm"]


def test_what_is_not_finite_is_light_grey_and_explained():
    values = torch.ones(16, 12)
    assert not draw_error_maps(IMAGE, {"Error": values}).legends
    values[0, 0] = math.nan
    figure = draw_error_maps(IMAGE, {"Error": values})
    assert [text.get_text() for text in figure.legends[0].get_texts()] == ["not evaluated"]
    image = figure.axes[1].get_images()[0]
    grey = image.cmap(np.ma.masked_invalid([math.nan]))[0, :3]
    assert tuple(grey) == pytest.approx(to_rgb(figure.legends[0].get_patches()[0].get_facecolor()))
    assert min(grey) > 0.8 and len(set(grey)) == 1


@pytest.mark.parametrize("values", [torch.full((16, 12), math.nan), torch.zeros(16, 12), torch.full((16, 12), 1e-9)])
def test_any_map_can_be_drawn(tmp_path, values):
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        figure = draw_error_maps(IMAGE, {"Error": values}, title="a_$x_$")
        figure.savefig(tmp_path / "a.png")
    title = figure.axes[1].get_title(loc="left")
    assert title.endswith("no value") == bool(values.isnan().all())


@pytest.mark.parametrize("shape", [(48, 36), (20, 90), (90, 20)])
def test_all_that_is_written_lies_in_the_picture_and_apart(shape):
    values = torch.rand(5, 5) * 12
    values[0] = math.nan
    names = ("Error", "Standard deviation over targets")
    figure = draw_error_maps(torch.rand(shape), dict.fromkeys(names, values), title="A long name of a file " * 8)
    figure.canvas.draw()
    panels, bars = figure.axes[:3], figure.axes[3:]
    boxes = [axes.get_window_extent() for axes in panels] + [axes.get_tightbbox() for axes in bars]
    boxes += [axes._left_title.get_window_extent() for axes in panels]
    boxes += [figure.legends[0].get_window_extent(), figure.texts[0].get_window_extent()]
    for i, box in enumerate(boxes):
        assert figure.bbox.x0 <= box.x0 and box.x1 <= figure.bbox.x1
        assert figure.bbox.y0 <= box.y0 and box.y1 <= figure.bbox.y1
        assert box.shrunk(0.98, 0.98).count_overlaps(boxes[:i]) == 0


def test_what_is_no_map_is_refused():
    with pytest.raises(ValueError, match="no map"):
        draw_error_maps(IMAGE, {})
    with pytest.raises(ValueError, match="Error must be of shape"):
        draw_error_maps(IMAGE, {"Error": torch.rand(1, 16, 12)})
    with pytest.raises(ValueError, match="image must be of shape"):
        draw_error_maps(IMAGE[None], {"Error": torch.rand(16, 12)})
