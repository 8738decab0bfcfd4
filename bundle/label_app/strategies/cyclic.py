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

"""Label next where what was found is not found back."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable
from dataclasses import dataclass

import torch

from label_app.example_memory import ExampleMemory
from label_app.label_file import LabelPoint
from label_app.landmark_datastore import FINAL
from label_app.landmark_finder import LandmarkFinder
from label_app.strategies.diversity import Diversity
from label_app.strategies.example_strategy import ExampleStrategy
from label_app.strategies.image_strategy import evenly_drawn
from scripts.data.prepared_series import PreparedSeries
from scripts.inferers.example_bank import ExampleBank
from scripts.metrics.cyclic_error import encode_patches, match_points, matching_bias

__all__ = ["Cyclic"]

_MOST_EXAMPLES = 8  # frames with examples that a landmark is looked for in


@dataclass(frozen=True)
class _ExampleFrame:
    """A frame with examples: where each landmark is, px of the network's image."""

    image: PreparedSeries
    frame: int
    points: dict[str, torch.Tensor]


class Cyclic(ExampleStrategy):
    """The image with the largest cyclic error (Frueh et al. 2022, eq. 4) of the landmarks.

    A patch is cut where a landmark was found, and looked for in the frames of the examples, at most eight of them; the
    error is the mean distance from the landmark there.

    Args:
        finder: the network.
        memory: the examples.
        fallback: what chooses where there is no example.

    Example:
        >>> Cyclic(finder, memory, diversity)({})  # doctest: +SKIP
        {'id': 'b.png', 'score': 9.3, 'strategy': 'cyclic'}
    """

    def __init__(self, finder: LandmarkFinder, memory: ExampleMemory, fallback: Diversity) -> None:
        super().__init__("cyclic", "The image whose landmarks are not found back", finder, memory, fallback)

    def scorer(self, bank: ExampleBank) -> Callable[[PreparedSeries, int], Iterable[float]]:
        """Distances from each example of a landmark; the largest there can be where an answer is not finite."""
        every = self._example_frames()

        @torch.no_grad()
        def errors(image: PreparedSeries, frame: int) -> list[float]:
            points = [one.point for one in self.finder.find(image, frame, bank)]
            lost = [point for point in points if not math.isfinite(point.x + point.y)]
            found = [point for point in points if point not in lost]
            lengths = self._distances(image, frame, found, bank, every) if found else []
            return lengths + [math.inf] * len(lost)

        return errors

    def _example_frames(self) -> list[_ExampleFrame]:
        labelled = [
            (image_id, frame, [one for one in points if one.frame == frame])
            for image_id in evenly_drawn(self.memory.images(), _MOST_EXAMPLES)
            for points in [self.store.label(image_id, FINAL).points]
            for frame in dict.fromkeys(one.frame for one in points)
        ]
        frames = []
        for image_id, frame, points in evenly_drawn(labelled, _MOST_EXAMPLES):
            image = self.store.prepared(image_id)
            frames.append(_ExampleFrame(image, frame or 0, {one.label: _on_network(one, image) for one in points}))
        return frames

    def _distances(
        self,
        image: PreparedSeries,
        frame: int,
        found: list[LabelPoint],
        bank: ExampleBank,
        examples: list[_ExampleFrame],
    ) -> list[float]:
        network, device, size = bank.network, self.finder.device, self.finder.prepare.image_size
        at = torch.stack([_on_network(point, image) for point in found]).to(device)
        patches = encode_patches(network, image.image(frame).to(device), at, bank.patch_size)
        bias = torch.zeros_like(at)
        if bank.correct_bias:
            code = self.finder.encode(image, frame, network)
            bias = matching_bias(network, code, patches, at, size, bank.patch_size)
        distances = []
        for example in examples:
            code = self.finder.encode(example.image, example.frame, network)
            returned = (match_points(network, code, patches, size) - bias).cpu()
            distances += [
                torch.dist(back, example.points[point.label]).item()
                for point, back in zip(found, returned, strict=True)
                if point.label in example.points
            ]
        return [math.inf if math.isnan(one) else one for one in distances]


def _on_network(point: LabelPoint, image: PreparedSeries) -> torch.Tensor:
    return image.fit.to_network(torch.tensor([point.x, point.y]))
