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

"""How far the landmarks that were found lie from those that people have set."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from statistics import fmean, median
from typing import Any

from monailabel.interfaces.datastore import Datastore
from monailabel.interfaces.tasks.scoring import ScoringMethod

from label_app.label_file import LabelPoint
from label_app.landmark_datastore import FINAL, ORIGINAL, LandmarkDatastore
from label_app.told_paths import without_folders
from scripts.io.input_error import InputError

__all__ = ["Distance"]


@dataclass(frozen=True)
class _Pair:
    """A landmark in one frame, found and set; how far apart, and in mm where the image tells."""

    image_id: str
    label: str
    px: float
    mm: float | None


class Distance(ScoringMethod):
    """Distances between the labels ``original`` and ``final`` of all images, by name and frame of the landmarks.

    Args:
        store: the images.

    Example:
        >>> Distance(store)({"method": "distance"})  # doctest: +SKIP
        {'images': 2, 'points': 4, 'px': {'mean': 3.1, 'median': 2.8, 'max': 6.0}, 'mm': None, 'labels': {...}, ...}
    """

    def __init__(self, store: LandmarkDatastore) -> None:
        super().__init__("Distance of the landmarks that were found from those that people have set")
        self.store = store

    def __call__(self, request: dict[str, Any], datastore: Datastore | None = None) -> dict[str, Any]:
        """Measure.

        Args:
            request: ``y`` and ``y_pred`` may name other tags than ``final`` and ``original``.
            datastore: is ignored: there is one.

        Returns:
            ``images`` and ``points``, how many there are with both labels; ``px`` and ``mm``, each with ``mean``,
            ``median`` and ``max``, or None where there is nothing to measure; in ``mm`` also ``points``, as not all
            images tell their spacing; ``labels``, the same of each landmark; ``failed``, what was wrong with each image
            that could not be read.

        Raises:
            LabelNotFoundException: there is no such tag.
        """
        set_tag, found_tag = request.get("y", FINAL), request.get("y_pred", ORIGINAL)
        pairs: list[_Pair] = []
        failed: dict[str, str] = {}
        found_images = set(self.store.get_labeled_images(found_tag))
        for image_id in self.store.get_labeled_images(set_tag):
            try:
                pairs += self._pairs(image_id, set_tag, found_tag) if image_id in found_images else []
            except InputError as error:
                failed[image_id] = without_folders(str(error), [self.store.folder])
        by_label: dict[str, list[_Pair]] = {}
        for pair in pairs:
            by_label.setdefault(pair.label, []).append(pair)
        result = {**_summary(pairs), "labels": {label: _summary(group) for label, group in by_label.items()}}
        print(f"{result['points']} landmarks in {result['images']} images: {result['px']} px", flush=True)
        return {**result, "failed": failed}

    def _pairs(self, image_id: str, set_tag: str, found_tag: str) -> list[_Pair]:
        found = {(one.label, one.frame): one for one in self.store.label(image_id, found_tag).points}
        matched = [
            (one, found[one.label, one.frame])
            for one in self.store.label(image_id, set_tag).points
            if (one.label, one.frame) in found
        ]
        spacing = self.store.prepared(image_id).spacing if matched else None
        return [
            _Pair(image_id, one.label, _distance(one, other), spacing and _distance(one, other, spacing))
            for one, other in matched
        ]


def _distance(one: LabelPoint, other: LabelPoint, spacing: Sequence[float] = (1.0, 1.0)) -> float:
    return math.hypot((one.x - other.x) * spacing[0], (one.y - other.y) * spacing[1])


def _summary(pairs: Sequence[_Pair]) -> dict[str, Any]:
    mm = [pair.mm for pair in pairs if pair.mm is not None]
    return {
        "images": len({pair.image_id for pair in pairs}),
        "points": len(pairs),
        "px": _statistics(pair.px for pair in pairs) if pairs else None,
        "mm": {**_statistics(mm), "points": len(mm)} if mm else None,
    }


def _statistics(lengths: Iterable[float]) -> dict[str, float]:
    lengths = list(lengths)
    return {name: round(of(lengths), 3) for name, of in (("mean", fmean), ("median", median), ("max", max))}
