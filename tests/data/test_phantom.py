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
"""Tests of the breathing phantom against measurements made in its images."""

from __future__ import annotations

import csv
from pathlib import Path

import nibabel as nib
import numpy as np
import pytest
from scipy.ndimage import gaussian_filter, map_coordinates
from scipy.optimize import minimize

from scripts.data import phantom
from scripts.data.phantom import LANDMARKS, breathing_phantom, main, write_phantom
from scripts.io.input_error import InputError

FRAMES = 8  # most of one breath


@pytest.fixture(scope="module")
def clean() -> phantom.PhantomSubject:
    return breathing_phantom(0, n_frames=FRAMES, noise=0.0, gain_drift=0.0)


def read_rows(path: Path) -> list[dict[str, str]]:
    with path.open(newline="") as file:
        return list(csv.DictReader(file))


def patch_at(image: np.ndarray, point: np.ndarray, half: int = 4) -> np.ndarray:
    offsets = np.mgrid[-half : half + 1, -half : half + 1]
    return map_coordinates(image, point[:, None, None] + offsets, order=3)


def measured_position(image: np.ndarray, reference: np.ndarray, start: np.ndarray) -> np.ndarray:
    """Where ``reference`` correlates best with ``image``, searched from a whole-pixel start."""

    def misfit(point: np.ndarray) -> float:
        return 1 - np.corrcoef(patch_at(image, point).ravel(), reference.ravel())[0, 1]

    neighbours = [start + (i, j) for i in range(-2, 3) for j in range(-2, 3)]
    return minimize(misfit, min(neighbours, key=misfit), method="Nelder-Mead").x


def top_of_dot(image: np.ndarray, near: np.ndarray) -> np.ndarray:
    """Top of a Gaussian dot, also of a sheared one: its logarithm is a paraboloid."""
    i, j = (axis.ravel() for axis in np.mgrid[-1:2, -1:2])
    terms = np.stack([np.ones(9), i, j, i * i, i * j, j * j], axis=1)
    _, gi, gj, hii, hij, hjj = np.linalg.lstsq(terms, np.log(image[i + near[0], j + near[1]]), rcond=None)[0]
    return near - np.linalg.solve([[2 * hii, hij], [hij, 2 * hjj]], [gi, gj])


def test_shapes_and_types():
    subject = breathing_phantom(1, size=(96, 80), n_frames=3, motion_px=5.0)
    assert subject.frames.shape == (3, 96, 80)
    assert subject.frames.dtype == np.float32
    assert tuple(subject.tracks) == LANDMARKS
    assert all(track.shape == (3, 2) for track in subject.tracks.values())


def test_same_seed_and_subject_give_the_same_data(clean):
    again = breathing_phantom(0, n_frames=FRAMES, noise=0.0, gain_drift=0.0)
    np.testing.assert_array_equal(again.frames, clean.frames)
    for label in LANDMARKS:
        np.testing.assert_array_equal(again.tracks[label], clean.tracks[label])


def test_shorter_cine_is_the_beginning_of_a_longer_one():
    long, short = breathing_phantom(2, n_frames=5), breathing_phantom(2, n_frames=3)
    np.testing.assert_array_equal(long.frames[:3], short.frames)
    np.testing.assert_array_equal(long.tracks["liver_tip"][:3], short.tracks["liver_tip"])


@pytest.mark.parametrize("other", [{"subject": 1}, {"subject": 0, "seed": 1}])
def test_subjects_and_seeds_differ(clean, other):
    different = breathing_phantom(**other, n_frames=1, noise=0.0, gain_drift=0.0)
    assert np.abs(different.frames[0] - clean.frames[0]).mean() > 0.03
    assert not np.allclose(different.tracks["liver_lesion"][0], clean.tracks["liver_lesion"][0])


