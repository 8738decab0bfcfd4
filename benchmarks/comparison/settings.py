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
"""How long everything is trained, and on how much it is judged."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True)
class TrackingSettings:
    """Of the trackers.

    Attributes:
        network: values of the training config for our network, by name.
        simclr: values for SimCLR's patches.
        trained_subjects: simulated subjects that are trained on.
        subjects: others that are judged, or real series.
        frames: of each simulated subject.
        warped: real frames that are warped.
        slow_cases: series that slow methods are judged on.
        learning_rates: three that SimCLR is tried with.
    """

    network: Mapping[str, Any]
    simclr: Mapping[str, Any]
    trained_subjects: int = 10
    subjects: int = 8
    frames: int = 40
    warped: int = 12
    slow_cases: int = 2
    learning_rates: Sequence[float] = (1e-4, 1e-3, 3e-3)


@dataclass(frozen=True)
class SubjectSettings:
    """Of landmarks in other subjects.

    Attributes:
        network: values of the training config for our network, by name.
        baselines: values for all learned baselines.
        supervised: values for the supervised networks.
        simclr_patch: values for SimCLR's patches.
        simclr_image: values for SimCLR on whole images.
        learning_rates: three that each baseline is tried with.
        counts: numbers of examples.
        draws: of the examples, for methods that are not trained on them.
        trained_draws: of the examples, for those that are.
        slow_examples: images that slow methods get examples from.
        slow_targets: images that they are judged on.
    """

    network: Mapping[str, Any]
    baselines: Mapping[str, Any]
    supervised: Mapping[str, Any] = field(default_factory=dict)
    simclr_patch: Mapping[str, Any] = field(default_factory=dict)
    simclr_image: Mapping[str, Any] = field(default_factory=dict)
    learning_rates: Sequence[float] = (1e-4, 1e-3, 3e-3)
    counts: Sequence[int] = (1, 5, 20, 50)
    draws: int = 20
    trained_draws: int = 1
    slow_examples: int = 5
    slow_targets: int = 20


@dataclass(frozen=True)
class ComparisonSettings:
    """Of all parts.

    Attributes:
        data: the parts, in their order.
        phantom: tracking in simulated subjects.
        real: tracking in real series.
        phantom_subjects: simulated subjects that train, validate and test, each with one image.
        phantom_size: size that all methods get for these, px.
        subjects: landmarks of simulated subjects in others.
        chest_size: size that all methods get for chest X-rays, px.
        chest: landmarks of patients in others.
    """

    data: Sequence[str]
    phantom: TrackingSettings
    real: TrackingSettings
    phantom_subjects: tuple[int, int, int]
    phantom_size: tuple[int, int]
    subjects: SubjectSettings
    chest_size: tuple[int, int]
    chest: SubjectSettings


_SMALL_BASELINES = {"encoder": "resnet18", "batch_size": 16, "val_interval": 1, "num_workers": 0}
_SMALL_SIMCLR = {"max_epochs": 1, "steps_per_epoch": 60, "batch_size": 8}

SMALL = ComparisonSettings(
    data=("phantom", "hard", "subjects"),
    phantom=TrackingSettings(
        network={"max_epochs": 16, "val_interval": 16},
        simclr={**_SMALL_BASELINES, **_SMALL_SIMCLR},
        subjects=3,
        frames=30,
        slow_cases=1,
    ),
    real=TrackingSettings(network={}, simclr={}),
    phantom_subjects=(50, 10, 20),
    phantom_size=(96, 88),
    subjects=SubjectSettings(
        network={
            "patch_size": 32,
            "patch_zoom": 1,
            "patches_per_image": 12,
            "batch_size": 10,
            "max_epochs": 6,
            "steps_per_epoch": 50,
        },
        baselines=_SMALL_BASELINES,
        supervised={"steps": 80, "steps_per_epoch": 80},
        simclr_patch=_SMALL_SIMCLR,
        simclr_image=_SMALL_SIMCLR,
        counts=(1, 5, 20),
        slow_targets=10,
        slow_examples=2,
    ),
    chest_size=(112, 112),
    chest=SubjectSettings(network={}, baselines={}),
)

_BASELINES = {"encoder": "resnet18", "batch_size": 16, "num_workers": 0}
_SIMCLR = {"max_epochs": 4, "val_interval": 4, "steps_per_epoch": 100, "batch_size": 8}
_NETWORK = {"max_epochs": 20, "val_interval": 20}

FULL = ComparisonSettings(
    data=("phantom", "hard", "molli", "cine", "subjects", "chest"),
    phantom=TrackingSettings(_NETWORK, {**_BASELINES, **_SIMCLR}),
    real=TrackingSettings(
        {
            "max_epochs": 10,
            "val_interval": 10,
            "patches_per_image": 8,
            "batch_size": 8,
            "learning_rate": 0.002,
            "steps_per_epoch": 50,
        },
        {**_BASELINES, **_SIMCLR, "max_epochs": 1, "val_interval": 1},
        subjects=4,
    ),
    phantom_subjects=(50, 10, 20),
    phantom_size=(96, 88),
    subjects=SMALL.subjects,
    chest_size=(112, 112),
    chest=SubjectSettings(
        network={
            "patch_size": 40,
            "patch_zoom": 1,
            "patches_per_image": 16,
            "steps_per_epoch": 200,
            "max_epochs": 6,
            "val_interval": 6,
        },
        baselines=_BASELINES,
        supervised={"steps": 400, "steps_per_epoch": 100, "val_interval": 1},
        simclr_patch=_SIMCLR,
        simclr_image={**_SIMCLR, "batch_size": 16},
    ),
)
