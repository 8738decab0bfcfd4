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
"""Trainings of the bundle for a comparison: each is done once and found again by its settings."""

from __future__ import annotations

import hashlib
import json
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from monai.bundle import ConfigWorkflow

from scripts.io import InputError
from scripts.io.atomic import atomic_path

BUNDLE = Path(__file__).resolve().parents[2] / "bundle"


@dataclass(frozen=True)
class TrainingRuns:
    """Run ``training`` with configs of the bundle, in a folder that keeps what was trained before.

    After a change of the code or of images, begin with an empty folder.

    Attributes:
        folder: where the trainings are kept; one that was interrupted goes on.

    Example:
        >>> runs = TrainingRuns(Path("comparison"))  # doctest: +SKIP
        >>> runs.weights("network", ["data/phantom"], {"dataset_dir": "phantom", "max_epochs": 22})  # doctest: +SKIP
        PosixPath('comparison/network-1f0c8a2be3d4/model.pt')
    """

    folder: Path

    def weights(self, name: str, configs: Sequence[str], settings: Mapping[str, Any]) -> Path:
        """The weights, trained now if they are not there.

        Args:
            name: what the folder begins with.
            configs: merged on top of ``configs/train.json``, without suffix.
            settings: values of the config by name; plain ones.

        Raises:
            InputError: the training diverged.
        """
        folder = self.folder / f"{name}-{self._key(configs, settings)}"
        done = folder / "training.json"
        if not done.is_file():
            begin = time.perf_counter()
            self._train(folder, configs, settings)
            if not (folder / "model.pt").is_file():
                raise InputError(f"{folder} has no weights: the training diverged")
            told = {"configs": list(configs), "settings": settings, "seconds": round(time.perf_counter() - begin, 1)}
            with atomic_path(done) as temporary:
                temporary.write_text(json.dumps(told, indent=1, default=str) + "\n")
        return folder / "model.pt"

    def seconds(self, weights: Path) -> float:
        """How long a training took."""
        return json.loads((weights.parent / "training.json").read_text())["seconds"]

    def validation_loss(self, weights: Path) -> float:
        """What the last validation of a training gave."""
        return json.loads(weights.with_name("model.json").read_text())["last_validation"]["val_loss"]

    def _key(self, configs: Sequence[str], settings: Mapping[str, Any]) -> str:
        """A hash of the settings and of the configs and tables that they name, but not of images and code."""
        key = hashlib.sha256(json.dumps([configs, settings], sort_keys=True, default=str).encode())
        files = [*_config_files(configs), *(settings.get(name) for name in ("datalist", "truth", "encoder_weights"))]
        for file in files:
            key.update(Path(file).read_bytes() if file else b"-")
        return key.hexdigest()[:12]

    def _train(self, folder: Path, configs: Sequence[str], settings: Mapping[str, Any]) -> None:
        given = {"bundle_root": str(BUNDLE), "ckpt_dir": str(folder), "output_dir": str(folder), **settings}
        workflow = ConfigWorkflow(_config_files(configs), logging_file=False, workflow_type="train", **given)
        workflow.initialize()
        workflow.run()
        workflow.finalize()


def _config_files(configs: Sequence[str]) -> list[str]:
    return [str(BUNDLE / "configs" / f"{name}.json") for name in ("train", *configs)]
