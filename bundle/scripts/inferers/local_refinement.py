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

"""Sub-pixel refinement of positions by local cross-correlation."""

from __future__ import annotations

import torch
import torch.nn.functional as F

from scripts.transforms.box_mean import box_mean
from scripts.transforms.paraboloid import paraboloid_shift
from scripts.transforms.patch import extract_patches, patch_offsets

__all__ = ["LocalRefinement"]

_CONTRAST_FLOOR = 1e-3  # standard deviation of [0, 1] intensities; less is rounding, not contrast


class LocalRefinement:
    """Move positions to the highest top nearby of the normalised cross-correlation with their example patches.

    The network finds the place, robustly but to about a pixel; within one subject, where patches hardly change their
    look, correlation is exact to a tenth. It only looks around the network's answer, ``gate`` sigmas far, and has its
    way only where a top of the correlation lies there. It is not meant for examples of other subjects.

    Args:
        reach: farthest move along an axis, px of the network's image, 1 or more.
        gate: farthest move in sigmas; never less than ``least`` px.
        least: distance that is always searched, px.
        size: largest side of what is correlated, px: the middle of the patches, as what lies further off moves on its
            own.

    Raises:
        ValueError: the reach is less than a pixel, or the size less than 3.

    Example:
        >>> image = F.avg_pool2d(torch.rand(1, 1, 80, 80), 5, 1)
        >>> patches = extract_patches(image, torch.tensor([[40.0, 30.0]]), 15)
        >>> points, similarity = LocalRefinement()(image, patches, torch.tensor([[41.6, 29.3]]), torch.ones(1, 2))
        >>> points.round(), similarity.round(decimals=1)
        (tensor([[40., 30.]]), tensor([1.]))
    """

    def __init__(self, *, reach: int = 6, gate: float = 3.0, least: float = 3.0, size: int = 25) -> None:
        if reach < 1 or size < 3:
            raise ValueError(f"reach is {reach}, size {size}; give 1 and 3 px or more, or no refinement at all")
        self.reach = reach
        self.gate = gate
        self.least = least
        self.size = size

    def __call__(
        self, image: torch.Tensor, patches: torch.Tensor, points: torch.Tensor, sigmas: torch.Tensor
    ) -> tuple[torch.Tensor, torch.Tensor]:
        """Refine.

        Args:
            image: (1, 1, X, Y), in which the points were found.
            patches: (L, 1, P, P), the example patch of each point.
            points: (L, 2), px of the image.
            sigmas: (L, 2), px.

        Returns:
            Points (L, 2), px, as they were where no top of the correlation lies within the gate; and the correlation
            coefficients there (L,), from -1 to 1, 0 where the patch or the image has no contrast.
        """
        margin = -(-max(0, patches.shape[-1] - self.size) // 2)
        side = patches.shape[-1] - 2 * margin
        patches = patches[..., margin : margin + side, margin : margin + side]
        # windows lie on the image's own pixels, so that nothing is interpolated
        half = 0.5 * ((side + 1) % 2)
        centers = (points - half).round() + half
        windows = extract_patches(image, centers, side + 2 * self.reach)
        scores = _correlation(windows, patches)
        offsets = patch_offsets(2 * self.reach + 1, 2, points.device)
        moves = centers[:, None, None] + offsets - points[:, None, None]
        radius = (self.gate * sigmas).clamp_min(self.least)[:, None, None]
        allowed = (moves / radius).square().sum(dim=-1) <= 1.0
        place, found, top = _best_top(scores, allowed)
        refined = centers + place - self.reach
        nearest = scores.flatten(1).gather(1, moves.norm(dim=-1).flatten(1).argmin(dim=1, keepdim=True))[:, 0]
        return refined.where(found[:, None], points), top.where(found, nearest)


def _correlation(windows: torch.Tensor, patches: torch.Tensor) -> torch.Tensor:
    """Correlation coefficients (L, W - P + 1, W - P + 1) of each patch with every place in its window (L, 1, W, W)."""
    side = patches.shape[-1]
    patches = patches - patches.mean(dim=(2, 3), keepdim=True)
    windows = windows - windows.mean(dim=(2, 3), keepdim=True)
    product = F.conv2d(windows.transpose(0, 1), patches, groups=len(patches))[0] / side**2
    mean, energy = (box_mean(one, side)[:, 0] for one in (windows, windows.square()))
    around = energy - mean.square()
    own = patches.square().mean(dim=(1, 2, 3))[:, None, None].expand_as(around)
    contrast = torch.minimum(around, own) > _CONTRAST_FLOOR**2
    return torch.where(contrast, product * (around * own).clamp_min(1e-30).rsqrt(), 0.0).clamp(-1, 1)


def _best_top(scores: torch.Tensor, allowed: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
    """Sub-pixel place (L, 2) of the highest allowed score, whether it is a positive local top, and its height (L,)."""
    size = scores.shape[-1]
    height, flat = scores.masked_fill(~allowed, -torch.inf).flatten(1).max(dim=1)
    place = torch.stack([flat // size, flat % size], dim=1)
    inner = place.clamp(1, size - 2)
    steps = torch.arange(-1, 2, device=scores.device)
    n = torch.arange(len(scores), device=scores.device)[:, None, None]
    rows, columns = inner[:, 0, None] + steps, inner[:, 1, None] + steps
    around = scores[n, rows[:, :, None], columns[:, None, :]]
    found = (place == inner).all(dim=1) & (height > 0) & (around.flatten(1).max(dim=1).values <= height)
    return place + paraboloid_shift(around), found, height
