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

"""The app that MONAI Label serves."""

from __future__ import annotations

import json
import math
from dataclasses import asdict
from pathlib import Path
from typing import Any

from monai.bundle import ConfigParser
from monailabel.config import settings
from monailabel.interfaces.app import MONAILabelApp
from monailabel.interfaces.exception import MONAILabelError, MONAILabelException
from monailabel.interfaces.tasks.infer_v2 import InferTask, InferType

from label_app.adapt_task import AdaptTask
from label_app.adapted_weights import AdaptedWeights
from label_app.batch_task import LandmarkBatch
from label_app.dicomweb_datastore import DicomWebDatastore
from label_app.example_memory import ExampleMemory
from label_app.landmark_datastore import LABELS, ORIGINAL, LandmarkDatastore
from label_app.landmark_finder import LandmarkFinder
from label_app.landmark_tasks import ClickTask, LandmarkTask, label_names
from label_app.scoring import Distance
from label_app.strategies import Coverage, Cyclic, Disagreement, Diversity, RandomImage, Sigma
from label_app.strategies.image_strategy import ImageStrategy

__all__ = ["LandmarkApp", "setting_names"]

BUNDLE = Path(__file__).resolve().parents[1]
CONFIGS = BUNDLE / "configs"


class LandmarkApp(MONAILabelApp):
    """Landmarks in the images of a folder, found from those that people have set.

    Args:
        app_dir: this folder.
        studies: the folder of images, or the address of a DICOMweb server.
        conf: settings of ``configs/inference.json`` by name, such as ``ckpt_path``, as texts; ``config_file`` names
            configs to merge on top, separated by commas.

    Example:
        >>> app = LandmarkApp("label_app", "images", {"ckpt_path": "models/model.pt"})  # doctest: +SKIP
        >>> app.infer({"model": "landmarks", "image": "clip.dcm"})["params"]["landmarks"]  # doctest: +SKIP
        [{'label': 'valve', 'frame': 0, 'x': 101.2, ...}]
    """

    def __init__(self, app_dir: str, studies: str, conf: dict[str, str] | None = None) -> None:
        self.finder = build_finder(conf or {})
        super().__init__(
            app_dir,
            studies,
            conf or {},
            name="Landmarks",
            description="Landmarks in all images from a few clicks, with their uncertainty",
        )
        # MONAI Label would start a process for it whenever it is asked for the next image
        self._auto_update_scoring = False

    def init_datastore(self) -> LandmarkDatastore:
        """The folder of images, or the DICOMweb server, by MONAI Label's own settings of such servers."""
        if not self.studies.startswith(("http://", "https://")):
            return LandmarkDatastore(self.studies, self.finder.prepare)
        user = settings.MONAI_LABEL_DICOMWEB_USERNAME, settings.MONAI_LABEL_DICOMWEB_PASSWORD
        return DicomWebDatastore(
            self.studies,
            settings.MONAI_LABEL_DICOMWEB_CACHE_PATH or Path.home() / ".cache" / "landmarks",
            self.finder.prepare,
            search=settings.MONAI_LABEL_DICOMWEB_SEARCH_FILTER,
            user=user if all(user) else None,
        )

    def init_infers(self) -> dict[str, InferTask]:
        """``landmarks``, which answers points, its twin ``landmarks_discs``, and ``landmarks_click``."""
        self.weights = AdaptedWeights(self._datastore.folder / LABELS / "weights", self.finder)
        self.weights.refresh()
        self.memory = ExampleMemory(self._datastore, self.finder)
        of_labels = self._datastore, self.finder, self.memory
        return {
            "landmarks": LandmarkTask(InferType.DETECTION, *of_labels),
            "landmarks_discs": LandmarkTask(InferType.SEGMENTATION, *of_labels),
            "landmarks_click": ClickTask(self._datastore, self.finder),
        }

    def init_trainers(self) -> dict[str, AdaptTask]:
        """``adapt``."""
        files = _config_files(self.conf)
        return {"adapt": AdaptTask(self._datastore, self.finder, self.weights, _training_settings(self.conf), files)}

    def init_strategies(self) -> dict[str, ImageStrategy]:
        """``coverage``, ``diversity``, ``sigma``, ``disagreement``, ``cyclic`` and ``random``."""
        coverage, diversity = Coverage(self._datastore, self.finder), Diversity(self._datastore, self.finder)
        by_examples = [one(self.finder, self.memory, diversity) for one in (Sigma, Disagreement, Cyclic)]
        # the page offers the first one first
        return {one.name: one for one in (coverage, diversity, *by_examples, RandomImage(self._datastore))}

    def init_scoring_methods(self) -> dict[str, Distance]:
        """``distance``."""
        return {"distance": Distance(self._datastore)}

    def init_batch_infer(self) -> LandmarkBatch:
        """``landmarks`` in many images."""
        return LandmarkBatch(self._datastore, self.finder, self.memory)

    def infer(self, request: dict[str, Any], datastore: LandmarkDatastore | None = None) -> dict[str, Any]:
        """Find landmarks in an image of the datastore; files elsewhere are not read, whatever the id looks like.

        Args:
            request: ``model``, ``image`` (an id), and what the task takes, see :mod:`label_app.landmark_tasks`.
            datastore: is ignored: there is one.

        Returns:
            ``file`` and ``label``, the path of the result as 3D Slicer Markups or as a label map; ``params`` with
            ``landmarks``; ``tag``, ``original``.

        Raises:
            MONAILabelException: there is no such model or image.
            InputError: the request is at fault.
        """
        file, params = self._task(request)(request)
        return {"label": file, "tag": ORIGINAL, "file": file, "params": params}

    def find(self, request: dict[str, Any]) -> dict[str, Any]:
        """As :meth:`infer`, without a file: ``landmarks``, which are not kept."""
        return {"landmarks": [asdict(point) for point in self._task(request).find(request)]}

    def next_sample(self, request: dict[str, Any]) -> dict[str, Any]:
        """The image to label next, see :class:`label_app.strategies.image_strategy.ImageStrategy`.

        Raises:
            MONAILabelException: there is no such strategy.
            InputError: the request is at fault.
        """
        self.weights.refresh()
        chosen = super().next_sample({**request, "labels": label_names(request.get("labels"))})
        # JSON has no infinity
        return {name: None if value in (math.inf, -math.inf) else value for name, value in chosen.items()}

    def batch_infer(self, request: dict[str, Any], datastore: LandmarkDatastore | None = None) -> dict[str, Any]:
        """Find landmarks in many images and keep them, see :class:`label_app.batch_task.LandmarkBatch`."""
        self.weights.refresh()
        return super().batch_infer(request, datastore)

    def _task(self, request: dict[str, Any]) -> InferTask:
        self.weights.refresh()
        task = self._infers.get(request.get("model"))
        if task is None:
            raise MONAILabelException(
                MONAILabelError.INVALID_INPUT,
                f"there is no model {request.get('model')!r}; take {', '.join(self._infers)}",
            )
        return task


