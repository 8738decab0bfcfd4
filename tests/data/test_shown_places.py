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
"""Where 3D Slicer shows an image: every format against SimpleITK, and points through its files there and back."""

from __future__ import annotations

import itertools
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import nibabel as nib
import numpy as np
import pytest
from PIL import Image, TiffImagePlugin
from pydicom.tag import Tag

from scripts.data import FrameDataset, find_image_series, read_example_file, read_image_series
from scripts.data.series_image import SeriesImage
from scripts.io import Landmark, write_slicer_markups

sitk = pytest.importorskip("SimpleITK")

GREY = np.arange(5 * 7, dtype=np.uint8).reshape(5, 7)
# x and y in the plane of the patient's left and back, and a volume turned another way
AXIAL = np.array([[-1.5, 0, 0, 40], [0, -1.25, 0, 30], [0, 0, 3, 10], [0, 0, 0, 1.0]])
TURNED = np.array([[0, 0, 3, 7], [1.5, 0, 0, 8], [0, 1.25, 0, 9], [0, 0, 0, 1.0]])


def read(path: Path) -> SeriesImage:
    return read_image_series(find_image_series(path)[0])


def itk_place(image: Any, x: int, y: int, frame: int) -> np.ndarray:
    """LPS mm; of a plane its own, and of four axes that of the first three."""
    index = {2: (x, y), 3: (x, y, frame), 4: (x, y, 0, frame)}[image.GetDimension()]
    place = np.array(image.TransformIndexToPhysicalPoint(index))
    return np.append(place, 0.0) if len(place) == 2 else place[:3]


def assert_shown_as_by_itk(path: Path, dicom: bool = False) -> None:
    """Three pixels of the first and the last frame, and a point through a Markups file there and back."""
    reader = sitk.ImageFileReader()
    reader.SetFileName(str(path))
    if dicom:
        reader.SetImageIO("GDCMImageIO")
    truth, image = reader.Execute(), read(path)
    last = len(image.frames) - 1
    for (x, y), frame in itertools.product([(0, 0), (6, 1), (2, 4)], {0, last}):
        shown = (image.affines[frame] @ [x, y, 0, 1])[:3] * [-1, -1, 1]
        np.testing.assert_allclose(shown, itk_place(truth, x, y, frame), atol=1e-3)
    place = itk_place(truth, 4, 3, last).tolist()
    markups = path.parent.parent / f"{path.name}.mrk.json"
    row = Landmark(path.name, last if last else None, "a", 4, 3, 1, 1, 1)
    write_slicer_markups(markups, [row], image.affines)
    [written] = json.loads(markups.read_text())["markups"][0]["controlPoints"]
    np.testing.assert_allclose(written["position"], place, atol=1e-3)
    label = f"a [{last}]" if last else "a"
    point = {"label": label, "position": place, "positionStatus": "defined"}
    markups.write_text(json.dumps({"markups": [{"coordinateSystem": "LPS", "controlPoints": [point]}]}))
    series = FrameDataset(find_image_series(path.parent), (8, 8)).series
    [example] = read_example_file(markups, series)
    size = np.linalg.norm(image.affines[0][:3, :2], axis=0).min()
    assert (example.x, example.y) == pytest.approx((4, 3), abs=1e-3 / min(size, 1.0))
    assert example.frame == (last if last else None)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "images").mkdir()
    return tmp_path / "images"


# pictures


@pytest.mark.parametrize("name", ["a.png", "a.bmp", "a.jpg", "a.tif"])
@pytest.mark.parametrize("dpi", [None, (300, 300), (300, 150)])
def test_pictures_with_a_resolution(folder, name, dpi):
    Image.fromarray(GREY).save(folder / name, **({"dpi": dpi} if dpi else {}))
    assert_shown_as_by_itk(folder / name)
    image = read(folder / name)
    assert not image.spacing_known and not image.placed


