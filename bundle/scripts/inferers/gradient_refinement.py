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

"""A second, local look at where a landmark is, at the edges around it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import torch
import torch.nn.functional as F

from scripts.transforms.box_mean import box_mean
from scripts.transforms.patch import extract_patches, patch_offsets

__all__ = ["GradientRefinement"]

_CONTRAST_FLOOR = 1e-3  # root mean square of a gradient of [0, 1] intensities a px; less is rounding, not an edge


@dataclass(frozen=True)
class GradientRefinement:
    """Move points to where the edges around them look most like those around their examples.

    The network sees large patches, and so tells the place by what is around: of a landmark that moves relative to its
    surroundings, as a lung's tip does behind the collar bone, it errs by that move. Edges nearby tell the rest.
    Derivatives along the axes are compared instead of intensities, because these vary from subject to subject where
    edges do not. Their normalised cross-correlation, averaged over examples, axes and sizes, is taken for the log
    likelihood of a place, up to a factor, the network's answer for the middle of a Gaussian prior, and the mean of the
    posterior for the answer: edges that are unclear move it little. The average over examples costs no more than one,
    as the average of their normalised patches is correlated.

    Args:
        sizes: sides of the patches, px, odd, 3 or more.
        reach: farthest move along an axis, px.
        prior: standard deviation of a move, px.
        weight: log likelihood of a correlation of 1.

    Raises:
        ValueError: there is no size, or an even or too small one; the reach is less than a pixel; or the prior is not
            above 0.

    Example:
        >>> image = F.avg_pool2d(torch.rand(1, 1, 84, 84, generator=torch.Generator().manual_seed(0)), 5, 1)
        >>> refine = GradientRefinement()
        >>> looks = refine.look(image, torch.tensor([[40.0, 30.0]]))
        >>> refine(image, refine.template(looks[None]), torch.tensor([[40.4, 29.7]]))[0].round()
        tensor([[40., 30.]])
    """

    sizes: Sequence[int] = (7, 11, 21)
    reach: int = 8
    prior: float = 2.5
    weight: float = 60.0

    def __post_init__(self) -> None:
        # of one type each, so that equal settings are told alike, from JSON or from Python
        object.__setattr__(self, "sizes", tuple(int(size) for size in self.sizes))
        object.__setattr__(self, "prior", float(self.prior))
        object.__setattr__(self, "weight", float(self.weight))
        if not self.sizes or any(size % 2 == 0 or size < 3 for size in self.sizes):
            raise ValueError(f"sizes are {list(self.sizes)}; give odd sizes of 3 px or more")
        if self.reach < 1 or self.prior <= 0.0:
            raise ValueError(f"the reach is {self.reach} and the prior {self.prior}; give 1 px or more, and above 0")

    def look(self, image: torch.Tensor, points: torch.Tensor) -> torch.Tensor:
        """What is remembered of examples: the gradient around them, (N, 2 * C, P, P), P the largest size.

        Args:
            image: (1, C, X, Y) for all points, or (N, C, X, Y), one a point.
            points: (N, 2), px.
        """
        return extract_patches(_gradient(image), points, max(self.sizes))

    def template(self, looks: torch.Tensor) -> torch.Tensor:
        """The average of K examples' normalised looks, a size each and zero outside of it.

        Args:
            looks: (K, ..., D, P, P), see :meth:`look`.

        Returns:
            (..., sizes, D, P, P).
        """
        side = looks.shape[-1]
        parts = []
        for size in self.sizes:
            margin = (side - size) // 2
            part = looks[..., margin : side - margin, margin : side - margin]
            part = part - part.mean(dim=(-2, -1), keepdim=True)
            energy = part.square().mean(dim=(-2, -1), keepdim=True)
            unit = part * energy.clamp_min(_CONTRAST_FLOOR**2).rsqrt()
            parts.append(F.pad(unit.mean(dim=0), [margin] * 4))
        return torch.stack(parts, dim=-4)

    def __call__(
        self, images: torch.Tensor, templates: torch.Tensor, points: torch.Tensor
    ) -> tuple[torch.Tensor, torch.Tensor]:
        """Refine.

        Args:
            images: (1, C, X, Y), in which all points were found, or (N, C, X, Y), one a point.
            templates: (N, sizes, 2 * C, P, P), see :meth:`template`.
            points: (N, 2), px.

        Returns:
            Points (N, 2), px, and the mean correlation there (N,), from -1 to 1.
        """
        side = max(self.sizes)
        windows = extract_patches(_gradient(images), points, side + 2 * self.reach)
        scores = torch.stack(
            [
                _correlation(windows, templates[:, i], (side - size) // 2).mean(dim=1)
                for i, size in enumerate(self.sizes)
            ]
        ).mean(dim=0)
        moves = patch_offsets(2 * self.reach + 1, 2, points.device).flatten(0, 1)
        prior = moves.square().sum(dim=1) / (-2.0 * self.prior**2)
        posterior = (self.weight * scores.flatten(1) + prior).softmax(dim=1)
        return points + posterior @ moves, (posterior * scores.flatten(1)).sum(dim=1)


def _gradient(images: torch.Tensor) -> torch.Tensor:
    """Central differences along both axes of images (B, C, X, Y): (B, 2 * C, X, Y); zero across the border."""
    padded = F.pad(images, [1] * 4, mode="replicate")
    along_x = padded[:, :, 2:, 1:-1] - padded[:, :, :-2, 1:-1]
    along_y = padded[:, :, 1:-1, 2:] - padded[:, :, 1:-1, :-2]
    return 0.5 * torch.cat([along_x, along_y], dim=1)


def _correlation(windows: torch.Tensor, templates: torch.Tensor, margin: int) -> torch.Tensor:
    """Correlation (N, D, Q, Q) of normalised templates (N, D, P, P), less their margin, with windows (N, D, W, W)."""
    count, depth, window, _ = windows.shape
    side = templates.shape[-1]
    inner = templates[..., margin : side - margin, margin : side - margin].flatten(0, 1).unsqueeze(1)
    field = windows[..., margin : window - margin, margin : window - margin].flatten(0, 1)
    size = side - 2 * margin
    product = F.conv2d(field.unsqueeze(0), inner, groups=len(inner))[0] / size**2
    mean, energy = (box_mean(one.unsqueeze(1), size)[:, 0] for one in (field, field.square()))
    around = (energy - mean.square()).clamp_min(_CONTRAST_FLOOR**2)
    return (product * around.rsqrt()).unflatten(0, (count, depth))
