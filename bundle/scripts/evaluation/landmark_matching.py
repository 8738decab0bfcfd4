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

"""How well landmarks are found from one example, and from more."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from functools import partial
from typing import Any

import numpy as np
import torch
from matplotlib.figure import Figure

from scripts.data.example_images import ExamplePoint
from scripts.data.frame_dataset import FrameDataset
from scripts.evaluation.frames import check_subjects, spacing_notes
from scripts.evaluation.labelled_frames import (
    LabelledFrame,
    LandmarkGroup,
    given_groups,
    read_labelled_frames,
    split_groups,
)
from scripts.evaluation.landmark_answers import match_landmarks
from scripts.evaluation.landmark_trial import LandmarkTrial
from scripts.evaluation.result import EvaluationResult, left_out
from scripts.inferers.fusion import Fusion, InverseSigmaFusion
from scripts.inferers.gradient_refinement import GradientRefinement
from scripts.io.input_error import InputError
from scripts.io.unicode_form import composed_labels
from scripts.metrics.cyclic_error import Matcher
from scripts.visualize.landmark_cases import LandmarkCase, draw_landmark_cases
from scripts.visualize.learning_curve import draw_learning_curve

__all__ = ["LandmarkMatching"]

_COUNTS = (1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 20, 30, 40, 50)


class LandmarkMatching:
    """Example-based landmark matching with 1 to 50 examples (Frueh et al. 2022, section III-C and Fig. 6).

    Without given examples, the labelled images are divided once: one half gives examples, the landmarks are looked for
    in the other, see :func:`scripts.evaluation.split_groups`. The examples are drawn ``draws`` times.

    Args:
        dataset: the images.
        patch_size: side of the patches, px of the network's image.
        truth: file of known landmarks, see :func:`scripts.data.read_known_landmarks`; None leaves the question open,
            with a note.
        examples: the examples to use; none draws them from one half of the labelled images.
        labels: the landmarks that are wanted, None for all.
        labels_apart: landmarks that are reported apart and not in the main figure, such as those of doubtful truth.
        strict: refuse a wanted label that no image has, and a truth other than CSV with no landmark in any image; else
            they are noted.
        subjects: ``within``, ``cross`` or ``auto``, see :func:`scripts.evaluation.split_groups`.
        counts: numbers of examples; the paper's by default.
        few: the number of examples that stands for "few" in the tables, or the largest one below it that there is.
        draws: how often examples are drawn.
        images: most target images; for ``within`` of each series.
        thresholds: for the success rates, in px and in mm.
        baselines: other matchers to compare with, by name.
        fusion: how several examples become one answer; eq. 3 by default.
        correct_bias: take off each patch's bias, see :func:`scripts.metrics.matching_bias`.
        sigma_per_scale: standard deviation of the distribution trained for at scale 1.
        second_look: moves the network's fused answers, see :class:`scripts.inferers.GradientRefinement`; not those of
            the baselines.
        chunk_size: number of patches at once, which bounds the memory.
        seed: seed of the division and the draws.

    Raises:
        InputError: the truth is at fault, or has none of the labels.

    Example:
        >>> LandmarkMatching(dataset, 40, "landmarks.csv")(network).metrics["single_shot"]  # doctest: +SKIP
        {'mean_px': 5.8, 'sd_px': 3.9, ...}
    """

    def __init__(
        self,
        dataset: FrameDataset,
        patch_size: int,
        truth: str | os.PathLike[str] | None = None,
        *,
        examples: Sequence[ExamplePoint] = (),
        labels: Sequence[str] | None = None,
        labels_apart: Sequence[str] = (),
        strict: bool = True,
        subjects: str = "auto",
        counts: Sequence[int] = _COUNTS,
        few: int = 20,
        draws: int = 20,
        images: int = 50,
        thresholds: Sequence[float] = (2, 4, 6),
        baselines: Mapping[str, Matcher] | None = None,
        fusion: Fusion | None = None,
        correct_bias: bool = True,
        sigma_per_scale: float = 1.0,
        second_look: GradientRefinement | None = None,
        chunk_size: int = 256,
        seed: int = 0,
    ) -> None:
        self.dataset = dataset
        self.truth = truth
        self.labels = composed_labels(labels)
        self.labels_apart = composed_labels(labels_apart)
        self.strict = strict
        self.counts = sorted(counts)
        self.few = few
        self.draws = draws
        self.thresholds = thresholds
        self.baselines = baselines or {}
        self.fusion = fusion or InverseSigmaFusion()
        self.seed = seed
        self._options: dict[str, Any] = {
            "correct_bias": correct_bias,
            "sigma_per_scale": sigma_per_scale,
            "chunk_size": chunk_size,
        }
        self.second_look = second_look
        self.patch_size = patch_size
        self.subjects = check_subjects(subjects)
        self.groups: list[LandmarkGroup] = []
        self.notes = ["no landmarks are known: give --truth FILE.csv (image,frame,label,x,y)"]
        if truth is not None:
            labelled, self.notes = read_labelled_frames(truth, dataset, patch_size, self.labels, strict=strict)
            self._split(labelled, examples, images)

    def _split(self, labelled: list[LabelledFrame], examples: Sequence[ExamplePoint], images: int) -> None:
        self.names = list(dict.fromkeys(label for one in labelled for label in one.points))
        missing = [label for label in self.labels or [] if label not in self.names]
        self.notes += left_out(missing, "wanted landmarks that no image has")
        if labelled and missing and self.strict:
            raise InputError(
                f"{self.truth}: no image of the data set has {', '.join(map(repr, missing))}; "
                f"it has {', '.join(self.names)}"
            )
        unknown = [label for label in self.labels_apart if label not in self.names]
        self.notes += left_out(unknown, "landmarks to report apart that no image has")
        self.labels_apart = [label for label in self.labels_apart if label in self.names]
        random = np.random.RandomState(self.seed)
        if examples:
            given = given_groups(labelled, examples, self.subjects, images, random)
        else:
            given = split_groups(labelled, self.subjects, images, max(self.counts), random)
        self.groups, self.subjects, notes = given
        self.notes += notes
        if not self.groups:
            self.notes.append(f"no landmark can be judged: {self.truth} has too few images of this data set")

    def __call__(self, matcher: Matcher, device: torch.device | str = "cpu") -> EvaluationResult:
        """Find the landmarks; lengths are px of the original target images, and mm where their files tell."""
        if not self.groups:
            return EvaluationResult("landmark_matching", {}, notes=self.notes)
        trial = self._trial(matcher, device, self.second_look)
        baselines = {name: self._trial(other, "cpu") for name, other in self.baselines.items()}
        curves = {"Template matching network": trial} | baselines
        main = self._columns()
        figures = {
            "learning_curve": lambda: draw_learning_curve({n: one.curve(main, self.seed) for n, one in curves.items()})
        }
        if trial.lengths(trial.at_most(self.few), main)[0][0].isfinite().any():
            figures["best_cases"] = partial(self._draw_cases, trial, worst=False)
            figures["worst_cases"] = partial(self._draw_cases, trial, worst=True)
        residuals = {_name(count): trial.residuals(count) for count in (trial.fewest, trial.at_most(self.few))}
        notes = self.notes + self._missing_notes(trial) + spacing_notes([target.frame for target in trial.targets])
        metrics = self._metrics(trial) | {"baselines": {name: self._figures(one) for name, one in baselines.items()}}
        return EvaluationResult("landmark_matching", metrics, self._rows(trial), notes, figures, residuals)

    def _trial(
        self, matcher: Matcher, device: torch.device | str, second_look: GradientRefinement | None = None
    ) -> LandmarkTrial:
        answers = [
            match_landmarks(
                matcher, group, self.names, self.patch_size, device, second_look=second_look, **self._options
            )
            for group in self.groups
        ]
        return LandmarkTrial.draw(answers, self.counts, self.draws, self.fusion, self.seed)

    def _columns(self, *, apart: bool = False) -> list[int]:
        """Indices of the labels of the main figure, or of those reported apart."""
        return [i for i, name in enumerate(self.names) if (name in self.labels_apart) == apart]

    def _metrics(self, trial: LandmarkTrial) -> dict[str, Any]:
        return {
            "subjects": self.subjects,
            "labels": [self.names[i] for i in self._columns()],
            "labels_apart": self.labels_apart,
            "example_images": sum(len(group.candidates) for group in self.groups),
            "target_images": len(trial.targets),
            "target_patients": len({target.frame.patient for target in trial.targets}),
        } | self._figures(trial)

    def _figures(self, trial: LandmarkTrial) -> dict[str, Any]:
        def both(columns: list[int]) -> dict[str, Any]:
            counts = {"single_shot": trial.fewest, "few_shot": trial.at_most(self.few)}
            return {name: trial.summary(count, columns, self.thresholds, self.seed) for name, count in counts.items()}

        main, apart = self._columns(), self._columns(apart=True)
        figures = both(main)
        figures |= {name: figures["single_shot"][name] for name in ("mean_px", "sd_px", "min_px", "max_px")}
        if apart:
            figures["apart"] = both(apart)
        figures["by_label"] = {name: both([i]) for i, name in enumerate(self.names)}
        by_examples = [trial.summary(count, main, self.thresholds, self.seed) for count in trial.errors]
        return figures | {"by_examples": by_examples}

    def _rows(self, trial: LandmarkTrial) -> list[dict[str, Any]]:
        """A row a target image, means over the draws."""
        one, few, main = trial.fewest, trial.at_most(self.few), self._columns()
        single, several = (trial.lengths(count, range(len(self.names)))[0] for count in (one, few))
        rows = []
        for t, target in enumerate(trial.targets):
            row = target.frame.row | {
                f"mean_px_{one}_examples": single[:, t, main].nanmean().item(),
                f"mean_px_{few}_examples": several[:, t, main].nanmean().item(),
            }
            means = several[:, t].nanmean(dim=0).tolist()
            rows.append(row | {f"{name}_px": mean for name, mean in zip(self.names, means, strict=True)})
        return rows

    def _missing_notes(self, trial: LandmarkTrial) -> list[str]:
        notes = []
        for i, name in enumerate(self.names):
            absent = [target.frame.name for target in trial.targets if name not in target.points]
            notes += left_out(absent, f"target images without {name}, which are left out for it")
            bare = [one.frame.name for group in self.groups for one in group.candidates if name not in one.points]
            notes += left_out(bare, f"example images without {name}, which are no examples of it")
            fewest = min(int(answers.marked[:, i].sum()) for answers in trial.answers)
            if fewest == 0:
                notes.append(f"{name} has no example for some of the images, so no answer there")
            elif fewest < max(trial.errors):
                notes.append(f"{name} has {fewest} examples at most, so larger numbers of examples use {fewest}")
        notes += left_out(trial.failed(), "target images with answers that are not finite, which are left out")
        skipped = [str(count) for count in self.counts if count not in trial.errors]
        return notes + left_out(skipped, "numbers of examples left out, as there are fewer labelled images")

    def _draw_cases(self, trial: LandmarkTrial, number: int = 4, *, worst: bool) -> Figure:
        few = trial.at_most(self.few)
        lengths = trial.lengths(few, self._columns())[0][0].nanmean(dim=1)
        order = [int(t) for t in lengths.argsort(descending=worst) if lengths[t].isfinite()]
        cases = [self._case(trial, t, few, f"{lengths[t]:.1f} px") for t in order[:number]]
        kind = "Worst" if worst else "Best"
        return draw_landmark_cases(cases, title=f"{kind} images with {few} example{'s' if few > 1 else ''}")

    def _case(self, trial: LandmarkTrial, t: int, count: int, error: str) -> LandmarkCase:
        """A target image at the network's size, with the first draw's answers."""
        target = trial.targets[t]
        fit = target.frame.prepared.fit
        truth, found, sigma = {}, {}, {}
        for i, name in enumerate(self.names):
            off = trial.errors[count][0, t, i]
            if off.isfinite().all():
                truth[name] = fit.to_network(target.points[name]).tolist()
                found[name] = fit.to_network(target.points[name] + off).tolist()
                sigma[name] = (trial.sigmas[count][0, t, i] * torch.tensor(fit.scale)).tolist()
        return LandmarkCase(target.frame.image()[0, 0], truth, found, sigma, f"{target.frame.name}\n{error}")


def _name(count: int) -> str:
    return f"landmarks, {count} example{'s' if count > 1 else ''}"
