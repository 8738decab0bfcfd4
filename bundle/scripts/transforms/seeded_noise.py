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

"""Gaussian noise that follows from a seed an image."""

from __future__ import annotations

from collections.abc import Sequence

import torch

__all__ = ["add_seeded_noise"]


def add_seeded_noise(images: torch.Tensor, levels: torch.Tensor, seeds: Sequence[int]) -> None:
    """Add noise in place, each image's from a seed of its own, whatever else is in the batch.

    Args:
        images: (N, C, X, Y).
        levels: (N,), standard deviations, intensity units.
        seeds: N seeds.

    Example:
        >>> images = torch.zeros(2, 1, 3, 3)
        >>> add_seeded_noise(images, torch.tensor([0.0, 0.1]), [0, 1])
        >>> images.flatten(1).any(dim=1).tolist()
        [False, True]
    """
    generator = torch.Generator(images.device)
    numbers = torch.empty_like(images[0], memory_format=torch.contiguous_format)
    for image, level, seed in zip(images, levels, seeds, strict=True):
        image += level * numbers.normal_(generator=generator.manual_seed(int(seed)))
