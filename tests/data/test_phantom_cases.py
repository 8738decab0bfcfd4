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
"""Tests of the phantom's hard cases against the ordinary phantom and against measurements in the images."""

from __future__ import annotations

import csv
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest
from scipy.ndimage import map_coordinates, spline_filter
from scipy.optimize import minimize

from scripts.data import phantom
from scripts.data.phantom import LANDMARKS, PhantomSubject, breathing_phantom, main, write_phantom
from scripts.data.phantom_anatomy import Canvas, paint_anatomy
from scripts.data.phantom_cases import CASES, plan_cases
from scripts.io import read_examples_csv
from scripts.io.input_error import InputError

FRAMES = 20
SMALL = {"size": (64, 56), "motion_px": 4.0}

# of subject 3, frame 5, as computed before there were cases
STORED_PIXELS = [0.1189287, 0.7292991, 0.6641781, 0.8678055]
STORED_POSITIONS = [
    [41.0367891, 27.443077045],
    [41.720796872, 51.104995682],
    [26.624235167, 42.429031484],
    [29.259991662, 65.401709038],
    [60.090119745, 49.364969473],
]


def clean_phantom(*cases: str, subject: int = 0, n_frames: int = FRAMES) -> PhantomSubject:
    return breathing_phantom(subject, n_frames=n_frames, noise=0.0, gain_drift=0.0, cases=cases)


@pytest.fixture(scope="module")
def ordinary() -> PhantomSubject:
    return clean_phantom(n_frames=30)


def distances(image: np.ndarray, point: np.ndarray) -> np.ndarray:
    x, y = np.indices(image.shape)
    return np.hypot(x - point[0], y - point[1])


def contrast_to_surroundings(image: np.ndarray, point: np.ndarray, radius: float = 2.0) -> float:
    """Intensity at a point above that of a ring 11 to 14 px around it."""
    away = distances(image, point)
    return image[away < radius].mean() - np.median(image[(away > 11) & (away < 14)])


def patch_correlation(first: np.ndarray, at: np.ndarray, second: np.ndarray, there: np.ndarray) -> float:
    offsets = np.mgrid[-6:7, -6:7]
    patches = [map_coordinates(f, p[:, None, None] + offsets, order=3) for f, p in ((first, at), (second, there))]
    return np.corrcoef(patches[0].ravel(), patches[1].ravel())[0, 1]


def measured_displacement(image: np.ndarray, reference: np.ndarray) -> np.ndarray:
    """By how much ``reference`` must be shifted to correlate best with ``image`` over the middle of it, in px."""
    middle = np.mgrid[50:140, 50:130]
    coefficients = spline_filter(reference, order=3)
    content = image[tuple(middle)]

    def misfit(displacement: np.ndarray) -> float:
        found = map_coordinates(coefficients, middle - displacement[:, None, None], order=3, prefilter=False)
        return 1 - np.corrcoef(found.ravel(), content.ravel())[0, 1]

    window = np.zeros_like(image)
    window[tuple(middle)] = content - content.mean()
    spectrum = np.fft.fft2(window) * np.conj(np.fft.fft2(reference - reference.mean()))
    peak = np.array(np.unravel_index(np.argmax(np.fft.ifft2(spectrum).real), image.shape))
    start = np.where(peak > np.array(image.shape) / 2, peak - image.shape, peak)
    return minimize(misfit, start.astype(float), method="Nelder-Mead", options={"xatol": 0.01, "fatol": 1e-6}).x


# --- without a case -------------------------------------------------------------------------------------------------


