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
"""Trackers side by side on simulated and real series."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch
from tqdm import tqdm

from comparison.learned_baselines import load_affinity_matcher
from comparison.methods import Method, affinity_method, classical_methods, network_methods, shipped_config
from comparison.settings import TrackingSettings
from comparison.tracking_cases import TrackingCase, phantom_cases, textured_points, warped_cases
from comparison.tracking_errors import cyclic_errors, tracking_errors
from comparison.training_runs import BUNDLE, TrainingRuns
from scripts.data import FrameDataset, find_image_series
from scripts.data.phantom import NOMINAL_SIZE, write_phantom
from scripts.metrics.error_summary import error_summary

THRESHOLDS = (1, 2, 4)  # px
HARD_CASES = ("contrast", "jump", "dropped", "absence", "noise")
FIRST_JUDGED = 60  # the number of the first simulated subject that is judged
POINTS = 12  # landmarks in a real frame
REAL_SIZE = (256, 256)
HOLD_OUT_EVERY = 5  # as train.json holds out
PATCH_SIZE = 56  # px, of our network
SLOW_STEP = 4  # slow methods are judged on every fourth frame

Row = dict[str, Any]


def compare_on_phantom(
    folder: Path,
    runs: TrainingRuns,
    settings: TrackingSettings,
    threads: int,
    cases: Sequence[str],
    *,
    untrained: bool = False,
) -> list[Row]:
    """Rows of the simulated subjects: ``clean`` and hard cases by name; only of what needs no training, if so asked."""
    if untrained:
        methods = classical_methods(threads, equalize=False)
    else:
        methods = _trained_on_phantom(folder, runs, settings, threads)
    methods += shipped_methods(NOMINAL_SIZE, threads)
    subjects = range(FIRST_JUDGED, FIRST_JUDGED + settings.subjects)
    rows = []
    for case in cases:
        series = phantom_cases(subjects, settings.frames, () if case == "clean" else (case,))
        rows += compare_on(f"phantom, {case}", series, methods, settings)
    return rows


def _trained_on_phantom(folder: Path, runs: TrainingRuns, settings: TrackingSettings, threads: int) -> list[Method]:
    images = folder / f"tracking_phantom-{settings.trained_subjects}-{settings.frames}"
    if not (images / "examples.csv").is_file():
        write_phantom(images, subjects=range(settings.trained_subjects), n_frames=settings.frames, progress=True)
    network = runs.weights(
        "network", ["data/phantom", "augment/tracking"], {"dataset_dir": str(images), **settings.network}
    )
    affinity = train_affinity(images, NOMINAL_SIZE, runs, settings)
    return tracking_methods(network, affinity, NOMINAL_SIZE, runs, settings, threads)


def shipped_methods(size: Sequence[int], threads: int) -> list[Method]:
    """The network with the bundle's weights for series."""
    told = shipped_config(BUNDLE / "configs" / "data" / "echo_demo.json")
    weights, name = BUNDLE / "models" / "model_series.pt", "the shipped network"
    return network_methods(weights, size, told["patch_size"], threads, None, patch_zoom=told["patch_zoom"], name=name)


def compare_on_real(
    name: str, images: Path, runs: TrainingRuns, settings: TrackingSettings, threads: int, seed: int
) -> list[Row]:
    """Rows of real series: their frames under known fields, and there and back between their own frames.

    The networks are trained on the other images or, where there are fewer than five series, on the other frames of the
    same, without landmarks, as they are where somebody uses them.
    """
    found = find_image_series(images)
    held_out = FrameDataset(found, REAL_SIZE, hold_out_every=HOLD_OUT_EVERY, held_out=True)
    frames = [held_out.series[series].image(frame)[0, 0].numpy() for series, frame in held_out.items]
    series = [one.frames[:, 0].numpy() for one in held_out.series if one.length > 1]
    own = {"dataset_dir": str(images), "image_size": list(REAL_SIZE), "patch_size": PATCH_SIZE, "patch_zoom": 1}
    network = runs.weights("network", ["augment/tracking"], {**own, **settings.network})
    affinity = train_affinity(images, REAL_SIZE, runs, settings)
    methods = tracking_methods(network, affinity, REAL_SIZE, runs, settings, threads)
    rows = compare_on(f"{name}, known fields", warped_cases(frames, settings.warped, POINTS, seed), methods, settings)
    return rows + cycles(f"{name}, there and back", series[: settings.subjects], methods, settings)


def compare_on(
    data: str, series: Sequence[TrackingCase], methods: Sequence[Method], settings: TrackingSettings
) -> list[Row]:
    """A row a method."""
    rows = []
    for method in tqdm(methods, desc=data, unit="method", disable=None):
        judged = fewer(series, settings.slow_cases) if method.slow else series
        errors, lost, ms = tracking_errors(method, judged)
        rows.append(row(data, method, errors, lost, ms))
    return rows


def cycles(data: str, series: Sequence[np.ndarray], methods: Sequence[Method], settings: TrackingSettings) -> list[Row]:
    """A row a method, of cyclic errors: of those that move at all, and need no frames in between for the way back."""
    points = [textured_points(frames[0], POINTS) for frames in series]
    rows = []
    asked = [one for one in methods if one.moves and not one.sequential]
    for method in tqdm(asked, desc=data, unit="method", disable=None):
        judged = [one[::SLOW_STEP] for one in series[: settings.slow_cases]] if method.slow else series
        errors, lost = cyclic_errors(method.make, judged, points[: len(judged)])
        rows.append(row(data, method, errors, lost, None))
    return rows


def fewer(series: Sequence[TrackingCase], slow_cases: int) -> list[TrackingCase]:
    """What slow methods are judged on: every fourth frame of the first series, or some pairs of frames."""
    if len(series[0].frames) == 2:
        return list(series[: 4 * slow_cases])
    return [one.every(SLOW_STEP) for one in series[:slow_cases]]


def row(data: str, method: Method, errors: torch.Tensor, lost: float, ms: float | None) -> Row:
    """What the table tells."""
    return {
        "data": data,
        "method": method.name,
        "package": method.package,
        "examples": 1,
        "fewer": method.slow,
        "lost": lost,
        **error_summary(errors, "px", THRESHOLDS),
        "ms": ms,
        "trained_s": method.trained_s,
    }


def tracking_methods(
    network: Path,
    affinity: Path,
    size: Sequence[int],
    runs: TrainingRuns,
    settings: TrackingSettings,
    threads: int,
) -> list[Method]:
    """All of them; the paths are of weights."""
    matcher = load_affinity_matcher(affinity, str(settings.simclr["encoder"]))
    return [
        *classical_methods(threads, equalize=False),
        affinity_method(matcher, size, runs.seconds(affinity)),
        *network_methods(network, size, PATCH_SIZE, threads, runs.seconds(network)),
    ]


def train_affinity(images: Path, size: Sequence[int], runs: TrainingRuns, settings: TrackingSettings) -> Path:
    """SimCLR's patches; where no landmark is known, the learning rate is that of the smallest validation loss."""
    own = {"dataset_dir": str(images), "image_size": list(size), **settings.simclr}
    configs = ["baseline/simclr_image", "baseline/simclr_patch"]
    made = [runs.weights("simclr_patch", configs, {**own, "learning_rate": rate}) for rate in settings.learning_rates]
    return min(made, key=runs.validation_loss)