@pytest.mark.parametrize("unit", [0, 1, 2])
def test_the_unit_of_a_jpeg(folder, unit):
    Image.fromarray(GREY).save(folder / "a.jpg")
    content = bytearray((folder / "a.jpg").read_bytes())
    at = content.find(b"JFIF") + 7
    content[at : at + 5] = bytes([unit, 0, 2, 0, 1])
    (folder / "a.jpg").write_bytes(content)
    assert_shown_as_by_itk(folder / "a.jpg")


@pytest.mark.parametrize("unit", [None, 1, 2, 3])
@pytest.mark.parametrize("resolution", [None, (300, 150), (0, 0), (72.5, 72.5)])
def test_the_unit_of_a_tiff(folder, unit, resolution):
    tags = TiffImagePlugin.ImageFileDirectory_v2()
    if unit:
        tags[296] = unit
    if resolution:
        tags[282], tags[283] = resolution
    Image.fromarray(GREY).save(folder / "a.tif", tiffinfo=tags)
    assert_shown_as_by_itk(folder / "a.tif")


def test_the_pages_of_a_tiff_are_shown_as_slices(folder):
    first, *others = (Image.fromarray(GREY + k) for k in range(4))
    first.save(folder / "a.tif", save_all=True, append_images=others, dpi=(300, 150))
    assert_shown_as_by_itk(folder / "a.tif")


@pytest.mark.parametrize("orientation", range(1, 9))
def test_the_orientation_of_a_tiff(folder, orientation):
    tags = TiffImagePlugin.ImageFileDirectory_v2()
    tags[274] = orientation
    Image.fromarray(GREY).save(folder / "a.tif", tiffinfo=tags, dpi=(300, 150))
    image, truth = read(folder / "a.tif"), sitk.ReadImage(str(folder / "a.tif"))
    shown = sitk.GetArrayFromImage(truth).reshape(5, 7, -1)[..., 0]
    np.testing.assert_array_equal(image.frames[0, 0].numpy().T, GREY)
    for x, y in np.ndindex(7, 5):
        place = (image.affines[0] @ [x, y, 0, 1])[:2] * [-1, -1]
        assert shown[truth.TransformPhysicalPointToIndex(place.tolist())[::-1]] == GREY[y, x]


# NIfTI


def write_nifti(path: Path, shape: tuple[int, ...], qform: int, sform: int, change: Callable | None = None) -> None:
    image = nib.Nifti1Image(np.arange(np.prod(shape), dtype=np.int16).reshape(shape), None)
    image.set_qform(AXIAL, qform)
    image.set_sform(TURNED, sform)
    # as the header of neither has it
    image.header["pixdim"][1:4] = [1.5, 1.25, 3.0]
    if change is not None:
        change(image)
    image.to_filename(path)


@pytest.mark.parametrize("shape", [(7, 5, 1), (7, 5, 4), (7, 5, 1, 4)])
@pytest.mark.parametrize(("qform", "sform"), list(itertools.product((0, 1, 2, 4), repeat=2)))
def test_the_forms_of_nifti(folder, shape, qform, sform):
    write_nifti(folder / "a.nii", shape, qform, sform)
    assert_shown_as_by_itk(folder / "a.nii")
    image = read(folder / "a.nii")
    assert image.spacing_known and image.placed == bool(qform or sform)


@pytest.mark.parametrize(("qform", "sform"), [(0, 0), (1, 0), (2, 2)])
def test_nifti_of_two_axes(folder, qform, sform):
    write_nifti(folder / "a.nii", (7, 5), qform, sform)
    assert_shown_as_by_itk(folder / "a.nii")
    # shown in the plane of x and y, though it lies elsewhere
    places = read(folder / "a.nii").places
    assert places is None if not qform else places[0, 2, 3] == 10