def ordinary_frames(subject: int, seed: int, size: tuple[int, int], n_frames: int, motion_px: float) -> np.ndarray:
    """Noise-free frames without shading and gain, rendered with no knowledge of cases."""
    anatomy_rng, motion_rng = (np.random.default_rng([seed, subject, stream]) for stream in range(2))
    scale = np.asarray(size) / phantom.NOMINAL_SIZE
    canvas = Canvas.blank(size)
    dome = paint_anatomy(canvas, anatomy_rng)["liver_dome"] * scale
    motion = phantom._BreathingMotion.random(motion_rng, dome, scale, motion_px)
    pixels = np.stack(np.meshgrid(*(np.arange(n, dtype=float) for n in size), indexing="ij"), axis=-1)
    coefficients = spline_filter(canvas.image, order=3)
    frames, reference = [], pixels
    for curves in phantom._breathing_curves(motion_rng, n_frames):
        reference = motion.inverse(pixels, curves, start=reference)
        samples = np.moveaxis(canvas.to_samples(reference), -1, 0)
        frames.append(map_coordinates(coefficients, samples, order=3, mode="nearest", prefilter=False))
    return np.maximum(frames, 0)


@pytest.mark.parametrize("subject", [0, 5])
def test_without_a_case_every_bit_is_as_if_there_were_no_cases(subject):
    options = {"seed": 7, "size": (96, 80), "n_frames": 10, "motion_px": 6.0}
    made = breathing_phantom(subject, **options)
    scanner_rng, noise_rng = (np.random.default_rng([7, subject, stream]) for stream in (2, 3))
    frames = ordinary_frames(subject, **options)
    frames *= phantom._coil_shading(scanner_rng, (96, 80))
    period, phase = scanner_rng.uniform(60, 120), scanner_rng.uniform(0, 2 * np.pi)
    frames *= (1 + 0.1 * np.sin(2 * np.pi * np.arange(10) / period + phase))[:, None, None]
    for frame in frames:
        real, imaginary = 0.03 * noise_rng.standard_normal((2, 96, 80))
        np.hypot(frame + real, imaginary, out=frame)
    np.testing.assert_array_equal(made.frames, frames.astype(np.float32))
    assert all(seen.all() for seen in made.visible.values())
    np.testing.assert_array_equal(made.times, np.arange(10))


def test_ordinary_phantom_has_the_numbers_that_it_always_had():
    made = breathing_phantom(3, seed=7, size=(96, 80), n_frames=6, motion_px=6.0)
    np.testing.assert_allclose(made.frames[5, [20, 40, 60, 80], [30, 40, 50, 60]], STORED_PIXELS, rtol=1e-5)
    np.testing.assert_allclose([track[5] for track in made.tracks.values()], STORED_POSITIONS, rtol=1e-9)


# --- all cases ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("cases", [*([case] for case in CASES), list(CASES)])
def test_same_arguments_give_the_same_series_and_cases_differ_from_it(cases):
    made, again = (breathing_phantom(1, n_frames=12, cases=cases, **SMALL) for _ in range(2))
    np.testing.assert_array_equal(made.frames, again.frames)
    without = breathing_phantom(1, n_frames=12, **SMALL)
    assert np.abs(made.frames - without.frames).max() > 0.1
    for label in LANDMARKS:
        np.testing.assert_array_equal(made.tracks[label], again.tracks[label])
        np.testing.assert_array_equal(made.visible[label], again.visible[label])
        np.testing.assert_array_equal(made.tracks[label][0], without.tracks[label][0])
        assert made.visible[label].shape == (12,) and made.visible[label].dtype == bool and made.visible[label][0]
    if "noise" not in cases:
        np.testing.assert_array_equal(made.frames[0], without.frames[0])  # examples are marked in an ordinary frame


@pytest.mark.parametrize("case", CASES)
def test_a_case_is_the_same_alone_and_among_others(case):
    options = {"seed": 3, "subject": 2, "n_frames": 40, "size": (192, 176)}
    alone, among, none = (plan_cases(cases, **options) for cases in ([case], list(CASES)[::-1], []))
    parts = {
        "contrast": (),  # goes with the time, which dropped frames change
        "jump": (),  # adds to the shift of an absence
        "dropped": ("times", "fault"),
        "absence": ("lesion",),
        "noise": ("noise_factor",),
    }
    for part in parts[case]:
        np.testing.assert_array_equal(getattr(alone, part), getattr(among, part))
        assert np.any(getattr(alone, part) != getattr(none, part))
    shifts = [plan_cases([c], **options).shift for c in ("jump", "absence")]
    np.testing.assert_allclose(among.shift, sum(shifts))


