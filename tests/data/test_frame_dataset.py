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
"""Tests of the frames of a data set: which are held out, how they are scaled, and the region."""

from __future__ import annotations

import errno
import os
import shutil
from pathlib import Path

import nibabel as nib
import numpy as np
import pytest
import torch
from PIL import Image

from scripts.data.frame_dataset import FrameDataset
from scripts.data.image_series import find_image_series
from scripts.data.prepared_series import PrepareSeries, prepare_series
from scripts.io.input_error import InputError
from scripts.transforms.scale_intensity import restore_intensity


def write_clips(folder: Path, *lengths: int, shape: tuple[int, int] = (20, 12)) -> Path:
    """One NIfTI clip for each length, of noise."""
    rng = np.random.default_rng(0)
    for i, length in enumerate(lengths):
        pixels = rng.normal(1000, 300, (*shape, 1, length)).astype(np.float32)
        nib.Nifti1Image(pixels, np.eye(4)).to_filename(folder / f"clip_{i:02d}.nii")
    return folder


def frames_of(dataset: FrameDataset) -> list[tuple[str, int]]:
    items = [dataset[i] for i in range(len(dataset))]
    return [(dataset.series[item["series"]].name, item["frame"]) for item in items]


def split(folder: Path, every: int | None) -> list[list[tuple[str, int]]]:
    data = find_image_series(folder)
    return [
        frames_of(FrameDataset(data, (16, 16), hold_out_every=every, held_out=held_out)) for held_out in (False, True)
    ]


@pytest.mark.parametrize("every", [1, 0, -5])
def test_fewer_than_every_second_one_cannot_be_kept(tmp_path, every):
    with pytest.raises(InputError, match=f"'hold_out_every' is {every}; it must be 2 or more"):
        split(write_clips(tmp_path, 3), every)


@pytest.mark.parametrize(
    ("lengths", "every"),
    [
        ((3, 1, 4, 2, 1, 2, 5), 3),
        ((2,) * 5, 5),
        ((10,), 5),
        ((3, 4), 5),
        ((2,), 5),
        ((1, 1), 5),
        ((3,), 2),
        ((1,) * 11, 4),
    ],
)
def test_the_parts_are_disjoint_complete_and_not_empty(tmp_path, lengths, every):
    train, held_out = split(write_clips(tmp_path, *lengths), every)
    every_frame = [(f"clip_{i:02d}.nii", t) for i, length in enumerate(lengths) for t in range(length)]
    assert sorted(train + held_out) == every_frame
    assert not set(train) & set(held_out)
    assert train
    assert held_out


def test_many_series_are_split_by_series(tmp_path):
    train, held_out = split(write_clips(tmp_path, 3, 1, 4, 2, 1, 2, 5), 3)
    assert not {name for name, _ in train} & {name for name, _ in held_out}
    assert {name for name, _ in held_out} == {"clip_01.nii", "clip_04.nii"}


def test_few_series_are_split_by_frame_and_the_first_frame_is_trained_on(tmp_path):
    train, held_out = split(write_clips(tmp_path, 10, 5), 5)
    assert held_out == [("clip_00.nii", 2), ("clip_00.nii", 7), ("clip_01.nii", 2)]
    assert ("clip_00.nii", 0) in train


def test_a_single_image_is_in_both_parts(tmp_path):
    train, held_out = split(write_clips(tmp_path, 1), 5)
    assert train == held_out == [("clip_00.nii", 0)]


def test_without_hold_out_all_frames_are_there(tmp_path):
    dataset = FrameDataset(find_image_series(write_clips(tmp_path, 3, 2)), (16, 16))
    assert frames_of(dataset) == [("clip_00.nii", 0), ("clip_00.nii", 1), ("clip_00.nii", 2)] + [
        ("clip_01.nii", 0),
        ("clip_01.nii", 1),
    ]


@pytest.mark.parametrize(("storage", "dtype"), [("float16", torch.float16), ("uint8", torch.uint8)])
@pytest.mark.parametrize("size", [(16, 16), (40, 24), (9, 31)])
def test_items_are_frames_of_the_networks_size_in_0_to_1(tmp_path, size, storage, dtype):
    dataset = FrameDataset(find_image_series(write_clips(tmp_path, 3, 2)), size, storage=storage)
    for i in range(len(dataset)):
        assert dataset[i]["index"] == i
        assert dataset[i]["image"].dtype == dtype
        image = restore_intensity(dataset[i]["image"])
        assert image.shape == (1, *size)
        assert image.min() >= 0
        assert image.max() <= 1
        assert image.max() > 0.5


