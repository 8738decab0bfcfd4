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

"""Reading an image series: grey frames with x first, and where they lie in the patient."""

from __future__ import annotations

from scripts.data.dicom_reader import read_dicom
from scripts.data.image_series import ImageSeries
from scripts.data.itk_reader import read_itk
from scripts.data.nifti_reader import read_nifti
from scripts.data.raster_reader import read_raster
from scripts.data.series_image import SeriesImage
from scripts.data.slice_plane import check_plane

__all__ = ["SeriesImage", "read_image_series"]


def read_image_series(series: ImageSeries, *, voi: bool = False, plane: str | None = None) -> SeriesImage:
    """Read all frames of a series. Colour becomes grey (ITU-R 601 luma).

    Axis 0 is x: the column of a PNG or DICOM image, the first index of a NIfTI, NRRD or MetaImage file. Where a file
    tells nothing of its place in the patient, a pixel is taken for 1 mm, with the first pixel's centre at the origin
    (LPS), as 3D Slicer does.

    Args:
        series: the files.
        voi: apply the VOI LUT or the first window of DICOM files that have one, as a viewer does; grey values outside
            the window are cut off.
        plane: ``axial``, ``coronal`` or ``sagittal``: the slices of that plane are the frames of a three-dimensional
            NIfTI, NRRD or MetaImage file, whose third axis None takes for time. Each frame has an affine of its own; x,
            y and the frame are the file's own indices, in their order. All other files are read as with None.

    Raises:
        InputError: a file cannot be read, is not two-dimensional, has NaN or infinite pixels, or is too large, or the
            frames of a series differ in size; or there is no such plane.

    Example:
        >>> from pydicom.examples import get_path
        >>> from scripts.data import find_image_series
        >>> image = read_image_series(find_image_series(get_path("ybr_color"))[0])
        >>> tuple(image.frames.shape)
        (30, 1, 320, 240)
    """
    check_plane(plane)
    if series.format == "dicom":
        return read_dicom(series, voi=voi)
    if series.format == "raster":
        return read_raster(series)
    return {"nifti": read_nifti, "itk": read_itk}[series.format](series, plane=plane)
