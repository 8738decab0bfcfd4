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

from pathlib import Path

import pytest

from label_app.download_names import name_by_content, name_of_file

ONE, OTHER = f"SHA256:{'0a' * 32}", f"SHA256:{'1b' * 32}"


@pytest.mark.parametrize(
    ("name", "file", "expected"),
    [
        ("run~0.dcm", "made.dcm", "run~0.dcm"),
        ("1.2.840.113", "1.2.840.113", "1.2.840.113.dcm"),
        ("Cine 4.5 mm", "00000.dcm", "Cine 4.5 mm.dcm"),
        ("cine.mhd", "made.mha", "cine.mha"),
        ("knee.nii.gz", "knee.nii.gz", "knee.nii.gz"),
    ],
)
def test_a_name_ends_as_the_file_does(name, file, expected):
    assert name_of_file(name, Path(file)) == expected


def test_images_of_one_name_are_told_apart_by_letters():
    """Two series of a server may have the same description; numbers would make slices of them."""
    one, other = (name_by_content("Cine", Path("00000.dcm"), checksum) for checksum in (ONE, OTHER))
    assert one != other and not any(letter.isdigit() for letter in one + other)


def test_a_name_is_one_on_every_system():
    name = name_by_content('T1 <3/4>: "a|b"?*' + "x" * 200, Path("a.png"), ONE)
    assert not set('<>:"/\\|?*') & set(name) and len(name) < 80 and name.endswith(".png")
