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

"""What found landmarks say of themselves: valid, doubtful or unchecked, and why."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import torch

from scripts.inferers.trust import Trust
from scripts.io.landmark_status import LandmarkStatus
from scripts.transforms.image_fit import ImageFit

__all__ = ["Assessment", "assess_landmarks"]


class Assessment(NamedTuple):
    """Whether to rely on a landmark.

    Attributes:
        status: one of the three words.
        reason: why it is doubtful; empty where it is not.
    """

    status: LandmarkStatus
    reason: str = ""


def assess_landmarks(
    points: torch.Tensor,
    measures: torch.Tensor,
    fit: ImageFit,
    patch_size: int,
    trust: Trust | None = None,
    example_doubts: Sequence[str] | None = None,
) -> list[Assessment]:
    """Judge the landmarks of one image or frame.

    Args:
        points: (L, 2), px of the original image.
        measures: (L, 5), see :meth:`Trust.judge`; the first one, of sigma, is always measured.
        fit: of the image.
        patch_size: side of the patches, px of the network's image.
        trust: limits that were learned; None takes lenient ones of a quarter of a patch, within which an answer is
            unchecked.
        example_doubts: what speaks against each landmark's examples, see :meth:`ExampleBank.doubt`; None for nothing.

    Returns:
        (L,).

    Example:
        >>> fit, measures = ImageFit((80, 60), (80, 60)), torch.tensor([[2.0, *[torch.nan] * 4]] * 2)
        >>> [tuple(one) for one in assess_landmarks(torch.tensor([[9.0, 9.0], [9.0, 70.0]]), measures, fit, 40)]
        [(<LandmarkStatus.UNCHECKED: 'unchecked'>, ''), (<LandmarkStatus.DOUBTFUL: 'doubtful'>, 'it lies outside of \
the image')]
    """
    trust = trust or Trust.lenient(patch_size / 4 / min(fit.scale))
    sound = points.isfinite().all(dim=1) & measures[:, 0].isfinite()
    outside = f"it lies outside of the {'region' if fit.region else 'image'}"
    doubts = [
        "the answer is not finite" if not is_sound else "" if is_inside else outside
        for is_sound, is_inside in zip(sound.tolist(), fit.contains(points).tolist(), strict=True)
    ]
    each = zip(doubts, example_doubts or [""] * len(doubts), trust.judge(measures), strict=True)
    reasons = [next(filter(None, candidates), "") for candidates in each]
    return [Assessment(*one) for one in zip(trust.status(measures, reasons), reasons, strict=True)]
