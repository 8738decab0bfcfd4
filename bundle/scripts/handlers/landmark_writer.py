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

"""Writes what inference found: tables, 3D Slicer markups, DICOM reports, pictures and a page that shows them."""

from __future__ import annotations

import logging
import os
from collections import Counter, defaultdict
from collections.abc import Sized
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import torch
from ignite.engine import Engine, Events
from monai.utils import CommonKeys
from tqdm import tqdm

from scripts.data.frame_dataset import FrameDataset
from scripts.data.prepared_series import PreparedSeries
from scripts.inferers.assessment import assess_landmarks
from scripts.inferers.example_bank import ExampleBank
from scripts.inferers.trust import DOUBTS, Trust
from scripts.io.atomic import WriteError
from scripts.io.dicom_sr import check_report_sources, write_dicom_sr
from scripts.io.input_error import InputError, printable
from scripts.io.json_object import read_json_object
from scripts.io.landmark_status import LandmarkStatus
from scripts.io.landmarks_csv import Landmark, write_landmarks_csv
from scripts.io.slicer_markups import write_slicer_markups, write_slicer_tracks
from scripts.networks.weights_file import WeightsFile
from scripts.transforms.coordinates import index_to_lps, normalized_scale_to_index, normalized_to_index
from scripts.visualize.animation import write_animation
from scripts.visualize.overlay import label_colors, write_overlay
from scripts.visualize.report import Section, write_report
from scripts.visualize.trajectory import write_trajectories

__all__ = ["LandmarkWriter"]

_LAYOUTS = ("points", "over_time")
_MOST_LINES = 100  # of the page, on images that could not be used


