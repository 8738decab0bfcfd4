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

"""Dividing images into parts so that no patient is in two of them."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping, Sequence
from fractions import Fraction

from scripts.data.image_series import ImageSeries
from scripts.io.input_error import InputError
from scripts.io.unicode_form import composed

__all__ = ["PARTS", "divide_series", "part_sizes", "split_patients"]

PARTS = ("training", "validation", "test")


def divide_series(
    patients: Mapping[ImageSeries, str], fractions: Sequence[float] = (0.6, 0.2, 0.2), seed: int = 0
) -> dict[str, list[tuple[ImageSeries, int]]]:
    """Divide series by patient.

    The result depends on the names of the series, on their patients and on the seed; on nothing else, such as the
    order in which they come or the folder in which they lie.

    Args:
        patients: a key of the patient for each series.
        fractions: share of the patients for training, validation and test.
        seed: another seed gives another split.

    Returns:
        For each part its series in the order of their names, each with the number of its patient. Numbers run from 1
        in the order of the names, so that they tell nothing of the key.

    Raises:
        InputError: see :func:`part_sizes`.

    Example:
        >>> series = {ImageSeries(f"p{i}.png", (), "raster"): f"p{i}" for i in range(5)}
        >>> {part: len(divided) for part, divided in divide_series(series).items()}
        {'training': 3, 'validation': 1, 'test': 1}
    """
    keys = {one: composed(key) for one, key in patients.items()}
    part_of = split_patients(keys.values(), fractions, seed)
    numbers: dict[str, int] = {}
    divided: dict[str, list[tuple[ImageSeries, int]]] = {part: [] for part in PARTS}
    for series in sorted(patients, key=lambda one: composed(one.name)):
        key = keys[series]
        divided[part_of[key]].append((series, numbers.setdefault(key, len(numbers) + 1)))
    return divided


def split_patients(keys: Iterable[str], fractions: Sequence[float], seed: int) -> dict[str, str]:
    """Tell the part of each patient.

    Args:
        keys: the patients; a key may come several times.
        fractions: share of the patients for training, validation and test.
        seed: another seed gives another split.

    Raises:
        InputError: see :func:`part_sizes`.

    Example:
        >>> sorted(split_patients(["a", "b", "c"], (0.6, 0.2, 0.2), seed=0).values())
        ['test', 'training', 'validation']
    """
    # a hash, not a random generator: its order is the same on every machine and in every version of Python and NumPy
    ordered = sorted(set(keys), key=lambda key: hashlib.sha256(f"{seed}:{key}".encode()).digest())
    sizes = part_sizes(len(ordered), fractions)
    parts = [part for part, size in zip(PARTS, sizes, strict=True) for _ in range(size)]
    return dict(zip(ordered, parts, strict=True))


def part_sizes(count: int, fractions: Sequence[float]) -> tuple[int, ...]:
    """Tell how many of ``count`` patients go into each part: largest remainders, and at least one for each part.

    A part whose fraction is 0 stays empty.

    Raises:
        InputError: the fractions are not three numbers from 0 that add up to 1, or there are fewer patients than
            parts.

    Example:
        >>> part_sizes(9, (0.6, 0.2, 0.2)), part_sizes(4, (0.9, 0.05, 0.05)), part_sizes(4, (0.5, 0.5, 0.0))
        ((5, 2, 2), (2, 1, 1), (2, 2, 0))
    """
    # nan fails both comparisons
    if len(fractions) != len(PARTS) or not all(f >= 0 for f in fractions) or not abs(sum(fractions) - 1) < 1e-6:
        raise InputError(
            f"fractions are {', '.join(f'{f:g}' for f in fractions)}; give three numbers from 0 that add up to 1, "
            f"for {', '.join(PARTS)}, such as 0.6,0.2,0.2"
        )
    wanted = sum(f > 0 for f in fractions)
    if count < wanted:
        remedy = {0: "", 1: " or leave parts empty with --fractions 1,0,0"}
        raise InputError(
            f"{count} patient{'' if count == 1 else 's'} cannot fill {wanted} parts; give images of more patients"
            + remedy.get(count, " or leave a part empty with --fractions 0.5,0.5,0")
        )
    # decimal fractions exactly: 0.7 * 10 is 7, not 6.999
    exact = [Fraction(str(float(f))) for f in fractions]
    quotas = [count * f / sum(exact) for f in exact]
    sizes = [int(quota) for quota in quotas]
    by_remainder = sorted(range(len(sizes)), key=lambda i: sizes[i] - quotas[i])  # the earlier part wins a draw
    for i in by_remainder[: count - sum(sizes)]:
        sizes[i] += 1
    for i, f in enumerate(fractions):
        if f > 0 and sizes[i] == 0:
            sizes[sizes.index(max(sizes))] -= 1
            sizes[i] = 1
    return tuple(sizes)
