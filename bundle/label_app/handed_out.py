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

"""An image as it is handed out: one file, whatever it was made of, and where viewers of volumes put its frames.

3D Slicer downloads one file under one name and loads it by ITK as a volume, each frame a slice. What it sends of the
image lies on the slices of that file, and what it gets must lie there too: whoever reads or writes points for Slicer
asks here where frames are.
"""

from __future__ import annotations

import dataclasses
from pathlib import Path

import numpy as np
import pydicom

from label_app.joined_series import write_joined_series
from scripts.data.dicom_display import display_affines
from scripts.data.dicom_geometry import dicom_geometry
from scripts.data.image_header import read_raster_header
from scripts.data.image_reader import read_image_series
from scripts.data.image_series import ImageSeries, image_suffix
from scripts.data.itk_header import read_itk_header, refuse_unreadable_by_itk
from scripts.data.prepared_series import PreparedSeries
from scripts.io.atomic import atomic_path
from scripts.io.input_error import refuse_unreadable
from scripts.transforms.coordinates import joined_affines

__all__ = ["handed_out", "handed_out_affines", "made_suffix", "original_files", "write_handed_out"]

# headers whose pixels lie in another file, and what has both
_WITH_PIXELS = {".nhdr": ".nrrd", ".mhd": ".mha"}


def handed_out(image: PreparedSeries) -> PreparedSeries:
    """The image with the affines of the file that is handed out.

    Example:
        >>> handed_out(store.prepared("run~0.dcm")).affines[2]  # doctest: +SKIP
    """
    return dataclasses.replace(image, affines=handed_out_affines(image.series, image.affines))


def handed_out_affines(series: ImageSeries, affines: np.ndarray) -> np.ndarray:
    """Where the frames lie in the file that is handed out, for ITK.

    Args:
        series: the image's files.
        affines: (T, 4, 4), where 3D Slicer shows these: index (x, y, 0, 1) to RAS mm.

    Returns:
        The same, but for a series of several files those of the file that they are joined to; and for one DICOM file
        those of a volume, for it is not loaded by 3D Slicer's reader of ultrasound clips.

    Raises:
        InputError: a DICOM file cannot be read.

    Example:
        >>> one = ImageSeries("a.png", (Path("a.png"),), "raster")
        >>> float(handed_out_affines(one, np.eye(4)[None])[0, 2, 3])
        0.0
    """
    if len(series.files) > 1:
        return joined_affines(affines)
    if series.format != "dicom":
        return affines
    with refuse_unreadable(series.files[0]):
        header = pydicom.dcmread(series.files[0], stop_before_pixels=True)
        return display_affines(header, dicom_geometry(header), as_volume=True)


def made_suffix(series: ImageSeries) -> str:
    """How the name of the file ends that must be made of an image, "" where its own file is handed out.

    It is made of several files, of a header and its pixels, and of a TIFF that is stored turned.

    Raises:
        InputError: the file cannot be read.

    Example:
        >>> made_suffix(ImageSeries("a", (Path("1.2.840"), Path("1.2.841")), "dicom"))
        '.dcm'
    """
    if len(series.files) > 1:
        return ".dcm"
    if len(original_files(series)) > 1:
        return _WITH_PIXELS[image_suffix(series.files[0].name).lower()]
    return ".nrrd" if series.format == "raster" and _is_turned(series.files[0]) else ""


def _is_turned(file: Path) -> bool:
    """ITK mirrors such a TIFF, and reads most as colours of 8 bits; of other formats it turns none."""
    return read_raster_header(file).orientation != 1


def original_files(series: ImageSeries) -> list[Path]:
    """All files that an image is read from, those of the pixels beside a header too.

    Raises:
        InputError: a header cannot be read.

    Example:
        >>> original_files(image_series_of(["cine.mhd"], "."))  # doctest: +SKIP
        [PosixPath('cine.mhd'), PosixPath('cine.raw')]
    """
    header = series.files[0]
    if image_suffix(header.name).lower() not in (*_WITH_PIXELS, *_WITH_PIXELS.values()):
        return list(series.files)
    return list(dict.fromkeys([header, read_itk_header(header).text.pixel_file]))


def write_handed_out(path: Path, series: ImageSeries) -> None:
    """Make the one file of an image that has none.

    Args:
        path: the file, with the suffix of :func:`made_suffix`; it is replaced whole.
        series: the image.

    Raises:
        InputError: a file cannot be read, or see :func:`label_app.joined_series.write_joined_series`.

    Example:
        >>> write_handed_out(Path("cine.mha"), image_series_of(["cine.mhd"], "."))  # doctest: +SKIP
    """
    if series.format == "dicom":
        write_joined_series(path, series)
        return
    import SimpleITK  # the export needs none

    from label_app.placed_volume import placed_volume

    if series.format == "raster":
        image = read_image_series(series)
        volume = placed_volume(image.frames[:, 0].numpy(), image.affines)
    else:
        with refuse_unreadable_by_itk(series.files[0]):
            volume = SimpleITK.ReadImage(str(series.files[0]))
    with atomic_path(path) as temporary:
        SimpleITK.WriteImage(volume, str(temporary))
