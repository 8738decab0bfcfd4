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
"""An image as 3D Slicer gets it, and points where it has them: over real requests, with ITK for the truth.

The requests are those of the MONAI Label module of 3D Slicer (``onNextSampleButton`` of ``MONAILabel.py``) and of its
``SampleDataLogic.downloadFromURL``; Slicer loads what it got by ITK, as SimpleITK does here.
"""

from __future__ import annotations

import hashlib
import io
import json
import re
import zipfile
from collections.abc import Callable
from pathlib import Path

import nibabel as nib
import numpy as np
import pydicom
import pytest
import requests
from PIL import Image

pytest.importorskip("monailabel")

import SimpleITK
from pydicom.uid import (
    DigitalXRayImageStorageForPresentation,
    ExplicitVRLittleEndian,
    MRImageStorage,
    UltrasoundMultiFrameImageStorage,
    generate_uid,
)

X, Y, FRAME = 30, 20, 3
OBLIQUE = np.array([[0.8, 0.0, 0.6], [0.0, 1.0, 0.0], [-0.6, 0.0, 0.8]])
AFFINE = np.eye(4)
AFFINE[:3, :3], AFFINE[:3, 3] = OBLIQUE * [0.5, 0.75, 4.0], [10.0, -20.0, 5.0]


def dataset(frames: np.ndarray, kind: str = MRImageStorage, **attributes: object) -> pydicom.Dataset:
    """Frames (T, X, Y), or one (X, Y)."""
    one = pydicom.Dataset()
    one.file_meta = pydicom.dataset.FileMetaDataset()
    one.file_meta.TransferSyntaxUID = ExplicitVRLittleEndian
    one.file_meta.MediaStorageSOPClassUID = one.SOPClassUID = kind
    one.file_meta.MediaStorageSOPInstanceUID = one.SOPInstanceUID = generate_uid()
    one.StudyInstanceUID, one.SeriesInstanceUID = "1.2.3", "1.2.3.4"
    one.Modality = "MR"
    one.Columns, one.Rows = frames.shape[-2:]
    one.SamplesPerPixel, one.PhotometricInterpretation = 1, "MONOCHROME2"
    one.BitsAllocated, one.BitsStored, one.HighBit, one.PixelRepresentation = 8, 8, 7, 0
    if frames.ndim == 3:
        one.NumberOfFrames = len(frames)
    one.PixelData = np.ascontiguousarray(np.swapaxes(frames, -1, -2)).tobytes()
    for name, value in attributes.items():
        setattr(one, name, value)
    return one


def save(one: pydicom.Dataset, path: Path) -> None:
    path.parent.mkdir(exist_ok=True)
    one.save_as(path, enforce_file_format=True)


PLACE = {
    "PixelSpacing": [0.75, 0.5],
    "ImagePositionPatient": [10, -20, 5],
    "ImageOrientationPatient": [0.8, 0, -0.6, 0, 1, 0],
}


def write_series(folder: Path, frames: np.ndarray, **attributes: object) -> str:
    for i, frame in enumerate(frames):
        save(
            dataset(frame, InstanceNumber=i + 1, AcquisitionTime=f"1000{i:02d}", **attributes),
            folder / "run" / f"{i}.dcm",
        )
    return "run~0.dcm"


def write_plain_series(folder: Path, frames: np.ndarray) -> str:
    return write_series(folder, frames)


def write_placed_series(folder: Path, frames: np.ndarray) -> str:
    return write_series(folder, frames, **PLACE)


def write_detector_series(folder: Path, frames: np.ndarray) -> str:
    return write_series(folder, frames, Modality="DX", ImagerPixelSpacing=[0.3, 0.2])


def write_multi_frame(folder: Path, frames: np.ndarray) -> str:
    clip = dataset(frames, UltrasoundMultiFrameImageStorage, FrameTime="40", FrameIncrementPointer=0x00181063, **PLACE)
    save(clip, folder / "multi.dcm")
    return "multi.dcm"


