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
"""Tests of frames with known landmarks: how a table is read, and which frames give examples for which others."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
import pytest

from scripts.data.example_images import ExamplePoint, read_example_points
from scripts.data.frame_dataset import FrameDataset
from scripts.evaluation import split_groups
from scripts.evaluation.labelled_frames import LabelledFrame, given_groups, read_labelled_frames
from scripts.io.input_error import InputError
from scripts.io.landmarks_csv import Landmark
from scripts.io.slicer_markups import write_slicer_markups

HEADER = "image,frame,label,x,y\n"


@pytest.fixture
def folder(tmp_path) -> Path:
    return tmp_path / "data"


@pytest.fixture
def mixed(folder, write_frames, frame_dataset) -> FrameDataset:
    """A clip of three frames, a still and a still of 28 x 8 px."""
    write_frames(folder / "clip.nii", [(0, 0)] * 3)
    write_frames(folder / "still.nii", zoom=2)
    write_frames(folder / "small.nii", shape=(28, 8))
    return frame_dataset(folder)


@pytest.fixture
def read(mixed, folder) -> Callable[..., tuple[list[LabelledFrame], list[str]]]:
    def read_rows(rows: str, labels: Sequence[str] | None = None, patch_size: int = 7):
        (folder.parent / "truth.csv").write_text(HEADER + rows)
        return read_labelled_frames(folder.parent / "truth.csv", mixed, patch_size, labels)

    return read_rows


@pytest.fixture
def label(write_frames, frame_dataset, write_marks, folder) -> Callable[..., list[LabelledFrame]]:
    """Frames with one landmark, of images whose names and numbers of frames are given."""

    def labelled(**lengths: int) -> list[LabelledFrame]:
        shifts = {f"{name}.nii": [(0, 0)] * length for name, length in lengths.items()}
        for name, moves in shifts.items():
            write_frames(folder / name, moves)
        table = write_marks(folder.parent / "truth.csv", shifts, {"a": (10, 12)})
        return read_labelled_frames(table, frame_dataset(folder), 7)[0]

    return labelled


def random(seed: int = 0) -> np.random.RandomState:
    return np.random.RandomState(seed)


def names(frames: Sequence[LabelledFrame]) -> set[str]:
    assert len({one.frame.name for one in frames}) == len(frames)
    return {one.frame.name for one in frames}


def points(frames: Sequence[LabelledFrame]) -> dict[str, dict[str, list[float]]]:
    return {one.frame.name: {label: point.tolist() for label, point in one.points.items()} for one in frames}


def test_landmarks_are_read_by_frame(read):
    of_clip = "clip.nii,0,a,1,2\nclip.nii,2,a,5,6\nclip.nii,0,b,7,8\nclip.nii,1,a,9,9\n"
    labelled, notes = read(f"still.nii,,b,3.5,40\n{of_clip}small.nii,,a,1,1\n")
    assert points(labelled) == {
        "clip.nii, frame 0": {"a": [1, 2], "b": [7, 8]},
        "clip.nii, frame 1": {"a": [9, 9]},
        "clip.nii, frame 2": {"a": [5, 6]},
        "still.nii": {"b": [3.5, 40]},
        "small.nii": {"a": [1, 1]},
    }
    assert notes == []


def test_landmarks_are_read_from_markups(mixed, tmp_path):
    clip = mixed.series[0]
    rows = [Landmark("clip.nii", frame, label, x, 4.0, 1, 1, 1) for frame, label, x in ((0, "a", 3), (2, "b", 5.5))]
    write_slicer_markups(tmp_path / "clip.nii.mrk.json", rows, clip.affines)
    labelled, notes = read_labelled_frames(tmp_path / "clip.nii.mrk.json", mixed, 7, strict=True)
    assert points(labelled) == {"clip.nii, frame 0": {"a": [3, 4]}, "clip.nii, frame 2": {"b": [5.5, 4]}}
    assert notes == ["3 images without any landmark in the table: clip.nii, frame 1, small.nii, still.nii"]


def test_markups_of_another_image_are_refused_or_passed_over(mixed, tmp_path):
    path = tmp_path / "other.nii.mrk.json"
    write_slicer_markups(path, [Landmark("other.nii", None, "a", 3, 4, 1, 1, 1)], np.eye(4))
    with pytest.raises(InputError, match=r"other\.nii\.mrk\.json: it has no landmark in any image .*Name a Markups"):
        read_labelled_frames(path, mixed, 7, strict=True)
    labelled, _ = read_labelled_frames(path, mixed, 7)
    assert labelled == []


def test_only_the_wanted_landmarks_are_taken(read):
    labelled, _ = read("clip.nii,0,a,1,2\nclip.nii,0,b,3,4\nclip.nii,1,c,5,6\n", ["a", "c"])
    assert points(labelled) == {"clip.nii, frame 0": {"a": [1, 2]}, "clip.nii, frame 1": {"c": [5, 6]}}


def test_rows_of_other_images_are_passed_over(read):
    labelled, _ = read("clip.nii,0,a,1,2\nanother.nii,0,a,1,2\nanother.nii,0,a,1,2\n")
    assert names(labelled) == {"clip.nii, frame 0"}


def test_images_without_any_landmark_are_counted_and_named(read):
    _, notes = read("clip.nii,1,a,1,2\nclip.nii,2,b,1,2\nsmall.nii,,a,1,2\n", ["a"])
    assert notes == ["3 images without any landmark in the table: clip.nii, frame 0, clip.nii, frame 2, still.nii"]


def test_landmarks_outside_of_their_images_are_counted_and_named(read):
    rows = "clip.nii,0,a,27.5,5\nclip.nii,0,b,27.6,5\nclip.nii,1,a,-0.5,5\nclip.nii,1,b,5,-1\nstill.nii,,a,55,55\n"
    labelled, notes = read(rows)
    assert points(labelled) == {
        "clip.nii, frame 0": {"a": [27.5, 5]},
        "clip.nii, frame 1": {"a": [-0.5, 5]},
        "still.nii": {"a": [55, 55]},
    }
    assert notes[0].startswith("2 landmarks left out, marked outside of their images: ")
    assert "b in clip.nii, frame 0" in notes[0] and "b in clip.nii, frame 1" in notes[0]


def test_a_landmark_outside_of_the_part_that_is_used_is_left_out(folder, write_frames, frame_dataset):
    write_frames(folder / "a.nii")
    (folder.parent / "truth.csv").write_text(f"{HEADER}a.nii,,in,5,5\na.nii,,out,20,5\n")
    labelled, notes = read_labelled_frames(folder.parent / "truth.csv", frame_dataset(folder, region=(0, 0, 14, 14)), 7)
    assert points(labelled) == {"a.nii": {"in": [5, 5]}}
    assert "out in a.nii" in notes[0]


def test_a_frame_whose_only_landmark_lies_outside_is_not_labelled(read):
    labelled, notes = read("clip.nii,0,a,90,5\nclip.nii,1,a,5,5\n")
    assert names(labelled) == {"clip.nii, frame 1"}
    assert "a in clip.nii, frame 0" in notes[0]


def test_images_smaller_than_a_patch_are_left_out_with_their_landmarks(read):
    labelled, notes = read("clip.nii,0,a,1,2\nsmall.nii,,a,1,2\n", patch_size=9)
    assert names(labelled) == {"clip.nii, frame 0"}
    assert notes[0].startswith("1 images left out") and "small.nii (28 x 8 px)" in notes[0]
    assert "small.nii" not in notes[1]


def test_a_landmark_that_is_marked_twice_is_refused_with_its_line(read):
    with pytest.raises(
        InputError, match=r"truth\.csv, line 4: 'a' is marked twice in clip\.nii, frame 1; keep one of them"
    ):
        read("clip.nii,1,a,1,2\nclip.nii,2,a,1,2\nclip.nii,1,a,3,4\n")


def test_a_fault_of_the_table_is_told_with_its_line(read):
    with pytest.raises(InputError, match=r"truth\.csv, line 3: x is 'left"):
        read("clip.nii,1,a,1,2\nclip.nii,2,a,left,2\n")


def test_within_a_subject_each_series_gives_examples_for_its_own_other_frames(label):
    labelled = label(p=5, q=4)
    groups, subjects, notes = split_groups(labelled, "within", 50, 50, random())
    assert subjects == "within" and notes == [] and len(groups) == 2
    for group, length in zip(groups, (5, 4), strict=True):
        both = names([*group.candidates, *group.targets])
        assert len({one.frame.prepared.name for one in [*group.candidates, *group.targets]}) == 1
        assert len(both) == len(group.candidates) + len(group.targets) == length
        assert len(group.candidates) == length // 2


def test_series_with_one_labelled_frame_leave_none_to_judge_and_are_named(label):
    groups, _, notes = split_groups(label(p=2, q=1, r=1), "within", 50, 50, random())
    assert len(groups) == 1
    assert notes == ["2 series with one labelled frame, which leaves no other frame to judge: q.nii, r.nii"]
    alone = label(q=1)
    assert names(alone) == {"q.nii"}
    assert split_groups(alone, "within", 50, 50, random())[0] == []


def test_across_subjects_no_patient_is_on_both_sides(label):
    labelled = label(a_0=2, a_1=3, b_0=1, b_1=1, c_0=4, d_0=1, e_0=1, e_1=2)
    for seed in range(10):
        (group,), subjects, notes = split_groups(labelled, "cross", 50, 50, random(seed))
        givers, judged = ({one.frame.patient for one in part} for part in (group.candidates, group.targets))
        assert subjects == "cross" and notes == []
        assert not givers & judged and givers | judged == set("abcde")
        assert names(group.candidates) | names(group.targets) == names(labelled)
        assert len(givers) == 2


def test_one_patient_alone_leaves_no_other_and_is_noted(label):
    groups, _, notes = split_groups(label(a_0=2, a_1=3), "cross", 50, 50, random())
    assert groups == []
    assert notes == ["landmarks of one patient only, so no other patient to find them in"]


def test_auto_is_within_where_a_series_has_two_labelled_frames(label):
    labelled = label(a_0=2, b_0=1, c_0=1)
    assert split_groups(labelled, "auto", 50, 50, random())[1] == "within"
    assert split_groups(labelled[1:], "auto", 50, 50, random())[1] == "cross"


def test_examples_and_targets_are_limited_and_drawn_by_the_seed(label):
    labelled = label(p=30, q=4)

    def draw(seed: int) -> list[tuple[set[str], set[str]]]:
        groups, _, _ = split_groups(labelled, "within", 6, 5, random(seed))
        return [(names(group.candidates), names(group.targets)) for group in groups]

    first = draw(1)
    assert [(len(candidates), len(targets)) for candidates, targets in first] == [(5, 6), (2, 2)]
    assert draw(1) == first != draw(2)


@pytest.fixture
def examples(label, folder, frame_dataset) -> Callable[..., list[ExamplePoint]]:
    def read_rows(rows: str) -> list[ExamplePoint]:
        path = folder.parent / "examples.csv"
        path.write_text(HEADER + rows)
        return read_example_points(path, frame_dataset(folder), folder)

    return read_rows


def test_given_examples_are_for_the_other_frames_of_their_series(label, examples):
    labelled = label(p=4, q=3, r=2)
    given = examples("p.nii,1,a,3,4\np.nii,1,b,5,6\nq.nii,0,a,7,8\np.nii,2,a,1,1\n")
    groups, subjects, notes = given_groups(labelled, given, "auto", 50, random())
    assert subjects == "within" and notes == []
    assert [points(group.candidates) for group in groups] == [
        {"p.nii, frame 1": {"a": [3, 4], "b": [5, 6]}, "p.nii, frame 2": {"a": [1, 1]}},
        {"q.nii, frame 0": {"a": [7, 8]}},
    ]
    assert [names(group.targets) for group in groups] == [
        {"p.nii, frame 0", "p.nii, frame 3"},
        {"q.nii, frame 1", "q.nii, frame 2"},
    ]


def test_given_examples_across_subjects_are_for_images_of_other_patients(label, examples):
    labelled = label(a_0=2, a_1=1, b_0=1, c_0=2)
    (group,), subjects, notes = given_groups(labelled, examples("a_0.nii,1,a,3,4\n"), "cross", 50, random())
    assert subjects == "cross" and notes == []
    assert points(group.candidates) == {"a_0.nii, frame 1": {"a": [3, 4]}}
    assert names(group.targets) == {"b_0.nii", "c_0.nii, frame 0", "c_0.nii, frame 1"}


def test_given_examples_of_stills_are_across_subjects_by_themselves(label, examples):
    labelled = label(a_0=1, b_0=1, c_0=1)
    (group,), subjects, _ = given_groups(labelled, examples("a_0.nii,,a,3,4\n"), "auto", 50, random())
    assert subjects == "cross" and names(group.targets) == {"b_0.nii", "c_0.nii"}
    (group,), _, _ = given_groups(labelled, examples("a_0.nii,,a,3,4\n"), "auto", 1, random())
    assert len(group.targets) == 1


def test_given_examples_of_an_image_outside_of_the_data_serve_too(label, examples, write_frames, tmp_path):
    labelled = label(a_0=1, b_0=1)
    write_frames(tmp_path / "other" / "x.nii")
    given = examples(f"{tmp_path / 'other' / 'x.nii'},,a,3,4\n")
    (group,), _, _ = given_groups(labelled, given, "auto", 50, random())
    assert names(group.targets) == {"a_0.nii", "b_0.nii"}
    assert points(group.candidates) == {"x.nii": {"a": [3, 4]}}


def test_given_examples_without_another_frame_to_judge_are_noted(label, examples):
    labelled = label(p=1, q=2)
    given = examples("p.nii,,a,3,4\nq.nii,0,a,3,4\n")
    groups, _, notes = given_groups(labelled, given, "within", 50, random())
    assert [names(group.targets) for group in groups] == [{"q.nii, frame 1"}]
    assert notes == ["1 series with examples but no other labelled frame to judge: p.nii"]
    groups, _, notes = given_groups(labelled[:1], examples("p.nii,,a,3,4\n"), "cross", 50, random())
    assert groups == [] and notes == ["no labelled image of a patient without an example"]
