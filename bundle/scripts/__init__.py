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

"""Components that the configs name; importing this package lets expressions say ``scripts.networks.x``."""

import pydicom

from scripts import (
    baselines,
    classical,
    data,
    engines,
    evaluation,
    export,
    handlers,
    inferers,
    io,
    live,
    losses,
    metrics,
    networks,
    runs,
    sweeps,
    transforms,
    visualize,
)

__all__ = [
    "baselines",
    "classical",
    "data",
    "engines",
    "evaluation",
    "export",
    "handlers",
    "inferers",
    "io",
    "live",
    "losses",
    "metrics",
    "networks",
    "runs",
    "sweeps",
    "transforms",
    "visualize",
]

# pydicom's warnings of values that break the rules quote them, and such a value may be a patient's name
pydicom.config.settings.reading_validation_mode = pydicom.config.IGNORE
