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

"""What the surroundings of a landmark say of where it is."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import torch
import torch.nn.functional as F

__all__ = ["NeighborVoting"]


@dataclass(frozen=True)
class NeighborVoting:
    """Choose between a landmark's own answer and those of points around it, by how many agree.

    In the frame of an example, points on a square grid around it are examples too, for which nobody has to click. Found
    in another frame, each says where the landmark is: where it was found itself, less its offset from the landmark.
    Tissue moves smoothly, so the votes of those that were found lie together, and a lookalike of the landmark's patch,
    wherever it is, has few of them. (A Hough vote, as in the implicit shape model: Leibe, Leonardis and Schiele, IJCV
    2008, https://doi.org/10.1007/s11263-007-0095-3.)

    Args:
        rings: rings of neighbours: 8 in the first, 16 in the second.
        spacing: distance of the rings, in sides of a patch.
        tolerance: distance at which a vote counts 0.6 of a full one, in sides of a patch: what tissue may deform over
            the neighbours' distance.
        border: neighbours that would be closer than this to the border of the image, or outside of it, cannot be asked;
            in sides of a patch.
        least: support is a share of the neighbours that can be in the frame; of so many at least.
        examples: examples of a landmark whose surroundings are asked: the first ones.
        own_lead: by how much more support than the landmark's own answer a neighbour's vote needs to be taken instead,
            0 or more. An own answer that is not finite has no support, and gives way to a vote that has more than this.

    Raises:
        ValueError: there is no ring, a number or a length is not above 0, or ``own_lead`` is less than 0.

    Example:
        >>> voting = NeighborVoting(rings=1)
        >>> offsets = voting.offsets(patch_size=40)
        >>> tuple(offsets.shape), offsets.abs().max()
        ((8, 2), tensor(10.))
        >>> lookalike, sigma = torch.tensor([[90.0, 20.0]]), torch.ones(1, 2)
        >>> votes, voters = torch.full((1, 8, 2), 50.0), torch.full((1, 8), True)
        >>> points, sigmas, support = voting(lookalike, sigma, votes, voters, offsets, (100, 80), 40)
        >>> points, support  # 7 of the 8 others agree with the neighbour that was taken, the lookalike does not
        (tensor([[50., 50.]]), tensor([0.8750]))
    """

    rings: int = 2
    spacing: float = 0.25
    tolerance: float = 0.09
    border: float = 0.125
    least: int = 8
    examples: int = 3
    own_lead: float = 0.25

    def __post_init__(self) -> None:
        if not all(value > 0 for value in (self.rings, self.least, self.examples, self.spacing, self.tolerance)):
            raise ValueError(f"rings, least, examples, spacing and tolerance of {self} have all to be above 0")
        if not self.own_lead >= 0:  # or a landmark without neighbours would lose to none
            raise ValueError(f"own_lead is {self.own_lead}; it must be 0 or more")

    def offsets(self, patch_size: int) -> torch.Tensor:
        """Where the neighbours lie, (W, 2), px from the landmark."""
        steps = torch.arange(-self.rings, self.rings + 1, dtype=torch.float32)
        grid = torch.stack(torch.meshgrid(steps, steps, indexing="ij"), dim=-1).flatten(0, 1)
        return grid[grid.abs().amax(dim=1) > 0] * max(1, round(self.spacing * patch_size))

    def __call__(
        self,
        points: torch.Tensor,
        sigmas: torch.Tensor,
        votes: torch.Tensor,
        voters: torch.Tensor,
        offsets: torch.Tensor,
        image_size: Sequence[int],
        patch_size: int,
    ) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
        """Choose.

        Args:
            points: (L, 2), each landmark's own answer, px.
            sigmas: (L, 2), px.
            votes: (L, W, 2), where the landmarks are by each neighbour, px.
            voters: (L, W), whether there is such a neighbour.
            offsets: (W, 2), see :meth:`offsets`.
            image_size: spatial shape of the image, px.
            patch_size: side of the patches, px.

        Returns:
            Points (L, 2) and sigmas (L, 2), as they were, or mean and standard deviation of the votes around the one
            that was taken; and the support (L,): the share of the neighbours that agree, of those that are in the image
            if the landmark is at that point. NaN for landmarks with no neighbour.
        """
        candidates = torch.cat([points.unsqueeze(1), votes], dim=1)
        there = torch.cat([points.isfinite().all(dim=1, keepdim=True), voters & votes.isfinite().all(dim=2)], dim=1)
        candidates = candidates.where(there.unsqueeze(2), 0.0)
        distance = (candidates.unsqueeze(2) - candidates.unsqueeze(1)).square().sum(dim=3)
        agreement = torch.exp(-0.5 * distance / (self.tolerance * patch_size) ** 2)
        # a neighbour that lies at the border or beyond, if the candidate is right, cannot be asked
        places = candidates.unsqueeze(2) + torch.cat([torch.zeros_like(offsets[:1]), offsets])
        size = torch.tensor(image_size, dtype=places.dtype, device=places.device)
        margin = self.border * patch_size - 0.5
        asked = ((places >= margin) & (places <= size - 1 - margin)).all(dim=3) & there.unsqueeze(1)
        asked = asked & ~torch.eye(asked.shape[1], dtype=torch.bool, device=asked.device)
        weights = agreement * asked
        support = (weights.sum(dim=2) / asked.sum(dim=2).clamp_min(self.least)).where(there, 0.0)
        score = support.clone()
        score[:, 0] += self.own_lead
        taken = score.argmax(dim=1)
        each = torch.arange(len(points), device=points.device)
        itself = F.one_hot(taken, candidates.shape[1])
        mean, spread = _moments(candidates, weights[each, taken] + itself)
        own = (taken == 0).unsqueeze(1)
        support = support[each, taken].where(voters.any(dim=1), torch.nan)
        return points.where(own, mean), sigmas.where(own, spread), support


def _moments(points: torch.Tensor, weights: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
    """Weighted mean and standard deviation (L, 2) of points (L, N, 2)."""
    weights = (weights / weights.sum(dim=1, keepdim=True)).unsqueeze(2)
    mean = (weights * points).sum(dim=1)
    return mean, (weights * (points - mean.unsqueeze(1)).square()).sum(dim=1).sqrt()
