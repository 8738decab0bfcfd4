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

"""Whether the network's sigmas tell the truth, before and after they are mended on the validation split."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from functools import partial
from typing import Any, Protocol

import torch

from scripts.data.frame_dataset import FrameDataset
from scripts.evaluation.result import EvaluationResult, Residuals
from scripts.metrics.calibration import (
    LEVELS,
    conformal_radius,
    coverage,
    expected_calibration_error,
    fit_temperature,
    radii,
    sharpness,
    sigma_bins,
)
from scripts.metrics.cyclic_error import Matcher
from scripts.visualize.reliability import draw_error_against_sigma, draw_reliability

__all__ = ["Calibration"]

_SELF, _CYCLIC = "self-matching", "cyclic"


class _Evaluation(Protocol):
    """A question that is put to the validation split."""

    dataset: FrameDataset

    def __call__(self, matcher: Matcher, device: torch.device | str) -> EvaluationResult:
        """Its answer."""


class Calibration:
    """Coverage of the sigma ellipses, and how a temperature and conformal radii mend it.

    A temperature is one factor on all sigmas. It is fitted without labels, on other images than those judged: one on
    patches found in their own images, one on the cyclic error, whose two ways add up. The second serves for landmarks
    in other images. Where landmarks of the validation split are known, their errors give split-conformal radii.

    Args:
        fit: evaluations of the validation split that the temperatures and radii are fitted on, such as
            :class:`PixelMatching`, :class:`CyclicMatching` and :class:`LandmarkMatching`; none leaves the question of
            "after" open, with a note.
        distribution: what the network was trained for, ``gaussian`` or ``laplace``.
        levels: shares that ellipses should hold.

    Example:
        >>> calibration = Calibration([PixelMatching(validation, 48)], levels=[0.9])  # doctest: +SKIP
        >>> result = calibration(network, "cpu", {"self-matching": residuals})  # doctest: +SKIP
        >>> result.metrics["self-matching"]["after"]["coverage_90_percent"]  # doctest: +SKIP
        89.7
    """

    def __init__(
        self,
        fit: Sequence[_Evaluation] = (),
        *,
        distribution: str = "gaussian",
        levels: Sequence[float] = (0.5, 0.9, 0.95),
    ) -> None:
        self.fit = [one for one in fit if len(one.dataset)]
        self.distribution = distribution
        self.levels = levels

    def __call__(
        self, matcher: Matcher, device: torch.device | str, judged: Mapping[str, Residuals]
    ) -> EvaluationResult:
        """Fit on the validation split, judge errors and sigmas of other images; lengths are px of the original images.

        Args:
            matcher: the network, in evaluation mode.
            device: where it is.
            judged: name to errors and sigmas, such as those of :attr:`EvaluationResult.residuals`.
        """
        fitted = [one(matcher, device) for one in self.fit]
        notes = [f"validation split: {note}" for one in fitted for note in one.notes]
        if not self.fit:
            notes.append("no validation split to fit on: give --datalist FILE.json, or --validation_dir DIR")
        known = {name: residuals for one in fitted for name, residuals in one.residuals.items()}
        known = {name: residuals for name, residuals in known.items() if len(residuals.errors)}
        temperatures = {
            name: fit_temperature(radii(known[name].errors, known[name].sigmas), self.distribution)
            for name in (_SELF, _CYCLIC)
            if name in known
        }
        metrics: dict[str, Any] = {"distribution": self.distribution, "temperature": temperatures}
        rows, before, after, bins = [], {}, {}, {}
        for name, residuals in judged.items():
            if not len(residuals.errors):
                notes.append(f"{name}: no answer to judge the sigmas of")
                continue
            stages = {"before": self._judge(residuals)}
            before[name] = self._curve(residuals)
            bins[f"{name}, before"] = sigma_bins(residuals.errors, residuals.sigmas)
            temperature = temperatures.get(_SELF if name == _SELF else _CYCLIC, math.nan)
            if math.isfinite(temperature):
                mended = Residuals(residuals.errors, residuals.sigmas * temperature)
                stages["after"] = {"temperature": temperature} | self._judge(mended)
                after[name] = self._curve(mended)
                bins[f"{name}, after"] = sigma_bins(mended.errors, mended.sigmas)
            if name not in (_SELF, _CYCLIC):
                stages |= self._conformal(name, residuals, known, notes)
            metrics[name] = stages
            rows += [{"answers": name, "stage": stage} | figures for stage, figures in stages.items()]
        figures = {"reliability_before": partial(draw_reliability, before)} if before else {}
        if after:
            figures["reliability_after"] = partial(draw_reliability, after)
        if bins:
            figures["error_against_sigma"] = partial(draw_error_against_sigma, bins)
        return EvaluationResult("calibration", metrics, rows, notes, figures)

    def _judge(self, residuals: Residuals) -> dict[str, float | int]:
        radius = radii(residuals.errors, residuals.sigmas)
        held = {
            f"coverage_{100 * level:g}_percent": 100 * coverage(radius, level, self.distribution)
            for level in self.levels
        }
        return held | {
            "expected_calibration_error_percent": 100 * expected_calibration_error(radius, self.distribution),
            "sharpness_px": sharpness(residuals.sigmas),
            "number": len(radius),
        }

    def _curve(self, residuals: Residuals) -> tuple[list[float], list[float]]:
        radius = radii(residuals.errors, residuals.sigmas)
        return list(LEVELS), [coverage(radius, level, self.distribution) for level in LEVELS]

    def _conformal(
        self, name: str, residuals: Residuals, known: Mapping[str, Residuals], notes: list[str]
    ) -> dict[str, dict[str, float]]:
        if name not in known:
            notes.append(f"{name}: no conformal radii, as the validation split has none of so many examples")
            return {}
        radius = radii(residuals.errors, residuals.sigmas)
        scores = radii(known[name].errors, known[name].sigmas)
        figures = {}
        for level in self.levels:
            limit = conformal_radius(scores, level)
            figures[f"radius_{100 * level:g}_sigmas"] = limit
            figures[f"coverage_{100 * level:g}_percent"] = 100 * (radius <= limit).double().mean().item()
            figures[f"radius_{100 * level:g}_px"] = limit * sharpness(residuals.sigmas)
        return {"conformal": figures}
