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
"""Tests of the contrastive network: its features, and that training brings the views of a patch together."""

from __future__ import annotations

import pytest
import torch
from monai.losses import ContrastiveLoss

from scripts.baselines import RandViews, SimCLRNetwork
from scripts.networks import build_encoder


@pytest.mark.parametrize("encoder", ["residual", "resnet18"])
def test_features_have_norm_one(encoder):
    features = SimCLRNetwork(build_encoder(encoder), features=1024)(torch.rand(3, 1, 32, 32))
    assert features.shape == (3, 1024)
    torch.testing.assert_close(features.norm(dim=1), torch.ones(3))


def test_the_loss_is_that_of_simclr_for_any_batch_size():
    """Eq. 1 of arXiv 2002.05709, written out."""
    for batch in (2, 5):
        first, second = torch.nn.functional.normalize(torch.randn(2, batch, 7), dim=2)
        every = torch.cat([first, second]).double()
        terms = []
        for i in range(2 * batch):
            positive = (i + batch) % (2 * batch)
            others = [k for k in range(2 * batch) if k != i]
            similar = torch.exp(every[i] @ every.T / 0.1)
            terms.append(-torch.log(similar[positive] / similar[others].sum()))
        found = ContrastiveLoss(temperature=0.1)(first, second)
        assert found.item() == pytest.approx(torch.stack(terms).mean().item(), rel=1e-4)


def test_the_loss_decreases(texture_frames):
    torch.manual_seed(0)
    images = torch.from_numpy(texture_frames((64, 64), [(0, 0)])).float().clamp(0, 1)[:, None]
    network, loss = SimCLRNetwork(build_encoder("residual"), features=64), ContrastiveLoss(temperature=0.5)
    augment = RandViews(16, patches_per_image=16, crop_scale=(0.6, 1.0), seed=0)
    optimizer = torch.optim.Adam(network.parameters(), 1e-3)
    losses = []
    for _ in range(60):
        optimizer.zero_grad()
        value = loss(*network(augment(images)).chunk(2))
        value.backward()
        optimizer.step()
        losses.append(value.item())
    first, last = sum(losses[:10]) / 10, sum(losses[-10:]) / 10
    assert last < first - 0.2
