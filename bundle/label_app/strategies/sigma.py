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

"""Label next where the network is least sure."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable
from statistics import fmean

from label_app.example_memory import ExampleMemory
from label_app.landmark_finder import LandmarkFinder
from label_app.strategies.diversity import Diversity
from label_app.strategies.example_strategy import ExampleStrategy
from scripts.data.prepared_series import PreparedSeries
from scripts.inferers.example_bank import ExampleBank

__all__ = ["Sigma"]


class Sigma(ExampleStrategy):
    """The image with the largest sigma, calibrated by the temperature ``sigma_per_scale``.

    Sigma of a landmark is the mean of those along x and y. That of several examples grows with their disagreement.

    Args:
        finder: the network.
        memory: the examples.
        fallback: what chooses where there is no example.

    Example:
        >>> Sigma(finder, memory, diversity)({})  # doctest: +SKIP
        {'id': 'b.png', 'score': 4.1, 'strategy': 'sigma'}
    """

    def __init__(self, finder: LandmarkFinder, memory: ExampleMemory, fallback: Diversity) -> None:
        super().__init__("sigma", "The image in which the network is least sure", finder, memory, fallback)

    def scorer(self, bank: ExampleBank) -> Callable[[PreparedSeries, int], Iterable[float]]:
        """Sigmas; the largest there can be where an answer is not finite."""

        def sigmas(image: PreparedSeries, frame: int) -> list[float]:
            points = [one.point for one in self.finder.find(image, frame, bank)]
            lengths = [fmean((one.sigma_x * image.fit.scale[0], one.sigma_y * image.fit.scale[1])) for one in points]
            return [math.inf if math.isnan(one) else one for one in lengths]

        return sigmas
