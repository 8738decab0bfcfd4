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

"""What every example of a landmark answers on every image, matched once for all ways to combine them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import torch
from tqdm import tqdm

from scripts.evaluation.labelled_frames import LabelledFrame, LandmarkGroup
from scripts.inferers.fusion import Fusion
from scripts.inferers.gradient_refinement import GradientRefinement
from scripts.metrics.cyclic_error import Matcher, encode_patches, match_in_chunks, matching_bias

__all__ = ["LandmarkAnswers", "match_landmarks"]


@dataclass(frozen=True)
class LandmarkAnswers:
    """Answers of C candidate frames for L landmarks on T target frames, px of the original target images.

    Attributes:
        group: the candidate and the target frames.
        marked: (C, L), which candidate has which landmark.
        means: (C, T, L, 2), where each candidate's patch was found; NaN where the candidate lacks the landmark.
        sigmas: (C, T, L, 2), likewise.
        truth: (T, L, 2), NaN where the target lacks the landmark.
        second_look: moves what was fused, see :class:`scripts.inferers.GradientRefinement`; None leaves it.
        looks: (C, L, D, P, P), what it remembers of the candidates; None without it.
    """

    group: LandmarkGroup
    marked: torch.Tensor
    means: torch.Tensor
    sigmas: torch.Tensor
    truth: torch.Tensor
    second_look: GradientRefinement | None = None
    looks: torch.Tensor | None = None

    def fuse(self, order: Sequence[int], examples: int, fusion: Fusion) -> tuple[torch.Tensor, torch.Tensor]:
        """One answer a landmark, from the first ``examples`` candidates that have it.

        Args:
            order: the candidates, in the order in which they are taken.
            examples: how many; all there are where a landmark has fewer.
            fusion: how they become one.

        Returns:
            Errors (found minus true) and sigmas, (T, L, 2), px; NaN where the target or all candidates lack it.
        """
        errors, sigmas = torch.full_like(self.truth, torch.nan), torch.full_like(self.truth, torch.nan)
        for label in range(self.marked.shape[1]):
            chosen = [i for i in order if self.marked[i, label]][:examples]
            if chosen:
                mean, sigma = fusion(self.means[chosen, :, label], self.sigmas[chosen, :, label])
                if self.second_look is not None and self.looks is not None:
                    mean = self._look_again(self.second_look, self.looks[chosen, label], mean)
                errors[:, label], sigmas[:, label] = mean - self.truth[:, label], sigma
        return errors, sigmas

    def _look_again(self, look: GradientRefinement, looks: torch.Tensor, points: torch.Tensor) -> torch.Tensor:
        """Points of one landmark, one a target (T, 2), moved to where the edges are as in K examples (K, D, P, P)."""
        fits = [target.frame.prepared.fit for target in self.group.targets]
        near = torch.stack([fit.to_network(point) for fit, point in zip(fits, points, strict=True)])
        template = look.template(looks)
        moved, _ = look(self._images, template.expand(len(near), *template.shape), near)
        return torch.stack([fit.to_original(point) for fit, point in zip(fits, moved, strict=True)])

    @cached_property
    def _images(self) -> torch.Tensor:
        """The targets, as the network gets them, (T, 1, X, Y)."""
        return torch.cat([target.frame.image() for target in self.group.targets])


@torch.no_grad()
def match_landmarks(
    matcher: Matcher,
    group: LandmarkGroup,
    labels: Sequence[str],
    patch_size: int,
    device: torch.device | str = "cpu",
    *,
    correct_bias: bool = False,
    sigma_per_scale: float = 1.0,
    second_look: GradientRefinement | None = None,
    chunk_size: int = 256,
) -> LandmarkAnswers:
    """Match the patch of every landmark of every candidate in every target; each image is encoded once.

    Args:
        matcher: the network, in evaluation mode, or another matcher.
        group: the candidate and the target frames.
        labels: the landmarks.
        patch_size: side of the patches, px of the network's image.
        device: where the matcher is.
        correct_bias: take off each patch's bias, see :func:`scripts.metrics.matching_bias`.
        sigma_per_scale: standard deviation of the distribution trained for at scale 1.
        second_look: moves what is fused of the answers.
        chunk_size: number of patches at once.

    Returns:
        The answers, on the CPU.
    """
    marked = torch.tensor([[label in one.points for label in labels] for one in group.candidates])
    owners = marked.nonzero(as_tuple=True)
    encoded = [
        _encode(matcher, one, labels, patch_size, device, correct_bias)
        for one in tqdm(group.candidates, desc="examples", unit="image", leave=False, disable=None)
        if any(label in one.points for label in labels)
    ]
    shape = (len(group.candidates), len(group.targets), len(labels), 2)
    means, sigmas = torch.full(shape, torch.nan), torch.full(shape, torch.nan)
    targets = group.targets if encoded else []
    if encoded:
        codes, biases = (torch.cat(parts) for parts in zip(*encoded, strict=True))
    for t, target in enumerate(tqdm(targets, desc="landmarks", unit="image", leave=False, disable=None)):
        image, fit = target.frame.image(device), target.frame.prepared.fit
        found, scale = match_in_chunks(matcher, matcher.encode_image(image), codes, image.shape[2:], chunk_size)
        means[owners[0], t, owners[1]] = fit.to_original((found - biases).cpu())
        sigmas[owners[0], t, owners[1]] = fit.length_to_original(scale.cpu() * sigma_per_scale)
    absent = torch.full((2,), torch.nan)
    truth = torch.stack([torch.stack([one.points.get(label, absent) for label in labels]) for one in group.targets])
    looks = _look(second_look, group, labels) if second_look else None
    return LandmarkAnswers(group, marked, means, sigmas, truth, second_look, looks)


def _look(second_look: GradientRefinement, group: LandmarkGroup, labels: Sequence[str]) -> torch.Tensor:
    """What a second look remembers of the candidates, (C, L, D, P, P); NaN where one lacks the landmark."""
    absent = torch.full((2,), torch.nan)
    looks = []
    for one in group.candidates:
        points = torch.stack([one.points.get(label, absent) for label in labels])
        looks.append(second_look.look(one.frame.image(), one.frame.prepared.fit.to_network(points)))
    return torch.stack(looks)


def _encode(
    matcher: Matcher,
    labelled: LabelledFrame,
    labels: Sequence[str],
    patch_size: int,
    device: torch.device | str,
    correct_bias: bool,
) -> tuple[torch.Tensor, torch.Tensor]:
    """Codes and biases of a frame's landmarks, in the order of the labels."""
    image = labelled.frame.image(device)
    original = torch.stack([labelled.points[label] for label in labels if label in labelled.points])
    points = labelled.frame.prepared.fit.to_network(original).to(device)
    codes = encode_patches(matcher, image, points, patch_size)
    if not correct_bias:
        return codes, torch.zeros_like(points)
    image_code = matcher.encode_image(image)
    return codes, matching_bias(matcher, image_code, codes, points, image.shape[2:], patch_size)