def write_calibrated(folder: Path, frames: np.ndarray) -> str:
    """An ultrasound clip, whose region 3D Slicer's reader of ultrasound knows, but not that of volumes."""
    region = pydicom.Dataset()
    region.RegionSpatialFormat = region.RegionDataType = 1
    region.PhysicalUnitsXDirection = region.PhysicalUnitsYDirection = 3
    region.PhysicalDeltaX, region.PhysicalDeltaY = 0.05, 0.04
    region.RegionLocationMinX0 = region.RegionLocationMinY0 = 0
    region.RegionLocationMaxX1, region.RegionLocationMaxY1 = frames.shape[1] - 1, frames.shape[2] - 1
    clip = dataset(frames, UltrasoundMultiFrameImageStorage, SequenceOfUltrasoundRegions=[region])
    save(clip, folder / "echo.dcm")
    return "echo.dcm"


def write_detector(folder: Path, frames: np.ndarray) -> str:
    save(
        dataset(frames[FRAME], DigitalXRayImageStorageForPresentation, ImagerPixelSpacing=[0.3, 0.2]), folder / "dx.dcm"
    )
    return "dx.dcm"


def write_nifti(folder: Path, frames: np.ndarray) -> str:
    nib.Nifti1Image(np.moveaxis(frames, 0, -1), AFFINE).to_filename(folder / "volume.nii")
    return "volume.nii"


def write_nifti_in_time(folder: Path, frames: np.ndarray) -> str:
    nib.Nifti1Image(np.moveaxis(frames, 0, -1)[:, :, None], AFFINE).to_filename(folder / "time.nii.gz")
    return "time.nii.gz"


def write_nifti_without_codes(folder: Path, frames: np.ndarray) -> str:
    image = nib.Nifti1Image(np.moveaxis(frames, 0, -1), None)
    image.header.set_zooms((0.5, 0.75, 4.0))
    image.header["sform_code"] = image.header["qform_code"] = 0
    image.to_filename(folder / "codes.nii")
    return "codes.nii"


def write_itk(folder: Path, frames: np.ndarray, name: str) -> str:
    image = SimpleITK.GetImageFromArray(frames.transpose(0, 2, 1))
    image.SetSpacing((0.5, 0.75, 4.0))
    image.SetOrigin((10.0, -20.0, 5.0))
    image.SetDirection(OBLIQUE.flatten().tolist())
    SimpleITK.WriteImage(image, str(folder / name))
    return name


def write_nrrd(folder: Path, frames: np.ndarray) -> str:
    return write_itk(folder, frames, "volume.nrrd")


def write_metaimage(folder: Path, frames: np.ndarray) -> str:
    return write_itk(folder, frames, "volume.mha")


def write_nrrd_header(folder: Path, frames: np.ndarray) -> str:
    return write_itk(folder, frames, "apart.nhdr")


def write_metaimage_header(folder: Path, frames: np.ndarray) -> str:
    return write_itk(folder, frames, "apart.mhd")


def write_pages(folder: Path, frames: np.ndarray) -> str:
    first, *others = (Image.fromarray(frame.T) for frame in frames)
    first.save(folder / "pages.tif", save_all=True, append_images=others, dpi=(254, 127))
    return "pages.tif"


def write_png(folder: Path, frames: np.ndarray) -> str:
    Image.fromarray(frames[FRAME].T).save(folder / "still.png")
    return "still.png"


def write_png_with_dpi(folder: Path, frames: np.ndarray) -> str:
    Image.fromarray(frames[FRAME].T).save(folder / "dots.png", dpi=(254, 127))
    return "dots.png"


def write_jpeg(folder: Path, frames: np.ndarray) -> str:
    Image.fromarray(frames[FRAME].T).save(folder / "dots.jpg", dpi=(254, 127), quality=95)
    return "dots.jpg"


def write_turned_pages(folder: Path, frames: np.ndarray) -> str:
    """TIFF whose rows are columns, as its tag 274 says."""
    first, *others = (Image.fromarray(frame) for frame in frames)
    how = {"tiffinfo": {274: 5}, "compression": "tiff_lzw"}
    first.save(folder / "turned.tif", save_all=True, append_images=others, **how)
    return "turned.tif"


def write_turned_jpeg(folder: Path, frames: np.ndarray) -> str:
    exif = Image.Exif()
    exif[0x0112] = 6
    Image.fromarray(frames[FRAME].T).save(folder / "turned.jpg", exif=exif, quality=95)
    return "turned.jpg"


