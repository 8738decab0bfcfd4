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
from __future__ import annotations

from io import BytesIO
from pathlib import Path

import numpy as np
import pytest
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.colors import to_rgb
from matplotlib.figure import Figure
from PIL import Image

from scripts.io.landmark_status import LandmarkStatus
from scripts.io.landmarks_csv import Landmark
from scripts.visualize.overlay import draw_landmarks, draw_legend, label_colors, write_overlay


def landmark(x: float, y: float, label: str = "a", frame: int | None = None, sigma: float = 1.0) -> Landmark:
    return Landmark("clip.dcm", frame, label, x, y, sigma, sigma, 3)


def drawn(image: np.ndarray, landmarks: list[Landmark], zoom: int) -> np.ndarray:
    """The picture, (rows, columns, RGB) in 0..1, with ``zoom`` x ``zoom`` screen pixels to a pixel of the image."""
    figure = Figure(figsize=(image.shape[0] * zoom / 100, image.shape[1] * zoom / 100), dpi=100)
    canvas = FigureCanvasAgg(figure)
    draw_landmarks(figure.add_axes((0, 0, 1, 1)), image, landmarks)
    canvas.draw()
    return np.asarray(canvas.buffer_rgba())[..., :3] / 255


def colored(picture: np.ndarray, color: str) -> np.ndarray:
    """(rows, columns) where the picture has about this colour."""
    return np.abs(picture - np.asarray(to_rgb(color))).max(-1) < 0.12


def centre(mask: np.ndarray) -> np.ndarray:
    """Mean (x, y) of a mask, with screen pixel i covering i to i + 1."""
    rows, columns = np.nonzero(mask)
    return np.array([columns.mean(), rows.mean()]) + 0.5


class TestLabelColors:
    def test_order_and_repeats_do_not_matter(self) -> None:
        assert label_colors(["b", "a", "b"]) == label_colors(["a", "b"])
        assert list(label_colors(["b", "a"])) == ["a", "b"]

    def test_seven_labels_differ_and_more_are_served(self) -> None:
        colors = label_colors("abcdefghi")
        assert len(colors) == 9
        assert len(set(list(colors.values())[:7])) == 7


class TestDrawLandmarks:
    @pytest.mark.parametrize("point", [(31, 5), (3, 17), (20.25, 9.75)])
    def test_a_point_lands_on_its_pixel(self, point: tuple[float, float]) -> None:
        picture = drawn(np.zeros((40, 24)), [landmark(*point, label=" ")], zoom=16)
        found = centre(colored(picture, label_colors(" ")[" "]))
        np.testing.assert_allclose(found, (np.array(point) + 0.5) * 16, atol=0.75)

    def test_the_image_is_neither_transposed_nor_flipped_nor_moved(self) -> None:
        image = np.zeros((40, 24))
        image[31, 5] = 1
        picture = drawn(image, [], zoom=10)
        assert picture.shape == (240, 400, 3)
        rows, columns = np.nonzero(picture[..., 0] > 0.5)
        assert (columns.min(), columns.max(), rows.min(), rows.max()) == (310, 319, 50, 59)

    def test_the_ellipse_reaches_one_sigma_along_each_axis(self) -> None:
        point = Landmark("a", None, " ", 20, 12, 12.0, 6.0, 1)
        rows, columns = np.nonzero(colored(drawn(np.zeros((40, 24)), [point], zoom=16), label_colors(" ")[" "]))
        assert np.ptp(columns) == pytest.approx(2 * 12 * 16, abs=4)
        assert np.ptp(rows) == pytest.approx(2 * 6 * 16, abs=4)

    def test_the_ellipse_of_a_doubtful_landmark_is_broken(self) -> None:
        sums = {}
        for status in LandmarkStatus:
            point = Landmark("a", None, " ", 20, 12, 12.0, 9.0, 1, status=status)
            sums[status] = colored(drawn(np.zeros((40, 24)), [point], zoom=16), label_colors(" ")[" "]).sum()
        assert sums["valid"] == sums["unchecked"] > 1.3 * sums["doubtful"]

    def test_labels_stay_inside_and_apart(self) -> None:
        figure = Figure(figsize=(4, 4), dpi=100)
        FigureCanvasAgg(figure)
        axes = figure.add_axes((0, 0, 1, 1))
        points = [(99, 0), (0, 99), (50, 50), (52, 52)]
        draw_landmarks(axes, np.zeros((100, 100)), [landmark(x, y, f"name {x}") for x, y in points])
        boxes = [text.get_window_extent() for text in axes.texts]
        assert len(boxes) == 4
        assert all(box.x0 >= 0 and box.x1 <= 400 and box.y0 >= 0 and box.y1 <= 400 for box in boxes)
        assert not any(a.overlaps(b) for i, a in enumerate(boxes) for b in boxes[:i])

    def test_odd_labels_are_written_as_they_are(self) -> None:
        figure = Figure()
        axes = figure.add_subplot()
        draw_landmarks(axes, np.zeros((8, 8)), [landmark(1, 1, r"_$\nothing$"), landmark(5, 5, "$")])
        draw_legend(axes, axes.get_lines()[:2], [r"_$\nothing$", "$"])
        figure.savefig(BytesIO(), format="png")
        assert [text.get_text() for text in axes.get_legend().get_texts()] == [r"_$\nothing$", "$"]

    @pytest.mark.parametrize("image", [np.zeros((8, 6)), np.full((8, 6), np.nan), np.ones((8, 6), bool)])
    def test_even_images_and_lost_points_do_no_harm(self, image: np.ndarray) -> None:
        drawn(image, [landmark(np.nan, 1), landmark(1, 1, sigma=np.nan), landmark(2, 2, sigma=0)], zoom=10)

    def test_an_image_of_another_shape_is_refused(self) -> None:
        with pytest.raises(ValueError, match=r"\(X, Y\)"):
            draw_landmarks(Figure().add_subplot(), np.zeros((3, 8, 8)), [])


