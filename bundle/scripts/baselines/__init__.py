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

"""Methods to compare with: trackers, registration, and what the paper trains beside its network."""

from scripts.baselines.bspline_registration import BSplineRegistration
from scripts.baselines.copy_position import CopyPosition
from scripts.baselines.csrt import CSRT
from scripts.baselines.dis_flow import DISFlow
from scripts.baselines.landmark_dataset import LandmarkDataset
from scripts.baselines.landmark_loss import LandmarkLoss
from scripts.baselines.landmark_prepare_batch import LandmarkPrepareBatch
from scripts.baselines.landmark_regressor import LandmarkRegressor, regress_landmarks
from scripts.baselines.lucas_kanade import LucasKanade
from scripts.baselines.patch_affinity_matcher import PatchAffinityMatcher
from scripts.baselines.peer_tracker import PeerTracker
from scripts.baselines.rand_views import RandViews
from scripts.baselines.simclr_network import SimCLRNetwork
from scripts.baselines.template_matching import TemplateMatching
from scripts.baselines.views_prepare_batch import ViewsPrepareBatch

__all__ = [
    "CSRT",
    "BSplineRegistration",
    "CopyPosition",
    "DISFlow",
    "LandmarkDataset",
    "LandmarkLoss",
    "LandmarkPrepareBatch",
    "LandmarkRegressor",
    "LucasKanade",
    "PatchAffinityMatcher",
    "PeerTracker",
    "RandViews",
    "SimCLRNetwork",
    "TemplateMatching",
    "ViewsPrepareBatch",
    "regress_landmarks",
]
