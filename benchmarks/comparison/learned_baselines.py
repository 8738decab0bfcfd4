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

"""The paper's baselines, trained on the same images, each with the best of some learning rates."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import torch

from comparison.landmark_sets import LandmarkSet
from comparison.methods import SIMCLR_PATCH
from comparison.settings import SubjectSettings
from comparison.subject_errors import chosen, mean_error
from comparison.training_runs import TrainingRuns
from scripts.baselines import LandmarkRegressor, PatchAffinityMatcher, SimCLRNetwork
from scripts.evaluation.labelled_frames import LabelledFrame
from scripts.evaluation.landmark_answers import match_landmarks
from scripts.inferers import MedianFusion
from scripts.io import InputError
from scripts.networks import build_encoder, load_weights
from scripts.transforms import normalized_to_index

CHOSEN_WITH = 20  # examples, with which learning rates are compared
AFFINITY_STRIDE = 4  # px

Predictor = Callable[[Sequence[LabelledFrame]], torch.Tensor]


class LearnedBaselines:
    """Trainings for one set of images.

    Args:
        data: the images; landmarks of the validation part choose among learning rates.
        runs: what trains.
        settings: how long.
        seed: of the draws of examples.

    Attributes:
        tried: what the learning rates gave: method to rate to the mean error on the validation part, px.
        weights: of the last training.
    """

    def __init__(self, data: LandmarkSet, runs: TrainingRuns, settings: SubjectSettings, seed: int) -> None:
        self.data = data
        self.runs = runs
        self.settings = settings
        self.seed = seed
        self.tried: dict[str, dict[float, float]] = {}
        self.encoder = str(settings.baselines["encoder"])

    def affinity_matcher(self) -> PatchAffinityMatcher:
        """SimCLR trained on patches."""
        return self._best("SimCLR patch", self._train_affinity, self._judge_affinity)

    def supervised(self) -> Predictor:
        """A supervised network, see :meth:`predictor`."""
        return self.predictor("supervised", None)

    def pretrained(self) -> Predictor:
        """A supervised network whose encoder comes from SimCLR on whole images, see :meth:`predictor`."""
        encoder = self._best("SimCLR whole image", self._train_image, self._judge_image)
        return self.predictor("SimCLR pretrained", encoder)

    def predictor(self, name: str, encoder: Path | None) -> Predictor:
        """What trains on some candidates, and tells the landmarks of the test part, (T, L, 2), px."""
        rate = self._best(name, lambda rate: rate, lambda rate: self._judge_supervised(encoder, rate))
        return lambda candidates: self._regress(
            self._train_supervised(candidates, encoder, rate), self.data.group.targets
        )

    def new_regressor(self) -> LandmarkRegressor:
        """One of random weights."""
        return LandmarkRegressor(build_encoder(self.encoder), len(self.data.labels))

    def _best(self, name: str, train: Callable[[float], Any], judge: Callable[[Any], float]) -> Any:
        """What is best of the trainings with each learning rate."""
        made, errors = {}, {}
        for rate in self.settings.learning_rates:
            try:
                made[rate] = train(rate)
                errors[rate] = judge(made[rate])
            except InputError as error:  # it diverged
                print(f"{name}, learning rate {rate}: {error}", flush=True)
                errors[rate] = math.inf
        self.tried[name] = errors
        print(f"{self.data.name}, {name}: validation error by learning rate {errors}", flush=True)
        return made[min(errors, key=errors.__getitem__)]

    def _train_affinity(self, rate: float) -> PatchAffinityMatcher:
        weights = self._train(
            "simclr_patch", ["baseline/simclr_image", "baseline/simclr_patch"], rate, self.settings.simclr_patch
        )
        return load_affinity_matcher(weights, self.encoder)

    def _judge_affinity(self, matcher: PatchAffinityMatcher) -> float:
        answers = match_landmarks(matcher, self.data.validation_group, self.data.labels, SIMCLR_PATCH)
        errors, _ = answers.fuse(range(len(answers.marked)), CHOSEN_WITH, MedianFusion())
        return errors.norm(dim=-1).nanmean().item()

    def _train_image(self, rate: float) -> Path:
        return self._train("simclr_image", ["baseline/simclr_image"], rate, self.settings.simclr_image).with_name(
            "encoder.pt"
        )

    def _judge_image(self, encoder: Path) -> float:
        return self._judge_supervised(encoder, sorted(self.settings.learning_rates)[1])

    def _train_supervised(self, candidates: Sequence[LabelledFrame], encoder: Path | None, rate: float) -> Path:
        more = {"datalist": str(self.data.write_examples_list(candidates)), "truth": str(self.data.truth)}
        more |= {"labels": list(self.data.labels), "encoder_weights": None if encoder is None else str(encoder)}
        return self._train("supervised", ["baseline/supervised"], rate, {**self.settings.supervised, **more})

    def _judge_supervised(self, encoder: Path | None, rate: float) -> float:
        group = self.data.validation_group
        candidates = chosen(group, min(CHOSEN_WITH, len(group.candidates)), self.seed, 0)
        predicted = self._regress(self._train_supervised(candidates, encoder, rate), group.targets)
        return mean_error(predicted, group.targets, self.data.labels)

    def _regress(self, weights: Path, targets: Sequence[LabelledFrame]) -> torch.Tensor:
        network = load_weights(self.new_regressor(), weights).eval()
        return torch.stack([regress(network, one, self.data.image_size) for one in targets])

    def _train(self, name: str, configs: Sequence[str], rate: float, settings: Mapping[str, Any]) -> Path:
        own = {**self.data.training_settings, "learning_rate": rate}
        self.weights = self.runs.weights(name, configs, {**own, **self.settings.baselines, **settings})
        return self.weights


@torch.no_grad()
def regress(network: LandmarkRegressor, target: LabelledFrame, size: Sequence[int]) -> torch.Tensor:
    """Landmarks (L, 2) of a frame, px of the original image."""
    return target.frame.prepared.fit.to_original(normalized_to_index(network(target.frame.image())[0], size))


def load_affinity_matcher(weights: Path, encoder: str) -> PatchAffinityMatcher:
    """SimCLR's patches as a matcher."""
    network = load_weights(SimCLRNetwork(build_encoder(encoder)), weights)
    return PatchAffinityMatcher(network, SIMCLR_PATCH, stride=AFFINITY_STRIDE).eval()
