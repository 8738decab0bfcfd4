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

from pathlib import Path

import numpy as np
import pytest
from matplotlib.colors import to_rgb
from matplotlib.figure import Figure
from PIL import Image

from scripts.io.landmarks_csv import Landmark
from scripts.visualize.overlay import label_colors
from scripts.visualize.trajectory import write_trajectories


def series(label: str, frames: list[int]) -> list[Landmark]:
    return [Landmark("clip.dcm", t, label, 100 + t, 50 - 2 * t, 0.5, 1.5, 3) for t in frames]


@pytest.fixture
def figures(monkeypatch: pytest.MonkeyPatch) -> list[Figure]:
    """Collect the figures that are saved, to read their curves."""
    saved: list[Figure] = []
    save = Figure.savefig

    def collect(figure: Figure, *args: object, **options: object) -> None:
        saved.append(figure)
        save(figure, *args, **options)

    monkeypatch.setattr(Figure, "savefig", collect)
    return saved


def curve(figure: Figure, axes: int, label: int) -> np.ndarray:
    lines = [line for line in figure.axes[axes].get_lines() if line.get_gid() == "curve"]
    return np.stack(lines[label].get_data())


def test_curves_start_at_zero_and_break_where_frames_are_missing(tmp_path: Path, figures: list[Figure]) -> None:
    write_trajectories(tmp_path / "a.png", [*series("b", [2, 4]), *reversed(series("a", [0, 1, 2]))])
    np.testing.assert_allclose(curve(figures[0], 0, 0), [[0, 1, 2], [0, 1, 2]])
    np.testing.assert_allclose(curve(figures[0], 1, 0), [[0, 1, 2], [0, -2, -4]])
    np.testing.assert_allclose(curve(figures[0], 1, 1), [[2, 3, 4], [0, np.nan, -4]])


def test_a_lost_first_position_does_not_lose_the_curve(tmp_path: Path, figures: list[Figure]) -> None:
    lost = Landmark("clip.dcm", 0, "a", np.nan, np.nan, 1, 1, 1)
    nowhere = Landmark("clip.dcm", 0, "b", np.nan, np.nan, 1, 1, 1)
    write_trajectories(tmp_path / "a.png", [lost, nowhere, *series("a", [1, 2])])
    np.testing.assert_allclose(curve(figures[0], 0, 0), [[0, 1, 2], [np.nan, 0, 1]])


def test_labels_that_share_a_colour_differ_in_style(tmp_path: Path, figures: list[Figure]) -> None:
    write_trajectories(tmp_path / "a.png", [point for label in "abcdefghi" for point in series(label, [0, 1])])
    lines = [line for line in figures[0].axes[0].get_lines() if line.get_gid() == "curve"]
    assert len({(line.get_color(), line.get_linestyle()) for line in lines}) == 9


def test_the_band_is_one_sigma_of_its_axis(tmp_path: Path, figures: list[Figure]) -> None:
    write_trajectories(tmp_path / "a.png", series("a", [0, 1]))
    for axes, low, high in ((0, -0.5, 1.5), (1, -3.5, 1.5)):
        heights = figures[0].axes[axes].collections[0].get_paths()[0].vertices[:, 1]
        assert (heights.min(), heights.max()) == pytest.approx((low, high))


def test_units_note_title_and_odd_labels_are_written(tmp_path: Path, figures: list[Figure]) -> None:
    landmarks = [*series(r"$\x$", [0, 1]), *series("_b", [0, 1])]
    write_trajectories(tmp_path / "a.png", landmarks, title="Liver, 5 $", pixel_note="1 px = 1.4 mm")
    figure = figures[0]
    assert [axes.get_ylabel().split("\n")[0] for axes in figure.axes] == ["x displacement", "y displacement"]
    assert all("px" in axes.get_ylabel() for axes in figure.axes)
    assert "1 px = 1.4 mm" in figure.axes[1].get_xlabel()
    assert figure.get_suptitle() == "Liver, 5 $"
    assert [text.get_text() for text in figure.legends[0].get_texts()] == [r"$\x$", "_b"]


def test_the_picture_has_the_colour_of_the_label(tmp_path: Path) -> None:
    colors = label_colors(["a", "b", "c"])
    write_trajectories(tmp_path / "a.png", series("c", list(range(5))), colors=colors)
    picture = np.asarray(Image.open(tmp_path / "a.png").convert("RGB")) / 255
    near = {label: (np.abs(picture - to_rgb(color)).max(-1) < 0.05).sum() for label, color in colors.items()}
    assert near["c"] > 500
    assert near["a"] == near["b"] == 0


@pytest.mark.parametrize("landmarks", [[], [Landmark("a.png", None, "a", 1, 1, 1, 1, 1)]])
def test_what_is_no_series_is_refused(tmp_path: Path, landmarks: list[Landmark]) -> None:
    with pytest.raises(ValueError, match="landmark"):
        write_trajectories(tmp_path / "a.png", landmarks)
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize(
    "labels",
    [["a", "b", "c", "x" * 120], [f"landmark {i}" for i in range(40)], [f"landmark {i}" for i in range(100)],
     [f"left ventricle {i} {'very ' * 20}long" for i in range(40)], ["m" * 120 + str(i) for i in range(30)]],
)  # fmt: skip
def test_every_name_is_inside_the_picture_and_its_own(tmp_path: Path, figures: list[Figure], labels: list[str]) -> None:
    write_trajectories(tmp_path / "a.png", [point for label in labels for point in series(label, [0, 1])])
    [figure] = figures
    texts = figure.legends[0].get_texts()
    assert len({text.get_text() for text in texts}) == len(labels)
    for text in texts:
        box = text.get_window_extent()
        assert box.x0 >= 0
        assert box.y0 >= 0
        assert box.x1 <= figure.bbox.x1
        assert box.y1 <= figure.bbox.y1
    height = figure.axes[0].get_window_extent().height
    assert height > 150  # the curves keep their room
    styles = [(line.get_color(), str(line._dash_pattern)) for line in figure.axes[0].get_lines() if line.get_gid()]
    assert len(set(styles)) == min(len(labels), 42)