@pytest.mark.parametrize("case", [case for case in CASES if case != "noise"])
@pytest.mark.parametrize("other", [{"subject": 1}, {"seed": 1}])
def test_subjects_and_seeds_have_other_cases(case, other):
    options = {"seed": 0, "subject": 0, "n_frames": 40, "size": (192, 176)}
    first, second = plan_cases([case], **options), plan_cases([case], **{**options, **other})
    parts = ("times", "shift", "swap", "gain", "lesion", "fault")
    assert any(np.any(getattr(first, part) != getattr(second, part)) for part in parts)


# --- contrast -------------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def contrast() -> PhantomSubject:
    return clean_phantom("contrast", n_frames=30)


def test_contrast_turns_edges_round_and_back(contrast, ordinary):
    for label in ("liver_lesion", "portal_bifurcation"):
        track = contrast.tracks[label]
        np.testing.assert_array_equal(track, ordinary.tracks[label])
        contrasts = [contrast_to_surroundings(f, p) for f, p in zip(contrast.frames, track, strict=True)]
        inverted = int(np.argmin(contrasts))
        assert contrasts[0] > 0.15 and contrasts[inverted] < -0.15
        assert max(contrasts[inverted:]) > 0.15
        args = contrast.frames[0], track[0], contrast.frames[inverted], track[inverted]
        assert patch_correlation(*args) < -0.3


def test_contrast_swaps_pairs_of_tissue_one_after_the_other(contrast):
    first = {}
    for label in ("liver_lesion", "portal_bifurcation"):
        pairs = zip(contrast.frames, contrast.tracks[label], strict=True)
        first[label] = np.argmax([contrast_to_surroundings(frame, point) < 0 for frame, point in pairs])
    assert 0 < first["liver_lesion"] < first["portal_bifurcation"]


def test_contrast_changes_the_gain_slowly(contrast, ordinary):
    # Where the contrast is back to what it was, the frame is the ordinary one times the gain.
    pairs = zip(contrast.frames[10:], ordinary.frames[10:], strict=True)
    back = 10 + int(np.argmax([np.corrcoef(made.ravel(), plain.ravel())[0, 1] for made, plain in pairs]))
    bright = ordinary.frames[back] > 0.3
    ratio = contrast.frames[back][bright] / ordinary.frames[back][bright]
    assert ratio.std() < 0.05 * ratio.mean()
    assert 0.03 < abs(ratio.mean() - 1) < 0.45
    gain = plan_cases(["contrast"], seed=0, subject=0, n_frames=30, size=(192, 176)).gain
    assert ratio.mean() == pytest.approx(gain[back], rel=0.03)
    assert np.abs(np.diff(gain)).max() < 0.08


@pytest.mark.parametrize("n_frames", [8, 12, 40, 200])
def test_contrast_swaps_fully_in_series_of_any_length(n_frames):
    swap = plan_cases(["contrast"], seed=0, subject=3, n_frames=n_frames, size=(192, 176)).swap
    assert swap[0] == 0 and 0.85 < swap.max() <= 1