def test_at_the_images_own_size_the_pixels_are_those_of_the_file_scaled(tmp_path):
    series = find_image_series(write_clips(tmp_path, 3))[0]
    prepared = prepare_series(series, PrepareSeries((20, 12)))
    pixels = nib.load(series.files[0]).get_fdata()[:, :, 0]
    low, high = np.percentile(pixels, [0.5, 99.5])
    expected = np.clip((pixels - low) / (high - low), 0, 1)
    np.testing.assert_allclose(prepared.frames[:, 0], np.moveaxis(expected, -1, 0), atol=5e-4)
    assert prepared.name == "clip_00.nii"
    assert prepared.length == 3


def test_the_region_is_cut_out_and_sets_the_intensity_scale(tmp_path):
    rows, columns = np.mgrid[:30, :40]
    picture = (columns + rows).astype(np.uint8)  # 0 .. 68
    picture[:, 30:] = 255  # burned-in text beside the region
    Image.fromarray(picture).save(tmp_path / "a.png")
    series = find_image_series(tmp_path)[0]
    prepared = prepare_series(series, PrepareSeries((20, 10), region=(5, 8, 25, 18)))
    inside = picture.T[5:25, 8:18].astype(float)
    low, high = np.percentile(inside, [0.5, 99.5])
    np.testing.assert_allclose(prepared.frames[0, 0], np.clip((inside - low) / (high - low), 0, 1), atol=5e-4)
    # a list from a config and an empty one
    listed = FrameDataset([series], [20, 10], region=[5, 8, 25, 18])
    torch.testing.assert_close(listed[0]["image"].float(), prepared.frames[0])
    assert prepare_series(series, PrepareSeries((20, 10), region=[])).fit.region is None
    to_network = prepared.fit.to_network(torch.tensor([[5.0, 8.0]]))
    torch.testing.assert_close(to_network, torch.zeros(1, 2))


def test_a_region_outside_of_every_image_names_the_first_and_the_setting(tmp_path):
    data = find_image_series(write_clips(tmp_path, 2, 1))
    words = r"none of 2 images .*clip_00\.nii: region .* is not inside an image of \(20, 12\) px.*'region'"
    with pytest.raises(InputError, match=words):
        FrameDataset(data, (16, 16), region=(0, 0, 21, 12))


@pytest.mark.parametrize("region", [(-1, 0, 5, 5), (5, 5, 5, 8), (1, 2, 3)])
def test_a_region_of_no_image_is_refused_before_anything_is_read(tmp_path, monkeypatch, region):
    data = find_image_series(write_clips(tmp_path, 2))
    monkeypatch.setattr("scripts.data.prepared_series.read_image_series", None)  # reading would now raise
    with pytest.raises(InputError, match="the setting 'region' is"):
        FrameDataset(data, (16, 16), region=region)


def test_a_plane_that_is_none_is_refused_before_anything_is_read(tmp_path, monkeypatch):
    data = find_image_series(write_clips(tmp_path, 2, 2))
    monkeypatch.setattr("scripts.data.prepared_series.read_image_series", None)  # reading would now raise
    with pytest.raises(InputError, match="the setting 'plane' is 'oblique'"):
        FrameDataset(data, (16, 16), plane="oblique")


