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

"""Label next whatever comes."""

from __future__ import annotations

import random
from collections.abc import Sequence
from typing import Any

from label_app.landmark_datastore import LandmarkDatastore
from label_app.strategies.image_strategy import ImageStrategy
from scripts.io.input_error import InputError

__all__ = ["RandomImage"]


class RandomImage(ImageStrategy):
    """Any image, for comparison; the ``seed`` of the request decides where it has one.

    Args:
        store: the images.

    Example:
        >>> RandomImage(store)({"seed": 3})  # doctest: +SKIP
        {'id': 'b.png', 'score': 0.25, 'strategy': 'random'}
    """

    def __init__(self, store: LandmarkDatastore) -> None:
        super().__init__("random", "Any image", store)

    def choose(self, images: Sequence[str], request: dict[str, Any]) -> dict[str, Any]:
        """Any image; the score is how likely it was.

        Raises:
            InputError: the seed is no number.
        """
        seed = request.get("seed")
        if not isinstance(seed, int | None):
            raise InputError(f'"seed" must be a whole number, not {seed!r}')
        return self.answer(random.Random(seed).choice(images), 1 / len(images))
