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

"""Landmarks of some subjects in others, side by side."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import torch

from comparison.landmark_sets import LandmarkSet
from comparison.learned_baselines import LearnedBaselines, Predictor
from comparison.methods import SIMCLR_PATCH, classical_methods, shipped_config, template_network
from comparison.settings import SubjectSettings
from comparison.subject_errors import answers_of, median_ms, own_places, time_each, trained_trial
from comparison.training_runs import BUNDLE, TrainingRuns
from scripts.evaluation.labelled_frames import LabelledFrame, LandmarkGroup
from scripts.evaluation.landmark_answers import LandmarkAnswers, match_landmarks
from scripts.evaluation.landmark_trial import LandmarkTrial
from scripts.inferers import Fusion, GradientRefinement, InverseSigmaFusion, MedianFusion
from scripts.metrics.cyclic_error import Matcher, encode_patches
from scripts.networks import load_weights
from scripts.visualize.learning_curve import LearningCurve

THRESHOLDS = (2, 4, 6)  # px, as in the bundle's evaluation

Row = dict[str, Any]


class SubjectComparison:
    """All methods on one set of images.

    Args:
        data: the images.
        runs: what trains.
        settings: how long, and on how much.
        threads: of the registration.
        seed: of the draws of examples.

    Attributes:
        rows: a row a method and number of examples.
        curves: method to its error against the number of examples.
    """

    def __init__(
        self, data: LandmarkSet, runs: TrainingRuns, settings: SubjectSettings, threads: int, seed: int
    ) -> None:
        self.data = data
        self.runs = runs
        self.settings = settings
        self.threads = threads
        self.seed = seed
        self.baselines = LearnedBaselines(data, runs, settings, seed)
        self.rows: list[Row] = []
        self.curves: dict[str, LearningCurve] = {}

    def run(self) -> None:
        """Train and judge."""
        self.run_untrained()
        self._network()
        self._simclr_patch()
        self._trained("supervised", self.baselines.supervised())
        self._trained("SimCLR pretrained", self.baselines.pretrained())

    def run_untrained(self) -> None:
        """Judge what needs no training: classical methods, and the bundle's own weights where there are some."""
        self._classical()
        if self.data.config is not None:
            self._shipped(self.data.config)

    def _shipped(self, config: Path) -> None:
        told = shipped_config(config)
        if tuple(told["image_size"]) != self.data.image_size:
            print(f"the bundle's weights are for images of {told['image_size']} px, and are left out", flush=True)
            return
        network = template_network(told["patch_size"], told["patch_zoom"])
        load_weights(network, BUNDLE / "models" / "model.pt")
        options = {"patch_size": told["patch_size"], "fusion": InverseSigmaFusion(), "correct_bias": True}
        self._matcher("this network, without its second look", network, **options)
        second_look = told.get_parsed_content("second_look")
        self._matcher("this network, as shipped", network, second_look=second_look, **options)

    def _classical(self) -> None:
        settings, labels, group = self.settings, self.data.labels, self.data.group
        few = LandmarkGroup(group.candidates[: settings.slow_examples], group.targets[: settings.slow_targets])
        for method in classical_methods(self.threads, equalize=True):
            if method.sequential:
                continue
            judged = few if method.slow else group
            answers, lost = answers_of(method, judged, labels)
            trial = self._draw(answers, method.make().fusion)
            about = {"package": method.package, "fewer": method.slow, "lost": lost}
            self._add(method.name, trial, median_ms(method, judged, labels), **about)

    def _network(self) -> None:
        weights = self.runs.weights("network", [], {**self.data.training_settings, **self.settings.network})
        patch_size = self.settings.network["patch_size"]
        network = load_weights(template_network(patch_size, self.settings.network["patch_zoom"]), weights).eval()
        about = self._cost(weights)
        self._matcher("this network", network, patch_size, InverseSigmaFusion(), correct_bias=True, **about)

    def _simclr_patch(self) -> None:
        matcher = self.baselines.affinity_matcher()
        about = self._cost(self.baselines.weights)
        self._matcher("SimCLR patch", matcher, SIMCLR_PATCH, MedianFusion(), correct_bias=False, **about)

    def _matcher(
        self,
        name: str,
        matcher: Matcher,
        patch_size: int,
        fusion: Fusion,
        *,
        correct_bias: bool,
        second_look: GradientRefinement | None = None,
        **about: Any,
    ) -> None:
        group, labels = self.data.group, self.data.labels
        options = {"correct_bias": correct_bias, "second_look": second_look}
        answers = match_landmarks(matcher, group, labels, patch_size, **options)
        one = group.candidates[0]
        places = own_places(one, labels)
        codes = encode_patches(matcher, one.frame.image(), places, patch_size)
        if second_look is not None:
            templates = second_look.template(second_look.look(one.frame.image(), places)[None])

        @torch.no_grad()
        def match(target: LabelledFrame) -> None:
            image = target.frame.image()
            matcher.match(matcher.encode_image(image), codes)
            if second_look is not None:
                second_look(image, templates, places)

        self._add(name, self._draw(answers, fusion), time_each(match, group.targets), **about)

    def _trained(self, name: str, predict: Predictor) -> None:
        group, labels, settings = self.data.group, self.data.labels, self.settings
        trial = trained_trial(group, labels, settings.counts, settings.trained_draws, predict, self.seed)
        network = self.baselines.new_regressor().eval()
        ms = time_each(torch.no_grad()(lambda one: network(one.frame.image())), group.targets)
        self._add(name, trial, ms, **self._cost(self.baselines.weights))

    def _draw(self, answers: LandmarkAnswers, fusion: Fusion) -> LandmarkTrial:
        return LandmarkTrial.draw([answers], self.settings.counts, self.settings.draws, fusion, self.seed)

    def _cost(self, weights: Path) -> dict[str, float]:
        """How long a training took."""
        return {"trained_s": self.runs.seconds(weights)}

    def _add(self, name: str, trial: LandmarkTrial, ms: float, **about: Any) -> None:
        """A row a number of examples; the time is that with one example."""
        every = range(len(self.data.labels))
        own = {"data": self.data.name, "method": name, "package": "", "fewer": False, "lost": 0.0, **about}
        for count in trial.errors:
            summary = trial.summary(count, every, THRESHOLDS, self.seed)
            self.rows.append({**own, **summary, "ms": ms if count == min(trial.errors) else None})
        self.curves[name] = trial.curve(every, self.seed)
