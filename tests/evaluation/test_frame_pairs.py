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
"""Tests of the pairs that the cyclic error goes between: extremes of known motion, other patients, given tables."""

from __future__ import annotations

import unicodedata
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
import pytest

from scripts.data.frame_dataset import FrameDataset
from scripts.data.prepared_series import PreparedSeries
from scripts.evaluation.frame_pairs import (
    KeyFrame,
    cross_subject_pairs,
    given_pairs,
    motion_extremes,
    within_subject_pairs,
)
from scripts.evaluation.frames import Frame, usable_frames
from scripts.io.input_error import InputError

# at rest in frame 3, furthest from it in frame 5; most frames are near the rest
MOTION = [(0, 1), (0, 1), (0, 1), (0, 0), (0, 2), (0, 4), (0, 3)]
HEADER = "source_image,source_frame,target_image,target_frame\n"


@pytest.fixture
def clip(tmp_path, write_clip, frame_dataset) -> Callable[..., PreparedSeries]:
    """A moving texture."""

    def write(shifts: Sequence[tuple[int, int]], shape: tuple[int, int] = (40, 40)) -> PreparedSeries:
        write_clip(tmp_path / "clip.nii", shifts, shape=shape)
        return frame_dataset(tmp_path, (40, 40)).series[0]

    return write


@pytest.fixture
def clips(tmp_path, write_clip, frame_dataset) -> FrameDataset:
    """Six clips of the same motion, the i-th of which begins i frames later; and a still."""
    for i in range(6):
        write_clip(tmp_path / f"{i}.nii", MOTION[i:] + MOTION[:i], shape=(32, 32), seed=i)
    write_clip(tmp_path / "still.nii", [(0, 0)], shape=(32, 32))
    return frame_dataset(tmp_path, (32, 32))


@pytest.fixture
def patients(tmp_path, write_frames, frame_dataset) -> list[Frame]:
    """Frames of five patients: four with two stills each and one with a clip of three."""
    for patient in "abcd":
        for i in range(2):
            write_frames(tmp_path / f"{patient}_{i}.nii")
    write_frames(tmp_path / "e_0.nii", [(0, 0)] * 3)
    return usable_frames(frame_dataset(tmp_path), 9)[0]


def names(keys: Sequence[KeyFrame]) -> list[tuple[str, list[str]]]:
    return [(key.source.name, [target.name for target in key.targets]) for key in keys]


@pytest.mark.parametrize("direction", [(0, 1), (0, -1), (1, 0), (-1, 0), (1, 1), (-2, 1)])
def test_the_extremes_are_rest_first_and_the_far_end_of_the_motion_second(clip, direction):
    x, y = direction
    assert motion_extremes(clip([(x * d, y * d) for _, d in MOTION]), 17) == (3, 5)


def test_the_main_direction_of_motion_counts(clip):
    # along y over 6 px, along x by 1 px only, where other frames are furthest apart
    assert motion_extremes(clip([(0, 1), (1, 1), (-1, 1), (0, 0), (0, 2), (0, 6), (0, 1)]), 17) == (3, 5)


def test_a_long_series_is_looked_at_in_some_frames(clip):
    series = clip([(0, 0), (0, 5), (0, 1), (0, -3), (0, 3), (0, -5), (0, 1), (0, 5), (0, 1)])
    assert set(motion_extremes(series, 17)) == {1, 5}
    # frames 0, 2, 4, 6 and 8
    assert motion_extremes(series, 17, most_frames=5) == (0, 4)


def test_padding_around_the_image_is_no_matter(clip):
    assert motion_extremes(clip(MOTION, shape=(40, 24)), 11) == (3, 5)
    assert motion_extremes(clip(MOTION, shape=(24, 40)), 11) == (3, 5)


def test_each_series_has_one_pair_from_rest_to_the_far_end_of_its_motion(clips):
    frames, _ = usable_frames(clips, 13)
    keys, notes = within_subject_pairs(frames, 10, 13, np.random.RandomState(0))
    expected = [(f"{i}.nii, frame {(3 - i) % 7}", [f"{i}.nii, frame {(5 - i) % 7}"]) for i in range(6)]
    assert names(keys) == expected
    (note,) = notes
    assert note.startswith("1 series of one image") and note.endswith(": still.nii")


def test_some_series_are_drawn_by_the_seed(clips):
    frames, _ = usable_frames(clips, 13)
    first, same, *others = (
        names(within_subject_pairs(frames, 2, 13, np.random.RandomState(seed))[0]) for seed in (1, 1, 2, 3, 4)
    )
    assert first == same and len(first) == 2
    assert any(other != first for other in others)


def test_targets_are_of_other_patients_only_and_different(patients):
    keys, notes = cross_subject_pairs(patients, 11, 4, np.random.RandomState(0))
    assert [key.source for key in keys] == patients
    for key in keys:
        assert len(set(names([key])[0][1])) == 4
        assert key.source.patient not in {target.patient for target in key.targets}
    assert notes == []


