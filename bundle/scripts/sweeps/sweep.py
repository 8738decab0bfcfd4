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

"""Trains and evaluates one variant after the other, and compares them."""

from __future__ import annotations

import os
import shlex
import subprocess
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from tqdm import tqdm

from scripts.io.input_error import InputError
from scripts.sweeps.results import read_figures, write_results
from scripts.sweeps.tracking import SweepTracking
from scripts.sweeps.variant import plan_variants
from scripts.sweeps.variant_folder import VariantFolder

__all__ = ["Sweep"]

_RUN_BUNDLE = (sys.executable, "-m", "monai.bundle", "run")
_LOGGING = ("--logging_file", "configs/logging.conf")


class Sweep:
    """Train and evaluate variants of the configs, each in processes of its own, and compare their errors.

    The sweep of Frueh et al. 2022, Fig. 5 and Table 3. After every variant the table, figure and page of all that are
    finished are written to ``output_dir``; see :func:`scripts.sweeps.write_results`. A sweep that is run again skips
    what is finished, and training goes on from its checkpoint.

    Args:
        variants: name to ``{"configs": [...], "settings": {...}}``, see :func:`scripts.sweeps.plan_variants`.
        output_dir: folder of the sweep; each variant has a folder of its name in it.
        tracking: the MLflow store.
        title: heading of the page.
        xlabel: what the variants are.
        data: ``dataset_dir``, ``datalist`` and ``truth``: paths from the current folder; None leaves it to the configs.
        base: config files for all variants, merged before a variant's own.
        settings: config ids to values, for all variants.
        bundle_root: the folder of the bundle, where the processes run.
        command: what runs a workflow of the bundle; its id and options are appended.

    Raises:
        InputError: the variants are at fault, see :func:`scripts.sweeps.plan_variants`.

    Example:
        >>> tracking = SweepTracking("out", "patch_size")
        >>> sizes = {str(size): {"settings": {"patch_size": size}} for size in (32, 40)}
        >>> sweep = Sweep(sizes, "out", tracking, title="Patch size", xlabel="Patch size [px]")  # doctest: +SKIP
        >>> sweep.run()  # doctest: +SKIP
    """

    def __init__(
        self,
        variants: Mapping[str, Mapping[str, Any]],
        output_dir: str | os.PathLike[str],
        tracking: SweepTracking,
        *,
        title: str,
        xlabel: str,
        data: Mapping[str, str | None] | None = None,
        base: Sequence[str] = (),
        settings: Mapping[str, Any] | None = None,
        bundle_root: str | os.PathLike[str] = ".",
        command: Sequence[str] = _RUN_BUNDLE,
    ) -> None:
        self.output_dir = Path(output_dir).absolute()
        self.tracking = tracking
        self.title = title
        self.xlabel = xlabel
        self.bundle_root = Path(bundle_root).absolute()
        self.command = command
        if not isinstance(settings or {}, Mapping):
            raise InputError(f"settings must be a dict of config ids and values, not {settings!r}")
        paths = {name: os.path.abspath(path) for name, path in (data or {}).items() if path is not None}
        planned = plan_variants(
            variants, base=base, settings=paths | dict(settings or {}), bundle_root=self.bundle_root
        )
        self.folders = [VariantFolder(self.output_dir / variant.name, variant) for variant in planned]

    def run(self) -> None:
        """Run all variants that are not finished, in their order.

        Raises:
            InputError: a variant in the folder was made with other settings (then nothing is run), or a training or
                evaluation failed; the message has the end of its log.
        """
        for folder in self.folders:
            folder.check()
        self.tracking.start()
        status = "KILLED"
        try:
            self._run_variants()
            status = "FINISHED"
        except Exception:
            status = "FAILED"
            raise
        finally:
            files = [self.output_dir / f"sweep.{suffix}" for suffix in ("csv", "png", "html")]
            self.tracking.stop(status, files)

    def _run_variants(self) -> None:
        with tqdm(self.folders, desc=self.title, unit="variant", disable=None) as progress:
            for folder in progress:
                name, before = folder.variant.name, folder.finished
                if not before or not self.tracking.has(name):
                    self._run_tracked(folder, progress)
                rows = {one.variant.name: read_figures(one.metrics) for one in self.folders if one.finished}
                write_results(self.output_dir, rows, title=self.title, xlabel=self.xlabel)
                progress.write(f"{name}: {_line(rows[name])}{', finished before' if before else ''}")

    def _run_tracked(self, folder: VariantFolder, progress: tqdm) -> None:
        """Run a variant, or only note it where it is finished but not in the store."""
        variant, status = folder.variant, "KILLED"
        configs = {"configs": variant.training.configs[1:]}
        self.tracking.begin(variant.name, configs | variant.training.settings | variant.evaluating.settings)
        figures: dict[str, float] = {}
        try:
            if not folder.finished:
                self._run_variant(folder, progress)
            figures, status = read_figures(folder.metrics), "FINISHED"
        except Exception:
            status = "FAILED"
            raise
        finally:
            self.tracking.end(variant.name, status, figures, [folder.log])

    def _run_variant(self, folder: VariantFolder, progress: tqdm) -> None:
        folder.begin()
        options = {
            "training": ["--ckpt_dir", str(folder.models)],
            "evaluating": ["--ckpt_path", str(folder.models / "model.pt")],
        }
        for run_id, more in options.items():
            progress.set_postfix_str(f"{folder.variant.name}: {run_id}")
            self._run_stage(folder, run_id, [*more, "--output_dir", str(folder.path)])
        folder.finish()

    def _run_stage(self, folder: VariantFolder, run_id: str, options: Sequence[str]) -> None:
        configs = [*getattr(folder.variant, run_id).configs, str(folder.settings(run_id))]
        command = [*self.command, run_id, "--config_file", str(configs), *_LOGGING, *options]
        with folder.log.open("a", encoding="utf-8") as log:
            print(f"$ {shlex.join(command)}", file=log, flush=True)
            done = subprocess.run(
                command, cwd=self.bundle_root, stdin=subprocess.DEVNULL, stdout=log, stderr=subprocess.STDOUT
            )
        if done.returncode:
            raise InputError(
                f"variant {folder.variant.name}: {run_id} failed with exit code {done.returncode}. Mend the cause and "
                f"give the same command again; it goes on here. {folder.log} ends with:\n{folder.log_end()}"
            )


def _line(figures: Mapping[str, float]) -> str:
    """The errors that there are, for the terminal."""
    means = {name.removesuffix(".mean_px"): value for name, value in figures.items() if name.endswith(".mean_px")}
    return ", ".join(f"{name.replace('_', ' ')} {value:.2f} px" for name, value in means.items() if value == value)
