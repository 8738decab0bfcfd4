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
"""Properties of the split by patient, for any patients, fractions and seed."""

from __future__ import annotations

import math
import random
import unicodedata

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from scripts.data.image_series import ImageSeries
from scripts.data.patient_split import PARTS, divide_series, part_sizes, split_patients
from scripts.io.input_error import InputError

FRACTIONS = [(0.6, 0.2, 0.2), (0.8, 0.1, 0.1), (1.0, 0.0, 0.0), (0.5, 0.0, 0.5), (0.98, 0.01, 0.01), (1 / 3,) * 3]
# one key for each series, so that many series share few patients
OWNERS = st.lists(st.integers(0, 12).map("id {}".format), min_size=30, max_size=60).filter(lambda k: len(set(k)) >= 3)
SPLITS = {"owners": OWNERS, "fractions": st.sampled_from(FRACTIONS), "seed": st.integers()}


def made(owners: list[str]) -> dict[ImageSeries, str]:
    return {ImageSeries(f"{i:02d}.png", (), "raster"): owner for i, owner in enumerate(owners)}


@settings(max_examples=50, deadline=None)
@given(**SPLITS)
def test_no_patient_is_in_two_parts_and_no_image_is_lost_or_doubled(owners, fractions, seed):
    patients = made(owners)
    divided = divide_series(patients, fractions, seed)
    assert tuple(divided) == PARTS
    by_part = [{patients[one] for one, _ in divided[part]} for part in PARTS]
    assert sum(map(len, by_part)) == len(set.union(*by_part)) == len(set(owners))
    assert sorted(one.name for part in PARTS for one, _ in divided[part]) == [one.name for one in patients]


@settings(max_examples=50, deadline=None)
@given(**SPLITS)
def test_the_parts_have_their_share_of_the_patients(owners, fractions, seed):
    count = len(set(owners))
    divided = divide_series(made(owners), fractions, seed)
    sizes = [len({number for _, number in divided[part]}) for part in PARTS]
    assert sizes == list(part_sizes(count, fractions))
    for size, fraction in zip(sizes, fractions, strict=True):
        assert (size == 0) == (fraction == 0)
    if all(f == 0 or f * count >= 1 for f in fractions):  # none had to be topped up
        assert all(abs(size - f * count) < 1 + 1e-9 for size, f in zip(sizes, fractions, strict=True))


@settings(max_examples=50, deadline=None)
@given(**SPLITS, shuffle=st.randoms(use_true_random=False))
def test_the_order_of_the_images_does_not_matter_and_the_seed_decides(owners, fractions, seed, shuffle: random.Random):
    patients = made(owners)
    permuted = list(patients.items())
    shuffle.shuffle(permuted)
    assert divide_series(dict(permuted), fractions, seed) == divide_series(patients, fractions, seed)


@settings(max_examples=50, deadline=None)
@given(**SPLITS)
def test_numbers_tell_patients_apart_and_run_from_one(owners, fractions, seed):
    patients = made(owners)
    number_of: dict[str, set[int]] = {}
    for members in divide_series(patients, fractions, seed).values():
        for one, number in members:
            number_of.setdefault(patients[one], set()).add(number)
    assert sorted(number for numbers in number_of.values() for number in numbers) == [*range(1, len(set(owners)) + 1)]


def test_another_seed_gives_another_split():
    keys = [f"p{i}" for i in range(30)]
    splits = [tuple(sorted(split_patients(keys, (0.6, 0.2, 0.2), seed).items())) for seed in range(5)]
    assert len(set(splits)) == 5


def test_the_split_is_the_same_in_all_versions():
    parts = split_patients("abcdefgh", (0.5, 0.25, 0.25), seed=0)
    joined = {part: "".join(sorted(key for key in parts if parts[key] == part)) for part in PARTS}
    # the order of: printf 0:a | sha256sum, and so on
    assert joined == {"training": "dfgh", "validation": "ac", "test": "be"}


@pytest.mark.parametrize(
    ("count", "fractions", "sizes"),
    [
        (10, (0.6, 0.2, 0.2), (6, 2, 2)),
        (8, (0.6, 0.2, 0.2), (5, 2, 1)),  # 4.8, 1.6, 1.6: the earlier part wins the draw
        (3, (0.98, 0.01, 0.01), (1, 1, 1)),
        (100, (0.98, 0.01, 0.01), (98, 1, 1)),
        (2, (0.5, 0.5, 0.0), (1, 1, 0)),
        (1, (1.0, 0.0, 0.0), (1, 0, 0)),
        (10, (0.7, 0.2, 0.1), (7, 2, 1)),
    ],
)
def test_sizes(count, fractions, sizes):
    assert part_sizes(count, fractions) == sizes


@pytest.mark.parametrize(
    ("count", "remedy"),
    [(0, "give images of more patients$"), (1, "--fractions 1,0,0$"), (2, "--fractions 0.5,0.5,0$")],
)
def test_too_few_patients_are_refused_with_a_remedy(count, remedy):
    with pytest.raises(InputError, match=rf"^{count} patients? cannot fill 3 parts; .*{remedy}"):
        part_sizes(count, (0.6, 0.2, 0.2))


@pytest.mark.parametrize("fractions", [(0.6, 0.2), (0.6, 0.2, 0.1), (1.2, -0.1, -0.1), (math.nan,) * 3, (60, 20, 20)])
def test_fractions_that_are_none_are_refused(fractions):
    with pytest.raises(InputError, match="give three numbers from 0 that add up to 1"):
        part_sizes(10, fractions)


def test_a_patient_in_two_unicode_forms_is_one_and_the_split_is_that_of_either():
    names = ["Müller", "Jörg", "Åse", "Zoë", "Anna"]
    forms = [[unicodedata.normalize(form, name) for name in names] for form in ("NFC", "NFD")]
    both = divide_series(made(forms[0] + forms[1]))
    assert max(number for items in both.values() for _, number in items) == len(names)
    assert divide_series(made(forms[0])) == divide_series(made(forms[1]))
