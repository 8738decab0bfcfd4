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
"""Tests of supervised regression: what it can learn, and its answers in px of the original images."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch

from scripts.baselines import LandmarkDataset, LandmarkLoss, LandmarkPrepareBatch, LandmarkRegressor, regress_landmarks
from scripts.metrics import MeanEuclideanError
from scripts.networks import build_encoder

SIZE = (48, 32)


@pytest.mark.parametrize("encoder", ["residual", "resnet18"])
def test_shapes(encoder):
    network = LandmarkRegressor(build_encoder(encoder), landmarks=9)
    assert network(torch.rand(2, 1, 64, 48)).shape == (2, 9, 2)


def test_one_image_is_learned_by_heart_and_answered_in_its_own_px(series, truth):
    torch.manual_seed(0)
    dataset = LandmarkDataset(series, SIZE, truth=truth, labelled_images=1)
    network = LandmarkRegressor(build_encoder("residual", norm="instance"), landmarks=2).train()
    optimizer, loss = torch.optim.Adam(network.parameters(), 1e-3), LandmarkLoss()
    item = {name: value[None] for name, value in dataset[0].items() if isinstance(value, torch.Tensor)}
    image, target, _, _ = LandmarkPrepareBatch()(item)
    before = loss(network(image), target).item()
    for _ in range(150):
        optimizer.zero_grad()
        loss(network(image), target).backward()
        optimizer.step()
    network.eval()
    metric = MeanEuclideanError(SIZE)
    metric.update((network(image), target))
    assert metric.compute() < 0.5
    assert loss(network(image), target).item() < before / 20
    # independent truth: the file's rows, px of the original image
    name = dataset.series[dataset.items[0][0]].name
    rows = [line.split(",") for line in Path(truth).read_text().split()[1:]]
    marked = [[float(x), float(y)] for label in dataset.labels for n, _, of, x, y in rows if (n, of) == (name, label)]
    found = regress_landmarks(network, dataset)
    assert (found[0] - torch.tensor(marked)).norm(dim=1).max() < 1.5


def test_answers_do_not_depend_on_the_batch_size(frames):
    network = LandmarkRegressor(build_encoder("residual"), landmarks=3).eval()
    one, all_at_once = (regress_landmarks(network, frames, batch_size=size) for size in (1, 8))
    assert one.shape == (8, 3, 2)
    torch.testing.assert_close(one, all_at_once, atol=1e-4, rtol=0)


def test_answers_are_px_of_the_original_images(frames):
    class Middle(torch.nn.Module):
        def forward(self, image):
            return torch.zeros(len(image), 1, 2)

    torch.testing.assert_close(regress_landmarks(Middle(), frames), torch.tensor([47.5, 31.5]).expand(8, 1, 2))
