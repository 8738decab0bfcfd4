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
"""Tests of animated series, read back from the file."""

from __future__ import annotations

import time
from pathlib import Path

import numpy as np
import pytest
from matplotlib.colors import to_rgb
from PIL import Image

from scripts.io.landmarks_csv import Landmark
from scripts.visualize import animation
from scripts.visualize.animation import write_animation
from scripts.visualize.overlay import label_colors


def landmark(x: float, y: float, label: str = "a", frame: int | None = None, sigma: float = 1.0) -> Landmark:
    return Landmark("clip.dcm", frame, label, x, y, sigma, sigma, 3)


def colored(picture: np.ndarray, color: str) -> np.ndarray:
    """(rows, columns) where the picture has about this colour."""
    return np.abs(picture - np.asarray(to_rgb(color))).max(-1) < 0.12


class TestWriteAnimation:
    def pages(self, path: Path) -> list[np.ndarray]:
        with Image.open(path) as gif:
            return [np.asarray((gif.seek(t), gif.convert("RGB"))[1]) / 255 for t in range(gif.n_frames)]

    def test_each_marker_moves_on_its_own_and_the_clip_loops(self, tmp_path: Path) -> None:
        path = tmp_path / "a.gif"
        way = {"a": [(60.0, 10.0 + 4 * t) for t in range(6)], "b": [(10.0, 40.0 - 5 * t) for t in range(6)]}
        points = [landmark(*way[label][t], label, t) for label in way for t in range(6)]
        write_animation(path, np.zeros((6, 70, 50)), points, fps=15)
        with Image.open(path) as gif:
            assert gif.n_frames == 6
            assert gif.info["loop"] == 0
            assert gif.size[0] == 700
        for t, page in enumerate(self.pages(path)):
            for label, color in label_colors(way).items():
                image = page[:500]  # the legend below has the same colours
                x, y = (np.array(way[label][t]) + 0.5) * 10
                box = colored(image, color)[int(y) - 22 : int(y) + 22, int(x) - 22 : int(x) + 22]
                # The ellipse of sigma 1 px is 20 screen pixels wide, and where it is now.
                assert box.any(axis=0).sum() >= 19
                assert box[21:24, 21:24].any()
                ahead = np.array(way[label][t]) + (0, 4 if label == "a" else -5)
                x, y = (ahead + 0.5) * 10
                assert not colored(image, color)[int(y) - 2 : int(y) + 2, int(x) - 2 : int(x) + 2].any()

    def test_a_lost_landmark_is_not_shown(self, tmp_path: Path) -> None:
        points = [landmark(20, 20, "a", t) for t in (0, 2)]
        write_animation(tmp_path / "a.gif", np.zeros((3, 70, 50)), points, fps=5)
        color = label_colors("a")["a"]
        assert [bool(colored(page[:500], color).any()) for page in self.pages(tmp_path / "a.gif")] == [
            True,
            False,
            True,
        ]

    def test_still_frames_are_all_kept_and_the_rate_holds(self, tmp_path: Path) -> None:
        write_animation(tmp_path / "a.gif", np.zeros((15, 40, 30)), [], fps=15)
        with Image.open(tmp_path / "a.gif") as gif:
            durations = [(gif.seek(t), gif.info["duration"])[1] for t in range(gif.n_frames)]
        assert len(durations) == 15
        assert sum(durations) == 1000

    def test_one_frame_makes_a_picture(self, tmp_path: Path) -> None:
        write_animation(tmp_path / "a.gif", np.zeros((1, 40, 30)), [landmark(3, 3, frame=0)], fps=1)
        assert len(self.pages(tmp_path / "a.gif")) == 1

    def test_the_image_changes_with_the_frame_and_its_grey_window_does_not(self, tmp_path: Path) -> None:
        frames = np.zeros((2, 70, 50))
        frames[0, :35], frames[1, :35] = 1.0, 2.0
        write_animation(tmp_path / "a.gif", frames, [], fps=2)
        first, second = self.pages(tmp_path / "a.gif")
        assert first[250, 100].mean() == pytest.approx(0.5, abs=0.03)
        assert second[250, 100].mean() == pytest.approx(1.0, abs=0.03)
        assert second[250, 600].mean() == 0

    def test_thirty_frames_take_seconds(self, tmp_path: Path) -> None:
        frames = np.random.default_rng(0).random((30, 320, 240))
        points = [landmark(100 + t, 50 + 20 * i, f"p{i}", t) for t in range(30) for i in range(4)]
        start = time.process_time()
        write_animation(tmp_path / "a.gif", frames, points, fps=15)
        assert time.process_time() - start < 12  # about 3 s; the slack is for slow machines

    @pytest.mark.parametrize(
        ("shape", "fps", "frame", "message"),
        [
            ((40, 30), 15, 0, "T, X, Y"),
            ((0, 40, 30), 15, 0, "at least one"),
            ((2, 40, 30), 0, 0, "fps"),
            ((2, 40, 30), 15, 2, "frame 2"),
            ((2, 40, 30), 15, None, "frame None"),
        ],
    )
    def test_faults_are_told_and_leave_no_file(
        self, tmp_path: Path, shape: tuple[int, ...], fps: float, frame: int | None, message: str
    ) -> None:
        with pytest.raises(ValueError, match=message):
            write_animation(tmp_path / "a.gif", np.zeros(shape), [landmark(1, 1, frame=frame)], fps=fps)
        assert not list(tmp_path.iterdir())


