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

"""OpenCV's template matching over the whole frame."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import cv2
import numpy as np
import torch

from scripts.baselines.peer_tracker import PeerTracker
from scripts.inferers.fusion import Fusion
from scripts.transforms.paraboloid import paraboloid_shift

__all__ = ["TemplateMatching"]


@dataclass(frozen=True)
class _Template:
    """A patch (P, P), and the landmark's place from its first pixel, (2,), px."""

    pixels: np.ndarray
    place: np.ndarray


class TemplateMatching(PeerTracker[Sequence[_Template]]):
    """Each example's patch where its correlation coefficient is highest in the whole frame, to a part of a pixel.

    This is ``cv2.matchTemplate`` with ``TM_CCOEFF_NORMED``
    (https://docs.opencv.org/4.x/de/da9/tutorial_template_matching.html)
    and a paraboloid through the best score and its neighbours. Frames are padded by their margin's values, so that
    landmarks at the margin can be given and found. Patches lie on whole pixels, nearest to the landmark.

    Args:
        patch_size: side of the patches, px of the frame.
        fusion: see :class:`PeerTracker`.

    Raises:
        ValueError: the patch size is less than 2.

    Example:
        >>> frame = np.random.default_rng(0).random((64, 48))
        >>> tracker = TemplateMatching(patch_size=9)  # doctest: +SKIP
        >>> tracker.set_examples([(frame, (20.0, 30.0), "valve")])  # doctest: +SKIP
        >>> tracker.update(np.roll(frame, 5, axis=0)).landmarks["valve"].point.round()  # doctest: +SKIP
        tensor([25., 30.])
    """

    def __init__(self, patch_size: int, fusion: Fusion | None = None) -> None:
        super().__init__(fusion)
        if patch_size < 2:
            raise ValueError(f"patch_size is {patch_size}; a patch needs 2 px or more to have any contrast")
        self.patch_size = patch_size

    @property
    def _margin(self) -> int:
        """Padding, px: a landmark at the outermost pixel still has neighbours for the sub-pixel step."""
        return self.patch_size // 2 + 1

    def begin(self, frame: np.ndarray, points: np.ndarray) -> Sequence[_Template]:
        """The patches."""
        padded = self._pad(frame)
        last = np.array(padded.shape[::-1]) - self.patch_size
        places = points + self._margin
        corners = (places - (self.patch_size - 1) / 2).round().astype(int).clip(0, last)
        return [
            _Template(padded[y : y + self.patch_size, x : x + self.patch_size].copy(), place - (x, y))
            for (x, y), place in zip(corners.tolist(), places, strict=True)
        ]

    def locate(self, kept: Sequence[_Template], frame: np.ndarray) -> np.ndarray:
        """The places of the highest scores (N, 2); NaN for a patch without contrast, and where no score is positive."""
        padded = self._pad(frame)
        return np.stack([self._find(padded, one) for one in kept]) - self._margin

    def _pad(self, frame: np.ndarray) -> np.ndarray:
        return np.pad(frame, self._margin, mode="edge")

    def _find(self, padded: np.ndarray, template: _Template) -> np.ndarray:
        if np.ptp(template.pixels) == 0:  # OpenCV gives it a perfect score everywhere
            return np.full(2, np.nan)
        scores = cv2.matchTemplate(padded, template.pixels, cv2.TM_CCOEFF_NORMED)
        _, best, _, (x, y) = cv2.minMaxLoc(scores)
        if not best > 0:
            return np.full(2, np.nan)
        around = torch.from_numpy(scores[max(y - 1, 0) : y + 2, max(x - 1, 0) : x + 2].T.copy())
        shift = paraboloid_shift(around[None])[0].numpy() if around.shape == (3, 3) else 0.0
        return np.array([x, y]) + shift + template.place
