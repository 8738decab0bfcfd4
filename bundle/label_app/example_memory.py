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

"""The landmarks that people have set, as examples of the network."""

from __future__ import annotations

import logging
import threading
from collections.abc import Sequence
from dataclasses import replace

from monailabel.interfaces.exception import ImageNotFoundException

from label_app.label_file import LabelPoint, check_points
from label_app.landmark_datastore import FINAL, LandmarkDatastore, Stamp
from label_app.landmark_finder import LandmarkFinder, is_used
from scripts.inferers.example_bank import ExampleBank
from scripts.io.input_error import InputError
from scripts.io.landmark_status import LandmarkStatus

__all__ = ["ExampleMemory"]

_OUTSIDE = "lies outside of the region that is used, and is no example"


class ExampleMemory:
    """All labels ``final`` of a datastore as examples, encoded once each.

    Before it answers it looks which files of labels and their images changed, and encodes only these again. So it
    follows whoever saves or deletes a label, and other processes too; and after a restart it finds the same. A label
    that cannot be read, or whose image cannot, is passed over with a warning.

    Args:
        store: where the labels are.
        finder: what encodes them.

    Example:
        >>> memory = ExampleMemory(store, finder)  # doctest: +SKIP
        >>> memory.bank().labels  # doctest: +SKIP
        ['apex', 'valve']
    """

    def __init__(self, store: LandmarkDatastore, finder: LandmarkFinder) -> None:
        self.store = store
        self.finder = finder
        self._lock = threading.RLock()
        self._bank = finder.new_bank()
        self._known: dict[str, tuple[tuple[int, int], Stamp | None]] = {}
        self._sources: dict[str, str] = {}

    def bank(self) -> ExampleBank:
        """The examples as they are now. It stays as it is: later changes are in later banks. Do not change it."""
        with self._lock:
            if self._bank.network is not self.finder.network:
                self._bank, self._known, self._sources = self.finder.new_bank(), {}, {}
            stamps = {one: (stamp, self._image_stamp(one)) for one, stamp in self.store.label_stamps(FINAL).items()}
            gone = [one for one in self._known if one not in stamps]
            changed = [one for one, stamp in stamps.items() if self._known.get(one) != stamp]
            if gone or changed:
                self._bank = self._bank.copy()
            for image_id in gone + changed:
                self._forget(image_id)
            for image_id in changed:
                self._learn(image_id)
            self._known = stamps
            return self._bank

    def images(self) -> list[str]:
        """Ids of the images whose labels are the examples, as :meth:`bank` found them last."""
        with self._lock:
            return [image_id for image_id in self._known if image_id in self._sources]

    def checked(self, image_id: str, points: Sequence[LabelPoint], *, now: bool = True) -> list[LabelPoint]:
        """Landmarks that people have set on an image, doubtful where the network does not find them again there.

        One outside of the part that the network sees stays where it was set, and is doubtful too: it is no example.

        Args:
            image_id: the image.
            points: of its label ``final``.
            now: False tells what is known already, and encodes nothing.
        """
        with self._lock:
            bank, source = self.bank() if now else self._bank, self._sources.get(image_id)
        doubts = {(one.label, one.frame): one.reason for one in bank.doubtful if one.source == source}
        image = self.store.prepared(image_id)
        reasons = [
            doubts.get((point.label, point.frame or 0)) if is_used(point, image) else _OUTSIDE for point in points
        ]
        return [
            replace(point, status=LandmarkStatus.DOUBTFUL if reason else None, reason=f"it {reason}" if reason else "")
            for point, reason in zip(points, reasons, strict=True)
        ]

    def _image_stamp(self, image_id: str) -> Stamp | None:
        try:
            return self.store.image_stamp(image_id)
        except (InputError, ImageNotFoundException):
            return None

    def _forget(self, image_id: str) -> None:
        if image_id in self._sources:
            self._bank.drop_source(self._sources.pop(image_id))

    def _learn(self, image_id: str) -> None:
        try:
            image, points = self.store.prepared(image_id), self.store.label(image_id).points
            check_points(points, image, f"label of {image_id}")
        except (InputError, ImageNotFoundException) as error:
            told = getattr(error, "msg", error)
            logging.getLogger(type(self).__name__).warning("the label of %s is passed over: %s", image_id, told)
            return
        self.finder.add(self._bank, image, points)
        self._sources[image_id] = image.source
