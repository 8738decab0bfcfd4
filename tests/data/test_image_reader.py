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
"""Tests of reading images: real small files of every format, x first, and their place against nibabel and MONAI."""

from __future__ import annotations

from pathlib import Path

import nibabel as nib
import numpy as np
import pydicom
import pytest
from monai.data import PydicomReader
from nibabel.nicom.dicomwrappers import wrapper_from_data
from PIL import Image
from pydicom.examples import get_path
from pydicom.uid import generate_uid

from scripts.data.image_reader import SeriesImage, read_image_series
from scripts.data.image_series import find_image_series, image_series_of
from scripts.io.input_error import InputError

# 5 rows, 7 columns; no two pixels alike, so that no flip or transpose goes unseen
GREY = (np.arange(35).reshape(5, 7) * 7).astype(np.uint8)
LPS_TO_RAS = np.diag([-1.0, -1.0, 1.0, 1.0])


def read(path: Path) -> SeriesImage:
    series = find_image_series(path)
    assert len(series) == 1
    return read_image_series(series[0])


def frame(image: SeriesImage, index: int = 0) -> np.ndarray:
    return image.frames[index, 0].numpy()


# PNG, JPEG, TIFF


@pytest.mark.parametrize("suffix", ["png", "bmp", "tif"])
def test_grey_raster_has_x_first(tmp_path, suffix):
    Image.fromarray(GREY).save(tmp_path / f"a.{suffix}")
    image = read(tmp_path)
    assert image.frames.shape == (1, 1, 7, 5)
    assert image.frames.dtype.is_floating_point
    assert image.still
    assert image.frame_ms is None
    assert not image.spacing_known and not image.placed
    np.testing.assert_array_equal(frame(image), GREY.T)
    # no place in the patient is told: 1 mm pixels from the origin, LPS
    np.testing.assert_array_equal(image.affines, LPS_TO_RAS[None])


def test_16_bit_png_keeps_its_depth(tmp_path):
    deep = GREY.astype(np.uint16) * 250 + 3
    Image.fromarray(deep).save(tmp_path / "a.png")
    np.testing.assert_array_equal(frame(read(tmp_path)), deep.T)


def test_colour_becomes_luma(tmp_path):
    colour = np.random.default_rng(0).integers(0, 256, (5, 7, 3), dtype=np.uint8)
    Image.fromarray(colour).save(tmp_path / "a.png")
    expected = colour @ np.array([0.299, 0.587, 0.114])
    np.testing.assert_allclose(frame(read(tmp_path)), expected.T, atol=1)


@pytest.mark.parametrize("mode", ["P", "LA", "RGBA", "1"])
def test_other_modes_of_png_are_read_as_grey(tmp_path, mode):
    black_and_white = np.where(GREY > 100, 255, 0).astype(np.uint8)
    Image.fromarray(black_and_white).convert(mode).save(tmp_path / "a.png")
    np.testing.assert_array_equal(frame(read(tmp_path)), black_and_white.T)


def test_jpeg(tmp_path):
    x, y = np.meshgrid(np.arange(48), np.arange(32))
    smooth = (2 * x + 4 * y).astype(np.uint8)
    Image.fromarray(smooth).save(tmp_path / "a.jpeg", quality=95)
    image = read(tmp_path)
    assert image.frames.shape == (1, 1, 48, 32)
    np.testing.assert_allclose(frame(image), smooth.T, atol=4)


def test_pages_of_a_tiff_are_frames(tmp_path):
    pages = [Image.fromarray(GREY + i) for i in range(3)]
    pages[0].save(tmp_path / "a.tiff", save_all=True, append_images=pages[1:])
    image = read(tmp_path)
    assert image.frames.shape == (3, 1, 7, 5)
    assert image.affines.shape == (3, 4, 4)
    assert not image.still
    for i in range(3):
        np.testing.assert_array_equal(frame(image, i), (GREY + i).T)


def test_pages_of_different_sizes_are_refused(tmp_path):
    pages = [Image.fromarray(GREY), Image.fromarray(GREY[:4])]
    pages[0].save(tmp_path / "a.tiff", save_all=True, append_images=pages[1:])
    with pytest.raises(InputError, match=r"a\.tiff has pages of several sizes: page 2, a smaller copy"):
        read(tmp_path)


# NIfTI

AFFINE = np.array([[-0.8, 0.1, 0, 12], [0.1, 1.4, 0, -30], [0, 0, 6, 4], [0, 0, 0, 1]])


def write_nifti(path: Path, pixels: np.ndarray) -> None:
    nib.Nifti1Image(pixels, AFFINE).to_filename(path)


