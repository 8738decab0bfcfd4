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

"""What all strategies have in common: which images and frames they look at, and what they answer."""

from __future__ import annotations

import logging
from abc import abstractmethod
from collections.abc import Callable, Sequence
from typing import Any, TypeVar

from monailabel.interfaces.datastore import Datastore
from monailabel.interfaces.exception import ImageNotFoundException
from monailabel.interfaces.tasks.strategy import Strategy

from label_app.landmark_datastore import LandmarkDatastore
from scripts.data.prepared_series import PreparedSeries
from scripts.io.input_error import InputError

__all__ = ["ImageStrategy", "evenly_drawn", "frames_to_look_at"]

_MOST_IMAGES = 200
_MOST_FRAMES = 5
T = TypeVar("T")


class ImageStrategy(Strategy):
    """Choose one of the images without a label ``final``.

    A request may have ``labels``, landmarks: then images that lack one of them count as not labelled; and
    ``max_images``, how many images are looked at, evenly drawn from the list (200).

    Args:
        name: what it is asked for by.
        description: what it does, in words.
        store: the images.
    """

    def __init__(self, name: str, description: str, store: LandmarkDatastore) -> None:
        super().__init__(description)
        self.name = name
        self.store = store

    @abstractmethod
    def choose(self, images: Sequence[str], request: dict[str, Any]) -> dict[str, Any]:
        """The answer, where there are images to choose from; see :meth:`answer`."""

    def __call__(self, request: dict[str, Any], datastore: Datastore | None = None) -> dict[str, Any]:
        """Choose.

        Args:
            request: see the class.
            datastore: is ignored: there is one.

        Returns:
            ``id`` of the image, its ``score`` and the ``strategy`` that gave it; empty where all are labelled.

        Raises:
            InputError: the request is at fault, or no image can be read.
        """
        most = request.get("max_images", _MOST_IMAGES)
        if not isinstance(most, int) or isinstance(most, bool) or most < 1:
            raise InputError(f'"max_images" must be a number from 1 on, not {most!r}')
        images = evenly_drawn(self.store.get_unlabeled_images(None, request.get("labels")), most)
        return self.choose(images, request) if images else {}

    def answer(self, image_id: str, score: float) -> dict[str, Any]:
        """What :meth:`__call__` returns."""
        return {"id": image_id, "score": score, "strategy": self.name}

    def look_at(self, images: Sequence[str], measure: Callable[[PreparedSeries], T]) -> dict[str, T]:
        """Measure images; those that cannot be read are left out.

        Raises:
            InputError: none of them can be read.
            ImageNotFoundException: all were removed meanwhile.
        """
        measured: dict[str, T] = {}
        fault: Exception | None = None
        for image_id in images:
            try:
                measured[image_id] = measure(self.store.prepared(image_id))
            except (InputError, ImageNotFoundException) as error:  # damaged, or removed meanwhile
                logging.getLogger(type(self).__name__).warning("%s", error)
                fault = error
        if fault is not None and not measured:
            raise fault
        return measured


def evenly_drawn(items: Sequence[T], most: int) -> list[T]:
    """All items or, where there are more than ``most``, so many of them at even distances.

    Example:
        >>> evenly_drawn(range(10), 4), evenly_drawn("ab", 4)
        ([1, 3, 6, 8], ['a', 'b'])
    """
    if len(items) <= most:
        return list(items)
    return [items[int((i + 0.5) * len(items) / most)] for i in range(most)]


def frames_to_look_at(image: PreparedSeries) -> list[int]:
    """At most five frames of a series, at even distances."""
    return evenly_drawn(range(image.length), _MOST_FRAMES)
