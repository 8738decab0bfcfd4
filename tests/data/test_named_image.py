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
from dataclasses import dataclass
from pathlib import Path

import pytest

from scripts.data.named_image import find_named_image, world_suffix
from scripts.io.input_error import InputError


@dataclass(frozen=True)
class Image:
    name: str


def find(path: str, *names: str, whole: bool = False) -> str | None:
    found = find_named_image(Path(path), [Image(name) for name in names], whole_name=whole)
    return None if found is None else found.name


@pytest.mark.parametrize("whole", [False, True])
@pytest.mark.parametrize(
    "path",
    [
        *("sub/clip.nii.gz.mrk.json", "/any/sub/clip.nii.gz.MRK.json", "sub/clip.nii.gz.fcsv", "sub/clip.fcsv"),
        *("sub/clip.mrk.json", "sub/clip.nii.gz.json", "markups/sub/clip.nii.gz/valve.mrk.json"),
    ],
)
def test_the_whole_name_is_always_enough(path, whole):
    assert find(path, "other/clip.nii.gz", "sub/clip.nii.gz", "sub/clip2.png", whole=whole) == "sub/clip.nii.gz"


@pytest.mark.parametrize(
    "path", ["clip.nii.gz.mrk.json", "b/clip.nii.gz.fcsv", "clip.fcsv", "clip.nii.gz/valve.mrk.json"]
)
def test_the_name_of_the_file_is_enough_unless_the_image_may_not_be_there(path):
    assert find(path, "a/clip.nii.gz", "a/other.nii.gz") == "a/clip.nii.gz"
    assert find(path, "a/clip.nii.gz", "a/other.nii.gz", whole=True) is None
    with pytest.raises(InputError, match=r"named after 2 images \(a/clip\.nii\.gz, c/clip\.nii\.gz\).*markups/a/clip"):
        find(path, "a/clip.nii.gz", "c/clip.nii.gz")


def test_deeper_folders_go_first():
    assert find("x/sub/clip.png.fcsv", "clip.png", "sub/clip.png") == "sub/clip.png"
    assert find("x/other/clip.png.fcsv", "clip.png", "sub/clip.png") == "clip.png"


def test_the_file_goes_before_its_folder():
    assert find("a.png/b.png.fcsv", "a.png", "b.png") == "b.png"
    assert find("a.png/tip.fcsv", "a.png", "b.png") == "a.png"


def test_a_folder_that_is_called_like_an_image_without_suffix_means_nothing():
    assert find("data/tip.fcsv", "data.png") is None


def test_names_that_are_the_same_but_for_the_suffix():
    assert find("clip.png.fcsv", "clip.png", "clip.dcm") == "clip.png"
    with pytest.raises(InputError, match="named after 2 images"):
        find("clip.fcsv", "clip.png", "clip.dcm", whole=True)


def test_suffixes():
    assert [world_suffix(Path(f"clip.nii.gz{one}")) for one in (".mrk.json", ".json", ".fcsv", ".MRK.JSON")] == [
        *(".mrk.json", ".json", ".fcsv", ".MRK.JSON")
    ]
    assert world_suffix(Path("points")) == ""


def test_other_unicode_forms_are_the_same_name_where_the_very_one_is_not_there():
    one, other = (unicodedata.normalize(form, "Müller/clip.png") for form in ("NFC", "NFD"))
    for there, written in ((one, other), (other, one)):
        assert find(f"markups/{written}.mrk.json", there, "clip.png", whole=True) == there
        assert find(f"markups/{written}/valve.mrk.json", there, "clip.png", whole=True) == there
        assert find(f"markups/{written}.fcsv", there, written) == written
