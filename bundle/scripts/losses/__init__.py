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

"""Losses of a place with its uncertainty, and of its heatmap."""

from scripts.losses.beta_nll import BetaNLLLoss
from scripts.losses.gaussian_nll import GaussianNLLLoss
from scripts.losses.heatmap_cross_entropy import HeatmapCrossEntropyLoss
from scripts.losses.laplace_nll import LaplaceNLLLoss
from scripts.losses.matching_loss import MatchingLoss

__all__ = ["BetaNLLLoss", "GaussianNLLLoss", "HeatmapCrossEntropyLoss", "LaplaceNLLLoss", "MatchingLoss"]