class LandmarkWriter:
    """Collect the landmarks of each batch and write all files when the engine is done.

    Writes ``landmarks.csv``, with places in the patient where the files tell them; ``markups/NAME.mrk.json`` an image,
    or ``markups/NAME/LABEL.mrk.json`` a landmark of it; with ``dicom_sr``, ``sr/NAME.dcm`` a DICOM series; for the
    first images ``pictures/NAME.png`` or, for a series, ``NAME.gif`` and ``NAME.trajectories.png``; and ``index.html``,
    which shows them with the single figures of ``metrics.json`` and a link to ``report.html`` if an evaluation left
    them in the folder, and names the images that could not be used. An image whose own files cannot be written, since
    the name is too long or it cannot be read any more, is named there too, and loses no other's results.

    Args:
        output_dir: folder to write to; it is made.
        dataset: the frames that are inferred.
        bank: the examples; the page names the doubtful ones.
        trust: limits of sigma and of the disagreement of the examples that were learned before; None takes lenient
            ones, within which a landmark is unchecked.
        within_subject: as given to :class:`scripts.engines.SeriesPrepareBatch`.
        max_pictures: images to draw; tables and markups have all.
        max_fps: frames a second of the animations at most; slower than that they run in real time if it is known.
        title: title of the page.
        markups_layout: ``points``, one list an image with all points of all frames; or ``over_time``, a list for each
            landmark with a point a frame, see :func:`scripts.io.write_slicer_tracks`.
        dicom_sr: write DICOM Structured Reports too. They alone take the patient's name over from the headers.
        weights: file of the network's weights, which the page names; None for none.

    Raises:
        InputError: there is no such layout, no report can be written, or the folder has a damaged ``metrics.json``.
    """

    def __init__(
        self,
        output_dir: str | os.PathLike[str],
        dataset: FrameDataset,
        bank: ExampleBank,
        *,
        trust: Trust | None = None,
        within_subject: bool = False,
        max_pictures: int = 20,
        max_fps: float = 12.0,
        title: str = "Landmarks",
        markups_layout: str = "points",
        dicom_sr: bool = False,
        weights: str | os.PathLike[str] | None = None,
    ) -> None:
        if markups_layout not in _LAYOUTS:
            raise InputError(f"markups_layout is {markups_layout!r}; give one of {', '.join(map(repr, _LAYOUTS))}")
        self.output_dir = Path(output_dir)
        if dicom_sr:
            # before the long work, not after it
            for one in dataset.series:
                if one.series.format == "dicom":
                    check_report_sources(one.series.files)
        self.dataset = dataset
        self.bank = bank
        self.trust = trust
        self.within_subject = within_subject
        self.max_pictures = max_pictures
        self.max_fps = max_fps
        self.title = title
        self.markups_layout = markups_layout
        self.dicom_sr = dicom_sr
        self.weights = WeightsFile.of(weights) if weights is not None else None
        self.metrics = read_json_object(self.output_dir / "metrics.json")
        self._found: dict[int, list[Landmark]] = defaultdict(list)
        self._failed: list[str] = []  # lines of images whose files could not be written

    def attach(self, engine: Engine) -> None:
        """Register at each iteration and at the end of the inference engine."""
        engine.add_event_handler(Events.STARTED, lambda: self._found.clear())
        engine.add_event_handler(Events.ITERATION_COMPLETED, self._collect)
        engine.add_event_handler(Events.COMPLETED, self._write)

    def _collect(self, engine: Engine) -> None:
        state: Any = engine.state  # whose batch and output ignite declares as numbers
        prediction, batch = state.output[CommonKeys.PRED].detach().cpu(), state.batch
        for found, series, frame in zip(prediction, batch["series"].tolist(), batch["frame"].tolist(), strict=True):
            self._found[series] += self._landmarks(found, self.dataset.series[series], frame)

    def _landmarks(self, found: torch.Tensor, prepared: PreparedSeries, frame: int) -> list[Landmark]:
        """Landmarks (L, 6) of one frame, normalised, as rows in px of the original image."""
        mean, sigma, apart = found.chunk(3, dim=-1)
        fit, size = prepared.fit, self.dataset.image_size
        points = fit.to_original(normalized_to_index(mean, size))
        sigmas, apart = (fit.length_to_original(normalized_scale_to_index(one, size)) for one in (sigma, apart))
        source = prepared.source if self.within_subject else None
        examples = {label: self.bank.select(label, source) for label in self.bank.labels}
        measures = torch.full((len(points), len(DOUBTS)), torch.nan)
        measures[:, 0], measures[:, 1] = sigmas.amax(dim=1), apart.norm(dim=1)
        doubts = [self.bank.doubt(chosen) for chosen in examples.values()]
        assessed = assess_landmarks(points, measures, fit, self.bank.patch_size, self.trust, doubts)
        index = None if prepared.still else frame
        rows = zip(examples.items(), points.tolist(), sigmas.tolist(), assessed, strict=True)
        return [
            Landmark(
                *(prepared.name, index, label, x, y, sigma_x, sigma_y, len(chosen)),
                is_example=self.bank.has_example(label, prepared.source, frame),
                status=status,
                reason=reason,
            )
            for (label, chosen), (x, y), (sigma_x, sigma_y), (status, reason) in rows
        ]

    def _write(self, engine: Engine) -> None:
        placed = [
            row for series, rows in self._found.items() for row in self._placed(self.dataset.series[series], rows)
        ]
        write_landmarks_csv(self.output_dir / "landmarks.csv", placed)
        colors = label_colors(self.bank.labels)
        sections = []
        for number, (series, rows) in enumerate(tqdm(self._found.items(), desc="writing", unit="image", disable=None)):
            prepared = self.dataset.series[series]
            files: list[str] = []
            pictures: list[str] = []
            note = ""
            try:
                files = [*self._markups(prepared, rows), *self._report(prepared, rows)]
                if number < self.max_pictures:
                    pictures, note = self._draw(prepared, rows, colors)
            except WriteError:
                raise
            except (InputError, OSError) as error:
                self._failed.append(printable(f"{prepared.name}: not all files were written: {error}"))
                logging.getLogger(type(self).__name__).warning(self._failed[-1])
            if number < self.max_pictures:
                sections.append(Section(prepared.name, note, pictures=pictures, files=files))
        self._write_page(sections)

    @staticmethod
    def _placed(prepared: PreparedSeries, rows: list[Landmark]) -> list[Landmark]:
        """The landmarks of a series with their places in the patient, where its files tell."""
        if prepared.places is None:
            return rows
        places = [index_to_lps(np.array([row.x, row.y]), prepared.places[row.frame or 0]).tolist() for row in rows]
        return [replace(row, lps_x=x, lps_y=y, lps_z=z) for row, (x, y, z) in zip(rows, places, strict=True)]

    def _markups(self, prepared: PreparedSeries, rows: list[Landmark]) -> list[str]:
        folder = self.output_dir / "markups"
        if self.markups_layout == "over_time":
            files = write_slicer_tracks(folder / prepared.name, rows, prepared.affines)
        else:
            files = [folder / f"{prepared.name}.mrk.json"]
            write_slicer_markups(files[0], rows, prepared.affines)
        return [file.relative_to(self.output_dir).as_posix() for file in files]

    def _report(self, prepared: PreparedSeries, rows: list[Landmark]) -> list[str]:
        if not (self.dicom_sr and prepared.series.format == "dicom"):
            return []
        name = f"sr/{prepared.name}.dcm"
        left_out = write_dicom_sr(self.output_dir / name, rows, prepared.series.files, prepared.places)
        if left_out:
            logging.getLogger(type(self).__name__).warning(
                f"{name}: {len(left_out)} of {len(rows)} landmarks lie outside of their image and are left out"
            )
        return [name] if len(left_out) < len(rows) else []

    def _draw(self, prepared: PreparedSeries, rows: list[Landmark], colors: dict[str, str]) -> tuple[list[str], str]:
        """Names of the pictures, and what is to be said of them."""
        frames = self.dataset.prepare.read(prepared.series).frames[:, 0].numpy()
        how: dict[str, Any] = {"colors": colors, "aspect": prepared.pixel_aspect}
        name = f"pictures/{prepared.name}"
        if prepared.still:
            write_overlay(self.output_dir / f"{name}.png", frames[0], rows, **how)
            return [f"{name}.png"], ""
        fps = min(self.max_fps, 1000.0 / (prepared.frame_ms or 100.0))
        step = write_animation(self.output_dir / f"{name}.gif", frames, rows, fps=fps, **how)
        write_trajectories(self.output_dir / f"{name}.trajectories.png", rows, colors=colors)
        note = f"The animation shows one of {step} frames; the curves show all." if step > 1 else ""
        return [f"{name}.gif", f"{name}.trajectories.png"], note

    def _write_page(self, sections: list[Section]) -> None:
        tables = ["landmarks.csv"]
        tables += [name for name in ("metrics.json", "report.html") if (self.output_dir / name).exists()]
        # the evaluations, which have notes, have a report of their own; the weights are those of the evaluation
        metrics = {
            name: one
            for name, one in self.metrics.items()
            if name != "weights" and not (isinstance(one, dict) and "notes" in one)
        }
        drawn = "" if len(sections) == len(self._found) else f" Pictures show the first {len(sections)}."
        write_report(
            self.output_dir / "index.html",
            title=self.title,
            intro=f"{_count(self.bank.labels, 'landmark')} in {_count(self._found, 'image')}, found from "
            f"{_count(self.bank, 'example')}.{drawn} Crosses are positions, ellipses one standard deviation; a broken "
            f"line is doubtful. {self._status_counts()}.{f' Weights: {self.weights}.' if self.weights else ''}",
            sections=[*self._doubtful_examples(), *sections, Section("Tables", files=tables), *self._not_used()],
            metrics=metrics,
        )

    def _status_counts(self) -> str:
        counts = Counter(row.status for rows in self._found.values() for row in rows)
        return ", ".join(f"{counts[status]} {status}" for status in LandmarkStatus if counts[status]).capitalize()

    def _not_used(self) -> list[Section]:
        lines = [*self.dataset.skipped, *self._failed]
        more = [f"and {len(lines) - _MOST_LINES} more, which the log names"] if len(lines) > _MOST_LINES else []
        return [Section("Images that could not be used", notes=lines[:_MOST_LINES] + more)] if lines else []

    def _doubtful_examples(self) -> list[Section]:
        """What is to be looked at first: landmarks that were found from these alone are doubtful."""
        doubtful = [str(one) for one in self.bank.doubtful]
        return [Section("Doubtful examples", notes=doubtful)] if doubtful else []


def _count(things: Sized, name: str) -> str:
    return f"{len(things)} {name}{'s' * (len(things) != 1)}"
