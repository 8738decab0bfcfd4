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
"""Tests of the loss of landmarks."""

from __future__ import annotations

import pytest
import torch

from scripts.baselines import LandmarkLoss


def test_it_is_the_distance_far_off_and_its_square_near_by():
    loss = LandmarkLoss(delta=0.1)
    target = torch.zeros(1, 1, 2)
    assert loss(torch.full((1, 1, 2), -0.8), target).item() == pytest.approx(0.8 - 0.05)
    assert loss(torch.full((1, 1, 2), 0.04), target).item() == pytest.approx(0.04**2 / 0.2)


def test_unknown_landmarks_have_no_loss_and_no_gradient():
    prediction = torch.rand(2, 3, 2, requires_grad=True)
    target = torch.rand(2, 3, 2)
    target[0, 1] = target[1, :] = torch.nan
    loss = LandmarkLoss()(prediction, target)
    loss.backward()
    known = torch.stack([prediction[0, 0], prediction[0, 2]])[None], torch.stack([target[0, 0], target[0, 2]])[None]
    torch.testing.assert_close(loss, LandmarkLoss()(*known))
    assert (prediction.grad != 0).equal(~target.isnan())
    assert prediction.grad.isfinite().all()


def test_a_batch_without_any_landmark_teaches_nothing():
    prediction = torch.rand(2, 3, 2, requires_grad=True)
    loss = LandmarkLoss()(prediction, torch.full((2, 3, 2), torch.nan))
    loss.backward()
    assert loss.item() == 0.0
    assert not prediction.grad.any()
