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

"""What strategies have in common that score an image by what is found in it."""

from __future__ import annotations

import math
from abc import abstractmethod
from collections.abc import Callable, Iterable, Sequence
from statistics import fmean
from typing import Any

from label_app.example_memory import ExampleMemory
from label_app.landmark_finder import LandmarkFinder
from label_app.strategies.diversity import Diversity
from label_app.strategies.image_strategy import ImageStrategy, frames_to_look_at
from scripts.data.prepared_series import PreparedSeries
from scripts.inferers.example_bank import ExampleBank

__all__ = ["ExampleStrategy"]


class ExampleStrategy(ImageStrategy):
    """Choose the image with the largest score, the mean over its frames and landmarks.

    Scores are lengths in px of the network's image, so that images of any size compare; a length that is infinite or
    larger than the image's diagonal counts as that. Where nothing can be scored, as without an example, diversity
    chooses.

    Args:
        name: what it is asked for by.
        description: what it does, in words.
        finder: the network.
        memory: the examples.
        fallback: what chooses where nothing can be scored.
    """

    def __init__(
        self, name: str, description: str, finder: LandmarkFinder, memory: ExampleMemory, fallback: Diversity
    ) -> None:
        super().__init__(name, description, memory.store)
        self.finder = finder
        self.memory = memory
        self.fallback = fallback

    @abstractmethod
    def scorer(self, bank: ExampleBank) -> Callable[[PreparedSeries, int], Iterable[float]]:
        """What gives the scores of an image's frame, one a landmark, px of the network's image; NaN for none.

        Args:
            bank: the examples, at least one.
        """

    def choose(self, images: Sequence[str], request: dict[str, Any]) -> dict[str, Any]:
        """The image with the largest score."""
        bank = self.memory.bank()
        if not len(bank):
            return self.fallback.choose(images, request)
        score_frame = self.scorer(bank)
        diagonal = math.hypot(*self.finder.prepare.image_size)

        def score(image: PreparedSeries) -> float:
            scores = [one for frame in frames_to_look_at(image) for one in score_frame(image, frame)]
            known = [min(one, diagonal) for one in scores if not math.isnan(one)]
            return fmean(known) if known else math.nan

        scores = {one: score for one, score in self.look_at(images, score).items() if not math.isnan(score)}
        if not scores:
            return self.fallback.choose(images, request)
        best = max(scores, key=scores.__getitem__)
        return self.answer(best, scores[best])
