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
"""Tests of NRRD and MetaImage: pixels and places as SimpleITK, which wrote them, has them."""

from __future__ import annotations

import gzip
import zlib
from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from scripts.data.image_reader import SeriesImage, read_image_series
from scripts.data.image_series import find_image_series
from scripts.io.input_error import InputError

sitk = pytest.importorskip("SimpleITK")
pytest.importorskip("itk")

SUFFIXES = ["nrrd", "nhdr", "mha", "mhd"]
PLANES = ("sagittal", "coronal", "axial")
LPS_TO_RAS = np.array([-1.0, -1.0, 1.0])


def read(path: Path, plane: str | None = None) -> SeriesImage:
    (series,) = find_image_series(path)
    assert series.format == "itk"
    return read_image_series(series, plane=plane)


def write(path: Path, pixels: np.ndarray, *, vector: bool = False, zipped: bool = False, **place) -> sitk.Image:
    """Pixels (X, Y, ...), or with ``vector`` (X, Y, ..., C)."""
    axes = pixels.ndim - vector
    image = sitk.GetImageFromArray(np.moveaxis(pixels, range(axes), range(axes)[::-1]), isVector=vector)
    for name, value in place.items():
        getattr(image, f"Set{name.capitalize()}")(value)
    sitk.WriteImage(image, str(path), zipped)
    return image


def noise(shape: tuple[int, ...], dtype: str = "i2") -> np.ndarray:
    return np.random.default_rng(0).integers(0, 120, shape).astype(dtype)


@st.composite
def places(draw: st.DrawFn, axes: int = 3) -> dict[str, list[float]]:
    """Axes in any order and sign or turned anyhow, with spacings and an origin."""
    generator = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    if draw(st.booleans()):
        direction = np.eye(axes)[generator.permutation(axes)] * generator.choice([-1.0, 1.0], axes)
    else:
        direction = np.linalg.qr(generator.normal(size=(axes, axes)))[0]
    return {
        "direction": direction.flatten().tolist(),
        "spacing": generator.uniform(0.2, 5.0, axes).tolist(),
        "origin": generator.uniform(-300, 300, axes).tolist(),
    }


each_file = settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])


@pytest.mark.parametrize("suffix", SUFFIXES)
@each_file
@given(place=places(), zipped=st.booleans())
def test_every_pixel_of_a_volume_keeps_its_value_and_its_place(tmp_path, suffix, place, zipped):
    pixels = noise((4, 5, 3))
    truth = write(tmp_path / f"a.{suffix}", pixels, zipped=zipped, **place)
    in_time = read(tmp_path / f"a.{suffix}")
    np.testing.assert_array_equal(in_time.frames[:, 0].numpy().transpose(1, 2, 0), pixels)
    assert in_time.affines.shape == (3, 4, 4) and in_time.placed and in_time.spacing_known and not in_time.still
    slices = {plane: read(tmp_path / f"a.{suffix}", plane) for plane in PLANES}
    assert sorted(len(image.frames) for image in slices.values()) == [3, 4, 5]
    for index in np.ndindex(4, 5, 3):
        expected = np.array(truth.TransformIndexToPhysicalPoint(index)) * LPS_TO_RAS
        np.testing.assert_allclose((in_time.affines[index[2]] @ [*index[:2], 0, 1])[:3], expected, atol=1e-4)
        for image in slices.values():
            axis = {4: 0, 5: 1, 3: 2}[len(image.frames)]
            rest = [one for i, one in enumerate(index) if i != axis]
            np.testing.assert_allclose((image.affines[index[axis]] @ [*rest, 0, 1])[:3], expected, atol=1e-4)
            assert image.frames[(index[axis], 0, *rest)] == pixels[index]


@pytest.mark.parametrize("suffix", SUFFIXES)
@each_file
@given(place=places(axes=2))
def test_a_plane_has_its_own_millimetres_and_no_place_in_the_patient(tmp_path, suffix, place):
    truth = write(tmp_path / f"a.{suffix}", noise((4, 5)), **place)
    image = read(tmp_path / f"a.{suffix}")
    np.testing.assert_array_equal(image.frames[0, 0], noise((4, 5)))
    assert image.still and image.spacing_known and not image.placed
    for index in np.ndindex(4, 5):
        expected = [*np.array(truth.TransformIndexToPhysicalPoint(index)) * LPS_TO_RAS[:2], 0.0]
        np.testing.assert_allclose((image.affines[0] @ [*index, 0, 1])[:3], expected, atol=1e-4)


