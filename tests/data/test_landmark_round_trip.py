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
"""Landmarks that were written come back as examples, to a thousandth of a mm, whatever the pixels' size and place."""

from __future__ import annotations

import csv
import io
import shutil
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import nibabel as nib
import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from pydicom.uid import generate_uid

from scripts.data import find_image_series, prepare_series, read_example_file
from scripts.data.prepared_series import PreparedSeries, PrepareSeries
from scripts.io import (
    Example,
    Landmark,
    read_landmarks_csv,
    write_dicom_sr,
    write_landmarks_csv,
    write_slicer_markups,
    write_slicer_tracks,
)
from scripts.transforms.coordinates import index_to_lps

MM = 1e-3
LPS_TO_RAS = np.diag([-1.0, -1.0, 1.0, 1.0])
LABELS = ["valve", "Klappe ä, 2", 'the "tip" [4]', "a/b"]

each_file = settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])


@dataclass(frozen=True)
class Geometry:
    """An image of (X, Y) px, and where it lies: index (x, y, 0, 1) to LPS mm, made by hand."""

    shape: tuple[int, int]
    lps: np.ndarray


@st.composite
def geometries(draw: st.DrawFn, mirrored: bool = True) -> Geometry:
    """Axes at right angles, turned anyhow or the patient's own; pixels of 0.05 to 10 mm."""
    generator = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    if draw(st.booleans()):
        axes = np.eye(3)[generator.permutation(3)] * generator.choice([-1.0, 1.0], 3)
    else:
        axes = np.linalg.qr(generator.normal(size=(3, 3)))[0]
    if not mirrored and np.linalg.det(axes) < 0:
        axes[:, 2] *= -1
    spacing = draw(st.tuples(*[st.floats(0.05, 10.0) | st.floats(5.0, 10.0)] * 2))
    lps = np.eye(4)
    lps[:3, :3] = axes * [*spacing, draw(st.floats(0.5, 10.0))]
    lps[:3, 3] = draw(st.tuples(*[st.floats(-500.0, 500.0)] * 3))
    return Geometry(draw(st.tuples(*[st.integers(2, 512)] * 2)), lps)


@st.composite
def landmarks(draw: st.DrawFn, shape: tuple[int, int], frames: int) -> list[Landmark]:
    """One to six, on the edges too; no label is twice in a frame."""
    x, y = (st.floats(-0.5, size - 0.5) | st.sampled_from([-0.5, size - 0.5]) for size in shape)
    keys = st.tuples(st.integers(0, frames - 1), st.sampled_from(LABELS))
    chosen = draw(st.lists(keys, min_size=1, max_size=6, unique=True))
    return [
        Landmark("", frame if frames > 1 else None, label, draw(x), draw(y), 1.25, 0.5, 3) for frame, label in chosen
    ]


def write_nifti(path: Path, geometry: Geometry, frames: int) -> Path:
    pixels = np.random.default_rng(0).random((*geometry.shape, 1, frames)).astype(np.float32)
    nib.Nifti1Image(pixels, LPS_TO_RAS @ geometry.lps).to_filename(path)
    return path


def write_series(folder: Path, geometry: Geometry, frames: int, write_dicom: Callable[..., Path]) -> Path:
    """A file for each frame; numbers are decimal strings of 16 characters."""
    spacing = np.linalg.norm(geometry.lps[:3, :2], axis=0)
    along = geometry.lps[:3, :2] / spacing
    uids = {name: generate_uid() for name in ("SeriesInstanceUID", "StudyInstanceUID", "FrameOfReferenceUID")}
    for number in range(frames):
        pixels = np.random.default_rng(number).integers(0, 99, geometry.shape[::-1]).astype(np.uint16)
        write_dicom(
            folder / f"{number}.dcm",
            pixels,
            InstanceNumber=number,
            ImagePositionPatient=[f"{value:.10g}" for value in geometry.lps[:3, 3]],
            ImageOrientationPatient=[f"{value:.10g}" for value in along.T.ravel()],
            PixelSpacing=[f"{spacing[1]:.10g}", f"{spacing[0]:.10g}"],
            **uids,
        )
    return folder


