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

import hashlib
import os
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

from monai.data import CacheDataset
from monai.data.utils import pickle_hashing
from torch.utils.data import Dataset
from tqdm import tqdm

from scripts.data.frame_cache import FrameCache
from scripts.data.image_series import ImageSeries
from scripts.data.prepared_series import PreparedSeries, PrepareSeries
from scripts.io.input_error import InputError, find_input_error
from scripts.io.unicode_form import composed

__all__ = ["FrameDataset"]


class FrameDataset(Dataset):
    """The frames of some series, read, scaled and resized once; one item a frame.

    An item has ``image`` ``(1, *image_size)``, as it is kept (see :func:`scripts.transforms.restore_intensity`), the
    indices ``series`` and ``frame``, and ``index``, its own.

    Args:
        data: the series.
        image_size: spatial shape that the network takes, px; smaller and larger images are scaled to fit.
        region: part of the images to use, ``(x0, y0, x1, y1)`` in their px, ends excluded; None for all.
        hold_out_every: split the data: every n-th series is held out or, where there are fewer than n series, every
            n-th of all their frames; 2 or more. None takes all.
        held_out: take the part that is held out rather than the rest.
        storage: how frames are kept: ``float16``, or ``uint8`` for half of the memory and 256 grey values.
        cache_dir: keep prepared series as files there and read them when needed, for sets larger than memory. A later
            run with the same images and settings finds them. None keeps them in memory.
        num_workers: threads that read.
        stretch: fill the network's image rather than keep the aspect ratio, see :class:`scripts.transforms.ImageFit`.
        voi: apply the window of DICOM files, see :func:`scripts.data.read_image_series`.
        plane: take the slices of volumes in this plane for frames, see :func:`scripts.data.read_image_series`.
        prepared: another data set of the same settings; series that it has are not read again.

    Raises:
        InputError: a file cannot be read, see :func:`scripts.data.read_image_series`; the region does not lie in an
            image; or ``hold_out_every`` is less than 2.

    Example:
        >>> from pydicom.examples import get_path
        >>> from scripts.data import find_image_series
        >>> dataset = FrameDataset(find_image_series(get_path("ybr_color")), (160, 120), hold_out_every=5)
        >>> len(dataset), tuple(dataset[0]["image"].shape), dataset[0]["image"].dtype
        (24, (1, 160, 120), torch.float16)
    """

    def __init__(
        self,
        data: Sequence[ImageSeries],
        image_size: Sequence[int],
        *,
        region: Sequence[int] | None = None,
        hold_out_every: int | None = None,
        held_out: bool = False,
        storage: str = "float16",
        cache_dir: str | os.PathLike[str] | None = None,
        num_workers: int = 4,
        prepared: FrameDataset | None = None,
        stretch: bool = False,
        voi: bool = False,
        plane: str | None = None,
    ) -> None:
        every = hold_out_every
        if every is not None and every < 2:
            raise InputError(
                f"the setting 'hold_out_every' is {every}; it must be 2 or more, or null to hold out nothing"
            )
        if every is not None and len(data) >= every:
            data = [one for i, one in enumerate(data) if _is_held_out(i, every) == held_out]
            every = None  # whole series: none of their frames is held out besides
        self.prepare = PrepareSeries(image_size, region, storage, stretch=stretch, voi=voi, plane=plane)
        known = {one.series: one for one in prepared.series} if prepared is not None else {}
        unknown = [one for one in data if one not in known]
        known |= {one.series: one for one in self._read(unknown, cache_dir, num_workers)}
        self.series: list[PreparedSeries] = [known[one] for one in data]
        self.items = [(s, t) for s, prepared in enumerate(self.series) for t in range(prepared.length)]
        # one single image cannot be split: it is trained on and, augmented anew, validated on
        if every is not None and len(self.items) > 1:
            every = min(every, len(self.items))
            self.items = [item for i, item in enumerate(self.items) if _is_held_out(i, every) == held_out]

    @property
    def image_size(self) -> tuple[int, ...]:
        """Spatial shape of the frames, px."""
        return self.prepare.image_size

    @property
    def fingerprint(self) -> str:
        """A hash of which frames these are, by the names of their series: the same in another folder."""
        names = "\n".join(f"{self.series[series].name} {frame}" for series, frame in self.items)
        return hashlib.sha256(composed(names).encode()).hexdigest()[:16]

    def _read(
        self, data: Sequence[ImageSeries], cache_dir: str | os.PathLike[str] | None, num_workers: int
    ) -> list[PreparedSeries]:
        if not data:
            return []
        try:
            items: list[dict[str, Any]]
            cache: Dataset
            indices: Iterable[int] = range(len(data))
            if cache_dir is None:
                items = [{"series": one} for one in data]
                cache = CacheDataset(items, self.prepare, num_workers=num_workers, progress=len(data) > 1)
            else:
                items = [{"series": one, "changed": [os.path.getmtime(file) for file in one.files]} for one in data]
                cache = FrameCache(items, self.prepare, Path(cache_dir), hash_transform=pickle_hashing)
                indices = tqdm(indices, desc="caching images", unit="image", disable=None)
            return [PreparedSeries.from_cache(data[i], self.prepare, cache, i) for i in indices]
        except RuntimeError as error:
            # MONAI wraps what a transform raises
            raise find_input_error(error) or error from error

    def __len__(self) -> int:
        return len(self.items)

    def __getitem__(self, index: int) -> dict[str, Any]:
        series, frame = self.items[index]
        return {"image": self.series[series].stored[frame], "series": series, "frame": frame, "index": index}


def _is_held_out(index: int, every: int) -> bool:
    """The middle one of each n, so that the first frame, often the example's, is trained on."""
    return index % every == every // 2
