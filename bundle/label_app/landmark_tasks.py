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

"""What the app answers when it is asked for landmarks."""

from __future__ import annotations

import math
import os
import tempfile
import time
from abc import abstractmethod
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict
from typing import Any

from monailabel.interfaces.tasks.infer_v2 import InferTask, InferType

from label_app.example_memory import ExampleMemory
from label_app.handed_out import handed_out
from label_app.label_file import LabelPoint, check_number, check_points, parse_points
from label_app.label_map import write_label_map
from label_app.label_values import LabelValues
from label_app.landmark_datastore import ORIGINAL, LandmarkDatastore
from label_app.landmark_finder import LandmarkFinder, is_used
from scripts.data.prepared_series import PreparedSeries
from scripts.inferers.example_bank import ExampleBank
from scripts.io.input_error import InputError
from scripts.io.landmark_status import LandmarkStatus
from scripts.io.landmarks_csv import Landmark
from scripts.io.slicer_markups import write_slicer_markups
from scripts.networks.fingerprint import weights_fingerprint

__all__ = ["ClickTask", "LandmarkTask"]

_MAP_SUFFIXES = (".nrrd", ".nii.gz", ".nii")


class _FindingTask(InferTask):
    """Find landmarks from some examples; what they are, a subclass says.

    A request has ``image``, the id, and may have ``labels``, the landmarks that are wanted, and ``frames``, a number or
    a list of them; all where they are left out. ``save_label`` keeps what is found as a label ``original``.

    Its kind says by which list of a viewer it is offered, and what it answers: a ``segmentation`` a label map with a
    disc for each landmark, all others a list of points, as of a ``detection``. Viewers ask each for ``.nrrd``.
    """

    def __init__(self, kind: InferType, store: LandmarkDatastore, finder: LandmarkFinder, description: str) -> None:
        super().__init__(kind, labels=[], dimension=2, description=description)
        self.store = store
        self.finder = finder
        self.values = LabelValues()

    def is_valid(self) -> bool:
        """Whether the task can be asked: always."""
        return True

    @abstractmethod
    def bank(self, request: dict[str, Any]) -> ExampleBank:
        """The examples to find landmarks by."""

    def __call__(self, request: dict[str, Any]) -> tuple[str, dict[str, Any]]:
        """Find landmarks.

        Returns:
            Path of a temporary Markups file for 3D Slicer, or of a label map (see the class), whose suffix the
            request's ``result_extension`` may choose; and ``landmarks`` (see
            :class:`label_app.label_file.LabelPoint`, null for what is not finite) with ``latencies`` in ms, and
            ``label_names``, the values of a map's discs.

        Raises:
            ImageNotFoundException: there is no such image.
            InputError: there is no example, or the request is at fault.
        """
        begin = time.perf_counter()
        points = self._find(request, keep=bool(request.get("save_label")))
        latencies = {"total": round(1000 * (time.perf_counter() - begin), 3)}
        image = self.store.prepared(request["image"])
        params = {"landmarks": [_plain(one) for one in points], "latencies": latencies}
        with _temporary_file(self._suffix(request)) as path:
            if self.type == InferType.SEGMENTATION:
                params["label_names"] = self._write_label_map(path, request, image, points)
            else:
                _write_markups(path, image, [one for one in points if math.isfinite(one.x + one.y)])
            if request.get("save_label"):
                weights = weights_fingerprint(self.finder.network)
                kept = {"model": request["model"], "made_from": None, "weights": weights}
                self.store.replace_label(request["image"], points_inside(points, image), ORIGINAL, kept)
        return path, params

    def find(self, request: dict[str, Any]) -> list[LabelPoint]:
        """As :meth:`__call__`: the landmarks alone, which are not kept."""
        return self._find(request, keep=False)

    def _find(self, request: dict[str, Any], *, keep: bool) -> list[LabelPoint]:
        image = self.store.prepared(str(request.get("image")))
        frames = wanted_frames(request.get("frames"), image)
        bank = self.bank(request)
        labels = wanted_labels(request.get("labels"), bank)
        if keep:  # else it would be found for nothing
            if request.get("label_tag", ORIGINAL) != ORIGINAL:
                raise InputError(f"what was found is kept with the tag {ORIGINAL!r} only; people set the others")
            check_number(len(frames) * len(labels), f"label of {image.name}")
        return [one.point for frame in frames for one in self.finder.find(image, frame, bank, labels)]

    def _suffix(self, request: dict[str, Any]) -> str:
        if self.type != InferType.SEGMENTATION:
            return ".mrk.json"
        asked = request.get("result_extension") or _MAP_SUFFIXES[0]
        if asked not in _MAP_SUFFIXES:
            raise InputError(f'"result_extension" must be one of {", ".join(_MAP_SUFFIXES)}, not {asked!r}')
        return asked

    def _write_label_map(
        self, path: str, request: dict[str, Any], image: PreparedSeries, points: Sequence[LabelPoint]
    ) -> dict[str, int]:
        """As the request asks for it; the values of the discs."""
        how = {"dtype": request.get("result_dtype", "uint8"), "compress": bool(request.get("result_compress", False))}
        values = self.values.of([point.label for point in points])
        return write_label_map(path, image, points, values, **how)