def write_half(path: Path) -> None:
    """A picture whose header is fine, so that it is found."""
    noise = np.random.default_rng(1).integers(0, 255, (32, 32)).astype(np.uint8)
    Image.fromarray(noise).save(path)
    content = path.read_bytes()
    path.write_bytes(content[: len(content) // 2])


def write_nan(path: Path) -> None:
    nib.Nifti1Image(np.full((20, 12, 1, 2), np.nan, np.float32), np.eye(4)).to_filename(path)


def write_small(path: Path) -> None:
    Image.fromarray(np.arange(64, dtype=np.uint8).reshape(8, 8)).save(path)


BAD = {
    "damaged.png": (write_half, "cannot be read"),
    "nan.nii": (write_nan, "NaN"),
    "small.png": (write_small, "region"),
}


@pytest.mark.parametrize("kept", ["memory", "disk"])
@pytest.mark.parametrize("bad", BAD)
def test_a_file_that_only_decoding_shows_to_be_bad_is_skipped_by_name(tmp_path, caplog, bad, kept):
    folder = tmp_path / "images"
    folder.mkdir()
    write_clips(folder, 2, 3)
    write, reason = BAD[bad]
    write(folder / bad)
    cache = tmp_path / "cache" if kept == "disk" else None
    for _ in range(2):  # the second time from the cache
        caplog.clear()
        dataset = FrameDataset(find_image_series(folder), (16, 16), region=(0, 0, 12, 12), cache_dir=cache)
        assert [one.name for one in dataset.series] == ["clip_00.nii", "clip_01.nii"]
        assert frames_of(dataset) == [(f"clip_{i:02d}.nii", t) for i, n in ((0, 2), (1, 3)) for t in range(n)]
        assert dataset[4]["image"].shape == (1, 16, 16)
        assert dataset.unusable == [bad]
        [line] = dataset.skipped
        assert bad in line
        assert reason in line
        warnings = [record.getMessage() for record in caplog.records if record.name == "FrameDataset"]
        assert warnings == [f"skipped: {line}", "1 of 3 images skipped, which cannot be used"]
    if cache:
        assert len(list(cache.iterdir())) == 2
        (folder / bad).unlink()
        shutil.copy(folder / "clip_00.nii", folder / "nan.nii")  # which is mended now, if it was the bad one
        mended = FrameDataset(find_image_series(folder), (16, 16), region=(0, 0, 12, 12), cache_dir=cache)
        assert (len(mended.series), mended.skipped) == (3, [])


def test_what_finding_has_skipped_is_told_too(tmp_path):
    write_clips(tmp_path, 2)
    (tmp_path / "a.png").write_bytes(b"nothing")
    write_half(tmp_path / "b.png")
    first, second = FrameDataset(find_image_series(tmp_path), (16, 16)).skipped
    assert "a.png cannot be read" in first
    assert "b.png cannot be read" in second


def test_where_nothing_is_left_the_first_reason_is_given(tmp_path):
    write_half(tmp_path / "a.png")
    data = find_image_series(tmp_path)
    with pytest.raises(InputError, match=r"^\S+a\.png cannot be read"):  # a file alone, in its own words
        FrameDataset(data, (16, 16))
    write_nan(tmp_path / "b.nii")
    with pytest.raises(InputError, match=r"none of 2 images can be used; the first: \S+a\.png cannot be read"):
        FrameDataset(find_image_series(tmp_path), (16, 16), hold_out_every=5)


@pytest.mark.parametrize("bad", range(6))
def test_both_parts_keep_images_whichever_is_bad(tmp_path, caplog, bad):
    """Also where the bad one is the only one of a part."""
    write_clips(tmp_path, *[2] * 6)
    write_nan(tmp_path / f"clip_{bad:02d}.nii")
    data = find_image_series(tmp_path)
    train = FrameDataset(data, (16, 16), hold_out_every=5)
    held_out = FrameDataset(data, (16, 16), hold_out_every=5, held_out=True, prepared=train)
    assert caplog.text.count(f"clip_{bad:02d}.nii has pixels that are NaN") == 1  # not again for the prepared one
    alone = FrameDataset(data, (16, 16), hold_out_every=5, held_out=True)
    assert frames_of(alone) == frames_of(held_out)
    assert not set(frames_of(train)) & set(frames_of(held_out))
    whole = {(f"clip_{i:02d}.nii", t) for i in range(6) for t in range(2) if i != bad}
    assert {*frames_of(train), *frames_of(held_out)} == whole
    assert len(held_out.skipped) == 1


def test_a_full_disk_is_no_fault_of_an_image(tmp_path, monkeypatch):
    data = find_image_series(write_clips(tmp_path, 2, 2))

    def full(*_: object) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr("scripts.data.frame_cache.torch.save", full)
    with pytest.raises(InputError, match="cannot be written"):
        FrameDataset(data, (16, 16), cache_dir=tmp_path / "cache")


def test_kept_on_disk_the_frames_are_the_same_and_are_not_read_again(tmp_path, monkeypatch):
    (tmp_path / "clips").mkdir()
    data = find_image_series(write_clips(tmp_path / "clips", 3, 2))
    in_memory = FrameDataset(data, (16, 16))
    FrameDataset(data, (16, 16), cache_dir=tmp_path / "cache")
    monkeypatch.setattr("scripts.data.prepared_series.read_image_series", None)  # reading would now raise
    on_disk = FrameDataset(data, (16, 16), cache_dir=tmp_path / "cache")
    assert frames_of(on_disk) == frames_of(in_memory)
    for i in range(len(in_memory)):
        assert torch.equal(on_disk[i]["image"], in_memory[i]["image"])
    assert on_disk.series[0].fit == in_memory.series[0].fit
    np.testing.assert_array_equal(on_disk.series[0].affines, in_memory.series[0].affines)


def test_what_is_kept_on_disk_belongs_to_the_settings_and_to_the_files(tmp_path):
    (tmp_path / "clips").mkdir()
    data = find_image_series(write_clips(tmp_path / "clips", 1))

    def kept(size: tuple[int, int] = (16, 16), **options: object) -> torch.Tensor:
        return FrameDataset(data, size, cache_dir=tmp_path / "cache", **options)[0]["image"]

    first = kept()
    assert kept((8, 8)).shape == (1, 8, 8)
    assert kept(storage="uint8").dtype == torch.uint8
    assert not torch.equal(kept(region=(0, 0, 8, 8)), first)
    pixels = np.arange(240, dtype=np.float32).reshape(20, 12, 1, 1)
    nib.Nifti1Image(pixels, np.eye(4)).to_filename(data[0].files[0])
    os.utime(data[0].files[0], (1, 1))
    assert not torch.equal(kept(), first)


def test_a_broken_file_is_named_when_caching_on_disk_too(tmp_path):
    (tmp_path / "broken.png").write_bytes(b"nothing")
    with pytest.raises(InputError, match=r"broken\.png cannot be read"):
        FrameDataset(find_image_series(tmp_path), (16, 16), cache_dir=tmp_path / "cache")


def test_the_fingerprint_tells_other_frames_and_not_other_folders(tmp_path):
    folders = [tmp_path / name for name in "ab"]
    for folder in folders:
        folder.mkdir()
        write_clips(folder, 3, 3, 3)
    prints = [
        FrameDataset(find_image_series(folder), (16, 16), hold_out_every=every, held_out=held_out).fingerprint
        for folder, every, held_out in [(folders[0], None, False), (folders[0], 3, True), (folders[0], 3, False)]
    ]
    assert len(set(prints)) == 3
    assert FrameDataset(find_image_series(folders[1]), (8, 8)).fingerprint == prints[0]


@pytest.mark.parametrize("keep", [0, 100, 0.5, -10])
def test_half_a_file_in_the_cache_is_made_anew(tmp_path, keep):
    (tmp_path / "clips").mkdir()
    data = find_image_series(write_clips(tmp_path / "clips", 2))
    expected = FrameDataset(data, (16, 16), cache_dir=tmp_path / "cache")[1]["image"].clone()
    [cached] = (tmp_path / "cache").iterdir()
    content = cached.read_bytes()
    cached.write_bytes(content[: int(keep * len(content)) if isinstance(keep, float) else keep])
    for _ in range(2):
        assert torch.equal(FrameDataset(data, (16, 16), cache_dir=tmp_path / "cache")[1]["image"], expected)
    assert [file.name for file in (tmp_path / "cache").iterdir()] == [cached.name]


def test_series_that_another_data_set_has_are_not_read_again(tmp_path, monkeypatch):
    data = find_image_series(write_clips(tmp_path, 4, 3))
    train = FrameDataset(data, (16, 16), hold_out_every=5)
    monkeypatch.setattr("scripts.data.prepared_series.read_image_series", None)  # reading would now raise
    held_out = FrameDataset(data, (16, 16), hold_out_every=5, held_out=True, prepared=train)
    monkeypatch.undo()
    expected = FrameDataset(data, (16, 16), hold_out_every=5, held_out=True)
    assert frames_of(held_out) == frames_of(expected)
    assert torch.equal(held_out[0]["image"], expected[0]["image"])