def test_dots_painted_at_the_landmarks_arrive_where_the_tracks_say(clean, monkeypatch):
    def paint_dots(canvas: phantom.Canvas, rng: np.random.Generator) -> dict[str, np.ndarray]:
        points = paint_anatomy(canvas, rng)
        canvas.image = sum(
            np.exp(-((canvas.x - x) ** 2 + (canvas.y - y) ** 2) / (2 * 1.5**2)) for x, y in points.values()
        )
        return points

    paint_anatomy = phantom.paint_anatomy
    monkeypatch.setattr(phantom, "paint_anatomy", paint_dots)
    dots = breathing_phantom(0, n_frames=FRAMES, noise=0.0, gain_drift=0.0)
    for label, track in clean.tracks.items():
        np.testing.assert_array_equal(dots.tracks[label], track)
        for frame, point in zip(dots.frames, track, strict=True):
            assert np.abs(top_of_dot(frame, np.round(point).astype(int)) - point).max() < 0.03, label


# Landmarks around which the motion is nearly a shift, so that a rigid patch is a fair measure of it.
@pytest.mark.parametrize("label", ["portal_bifurcation", "liver_lesion", "liver_dome"])
def test_texture_moves_with_the_tracks(clean, label):
    track = clean.tracks[label]
    reference = patch_at(clean.frames[0], track[0])
    for frame, point in zip(clean.frames[1:], track[1:], strict=True):
        measured = measured_position(frame, reference, start=np.round(point))
        assert np.hypot(*(measured - point)) < 0.35


@pytest.mark.parametrize("subject", range(3))
@pytest.mark.parametrize("motion_px", [4.0, 10.0])
def test_dome_moves_by_motion_px_and_more_than_the_rest(subject, motion_px):
    tracks = breathing_phantom(subject, n_frames=14, motion_px=motion_px).tracks
    peak = {label: np.linalg.norm(track - track[0], axis=1).max() for label, track in tracks.items()}
    assert peak["liver_dome"] == pytest.approx(motion_px, rel=0.2)
    assert max(peak, key=peak.get) == "liver_dome"
    # Not one rigid shift: the landmarks part by much more than a pixel.
    assert peak["liver_tip"] < 0.75 * peak["liver_dome"]
    assert peak["kidney_upper_pole"] < 0.85 * peak["liver_dome"]


def test_copying_the_first_position_is_clearly_wrong():
    tracks = [breathing_phantom(subject, noise=0.0).tracks for subject in range(2)]
    liver = [label for label in LANDMARKS if label != "kidney_upper_pole"]
    error = np.mean([np.linalg.norm(t[label] - t[label][0], axis=1).mean() for t in tracks for label in liver])
    assert 3.0 < error < 5.0


def test_antero_posterior_motion_is_there_and_smaller(clean):
    moved = clean.tracks["liver_lesion"] - clean.tracks["liver_lesion"][0]
    along, across = np.abs(moved[:, 1]).max(), np.abs(moved[:, 0]).max()
    assert 0.05 * along < across < 0.5 * along


def test_body_wall_and_spine_stand_still(clean):
    frames = gaussian_filter(clean.frames, (0, 1, 1))
    change = np.abs(frames - frames[0]).max(axis=0)
    assert change[:24].max() < 0.1 and change[152:].max() < 0.1
    assert change[40:130, 30:130].max() > 0.4


@pytest.mark.parametrize("subject", range(4))
def test_landmarks_lie_well_inside_at_the_largest_motion(subject):
    tracks = breathing_phantom(subject, size=(80, 100), n_frames=14, motion_px=8.0).tracks
    for track in tracks.values():
        assert np.all(track > 10) and np.all(track < np.array([70, 90]))


@pytest.mark.parametrize("subject", range(5))
def test_inverse_undoes_forward_at_the_largest_motion(subject):
    rng = np.random.default_rng(subject)
    motion = phantom._BreathingMotion.random(rng, np.array([80.0, 48.0]), np.ones(2), motion_px=17.6)
    points, deepest = rng.uniform(0, 170, (500, 2)), np.array([1.15, 1.15])
    moved = motion.forward(points, deepest)
    np.testing.assert_allclose(motion.inverse(moved, deepest, start=moved), points, atol=1e-5)


def test_noise_is_fresh_in_each_frame_and_of_the_given_size(clean):
    noisy = breathing_phantom(0, n_frames=2, noise=0.03, gain_drift=0.0)
    bright = clean.frames[0] > 0.3
    residuals = (noisy.frames - clean.frames[:2])[:, bright]
    np.testing.assert_allclose(residuals.std(axis=1), 0.03, rtol=0.05)
    assert abs(np.corrcoef(residuals)[0, 1]) < 0.03
    air = noisy.frames[0][clean.frames[0] < 1e-4]
    assert air.mean() == pytest.approx(0.03 * np.sqrt(np.pi / 2), rel=0.05)  # Rayleigh: magnitude images


