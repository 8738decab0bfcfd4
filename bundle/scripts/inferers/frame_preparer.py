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

"""A frame of a live stream as the network sees it, or why it cannot be used."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import torch

from scripts.transforms.image_fit import ImageFit
from scripts.transforms.scale_intensity import scale_series_intensity

__all__ = ["FrameFaultError", "FramePreparer"]

_SAMPLE = 20_000  # pixels that the intensity scale of a frame is taken from: every n-th of a large one


class FrameFaultError(Exception):
    """A frame that shows nothing: it is flagged, and the stream goes on."""


class FramePreparer:
    """Check a frame, scale its intensities to [0, 1] and fit it to the network's size.

    Each frame has an intensity scale of its own (its 0.5 and 99.5 percentiles), as the rest of a live series is not
    known yet and its contrast may change.

    Args:
        image_size: spatial shape that the network takes, px.
        region: part of the frames to use, ``(x0, y0, x1, y1)`` in their px, ends excluded; None for all.
        device: where the prepared frame shall be.
        spacing: distance of the frames' pixel centres along x and y, mm; None for square pixels.
        stretch: fill the network's image rather than keep the aspect ratio, see :class:`scripts.transforms.ImageFit`.

    Example:
        >>> prepare = FramePreparer((32, 32))
        >>> tuple(prepare(np.random.default_rng(0).random((64, 48))).shape), prepare.fit.scaled
        ((1, 1, 32, 32), (32, 24))
    """

    def __init__(
        self,
        image_size: Sequence[int],
        region: Sequence[int] | None = None,
        device: torch.device | str = "cpu",
        *,
        spacing: Sequence[float] | None = None,
        stretch: bool = False,
    ) -> None:
        self.image_size = tuple(image_size)
        self.region = tuple(region) if region else None
        self.device = device
        self.spacing = tuple(spacing) if spacing else None
        self.stretch = stretch
        self._fit: ImageFit | None = None

    @property
    def fit(self) -> ImageFit:
        """How the frames' pixels become the network's.

        Raises:
            ValueError: no frame was seen yet.
        """
        if self._fit is None:
            raise ValueError("the size of the frames is not known before the first one")
        return self._fit

    def forget_size(self) -> None:
        """Take frames of any size again."""
        self._fit = None

    def __call__(self, frame: np.ndarray | torch.Tensor) -> torch.Tensor:
        """Prepare one frame.

        Args:
            frame: (X, Y) or (1, X, Y), any real type; axis 0 is x.

        Returns:
            ``(1, 1, *image_size)``, float32.

        Raises:
            TypeError: this is no array or tensor of real numbers.
            ValueError: it is not of that shape, not of the size of the frames before, the region is not inside of it,
                or the spacing is not positive.
            FrameFaultError: it has values that are not finite or too far apart for float32, or is constant.
        """
        image = _as_image(frame)
        self._check_size(tuple(image.shape[2:]))
        used = self.fit.crop(image)
        if not torch.isfinite(used).all():
            raise FrameFaultError("the frame has values that are not finite")
        if used.max() == used.min():
            raise FrameFaultError("the frame is constant")
        prepared = self.fit.resample(scale_series_intensity(used, largest_sample=_SAMPLE))
        if not torch.isfinite(prepared).all():
            raise FrameFaultError("the frame's values are too far apart")
        return prepared.to(self.device)

    def _check_size(self, size: tuple[int, ...]) -> None:
        if self._fit is None:
            self._fit = ImageFit(size, self.image_size, self.region, self.spacing, self.stretch)
        if size != self._fit.original:
            raise ValueError(
                f"the frame has {size} px (x, y), those before have {self._fit.original}; make a tracker for each size"
            )


def _as_image(frame: np.ndarray | torch.Tensor) -> torch.Tensor:
    """(1, 1, X, Y), float32, on the CPU."""
    if isinstance(frame, np.ndarray):
        if frame.dtype.kind not in "biuf":
            raise TypeError(f"a frame must have real numbers, not {frame.dtype}")
        with np.errstate(over="ignore"):  # what is too large for float32 becomes infinite, and is flagged as such
            frame = torch.from_numpy(np.array(frame, dtype=np.float32))
    elif not isinstance(frame, torch.Tensor):
        raise TypeError(f"a frame must be a numpy array or a torch tensor, not {type(frame).__name__}")
    if frame.is_complex() or frame.layout != torch.strided:
        raise TypeError(f"a frame must have real numbers, not complex or sparse ones: {frame.dtype}, {frame.layout}")
    frame = frame.squeeze(0) if frame.ndim == 3 and frame.shape[0] == 1 else frame
    if frame.ndim != 2 or 0 in frame.shape:
        raise ValueError(f"a frame must have the shape (X, Y) or (1, X, Y) with a pixel at least, not {frame.shape}")
    return frame.detach().to("cpu", torch.float32)[None, None]
