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

"""A series as the network sees it: intensities scaled, frames fitted to the network's size, kept small."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from monai.data import Dataset
from monai.transforms import Transform

from scripts.data.image_reader import read_image_series
from scripts.data.image_series import ImageSeries
from scripts.data.series_image import SeriesImage
from scripts.data.slice_plane import check_plane
from scripts.io.input_error import InputError, refuse_unreadable
from scripts.transforms.image_fit import ImageFit
from scripts.transforms.scale_intensity import restore_intensity, scale_series_intensity, store_intensity

__all__ = ["PrepareSeries", "PreparedSeries", "prepare_series"]


class PrepareSeries(Transform):
    """Read a series, scale its intensities to [0, 1] and fit its frames to the network's size.

    The deterministic, expensive part of loading, done once; what it gives can be kept on disk by MONAI's
    ``PersistentDataset``, whose cache key this object's arguments are part of.

    Args:
        image_size: spatial shape that the network takes, px.
        region: part of the images to use, ``(x0, y0, x1, y1)`` in their px, ends excluded; None for all.
        storage: ``float16``, or ``uint8`` for half of the memory and 256 grey values.
        stretch: fill the network's image rather than keep the aspect ratio, see :class:`scripts.transforms.ImageFit`.
        voi: apply the window of DICOM files, see :func:`scripts.data.read_image_series`.
        plane: take the slices of volumes in this plane for frames, see :func:`scripts.data.read_image_series`.

    Raises:
        InputError: the region lies in no image, or there is no such plane.
    """

    def __init__(
        self,
        image_size: Sequence[int],
        region: Sequence[int] | None = None,
        storage: str = "float16",
        *,
        stretch: bool = False,
        voi: bool = False,
        plane: str | None = None,
    ) -> None:
        check_plane(plane)
        self.image_size = tuple(image_size)
        self.region = _checked_region(region)
        self.stretch = stretch
        self.voi = voi
        self.plane = plane
        self.storage = storage
        # of the form of what is given: part of the cache key, so that files of an older form are not taken
        self.version = 5

    def __call__(self, data: dict[str, Any]) -> dict[str, Any]:
        """Prepare a series.

        Args:
            data: ``series``, a :class:`scripts.data.ImageSeries`; what else is there does not count.

        Returns:
            Tensors and plain values only, so that they can be kept on disk: ``frames`` ``(T, 1, *image_size)``, see
            :func:`scripts.transforms.store_intensity`; ``original``, the size (X, Y) in px; ``affines`` and ``places``
            (T, 4, 4); and ``pixel_size``, ``still``, ``spacing_known`` and ``frame_ms`` of
            :class:`scripts.data.SeriesImage`.

        Raises:
            InputError: the region does not lie in the image; else see :func:`scripts.data.read_image_series`.
        """
        series: ImageSeries = data["series"]
        image = self.read(series)
        original = tuple(image.frames.shape[2:])
        try:
            fit = self.fit(original, image.pixel_size)
        except ValueError as error:
            remedy = "change the setting 'region'" if "region" in str(error) else "correct or remove the file"
            raise InputError(f"{series.files[0]}: {error}; {remedy}") from error
        # the intensity scale is that of the part that is used: burned-in text outside has no say in it
        tissue = None if image.padding is None else fit.crop(~image.padding)
        frames = fit.resample(scale_series_intensity(fit.crop(image.frames), valid=tissue))
        return {
            "frames": store_intensity(frames, self.storage),
            "original": list(original),
            "affines": torch.from_numpy(image.affines),
            "places": None if image.places is None else torch.from_numpy(image.places),
            "pixel_size": list(image.pixel_size),
            "still": image.still,
            "spacing_known": image.spacing_known,
            "frame_ms": image.frame_ms,
        }

    def read(self, series: ImageSeries) -> SeriesImage:
        """The series' own pixels, before they become the network's.

        Raises:
            InputError: see :func:`scripts.data.read_image_series`.
        """
        with refuse_unreadable(series.files[0]):
            return read_image_series(series, voi=self.voi, plane=self.plane)

    def fit(self, original: Sequence[int], pixel_size: Sequence[float]) -> ImageFit:
        """How an image of the size ``original`` (px) with pixels of such a shape (x, y) becomes the network's.

        Raises:
            ValueError: the region does not lie in the image.
        """
        return ImageFit(tuple(original), self.image_size, self.region, tuple(pixel_size), self.stretch)


def _checked_region(region: Sequence[int] | None) -> tuple[int, ...] | None:
    if not region:
        return None
    if len(region) != 4 or not (0 <= region[0] < region[2] and 0 <= region[1] < region[3]):
        raise InputError(
            f"the setting 'region' is {list(region)}; it must be [x0, y0, x1, y1] in px, "
            "with 0 <= x0 < x1 and 0 <= y0 < y1"
        )
    return tuple(region)


@dataclass(frozen=True)
class PreparedSeries:
    """A series as the network sees it, and how its pixels became the network's.

    Attributes:
        series: which files it was read from; :meth:`PrepareSeries.read` reads its own pixels again.
        fit: how its pixels became the network's.
        affines: (T, 4, 4), float64: index (x, y, 0, 1) of the original image to RAS mm, where 3D Slicer shows it, see
            :class:`scripts.data.SeriesImage`; and so for the next three.
        places: (T, 4, 4), where it lies in the patient, or None where the file does not tell.
        pixel_size: distance of pixel centres along x and y, see :attr:`spacing`.
        still: True for an image with no time axis.
        spacing_known: True where ``pixel_size`` is in mm.
        frame_ms: time between frames in ms, or None where the file does not tell.
        length: number of frames T.
        cache: what :class:`PrepareSeries` gave, at ``index``; in memory or on disk.
        index: its place in the cache.
    """

    series: ImageSeries
    fit: ImageFit
    affines: np.ndarray
    places: np.ndarray | None
    pixel_size: tuple[float, float]
    still: bool
    spacing_known: bool
    frame_ms: float | None
    length: int
    cache: Sequence[dict[str, Any]] | Dataset
    index: int

    @classmethod
    def from_cache(
        cls, series: ImageSeries, prepare: PrepareSeries, cache: Sequence[dict[str, Any]] | Dataset, index: int
    ) -> PreparedSeries:
        """Take the header of a cached item; its frames stay in the cache."""
        item = cache[index]
        about = {name: item[name] for name in ("still", "spacing_known", "frame_ms")}
        x, y = item["pixel_size"]
        return cls(
            series,
            prepare.fit(item["original"], (x, y)),
            item["affines"].numpy(),
            None if item["places"] is None else item["places"].numpy(),
            (x, y),
            length=len(item["frames"]),
            cache=cache,
            index=index,
            **about,
        )

    @property
    def stored(self) -> torch.Tensor:
        """All frames as they are kept, ``(T, 1, *image_size)``, see :func:`scripts.transforms.restore_intensity`."""
        return self.cache[self.index]["frames"]

    @property
    def frames(self) -> torch.Tensor:
        """All frames, ``(T, 1, *image_size)``, float32 in [0, 1]."""
        return restore_intensity(self.stored)

    def image(self, frame: int) -> torch.Tensor:
        """One frame, ``(1, 1, *image_size)``, float32 in [0, 1]."""
        return restore_intensity(self.stored[frame : frame + 1])

    @property
    def spacing(self) -> tuple[float, float] | None:
        """Distance of pixel centres of the original image along x and y, in mm; None where the file does not tell.

        NIfTI tells, and so do NRRD and MetaImage with spacings, and DICOM with PixelSpacing or an ultrasound region of
        tissue. DICOM's ImagerPixelSpacing does not count: it is measured at the detector, not in the patient. PNG,
        JPEG, TIFF and BMP do not tell: their resolution is that of a scan. In a series it is the first frame's.

        Example:
            >>> prepare_series(find_image_series("cine.nii.gz")[0], PrepareSeries((256, 256))).spacing  # doctest: +SKIP
            (1.4, 1.4)
        """
        return self.pixel_size if self.spacing_known else None

    @property
    def placed(self) -> bool:
        """True where the files tell where each frame lies in the patient."""
        return self.places is not None

    @property
    def pixel_aspect(self) -> float:
        """Height of a pixel over its width, of the first frame."""
        x, y = self.pixel_size
        return y / x

    @property
    def name(self) -> str:
        """Name of the series in its data set, see :class:`scripts.data.ImageSeries`."""
        return self.series.name

    @property
    def source(self) -> str:
        """What tells the series from all others, of other data sets too: the path of its first file."""
        return str(self.series.files[0].resolve())


def prepare_series(series: ImageSeries, prepare: PrepareSeries) -> PreparedSeries:
    """Prepare one series, in memory.

    Raises:
        InputError: see :meth:`PrepareSeries.__call__`.

    Example:
        >>> from pydicom.examples import get_path
        >>> from scripts.data import find_image_series
        >>> prepared = prepare_series(find_image_series(get_path("ybr_color"))[0], PrepareSeries((80, 60)))
        >>> tuple(prepared.frames.shape), tuple(prepared.image(3).shape)
        ((30, 1, 80, 60), (1, 1, 80, 60))
    """
    return PreparedSeries.from_cache(series, prepare, [prepare({"series": series})], 0)