def test_gain_drifts_slowly_within_its_range(clean):
    drifting = breathing_phantom(0, n_frames=FRAMES, noise=0.0, gain_drift=0.2)
    gain = drifting.frames.sum(axis=(1, 2)) / clean.frames.sum(axis=(1, 2))
    assert np.all(np.abs(gain - 1) <= 0.2 + 1e-6)
    assert 0 < np.abs(np.diff(gain)).max() < 0.03


@pytest.mark.parametrize(
    "wrong",
    [
        {"subject": -1},
        {"seed": -1},
        {"size": (8, 100)},
        {"n_frames": 0},
        {"motion_px": 18.0},
        {"motion_px": -1.0},
        {"noise": -0.1},
        {"gain_drift": 1.0},
    ],
)
def test_wrong_arguments_are_refused(wrong):
    with pytest.raises(InputError, match=next(iter(wrong))):
        breathing_phantom(**{"subject": 0, **wrong})


def test_written_files_hold_the_subject_exactly(tmp_path):
    options = {"seed": 5, "size": (64, 56), "n_frames": 4, "motion_px": 4.0}
    write_phantom(tmp_path / "new", subjects=[3, 11], **options)
    folder = tmp_path / "new"
    names = ["subject_03.nii.gz", "subject_11.nii.gz"]
    assert sorted(path.name for path in folder.iterdir()) == ["examples.csv", *names, "tracks.csv"]
    rows = read_rows(folder / "tracks.csv")
    assert list(rows[0]) == ["image", "frame", "label", "x", "y"]
    assert len(rows) == 2 * 4 * len(LANDMARKS)
    for name, subject in zip(names, (3, 11), strict=True):
        made = breathing_phantom(subject, **options)
        image = nib.load(folder / name)
        assert image.shape == (64, 56, 1, 4)
        assert image.get_data_dtype() == np.int16
        np.testing.assert_allclose(image.header.get_zooms(), (2.0, 2.0, 5.0, 0.3))
        assert image.header.get_xyzt_units() == ("mm", "sec")
        np.testing.assert_allclose(np.moveaxis(image.get_fdata()[:, :, 0], -1, 0) / 1000, made.frames, atol=0.5001e-3)
        for row in (row for row in rows if row["image"] == name):
            assert [float(row["x"]), float(row["y"])] == made.tracks[row["label"]][int(row["frame"])].tolist()
    assert read_rows(folder / "examples.csv") == [row for row in rows if row["frame"] == "0"]


def test_writing_again_gives_the_same_bytes(tmp_path):
    for folder in ("a", "b"):
        write_phantom(tmp_path / folder, subjects=[0], size=(48, 48), n_frames=2, motion_px=3.0)
    for path in (tmp_path / "a").iterdir():
        assert path.read_bytes() == (tmp_path / "b" / path.name).read_bytes()


def test_command_line_takes_ranges_and_lists(tmp_path):
    small = ["--size", "32", "32", "--n_frames", "1", "--motion_px", "2"]
    main(["--output_dir", str(tmp_path), "--subjects", "0-1,4", *small])
    assert sorted(path.name[8:10] for path in tmp_path.glob("*.nii.gz")) == ["00", "01", "04"]


def test_command_line_refuses_settings_out_of_range_in_a_sentence(tmp_path, capsys):
    with pytest.raises(SystemExit):
        main(["--output_dir", str(tmp_path), "--subjects", "0", "--motion_px", "100"])
    assert "error: motion_px must lie between 0 and a tenth" in capsys.readouterr().err


@pytest.mark.parametrize("subjects", ["", "a", "3-1", "-2"])
def test_command_line_refuses_what_is_not_a_list_of_subjects(tmp_path, capsys, subjects):
    with pytest.raises(SystemExit):
        main(["--output_dir", str(tmp_path), f"--subjects={subjects}"])
    assert "subject" in capsys.readouterr().err
