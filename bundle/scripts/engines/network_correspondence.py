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

"""Pairs of subjects to train on, found by a network that was trained before."""

from __future__ import annotations

from dataclasses import dataclass

import torch

from scripts.engines.flow_correspondence import most_alike
from scripts.inferers.local_refinement import LocalRefinement
from scripts.metrics.cyclic_error import Matcher, round_trips
from scripts.transforms.patch import extract_patches
from scripts.transforms.warp import on_image

__all__ = ["MatchedCounterparts", "NetworkCorrespondence"]


@dataclass(frozen=True)
class NetworkCorrespondence:
    """Where points of images lie in the images most like them of their batch, by a trained network and correlation.

    Optical flow gives way too little where patients differ most, as it prefers smooth small moves, and so does what was
    trained on it. This goes on from there: the network finds the place, small patches around it move to where they
    correlate best nearby, and a network that is trained on the result learns what many such moves have in common. A
    point is known if the way there and back ends where it began, the network's by its cyclic error (Frueh et al. 2022,
    eq. 4) and the correlation's.

    Args:
        network: the teacher, in evaluation mode; it is not trained.
        patch_size: side of its patches, px.
        reach: farthest move to where small patches correlate, px; ribs look like each other, so few.
        refined_size: side of the small patches, px.
        tolerance: how far from its beginning a known point may end, px.
        similarity: least correlation of the small patches of a known point.

    Example:
        >>> from scripts.baselines import NCCMatcher
        >>> images = torch.rand(1, 1, 64, 64).repeat(2, 1, 1, 1)
        >>> counterparts = NetworkCorrespondence(NCCMatcher(), 16)(images)
        >>> points, known = counterparts.find(torch.full((2, 1, 2), 30.0))
        >>> points.round().tolist(), known.tolist()
        ([[[30.0, 30.0]], [[30.0, 30.0]]], [[True], [True]])
    """

    network: Matcher
    patch_size: int
    reach: int = 4
    refined_size: int = 17
    tolerance: float = 2.0
    similarity: float = 0.4

    def __repr__(self) -> str:
        """Without the network, whose weights no text tells."""
        told = ("patch_size", "reach", "refined_size", "tolerance", "similarity")
        return f"{type(self).__name__}({', '.join(f'{name}={getattr(self, name)}' for name in told)})"

    def __call__(self, images: torch.Tensor) -> MatchedCounterparts:
        """Pair each image with another; one that is alone goes with itself.

        Args:
            images: (B, 1, X, Y), intensities in [0, 1].
        """
        return MatchedCounterparts(self, images, images[most_alike(images)])


@dataclass(frozen=True)
class MatchedCounterparts:
    """Counterparts that are looked for when they are asked for.

    Attributes:
        by: what looks for them.
        sources: the images that points are of, (B, 1, X, Y).
        images: the other images, (B, 1, X, Y).
    """

    by: NetworkCorrespondence
    sources: torch.Tensor
    images: torch.Tensor

    @torch.no_grad()
    def find(self, points: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        """See :meth:`scripts.transforms.counterparts.Counterparts.find`."""
        pairs = zip(self.sources.split(1), self.images.split(1), points, strict=True)
        found, known = zip(*[self._match(*pair) for pair in pairs], strict=True)
        return torch.stack(found), torch.stack(known)

    def _match(
        self, source: torch.Tensor, target: torch.Tensor, points: torch.Tensor
    ) -> tuple[torch.Tensor, torch.Tensor]:
        """Points (K, 2) of one image (1, 1, X, Y) in another, and which of them to trust."""
        by = self.by
        trip = next(round_trips(by.network, source, [target], points, by.patch_size, correct_bias=True))
        found, there = self._refine(source, points, target, trip.found.nan_to_num())
        back, here = self._refine(target, found, source, points)
        missed = torch.maximum((trip.returned - points).norm(dim=1), (back - points).norm(dim=1))
        alike = torch.minimum(there, here) >= by.similarity
        return found, (missed <= by.tolerance) & alike & on_image(found, target.shape[2:])

    def _refine(
        self, image: torch.Tensor, points: torch.Tensor, other: torch.Tensor, near: torch.Tensor
    ) -> tuple[torch.Tensor, torch.Tensor]:
        """Where near some places of another image small patches correlate best, and how well."""
        patches = extract_patches(image, points, self.by.refined_size)
        refine = LocalRefinement(reach=self.by.reach, least=2.0 * self.by.reach)
        return refine(other, patches, near, torch.zeros_like(near))