def setting_names(conf: dict[str, str]) -> set[str]:
    """Names of the settings that there are, with those of the configs that ``config_file`` names."""
    return set(_read_configs(conf).get())


def build_finder(conf: dict[str, str]) -> LandmarkFinder:
    """The bundle's network and settings, by its own configs."""
    parser = _read_configs(conf)
    parser["bundle_root"] = str(BUNDLE)
    for name, value in conf.items():
        if name in parser.get() and name != "config_file":
            parser[name] = _parse_value(value)
    return parser.get_parsed_content("finder")


def _read_configs(conf: dict[str, str]) -> ConfigParser:
    parser = ConfigParser()
    parser.read_config([str(CONFIGS / name) for name in ("inference.json", "label.json")] + _config_files(conf))
    return parser


def _config_files(conf: dict[str, str]) -> list[str]:
    return [one for one in conf.get("config_file", "").split(",") if one]


def _training_settings(conf: dict[str, str]) -> dict[str, Any]:
    """What describes the network and its images: the settings that inference shares with training."""
    inference, train = (ConfigParser.load_config_file(str(CONFIGS / f"{name}.json")) for name in ("inference", "train"))
    return {name: _parse_value(value) for name, value in conf.items() if name in inference and name in train}


def _parse_value(value: str) -> Any:
    try:
        return json.loads(value)
    except ValueError:
        return value
