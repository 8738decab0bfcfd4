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
"""Tests of finding paths by their ends."""

from __future__ import annotations

import unicodedata

from scripts.data.path_index import PathIndex

NFC, NFD = (unicodedata.normalize(form, "Röntgen.png") for form in ("NFC", "NFD"))


def test_a_path_is_meant_before_the_same_ending_below():
    index = PathIndex(["a.png", "p1/a.png", "p2/b.png", "p1/x/b.png"])
    assert index.find("a.png") == ["a.png"]
    assert index.find("p1/a.png") == ["p1/a.png"]
    assert index.find("b.png") == ["p2/b.png", "p1/x/b.png"]
    assert index.find("x/b.png") == ["p1/x/b.png"]
    assert index.find("1/a.png") == index.find("c.png") == []


def test_other_unicode_forms_are_the_same_name_where_the_very_one_is_not_there():
    for there, written in ((NFC, NFD), (NFD, NFC)):
        assert PathIndex([f"p1/{there}", "a.png"]).find(written) == [f"p1/{there}"]
    both = PathIndex([f"p1/{NFC}", f"p1/{NFD}"])
    assert both.find(f"p1/{NFD}") == both.find(NFD) == [f"p1/{NFD}"]
    assert PathIndex([f"p1/{NFC}", f"p2/{NFC}"]).find(NFD) == [f"p1/{NFC}", f"p2/{NFC}"]
