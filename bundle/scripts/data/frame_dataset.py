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
import logging
import os
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from multiprocessing.pool import ThreadPool
from pathlib import Path
from typing import Any

from monai.data.utils import pickle_hashing
from torch.utils.data import Dataset
from tqdm import tqdm

from scripts.data.frame_cache import FrameCache
from scripts.data.image_series import FoundImages, ImageSeries
from scripts.data.prepared_series import PreparedSeries, PrepareSeries
from scripts.io.atomic import WriteError
from scripts.io.input_error import InputError, find_input_error, printable
from scripts.io.unicode_form import composed

__all__ = ["FrameDataset"]


class FrameDataset(Dataset):
    """The frames of some series, read, scaled and resized once; one item a frame.

    A series that cannot be read, or that the region does not lie in, is skipped with a warning that names it, and the
    others are used.

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

    Attributes:
        series: those that are used.
        skipped: a line for each file that cannot be used, with the reason, also of those that were not found fit for
            ``data``, see :class:`scripts.data.FoundImages`.

    Raises:
        InputError: no series can be read, see :func:`scripts.data.read_image_series`, or the region lies in none of
            them; ``hold_out_every`` is less than 2; or ``cache_dir`` cannot be written to.

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
        self.prepare = PrepareSeries(image_size, region, storage, stretch=stretch, voi=voi, plane=plane)
        self._known: dict[ImageSeries, PreparedSeries] = dict(prepared._known) if prepared else {}
        self._faults: dict[ImageSeries, InputError] = dict(prepared._faults) if prepared else {}
        self._cache_dir, self._num_workers = cache_dir, num_workers
        told = len(self._faults)
        chosen, every = self._part(data, every, held_out)
        self._read(chosen)
        self.series: list[PreparedSeries] = [self._known[one] for one in chosen if one in self._known]
        if data and not self.series:
            raise self._nothing_left(data)
        faults = [printable(str(fault)) for fault in self._faults.values()]
        self._log(faults[told:], len(data))
        self.skipped: list[str] = [*(data.skipped if isinstance(data, FoundImages) else ()), *faults]
        self.items = [(s, t) for s, one in enumerate(self.series) for t in range(one.length)]
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

    @property
    def unusable(self) -> list[str]:
        """Names of the series that cannot be used."""
        return [one.name for one in self._faults]

    def _part(
        self, data: Sequence[ImageSeries], every: int | None, held_out: bool
    ) -> tuple[Sequence[ImageSeries], int | None]:
        """The series of a part, and what is still to be held out of their frames.

        Of a split by series each part has one that can be read; else it is made anew without those that cannot.
        """
        while every is not None and len(data) >= every:
            parts = {
                held: [one for i, one in enumerate(data) if _is_held_out(i, every) == held] for held in (False, True)
            }
            if all(any(self._is_usable(one) for one in part) for part in parts.values()):
                return parts[held_out], None
            data = [one for one in data if one not in self._faults]
        return data, every

    def _is_usable(self, series: ImageSeries) -> bool:
        self._read([series])
        return series in self._known

    def _read(self, data: Sequence[ImageSeries]) -> None:
        """Prepare the series that are not known, and note those that cannot be used."""
        new = [one for one in data if one not in self._known and one not in self._faults]
        cache: list[dict[str, Any]] | FrameCache
        if self._cache_dir is None:
            cache = self._in_memory(new)
        else:
            items = [{"series": one, "changed": _changed(one)} for one in new]
            cache = FrameCache(items, self.prepare, Path(self._cache_dir), hash_transform=pickle_hashing)
        shown = self._cache_dir is not None and len(new) > 1
        for i, one in enumerate(tqdm(new, desc="caching images", unit="image", disable=None if shown else True)):
            if one not in self._faults:
                with self._noting_faults(one):
                    self._known[one] = PreparedSeries.from_cache(one, self.prepare, cache, i)

    def _in_memory(self, data: Sequence[ImageSeries]) -> list[dict[str, Any]]:
        """What is kept of each series; nothing of one that cannot be used."""

        def read(series: ImageSeries) -> dict[str, Any]:
            with self._noting_faults(series):
                return self.prepare({"series": series})
            return {}

        if len(data) < 2:
            return [read(one) for one in data]
        with ThreadPool(max(1, self._num_workers)) as pool:
            shown = tqdm(pool.imap(read, data), total=len(data), desc="reading images", unit="image", disable=None)
            return list(shown)

    @contextmanager
    def _noting_faults(self, series: ImageSeries) -> Iterator[None]:
        try:
            yield
        except (InputError, RuntimeError) as error:
            fault = find_input_error(error)  # MONAI wraps what a transform raises
            if fault is None or isinstance(fault, WriteError):
                raise fault or error from error
            self._faults[series] = fault

    def _nothing_left(self, data: Sequence[ImageSeries]) -> InputError:
        fault = next(self._faults[one] for one in data if one in self._faults)
        if len(data) == 1:
            return fault
        return InputError(f"none of {len(data)} images can be used; the first: {fault}")

    @staticmethod
    def _log(faults: Sequence[str], total: int) -> None:
        logger = logging.getLogger("FrameDataset")
        for fault in faults:
            logger.warning("skipped: %s", fault)
        if faults:
            logger.warning("%d of %d images skipped, which cannot be used", len(faults), total)

    def __len__(self) -> int:
        return len(self.items)

    def __getitem__(self, index: int) -> dict[str, Any]:
        series, frame = self.items[index]
        return {"image": self.series[series].stored[frame], "series": series, "frame": frame, "index": index}


def _changed(series: ImageSeries) -> list[float]:
    """When the files were changed last; what is gone by now is left to its reader to say."""
    return [os.path.getmtime(file) for file in series.files if file.exists()]


def _is_held_out(index: int, every: int) -> bool:
    """The middle one of each n, so that the first frame, often the example's, is trained on."""
    return index % every == every // 2
