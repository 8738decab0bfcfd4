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
import tempfile
import time
from abc import abstractmethod
from collections.abc import Sequence
from dataclasses import asdict
from typing import Any

from monailabel.interfaces.tasks.infer_v2 import InferTask, InferType

from label_app.example_memory import ExampleMemory
from label_app.label_file import LabelPoint, check_points, parse_points
from label_app.label_map import write_label_map
from label_app.landmark_datastore import ORIGINAL, LandmarkDatastore
from label_app.landmark_finder import LandmarkFinder
from scripts.data.prepared_series import PreparedSeries
from scripts.inferers.example_bank import ExampleBank
from scripts.io.input_error import InputError
from scripts.io.landmarks_csv import Landmark
from scripts.io.slicer_markups import write_slicer_markups

__all__ = ["ClickTask", "LandmarkTask"]


class _FindingTask(InferTask):
    """Find landmarks from some examples; what they are, a subclass says.

    A request has ``image``, the id, and may have ``labels``, the landmarks that are wanted, and ``frames``, a number or
    a list of them; all where they are left out.
    """

    def __init__(self, store: LandmarkDatastore, finder: LandmarkFinder, description: str) -> None:
        super().__init__(InferType.ANNOTATION, labels=[], dimension=2, description=description)
        self.store = store
        self.finder = finder

    def is_valid(self) -> bool:
        """Whether the task can be asked: always."""
        return True

    @abstractmethod
    def bank(self, request: dict[str, Any]) -> ExampleBank:
        """The examples to find landmarks by."""

    def __call__(self, request: dict[str, Any]) -> tuple[str, dict[str, Any]]:
        """Find landmarks.

        Returns:
            Path of a temporary Markups file for 3D Slicer, or of a label map where the request has a
            ``result_extension`` of ``.nrrd``, as OHIF's has; and ``landmarks`` (see
            :class:`label_app.label_file.LabelPoint`) with ``latencies`` in ms.

        Raises:
            ImageNotFoundException: there is no such image.
            InputError: there is no example, or the request is at fault.
        """
        params = self.find(request)
        image = self.store.prepared(request["image"])
        points = [LabelPoint(**one) for one in params["landmarks"]]
        if str(request.get("result_extension", "")).endswith(".nrrd"):
            return self._write_label_map(request, image, points, params), params
        return _write_markups(image, [one for one in points if math.isfinite(one.x + one.y)]), params

    def _write_label_map(
        self, request: dict[str, Any], image: PreparedSeries, points: list[LabelPoint], params: dict[str, Any]
    ) -> str:
        """As OHIF asks for it; the values of the discs go to ``label_names``."""
        labels = list(dict.fromkeys(point.label for point in points))
        how = {"dtype": request.get("result_dtype", "uint8"), "compress": bool(request.get("result_compress", False))}
        path = _temporary_file(".nrrd")
        params["label_names"] = write_label_map(path, image, points, labels, **how)
        return path

    def find(self, request: dict[str, Any]) -> dict[str, Any]:
        """As :meth:`__call__`, without the file."""
        begin = time.perf_counter()
        image = self.store.prepared(str(request.get("image")))
        frames = wanted_frames(request.get("frames"), image)
        bank = self.bank(request)
        labels = wanted_labels(request.get("labels"), bank)
        points = [one.point for frame in frames for one in self.finder.find(image, frame, bank, labels)]
        latencies = {"total": round(1000 * (time.perf_counter() - begin), 3)}
        return {"landmarks": [asdict(point) for point in points], "latencies": latencies}

    def save(self, request: dict[str, Any], params: dict[str, Any]) -> None:
        """Keep a result as a label."""
        found = [LabelPoint(**one) for one in params["landmarks"]]
        points = points_inside(found, self.store.prepared(request["image"]))
        tag = request.get("label_tag", ORIGINAL)
        self.store.replace_label(request["image"], points, tag, {"model": request["model"], "made_from": None})


class LandmarkTask(_FindingTask):
    """Find the landmarks that people have set in other images, or in other frames of the same.

    Args:
        store: the images.
        finder: the network.
        memory: the examples.
    """

    def __init__(self, store: LandmarkDatastore, finder: LandmarkFinder, memory: ExampleMemory) -> None:
        super().__init__(store, finder, "Finds the landmarks of all stored labels")
        self.memory = memory

    def info(self) -> dict[str, Any]:
        """As of any task; the labels are those that there are by now."""
        return {**super().info(), "labels": self.memory.bank().labels}

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
        super().__init__(store, finder, "Finds landmarks from clicks of the request")

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
            self.finder.add(bank, image, points)
        return bank


def points_inside(points: Sequence[LabelPoint], image: PreparedSeries) -> list[LabelPoint]:
    """Those of some points that lie on an image: others cannot be kept."""
    width, height = image.fit.original
    return [one for one in points if -0.5 <= one.x <= width - 0.5 and -0.5 <= one.y <= height - 0.5]


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
    return wanted


def wanted_labels(labels: Any, bank: ExampleBank) -> list[str]:
    """Names of landmarks, all where none is asked for.

    Raises:
        InputError: there is no example of one.
    """
    if labels is None:
        return bank.labels
    wanted = labels if isinstance(labels, list) else [labels]
    if missing := [label for label in wanted if label not in bank.labels]:
        raise InputError(f"there is no example of {', '.join(map(repr, missing))}; there are {', '.join(bank.labels)}")
    return wanted


def _write_markups(image: PreparedSeries, points: Sequence[LabelPoint]) -> str:
    path = _temporary_file(".mrk.json")
    rows = [
        Landmark(image.name, one.frame, one.label, one.x, one.y, one.sigma_x, one.sigma_y, one.n_examples or 0)
        for one in points
    ]
    write_slicer_markups(path, rows, image.affines)
    return path


def _temporary_file(suffix: str) -> str:
    """MONAI Label removes it when it is sent."""
    with tempfile.NamedTemporaryFile(prefix="landmarks-", suffix=suffix, delete=False) as file:
        return file.name
