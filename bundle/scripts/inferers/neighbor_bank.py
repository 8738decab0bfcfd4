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

"""The surroundings of examples, encoded once."""

from __future__ import annotations

from collections.abc import Sequence

import torch

from scripts.inferers.neighbor_voting import NeighborVoting
from scripts.metrics.cyclic_error import Matcher, match_in_chunks
from scripts.transforms.patch import extract_patches

__all__ = ["NeighborBank"]


class NeighborBank:
    """Patches around each example, as codes of the network, to be found in each frame beside the example's own.

    However many examples a landmark has, each offset is asked of one of them alone, in turn: the cost in each frame
    does not grow with them.

    Args:
        matcher: what encodes the patches.
        patch_size: side of the patches, px of the network's image.
        image_size: spatial shape of the network's image, px.
        voting: where the neighbours lie, and how they are counted.

    Example:
        >>> from scripts.classical import NCCMatcher
        >>> matcher, image = NCCMatcher(), torch.rand(1, 1, 64, 64)
        >>> bank = NeighborBank(matcher, 16, (64, 64), NeighborVoting(rings=1))
        >>> point, code = torch.tensor([[30.0, 33.0]]), matcher.encode_image(image)
        >>> bank.add(image, code, point, ["valve"])
        >>> points, sigmas, support = bank.vote(code, point, torch.ones(1, 2))
        >>> points, support > 0.9
        (tensor([[30., 33.]]), tensor([True]))
    """

    def __init__(
        self,
        matcher: Matcher,
        patch_size: int,
        image_size: Sequence[int],
        voting: NeighborVoting,
    ) -> None:
        self.matcher = matcher
        self.patch_size = patch_size
        self.image_size = tuple(image_size)
        self.voting = voting
        self._offsets = voting.offsets(patch_size)
        # of each label, of each of its examples: which offsets can be asked, their codes, and what to take off there
        self._asked: dict[str, list[tuple[torch.Tensor, torch.Tensor, torch.Tensor]]] = {}
        self._plan()

    def add(self, image: torch.Tensor, image_code: torch.Tensor, points: torch.Tensor, labels: Sequence[str]) -> None:
        """Encode the surroundings of examples that lie on one image.

        A neighbour outside of the image, or one that is not found in this very image, has no say.

        Args:
            image: ``(1, C, *image_size)``.
            image_code: its code.
            points: (N, 2), px of that image.
            labels: the landmark of each.
        """
        size = torch.tensor(self.image_size, device=points.device)
        for point, label in zip(points, labels, strict=True):
            known = self._asked.setdefault(label, [])
            if len(known) == self.voting.examples:
                continue
            places = point + self._offsets.to(point)
            numbers = ((places >= 0) & (places <= size - 1)).all(dim=1).nonzero().flatten()
            if not len(numbers):
                continue
            codes = self.matcher.encode_patch(extract_patches(image, places[numbers], self.patch_size))
            bias = self._find(image_code, codes) - places[numbers]
            found = bias.norm(dim=1) <= self.voting.tolerance * self.patch_size
            if found.any():
                known.append((numbers[found], codes[found], bias[found]))
        self._plan()

    def drop(self, label: str) -> None:
        """Forget the surroundings of a landmark.

        Raises:
            KeyError: there is none of that name.
        """
        del self._asked[label]
        self._plan()

    def rename(self, label: str, new: str) -> None:
        """Give a landmark another name."""
        self._asked = {new if other == label else other: asked for other, asked in self._asked.items()}

    def vote(
        self, image_code: torch.Tensor, points: torch.Tensor, sigmas: torch.Tensor
    ) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
        """Ask the surroundings in another image.

        Args:
            image_code: its code.
            points: (L, 2), the landmarks' own answers in the order in which their labels came, px.
            sigmas: (L, 2), px.

        Returns:
            Points, sigmas and support, see :class:`NeighborVoting`.
        """
        votes = points.new_zeros(*self._voters.shape, 2)
        offsets = self._offsets.to(points)
        if self._encoded is not None:
            codes, biases = self._encoded
            landmarks, numbers = self._where
            votes[landmarks, numbers] = self._find(image_code, codes) - biases - offsets[numbers]
        voters = self._voters.to(points.device)
        return self.voting(points, sigmas, votes, voters, offsets, self.image_size, self.patch_size)

    def _find(self, image_code: torch.Tensor, codes: torch.Tensor) -> torch.Tensor:
        """Where patches are in an image, (N, 2), px."""
        return match_in_chunks(self.matcher, image_code, codes, self.image_size)[0]

    def _plan(self) -> None:
        """Which neighbour of which example is asked for each landmark and offset, worked out once."""
        self._voters = torch.zeros(len(self._asked), len(self._offsets), dtype=torch.bool)
        places, codes, biases = [], [], []
        for landmark, examples in enumerate(self._asked.values()):
            rows = [{int(n): i for i, n in enumerate(numbers)} for numbers, _, _ in examples]
            for number in range(len(self._offsets)):
                able = [k for k, row in enumerate(rows) if number in row]
                if able:
                    example = able[number % len(able)]
                    row = rows[example][number]
                    places.append((landmark, number))
                    codes.append(examples[example][1][row])
                    biases.append(examples[example][2][row])
        self._encoded = (torch.stack(codes), torch.stack(biases)) if codes else None
        self._where = torch.tensor(places, dtype=torch.long).reshape(-1, 2).T
        self._voters[self._where[0], self._where[1]] = True
