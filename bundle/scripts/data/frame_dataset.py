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

"""All frames of some series, read once and prepared for the network."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch.utils.data import Dataset
from tqdm import tqdm

from scripts.data.image_reader import SeriesImage, read_image_series
from scripts.data.image_series import ImageSeries
from scripts.io.input_error import InputError
from scripts.transforms.image_fit import ImageFit
from scripts.transforms.scale_intensity import scale_series_intensity

__all__ = ["FrameDataset", "PreparedSeries", "prepare_series"]


@dataclass(frozen=True)
class PreparedSeries:
    """A series as read, and as the network sees it.

    Attributes:
        image: the series in its own pixels.
        fit: how its pixels became the network's.
        frames: (T, 1, *image_size), float32 in [0, 1].
    """

    image: SeriesImage
    fit: ImageFit
    frames: torch.Tensor

    @property
    def name(self) -> str:
        """Name of the series in its data set, see :class:`scripts.data.ImageSeries`."""
        return self.image.series.name

    @property
    def source(self) -> str:
        """What tells the series from all others, of other data sets too: the path of its first file."""
        return str(self.image.series.files[0].resolve())


def prepare_series(
    series: ImageSeries, image_size: Sequence[int], region: Sequence[int] | None = None
) -> PreparedSeries:
    """Read a series, scale its intensities to [0, 1] and fit its frames to the network's size.

    Args:
        series: what to read.
        image_size: spatial shape that the network takes, px.
        region: part of the images to use, ``(x0, y0, x1, y1)`` in their px, ends excluded; None for all.

    Raises:
        InputError: the region does not lie in the image; else see :func:`scripts.data.read_image_series`.
    """
    image = read_image_series(series)
    try:
        fit = ImageFit(tuple(image.frames.shape[2:]), tuple(image_size), tuple(region) if region else None)
    except ValueError as error:
        raise InputError(f"{series.files[0]}: {error}; change the setting 'region'") from error
    # the intensity scale is that of the part that is used: burned-in text outside has no say in it
    return PreparedSeries(image, fit, fit.resample(scale_series_intensity(fit.crop(image.frames))))


class FrameDataset(Dataset):
    """The frames of some series, held in memory; one item a frame.

    An item has ``image`` (1, *image_size), float32 in [0, 1], and the indices ``series`` and ``frame``.

    Args:
        data: the series.
        image_size: spatial shape that the network takes, px; smaller and larger images are scaled to fit.
        region: part of the images to use, ``(x0, y0, x1, y1)`` in their px, ends excluded; None for all.
        hold_out_every: split the data: every n-th series is held out or, where there are fewer than n series, every
            n-th of all their frames. None takes all.
        held_out: take the part that is held out rather than the rest.

    Raises:
        InputError: a file cannot be read, see :func:`scripts.data.read_image_series`.

    Example:
        >>> from pydicom.examples import get_path
        >>> from scripts.data import find_image_series
        >>> dataset = FrameDataset(find_image_series(get_path("ybr_color")), (160, 120), hold_out_every=5)
        >>> len(dataset), tuple(dataset[0]["image"].shape)
        (24, (1, 160, 120))
    """

    def __init__(
        self,
        data: Sequence[ImageSeries],
        image_size: Sequence[int],
        *,
        region: Sequence[int] | None = None,
        hold_out_every: int | None = None,
        held_out: bool = False,
    ) -> None:
        self.image_size = tuple(image_size)
        self.region = region
        every = hold_out_every
        by_series = every is not None and len(data) >= every
        if by_series:
            data = [one for i, one in enumerate(data) if _is_held_out(i, every) == held_out]
        reading = tqdm(data, desc="reading images", unit="image", disable=None)
        self.series = [prepare_series(one, image_size, region) for one in reading]
        self.items = [(s, t) for s, prepared in enumerate(self.series) for t in range(len(prepared.frames))]
        # one single image cannot be split: it is trained on and, augmented anew, validated on
        if every is not None and not by_series and len(self.items) > 1:
            every = min(every, len(self.items))
            self.items = [item for i, item in enumerate(self.items) if _is_held_out(i, every) == held_out]

    def __len__(self) -> int:
        return len(self.items)

    def __getitem__(self, index: int) -> dict[str, Any]:
        series, frame = self.items[index]
        return {"image": self.series[series].frames[frame], "series": series, "frame": frame}


def _is_held_out(index: int, every: int) -> bool:
    """The middle one of each n, so that the first frame, often the example's, is trained on."""
    return index % every == every // 2
