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
"""Real and damaged files of other packages: each is read, or refused by an InputError that names it."""

from __future__ import annotations

import signal
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import nibabel as nib
import numpy as np
import pydicom
import pytest
from PIL import Image

from scripts.data.image_reader import SeriesImage, read_image_series
from scripts.data.image_series import find_image_series
from scripts.io.input_error import InputError

PYDICOM = Path(pydicom.__file__).parent / "data" / "test_files"
NIBABEL = Path(nib.__file__).parent
# small enough that a case takes milliseconds
SEEDS = [
    path
    for path in sorted(PYDICOM.glob("*.dcm"))
    if path.stat().st_size < 60_000 and not path.name.startswith(("rtplan", "DICOMDIR"))
]
LIMIT_S = 20

pytestmark = pytest.mark.filterwarnings("ignore")


@contextmanager
def time_limit(what: str) -> Iterator[None]:
    """A file may not make the reader hang."""

    def stop(*_: object) -> None:
        raise TimeoutError(f"{what} took longer than {LIMIT_S} s")

    before = signal.signal(signal.SIGALRM, stop)
    signal.alarm(LIMIT_S)
    try:
        yield
    finally:
        signal.alarm(0)
        signal.signal(signal.SIGALRM, before)


def read_or_refuse(path: Path) -> SeriesImage | None:
    """The image, or None where it is refused by name; any other error is the test's failure."""
    try:
        with time_limit(path.name):
            (series,) = find_image_series(path)
            image = read_image_series(series, voi=True)
            image = read_image_series(series)
    except InputError as error:
        told = str(error)
    else:
        _check(image)
        return image
    assert "took longer" not in told
    assert str(path) in told or "holds no image" in told
    return None


def _check(image: SeriesImage) -> None:
    count, channels, *size = image.frames.shape
    assert channels == 1 and count >= 1 and min(size) >= 2
    assert image.affines.shape == (count, 4, 4)
    assert np.isfinite(image.affines).all() and bool(image.frames.isfinite().all())


@pytest.mark.parametrize(
    ("root", "fewest"),
    [(PYDICOM, 70), (NIBABEL / "tests" / "data", 3), (NIBABEL / "nicom" / "tests" / "data", 2)],
    ids=["pydicom", "nibabel", "nicom"],
)
def test_every_file_of_a_package_is_read_or_refused(root, fewest):
    files = [path for path in sorted(root.rglob("*")) if path.is_file()]
    assert sum(read_or_refuse(path) is not None for path in files) >= fewest


def test_a_folder_of_many_kinds_loses_no_image(caplog):
    alone = [path for path in sorted(PYDICOM.glob("*.dcm")) if _is_found(path)]
    together = {file for series in find_image_series(PYDICOM) for file in series.files if file.parent == PYDICOM}
    twice = [message for message in caplog.messages if "is the same DICOM instance as" in message]
    assert len(together) + len([one for one in twice if f"{PYDICOM}/" in one]) >= len(alone)
    assert together <= set(alone)
    skipped = [message for message in caplog.messages if message.startswith("skipped: ")]
    assert (
        f"{len(skipped)} files below {PYDICOM} skipped, {len(find_image_series(PYDICOM))} images found" in caplog.text
    )


def _is_found(path: Path) -> bool:
    try:
        return bool(find_image_series(path))
    except InputError:
        return False


@pytest.mark.parametrize("name", ["anatomical.nii", "reoriented_anat_moved.nii", "standard.nii.gz"])
def test_place_of_nifti_agrees_with_nibabel(name):
    path = NIBABEL / "tests" / "data" / name
    image, expected = read_or_refuse(path), nib.load(path)
    pixels = np.asanyarray(expected.dataobj, dtype=np.float32)
    np.testing.assert_array_equal(image.frames[:, 0].numpy().transpose(1, 2, 0), pixels)
    for index in [(0, 0), (3, 0), (0, 4)]:
        place = nib.affines.apply_affine(expected.affine, (*index, 0))
        np.testing.assert_allclose((image.affines[0] @ [*index, 0, 1])[:3], place, atol=1e-4)


@pytest.mark.parametrize("name", ["standard.nii.gz", "anatomical.nii"])
def test_place_of_nifti_agrees_with_simpleitk(name):
    sitk = pytest.importorskip("SimpleITK")
    path = NIBABEL / "tests" / "data" / name
    try:
        image = sitk.ReadImage(str(path))
    except RuntimeError as error:
        pytest.skip(f"SimpleITK does not read it: {str(error).splitlines()[-1]}")
    ours = read_or_refuse(path)
    for index in [(0, 0), (3, 0), (0, 4)]:
        lps = np.array(image.TransformIndexToPhysicalPoint((*index, 0)))
        np.testing.assert_allclose((ours.affines[0] @ [*index, 0, 1])[:3], lps * [-1, -1, 1], atol=1e-3)