FORMATS = [
    write_plain_series,
    write_placed_series,
    write_detector_series,
    write_multi_frame,
    write_calibrated,
    write_detector,
    write_nifti,
    write_nifti_in_time,
    write_nifti_without_codes,
    write_nrrd,
    write_metaimage,
    write_nrrd_header,
    write_metaimage_header,
    write_pages,
    write_png,
    write_png_with_dpi,
    write_jpeg,
    write_turned_pages,
    write_turned_jpeg,
]
each_format = pytest.mark.parametrize("write", FORMATS, ids=lambda write: write.__name__.removeprefix("write_"))


@pytest.fixture
def frames(texture_frames: Callable[..., np.ndarray]) -> np.ndarray:
    """(5, 96, 64), uint8: a texture that moves."""
    found = texture_frames((96, 64), [(0, 0), (6, -4), (-5, 3), (3, 8), (-7, -6)])
    return np.interp(found, (found.min(), found.max()), (0, 255)).round().astype(np.uint8)


def download(address: str, image: str, folder: Path) -> SimpleITK.Image:
    """Ask for an image, keep it under the name that Slicer would, and load it."""
    answer = requests.get(f"{address}/datastore/image", params={"image": image})
    assert answer.status_code == 200, answer.text
    folder.mkdir(exist_ok=True)
    path = folder / re.search('filename="(.*)"', answer.headers["content-disposition"])[1]
    path.write_bytes(answer.content)
    return SimpleITK.ReadImage(str(path))


def slice_place(image: SimpleITK.Image, x: float, y: float, frame: int) -> tuple[float, ...]:
    """mm of a pixel of a slice, of the one slice of a still, or of one in time."""
    index = {2: (x, y), 3: (x, y, frame if image.GetSize()[-1] > 1 else 0), 4: (x, y, 0, frame)}[image.GetDimension()]
    place = image.TransformContinuousIndexToPhysicalPoint([float(value) for value in index])
    return tuple((*place, 0.0)[:3])


def submit(address: str, image: str, *points: tuple[str, tuple[float, ...]]) -> requests.Response:
    """Points as Slicer saves them."""
    controls = [{"label": label, "position": list(lps), "positionStatus": "defined"} for label, lps in points]
    content = {"markups": [{"type": "Fiducial", "coordinateSystem": "LPS", "controlPoints": controls}]}
    return requests.put(
        f"{address}/datastore/label",
        params={"image": image, "tag": "final"},
        files={"label": ("F.mrk.json", json.dumps(content))},
    )


@each_format
def test_slicer_has_the_pixels_of_the_page(address, studies, frames, tmp_path, write):
    image = write(studies, frames)
    assert requests.post(f"{address}/landmarks/api/refresh").status_code == 200
    loaded = SimpleITK.GetArrayFromImage(download(address, image, tmp_path / "slicer")).astype(np.float32)
    about = requests.get(f"{address}/landmarks/api/images/{image}").json()
    pages = [
        np.frombuffer(requests.get(f"{address}/landmarks/api/images/{image}/frames/{frame}").content, "<f4")
        for frame in range(about["frames"])
    ]
    shown = np.reshape(pages, (about["frames"], about["height"], about["width"]))
    np.testing.assert_allclose(loaded.reshape(shown.shape), shown, atol=2)  # of JPEG by two decoders
    assert about["frames"] == (5 if loaded.ndim > 2 and loaded.size > 96 * 64 else 1)


