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
"""The trackers that are compared: ours, what people would use instead, and where each is from."""

from __future__ import annotations

import importlib.metadata
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

import cv2
from monai.bundle import ConfigParser

from comparison.training_runs import BUNDLE
from scripts.baselines import (
    CSRT,
    BSplineRegistration,
    CopyPosition,
    DISFlow,
    LucasKanade,
    PatchAffinityMatcher,
    TemplateMatching,
)
from scripts.inferers import Execution, LandmarkTracker, LocalRefinement, MedianFusion
from scripts.networks import CorrelationHead, TemplateMatchingNetwork, build_encoder, load_weights

SIMCLR_PATCH = 32  # px, as many as in the paper


class Tracker(Protocol):
    """What all of them have."""

    def set_examples(self, examples): ...  # noqa: D102

    def update(self, frame): ...  # noqa: D102


@dataclass(frozen=True)
class Method:
    """A tracker.

    Attributes:
        name: what the table calls it.
        package: where it is from, with its version.
        make: a new one.
        sequential: whether it needs the frames in between, and so cannot go from one subject to another.
        slow: whether it takes about a second a frame, so that fewer frames are judged.
        moves: whether it looks at the frame at all; one that does not always comes back.
        trained_s: how long it was trained; None for one that is not.
    """

    name: str
    package: str
    make: Callable[[], Tracker]
    sequential: bool = False
    slow: bool = False
    moves: bool = True
    trained_s: float | None = None


def classical_methods(threads: int, *, equalize: bool) -> list[Method]:
    """Trackers and registration that need no training.

    ``equalize`` is for images of several subjects: DIS flow equalises them, and is tried at twice the size, too.
    """
    opencv = f"OpenCV {cv2.__version__}"
    larger = Method("DIS flow, CLAHE, enlarged", opencv, lambda: DISFlow(equalize=True, enlarge=2))
    return [
        Method("copy the position", "", CopyPosition, moves=False),
        Method("template matching (NCC)", opencv, lambda: TemplateMatching(patch_size=33)),
        Method("Lucas-Kanade, pyramidal", opencv, LucasKanade),
        Method(f"DIS flow{', CLAHE' if equalize else ''}", opencv, lambda: DISFlow(equalize=equalize)),
        *([larger] if equalize else []),
        Method("CSRT", opencv, lambda: CSRT(patch_size=49), sequential=True),
        Method(
            "B-spline registration",
            f"SimpleITK {importlib.metadata.version('SimpleITK')}",
            lambda: BSplineRegistration(threads=threads),
            slow=True,
        ),
    ]


def network_methods(
    weights: Path,
    image_size: Sequence[int],
    patch_size: int,
    threads: int,
    trained_s: float | None,
    *,
    patch_zoom: int = 1,
    name: str = "this network",
) -> list[Method]:
    """The template matching network alone, and as the bundle tracks with it: with neighbours and refinement."""
    network = load_weights(template_network(patch_size, patch_zoom), weights)
    execution = Execution(network, image_size, precision="float32", threads=threads, measure=False)

    def bare() -> LandmarkTracker:
        return LandmarkTracker(execution, patch_size, image_size, neighbors=None)

    def whole() -> LandmarkTracker:
        return LandmarkTracker(execution, patch_size, image_size, refinement=LocalRefinement())

    return [
        Method(f"{name} alone", "", bare, trained_s=trained_s),
        Method(f"{name}, as it tracks", "", whole, trained_s=trained_s),
    ]


def affinity_method(matcher: PatchAffinityMatcher, image_size: Sequence[int], trained_s: float) -> Method:
    """SimCLR's patches, matched within one subject."""
    return Method(
        "SimCLR patch",
        "",
        lambda: LandmarkTracker(
            matcher, SIMCLR_PATCH, image_size, fusion=MedianFusion(), neighbors=None, correct_bias=False
        ),
        slow=True,
        trained_s=trained_s,
    )


def shipped_config(data: Path) -> ConfigParser:
    """What the bundle's weights for a kind of data are run with: ``inference.json`` and the config of the data."""
    config = ConfigParser()
    config.read_config([str(BUNDLE / "configs" / "inference.json"), str(data)])
    return config


def template_network(patch_size: int, patch_zoom: int = 1) -> TemplateMatchingNetwork:
    """The bundle's default encoders and head."""
    encoders = build_encoder("residual"), build_encoder("residual", zoom=patch_zoom)
    return TemplateMatchingNetwork(*encoders, CorrelationHead(*encoders), patch_size=patch_size)
