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

"""Go on with the network's training, without labels, on the images of a folder."""

from __future__ import annotations

import math
import shutil
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import torch
from filelock import FileLock, Timeout
from monai.bundle import ConfigParser, ConfigWorkflow
from monailabel.interfaces.datastore import Datastore
from monailabel.interfaces.tasks.train import TrainTask

from label_app.adapted_weights import AdaptedWeights
from label_app.landmark_datastore import LandmarkDatastore
from label_app.landmark_finder import LandmarkFinder
from scripts.io.input_error import InputError, find_input_error

__all__ = ["AdaptTask"]

CONFIGS = Path(__file__).resolve().parents[1] / "configs"
_NUMBERS = {"max_epochs": int, "steps_per_epoch": int, "learning_rate": float, "seed": int}


class AdaptTask(TrainTask):
    """The bundle's own training, which needs no labels, from the weights of now on, with ``configs/adapt.json``.

    Every fifth image (or frame, where there are few images) is held out. The cyclic error of these is measured before
    and after, with the same pairs and shifts; the new weights are kept if it is smaller. A request may have
    ``max_epochs``, ``steps_per_epoch``, ``learning_rate`` and ``seed``.

    Args:
        store: the images.
        finder: the network.
        weights: where new weights are kept.
        settings: values of the configs that describe the network and its images, by name.
        config_files: configs that describe the network, merged on top of ``train.json``.

    Example:
        >>> task = AdaptTask(store, finder, weights, {"image_size": [224, 224]})  # doctest: +SKIP
        >>> task({"max_epochs": 2}, store)  # doctest: +SKIP
        {'adapted': True, 'before_px': 8.1, 'after_px': 7.4, 'images': 200}
    """

    def __init__(
        self,
        store: LandmarkDatastore,
        finder: LandmarkFinder,
        weights: AdaptedWeights,
        settings: Mapping[str, Any] | None = None,
        config_files: list[str] | None = None,
    ) -> None:
        super().__init__("Adapts the network to the images of this folder, without labels")
        self.store = store
        self.finder = finder
        self.weights = weights
        self.settings = dict(settings or {})
        self.config_files = [str(CONFIGS / "train.json"), *(config_files or []), str(CONFIGS / "adapt.json")]

    def config(self) -> dict[str, Any]:
        """What a request may set, with its defaults."""
        defaults = ConfigParser.load_config_file(str(CONFIGS / "adapt.json"))
        return {name: defaults[name] for name in _NUMBERS}

    def stats(self) -> dict[str, Any]:
        """What is told of the weights that were adapted last."""
        return self.weights.describe()

    def __call__(self, request: dict[str, Any], datastore: Datastore | None = None) -> dict[str, Any]:
        """Train, measure, and keep the new weights if they are better.

        Args:
            request: see the class.
            datastore: is ignored: there is one.

        Returns:
            ``adapted``, whether they are; ``before_px`` and ``after_px``, the cyclic errors in px of the network's
            image; ``images``, how many there are.

        Raises:
            InputError: the request or an image is at fault, there is no image, another training is at work, or this one
                diverges.
        """
        numbers = _read_numbers(request, self.config())
        images = self._fetch_all()
        if not images:
            raise InputError(f"there is no image in {self.store.folder}; add images to adapt the network to")
        self.weights.refresh()
        with self._working_folder() as folder:
            try:
                state, before, after = self._train(folder, numbers)
            except Exception as error:
                # MONAI's config parser wraps what is raised
                raise find_input_error(error) or error from error
        adapted = self.weights.offer(state, before, after, {"images": images, **numbers})
        verdict = "the new weights are taken up" if adapted else "no better, so the weights stay as they were"
        print(f"cyclic error {before:.3f} px before, {after:.3f} px after: {verdict}", flush=True)
        return {"adapted": adapted, "before_px": _plain(before), "after_px": _plain(after), "images": images}

    def _fetch_all(self) -> int:
        """See that all images are in the folder, which those of a server are not before they are asked for."""
        images = self.store.list_images()
        for number, image_id in enumerate(images, start=1):
            try:
                self.store.series(image_id)
            except InputError as error:  # the others are enough to train on
                print(f"image {number} of {len(images)} is passed over: {error}", flush=True)
        return len(images)

    @contextmanager
    def _working_folder(self) -> Iterator[Path]:
        """An empty folder for one training at a time.

        It has a name of its own so that the next training removes what one leaves that was stopped by killing it.
        """
        folder = self.weights.folder / "training"
        folder.parent.mkdir(parents=True, exist_ok=True)
        try:
            with FileLock(f"{folder}.lock", timeout=0):
                shutil.rmtree(folder, ignore_errors=True)
                folder.mkdir()
                try:
                    yield folder
                finally:
                    shutil.rmtree(folder, ignore_errors=True)
        except Timeout as error:
            raise InputError("the network is being adapted already; wait for its end, or stop it first") from error

    def _train(self, folder: Path, numbers: Mapping[str, Any]) -> tuple[dict[str, torch.Tensor], float, float]:
        """The new weights, and the cyclic errors before and after."""
        torch.save(self.finder.network.state_dict(), folder / "before.pt")
        given = {
            **self.settings,
            **numbers,
            "device": f"$torch.device({str(self.finder.device)!r})",
            "bundle_root": str(CONFIGS.parent),
            "dataset_dir": str(self.store.folder),
            "output_dir": str(folder),
            "ckpt_dir": str(folder),
            "ckpt_path": str(folder / "before.pt"),
            # the cyclic error before is measured here
            "run": ["$@train#trainer.run()"],
        }
        workflow = ConfigWorkflow(self.config_files, logging_file=False, workflow_type="train", **given)
        workflow.initialize()
        network, device, cyclic_error = (
            workflow.parser.get_parsed_content(name) for name in ("network", "device", "validate#cyclic_error")
        )
        before = cyclic_error.mean(network.eval(), device)
        print(f"cyclic error before: {before:.3f} px of the network's image", flush=True)
        workflow.run()
        state = torch.load(folder / "model.pt", map_location="cpu", weights_only=True)
        network.load_state_dict(state)
        return state, before, cyclic_error.mean(network.eval(), device)


def _read_numbers(request: Mapping[str, Any], defaults: Mapping[str, Any]) -> dict[str, Any]:
    """Settings of a request. They become part of a config, where a text could be code: only numbers are taken."""
    numbers = {}
    for name, kind in _NUMBERS.items():
        value = request.get(name, defaults[name])
        allowed = int if kind is int else (int, float)
        least = 0 if name == "seed" else 1 if kind is int else 1e-9
        if isinstance(value, bool) or not isinstance(value, allowed) or not least <= value < 2**31:
            whole = "whole " if kind is int else ""
            raise InputError(f'"{name}" must be a {whole}number, such as {defaults[name]}, not {value!r}')
        numbers[name] = kind(value)
    return numbers


def _plain(value: float) -> float | None:
    return round(value, 4) if math.isfinite(value) else None
