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

"""From codes to landmarks: the example bank, fusion, the second look, and the tracker."""

from scripts.inferers.assessment import Assessment, assess_landmarks
from scripts.inferers.doubtful_example import DoubtfulExample
from scripts.inferers.example_bank import ExampleBank
from scripts.inferers.execution import Execution
from scripts.inferers.frame_preparer import FrameFaultError, FramePreparer
from scripts.inferers.fusion import Fusion, InverseSigmaFusion, MedianFusion, PrecisionFusion
from scripts.inferers.gradient_refinement import GradientRefinement
from scripts.inferers.kalman_predictor import KalmanPredictor
from scripts.inferers.landmark_tracker import LandmarkTracker, TrackedFrame, TrackedLandmark
from scripts.inferers.linear_predictor import LinearPredictor
from scripts.inferers.local_refinement import LocalRefinement
from scripts.inferers.motion_predictor import HoldPredictor, MotionPredictor
from scripts.inferers.multi_example_inferer import MultiExampleInferer
from scripts.inferers.neighbor_bank import NeighborBank
from scripts.inferers.neighbor_voting import NeighborVoting
from scripts.inferers.trust import DOUBTS, Trust

__all__ = [
    "DOUBTS",
    "Assessment",
    "DoubtfulExample",
    "ExampleBank",
    "Execution",
    "FrameFaultError",
    "FramePreparer",
    "Fusion",
    "GradientRefinement",
    "HoldPredictor",
    "InverseSigmaFusion",
    "KalmanPredictor",
    "LandmarkTracker",
    "LinearPredictor",
    "LocalRefinement",
    "MedianFusion",
    "MotionPredictor",
    "MultiExampleInferer",
    "NeighborBank",
    "NeighborVoting",
    "PrecisionFusion",
    "TrackedFrame",
    "TrackedLandmark",
    "Trust",
    "assess_landmarks",
]
