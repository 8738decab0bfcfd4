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

from label_app.landmark_datastore import FINAL, LandmarkDatastore
from label_app.landmark_finder import LandmarkFinder
from scripts.inferers.example_bank import ExampleBank
from scripts.io.input_error import InputError

__all__ = ["ExampleMemory"]


class ExampleMemory:
    """All labels ``final`` of a datastore as examples, encoded once each.

    Before it answers it looks which label files changed, and encodes only these again. So it follows whoever saves or
    deletes a label, and other processes too; and after a restart it finds the same. A label that is damaged is left out
    with a warning until it is repaired.

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
        self._known: dict[str, tuple[tuple[int, int], str]] = {}

    def bank(self) -> ExampleBank:
        """The examples as they are now. It stays as it is: later changes are in later banks. Do not change it.

        Raises:
            InputError: an image with a label cannot be read.
        """
        with self._lock:
            if self._bank.network is not self.finder.network:
                self._bank, self._known = self.finder.new_bank(), {}
            stamps = self.store.label_stamps(FINAL)
            gone = [one for one in self._known if one not in stamps]
            changed = [one for one, stamp in stamps.items() if self._known.get(one, (None,))[0] != stamp]
            if gone or changed:
                self._bank = self._bank.copy()
            for image_id in gone + changed:
                self._forget(image_id)
            for image_id in changed:
                self._learn(image_id, stamps[image_id])
            return self._bank

    def _forget(self, image_id: str) -> None:
        if image_id in self._known:
            _, source = self._known.pop(image_id)
            self._bank.drop_source(source)

    def _learn(self, image_id: str, stamp: tuple[int, int]) -> None:
        image = self.store.prepared(image_id)
        try:
            points = self.store.label(image_id).points
        except InputError as error:
            logging.getLogger(type(self).__name__).warning("no examples of %s: %s", image_id, error)
            points = ()
        self.finder.add(self._bank, image, points)
        self._known[image_id] = stamp, image.source
