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

"""The folder of a variant: its settings, its log, and how far it has come."""

from __future__ import annotations

import json
import os
from dataclasses import asdict
from pathlib import Path
from typing import Any

from scripts.io.atomic import atomic_path
from scripts.io.input_error import InputError
from scripts.sweeps.variant import Stage, Variant

__all__ = ["VariantFolder"]


class VariantFolder:
    """Where a variant is trained and evaluated.

    ``variant.json`` tells what it was begun with and whether it is finished; ``training_settings.json`` and
    ``evaluating_settings.json`` are the configs that are merged last; ``log.txt`` has all that both runs printed.

    Args:
        path: the folder; made when it is begun.
        variant: the variant.

    Example:
        >>> stage = Stage([], {"patch_size": 32})
        >>> VariantFolder("out/none", Variant("32", stage, stage)).finished
        False
    """

    def __init__(self, path: str | os.PathLike[str], variant: Variant) -> None:
        self.path = Path(path)
        self.variant = variant
        self.log = self.path / "log.txt"
        self.models = self.path / "models"
        self._metrics = self.path / "metrics.json"
        self._record = self.path / "variant.json"

    @property
    def finished(self) -> bool:
        """Whether its evaluation ended well and is still there."""
        return self._metrics.is_file() and self._read().get("finished", False)

    @property
    def metrics(self) -> dict[str, Any]:
        """What the evaluation wrote."""
        return json.loads(self._metrics.read_text(encoding="utf-8"))

    def check(self) -> None:
        """See that what lies in the folder, if anything, was made with the same configs and settings.

        Raises:
            InputError: it was not, and going on would mix the two.
        """
        before, trained = self._read(), (self.models / "checkpoint.pt").is_file()
        if not before:
            return
        changes = self.variant.training.changes(Stage(**before["training"]))
        if changes and (trained or self.finished):
            raise InputError(
                f"{self.path} was trained with other settings ({changes}); remove the folder to train it again, or "
                "give another --output_dir"
            )
        changes = self.variant.evaluating.changes(Stage(**before["evaluating"]))
        if changes and self.finished:
            raise InputError(
                f"{self.path} was evaluated with other settings ({changes}); remove {self._metrics} to evaluate it "
                "again without training, or give another --output_dir"
            )

    def begin(self) -> None:
        """Write the settings; until :meth:`finish` the variant counts as unfinished."""
        for run_id in ("training", "evaluating"):
            _write_json(self.settings(run_id), getattr(self.variant, run_id).settings)
        _write_json(self._record, asdict(self.variant) | {"finished": False})

    def finish(self) -> None:
        """Note that training and evaluation ended well.

        Raises:
            InputError: the evaluation left no figures.
        """
        if not self._metrics.is_file():
            raise InputError(f"variant {self.variant.name}: its evaluation wrote no {self._metrics}; see {self.log}")
        _write_json(self._record, asdict(self.variant) | {"finished": True})

    def settings(self, run_id: str) -> Path:
        """The config of a stage that is merged last."""
        return self.path / f"{run_id}_settings.json"

    def log_end(self, lines: int = 15) -> str:
        """The last lines of the log."""
        return "\n".join(self.log.read_text(encoding="utf-8", errors="replace").splitlines()[-lines:])

    def _read(self) -> dict[str, Any]:
        if not self._record.is_file():
            return {}
        return json.loads(self._record.read_text(encoding="utf-8"))


def _write_json(path: Path, value: Any) -> None:
    with atomic_path(path) as temporary:
        temporary.write_text(json.dumps(value, indent=4) + "\n", encoding="utf-8")