def test_of_a_long_series_some_frames_are_shown_with_their_own_numbers(tmp_path):
    rng = np.random.default_rng(0)
    frames = np.repeat(rng.integers(0, 255, (1, 40, 30)).astype(np.uint8), 1000, axis=0)
    landmarks = [Landmark("a", t, "p", 10 + t / 100, 12, 1, 1, 1) for t in range(1000)]
    step = write_animation(tmp_path / "a.gif", frames, landmarks, fps=12)
    assert step > 1
    assert Image.open(tmp_path / "a.gif").n_frames == len(range(0, 1000, step)) <= 120
    assert (tmp_path / "a.gif").stat().st_size < 10_000_000


def test_a_page_that_is_large_makes_them_fewer(tmp_path):
    frames = np.random.default_rng(0).integers(0, 255, (200, 150, 150)).astype(np.uint8)
    assert write_animation(tmp_path / "a.gif", frames, [], fps=12) > 2
    assert 30 <= Image.open(tmp_path / "a.gif").n_frames < 80


def test_a_short_series_is_shown_whole(tmp_path):
    assert write_animation(tmp_path / "a.gif", np.zeros((120, 8, 6)), [], fps=12) == 1


@pytest.mark.parametrize(
    "labels", [["a", "x" * 120], [f"landmark {i}" for i in range(40)], ["m" * 120 + str(i) for i in range(30)]]
)
@pytest.mark.parametrize("shape", [(40, 30), (8, 40)])
def test_names_below_stay_inside_the_picture(tmp_path, monkeypatch, labels, shape):
    drawn = []
    listed = animation.list_below
    monkeypatch.setattr(animation, "list_below", lambda figure, *args: (drawn.append(figure), listed(figure, *args)))
    landmarks = [Landmark("a", t, one, 4, 5, 1, 1, 1) for one in labels for t in range(2)]
    write_animation(tmp_path / "a.gif", np.zeros((2, *shape)), landmarks, fps=5)
    texts = drawn[0].legends[0].get_texts()
    assert len({text.get_text() for text in texts}) == len(labels)
    for text in texts:
        box = text.get_window_extent()
        assert 0 <= box.x0 < box.x1 <= drawn[0].bbox.x1
        assert 0 <= box.y0 < box.y1 <= drawn[0].axes[0].get_window_extent().y0
