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

"""A sweep in MLflow: one run, and in it a nested run a variant."""

from __future__ import annotations

import math
import os
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from mlflow import MlflowClient
from mlflow.entities import Run
from mlflow.exceptions import MlflowException
from mlflow.utils.mlflow_tags import MLFLOW_PARENT_RUN_ID

from scripts.io.atomic import atomic_path

__all__ = ["SweepTracking"]


class SweepTracking:
    """Write a sweep's settings, figures and logs to an MLflow store.

    The id of the sweep's run is kept in ``mlflow_run.txt`` in its folder, so that a sweep that is continued goes on in
    the same run; a variant that was begun before goes on in its own.

    Args:
        folder: the sweep's folder.
        name: name of the sweep's run.
        experiment: name of the experiment, made if it is not there.
        uri: the store; by default that of ``MLFLOW_TRACKING_URI``, or else an SQLite file ``mlruns.db`` in the folder.

    Example:
        >>> tracking = SweepTracking("out/patch_size", "patch_size")
        >>> tracking.start()  # doctest: +SKIP
    """

    def __init__(
        self, folder: str | os.PathLike[str], name: str, *, experiment: str = "sweeps", uri: str | None = None
    ) -> None:
        self.folder = Path(folder).absolute()
        self.name = name
        self.experiment = experiment
        self.uri = uri or os.environ.get("MLFLOW_TRACKING_URI")

    def start(self) -> None:
        """Open the store, and the sweep's run or a new one."""
        self.folder.mkdir(parents=True, exist_ok=True)
        self._client = MlflowClient(self.uri or f"sqlite:///{self.folder}/mlruns.db")
        self._experiment_id = self._find_experiment()
        self._run_id = self._find_run()
        self._client.update_run(self._run_id, status="RUNNING")

    def has(self, variant: str) -> bool:
        """Whether the run of a variant is finished."""
        run = self._children().get(variant)
        return run is not None and run.info.status == "FINISHED"

    def begin(self, variant: str, settings: Mapping[str, Any]) -> None:
        """Open the run of a variant; one that was begun with other settings is deleted, as MLflow cannot change them.

        Args:
            variant: its name.
            settings: what it is made with, as parameters.
        """
        params = {_param(name): str(value) for name, value in settings.items()}
        run = self._children().get(variant)
        if run is not None and run.data.params != params:
            self._client.delete_run(run.info.run_id)
            run = None
        if run is None:
            run = self._client.create_run(
                self._experiment_id, run_name=variant, tags={MLFLOW_PARENT_RUN_ID: self._run_id}
            )
            for name, value in params.items():
                self._client.log_param(run.info.run_id, name, value)
        self._client.update_run(run.info.run_id, status="RUNNING")

    def end(
        self, variant: str, status: str, metrics: Mapping[str, float] | None = None, files: Iterable[Path] = ()
    ) -> None:
        """Close the run of a variant.

        Args:
            variant: its name, as begun.
            status: ``FINISHED``, ``FAILED`` or ``KILLED``.
            metrics: figures; those that are not finite are left out.
            files: artifacts.
        """
        run_id = self._children()[variant].info.run_id
        for name, value in (metrics or {}).items():
            if math.isfinite(value):
                self._client.log_metric(run_id, name, value)
        self._close(run_id, status, files)

    def stop(self, status: str, files: Iterable[Path] = ()) -> None:
        """Close the sweep's run, with the files that are there as artifacts."""
        self._close(self._run_id, status, files)

    def _close(self, run_id: str, status: str, files: Iterable[Path]) -> None:
        for file in files:
            if file.is_file():
                self._client.log_artifact(run_id, str(file))
        self._client.set_terminated(run_id, status)

    def _find_experiment(self) -> str:
        experiment = self._client.get_experiment_by_name(self.experiment)
        if experiment is not None:
            return experiment.experiment_id
        # beside the store; any other store has its own place for them
        artifacts = None if self.uri else (self.folder / "mlruns").as_uri()
        return self._client.create_experiment(self.experiment, artifact_location=artifacts)

    def _find_run(self) -> str:
        path = self.folder / "mlflow_run.txt"
        if path.is_file() and self._is_there(run_id := path.read_text(encoding="utf-8").strip()):
            return run_id
        run_id = self._client.create_run(self._experiment_id, run_name=self.name).info.run_id
        with atomic_path(path) as temporary:
            temporary.write_text(run_id + "\n", encoding="utf-8")
        return run_id

    def _is_there(self, run_id: str) -> bool:
        """Whether a run is in this store and experiment, and not deleted."""
        try:
            info = self._client.get_run(run_id).info
        except MlflowException as error:
            if error.error_code != "RESOURCE_DOES_NOT_EXIST":
                raise
            return False
        return info.experiment_id == self._experiment_id and info.lifecycle_stage == "active"

    def _children(self) -> dict[str, Run]:
        runs = self._client.search_runs([self._experiment_id], f"tags.`{MLFLOW_PARENT_RUN_ID}` = '{self._run_id}'")
        return {run.info.run_name: run for run in runs}


def _param(name: str) -> str:
    """A config id as MLflow allows it: no ``#``."""
    return name.removeprefix("+").replace("#", ".").replace("::", ".")