@pytest.mark.parametrize(("shape", "frames"), [((7, 5, 1), 1), ((7, 5, 4), 4), ((7, 5, 1, 4), 4), ((7, 5, 1, 1), 1)])
@pytest.mark.parametrize("suffix", SUFFIXES)
def test_every_shape(tmp_path, suffix, shape, frames):
    place = {"spacing": [0.5, 0.7, 3.0, 40.0][: len(shape)], "origin": [1.0, 2.0, 3.0, 0.0][: len(shape)]}
    write(tmp_path / f"a.{suffix}", noise(shape), **place)
    image = read(tmp_path / f"a.{suffix}")
    assert (image.frames.shape, image.still) == ((frames, 1, 7, 5), frames == 1)
    assert image.frame_ms is None
    np.testing.assert_array_equal(image.frames[:, 0].numpy().transpose(1, 2, 0), noise(shape).reshape(7, 5, frames))
    expected = np.array([[[-0.5, 0, 0, -1], [0, -0.7, 0, -2], [0, 0, 3, 3], [0, 0, 0, 1]]] * frames)
    # ITK takes the frames of three axes for slices
    expected[:, 2, 3] += 3.0 * np.arange(frames) * (len(shape) == 3)
    np.testing.assert_allclose(image.affines, expected)


@pytest.mark.parametrize("dtype", ["u1", "i1", "u2", "i2", "u4", "i4", "u8", "i8", "f4", "f8"])
@pytest.mark.parametrize("suffix", ["nrrd", "mha"])
def test_every_type_of_grey_values(tmp_path, suffix, dtype):
    for shape in [(7, 5), (7, 5, 4), (7, 5, 1, 4)]:
        write(tmp_path / f"a.{suffix}", noise(shape, dtype))
        frames = read(tmp_path / f"a.{suffix}").frames
        assert frames.dtype.is_floating_point
        np.testing.assert_array_equal(frames[:, 0].numpy().transpose(1, 2, 0).reshape(shape), noise(shape))


@pytest.mark.parametrize("components", [3, 4])
@pytest.mark.parametrize("shape", [(7, 5), (7, 5, 3), (7, 5, 1, 3)])
@pytest.mark.parametrize("suffix", ["nrrd", "mha"])
@pytest.mark.parametrize("dtype", ["u1", "u2"])
def test_colour_becomes_luma(tmp_path, suffix, shape, components, dtype):
    colour = noise((*shape, components), dtype)
    write(tmp_path / f"a.{suffix}", colour, vector=True)
    expected = colour[..., :3] @ np.array([0.299, 0.587, 0.114])
    found = read(tmp_path / f"a.{suffix}").frames[:, 0].numpy().transpose(1, 2, 0).reshape(shape)
    np.testing.assert_allclose(found, expected, rtol=1e-5)


def test_a_nan_is_refused(tmp_path):
    pixels = noise((7, 5), "f4")
    pixels[3, 2] = np.nan
    write(tmp_path / "a.mha", pixels)
    with pytest.raises(InputError, match=r"a\.mha has pixels that are NaN"):
        read(tmp_path / "a.mha")


@pytest.mark.parametrize("suffix", ["nrrd", "mha"])
def test_damage_in_compressed_pixels_is_refused(tmp_path, suffix):
    path = tmp_path / f"a.{suffix}"
    write(path, noise((40, 50)), zipped=True)
    whole = path.read_bytes()
    expected = read(path).frames
    for at in range(10, 1500, 90):
        content = bytearray(whole)
        content[-at] ^= 0x10
        path.write_bytes(content)
        with pytest.raises(InputError, match=rf"a\.{suffix} cannot be read|bytes in its compressed pixels"):
            read(path)
    for cut in (1, 50, 700):
        path.write_bytes(whole[:-cut])
        with pytest.raises(InputError, match=rf"a\.{suffix}"):
            read(path)
    path.write_bytes(whole)
    np.testing.assert_array_equal(read(path).frames, expected)


@pytest.mark.parametrize("more", [-6, 6])
def test_compressed_pixels_of_another_number_are_refused(tmp_path, more):
    write(tmp_path / "a.mha", noise((7, 5)), zipped=True)
    content = (tmp_path / "a.mha").read_bytes()
    head = content[: content.index(b"ElementDataFile")]
    packed = zlib.compress(b"\0" * (70 + more))
    head = b"".join(line for line in head.splitlines(keepends=True) if b"CompressedDataSize" not in line)
    head += b"CompressedDataSize = %d\n" % len(packed)
    (tmp_path / "a.mha").write_bytes(head + b"ElementDataFile = LOCAL\n" + packed)
    with pytest.raises(
        InputError, match=rf"a\.mha has {70 + more} of 70 bytes in its compressed pixels; copy it again"
    ):
        read(tmp_path / "a.mha")


