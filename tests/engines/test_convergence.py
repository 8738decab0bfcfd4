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
"""Training must converge: the network learns to find patches of images that it has not seen."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from scripts.data.phantom import breathing_phantom
from scripts.losses import GaussianNLLLoss, HeatmapCrossEntropyLoss, MatchingLoss
from scripts.metrics import euclidean_error
from scripts.networks import CorrelationHead, ResidualEncoder, TemplateMatchingNetwork
from scripts.transforms import RandPatchCenter

SIZE = (96, 88)


def frames_of(subject: int) -> torch.Tensor:
    frames = breathing_phantom(subject, size=SIZE, n_frames=8, motion_px=5.0).frames
    return torch.from_numpy(frames / np.percentile(frames, 99.5)).clamp(0, 1).unsqueeze(1)


@pytest.mark.slow
def test_patches_of_an_unseen_subject_are_found() -> None:
    torch.manual_seed(0)
    encoders = ResidualEncoder(), ResidualEncoder()
    network = TemplateMatchingNetwork(*encoders, CorrelationHead(*encoders))
    network = network.to(memory_format=torch.channels_last)
    loss = MatchingLoss(GaussianNLLLoss(), HeatmapCrossEntropyLoss((24, 22)))
    optimizer = torch.optim.Adam(network.parameters(), 3e-3)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimizer, 3e-3, 401)
    images = torch.cat([frames_of(subject) for subject in range(3)])
    augment, random = RandPatchCenter(32, patches_per_image=8, seed=0), np.random.RandomState(0)
    for _ in range(400):
        image, patch, center = augment(images[random.choice(len(images), 10)])
        optimizer.zero_grad()
        loss(network(image, patch, heatmap=True), center).backward()
        torch.nn.utils.clip_grad_norm_(network.parameters(), 5.0)
        optimizer.step()
        schedule.step()
    image, patch, center = RandPatchCenter(32, patches_per_image=32, seed=1)(frames_of(3))
    with torch.no_grad():
        prediction = network.eval()(image, patch)
    errors = euclidean_error(prediction, center, SIZE)
    # guessing the middle is 33 px off in the median
    assert errors.median() < 3.0
    # where it says that it is sure, it is better than where it does not
    sigma = prediction[:, 2:].mean(dim=1)
    sure = sigma < sigma.median()
    assert errors[sure].mean() < errors[~sure].mean()
