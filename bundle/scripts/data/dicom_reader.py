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

"""Reading DICOM: one file of one or many frames, or the single-frame files of a series."""

from __future__ import annotations

import logging
from pathlib import Path

import numpy as np
import pydicom

from scripts.data.dicom_display import display_affines
from scripts.data.dicom_geometry import dicom_geometry
from scripts.data.dicom_grey import grey_values
from scripts.data.dicom_header import read_dicom_header
from scripts.data.frame_interval import file_interval, frame_interval, is_stored_in_order
from scripts.data.image_header import check_size
from scripts.data.image_series import ImageSeries
from scripts.data.pixel_description import complete_pixel_description
from scripts.data.series_image import SeriesImage
from scripts.data.stored_pixels import read_stored_pixels
from scripts.io.dicom_position import is_placed
from scripts.io.functional_groups import number_of_frames
from scripts.io.input_error import InputError, refuse_unreadable

__all__ = ["read_dicom"]


def read_dicom(series: ImageSeries, *, voi: bool = False) -> SeriesImage:
    """Read all frames, with the modality's rescaling applied and bright as high.

    Args:
        series: the files in the order of time.
        voi: apply the VOI LUT or the first window too, where there is one.

    Raises:
        InputError: see :func:`scripts.data.read_image_series`.

    Example:
        >>> read_dicom(image_series_of(["f1.dcm", "f2.dcm"], ".")).frame_ms  # doctest: +SKIP
        40.0
    """
    headers = [read_dicom_header(path) for path in series.files]
    total = sum(number_of_frames(header) for header in headers)
    check_size(series.files[0], int(headers[0].Columns), int(headers[0].Rows), total)
    pages: list[np.ndarray] = []
    padding: list[np.ndarray | None] = []
    affines: list[np.ndarray] = []
    places: list[np.ndarray] = []
    sizes: list[tuple[float, float]] = []
    sources: list[str | None] = []
    spacing_known, placed, frame_ms = True, True, None
    for path in series.files:
        with refuse_unreadable(path):
            dataset = pydicom.dcmread(path)
            frames, padded = _grey_frames(path, dataset, voi=voi)
            geometry = dicom_geometry(dataset)
            shown = display_affines(dataset, geometry)
            if len(frames) != len(geometry.affines):
                raise InputError(
                    f"{path} has {len(frames)} frames, not {len(geometry.affines)} as it says; repair or remove it"
                )
            spacing_known = spacing_known and geometry.spacing_known
            placed = placed and spacing_known and _is_placed(dataset, geometry.affines)
            frame_ms = frame_interval(dataset)
            if not is_stored_in_order(dataset):
                logging.getLogger("ImageSeries").warning(
                    "%s: its frames are not stored in the order of their times; they are used as they are stored", path
                )
        pages += frames
        padding += padded
        affines.append(shown)
        places.append(geometry.affines)
        sizes.append(geometry.pixel_size)
        sources.append(geometry.spacing_source)
    if len(headers) > 1:
        frame_ms = file_interval(headers)
    return SeriesImage.from_pages(
        series,
        pages,
        np.concatenate(affines),
        padding=padding,
        spacing_known=spacing_known,
        places=np.concatenate(places) if placed else None,
        pixel_size=sizes[0],
        frame_ms=frame_ms,
        spacing_source=next(filter(None, sources), None),
    )


def _is_placed(dataset: pydicom.Dataset, affines: np.ndarray) -> bool:
    return all(is_placed(dataset, frame, affine) for frame, affine in enumerate(affines))


def _grey_frames(
    path: Path, dataset: pydicom.Dataset, *, voi: bool
) -> tuple[list[np.ndarray], list[np.ndarray | None]]:
    """Each frame as (X, Y), float32, bright is high; and where it is padding, or None."""
    faults = set(complete_pixel_description(dataset))
    stored = read_stored_pixels(dataset)
    frames = [grey_values(one, dataset, i, voi=voi, faults=faults).T for i, one in enumerate(stored.values)]
    for fault in sorted(faults):
        logging.getLogger("ImageSeries").warning("%s: %s", path, fault)
    padding = [None] * len(frames) if stored.padding is None else [one.T for one in stored.padding]
    return frames, padding
