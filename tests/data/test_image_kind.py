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
"""Tests of which reader takes a file, against what Pillow, nibabel and pydicom have written."""

from __future__ import annotations

import gzip
import os
import shutil
from pathlib import Path

import nibabel as nib
import numpy as np
import pytest
from PIL import Image
from pydicom.examples import get_path

from scripts.data.image_kind import image_kind
from scripts.data.image_series import find_image_series, image_series_of
from scripts.io.input_error import InputError

GREY = np.random.default_rng(0).integers(0, 255, (20, 30)).astype(np.uint8)
READ = [
    ("scan", "PNG"), ("a.jfif", "JPEG"), ("a.jpe", "JPEG"), ("A.PNG", "PNG"), ("1.2.840.1", "TIFF"), ("a.dib", "BMP"),
    ("a.gif", "PNG"), ("a.dcm", "JPEG"), ("a.unknown", "BMP"), ("big", "TIFF"),
]  # fmt: skip
REMEDY = [
    ("a.gif", "GIF", "PNG"), ("a.webp", "WEBP", "PNG"), ("a.jp2", "JPEG2000", "PNG"), ("film", "GIF", "PNG"),
    ("a.png", "WEBP", "PNG"), ("slide.svs", "TIFF", "TIFF, of one size"), ("a.ppm", "PPM", "PNG"),
]  # fmt: skip


@pytest.mark.parametrize(("name", "form"), READ)
def test_pictures_are_known_by_their_content(tmp_path, name, form):
    Image.fromarray(GREY).save(tmp_path / name, form)
    assert image_kind(tmp_path / name) == "raster"
    assert [one.name for one in find_image_series(tmp_path)] == [name]


@pytest.mark.parametrize(
    "name", ["IM0001", "i.1", "i.001", "I.MR", "1.2.840.113619.2.1", "x.jpg", "x.tif", "IMAGE.DAT"]
)
def test_dicom_is_known_by_its_content(tmp_path, name):
    shutil.copy(get_path("ct"), tmp_path / name)
    assert image_kind(tmp_path / name) == "dicom"
    assert [one.format for one in find_image_series(tmp_path)] == ["dicom"]


@pytest.mark.parametrize(("name", "form", "remedy"), REMEDY)
def test_pictures_that_no_reader_takes_are_named_with_a_remedy(tmp_path, name, form, remedy):
    Image.fromarray(GREY).save(tmp_path / name, form)
    for ask in (image_kind, find_image_series, lambda path: image_series_of([path], tmp_path)):
        with pytest.raises(InputError, match=rf"{name} cannot be used, as .* are not read; .*{remedy}"):
            ask(tmp_path / name)


@pytest.mark.parametrize("cut", [132, 144])
@pytest.mark.parametrize("name", ["IM0001", "IM0001.dcm", "1.2.840.3"])
def test_dicom_without_its_preamble_is_named_whatever_its_suffix(tmp_path, caplog, name, cut):
    Image.fromarray(GREY).save(tmp_path / "good.png")
    (tmp_path / name).write_bytes(Path(get_path("ct")).read_bytes()[cut:])
    assert [one.name for one in find_image_series(tmp_path)] == ["good.png"]
    assert f"{name} is no DICOM file of PS3.10 (no prefix 'DICM')" in caplog.text


def test_volumes_of_another_suffix_are_named_with_theirs(tmp_path):
    nib.Nifti1Image(GREY[..., None], np.eye(4)).to_filename(tmp_path / "a.nii")
    (tmp_path / "a.nii").rename(tmp_path / "a")
    with pytest.raises(InputError, match=r"an image of the kind \.nii by its content; give it that suffix"):
        find_image_series(tmp_path / "a")
    (tmp_path / "a.tiff.gz").write_bytes(gzip.compress(b"any"))
    with pytest.raises(InputError, match="uncompress"):
        image_kind(tmp_path / "a.tiff.gz")
    nib.Nifti1Pair(GREY[..., None], np.eye(4)).to_filename(tmp_path / "pair.img")
    for name in ("pair.img", "pair.hdr"):
        with pytest.raises(InputError, match="convert them to NIfTI of one file"):
            image_kind(tmp_path / name)


@pytest.mark.parametrize("name", ["a.mp4", "a.AVI", "a.mov", "a.mkv", "a.wmv", "a.webm", "a.m4v", "a.mpg"])
def test_a_video_is_named_with_the_way_to_its_frames(tmp_path, name):
    (tmp_path / name).write_bytes(b"any")
    with pytest.raises(InputError, match="videos are not read; .*ffmpeg"):
        find_image_series(tmp_path / name)


def test_many_videos_and_other_files_take_a_line_each_kind(tmp_path, caplog):
    caplog.set_level("INFO")
    Image.fromarray(GREY).save(tmp_path / "good.png")
    for name in ("b.mp4", "c.mov", "d.avi", "x.csv", "y.csv", "z.txt", ".hidden", "LICENSE"):
        (tmp_path / name).write_bytes(b"any")
    found = find_image_series(tmp_path)
    [line] = found.skipped
    assert f"{tmp_path / 'b.mp4'} and 2 more cannot be used, as videos are not read" in line
    assert "3 files below" in caplog.text
    assert caplog.text.count("passed over:") == 1
    for count in ("2 .csv", "1 .txt", "1 hidden", "1 without a suffix"):
        assert count in caplog.text


def test_pointers_and_links_to_nothing_are_named(tmp_path, caplog):
    Image.fromarray(GREY).save(tmp_path / "good.png")
    (tmp_path / "a.png").write_text("version https://git-lfs.github.com/spec/v1\noid sha256:0\nsize 1\n")
    (tmp_path / "b.png").symlink_to("gone.png")
    assert len(find_image_series(tmp_path)) == 1
    assert "git lfs pull" in caplog.text
    assert "b.png is a link to a file that is not there" in caplog.text


@pytest.mark.parametrize("content", [b"", b"BM, a text", b"8", b"\x08\0\x05\0\x05\0\x04\0", b"{}", b"PK\x03\x04"])
def test_other_content_is_no_image(tmp_path, content):
    (tmp_path / "a.raw").write_bytes(content + bytes(400) if content.startswith(b"\x08") else content)
    assert image_kind(tmp_path / "a.raw") is None


def test_names_that_no_result_can_have_are_skipped_and_the_others_used(tmp_path, caplog):
    Image.fromarray(GREY).save(tmp_path / "good.png")
    for name in (b"\xe4.png", b"a\nb.png", b"L" * 236 + b".png"):
        shutil.copy(tmp_path / "good.png", os.fsencode(tmp_path) + b"/" + name)
    shutil.copy(get_path("ct"), os.fsencode(tmp_path) + b"/\xff.dcm")
    found = find_image_series(tmp_path)
    assert [one.name for one in found] == ["good.png"]
    assert len(found.skipped) == 4
    for text in (r"\xe4.png", r"a\nb.png", "240 bytes", r"\xff.dcm"):
        assert text in caplog.text
    with pytest.raises(InputError, match="not UTF-8"):
        image_series_of([os.fsdecode(os.fsencode(tmp_path) + b"/\xe4.png")], tmp_path)


def test_pictures_that_a_run_has_written_are_no_images(tmp_path):
    for name in ("good.png", "out/pictures/good.png.png", "out/other.png"):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        Image.fromarray(GREY).save(tmp_path / name)
    (tmp_path / "out/runs.json").write_text('{"inferring": {"files": {"pictures/good.png.png": [1, 1]}}}')
    assert [one.name for one in find_image_series(tmp_path)] == ["good.png", "out/other.png"]
