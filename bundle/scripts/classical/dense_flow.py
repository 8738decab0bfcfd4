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

"""Dense optical flow between two images."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import cv2
import numpy as np

__all__ = ["DenseFlow"]

_PRESETS = ("ultrafast", "fast", "medium")
_SMALLEST = 12  # px, of OpenCV's implementation
_CLIP_LIMIT, _TILES = 2.0, (8, 8)  # of the equalisation: a moderate one, on OpenCV's usual grid


class DenseFlow:
    """Where each pixel of one image lies in another: OpenCV's dense inverse search.

    This is ``cv2.DISOpticalFlow``: Kroeger et al. 2016, "Fast Optical Flow using Dense Inverse Search"
    (https://arxiv.org/abs/1603.03590).

    Args:
        preset: ``ultrafast``, ``fast`` or ``medium``, the most exact.
        equalize: equalise the histograms of both images tile by tile, with limited contrast (CLAHE), before.
        enlarge: make both images so many times larger before, 1 or more: the presets look at half the resolution, in
            patches of 8 px, which is coarse for images of hundred px. The flow is still that of the images as they are.

    Raises:
        ValueError: there is no such preset, or the images would be made smaller.

    Example:
        >>> flow = DenseFlow(equalize=True)  # doctest: +SKIP
        >>> one, other = (flow.look(image) for image in images)  # doctest: +SKIP
        >>> flow(one, other).shape  # doctest: +SKIP
        (224, 224, 2)
    """

    def __init__(self, preset: str = "medium", *, equalize: bool = False, enlarge: int = 1) -> None:
        if preset not in _PRESETS:
            raise ValueError(f"the preset is one of {', '.join(_PRESETS)}, not {preset!r}")
        if enlarge < 1:
            raise ValueError(f"images can be made 1 or more times larger, not {enlarge}")
        self.preset = preset
        self.equalize = equalize
        self.enlarge = enlarge
        self._flow: Any = cv2.DISOpticalFlow.create(getattr(cv2, f"DISOPTICAL_FLOW_PRESET_{preset.upper()}"))
        self._clahe = cv2.createCLAHE(_CLIP_LIMIT, _TILES)

    def look(self, image: np.ndarray) -> np.ndarray:
        """An image (rows, columns) of bytes as it is compared: enlarged and equalised where that is asked for.

        Raises:
            ValueError: it is smaller than the flow can take.
        """
        if min(image.shape) < _SMALLEST:
            raise ValueError(f"DIS optical flow needs frames of {_SMALLEST} px or more, not {image.shape[::-1]}")
        if self.enlarge > 1:
            image = self._resize(image, [self.enlarge * side for side in image.shape], cv2.INTER_CUBIC)
        return self._clahe.apply(image) if self.equalize else image

    def __call__(self, image: np.ndarray, other: np.ndarray) -> np.ndarray:
        """How far each pixel of an image moves to where it is in the other, (rows, columns, 2), px: x, then y.

        Args:
            image: as :meth:`look` gives it.
            other: of the same shape.
        """
        flow = self._flow.calc(image, other, None)
        if self.enlarge == 1:
            return flow
        return self._resize(flow, [side // self.enlarge for side in image.shape], cv2.INTER_AREA) / self.enlarge

    def _resize(self, image: np.ndarray, shape: Sequence[int], interpolation: int) -> np.ndarray:
        """Resize (rows, columns) to such a shape."""
        return cv2.resize(image, tuple(shape[::-1]), interpolation=interpolation)
