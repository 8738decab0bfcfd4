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
"""Tests of finding names in other Unicode forms, and of the nearest names of one that is not there."""

from __future__ import annotations

import unicodedata

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from scripts.io.input_error import InputError
from scripts.io.name_index import NameIndex, nearest_names

NFC, NFD = (unicodedata.normalize(form, "Müller Å.png") for form in ("NFC", "NFD"))


def test_a_name_is_found_in_either_form():
    assert NFC != NFD
    for there, written in ((NFC, NFD), (NFD, NFC), (NFD, NFD)):
        assert NameIndex({there: 1, "b.png": 2}).find(written) == 1
    assert NameIndex({NFC: 1}).find("Muller A.png") is None


def test_of_two_that_look_the_same_the_written_one_counts():
    index = NameIndex({NFC: 1, NFD: 2})
    assert (index.find(NFC), index.find(NFD)) == (1, 2)
    mixed = "Müller " + unicodedata.normalize("NFD", "Å.png")
    with pytest.raises(InputError, match=r"is the name of 2 files, which differ in Unicode only .*u\\u0308.*rename"):
        index.find(mixed)


@given(st.lists(st.text(), unique_by=lambda name: unicodedata.normalize("NFC", name)))
def test_any_name_is_found_in_any_form(names):
    index = NameIndex({name: number for number, name in enumerate(names)})
    for number, name in enumerate(names):
        for form in ("NFC", "NFD"):
            assert index.find(unicodedata.normalize(form, name)) == number


NAMES = ["patient_1/sa/IM0001.dcm", "patient_1/sa/IM0021.dcm", "patient_2/knee.png", "patient_3/Knee left.PNG"]


@pytest.mark.parametrize(
    ("name", "first"),
    [
        ("patient_1/sa/IM0002.dcm", "patient_1/sa/IM0001.dcm"),
        ("IM0021.dcm", "patient_1/sa/IM0021.dcm"),  # a folder is missing
        ("KNEE.PNG", "patient_2/knee.png"),
        ("kne.png", "patient_2/knee.png"),
        ("else/where/knee left.png", "patient_3/Knee left.PNG"),
    ],
)
def test_the_nearest_name_comes_first(name, first):
    assert nearest_names(name, NAMES).startswith(("; the nearest names are", "; the nearest name is"))
    assert nearest_names(name, NAMES).split("'")[1] == first


def test_where_nothing_is_near_a_name_is_shown_all_the_same():
    assert nearest_names("x", NAMES) == f"; a name there is {NAMES[0]!r}"
    assert nearest_names("x", []) == "; there is none"


@given(st.text(), st.lists(st.text(min_size=1), max_size=8))
def test_no_more_than_three_and_each_once(name, names):
    assume("'" not in "".join([name, *names]) and '"' not in "".join([name, *names]))
    shown = nearest_names(name, names).split("'")[1::2]
    assert len(shown) <= 3 and len(set(shown)) == len(shown)