@pytest.mark.parametrize(
    ("shape", "frames"), [((7, 5), 1), ((7, 5, 1), 1), ((7, 5, 1, 1), 1), ((7, 5, 4), 4), ((7, 5, 1, 4), 4)]
)
@pytest.mark.parametrize("suffix", [".nii", ".nii.gz"])
def test_nifti_of_every_shape(tmp_path, shape, frames, suffix):
    pixels = np.random.default_rng(0).normal(size=shape).astype(np.float32)
    write_nifti(tmp_path / f"a{suffix}", pixels)
    image = read(tmp_path)
    assert image.frames.shape == (frames, 1, 7, 5)
    assert image.still == (frames == 1)
    in_time = pixels.reshape(7, 5, frames)
    for t in range(frames):
        np.testing.assert_array_equal(frame(image, t), in_time[:, :, t])
    expected = np.broadcast_to(AFFINE, (frames, 4, 4)).copy()
    # of three axes the frames are slices
    expected[:, 2, 3] += 6.0 * np.arange(frames) * (len(shape) == 3)
    np.testing.assert_allclose(image.places, expected, atol=1e-5)
    assert image.spacing_known


@pytest.mark.parametrize("unit", ["unknown", "mm", "meter", "micron"])
def test_the_place_of_nifti_is_in_mm_whatever_the_unit_of_the_file(tmp_path, unit):
    per_mm = {"meter": 0.001, "micron": 1000.0}.get(unit, 1.0)
    nifti = nib.Nifti1Image(GREY.T, np.diag([per_mm, per_mm, per_mm, 1]) @ AFFINE)
    nifti.header.set_xyzt_units(unit, "sec")
    nifti.to_filename(tmp_path / "a.nii")
    np.testing.assert_allclose(read(tmp_path).affines[0], AFFINE, rtol=1e-5, atol=1e-5)


def test_nifti_intensity_slope_is_applied(tmp_path):
    nifti = nib.Nifti1Image(GREY.T.astype(np.int16), AFFINE)
    nifti.header.set_slope_inter(2.5, -100)
    nifti.to_filename(tmp_path / "a.nii")
    np.testing.assert_allclose(frame(read(tmp_path)), GREY.T * 2.5 - 100, rtol=1e-6)


@pytest.mark.parametrize("shape", [(7, 5, 3, 4), (7, 5, 3, 1), (7, 5, 1, 2, 3), (7, 1, 5), (1, 7, 5)])
def test_nifti_that_is_not_two_dimensional_is_refused(tmp_path, shape):
    write_nifti(tmp_path / "volume.nii", np.zeros(shape, np.float32))
    with pytest.raises(InputError, match=r"volume\.nii has the shape \([\d, ]+\); an image must be \(X, Y\)"):
        read(tmp_path)


@pytest.mark.parametrize(("qform", "sform"), [(0, 0), (1, 0), (0, 2)])
def test_nifti_is_placed_if_a_form_code_is_set(tmp_path, qform, sform):
    nifti = nib.Nifti1Image(GREY.T, np.diag([0.5, 0.5, 1, 1]))
    nifti.set_qform(nifti.affine, code=qform)
    nifti.set_sform(nifti.affine, code=sform)
    nifti.to_filename(tmp_path / "a.nii")
    image = read(tmp_path)
    assert image.placed == bool(qform or sform)
    assert image.spacing_known


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf])
def test_pixels_that_are_no_numbers_are_refused(tmp_path, value):
    pixels = np.zeros((7, 5), np.float32)
    pixels[2, 3] = value
    write_nifti(tmp_path / "holes.nii", pixels)
    with pytest.raises(InputError, match=r"holes\.nii has pixels that are NaN or infinite"):
        read(tmp_path)


# DICOM

ORIENTATION = [0.8, 0.6, 0.0, 0.0, 0.0, -1.0]  # rows and columns oblique, as in a coronal view turned about z
GEOMETRY = {"ImageOrientationPatient": ORIENTATION, "PixelSpacing": [0.7, 1.3]}  # rows 0.7 mm, columns 1.3 mm apart


@pytest.fixture
def cine(tmp_path, write_dicom) -> Path:
    """Three single-frame files of one place, their names not in the order of time."""
    uid = generate_uid()
    for number, name in [(2, "a.dcm"), (3, "b.dcm"), (1, "c.dcm")]:
        write_dicom(
            tmp_path / "cine" / name,
            GREY.astype(np.uint16) * 10 + number,
            SeriesInstanceUID=uid,
            InstanceNumber=number,
            ImagePositionPatient=[10.0, -20.0, 35.5],
            **GEOMETRY,
        )
    return tmp_path / "cine"


def test_frames_of_a_dicom_series_are_in_the_order_of_time_with_x_first(cine):
    image = read(cine)
    assert image.frames.shape == (3, 1, 7, 5)
    assert not image.still
    for i, number in enumerate([1, 2, 3]):
        np.testing.assert_array_equal(frame(image, i), GREY.T.astype(float) * 10 + number)


