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
"""Tests of finding files whose names are written in another Unicode form on disk."""

from __future__ import annotations

import unicodedata
from pathlib import Path

import pytest

from scripts.io.input_error import InputError
from scripts.io.named_file import find_file, nearest_files

NFC, NFD = (unicodedata.normalize(form, "Röntgen") for form in ("NFC", "NFD"))


def write(path: Path) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.touch()
    return path


@pytest.mark.parametrize(("there", "written"), [(NFC, NFD), (NFD, NFC), (NFC, NFC)])
def test_files_and_folders_are_found_in_either_form(tmp_path, there, written):
    file = write(tmp_path / there / "p1" / f"{there}.png")
    near = [tmp_path / "elsewhere", tmp_path]
    assert find_file(f"{written}/p1/{written}.png", near) == file
    assert find_file(tmp_path / written / "p1" / f"{written}.png", ["."]) == file
    assert find_file(f"{written}/../{written}/p1", near).samefile(file.parent)
    assert find_file(f"{written}/p2/{written}.png", near) is None


def test_the_very_name_counts_first_and_what_is_left_in_doubt_is_refused(tmp_path):
    name = f"{NFC} {NFC}.png"
    twice, mixed = unicodedata.normalize("NFD", name), f"{NFC} {NFD}.png"
    files = {one: write(tmp_path / one) for one in (name, twice)}
    assert len(files) == len(list(tmp_path.iterdir())) == 2
    assert {find_file(one, [tmp_path]) for one in files} == set(files.values())
    with pytest.raises(InputError, match="is the name of 2 files, which differ in Unicode only"):
        find_file(mixed, [tmp_path])


def test_the_nearest_files_are_those_beside_it(tmp_path):
    for name in ("f1.dcm", "f2.dcm", "notes.txt", ".hidden"):
        write(tmp_path / name)
    assert nearest_files(tmp_path / "f3.dcm") == "; the nearest names are 'f1.dcm', 'f2.dcm'"
    assert nearest_files(tmp_path / "gone" / "f3.dcm") == "; there is none"