def write_nrrd(path: Path, pixels: np.ndarray, *fields: str) -> Path:
    """Pixels as numpy has them, the first axis the fastest in the file."""
    kind = {"u1": "uchar", "u2": "ushort", "i2": "short", "f4": "float", "f8": "double"}[pixels.dtype.str[1:]]
    sizes = " ".join(map(str, pixels.shape))
    head = ["NRRD0005", f"type: {kind}", f"dimension: {pixels.ndim}", f"sizes: {sizes}", "endian: little", *fields]
    path.write_bytes("\n".join([*head, "encoding: raw", "", ""]).encode() + pixels.tobytes(order="F"))
    return path


@pytest.mark.parametrize("dtype", ["u1", "i2", "f8"])
@pytest.mark.parametrize("frames", [1, 2, 3, 4, 6, 300])
def test_a_sequence_of_3d_slicer_is_a_series(tmp_path, frames, dtype):
    pixels = noise((frames, 20, 12, 1), dtype)
    directions = "space directions: none (1.5,0,0) (0,1.25,0) (0,0,3)"
    place = ("space: left-posterior-superior", directions, "space origin: (1,2,3)", "kinds: list domain domain domain")
    path = write_nrrd(tmp_path / "a.seq.nrrd", pixels, *place)
    image, truth = read(path), sitk.ReadImage(str(path))
    numbers = sitk.GetArrayFromImage(truth).reshape(1, 12, 20, frames)  # ITK has frames as the numbers of a pixel
    np.testing.assert_array_equal(image.frames[:, 0].numpy().transpose(2, 1, 0), numbers[0])
    np.testing.assert_array_equal(image.frames[:, 0].numpy(), pixels[..., 0])
    assert image.placed and image.spacing_known and image.still == (frames == 1)
    expected = np.array(truth.TransformIndexToPhysicalPoint((4, 7, 0))) * LPS_TO_RAS
    np.testing.assert_allclose((image.affines[-1] @ [4, 7, 0, 1])[:3], expected)
    np.testing.assert_array_equal(read(path, "sagittal").frames, image.frames)


@pytest.mark.parametrize("suffix", ["", ", zipped"])
@pytest.mark.parametrize("kind", ["time", "list"])
@pytest.mark.parametrize("axis", [0, 1, 2])
def test_the_axis_that_the_header_calls_time_is_time(tmp_path, axis, kind, suffix):
    frames = noise((10, 125, 125))
    kinds, spacings = ["domain", "domain"], ["1.5", "1.25"]
    kinds.insert(axis, kind)
    spacings.insert(axis, "40" if kind == "time" else "nan")
    fields = f"kinds: {' '.join(kinds)}", f"spacings: {' '.join(spacings)}"
    path = write_nrrd(tmp_path / "a.nrrd", np.moveaxis(frames, 0, axis), *fields)
    if suffix:
        content = path.read_bytes()
        end = content.index(b"\n\n") + 2
        path.write_bytes(content[:end].replace(b"raw", b"gzip") + gzip.compress(content[end:]))
    for plane in (None, "coronal"):
        image = read(path, plane)
        np.testing.assert_array_equal(image.frames[:, 0].numpy(), frames)
        np.testing.assert_allclose(np.linalg.norm(image.affines[0][:3, :2], axis=0), (1.5, 1.25))
        assert image.spacing_known and not image.placed


def test_colours_are_no_frames_wherever_they_are(tmp_path):
    colour = noise((20, 12, 3), "u1")
    expected = colour @ np.array([0.299, 0.587, 0.114])
    for axis, kinds in enumerate(("RGB-color domain domain", "domain 3-color domain", "domain domain vector")):
        path = write_nrrd(tmp_path / "a.nrrd", np.moveaxis(colour, 2, axis), f"kinds: {kinds}")
        np.testing.assert_allclose(read(path).frames[0, 0], expected, rtol=1e-5)