@pytest.mark.parametrize("unit", range(8))
def test_the_unit_of_nifti(folder, unit):
    def change(image: nib.Nifti1Image) -> None:
        image.header["xyzt_units"] = unit

    write_nifti(folder / "a.nii", (7, 5, 4), 1, 0, change)
    assert_shown_as_by_itk(folder / "a.nii")


def test_an_sform_that_is_no_rotation_gives_way_to_the_qform(folder):
    def change(image: nib.Nifti1Image) -> None:
        sheared = AXIAL.copy()
        sheared[0, 1] = 0.3
        image.set_sform(sheared, 1)

    write_nifti(folder / "a.nii", (7, 5, 4), 1, 1, change)
    assert_shown_as_by_itk(folder / "a.nii")


def test_a_program_that_wrote_the_sform_without_the_distances(folder):
    image = nib.Nifti1Image(np.zeros((7, 5, 4), np.int16), None)
    image.set_sform(AXIAL, 1)
    image.to_filename(folder / "a.nii")
    assert_shown_as_by_itk(folder / "a.nii")
    # it lies where it says, which nibabel reads too
    shown = read(folder / "a.nii")
    assert shown.pixel_size == pytest.approx((1.5, 1.25))
    np.testing.assert_allclose(shown.places[0], nib.load(folder / "a.nii").affine)


# NRRD and MetaImage


@pytest.mark.parametrize("suffix", ["nrrd", "mha"])
@pytest.mark.parametrize("shape", [(5, 7), (1, 5, 7), (4, 5, 7), (4, 1, 5, 7)])
def test_nrrd_and_metaimage(folder, suffix, shape):
    pytest.importorskip("itk")
    image = sitk.GetImageFromArray(np.arange(np.prod(shape), dtype=np.int16).reshape(shape), isVector=False)
    image.SetSpacing([1.5, 1.25, 3.0, 40.0][: len(shape)])
    image.SetOrigin([5.0, -6.0, 7.0, 0.0][: len(shape)])
    if len(shape) == 3:
        image.SetDirection((0, 0, 1, 1, 0, 0, 0, 1, 0))
    sitk.WriteImage(image, str(folder / f"a.{suffix}"))
    assert_shown_as_by_itk(folder / f"a.{suffix}")


# DICOM

KINDS = {
    "computed radiography": "1",
    "digital X-ray": "1.1",
    "mammogram": "1.2",
    "CT": "2",
    "ultrasound clip": "3.1",
    "MR": "4",
    "ultrasound still": "6.1",
    "secondary capture": "7",
    "angiogram": "12.1",
    "fluoroscopy": "12.2",
    "nuclear medicine": "20",
    "fundus photograph": "77.1.5.1",
    "photograph": "77.1.4",
    "PET": "128",
    "portal image": "481.1",
}
PLACE = {"ImagePositionPatient": [1, 2, 3], "ImageOrientationPatient": [0, 1, 0, 0, 0, 1]}
SPACINGS = {
    "PixelSpacing": [0.3, 0.4],
    "ImagerPixelSpacing": [0.1, 0.2],
    "NominalScannedPixelSpacing": [0.5, 0.6],
    "ImagePlanePixelSpacing": [0.7, 0.8],
    "SpacingBetweenSlices": 7,
}


@pytest.fixture
def write_kind(folder: Path, write_dicom: Callable[..., Path]) -> Callable[..., Path]:
    def write(kind: str, frames: int = 1, **tags: Any) -> Path:
        uid = f"1.2.840.10008.5.1.4.1.1.{kind}"
        pixels = GREY.astype(np.uint16) if frames == 1 else np.stack([GREY.astype(np.uint16)] * frames)
        path = write_dicom(folder / "a.dcm", pixels, SOPClassUID=uid, **tags)
        return path

    return write