def write_fcsv(path: Path, rows: Sequence[Landmark], geometry: Geometry, decimals: int | None, system: str) -> Path:
    """As 3D Slicer writes it: 4.10 with three decimals and a number for the system, 5 with all that are needed."""
    text = io.StringIO()
    lines = csv.writer(text, lineterminator="\n")
    for number, row in enumerate(rows, start=1):
        place = geometry.lps[:3] @ [row.x, row.y, 0, 1] * ([-1, -1, 1] if system in ("RAS", "0") else 1)
        cells = [repr(float(value)) if decimals is None else f"{value:.{decimals}f}" for value in place]
        label = row.label if row.frame is None else f"{row.label} [{row.frame}]"
        lines.writerow([number, *cells, 0, 0, 0, 1, 1, 1, 0, label, "", ""])
    header = f"# Markups fiducial file version = 4.10\n# CoordinateSystem = {system}\n"
    columns = "# columns = id,x,y,z,ow,ox,oy,oz,vis,sel,lock,label,desc,associatedNodeID\n"
    path.write_text(header + columns + text.getvalue())
    return path


def check(found: Sequence[Example], rows: Sequence[Landmark], geometry: Geometry) -> None:
    assert [(one.label, one.frame or 0) for one in found] == [(row.label, row.frame or 0) for row in rows]
    off = np.array([(one.x - row.x, one.y - row.y) for one, row in zip(found, rows, strict=True)])
    assert np.linalg.norm(off @ geometry.lps[:3, :2].T, axis=1).max() < MM


def check_all(folder: Path, image: PreparedSeries, rows: Sequence[Landmark], geometry: Geometry) -> None:
    """Each writer, and its reader."""
    places = [index_to_lps(np.array([row.x, row.y]), image.affines[row.frame or 0]).tolist() for row in rows]
    placed = [
        replace(row, image=image.name, lps_x=left, lps_y=back, lps_z=head)
        for row, (left, back, head) in zip(rows, places, strict=True)
    ]
    write_landmarks_csv(folder / "landmarks.csv", placed)
    check(read_example_file(folder / "landmarks.csv", [image]), rows, geometry)
    truth = np.array([geometry.lps[:3] @ [row.x, row.y, 0, 1] for row in rows])
    told = [(row.lps_x, row.lps_y, row.lps_z) for row in read_landmarks_csv(folder / "landmarks.csv")]
    np.testing.assert_allclose(told, truth, atol=MM, rtol=0)

    markups = folder / f"{image.name}.mrk.json"
    write_slicer_markups(markups, placed, image.affines)
    check(read_example_file(markups, [image]), rows, geometry)
    shutil.rmtree(folder / "markups", ignore_errors=True)
    write_slicer_tracks(folder / "markups" / image.name, placed, image.affines)
    found = {(one.label, one.frame): one for one in read_example_file(folder / "markups", [image])}
    check([found[row.label, row.frame] for row in rows], rows, geometry)
    for decimals, system in ((None, "LPS"), (None, "RAS"), (3, "0"), (3, "1")):
        fcsv = write_fcsv(folder / f"{image.name}.fcsv", rows, geometry, decimals, system)
        check(read_example_file(fcsv, [image]), rows, geometry)


@pytest.mark.parametrize("frames", [1, 3])
@each_file
@given(data=st.data(), geometry=geometries())
def test_nifti(tmp_path, frames, data, geometry):
    rows = data.draw(landmarks(geometry.shape, frames))
    path = write_nifti(tmp_path / "clip.nii", geometry, frames)
    image = prepare_series(find_image_series(path)[0], PrepareSeries((8, 8)))
    check_all(tmp_path, image, rows, geometry)


@pytest.mark.parametrize("frames", [1, 3])
@each_file
@given(data=st.data(), geometry=geometries(mirrored=False))
def test_dicom(tmp_path_factory, write_dicom, frames, data, geometry):
    pytest.importorskip("highdicom")
    rows = data.draw(landmarks(geometry.shape, frames))
    folder = write_series(tmp_path_factory.mktemp("series"), geometry, frames, write_dicom)
    image = prepare_series(find_image_series(folder)[0], PrepareSeries((8, 8)))
    check_all(folder, image, rows, geometry)
    assert write_dicom_sr(folder / "sr.dcm", rows, image.series.files, image.affines) == []
    check(read_example_file(folder / "sr.dcm", [image]), rows, geometry)
