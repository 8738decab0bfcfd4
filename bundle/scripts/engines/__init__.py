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

"""What the Ignite trainer and evaluator need beyond MONAI: batches, teachers across subjects, gradients."""

from scripts.engines.clip_gradients import ClipGradients
from scripts.engines.flow_correspondence import FlowCorrespondence
from scripts.engines.patch_center_prepare_batch import PatchCenterPrepareBatch
from scripts.engines.seeded_prepare_batch import SeededPrepareBatch
from scripts.engines.series_prepare_batch import SeriesPrepareBatch

__all__ = [
    "ClipGradients",
    "FlowCorrespondence",
    "PatchCenterPrepareBatch",
    "SeededPrepareBatch",
    "SeriesPrepareBatch",
]
