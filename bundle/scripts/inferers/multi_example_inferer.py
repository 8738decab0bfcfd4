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

"""Finding the landmarks of an example bank in images."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch
from monai.inferers import Inferer

from scripts.inferers.example_bank import ExampleBank
from scripts.inferers.fusion import Fusion, InverseSigmaFusion
from scripts.metrics.cyclic_error import Matcher
from scripts.transforms.coordinates import index_to_normalized, normalized_to_index

__all__ = ["MultiExampleInferer"]


class MultiExampleInferer(Inferer):
    """Match every example with every image and fuse the examples of each landmark.

    An image is encoded once for all examples; the examples' codes, and the second look if there is one, come from the
    bank.

    Args:
        bank: the examples; it may change between calls.
        fusion: how several examples of one landmark become one answer; eq. 3 by default.
        sigma_per_scale: standard deviation of the distribution trained for at scale 1: 1 for the Gaussian,
            sqrt(2) for the Laplace distribution.

    Example:
        >>> from scripts.classical import NCCMatcher
        >>> image = torch.rand(1, 1, 64, 64)
        >>> bank = ExampleBank(NCCMatcher(), patch_size=16)
        >>> bank.add(image, torch.tensor([[20.0, 30.0], [40.0, 10.0]]), ["apex", "valve"])
        >>> tuple(MultiExampleInferer(bank)(image, bank.network).shape)  # means, sigmas, disagreement
        (1, 2, 6)
    """

    def __init__(self, bank: ExampleBank, fusion: Fusion | None = None, sigma_per_scale: float = 1.0) -> None:
        super().__init__()
        self.bank = bank
        self.fusion = fusion or InverseSigmaFusion()
        self.sigma_per_scale = sigma_per_scale

    def __call__(  # type: ignore[override]  # a matcher, which MONAI's networks are not
        self,
        inputs: torch.Tensor,
        network: Matcher,
        *args: Any,
        sources: Sequence[str | None] | None = None,
        **kwargs: Any,
    ) -> torch.Tensor:
        """Find the landmarks.

        Args:
            inputs: images ``(B, C, *spatial)``.
            network: the network whose codes the bank holds.
            sources: the series of each image, to prefer its own examples, see :meth:`ExampleBank.select`.

        Returns:
            (B, L, 3 * spatial_dims): means, standard deviations and the disagreement of the examples' own answers (root
            mean square distance from the fused one; NaN for one example) an axis, normalised, in the order of
            ``bank.labels``.

        Raises:
            ValueError: the bank has no example, or the sources differ in number from the images.
        """
        means, sigmas = self.match_examples(inputs, network)
        each = zip(inputs.split(1), means, sigmas, sources or [None] * len(inputs), strict=True)
        return torch.stack([self._find(*one) for one in each])

    def _find(self, image: torch.Tensor, means: torch.Tensor, sigmas: torch.Tensor, source: str | None) -> torch.Tensor:
        """Landmarks (L, 3 * spatial_dims) of one image, from each example's own answer."""
        examples = [self.bank.select(label, source) for label in self.bank.labels]
        fused = [self.fusion(means[chosen], sigmas[chosen]) for chosen in examples]
        apart = torch.stack(
            [_disagreement(means[chosen], mean) for chosen, (mean, _) in zip(examples, fused, strict=True)]
        )
        mean, sigma = (torch.stack(part) for part in zip(*fused, strict=True))
        if self.bank.second_look is not None:
            shape = image.shape[2:]
            points = self.bank.look_again(image, normalized_to_index(mean, shape), examples)
            mean = index_to_normalized(points, shape)
        return torch.cat([mean, sigma, apart], dim=-1)

    def match_examples(self, inputs: torch.Tensor, network: Matcher) -> tuple[torch.Tensor, torch.Tensor]:
        """Each example's own answer: means and standard deviations, (B, len(bank), spatial_dims), normalised."""
        means, log_scales = self.bank.match(network.encode_image(inputs), network)
        return means, log_scales.exp() * self.sigma_per_scale


def _disagreement(answers: torch.Tensor, fused: torch.Tensor) -> torch.Tensor:
    """Root mean square distance an axis of the answers (K, spatial_dims) of several examples; NaN for one alone."""
    away = (answers - fused).square().mean(dim=0).sqrt()
    return away if len(answers) > 1 else torch.full_like(away, torch.nan)