# --- jump -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("subject", range(3))
def test_jump_moves_everything_by_20_px_once(subject):
    made, without = clean_phantom("jump", subject=subject), clean_phantom(subject=subject)
    moved = np.stack([made.tracks[label] - without.tracks[label] for label in LANDMARKS])
    np.testing.assert_allclose(moved, np.broadcast_to(moved[0], moved.shape), atol=1e-9)
    lengths = np.linalg.norm(moved[0], axis=1)
    frame = int(np.argmax(lengths > 0))
    assert frame > 0
    np.testing.assert_array_equal(lengths[:frame], 0)
    np.testing.assert_allclose(lengths[frame:], 20)
    np.testing.assert_array_equal(made.frames[:frame], without.frames[:frame])
    for index in (frame, FRAMES - 1):
        measured = measured_displacement(made.frames[index], without.frames[index])
        np.testing.assert_allclose(measured, moved[0, index], atol=0.1)
    assert all(seen.all() for seen in made.visible.values())


def test_jump_comes_at_different_frames_and_never_first():
    options = {"seed": 0, "n_frames": FRAMES, "size": (192, 176)}
    shifts = [plan_cases(["jump"], subject=subject, **options).shift for subject in range(30)]
    frames = {int(np.argmax(shift[:, 0] != 0)) for shift in shifts}
    assert min(frames) > 0 and len(frames) > 5


# --- dropped --------------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def dropped() -> PhantomSubject:
    return clean_phantom("dropped")


def test_dropped_frames_are_missing_from_the_ordinary_series(dropped, ordinary):
    steps = np.diff(dropped.times)
    assert dropped.times[0] == 0 and steps.min() == 1
    assert 2 <= steps.max() <= 5 and 1 <= (steps > 1).sum() <= FRAMES / 4
    for label in LANDMARKS:
        np.testing.assert_array_equal(dropped.tracks[label], ordinary.tracks[label][dropped.times])
    whole = dropped.visible["liver_dome"]
    np.testing.assert_allclose(dropped.frames[whole], ordinary.frames[dropped.times[whole]], atol=1e-5)


def test_receiver_gain_goes_on_while_frames_are_dropped():
    without = breathing_phantom(1, n_frames=20, noise=0.0, gain_drift=0.3, **SMALL)
    made = breathing_phantom(1, n_frames=10, noise=0.0, gain_drift=0.3, cases=["dropped"], **SMALL)
    whole = made.visible["liver_dome"]
    np.testing.assert_allclose(made.frames[whole], without.frames[made.times[whole]], atol=1e-5)


def test_dropped_frames_make_steps_of_motion_longer():
    lengths: dict[bool, list[float]] = {True: [], False: []}
    for subject in range(6):
        made = breathing_phantom(subject, n_frames=40, cases=["dropped"], **SMALL)
        moved = np.linalg.norm(np.diff(made.tracks["liver_dome"], axis=0), axis=1)
        for length, step in zip(moved, np.diff(made.times), strict=True):
            lengths[step > 1].append(length)
    assert np.mean(lengths[True]) > 1.5 * np.mean(lengths[False])


def test_broken_frames_are_constant_or_only_noise_and_nothing_in_them_is_visible(dropped, ordinary):
    broken = ~dropped.visible["liver_dome"]
    for label in LANDMARKS:
        np.testing.assert_array_equal(~dropped.visible[label], broken)
    assert not broken[0] and broken.sum() == 2
    kinds = set()
    for frame, time in zip(dropped.frames[broken], dropped.times[broken], strict=True):
        if np.ptp(frame) == 0:
            kinds.add("constant")
        else:
            assert abs(np.corrcoef(frame.ravel(), ordinary.frames[time].ravel())[0, 1]) < 0.03
            assert abs(np.corrcoef(frame[1:].ravel(), frame[:-1].ravel())[0, 1]) < 0.03
            kinds.add("noise")
    assert kinds == {"constant", "noise"}


# --- absence --------------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def absence() -> PhantomSubject:
    return clean_phantom("absence", n_frames=30)