def test_place_of_dicom_agrees_with_nibabel(cine):
    image = read(cine)
    for affine, name in zip(image.affines, ["c.dcm", "a.dcm", "b.dcm"], strict=True):
        expected = LPS_TO_RAS @ wrapper_from_data(pydicom.dcmread(cine / name)).affine
        # nibabel's voxels are (row, column, slice), ours (x, y) = (column, row)
        np.testing.assert_allclose(affine[:, [1, 0, 3]], expected[:, [0, 1, 3]], atol=1e-9)
        # right-handed, and nothing is lost
        assert np.linalg.det(affine[:3, :3]) > 0


def test_place_and_pixels_of_dicom_agree_with_monai(cine):
    reader = PydicomReader(swap_ij=True, affine_lps_to_ras=True)
    pixels, meta = reader.get_data(reader.read(str(cine / "a.dcm")))
    image = read(cine)
    np.testing.assert_array_equal(frame(image, 1), np.asarray(pixels).squeeze())
    np.testing.assert_allclose(image.affines[1][:, [0, 1, 3]], np.asarray(meta["affine"])[:, [0, 1, 3]], atol=1e-6)


def test_dicom_with_no_place_is_of_1_mm_pixels_at_the_origin(tmp_path, write_dicom):
    write_dicom(tmp_path / "a.dcm", GREY)
    image = read(tmp_path)
    assert image.still
    assert not image.spacing_known
    np.testing.assert_array_equal(image.affines, LPS_TO_RAS[None])


def test_dicom_pixel_spacing_alone(tmp_path, write_dicom):
    write_dicom(tmp_path / "a.dcm", GREY, PixelSpacing=[0.7, 1.3])
    image = read(tmp_path)
    np.testing.assert_allclose(image.affines[0], np.diag([-1.3, -0.7, 1, 1]))
    assert image.spacing_known


@pytest.mark.parametrize("tags", [{"ImagerPixelSpacing": [0.1, 0.1]}, {"PixelSpacing": None}])
def test_spacing_at_the_detector_or_an_empty_one_is_none_in_the_patient(tmp_path, write_dicom, tags):
    write_dicom(tmp_path / "a.dcm", GREY, **tags)
    image = read(tmp_path)
    assert not image.spacing_known
    np.testing.assert_array_equal(image.affines, LPS_TO_RAS[None])


def test_the_spacing_of_a_dicom_series_is_known_where_every_file_tells_it(cine, write_dicom):
    assert read(cine).spacing_known
    path = cine / "a.dcm"
    dataset = pydicom.dcmread(path)
    del dataset.PixelSpacing
    dataset.save_as(path)
    assert not read(cine).spacing_known


def test_rescale_slope_and_intercept_are_applied(tmp_path, write_dicom):
    write_dicom(tmp_path / "a.dcm", GREY.astype(np.int16) - 50, RescaleSlope=2.5, RescaleIntercept=-1024)
    np.testing.assert_allclose(frame(read(tmp_path)), (GREY.T.astype(float) - 50) * 2.5 - 1024)


def test_monochrome1_is_turned_so_that_bright_is_high(tmp_path, write_dicom):
    write_dicom(tmp_path / "a.dcm", GREY, PhotometricInterpretation="MONOCHROME1")
    found = frame(read(tmp_path))
    # the differences are those of the file with the other sign
    np.testing.assert_allclose(found - found[0, 0], -(GREY.T.astype(float) - float(GREY[0, 0])))


def test_monochrome1_keeps_one_scale_for_all_frames(tmp_path, write_dicom):
    uid, second = generate_uid(), GREY.copy()
    second[2, 3] = 255  # one brighter pixel may not shift the grey of all others
    for number, pixels in enumerate([GREY, second]):
        write_dicom(
            tmp_path / f"{number}.dcm",
            pixels,
            SeriesInstanceUID=uid,
            InstanceNumber=number,
            PhotometricInterpretation="MONOCHROME1",
        )
    image = read(tmp_path)
    changed = frame(image, 0) != frame(image, 1)
    assert np.argwhere(changed).tolist() == [[3, 2]]


def test_multi_frame_dicom(tmp_path, write_dicom):
    pixels = np.stack([GREY, GREY + 1, GREY + 2])
    write_dicom(tmp_path / "a.dcm", pixels, FrameTime=40.0, PixelSpacing=[0.7, 1.3])
    image = read(tmp_path)
    assert image.frames.shape == (3, 1, 7, 5)
    assert not image.still
    assert image.frame_ms == 40.0
    np.testing.assert_array_equal(image.frames[:, 0], pixels.transpose(0, 2, 1))
    expected = np.broadcast_to(np.diag([-1.3, -0.7, 1, 1]), (3, 4, 4)).copy()
    expected[:, 2, 3] = [0, 1, 2]  # shown as slices
    np.testing.assert_allclose(image.affines, expected)


