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

"""Find landmarks in many images, and keep them."""

from __future__ import annotations

import contextlib
import hashlib
import json
import logging
import time
from collections.abc import Callable, Sequence
from typing import Any

from monailabel.interfaces.datastore import Datastore
from monailabel.interfaces.exception import MONAILabelException
from monailabel.interfaces.tasks.batch_infer import BatchInferTask

from label_app.example_memory import ExampleMemory
from label_app.label_file import LabelPoint, check_number
from label_app.landmark_datastore import FINAL, ORIGINAL, LandmarkDatastore
from label_app.landmark_finder import LandmarkFinder
from label_app.landmark_tasks import points_inside, wanted_labels
from label_app.told_paths import without_folders
from scripts.inferers.example_bank import ExampleBank
from scripts.io.input_error import InputError
from scripts.networks.fingerprint import weights_fingerprint

__all__ = ["LandmarkBatch"]


class LandmarkBatch(BatchInferTask):
    """Find the landmarks of all labels ``final`` in many images, and keep them as labels ``original``.

    A run that was stopped goes on where it was: an image whose label was made from the same examples, weights and
    settings is passed over. In a frame that has landmarks of its own in ``final``, the examples of other images alone
    are asked, so that a distance between the two labels tells how well landmarks are found.

    A request has ``images``: ``unlabeled`` (those without a label ``final``; the default), ``labeled``, ``all``, or a
    list of ids. It may have ``labels``, the landmarks that are wanted, and ``max_batch_size``, the most images to
    annotate in this run (0 for all). MONAI Label's settings of devices and workers have no meaning here.

    Args:
        store: the images.
        finder: the network.
        memory: the examples.

    Example:
        >>> batch = LandmarkBatch(store, finder, memory)  # doctest: +SKIP
        >>> batch({"model": "landmarks", "images": "all"}, store)  # doctest: +SKIP
        {'total': 3, 'annotated': ['b.png', 'c.png'], 'unchanged': ['a.png'], 'failed': {}}
    """

    def __init__(self, store: LandmarkDatastore, finder: LandmarkFinder, memory: ExampleMemory) -> None:
        self.store = store
        self.finder = finder
        self.memory = memory

    def __call__(
        self, request: dict[str, Any], datastore: Datastore | None = None, infer: Callable | None = None
    ) -> dict[str, Any]:
        """Annotate the images of a request, with a line printed for each.

        Args:
            request: see the class.
            datastore: is ignored: there is one.
            infer: is ignored: landmarks are found here.

        Returns:
            ``total``, the number of images asked for; ``annotated`` and ``unchanged``, ids; ``failed``, what was wrong
            with each image that could not be annotated.

        Raises:
            InputError: the request is at fault, or there is no example.
        """
        if request.get("model", "landmarks") != "landmarks" or request.get("label_tag", ORIGINAL) != ORIGINAL:
            raise InputError(f"many images are annotated by the model 'landmarks' with the tag {ORIGINAL!r} only")
        images = self.get_images(request, self.store)
        # before the bank is made: of a label that is saved in between, the next run makes all anew
        examples = self._final_labels()
        bank = self.memory.bank()
        if not len(bank):
            raise InputError("there is no example yet; set a landmark in one image and save it")
        labels = wanted_labels(request.get("labels"), bank)
        made_from = _hash([examples, labels, self.finder.settings, weights_fingerprint(bank.network)])
        unchanged = [one for one in images if self._made_from(one) == made_from]
        done = set(unchanged)
        wanted = [one for one in images if one not in done][: _most(request)]
        print(f"{len(images)} images, {len(unchanged)} of them annotated before from these examples", flush=True)
        failed = self._annotate_all(wanted, bank, labels, made_from)
        annotated = [one for one in wanted if one not in failed]
        return {"total": len(images), "annotated": annotated, "unchanged": unchanged, "failed": failed}

    def get_images(self, request: dict[str, Any], datastore: LandmarkDatastore) -> list[str]:
        """Ids of the images that a request means.

        Raises:
            InputError: it means none that there could be.
        """
        images = request.get("images", "unlabeled")
        if isinstance(images, list) and all(isinstance(one, str) for one in images):
            return list(dict.fromkeys(images))
        choices = {
            "unlabeled": datastore.get_unlabeled_images,
            "labeled": datastore.get_labeled_images,
            "all": datastore.list_images,
        }
        if not isinstance(images, str) or images not in choices:
            raise InputError(f'"images" must be {", ".join(choices)} or a list of ids, not {images!r}')
        return choices[images]()

    def _final_labels(self) -> dict[str, str]:
        """The landmarks of each label ``final``, as text; a damaged one has no examples, as in the memory of these."""
        labels = {}
        for image_id in self.store.get_labeled_images(FINAL):
            with contextlib.suppress(InputError):
                labels[image_id] = repr(self.store.label(image_id, FINAL).points)
        return labels

    def _annotate_all(
        self, images: Sequence[str], bank: ExampleBank, labels: Sequence[str], made_from: str
    ) -> dict[str, str]:
        """What was wrong with each image that failed."""
        failed = {}
        for number, image_id in enumerate(images, start=1):
            begin = time.perf_counter()
            try:
                self._annotate(image_id, bank, labels, made_from)
                told = f"{1000 * (time.perf_counter() - begin):.0f} ms"
            except Exception as error:  # whatever is wrong with one image, the others are to be annotated
                if not isinstance(error, (InputError, MONAILabelException, OSError)):
                    logging.getLogger(type(self).__name__).exception("%s", image_id)
                told = str(getattr(error, "msg", error)) or type(error).__name__
                failed[image_id] = without_folders(told, [self.store.folder])
                told = f"failed: {failed[image_id]}"
            print(f"{number}/{len(images)} {image_id} {told}", flush=True)
        return failed

    def _annotate(self, image_id: str, bank: ExampleBank, labels: Sequence[str], made_from: str) -> None:
        image = self.store.prepared(image_id)
        check_number(image.length * len(labels), f"label of {image_id}")  # else it would be found for nothing
        annotated = {one.frame or 0 for one in self.store.label(image_id, FINAL).points}
        points: list[LabelPoint] = []
        for frame in range(image.length):
            found = self.finder.find(image, frame, bank, labels, own_examples=frame not in annotated)
            points += [one.point for one in found]
        weights = weights_fingerprint(self.finder.network)
        info = {"model": "landmarks", "made_from": made_from, "weights": weights}
        self.store.replace_label(image_id, points_inside(points, image), ORIGINAL, info)

    def _made_from(self, image_id: str) -> str | None:
        try:
            return self.store.label(image_id, ORIGINAL).info.get("made_from")
        except (InputError, MONAILabelException):  # a damaged label is made anew, an unknown image told of later
            return None


def _hash(content: Any) -> str:
    return hashlib.sha256(json.dumps(content, sort_keys=True).encode()).hexdigest()


def _most(request: dict[str, Any]) -> int | None:
    most = request.get("max_batch_size", 0)
    if not isinstance(most, int) or isinstance(most, bool) or most < 0:
        raise InputError(f'"max_batch_size" must be a number of images, or 0 for all, not {most!r}')
    return most or None