class LandmarkTask(_FindingTask):
    """Find the landmarks that people have set in other images, or in other frames of the same.

    Args:
        kind: ``InferType.DETECTION`` to answer points, ``InferType.SEGMENTATION`` to answer discs.
        store: the images.
        finder: the network.
        memory: the examples.
    """

    def __init__(
        self, kind: InferType, store: LandmarkDatastore, finder: LandmarkFinder, memory: ExampleMemory
    ) -> None:
        shape = "discs" if kind == InferType.SEGMENTATION else "points"
        super().__init__(kind, store, finder, f"Finds the landmarks of all stored labels, as {shape}")
        self.memory = memory

    def info(self) -> dict[str, Any]:
        """As of any task; the labels are those that there are by now, with the values of their discs if it has any."""
        labels = self.memory.bank().labels
        return {**super().info(), "labels": self.values.of(labels) if self.type == InferType.SEGMENTATION else labels}

    def bank(self, request: dict[str, Any]) -> ExampleBank:
        """All labels ``final``."""
        bank = self.memory.bank()
        if not len(bank):
            raise InputError("there is no example yet; set a landmark in one image and save it")
        return bank


class ClickTask(_FindingTask):
    """Find landmarks from clicks of the request alone, which are not kept.

    ``clicks`` is a list of ``{"label": "valve", "frame": 3, "x": 101.0, "y": 64.5, "image": "clip.dcm"}``; without
    ``image`` the click is on the image itself: the landmark is then followed into its other frames.

    Args:
        store: the images.
        finder: the network.
    """

    def __init__(self, store: LandmarkDatastore, finder: LandmarkFinder) -> None:
        # no viewer can ask for it, so it is of a kind that none lists
        super().__init__(InferType.OTHERS, store, finder, "Finds landmarks from clicks of the request")

    def bank(self, request: dict[str, Any]) -> ExampleBank:
        """The clicks."""
        clicks = request.get("clicks")
        if not isinstance(clicks, list) or not clicks:
            raise InputError(
                'the request needs "clicks", a list of {"label", "frame", "x", "y"} and, on others, "image"'
            )
        by_image: dict[str, list[Any]] = {}
        for click in clicks:
            other = click.get("image") if isinstance(click, dict) else None
            by_image.setdefault(str(other or request["image"]), []).append(click)
        bank = self.finder.new_bank()
        for image_id, group in by_image.items():
            image = self.store.prepared(image_id)
            points = parse_points(group, f"clicks on {image_id}")
            check_points(points, image, f"clicks on {image_id}")
            if not all(is_used(point, image) for point in points):
                raise InputError(
                    f"clicks on {image_id}: one lies outside of the region that is used, {image.fit.region}"
                )
            self.finder.add(bank, image, points)
        return bank


def points_inside(points: Sequence[LabelPoint], image: PreparedSeries) -> list[LabelPoint]:
    """Those of some points that lie on an image and have a finite sigma: others cannot be kept."""
    width, height = image.fit.original
    return [
        one
        for one in points
        if -0.5 <= one.x <= width - 0.5
        and -0.5 <= one.y <= height - 0.5
        and math.isfinite((one.sigma_x or 0) + (one.sigma_y or 0))
    ]


def wanted_frames(frames: Any, image: PreparedSeries) -> Sequence[int]:
    """Indices of frames, all where none is asked for.

    Raises:
        InputError: there is no such frame.
    """
    if frames is None:
        return range(image.length)
    wanted = frames if isinstance(frames, list) else [frames]
    for frame in wanted:
        if not isinstance(frame, int) or isinstance(frame, bool) or not 0 <= frame < image.length:
            raise InputError(f"there is no frame {frame!r} in {image.name}; it has frames 0 to {image.length - 1}")
    return list(dict.fromkeys(wanted))


def label_names(labels: Any) -> list[str] | None:
    """Names of landmarks that are given as a list, or one alone; None where none is given.

    Raises:
        InputError: they are no names.

    Example:
        >>> label_names("valve"), label_names(["valve", "apex"]), label_names(None)
        (['valve'], ['valve', 'apex'], None)
    """
    names = [labels] if isinstance(labels, str) else labels
    if names is None or (isinstance(names, list) and all(isinstance(one, str) for one in names)):
        return names
    raise InputError(f'"labels" must be a list of names of landmarks, not {labels!r}')


def wanted_labels(labels: Any, bank: ExampleBank) -> list[str]:
    """Names of landmarks, all where none is asked for.

    Raises:
        InputError: there is no example of one.
    """
    wanted = label_names(labels)
    if wanted is None:
        return bank.labels
    if missing := [label for label in wanted if label not in bank.labels]:
        raise InputError(f"there is no example of {', '.join(map(repr, missing))}; there are {', '.join(bank.labels)}")
    return list(dict.fromkeys(wanted))


def _plain(point: LabelPoint) -> dict[str, Any]:
    """As JSON can say it: what is not finite is null."""
    return {
        name: None if isinstance(value, float) and not math.isfinite(value) else value
        for name, value in asdict(point).items()
    }


def _write_markups(path: str, image: PreparedSeries, points: Sequence[LabelPoint]) -> None:
    rows = [
        Landmark(
            *(image.name, one.frame, one.label, one.x, one.y, one.sigma_x, one.sigma_y, one.n_examples or 0),
            status=one.status or LandmarkStatus.UNCHECKED,
            reason=one.reason,
        )
        for one in points
    ]
    write_slicer_markups(path, rows, handed_out(image).affines)


@contextmanager
def _temporary_file(suffix: str) -> Iterator[str]:
    """MONAI Label removes it when it is sent; it is removed here if the block raises."""
    handle, path = tempfile.mkstemp(suffix, "landmarks-")
    os.close(handle)
    try:
        yield path
    except BaseException:
        os.unlink(path)
        raise
