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

"""The evaluation's figures, measured when the self-matching is done and written to metrics.json."""

from __future__ import annotations

import json
import logging
import math
import os
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import torch
from ignite.engine import Engine, Events

from scripts.classical.ncc import NCCMatcher
from scripts.data.example_images import ExamplePoint
from scripts.evaluation.calibration import Calibration
from scripts.evaluation.report import write_evaluation_report
from scripts.evaluation.result import EvaluationResult
from scripts.evaluation.result_files import write_result
from scripts.evaluation.run_description import describe_run
from scripts.inferers.example_bank import StorableMatcher
from scripts.io.atomic import atomic_path
from scripts.io.input_error import refuse_unreadable
from scripts.io.json_object import read_json_object
from scripts.metrics.pair_cyclic_error import PairCyclicError
from scripts.metrics.tracking_evaluation import (
    TrueTracks,
    mean_cyclic_error,
    motion,
    track_errors,
    track_landmarks,
)
from scripts.networks.weights_file import WeightsFile

__all__ = ["EvaluationWriter"]


class EvaluationWriter:
    """Measure cyclic errors and tracking, of the network and of cross-correlation, and write ``metrics.json``.

    Lengths are px of the original images, except the self-matching error, whose warped images exist at the network's
    size only. Keys:

    - ``self_matching_error_px``: mean over augmented images, px of the network's image;
    - ``pixel_cyclic_error_px``, ``ncc_pixel_cyclic_error_px``: eq. 4, mean over a grid of pixels of frame pairs;
    - ``cyclic_error_px``, ``ncc_cyclic_error_px``: eq. 4, mean over the example points and all other frames of their
      series; ``motion_px``: largest motion found, a landmark (only with examples on series);
    - ``error_px``, ``copy_first_px``, ``ncc_px`` and ``error_px_by_landmark``: mean Euclidean error against the truth
      of the network, of a tracker that never moves, and of cross-correlation (only with a truth);
    - ``train_seconds``: from the training's own summary, where there is one;
    - ``images_not_used``: files that could not be used, if there are any; the log names them;
    - ``weights``: path, SHA-256 and name of the weights.

    Args:
        path: the file to write.
        network: the network.
        cyclic_error: pairs for the pixel-wise cyclic error.
        examples: points to follow; may be empty.
        patch_size: side of the patches, px of the network's image.
        truth: file of true positions, see :func:`scripts.data.read_known_landmarks`, or None; the tracks of examples on
            series are compared with it.
        correct_bias: as given to :class:`scripts.inferers.ExampleBank`; for the tracking figures.
        training_summary: file written by :class:`scripts.handlers.TrainingSummary`, read if it is there.
        evaluations: the paper's questions, see :mod:`scripts.evaluation`; each adds its figures to ``metrics.json``
            under its name and writes a table and pictures, and all of them ``report.html``.
        calibration: judges the sigmas of the evaluations.
        weights: file of the network's weights, described in the report.
        device: where the network is.

    Raises:
        InputError: the truth or the training's summary is at fault.
    """

    def __init__(
        self,
        path: str | os.PathLike[str],
        network: StorableMatcher,
        cyclic_error: PairCyclicError,
        examples: Sequence[ExamplePoint],
        patch_size: int,
        *,
        truth: str | None = None,
        correct_bias: bool = False,
        training_summary: str | os.PathLike[str] | None = None,
        evaluations: Sequence[Callable[..., EvaluationResult]] = (),
        calibration: Calibration | None = None,
        weights: str | os.PathLike[str] | None = None,
        device: torch.device | str = "cpu",
    ) -> None:
        self.path = Path(path)
        self.network = network
        self.cyclic_error = cyclic_error
        # a still image has no other frame to follow a point to, and the truth speaks of the data set's images only
        known = {one.source for one in cyclic_error.dataset.series}
        self.examples = [one for one in examples if one.prepared.source in known and not one.prepared.still]
        self.patch_size = patch_size
        self.correct_bias = correct_bias
        self.truth = TrueTracks(truth, self.examples) if truth is not None and self.examples else None
        self.training = _read_summary(training_summary)
        self.evaluations = evaluations
        self.calibration = calibration
        self.weights = weights
        self.device = device

    def attach(self, engine: Engine) -> None:
        """Register at the end of the evaluation engine."""
        engine.add_event_handler(Events.COMPLETED, self)

    def __call__(self, engine: Engine) -> None:
        """Measure, write and print."""
        measured: dict[str, Any] = dict(engine.state.metrics)
        measured |= self._pixel_cyclic_errors()
        if self.examples:
            measured |= self._tracking()
        measured |= self.training
        skipped = self.cyclic_error.dataset.skipped
        measured |= {"images_not_used": len(skipped)} if skipped else {}
        results = [evaluation(self.network, self.device) for evaluation in self.evaluations]
        if self.calibration is not None:
            judged = {name: residuals for result in results for name, residuals in result.residuals.items()}
            results.append(self.calibration(self.network, self.device, judged))
        metrics = measured | {result.name: result.metrics | {"notes": result.notes} for result in results}
        if self.weights is not None and Path(self.weights).is_file():
            metrics["weights"] = WeightsFile.of(self.weights).as_dict()
        with atomic_path(self.path) as temporary:
            temporary.write_text(json.dumps(_rounded(metrics), indent=2))
        if results:
            pictures = {result.name: write_result(self.path.parent, result) for result in results}
            about = describe_run(self.cyclic_error.dataset, self.network, self.patch_size, self.weights)
            report = self.path.parent / "report.html"
            missing = self.truth.missing if self.truth else []
            write_evaluation_report(report, results, pictures, _rounded(measured), about, missing)
        text = json.dumps(_rounded(measured), indent=2)
        logging.getLogger(type(self).__name__).info("%s\n%s", self.path, text)

    def _pixel_cyclic_errors(self) -> dict[str, float]:
        pairs = self.cyclic_error
        return {
            "pixel_cyclic_error_px": pairs.mean_original(self.network, self.device),
            "ncc_pixel_cyclic_error_px": pairs.mean_original(NCCMatcher()),
        }

    def _tracking(self) -> dict[str, Any]:
        correct = self.correct_bias
        tracks = track_landmarks(self.network, self.examples, self.patch_size, self.device, correct_bias=correct)
        ncc_tracks = track_landmarks(NCCMatcher(), self.examples, self.patch_size, correct_bias=correct)
        metrics: dict[str, Any] = {
            "cyclic_error_px": mean_cyclic_error(tracks),
            "ncc_cyclic_error_px": mean_cyclic_error(ncc_tracks),
            "motion_px": motion(tracks),
        }
        if self.truth is not None:
            errors, copied = track_errors(tracks, self.truth)
            ncc_errors, _ = track_errors(ncc_tracks, self.truth)
            for line in self.truth.missing:
                logging.getLogger(type(self).__name__).warning(line)
            metrics |= {
                "error_px": _mean(errors),
                "copy_first_px": _mean(copied),
                "ncc_px": _mean(ncc_errors),
                "error_px_by_landmark": errors,
            }
        return metrics


def _read_summary(path: str | os.PathLike[str] | None) -> dict[str, float]:
    if path is None:
        return {}
    with refuse_unreadable(path):
        seconds = read_json_object(path).get("train_seconds")  # weights as shipped tell none
        return {} if seconds is None else {"train_seconds": float(seconds)}


def _mean(by_label: dict[str, float]) -> float:
    return sum(by_label.values()) / len(by_label) if by_label else math.nan


def _rounded(value: Any) -> Any:
    """Numbers to three decimals, and null for what JSON has no number for."""
    if isinstance(value, dict):
        return {name: _rounded(part) for name, part in value.items()}
    if isinstance(value, list | tuple):
        return [_rounded(part) for part in value]
    if isinstance(value, str | int):
        return value
    return round(float(value), 3) if math.isfinite(value) else None