class TestWriteOverlay:
    def test_the_point_is_at_its_place_in_the_file(self, tmp_path: Path) -> None:
        write_overlay(tmp_path / "a.png", np.zeros((60, 20)), [landmark(45, 4, " ")])
        picture = np.asarray(Image.open(tmp_path / "a.png").convert("RGB")) / 255
        assert picture.shape[:2] == (300, 900)
        np.testing.assert_allclose(centre(colored(picture, label_colors(" ")[" "])), (45.5 * 15, 4.5 * 15), atol=0.75)

    def test_the_title_takes_room_above_and_none_of_the_image(self, tmp_path: Path) -> None:
        write_overlay(tmp_path / "a.png", np.zeros((60, 20)), [landmark(45, 4, " ")], title="word " * 60)
        picture = np.asarray(Image.open(tmp_path / "a.png").convert("RGB")) / 255
        header = len(picture) - 300
        assert header > 60  # several lines
        found = centre(colored(picture, label_colors(" ")[" "]))
        np.testing.assert_allclose(found, (45.5 * 15, 4.5 * 15 + header), atol=0.75)

    def test_colours_can_be_shared_with_other_pictures(self, tmp_path: Path) -> None:
        colors = label_colors(["a", "b", "c"])
        write_overlay(tmp_path / "a.png", np.zeros((60, 20)), [landmark(45, 4, "c")], colors=colors)
        picture = np.asarray(Image.open(tmp_path / "a.png").convert("RGB")) / 255
        assert colored(picture, colors["c"]).sum() > 20
        assert not colored(picture, colors["a"]).any()

    def test_a_fault_leaves_no_file(self, tmp_path: Path) -> None:
        with pytest.raises(KeyError):
            write_overlay(tmp_path / "a.png", np.zeros((60, 20)), [landmark(45, 4, "c")], colors={})
        assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("aspect", [0.5, 1.0, 2.5])
def test_a_picture_keeps_the_shape_of_pixels(tmp_path: Path, aspect: float) -> None:
    """A point, and the ellipse of a sigma that is round in mm, in a picture of 40 x 24 px of 1 x ``aspect`` mm."""
    point = (11.0, 7.0)
    mark = Landmark("a.png", None, " ", *point, 3.0, 3.0 / aspect, 1)
    write_overlay(tmp_path / "a.png", np.zeros((40, 24)), [mark], aspect=aspect)
    picture = np.asarray(Image.open(tmp_path / "a.png").convert("RGB")) / 255
    height, width = picture.shape[:2]
    assert max(width, height) == 900
    assert width / height == pytest.approx(40 / (24 * aspect), rel=0.01)
    shown = colored(picture, label_colors(" ")[" "])
    np.testing.assert_allclose(centre(shown), (np.array(point) + 0.5) * [width / 40, height / 24], atol=1.5)
    across, along = (np.ptp(np.flatnonzero(shown.any(axis=axis))) for axis in (0, 1))
    assert across == pytest.approx(along, abs=3)


@pytest.mark.parametrize("shape", [(320, 240), (60, 240)])
@pytest.mark.parametrize(
    "labels", [["a", "x" * 120], [f"landmark {i}" for i in range(40)], ["m" * 120 + str(i) for i in range(100)]]
)
def test_many_or_long_names_are_numbers_that_a_list_explains(tmp_path, monkeypatch, labels, shape):
    drawn = []
    save = Figure.savefig
    monkeypatch.setattr(
        Figure, "savefig", lambda figure, *args, **how: (drawn.append(figure), save(figure, *args, **how))
    )
    rng = np.random.default_rng(0)
    landmarks = [Landmark("a.png", None, one, *rng.uniform(5, 55, 2), 2, 1, 1) for one in labels]
    write_overlay(tmp_path / "a.png", np.zeros(shape), landmarks)
    [figure] = drawn
    beside = [text.get_text() for text in figure.axes[0].texts]
    assert sorted(map(int, beside)) == list(range(1, len(labels) + 1))
    entries = figure.legends[0].get_texts()
    assert [text.get_text().split()[0] for text in entries] == [str(i + 1) for i in range(len(labels))]
    assert len({text.get_text().split(maxsplit=1)[1] for text in entries}) == len(labels)
    image = figure.axes[0].get_window_extent()
    assert image.height == pytest.approx(900 if shape[0] < 100 else 675, abs=2)
    for text in entries:
        box = text.get_window_extent()
        assert box.x0 >= 0
        assert box.x1 <= figure.bbox.x1
        assert box.y0 >= 0
        assert box.y1 <= image.y0
