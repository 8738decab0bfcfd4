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
"""Tests of seeded noise."""

from __future__ import annotations

import torch

from scripts.transforms.seeded_noise import add_seeded_noise


def noise(levels: list[float], seeds: list[int]) -> torch.Tensor:
    images = torch.full((len(seeds), 1, 60, 50), 0.5)
    add_seeded_noise(images, torch.tensor(levels), seeds)
    return images - 0.5


def test_it_has_the_standard_deviation_of_the_image():
    found = noise([0.0, 0.1, 0.3], [1, 2, 3])
    torch.testing.assert_close(found.std(dim=(1, 2, 3)), torch.tensor([0.0, 0.1, 0.3]), atol=0.01, rtol=0)


def test_it_follows_from_the_seed_whatever_else_is_in_the_batch():
    both, alone = noise([0.1, 0.2], [5, 6]), noise([0.2], [6])
    assert torch.equal(both[1:], alone)
    assert not torch.equal(both[0] / 0.1, both[1] / 0.2)
