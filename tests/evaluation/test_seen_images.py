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
"""Tests of the list of training images, against hashes of hashlib's own."""

from __future__ import annotations

import hashlib
import shutil
from pathlib import Path

import pytest

from scripts.data import find_image_series
from scripts.data.datalist_file import write_datalist
from scripts.evaluation import SeenImages
from scripts.evaluation.seen_images import main
from scripts.io import InputError


@pytest.fixture
def images(tmp_path: Path, write_clip) -> Path:
    for i in range(4):
        write_clip(tmp_path / "images" / f"{i}.nii", [(0, 0)], seed=i)
    return tmp_path / "images"


def test_all_images_of_a_folder_are_listed(images, tmp_path, capsys):
    main(["--dataset_dir", str(images), "--output", str(tmp_path / "model.images.txt")])
    expected = {hashlib.sha256(file.read_bytes()).hexdigest() for file in images.iterdir()}
    assert set((tmp_path / "model.images.txt").read_text().split()) == expected
    assert "wrote 4 hashes" in capsys.readouterr().out


def test_of_a_data_list_those_that_train_and_validate(images, tmp_path):
    parts = {"training": ["0.nii"], "validation": ["1.nii"], "test": ["2.nii", "3.nii"]}
    content = {part: [{"image": name, "patient": name} for name in names] for part, names in parts.items()}
    write_datalist(tmp_path / "list.json", {"name": "test", **content})
    output = tmp_path / "model.images.txt"
    main(["--dataset_dir", str(images), "--datalist", str(tmp_path / "list.json"), "--output", str(output)])
    assert set(output.read_text().split()) == {
        hashlib.sha256((images / name).read_bytes()).hexdigest() for name in ("0.nii", "1.nii")
    }


def test_an_image_that_was_trained_on_is_known_again_under_another_name(images, tmp_path, caplog):
    main(["--dataset_dir", str(images / "1.nii"), "--output", str(tmp_path / "model.images.txt")])
    (tmp_path / "other").mkdir()
    shutil.copy(images / "1.nii", tmp_path / "other" / "renamed.nii")
    shutil.copy(images / "2.nii", tmp_path / "other" / "new.nii")
    seen = SeenImages(find_image_series(tmp_path / "other"), tmp_path / "model.images.txt")
    warning = "1 of 2 images were trained on, so the figures are better than on new ones: renamed.nii"
    assert caplog.messages == [warning]
    result = seen(None)
    assert result.metrics == {"images": 2, "seen_in_training": 1}
    assert result.notes == [warning]


def test_nothing_is_told_of_new_images_or_without_a_list(images, tmp_path, caplog):
    main(["--dataset_dir", str(images / "1.nii"), "--output", str(tmp_path / "model.images.txt")])
    others = [one for one in find_image_series(images) if one.name != "1.nii"]
    assert SeenImages(others, tmp_path / "model.images.txt")(None).metrics == {"images": 3, "seen_in_training": 0}
    assert SeenImages(others, tmp_path / "none.txt")(None).metrics == {}
    assert caplog.messages == []


def test_a_list_that_is_no_text_is_refused(images, tmp_path):
    (tmp_path / "model.images.txt").write_bytes(b"\xff\xfe\x00")
    with pytest.raises(InputError, match=r"model\.images\.txt cannot be read"):
        SeenImages(find_image_series(images), tmp_path / "model.images.txt")
