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
"""What ``/path/to/...`` of the pages stands for: small images of everything that they read."""

from __future__ import annotations

import csv
import shutil
from pathlib import Path

import numpy as np
from PIL import Image

from scripts.data.phantom import breathing_phantom, write_phantom
from scripts.io.label_file import Label, LabelPoint, write_label

_SUBJECTS = 40
_SIZE = (64, 60)


def write_given(folder: Path) -> None:
    """Write stills of forty patients, series of two, and tables of points.

    ``images`` and ``xrays`` are the same JPEG files, named as the Kermany data set names them; ``examples.csv`` has a
    point a landmark in the first, which ``annotated`` has as the annotation page keeps them; ``landmarks.csv`` has all
    points of all, ``points.csv`` the same with a row an image.
    ``frames.npy`` are four frames of 224 x 224 px. ``series`` are NIfTI files with ``series_examples.csv`` and
    ``series_tracks.csv``.
    """
    (folder / "images").mkdir(parents=True)
    rows: list[list[str]] = []
    for number in range(_SUBJECTS):
        subject = breathing_phantom(number, size=_SIZE, n_frames=1, motion_px=4.0)
        pixels = (255 * np.clip(subject.frames[0] / subject.frames[0].max(), 0, 1)).astype(np.uint8)
        name = f"IM-{number:04d}-0001.jpeg"
        Image.fromarray(pixels.T).save(folder / "images" / name)
        rows += [[name, "", label, *(f"{at:.2f}" for at in track[0])] for label, track in subject.tracks.items()]
    annotated = folder / "annotated"
    annotated.mkdir()
    first = rows[0][0]
    shutil.copy(folder / "images" / first, annotated / first)
    points = [LabelPoint(row[2], None, float(row[3]), float(row[4])) for row in rows if row[0] == first]
    write_label(annotated / ".landmarks" / "final" / f"{first}.json", Label(tuple(points)))
    (folder / "xrays").symlink_to("images")
    (folder / "incoming").symlink_to("images")
    header = ["image", "frame", "label", "x", "y"]
    _write_csv(folder / "landmarks.csv", header, rows)
    _write_csv(folder / "examples.csv", header, [row for row in rows if row[0].startswith("IM-0000")])
    labels = list(dict.fromkeys(row[2] for row in rows))
    wide = [[name] + [at for row in rows if row[0] == name for at in row[3:]] for name in sorted({r[0] for r in rows})]
    _write_csv(folder / "points.csv", ["file", *(f"{label}_{axis}" for label in labels for axis in "xy")], wide)
    np.save(folder / "frames.npy", breathing_phantom(0, size=(224, 224), n_frames=4).frames)
    write_phantom(folder / "series", subjects=range(2), size=(96, 88), n_frames=6, motion_px=6.0)
    (folder / "series" / "examples.csv").rename(folder / "series_examples.csv")
    (folder / "series" / "tracks.csv").rename(folder / "series_tracks.csv")


def _write_csv(path: Path, header: list[str], rows: list[list[str]]) -> None:
    with path.open("w", encoding="utf-8", newline="") as file:
        csv.writer(file).writerows([header, *rows])
