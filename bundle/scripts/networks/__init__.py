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

"""The matching network: encoders, heads, weights."""

from scripts.networks.correlation_head import CorrelationHead
from scripts.networks.encoder import ENCODERS, build_encoder
from scripts.networks.encoder_weights import load_encoder_weights
from scripts.networks.fingerprint import weights_fingerprint
from scripts.networks.foveal_encoder import FovealEncoder
from scripts.networks.heatmap_size import heatmap_size
from scripts.networks.load_weights import load_weights
from scripts.networks.regression_head import RegressionHead
from scripts.networks.residual_encoder import ResidualEncoder
from scripts.networks.synchronize_norms import synchronize_norms
from scripts.networks.template_matching_network import TemplateMatchingNetwork
from scripts.networks.weights_file import WeightsFile

__all__ = [
    "ENCODERS",
    "CorrelationHead",
    "FovealEncoder",
    "RegressionHead",
    "ResidualEncoder",
    "TemplateMatchingNetwork",
    "WeightsFile",
    "build_encoder",
    "heatmap_size",
    "load_encoder_weights",
    "load_weights",
    "synchronize_norms",
    "weights_fingerprint",
]
