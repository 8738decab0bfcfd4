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
from __future__ import annotations

import unicodedata
from collections.abc import Callable
from pathlib import Path

import nibabel as nib
import numpy as np
import pytest
from pydicom.uid import generate_uid

from scripts.io.dicom_sr import write_dicom_sr
from scripts.io.input_error import InputError
from scripts.io.landmarks_csv import Landmark
from scripts.io.slicer_markups import write_slicer_markups
from scripts.live import read_example_frames


def write_csv(folder: Path, *rows: str) -> Path:
    path = folder / "examples.csv"
    path.write_text("\n".join(["image,frame,label,x,y", *rows]) + "\n")
    return path


def test_original_pixels_grouped_by_frame(
    tmp_path: Path, incoming: Path, frames: np.ndarray, write_frame: Callable[..., Path]
) -> None:
    write_frame(incoming / "IM1.dcm", frames[1], InstanceNumber=1)
    write_frame(incoming / "IM2.dcm", frames[2], InstanceNumber=2)
    nib.Nifti1Image(np.moveaxis(frames[:4], 0, -1), np.eye(4)).to_filename(tmp_path / "clip.nii")
    rows = ["IM1.dcm,,valve,30,24", "clip.nii,3,valve,31,25", "IM1.dcm,0,apex,1.5,2", f"{incoming}/IM2.dcm,,apex,3,4"]
    first, clip, second = read_example_frames(write_csv(tmp_path, *rows), incoming)
    assert (first.labels, first.points) == (["valve", "apex"], [(30.0, 24.0), (1.5, 2.0)])
    assert first.image.shape == (64, 48)
    assert np.abs(first.image.numpy() / 255 - frames[1]).max() < 0.01
    assert np.array_equal(clip.image.numpy(), frames[3])
    assert (second.labels, second.points) == (["apex"], [(3.0, 4.0)])


def test_damaged_frames_beside_it_do_not_matter(
    tmp_path: Path, incoming: Path, frames: np.ndarray, write_frame: Callable[..., Path]
) -> None:
    content = write_frame(incoming / "IM1.dcm", frames[0]).read_bytes()
    (incoming / "IM2.dcm").write_bytes(content[:200])
    assert len(read_example_frames(write_csv(tmp_path, "IM1.dcm,,valve,30,24"), incoming)) == 1


def test_wanted_labels(examples: Path, incoming: Path) -> None:
    [frame] = read_example_frames(examples, incoming, "apex")
    assert frame.labels == ["apex"]
    with pytest.raises(InputError, match="no example of 'root'"):
        read_example_frames(examples, incoming, ["apex", "root"])


@pytest.mark.parametrize(
    ("row", "message"),
    [
        ("none.png,,valve,3,4", "line 3: image 'none.png' is neither an existing file nor found below"),
        ("half.png,,valve,3,4", "line 3: .*half.png cannot be read"),
        ("note.txt,,valve,3,4", "line 3: .*note.txt is not a PNG"),
        ("example.png,1,valve,3,4", "frame 1 of example.png does not exist; it has 1"),
        ("example.png,,valve,64,4", "lies outside example.png .64 x 48 px"),
        ("clip.nii,,valve,3,4", "has 4 frames; tell in the column 'frame'"),
        ("small.png,,valve,3,4", "small.png has 20 x 30 px, the image of .*line 2 64 x 48"),
    ],
)
def test_faults_name_the_line(
    tmp_path: Path,
    incoming: Path,
    examples: Path,
    frames: np.ndarray,
    write_frame: Callable[..., Path],
    row: str,
    message: str,
) -> None:
    (tmp_path / "half.png").write_bytes((tmp_path / "example.png").read_bytes()[:500])
    (tmp_path / "note.txt").write_text("no image")
    write_frame(tmp_path / "small.png", frames[0][:20, :30])
    nib.Nifti1Image(np.moveaxis(frames[:4], 0, -1), np.eye(4)).to_filename(tmp_path / "clip.nii")
    with pytest.raises(InputError, match=message):
        read_example_frames(write_csv(tmp_path, "example.png,,valve,30,24", row), incoming)


AFFINE = np.array([[-0.5, 0, 0, 10], [0, -0.8, 0.6, 20], [0, 0.6, 0.8, 30], [0, 0, 0, 1.0]])  # 0.5 x 1 mm, oblique


def write_fcsv(path: Path, label: str, lps: np.ndarray) -> Path:
    x, y, z = lps.tolist()
    path.write_text(f"# CoordinateSystem = LPS\n1,{x},{y},{z},0,0,0,1,1,1,0,{label},,\n")
    return path


