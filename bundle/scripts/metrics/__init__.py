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

from scripts.metrics.cyclic_error import Matcher, cyclic_error, grid_points, match_points, matching_bias
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
    "PairCyclicError",
    "TrueTracks",
    "cyclic_error",
    "euclidean_error",
    "grid_points",
    "match_points",
    "matching_bias",
    "mean_cyclic_error",
    "motion",
    "track_errors",
    "track_landmarks",
]