def test_every_image_of_another_patient_may_be_a_target(patients):
    keys, notes = cross_subject_pairs(patients, 11, 100, np.random.RandomState(0))
    for key in keys:
        assert key.targets == [frame for frame in patients if frame.patient != key.source.patient]
    assert len(notes) == 1 and notes[0].startswith("11 key images with fewer than 100 images of other patients")


def test_key_images_and_targets_are_drawn_by_the_seed(patients):
    first, same, other = (
        names(cross_subject_pairs(patients, 3, 2, np.random.RandomState(seed))[0]) for seed in (1, 1, 2)
    )
    assert first == same and len(first) == 3
    assert first != other


def test_one_patient_alone_has_no_pair_across_patients(patients):
    keys, notes = cross_subject_pairs(patients[:2], 10, 10, np.random.RandomState(0))
    assert keys == []
    assert notes == ["2 key images without an image of another patient: a_0.nii, a_1.nii"]


def write(folder: Path, rows: str) -> Path:
    path = folder / "pairs.csv"
    path.write_text(HEADER + rows)
    return path


def test_given_pairs_of_one_source_are_together(tmp_path, patients):
    table = write(tmp_path, "e_0.nii,2,,0\na_0.nii,,b_1.nii,\ne_0.nii,0,e_0.nii,1\na_0.nii,,e_0.nii,2\n")
    assert dict(names(given_pairs(table, patients))) == {
        "a_0.nii": ["b_1.nii", "e_0.nii, frame 2"],
        "e_0.nii, frame 0": ["e_0.nii, frame 1"],
        "e_0.nii, frame 2": ["e_0.nii, frame 0"],
    }
    assert len(given_pairs(table, patients)) == 3


def test_pairs_of_images_that_cannot_be_used_are_left_out_and_told(tmp_path, patients, caplog):
    whole = given_pairs(write(tmp_path, "a_0.nii,,b_1.nii,\n"), patients)
    table = write(tmp_path, "a_0.nii,,b_1.nii,\nbad.nii,0,a_0.nii,0\n")
    assert len(given_pairs(table, patients, ["bad.nii"])) == len(whole)
    assert "1 of" in caplog.text
    with pytest.raises(InputError, match=r"bad\.nii is not in the data set"):
        given_pairs(table, patients)


@pytest.mark.parametrize(
    "fault", ["x.nii,0,a_0.nii,0", "a_0.nii,0,x.nii,0", "e_0.nii,3,a_0.nii,0", "a_0.nii,0,e_0.nii,9"]
)
def test_a_pair_of_what_is_not_in_the_data_is_told_with_its_line(tmp_path, patients, fault):
    table = write(tmp_path, f"a_0.nii,,b_0.nii,\n{fault}\n")
    with pytest.raises(InputError, match=r"pairs\.csv, line 3: frame \d of (x|e_0)\.nii is not in the data set"):
        given_pairs(table, patients)


def test_only_frames_that_may_be_taken_are_paired(tmp_path, write_clip, frame_dataset):
    write_clip(tmp_path / "clip.nii", MOTION, shape=(40, 40))
    frames = [frame for frame in usable_frames(frame_dataset(tmp_path, (40, 40)), 17)[0] if frame.index in (1, 4, 6)]
    keys, _ = within_subject_pairs(frames, 1, 17, np.random.RandomState(0))
    assert {keys[0].source.index, keys[0].targets[0].index} <= {1, 4, 6}


def test_a_series_in_which_nothing_moves_has_no_pair_and_is_named(tmp_path, write_clip, frame_dataset):
    write_clip(tmp_path / "clip.nii", [(0, 0)] * 4, shape=(40, 40))
    frames, _ = usable_frames(frame_dataset(tmp_path, (40, 40)), 17)
    keys, notes = within_subject_pairs(frames, 1, 17, np.random.RandomState(0))
    assert keys == []
    assert notes == ["1 series in which nothing moves, so without a pair: clip.nii"]


def test_a_motion_of_more_than_half_a_patch_is_not_cut_off(clip):
    assert set(motion_extremes(clip([(0, d) for d in (0, 1, 5, 6, 7, 8, 0)]), 11)) == {0, 5}


def test_an_image_that_is_not_there_is_told_with_the_nearest(tmp_path, patients):
    with pytest.raises(
        InputError, match=r"line 2: frame 0 of a0\.nii .*count frames from 0; the nearest names are '[ab]_0"
    ):
        given_pairs(write(tmp_path, "a0.nii,,b_0.nii,\n"), patients)
    with pytest.raises(InputError, match=r"count frames from 0$"):
        given_pairs(write(tmp_path, "a_0.nii,7,b_0.nii,\n"), patients)


@pytest.mark.parametrize(("there", "written"), [("NFD", "NFC"), ("NFC", "NFD")])
def test_names_in_another_unicode_form_are_the_same(tmp_path, write_clip, frame_dataset, there, written):
    there, written = (unicodedata.normalize(form, "ä.nii") for form in (there, written))
    write_clip(tmp_path / there, MOTION, shape=(40, 40))
    frames = usable_frames(frame_dataset(tmp_path, (40, 40)), 17)[0]
    [key] = given_pairs(write(tmp_path, f"{written},0,,3\n"), frames)
    assert (key.source.prepared.name, key.source.index, key.targets[0].index) == (there, 0, 3)
