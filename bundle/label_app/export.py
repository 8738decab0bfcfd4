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

"""What people have set with the page, as files for the bundle's runs and for other programs.

``python -m label_app.export --studies FOLDER --output_dir RESULTS``. What the network found is left out.
"""

from __future__ import annotations

import argparse
import functools
import importlib.util
import math
import os
from collections.abc import Callable, Sequence
from pathlib import Path

from label_app.handed_out import handed_out_affines
from scripts.data.image_reader import read_image_series
from scripts.data.image_series import ImageSeries
from scripts.data.label_folder import LabelledSeries, labelled_series
from scripts.data.prepared_series import PreparedSeries
from scripts.data.series_image import SeriesImage
from scripts.io.csv_table import write_csv
from scripts.io.dicom_sr import check_report_sources, write_dicom_sr
from scripts.io.examples_csv import EXAMPLE_COLUMNS
from scripts.io.input_error import InputError, report_input_errors
from scripts.io.landmarks_csv import Landmark
from scripts.io.slicer_markups import write_slicer_markups

__all__ = ["DEFAULT_FORMATS", "FORMATS", "export_landmarks"]

FORMATS = ("csv", "markups", "sr")
DEFAULT_FORMATS = ("csv", "markups")  # a report names the patient


def export_landmarks(
    labelled: Sequence[LabelledSeries],
    output_dir: str | os.PathLike[str],
    formats: Sequence[str] = DEFAULT_FORMATS,
    *,
    images: Callable[[ImageSeries], SeriesImage | PreparedSeries] | None = None,
) -> list[str]:
    """Write landmarks that people have set.

    ``csv`` is ``examples.csv``, which ``--examples`` and ``--truth`` of the bundle's runs take; ``markups`` a point
    list of 3D Slicer for each image, ``markups/NAME.mrk.json``, in LPS mm where the image tells its place, on the image
    as the server hands it out (:mod:`label_app.handed_out`); ``sr`` a DICOM Structured Report for each DICOM
    series, ``sr/NAME.dcm``, which **names the patient**.

    Args:
        labelled: the images and their landmarks.
        output_dir: where to; files of the same names are replaced.
        formats: some of ``csv``, ``markups`` and ``sr``.
        images: where an image is shown and lies; None reads it. It is asked for by Markups and reports only.

    Returns:
        A line for each format: what was written, and what was not.

    Raises:
        InputError: there is no landmark, no such format, no library for reports or no DICOM series to report on, or an
            image cannot be read. What can be known before anything is written is told then.
        OSError: a file cannot be written.

    Example:
        >>> export_landmarks(labelled_series("images"), "export")  # doctest: +SKIP
        ['examples.csv: 12 landmarks in 3 images', 'markups: 3 files']
    """
    if unknown := [one for one in formats if one not in FORMATS]:
        raise InputError(f"there is no format {unknown[0]!r}; take {', '.join(FORMATS)}")
    if not labelled:
        raise InputError("no landmark is set yet; there is nothing to export")
    dicom = [one for one in labelled if one.series.format == "dicom"] if "sr" in formats else []
    if "sr" in formats:
        _check_reports(dicom)
    read = functools.cache(images or read_image_series)
    folder = Path(output_dir)
    lines = []
    if "csv" in formats:
        rows = [(one.name, at.frame, at.label, at.x, at.y) for one in labelled for at in one.points]
        write_csv(folder / "examples.csv", EXAMPLE_COLUMNS, rows)
        lines.append(f"examples.csv: {len(rows)} landmarks in {len(labelled)} images")
    if "markups" in formats:
        for one in labelled:
            where = handed_out_affines(one.series, read(one.series).affines)
            write_slicer_markups(folder / "markups" / f"{one.name}.mrk.json", _landmarks(one), where)
        lines.append(f"markups: {len(labelled)} files")
    if "sr" in formats:
        for one in dicom:
            write_dicom_sr(
                folder / "sr" / f"{one.name}.dcm", _landmarks(one), one.series.files, read(one.series).places
            )
        others = len(labelled) - len(dicom)
        lines.append(f"sr: {len(dicom)} files" + (f"; {others} images are no DICOM" if others else ""))
    return lines


def _check_reports(dicom: Sequence[LabelledSeries]) -> None:
    if importlib.util.find_spec("highdicom") is None:
        raise InputError(
            "DICOM Structured Reports are written by highdicom, which is not installed: pip install highdicom, or "
            "choose other formats"
        )
    if not dicom:
        raise InputError(
            "a DICOM Structured Report is of a DICOM series, and none has a landmark; choose other formats"
        )
    for one in dicom:
        check_report_sources(one.series.files)


def _landmarks(one: LabelledSeries) -> list[Landmark]:
    """As the writers take them: a person tells no sigma, and needs no example."""
    return [Landmark(one.name, at.frame, at.label, at.x, at.y, math.nan, math.nan, n_examples=0) for at in one.points]


def main(arguments: Sequence[str] | None = None) -> None:
    """Export as the command line says, and print what was written.

    Raises:
        InputError: see :func:`export_landmarks` and :func:`scripts.data.label_folder.labelled_series`.

    Example:
        >>> main(["--studies", "images", "--output_dir", "export", "--format", "csv"])  # doctest: +SKIP
        examples.csv: 12 landmarks in 3 images
    """
    parser = argparse.ArgumentParser(
        prog="python -m label_app.export",
        description="Write the landmarks that people have set with the annotation page, tagged 'final', as files. "
        "What the network found is left out.",
    )
    parser.add_argument("--studies", required=True, type=Path, help="the folder of images, with .landmarks in it")
    parser.add_argument("--output_dir", required=True, type=Path, help="folder to write to")
    parser.add_argument(
        "--format",
        nargs="+",
        choices=FORMATS,
        default=list(DEFAULT_FORMATS),
        help="csv: examples.csv, for --examples and --truth; markups: a point list of 3D Slicer for each image; "
        "sr: a DICOM Structured Report for each DICOM series, which names the patient (default: csv markups)",
    )
    parser.add_argument("--plane", help="plane of the slices of volumes, where the page was started with --set plane")
    options = parser.parse_args(arguments)
    if not options.studies.is_dir():
        raise InputError(f"{options.studies} is no folder; give --studies the folder that was annotated")
    lines = export_landmarks(
        labelled_series(options.studies),
        options.output_dir,
        options.format,
        images=lambda series: read_image_series(series, plane=options.plane),
    )
    print("\n".join(lines))


if __name__ == "__main__":
    report_input_errors()
    main()