def test_absence_takes_the_lesion_out_and_nothing_else(absence, ordinary):
    still = np.linalg.norm(absence.tracks["liver_tip"] - ordinary.tracks["liver_tip"], axis=1) == 0
    gone = ~absence.visible["liver_lesion"] & still
    assert not gone[0] and gone.sum() >= 4
    track = ordinary.tracks["liver_lesion"]
    for index in np.flatnonzero(still):
        change = np.abs(absence.frames[index] - ordinary.frames[index])
        away = distances(change, track[index])
        assert change[away > 18].max() < 1e-5  # 13.5 px at rest, more where breathing stretches the tissue
        share = change[away < 3].mean() / contrast_to_surroundings(ordinary.frames[index], track[index], radius=3)
        if abs(share - 0.5) > 0.15:  # else too near to half for a measurement
            assert (share > 0.5) == gone[index], index
    middle = np.flatnonzero(gone)[gone.sum() // 2]
    left = contrast_to_surroundings(absence.frames[middle], track[middle])
    assert abs(left) < 0.06 < 0.3 < contrast_to_surroundings(ordinary.frames[middle], track[middle])
    for label in set(LANDMARKS) - {"liver_lesion"}:
        assert absence.visible[label][still].all()


@pytest.mark.parametrize("subject", range(6))
def test_absence_moves_some_landmarks_out_of_the_image_and_back(subject):
    made, without = (breathing_phantom(subject, n_frames=24, cases=c, **SMALL) for c in (["absence"], []))
    out = np.stack(
        [np.any((track < -0.5) | (track > np.array([63.5, 55.5])), axis=1) for track in made.tracks.values()]
    )
    assert out.any(axis=0).sum() >= 3
    assert not out.all(axis=0).any()
    seen = np.stack(list(made.visible.values()))
    assert not seen[out].any()
    first_out = int(np.argmax(out.any(axis=0)))
    np.testing.assert_array_equal(seen[:, first_out:], ~out[:, first_out:])
    assert seen[:, 0].all() and seen[:, -1].all()
    moved = np.stack([made.tracks[label] - without.tracks[label] for label in LANDMARKS])
    np.testing.assert_allclose(moved, np.broadcast_to(moved[0], moved.shape), atol=1e-9)  # would-be positions
    np.testing.assert_array_equal(moved[0, [0, -1]], 0)


def test_anatomy_that_has_moved_is_the_same_anatomy(absence, ordinary):
    moved = absence.tracks["liver_tip"] - ordinary.tracks["liver_tip"]
    index = int(np.argmax(np.abs(moved[:, 0])))
    assert abs(moved[index, 0]) == pytest.approx(96) and moved[index, 1] == 0
    pair = absence.frames[index], ordinary.frames[index]
    seen = [
        patch_correlation(pair[0], absence.tracks[label][index], pair[1], ordinary.tracks[label][index])
        for label in LANDMARKS
        if np.all(np.abs(absence.tracks[label][index] - [96, 88]) < [88, 80])
    ]
    assert seen and min(seen) > 0.99


@pytest.mark.parametrize("n_frames", [12, 13, 40, 300])
@pytest.mark.parametrize("subject", range(5))
def test_absences_begin_and_end_within_the_series(n_frames, subject):
    plan = plan_cases(["absence"], seed=0, subject=subject, n_frames=n_frames, size=(192, 176))
    away = np.abs(plan.shift[:, 0]) / 96
    for amount in (1 - plan.lesion, away):
        assert amount[0] == 0 and amount[-1] == 0
        full = np.flatnonzero(amount > 1 - 1e-9)
        assert len(full) >= 0.15 * n_frames and np.all(np.diff(full) == 1)
    assert not np.any((plan.lesion < 1) & (away > 0))


# --- noise ----------------------------------------------------------------------------------------------------------


def test_noise_is_three_times_as_strong(ordinary):
    bright = ordinary.frames[0] > 0.4
    spread = []
    for cases in ([], ["noise"]):
        frames = breathing_phantom(0, n_frames=3, noise=0.02, gain_drift=0.0, cases=cases).frames
        spread.append((frames - ordinary.frames[:3])[:, bright].std())
    assert spread[0] == pytest.approx(0.02, rel=0.03)
    assert spread[1] / spread[0] == pytest.approx(3, rel=0.03)


# --- files and the command line -------------------------------------------------------------------------------------


def read_rows(path: Path) -> list[dict[str, str]]:
    with path.open(newline="") as file:
        return list(csv.DictReader(file))


@pytest.mark.parametrize("cases", [["absence"], ["dropped", "jump"], ["noise"]])
def test_tables_tell_what_is_visible(tmp_path, cases):
    write_phantom(tmp_path, subjects=[1, 2], n_frames=12, cases=cases, **SMALL)
    rows = read_rows(tmp_path / "tracks.csv")
    assert list(rows[0]) == ["image", "frame", "label", "x", "y", "visible"]
    assert len(rows) == 2 * 12 * len(LANDMARKS)
    made = {f"subject_{k:02d}.nii.gz": breathing_phantom(k, n_frames=12, cases=cases, **SMALL) for k in (1, 2)}
    for row in rows:
        subject, frame = made[row["image"]], int(row["frame"])
        assert [float(row["x"]), float(row["y"])] == subject.tracks[row["label"]][frame].tolist()
        assert row["visible"] == str(int(subject.visible[row["label"]][frame]))
    examples = read_rows(tmp_path / "examples.csv")
    assert examples == [row for row in rows if row["frame"] == "0"] and {row["visible"] for row in examples} == {"1"}
    points = read_examples_csv(tmp_path / "tracks.csv")
    assert [(p.image, p.frame, p.label, p.x, p.y) for p in points] == [
        (row["image"], int(row["frame"]), row["label"], float(row["x"]), float(row["y"])) for row in rows
    ]


def test_command_line_takes_several_cases(tmp_path):
    small = ["--size", "64", "56", "--n_frames", "8", "--motion_px", "4", "--subjects", "0"]
    main(["--output_dir", str(tmp_path / "line"), *small, "--case", "jump", "--case", "noise"])
    write_phantom(tmp_path / "api", subjects=[0], n_frames=8, cases=("noise", "jump"), **SMALL)
    for path in (tmp_path / "api").iterdir():
        assert path.read_bytes() == (tmp_path / "line" / path.name).read_bytes()


def test_help_has_a_line_for_each_case(capsys):
    with pytest.raises(SystemExit):
        main(["--help"])
    lines = capsys.readouterr().out.splitlines()
    for name, what in CASES.items():
        assert any(line.split() == [name, *what.split()] for line in lines), name
        assert len(what) < 110


@pytest.mark.parametrize(
    ("cases", "n_frames", "message"),
    [
        (["blur"], 40, r"no case 'blur'.*contrast, jump, dropped, absence, noise"),
        (["noise", "Jump"], 40, "no case 'Jump'"),
        (["absence"], 11, "'absence' needs n_frames of 12 or more, got 11"),
        (["noise", "jump"], 1, "'jump' needs n_frames of 2"),
    ],
)
def test_wrong_cases_are_refused_before_anything_is_written(tmp_path, cases: Sequence[str], n_frames, message):
    with pytest.raises(InputError, match=message):
        breathing_phantom(0, n_frames=n_frames, cases=cases)
    with pytest.raises(InputError, match=message):
        write_phantom(tmp_path / "new", subjects=[0], n_frames=n_frames, cases=cases)
    assert not (tmp_path / "new").exists()


@pytest.mark.parametrize("options", [["--case", "blur"], ["--case", "absence", "--n_frames", "5"]])
def test_command_line_refuses_wrong_cases_in_a_sentence(tmp_path, capsys, options):
    with pytest.raises(SystemExit):
        main(["--output_dir", str(tmp_path / "new"), "--subjects", "0", *options])
    assert options[1] in capsys.readouterr().err.splitlines()[-1]