@pytest.mark.parametrize("where", ["incoming", "beside"])
@pytest.mark.parametrize("suffix", [".mrk.json", ".fcsv"])
def test_points_in_the_patient_are_on_the_file_they_are_named_after(
    tmp_path: Path, incoming: Path, frames: np.ndarray, where: str, suffix: str
) -> None:
    folder = incoming / "s1" if where == "incoming" else tmp_path
    folder.mkdir(exist_ok=True)
    for number in (1, 2):
        nib.Nifti1Image(frames[number][..., None], AFFINE).to_filename(folder / f"IM{number}.nii")
    path = tmp_path / f"IM2.nii{suffix}"
    if suffix == ".fcsv":
        write_fcsv(path, "valve", nib.affines.apply_affine(AFFINE, [30.25, 24, 0]) * [-1, -1, 1])
    else:
        write_slicer_markups(path, [Landmark("IM2.nii", None, "valve", 30.25, 24, 1, 1, 1)], AFFINE)
    [frame] = read_example_frames(path, incoming, "valve")
    assert frame.labels == ["valve"] and frame.where.endswith(f"{path}, point 1")
    np.testing.assert_allclose(frame.points, [(30.25, 24)], atol=1e-4)
    assert np.array_equal(frame.image.numpy(), frames[2])


def test_points_of_a_report_are_on_the_file_of_their_instance(
    tmp_path: Path, incoming: Path, frames: np.ndarray, write_frame: Callable[..., Path]
) -> None:
    pytest.importorskip("highdicom")
    uids = {"SeriesInstanceUID": generate_uid(), "StudyInstanceUID": generate_uid(), "Modality": "OT"}
    files = [write_frame(incoming / f"{n}.dcm", frames[n], InstanceNumber=n, **uids) for n in range(3)]
    (incoming / "cut.dcm").write_bytes(files[0].read_bytes()[:200])
    rows = [Landmark("0.dcm", 2, "valve", 30.25, 24, 1, 1, 1), Landmark("0.dcm", 1, "apex", 7, 5, 1, 1, 1)]
    assert write_dicom_sr(tmp_path / "report.dcm", rows, files) == []
    first, second = read_example_frames(tmp_path / "report.dcm", incoming)
    assert (first.labels, first.points) == (["valve"], [(30.25, 24.0)])
    assert (second.labels, second.points) == (["apex"], [(7.0, 5.0)])
    for shown, number in ((first, 2), (second, 1)):
        assert np.abs(shown.image.numpy() / 255 - frames[number]).max() < 0.01
    files[2].unlink()
    with pytest.raises(InputError, match=r"report\.dcm, point 1: 'valve' is on the image .*Add its file"):
        read_example_frames(tmp_path / "report.dcm", incoming)


def test_a_frame_of_a_series_is_no_file_of_the_stream(
    tmp_path: Path, incoming: Path, frames: np.ndarray, write_frame: Callable[..., Path]
) -> None:
    for number in range(3):
        write_frame(incoming / f"{number}.dcm", frames[number], InstanceNumber=number)
    path = tmp_path / "0.dcm.mrk.json"
    write_slicer_markups(path, [Landmark("0.dcm", 2, "valve", 3, 4, 1, 1, 1)], np.diag([-1.0, -1.0, 1.0, 1.0]))
    with pytest.raises(InputError, match=r"0\.dcm\.mrk\.json, point 1: 'valve \[2\]' is of frame 2, .*a CSV file can"):
        read_example_frames(path, incoming)


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("gone.nii.fcsv", r"gone\.nii\.fcsv: it is named after no image .*such as example\.png\.fcsv"),
        ("clip.nii.fcsv", r"clip\.nii\.fcsv, point 1: 'valve' tells no frame, and clip\.nii has 4"),
        ("example.png.fcsv", r"example\.png\.fcsv, point 1: 'valve' lies 65\.4 mm outside of example\.png"),
    ],
)
def test_faults_of_points_in_the_patient(
    tmp_path: Path, incoming: Path, examples: Path, frames: np.ndarray, name: str, message: str
) -> None:
    # frames of four axes lie at one place
    nib.Nifti1Image(np.moveaxis(frames[:4], 0, -1)[:, :, None], np.eye(4)).to_filename(incoming / "clip.nii")
    path = write_fcsv(tmp_path / name, "valve", np.array([30, 112.9, 0]))
    with pytest.raises(InputError, match=message):
        read_example_frames(path, incoming)


def test_no_examples(incoming: Path) -> None:
    with pytest.raises(InputError, match="give --examples FILE.csv"):
        read_example_frames(None, incoming)


def test_a_name_in_another_unicode_form_is_found_and_one_that_is_not_there_is_told_with_the_nearest(
    tmp_path: Path, incoming: Path, frames: np.ndarray, write_frame: Callable[..., Path]
) -> None:
    write_frame(incoming / unicodedata.normalize("NFD", "Prüfung.dcm"), frames[0])
    name = unicodedata.normalize("NFC", "Prüfung.dcm")
    [frame] = read_example_frames(write_csv(tmp_path, f"{name},,valve,30,24"), incoming)
    assert frame.labels == ["valve"]
    with pytest.raises(InputError, match=r"image 'Prufung1\.dcm' .*; the nearest names? (is|are) 'Pru"):
        read_example_frames(write_csv(tmp_path, "Prufung1.dcm,,valve,30,24"), incoming)