@each_format
def test_a_point_comes_from_slicer_and_goes_back_to_the_pixel_it_was_set_on(address, studies, frames, tmp_path, write):
    image = write(studies, frames)
    assert requests.post(f"{address}/landmarks/api/refresh").status_code == 200
    loaded = download(address, image, tmp_path / "slicer")
    is_series = requests.get(f"{address}/landmarks/api/images/{image}").json()["frames"] > 1
    label, frame = (f"valve [{FRAME}]", FRAME) if is_series else ("valve", None)

    answer = submit(address, image, (label, slice_place(loaded, X, Y, FRAME)))
    assert answer.status_code == 200, answer.text
    (stored,) = requests.get(f"{address}/landmarks/api/images/{image}").json()["final"]
    assert (stored["label"], stored["frame"]) == ("valve", frame)
    np.testing.assert_allclose((stored["x"], stored["y"]), (X, Y), atol=1e-3)

    asked = {"image": image, "output": "all"}
    answer = requests.post(f"{address}/infer/landmarks", params=asked)
    assert answer.status_code == 200, answer.text
    found = requests.post(f"{address}/infer/landmarks", params={**asked, "output": "json"}).json()["landmarks"]
    markups = requests.post(f"{address}/infer/landmarks", params={**asked, "output": "image"}).json()["markups"]
    points = [point for markup in markups for point in markup["controlPoints"]]
    for told, point in zip(found, points, strict=True):
        place = slice_place(loaded, told["x"], told["y"], told["frame"] or 0)
        np.testing.assert_allclose(point["position"], place, atol=1e-3)
    own = next(one for one in found if one["frame"] == frame)
    np.testing.assert_allclose((own["x"], own["y"]), (X, Y), atol=1)


@each_format
def test_discs_lie_on_the_slices_that_slicer_has(address, studies, frames, tmp_path, write):
    image = write(studies, frames)
    requests.post(f"{address}/landmarks/api/refresh")
    loaded = download(address, image, tmp_path / "slicer")
    frame = FRAME if requests.get(f"{address}/landmarks/api/images/{image}").json()["frames"] > 1 else None
    point = {"label": "valve", "frame": frame, "x": X, "y": Y}
    assert requests.post(f"{address}/landmarks/api/images/{image}/edit", json={"points": [point]}).status_code == 200
    answer = requests.post(f"{address}/infer/landmarks_discs", params={"image": image, "output": "image"})
    (tmp_path / "map.nrrd").write_bytes(answer.content)
    discs = SimpleITK.ReadImage(str(tmp_path / "map.nrrd"))
    if loaded.GetDimension() < 4:  # of those in time the slices of the map are the frames
        expected = slice_place(loaded, X, Y, FRAME)
        index = discs.TransformPhysicalPointToContinuousIndex([float(value) for value in expected])
        np.testing.assert_allclose(index, (X, Y, FRAME if frame is not None else 0), atol=1e-3)


def test_exported_markups_lie_where_slicer_has_the_series(address, studies, frames, tmp_path):
    image = write_placed_series(studies, frames)
    requests.post(f"{address}/landmarks/api/refresh")
    loaded = download(address, image, tmp_path / "slicer")
    point = {"label": "valve", "frame": FRAME, "x": X, "y": Y}
    requests.post(f"{address}/landmarks/api/images/{image}/edit", json={"points": [point]})
    archive = tmp_path / "landmarks.zip"
    archive.write_bytes(requests.get(f"{address}/landmarks/api/export", params={"format": "markups"}).content)
    with zipfile.ZipFile(archive) as content:
        (markup,) = json.loads(content.read("markups/run/0.dcm.mrk.json"))["markups"]
    (exported,) = markup["controlPoints"]
    np.testing.assert_allclose(exported["position"], slice_place(loaded, X, Y, FRAME), atol=1e-3)


def next_image(address: str, cache: Path) -> tuple[dict[str, str], Path]:
    """Ask for an image as Slicer does, and keep it where it keeps all that it downloads."""
    sample = requests.post(f"{address}/activelearning/random", json={"client_id": "user-xyz"}).json()
    if sample["path"] and Path(sample["path"]).exists():
        return sample, Path(sample["path"])
    cache.mkdir(exist_ok=True)
    path = cache / sample["name"]
    if not path.exists():  # for good, unless the checksum is another
        path.write_bytes(requests.get(f"{address}/datastore/image", params={"image": sample["id"]}).content)
    algorithm, digest = sample["checksum"].split(":")
    assert hashlib.new(algorithm, path.read_bytes()).hexdigest() == digest
    return sample, path


def files_of_volume(path: Path) -> list[Path]:
    """What Slicer loads with a file of one slice: those of like names beside it."""
    itk = pytest.importorskip("itk")
    names = itk.ArchetypeSeriesFileNames.New()
    names.SetArchetype(str(path))
    return [Path(name) for name in names.GetFileNames()]