@pytest.mark.parametrize("dtype", ["u1", "u2", "i2", "f4"])
@pytest.mark.parametrize("kind", ["RGB-color", "3-color", "RGBA-color", "4-color"])
def test_colours_of_every_type_that_nrrd_calls_so(tmp_path, dtype, kind):
    count = 4 if kind[0] == "4" or "A" in kind else 3
    colour = noise((count, 20, 12), dtype)
    path = write_nrrd(tmp_path / "a.nrrd", colour, f"kinds: {kind} domain domain")
    expected = np.moveaxis(colour, 0, -1)[..., :3] @ np.array([0.299, 0.587, 0.114])
    np.testing.assert_allclose(read(path).frames[0, 0], expected, rtol=1e-5, atol=1e-3)


@pytest.mark.parametrize("kind", ["HSV-color", "XYZ-color", "covariant-vector", "3-normal", "3-gradient", "point"])
def test_three_numbers_that_are_no_rgb_are_refused(tmp_path, kind):
    path = write_nrrd(tmp_path / "a.nrrd", noise((3, 20, 12), "u1"), f"kinds: {kind} domain domain")
    with pytest.raises(InputError, match=r"a\.nrrd"):
        read(path)


def test_several_slices_over_time_and_what_itk_does_not_read_are_refused(tmp_path):
    kinds = "kinds: list domain domain domain"
    with pytest.raises(InputError, match=r"\(12, 3, 2, 20\); .*write time as the last axis, and each slice"):
        read(write_nrrd(tmp_path / "a.nrrd", noise((20, 12, 3, 2)), kinds))
    with pytest.raises(InputError, match="several axes of frames"):
        read(write_nrrd(tmp_path / "a.nrrd", noise((20, 12, 3)), "kinds: list time domain"))
    place = ("space: left-posterior-superior", "space origin: (1,2,3)")
    for first in ("list", "time"):
        fields = (*place, "space directions: none (1.5,0,0) (0,1.25,0)", f"kinds: {first} domain domain")
        with pytest.raises(InputError, match="two axes in a space of three, .*write it as"):
            read(write_nrrd(tmp_path / "a.nrrd", noise((20, 12, 8)), *fields))


@pytest.mark.parametrize("suffix", ["nrrd", "mha"])
def test_a_first_axis_that_is_rather_time_is_refused_with_what_to_do(tmp_path, suffix):
    """As numpy's (X, Y, T) given to GetImageFromArray, which takes (T, Y, X)."""
    path = tmp_path / f"a.{suffix}"
    frames = noise((10, 125, 125))
    sitk.WriteImage(sitk.GetImageFromArray(frames.transpose(2, 1, 0)), str(path))
    assert sitk.ReadImage(str(path)).GetSize() == (10, 125, 125)
    with pytest.raises(InputError, match=rf"a\.{suffix} has the shape \(10, 125, 125\).*write it as the last"):
        read(path)
    np.testing.assert_array_equal(read(path, "sagittal").frames[:, 0].numpy(), frames)
    sitk.WriteImage(sitk.JoinSeries([sitk.GetImageFromArray(frame.T) for frame in frames]), str(path))
    np.testing.assert_array_equal(read(path).frames[:, 0].numpy(), frames)


@pytest.mark.parametrize(
    ("size", "kinds"), [("10 125 125", "domain domain list"), ("10 125 1 125", "domain none none list")]
)
def test_a_sequence_of_plus_tells_its_frames(tmp_path, size, kinds):
    frames = noise((125, 125, 10), "u1")  # T, Y, X
    axes = len(size.split())
    told = "".join(f"Seq_Frame{i:04d}_Transform = {'1 ' * 16}\nSeq_Frame{i:04d}_ImageStatus = OK\n" for i in range(125))
    head = (
        f"ObjectType = Image\nNDims = {axes}\nBinaryData = True\nCompressedData = False\n"
        f"DimSize = {size}\nElementSpacing = {'1 ' * axes}\nElementType = MET_UCHAR\nKinds = {kinds}\n"
        f"Offset = {'0 ' * axes}\nUltrasoundImageOrientation = MFA\n{told}ElementDataFile = LOCAL\n"
    )
    (tmp_path / "a.mha").write_bytes(head.encode() + frames.tobytes())
    np.testing.assert_array_equal(read(tmp_path / "a.mha").frames[:, 0].numpy().transpose(0, 2, 1), frames)
    (tmp_path / "a.mha").write_bytes(head.replace(f"Kinds = {kinds}\n", "").encode() + frames.tobytes())
    if axes == 3:  # without a word on it
        with pytest.raises(InputError, match="125 frames of 10 x 125 px"):
            read(tmp_path / "a.mha")