@pytest.mark.parametrize("frames", [1, 3])
@pytest.mark.parametrize("told", [(), ("PixelSpacing",), ("ImagerPixelSpacing",), tuple(SPACINGS)])
@pytest.mark.parametrize("placed", [False, True])
@pytest.mark.parametrize("kind", KINDS.values(), ids=KINDS)
def test_every_kind_of_dicom(write_kind, kind, placed, told, frames):
    tags = {name: SPACINGS[name] for name in told} | (PLACE if placed else {})
    assert_shown_as_by_itk(write_kind(kind, frames, **tags), dicom=True)


@pytest.mark.parametrize(
    "orientation",
    [
        [0, 0, 0, 0, 0, 0],
        [1, 0, 0, 1, 0, 0],
        [1, 0, 0, 0, 0, 0],
        [0, 2, 0, 0, 0, 2],
        [0, 1, 0, 0.1, 0, 0.995],
        [0, 1, 0, 0, 0.0012, 1],
        [0, 1, 0, 0.0005, 0.0005, 1],
        [-1, 0, 0, 0, 1, 0],
    ],
)
def test_orientations_that_are_hardly_one(write_kind, orientation):
    path = write_kind("2", ImagePositionPatient=[1, 2, 3], ImageOrientationPatient=orientation, PixelSpacing=[0.3, 0.4])
    assert_shown_as_by_itk(path, dicom=True)


@pytest.mark.parametrize("kind", ["2", "1.1"])
@pytest.mark.parametrize("spacing", [[0, 0], [0, 0.5], [0.3, 0], 0.3, None])
def test_spacings_that_are_none(write_kind, kind, spacing):
    assert_shown_as_by_itk(write_kind(kind, PixelSpacing=spacing, ImagerPixelSpacing=spacing), dicom=True)


def test_lengths_are_those_of_the_patient_though_the_image_is_shown_at_the_detector(write_kind):
    image = read(write_kind("1.1", PixelSpacing=[0.15, 0.15], ImagerPixelSpacing=[0.2, 0.2]))
    assert image.spacing_known and image.pixel_size == (0.15, 0.15)
    np.testing.assert_allclose(image.affines[0].diagonal()[:2], [-0.2, -0.2])


@pytest.mark.parametrize("spacing", [None, 7])
@pytest.mark.parametrize("kind", ["3.1", "4", "7", "12.1", "12.1.1", "12.2", "77.1.4"])
def test_the_time_between_frames_may_be_the_step_of_slices(write_kind, kind, spacing):
    tags = {"FrameTime": 40, "FrameIncrementPointer": Tag("FrameTime"), "SpacingBetweenSlices": spacing}
    assert_shown_as_by_itk(write_kind(kind, 3, **tags), dicom=True)


def test_a_clip_lies_at_one_place_though_its_frames_are_shown_as_slices(write_kind):
    image = read(write_kind("4", 3, PixelSpacing=[0.3, 0.4], **PLACE))
    np.testing.assert_allclose(image.places[:, :3, 3], [[-1, -2, 3]] * 3)
    np.testing.assert_allclose(image.affines[:, :3, 3], [[-1, -2, 3], [-2, -2, 3], [-3, -2, 3]])


@pytest.mark.parametrize("plane", ["axial", "coronal", "sagittal"])
@pytest.mark.parametrize(("qform", "sform"), [(0, 0), (1, 0), (1, 1), (0, 4)])
def test_the_slices_of_a_volume(folder, plane, qform, sform):
    write_nifti(folder / "a.nii", (7, 5, 4), qform, sform)
    truth = sitk.ReadImage(str(folder / "a.nii"))
    image = read_image_series(find_image_series(folder)[0], plane=plane)
    axis = {7: 0, 5: 1, 4: 2}[len(image.frames)]
    for voxel in np.ndindex(7, 5, 4):
        x, y = (one for i, one in enumerate(voxel) if i != axis)
        shown = (image.affines[voxel[axis]] @ [x, y, 0, 1])[:3] * [-1, -1, 1]
        np.testing.assert_allclose(shown, truth.TransformIndexToPhysicalPoint(voxel), atol=1e-3)