def test_slices_of_a_stack_are_images_of_their_own(tmp_path, write_dicom):
    uid = generate_uid()
    for number in range(3):
        place = [10.0, -20.0, 5.0 * number]
        tags = {"SeriesInstanceUID": uid, "InstanceNumber": number, "ImagePositionPatient": place}
        write_dicom(tmp_path / f"{number}.dcm", GREY, **tags, **GEOMETRY)
    series = find_image_series(tmp_path)
    assert [one.name for one in series] == ["0.dcm", "1.dcm", "2.dcm"]
    assert all(read_image_series(one).still for one in series)


def test_palette_colour_dicom_becomes_luma(tmp_path, write_dicom):
    palette = np.random.default_rng(1).integers(0, 256, (3, 256)).astype(np.uint16) * 257
    tags: dict[str, object] = {"PhotometricInterpretation": "PALETTE COLOR"}
    for name, values in zip(("Red", "Green", "Blue"), palette, strict=True):
        tags[f"{name}PaletteColorLookupTableDescriptor"] = [256, 0, 16]
        tags[f"{name}PaletteColorLookupTableData"] = values.tobytes()
    write_dicom(tmp_path / "a.dcm", GREY, **tags)
    expected = np.array([0.299, 0.587, 0.114]) @ palette[:, GREY].reshape(3, -1)
    np.testing.assert_allclose(frame(read(tmp_path)), expected.reshape(GREY.shape).T, rtol=1e-5)


def test_single_frame_colour_dicom_becomes_luma(tmp_path, write_dicom):
    colour = np.random.default_rng(0).integers(0, 256, (5, 7, 3), dtype=np.uint8)
    tags = {"Rows": 5, "Columns": 7, "SamplesPerPixel": 3, "PlanarConfiguration": 0, "PixelData": colour.tobytes()}
    write_dicom(tmp_path / "a.dcm", GREY, PhotometricInterpretation="RGB", **tags)
    expected = colour @ np.array([0.299, 0.587, 0.114])
    np.testing.assert_allclose(frame(read(tmp_path)), expected.T, rtol=1e-5)


def test_multi_frame_colour_dicom():
    path = Path(get_path("ybr_color"))
    image = read(path)
    assert image.frames.shape == (30, 1, 320, 240)
    assert image.frame_ms == pytest.approx(33.333, abs=1e-3)
    # the luma of YBR is its first component
    luma = pydicom.pixels.pixel_array(path, raw=True)[..., 0].astype(float)
    difference = np.abs(image.frames[:, 0].numpy() - luma.swapaxes(1, 2))
    assert (difference < 2).mean() > 0.999  # saturated colours are clipped on the way through RGB
    assert difference.max() < 8


# what cannot be read


@pytest.mark.parametrize("name", ["broken.png", "broken.jpg", "broken.nii", "broken.nii.gz", "broken.tif"])
def test_a_corrupt_file_is_named(tmp_path, name):
    (tmp_path / name).write_bytes(b"this is not what the suffix says")
    with pytest.raises(InputError, match=rf"{name} cannot be read \(.+\); remove or repair it"):
        read(tmp_path)


def test_a_truncated_png_is_named(tmp_path):
    noise = np.random.default_rng(0).integers(0, 256, (60, 60), dtype=np.uint8)
    Image.fromarray(noise).save(tmp_path / "half.png")
    whole = (tmp_path / "half.png").read_bytes()
    (tmp_path / "half.png").write_bytes(whole[: len(whole) // 2])
    with pytest.raises(InputError, match=r"half\.png cannot be read"):
        read(tmp_path)


def test_a_dicom_file_with_no_pixels_is_named(tmp_path, write_dicom):
    path = write_dicom(tmp_path / "report.dcm", None)
    with pytest.raises(InputError, match=r"report\.dcm is DICOM without pixels"):
        read_image_series(image_series_of([path], tmp_path))


def test_a_dicom_file_that_ends_in_its_header_is_named(tmp_path):
    (tmp_path / "header.dcm").write_bytes(b"\0" * 128 + b"DICM\x02\x00")
    with pytest.raises(InputError, match=r"header\.dcm"):
        read(tmp_path)


def test_the_corrupt_file_of_a_dicom_series_is_named_and_not_its_first(cine):
    path = cine / "a.dcm"
    series = find_image_series(cine)[0]
    path.write_bytes(path.read_bytes()[:-20])
    with pytest.raises(InputError, match=r"a\.dcm is cut off: 54 of 70 bytes"):
        read_image_series(series)
