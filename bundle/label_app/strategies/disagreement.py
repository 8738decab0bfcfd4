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

"""Label next where the examples contradict each other."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from statistics import fmean

from label_app.example_memory import ExampleMemory
from label_app.landmark_finder import LandmarkFinder
from label_app.strategies.diversity import Diversity
from label_app.strategies.example_strategy import ExampleStrategy
from scripts.data.prepared_series import PreparedSeries
from scripts.inferers.example_bank import ExampleBank

__all__ = ["Disagreement"]


class Disagreement(ExampleStrategy):
    """The image in which the examples' own answers lie farthest apart, by their root mean square distance.

    Needs two examples of a landmark; diversity chooses until then.

    Args:
        finder: the network.
        memory: the examples.
        fallback: what chooses where there are no two examples.

    Example:
        >>> Disagreement(finder, memory, diversity)({})  # doctest: +SKIP
        {'id': 'b.png', 'score': 6.2, 'strategy': 'disagreement'}
    """

    def __init__(self, finder: LandmarkFinder, memory: ExampleMemory, fallback: Diversity) -> None:
        super().__init__("disagreement", "The image in which the examples disagree most", finder, memory, fallback)

    def scorer(self, bank: ExampleBank) -> Callable[[PreparedSeries, int], Iterable[float]]:
        """Disagreements; NaN for landmarks of one example."""
        return lambda image, frame: [
            one.disagreement * fmean(image.fit.scale) for one in self.finder.find(image, frame, bank)
        ]
