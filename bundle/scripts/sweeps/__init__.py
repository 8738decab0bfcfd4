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
"""Sweeps: the same training and evaluation with one thing changed; see docs/sweeps.md."""

from scripts.sweeps.results import read_figures, write_results
from scripts.sweeps.sweep import Sweep
from scripts.sweeps.tracking import SweepTracking
from scripts.sweeps.variant import Stage, Variant, plan_variants
from scripts.sweeps.variant_folder import VariantFolder

__all__ = [
    "Stage",
    "Sweep",
    "SweepTracking",
    "Variant",
    "VariantFolder",
    "plan_variants",
    "read_figures",
    "write_results",
]
