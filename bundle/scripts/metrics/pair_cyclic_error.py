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

"""The cyclic error of pairs of frames of a data set."""

from __future__ import annotations

import numpy as np
import torch

from scripts.data.frame_dataset import FrameDataset
from scripts.metrics.cyclic_error import Matcher, cyclic_error, grid_points
from scripts.transforms.scale_intensity import restore_intensity
from scripts.transforms.warp import RandShiftScale

__all__ = ["PairCyclicError"]


class PairCyclicError:
    """Mean cyclic error, over a grid of points, of frame pairs drawn once.

    The second frame of a pair is another one of the same series where there is one, else one of another series.

    Args:
        dataset: the frames.
        patch_size: side of the patches, px of the network's image.
        pairs: number of pairs.
        step: distance of the grid's points, px of the network's image (the paper takes every second pixel).
        perturb: shift and scale the second frame of each pair at random, so that a network which answers with the
            position that a patch came from is found out.
        seed: seed of the pairs and of the perturbation.

    Example:
        >>> from pydicom.examples import get_path
        >>> from scripts.classical import NCCMatcher
        >>> from scripts.data import find_image_series
        >>> dataset = FrameDataset(find_image_series(get_path("ybr_color")), (80, 60))
        >>> PairCyclicError(dataset, patch_size=16, pairs=2, step=20)(NCCMatcher()).shape
        torch.Size([2, 12])
    """

    def __init__(
        self,
        dataset: FrameDataset,
        patch_size: int,
        *,
        pairs: int = 8,
        step: int = 8,
        perturb: bool = True,
        seed: int = 0,
    ) -> None:
        self.dataset = dataset
        self.patch_size = patch_size
        self.step = step
        self.perturb = perturb
        self.seed = seed
        self.pairs = _draw_pairs(dataset.items, pairs, np.random.RandomState(seed))

    def __call__(self, matcher: Matcher, device: torch.device | str = "cpu") -> torch.Tensor:
        """Errors (pairs, points), px of the network's image; NaN at points on the padding around the source image."""
        warp = RandShiftScale(seed=self.seed)
        errors = []
        for source, target in self.pairs:
            key, other = (restore_intensity(self.dataset[i]["image"].unsqueeze(0).to(device)) for i in (source, target))
            points = grid_points(key.shape[2:], self.step).to(device)
            target_image = warp(other) if self.perturb else other
            error = cyclic_error(matcher, key, target_image, points, self.patch_size).cpu()
            errors.append(error.masked_fill(~self._on_image(source, points.cpu()), torch.nan))
        return torch.cat(errors)

    def mean(self, matcher: Matcher, device: torch.device | str = "cpu") -> float:
        """Mean error over pairs and points on the image, px of the network's image."""
        return self(matcher, device).nanmean().item()

    def mean_original(self, matcher: Matcher, device: torch.device | str = "cpu") -> float:
        """Mean error over pairs and points on the image, px of the original images."""
        return self.original_px(self(matcher, device)).nanmean().item()

    def _on_image(self, item: int, points: torch.Tensor) -> torch.Tensor:
        fit = self.dataset.series[self.dataset.items[item][0]].fit
        return fit.contains(fit.to_original(points))

    def original_px(self, errors: torch.Tensor) -> torch.Tensor:
        """Errors from px of the network's image to px of the original ones."""
        scales = [self.dataset.series[self.dataset.items[source][0]].fit.scale for source, _ in self.pairs]
        return errors / torch.tensor(scales).mean(dim=1, keepdim=True)


def _draw_pairs(items: list[tuple[int, int]], pairs: int, random: np.random.RandomState) -> list[tuple[int, int]]:
    drawn = []
    for source in random.choice(len(items), size=pairs, replace=pairs > len(items)):
        same = [i for i, item in enumerate(items) if item[0] == items[source][0] and i != source]
        others = same or [i for i in range(len(items)) if i != source] or [source]
        drawn.append((int(source), int(random.choice(others))))
    return drawn
