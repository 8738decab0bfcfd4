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

"""Cyclic error, Euclidean error, calibration."""

from scripts.metrics.calibration import (
    conformal_radius,
    coverage,
    expected_calibration_error,
    fit_temperature,
    radii,
    sharpness,
    sigma_bins,
)
from scripts.metrics.cyclic_error import (
    Matcher,
    OwnMatch,
    RoundTrip,
    cyclic_error,
    encode_patches,
    grid_points,
    match_in_chunks,
    match_in_own_image,
    match_points,
    matching_bias,
    round_trips,
)
from scripts.metrics.error_summary import bootstrap_interval, error_summary, summary_px_mm
from scripts.metrics.euclidean_error import MeanEuclideanError, euclidean_error
from scripts.metrics.pair_cyclic_error import PairCyclicError
from scripts.metrics.tracking_evaluation import (
    LandmarkTrack,
    TrueTracks,
    mean_cyclic_error,
    motion,
    track_errors,
    track_landmarks,
)

__all__ = [
    "LandmarkTrack",
    "Matcher",
    "MeanEuclideanError",
    "OwnMatch",
    "PairCyclicError",
    "RoundTrip",
    "TrueTracks",
    "bootstrap_interval",
    "conformal_radius",
    "coverage",
    "cyclic_error",
    "encode_patches",
    "error_summary",
    "euclidean_error",
    "expected_calibration_error",
    "fit_temperature",
    "grid_points",
    "match_in_chunks",
    "match_in_own_image",
    "match_points",
    "matching_bias",
    "mean_cyclic_error",
    "motion",
    "radii",
    "round_trips",
    "sharpness",
    "sigma_bins",
    "summary_px_mm",
    "track_errors",
    "track_landmarks",
]