def test_slicer_loads_the_image_that_it_is_given_and_no_other(address, studies, frames, tmp_path):
    write_placed_series(studies, frames)
    (studies / "patient" / "clip.nii").unlink()
    requests.post(f"{address}/landmarks/api/refresh")
    assert len(files_of_volume(studies / "0.png")) == 5  # as they lie in the folder
    loaded: dict[str, Path] = {}
    for _ in range(6):
        sample, path = next_image(address, tmp_path / "cache")
        loaded[sample["id"]] = path
        frame = 0 if sample["id"].startswith("run") else None
        point = {"label": "valve", "frame": frame, "x": X, "y": Y}
        requests.post(f"{address}/landmarks/api/images/{sample['id']}/edit", json={"points": [point]})
    assert set(loaded) == {"run~0.dcm", *(f"{i}.png" for i in range(5))}
    for image, path in loaded.items():
        pixels = SimpleITK.GetArrayFromImage(SimpleITK.ReadImage(str(path)))
        if image.startswith("run"):
            np.testing.assert_array_equal(pixels, frames.transpose(0, 2, 1))
        else:
            assert files_of_volume(path) == [path]
            np.testing.assert_array_equal(pixels, np.asarray(Image.open(studies / image)))


def test_what_slicer_kept_is_not_taken_for_an_image_that_has_changed(address, studies, tmp_path):
    for one in (*studies.glob("[1-4].png"), studies / "patient" / "clip.nii"):
        one.unlink()
    requests.post(f"{address}/landmarks/api/refresh")
    sample, _ = next_image(address, tmp_path / "cache")
    Image.fromarray(np.full((64, 96), 77, np.uint8)).save(studies / "0.png")
    after, path = next_image(address, tmp_path / "cache")
    assert sample["id"] == after["id"] == "0.png" and sample["name"] != after["name"]
    assert (np.asarray(Image.open(path)) == 77).all()


@pytest.mark.parametrize("write", [write_nrrd_header, write_metaimage_header])
def test_a_header_comes_with_its_pixels(address, studies, frames, tmp_path, write):
    image = write(studies, frames)
    requests.post(f"{address}/landmarks/api/refresh")
    loaded = download(address, image, tmp_path / "slicer")
    original = SimpleITK.ReadImage(str(studies / image))
    np.testing.assert_array_equal(SimpleITK.GetArrayFromImage(loaded), frames.transpose(0, 2, 1))
    for tell in ("GetSpacing", "GetOrigin", "GetDirection"):
        np.testing.assert_allclose(getattr(loaded, tell)(), getattr(original, tell)(), atol=1e-6)
    point = {"label": "valve", "frame": FRAME, "x": X, "y": Y}
    requests.post(f"{address}/landmarks/api/images/{image}/edit", json={"points": [point]})
    (tmp_path / "all.zip").write_bytes(requests.get(f"{address}/datastore/dataset").content)
    with zipfile.ZipFile(tmp_path / "all.zip") as archive:
        archive.extractall(tmp_path / "all")
    again = SimpleITK.ReadImage(str(tmp_path / "all" / image))
    np.testing.assert_array_equal(SimpleITK.GetArrayFromImage(again), frames.transpose(0, 2, 1))


def test_a_file_that_was_made_is_kept_until_the_series_changes(address, studies, frames):
    image = write_placed_series(studies, frames)
    requests.post(f"{address}/landmarks/api/refresh")
    where = {"image": image}

    def ask() -> pydicom.Dataset:
        return pydicom.dcmread(io.BytesIO(requests.get(f"{address}/datastore/image", params=where).content))

    def made() -> list[tuple[str, int]]:
        return [(one.name, one.stat().st_mtime_ns) for one in (studies / ".landmarks").rglob("*.dcm") if one.is_file()]

    first, kept = ask(), made()
    assert first.NumberOfFrames == 5 and len(kept) == 1
    assert ask() == first and made() == kept
    save(dataset(frames[0], InstanceNumber=6, AcquisitionTime="100059", **PLACE), studies / "run" / "5.dcm")
    requests.post(f"{address}/landmarks/api/refresh")
    assert ask().NumberOfFrames == 6 and len(made()) == 1
    # none of them is an image of the folder
    assert len(requests.get(f"{address}/landmarks/api/images").json()) == 7
    requests.delete(f"{address}/datastore/image", params={"id": image})
    assert not made()
