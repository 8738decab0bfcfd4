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
"""Tests of the cyclic error among a validation's metrics, through MONAI's evaluator."""

from __future__ import annotations

from types import SimpleNamespace

import pytest
import torch
from ignite.engine import Events
from monai.engines import SupervisedEvaluator

from scripts.classical import NCCMatcher
from scripts.data.frame_dataset import FrameDataset
from scripts.data.image_series import find_image_series
from scripts.handlers import CyclicErrorHandler
from scripts.metrics import MeanEuclideanError, PairCyclicError


class Network(NCCMatcher):
    """Errs by 0.1 along x, which is 2 px of 40, when asked for its target, zero."""

    def forward(self, image: torch.Tensor) -> torch.Tensor:
        return torch.tensor([[0.1, 0.0, 0.0, 0.0]]).expand(len(image), 4)


def evaluator_of(network: torch.nn.Module, *handlers) -> SupervisedEvaluator:
    return SupervisedEvaluator(
        device=torch.device("cpu"),
        val_data_loader=[{"image": torch.zeros(2, 1, 40, 30), "label": torch.zeros(2, 2)}],
        network=network,
        key_val_metric={"val_self_matching_error_px": MeanEuclideanError((40, 30))},
        val_handlers=handlers,
        decollate=False,
    )


def test_metrics_are_the_mean_over_pairs_and_the_mean_with_self_matching():
    seen = []

    def measure(network, device):
        seen.append((network, network.training, device))
        return 4.5

    network = Network().train()
    evaluator = evaluator_of(network, CyclicErrorHandler(network, SimpleNamespace(mean=measure), "cpu"))
    later = []
    evaluator.add_event_handler(Events.EPOCH_COMPLETED, lambda engine: later.append(dict(engine.state.metrics)))
    evaluator.run()
    assert seen == [(network, False, "cpu")]
    assert later == [  # what is attached after it, such as a checkpoint, reads all three
        {
            "val_self_matching_error_px": pytest.approx(2.0),
            "val_cyclic_error_px": pytest.approx(4.5),
            "val_error_px": pytest.approx(3.25),
        }
    ]


def test_each_validation_measures_anew_under_the_names_given():
    answers = iter([4.0, 6.0])
    network = Network()
    names = {"self_matching_name": "val_self_matching_error_px", "cyclic_name": "cyclic", "mean_name": "both"}
    evaluator = evaluator_of(
        network, CyclicErrorHandler(network, SimpleNamespace(mean=lambda *_: next(answers)), **names)
    )
    for cyclic, both in ((4, 3), (6, 4)):
        evaluator.run()
        assert evaluator.state.metrics["cyclic"] == pytest.approx(cyclic)
        assert evaluator.state.metrics["both"] == pytest.approx(both)


def test_pairs_of_a_data_set_are_measured_with_the_network(tmp_path, write_clip):
    class Middle(Network):
        """Answers with the middle of the image to everything."""

        def match(self, image_code: torch.Tensor, patch_code: torch.Tensor) -> torch.Tensor:
            return torch.zeros(len(patch_code), 4)

    write_clip(tmp_path / "a.nii", [(0, 0), (1, 0)], shape=(40, 30))
    pairs = PairCyclicError(FrameDataset(find_image_series(tmp_path), (40, 30)), 5, pairs=2, step=20)
    network = Middle()
    evaluator = evaluator_of(network, CyclicErrorHandler(network, pairs))
    evaluator.run()
    # the grid is at x = 0, 20 and y = 0, 20, the middle at (19.5, 14.5)
    corners = torch.tensor([[19.5, 14.5], [19.5, -5.5], [-0.5, 14.5], [-0.5, -5.5]])
    assert evaluator.state.metrics["val_cyclic_error_px"] == pytest.approx(corners.norm(dim=1).mean().item(), rel=1e-4)
