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

"""The pixels of a series, and where they lie in the patient."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch

from scripts.data.image_series import ImageSeries
from scripts.io.input_error import InputError
from scripts.transforms.coordinates import pixel_spacing
from scripts.transforms.scale_intensity import intensity_range

__all__ = ["SeriesImage"]


@dataclass(frozen=True)
class SeriesImage:
    """The pixels of a series.

    Attributes:
        series: what was read.
        frames: (T, 1, X, Y), float32, in the units of the file.
        affines: (T, 4, 4), float64: index (x, y, 0, 1) to RAS mm, where 3D Slicer shows each frame: points of its files
            are written and read by them. Frames of one file that ITK takes for the slices of a volume lie apart. The
            third column leads to the next slice.
        places: (T, 4, 4), float64: index (x, y, 0, 1) to RAS mm, where each frame lies in the patient; None where the
            file does not tell: it is told by NIfTI with a form code, NRRD in a space of the patient, MetaImage with
            Offset and TransformMatrix, and DICOM with position, orientation and PixelSpacing.
        pixel_size: distance of pixel centres along x and y, of the first frame: mm in the patient where
            ``spacing_known``, else the shape of a pixel.
        still: True for an image with no time axis.
        spacing_known: True where the file tells the distance of its pixels in the patient: NIfTI, NRRD and MetaImage
            with spacings, and DICOM with PixelSpacing or an ultrasound region of tissue. DICOM's ImagerPixelSpacing
            does not count: it is measured at the detector, where the patient is magnified; nor does the resolution
            (dpi) of a JPEG or TIFF file.
        frame_ms: time between frames in ms, or None where the file does not tell or frames are not evenly spaced.
        spacing_source: what tells the distance of pixels, such as ``PixelSpacing``; None where nothing does. Where
            ``spacing_known`` is False it names what tells another distance, such as the one at the detector.
        padding: (T, 1, X, Y), bool: True for pixels that the file calls padding, which fill up the rectangle around the
            image. In ``frames`` they are as dark as the darkest half percent of the rest. None where there are none.
    """

    series: ImageSeries
    frames: torch.Tensor
    affines: np.ndarray
    places: np.ndarray | None
    pixel_size: tuple[float, float]
    still: bool
    spacing_known: bool
    frame_ms: float | None = None
    spacing_source: str | None = None
    padding: torch.Tensor | None = None

    @property
    def placed(self) -> bool:
        """True where the file tells where each frame lies in the patient."""
        return self.places is not None

    @classmethod
    def from_pages(
        cls,
        series: ImageSeries,
        pages: Sequence[np.ndarray],
        affine: np.ndarray,
        *,
        spacing_known: bool,
        places: np.ndarray | None,
        pixel_size: tuple[float, float] | None = None,
        frame_ms: float | None = None,
        spacing_source: str | None = None,
        padding: Sequence[np.ndarray | None] | None = None,
    ) -> SeriesImage:
        """Stack frames.

        Args:
            series: what was read.
            pages: T arrays (X, Y).
            affine: (4, 4) of all frames, or (T, 4, 4), where they are shown.
            spacing_known: see the attribute, as for the rest.
            places: (4, 4) of all frames, or (T, 4, 4), where they lie; or None.
            pixel_size: None for that of the affine.
            frame_ms: ms.
            spacing_source: what tells the distance of pixels.
            padding: T arrays (X, Y) of bool, True where a page shows nothing; None for a page without such pixels.

        Raises:
            InputError: the frames differ in size, or a pixel is NaN or infinite.

        Example:
            >>> series = ImageSeries("a.png", (), "raster")
            >>> page = np.arange(6.0).reshape(3, 2)
            >>> image = SeriesImage.from_pages(series, [page], np.eye(4), spacing_known=False, places=None)
            >>> tuple(image.frames.shape), image.still
            ((1, 1, 3, 2), True)
        """
        sizes = sorted({page.shape for page in pages})
        if len(sizes) > 1:
            raise InputError(f"{series.files[0]}: frames of one series differ in size ({sizes}); split them into files")
        frames = torch.from_numpy(np.stack(pages).astype(np.float32, copy=False)).unsqueeze(1)
        padded = _stack_padding(series, pages, padding)
        if padded is not None:
            frames[padded] = intensity_range(frames, ~padded)[0]
        if not torch.isfinite(frames).all():
            raise InputError(f"{series.files[0]} has pixels that are NaN or infinite; replace them, by 0 for example")
        if frames.numel() and frames.min() == frames.max():
            _warn(series, "all its pixels have one value")
        affines = np.broadcast_to(affine, (len(pages), 4, 4)).copy()
        places = None if places is None else np.broadcast_to(places, (len(pages), 4, 4)).copy()
        return cls(
            series,
            frames,
            affines,
            places,
            pixel_size or pixel_spacing(affines[0]),
            still=len(pages) == 1,
            spacing_known=spacing_known,
            frame_ms=frame_ms,
            spacing_source=spacing_source,
            padding=padded,
        )


def _stack_padding(
    series: ImageSeries, pages: Sequence[np.ndarray], padding: Sequence[np.ndarray | None] | None
) -> torch.Tensor | None:
    """(T, 1, X, Y), or None where no pixel is padding."""
    if padding is None or not any(one is not None and one.any() for one in padding):
        return None
    each = [np.zeros(page.shape, bool) if one is None else one for page, one in zip(pages, padding, strict=True)]
    padded = torch.from_numpy(np.stack(each)).unsqueeze(1)
    if padded.all():
        _warn(series, "it calls all its pixels padding, which is passed over")
        return None
    return padded


def _warn(series: ImageSeries, message: str) -> None:
    logging.getLogger("ImageSeries").warning("%s: %s", series.files[0], message)
