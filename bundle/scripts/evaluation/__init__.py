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

"""The paper's questions to a trained network, each over a data set, with one file a question."""

from scripts.evaluation.calibration import Calibration
from scripts.evaluation.cyclic_matching import CyclicMatching
from scripts.evaluation.inference_time import InferenceTime
from scripts.evaluation.labelled_frames import split_groups
from scripts.evaluation.landmark_matching import LandmarkMatching
from scripts.evaluation.pixel_matching import PixelMatching
from scripts.evaluation.result import EvaluationResult, Residuals
from scripts.evaluation.seen_images import SeenImages

__all__ = [
    "Calibration",
    "CyclicMatching",
    "EvaluationResult",
    "InferenceTime",
    "LandmarkMatching",
    "PixelMatching",
    "Residuals",
    "SeenImages",
    "split_groups",
]