@pytest.mark.parametrize("pair", [("a.mhd", "a.raw"), ("a.nhdr", "a.raw")])
def test_the_two_files_of_a_pair_are_damaged_each(tmp_path, pair):
    sitk = pytest.importorskip("SimpleITK")
    pytest.importorskip("itk")
    grey = np.random.default_rng(0).integers(0, 256, (3, 12, 16), dtype=np.uint8)
    sitk.WriteImage(sitk.GetImageFromArray(grey), tmp_path / pair[0])
    whole = {name: (tmp_path / name).read_bytes() for name in pair}
    assert read_or_refuse(tmp_path / pair[0]) is not None
    for case in range(60):
        name = pair[case % 2]
        (tmp_path / name).write_bytes(damaged(whole[name], np.random.default_rng(case)))
        read_or_refuse(tmp_path / pair[0])
        (tmp_path / name).write_bytes(whole[name])


# damage


def damaged(content: bytes, rng: np.random.Generator) -> bytes:
    """Flip, overwrite, cut, repeat or drop some bytes, most often in the header."""
    data = bytearray(content)
    for _ in range(int(rng.integers(1, 4))):
        reach = len(data) if rng.random() < 0.5 else min(len(data), 2000)
        if reach < 2:
            return bytes(data)
        at = int(rng.integers(0, reach))
        length = int(rng.integers(1, 9))
        kind = rng.choice(6, p=[0.25, 0.25, 0.25, 0.1, 0.1, 0.05])
        if kind == 0:
            data[at] ^= 1 << int(rng.integers(0, 8))
        elif kind == 1:
            data[at : at + length] = rng.bytes(len(data[at : at + length]))
        elif kind == 2:
            data[at : at + length] = (b"\xff" if rng.random() < 0.5 else b"\0") * len(data[at : at + length])
        elif kind == 3:
            del data[at : at + length]
        elif kind == 4:
            data[at:at] = data[at : at + length]
        else:
            del data[int(rng.integers(0, len(data))) :]
    return bytes(data)


def damage_many(tmp_path: Path, seeds: list[tuple[str, bytes]], cases: range) -> None:
    for case in cases:
        rng = np.random.default_rng(case)
        name, content = seeds[int(rng.integers(0, len(seeds)))]
        path = tmp_path / f"case_{case}_{name}"
        path.write_bytes(damaged(content, rng))
        read_or_refuse(path)
        path.unlink()


@pytest.fixture(scope="module")
def seeds(tmp_path_factory: pytest.TempPathFactory) -> list[tuple[str, bytes]]:
    """Small real DICOM files, and small files of the other formats."""
    folder = tmp_path_factory.mktemp("seeds")
    grey = np.random.default_rng(0).integers(0, 256, (12, 16), dtype=np.uint8)
    pages = [Image.fromarray(grey), Image.fromarray(grey[::-1].copy())]
    for suffix in ("png", "bmp", "jpg"):
        pages[0].save(folder / f"a.{suffix}")
    pages[0].save(folder / "a.tif", save_all=True, append_images=pages[1:], compression="tiff_lzw")
    for suffix in ("nii", "nii.gz"):
        nib.Nifti1Image(grey.astype(np.int16), np.eye(4)).to_filename(folder / f"a.{suffix}")
    sitk = pytest.importorskip("SimpleITK")
    for suffix in ("nrrd", "mha"):
        for kind, zipped in (("raw", False), ("zip", True)):
            sitk.WriteImage(sitk.GetImageFromArray(np.stack([grey, grey[::-1]])), folder / f"{kind}.{suffix}", zipped)
    others = [path for path in folder.iterdir() for _ in range(3)]
    return [(path.name, path.read_bytes()) for path in [*SEEDS, *others]]


def test_damaged_files_are_read_or_refused(tmp_path, seeds):
    damage_many(tmp_path, seeds, range(300))


@pytest.mark.slow
@pytest.mark.parametrize("part", range(10))
def test_many_damaged_files_are_read_or_refused(tmp_path, seeds, part):
    damage_many(tmp_path, seeds, range(1000 + 500 * part, 1500 + 500 * part))


NUMBERS = ["Rows", "Columns", "NumberOfFrames", "BitsAllocated", "BitsStored", "HighBit", "SamplesPerPixel"]
OTHERS = [*NUMBERS[:2], "PixelRepresentation", "PlanarConfiguration", "PixelSpacing", "RescaleSlope", "WindowWidth"]
ODD = [0, 1, 3, 7, 64, 65535, "", None, "nonsense", [0.0, 0.0], [1e308, 1e308], -1, 1e-300]


@pytest.mark.parametrize("keyword", [*NUMBERS, *OTHERS[2:], "PhotometricInterpretation", "TriggerTime", "FrameTime"])
def test_odd_values_are_read_or_refused(tmp_path, write_dicom: Callable[..., Path], keyword):
    grey = np.arange(35, dtype=np.uint16).reshape(5, 7)
    for i, value in enumerate(ODD):
        path = tmp_path / f"{i}.dcm"
        try:
            write_dicom(path, grey, **{keyword: value})
        except Exception:  # pydicom does not write it
            continue
        read_or_refuse(path)
