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

"""Which frames the cyclic error goes between."""

from __future__ import annotations

import logging
import os
from collections import defaultdict
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from itertools import groupby

import numpy as np
import torch
from tqdm import tqdm

from scripts.classical.ncc import NCCMatcher
from scripts.data.prepared_series import PreparedSeries
from scripts.evaluation.frames import Frame, draw_some
from scripts.evaluation.result import left_out
from scripts.io.input_error import InputError
from scripts.io.name_index import NameIndex, nearest_names
from scripts.io.pairs_csv import read_pairs_csv
from scripts.metrics.cyclic_error import match_points
from scripts.transforms.patch import extract_patches

__all__ = ["KeyFrame", "cross_subject_pairs", "given_pairs", "motion_extremes", "within_subject_pairs"]


@dataclass(frozen=True)
class KeyFrame:
    """A source frame and the frames that its patches are looked for in.

    Example:
        >>> KeyFrame(source, [target]).targets == [target]  # doctest: +SKIP
        True
    """

    source: Frame
    targets: list[Frame]


def motion_extremes(
    prepared: PreparedSeries, patch_size: int, indices: Sequence[int] | None = None, most_frames: int = 60
) -> tuple[int, int]:
    """The frames of a series that lie furthest apart in its main motion: end-expiration and end-inspiration.

    A coarse grid of patches is followed with cross-correlation, not with the network that is judged. The first
    principal component of their displacements is the motion's signal. Breathing rests at the end of expiration, so of
    the two extremes the one that is nearer the signal's median is the first.

    Args:
        prepared: the series, of two frames or more.
        patch_size: side of the patches, px of the network's image.
        indices: the frames that may be taken; None for all.
        most_frames: where there are more, so many are looked at, evenly spread.

    Returns:
        Index of the resting frame and of the other extreme; twice the same where nothing moves.

    Example:
        >>> motion_extremes(prepared, 32)  # doctest: +SKIP
        (12, 3)
    """
    taken = np.arange(prepared.length) if indices is None else np.asarray(indices)
    frames = taken[np.unique(np.linspace(0, len(taken) - 1, min(most_frames, len(taken))).round().astype(int))]
    first, fit = prepared.image(int(frames[0])), prepared.fit
    shape = first.shape[2:]
    axes = [
        offset + torch.linspace(0.2, 0.8, 5) * (size - 1) for offset, size in zip(fit.offset, fit.scaled, strict=True)
    ]
    points = torch.stack(torch.meshgrid(*axes, indexing="ij"), dim=-1).flatten(0, 1)
    patches = extract_patches(first, points, patch_size)
    found = torch.stack([match_points(NCCMatcher(), prepared.image(int(t)), patches, shape) for t in frames])
    # a lookalike at the other side of the image is no motion
    moved = (found - points).clamp(-patch_size, patch_size).flatten(1)
    moved = moved - moved.mean(dim=0)
    signal = moved @ torch.linalg.svd(moved, full_matrices=False).Vh[0]
    median = signal.quantile(0.5)
    low, high = int(signal.argmin()), int(signal.argmax())
    rest, other = (low, high) if median - signal[low] <= signal[high] - median else (high, low)
    return int(frames[rest]), int(frames[other])


def within_subject_pairs(
    frames: list[Frame], number: int, patch_size: int, random: np.random.RandomState
) -> tuple[list[KeyFrame], list[str]]:
    """One pair a series, from rest to the other extreme of its motion (Frueh et al. 2022, section III-B).

    Args:
        frames: the frames that may be taken.
        number: number of series, drawn at random.
        patch_size: side of the patches that the motion is found with, px of the network's image.
        random: what draws.

    Returns:
        The pairs, and lines that name what was left out.
    """
    by_source: dict[str, list[Frame]] = defaultdict(list)
    for frame in frames:
        by_source[frame.prepared.source].append(frame)
    series = [group for group in by_source.values() if len(group) > 1]
    notes = left_out(
        [group[0].prepared.name for group in by_source.values() if len(group) == 1],
        "series of one image, which have no pair within the subject",
    )
    keys, still = [], []
    for group in tqdm(draw_some(series, number, random), desc="finding motion", unit="series", disable=None):
        prepared = group[0].prepared
        rest, other = motion_extremes(prepared, patch_size, [frame.index for frame in group])
        if rest == other:
            still.append(prepared.name)
        else:
            keys.append(KeyFrame(Frame(prepared, rest), [Frame(prepared, other)]))
    return keys, notes + left_out(still, "series in which nothing moves, so without a pair")


def cross_subject_pairs(
    frames: list[Frame], number: int, targets: int, random: np.random.RandomState
) -> tuple[list[KeyFrame], list[str]]:
    """Key frames, each with targets of other patients drawn at random (Frueh et al. 2022, section III-B).

    Args:
        frames: the frames that may be taken.
        number: number of key frames.
        targets: number of targets of each.
        random: what draws.

    Returns:
        The key frames, and lines that name what was left out.
    """
    keys, alone = [], []
    for source in draw_some(frames, number, random):
        others = [frame for frame in frames if frame.patient != source.patient]
        if others:
            keys.append(KeyFrame(source, draw_some(others, targets, random)))
        else:
            alone.append(source.name)
    notes = left_out(alone, "key images without an image of another patient")
    few = [key.source.name for key in keys if len(key.targets) < targets]
    return keys, notes + left_out(few, f"key images with fewer than {targets} images of other patients")


def given_pairs(path: str | os.PathLike[str], frames: list[Frame], unusable: Collection[str] = ()) -> list[KeyFrame]:
    """The pairs of a table, those of one source together.

    Args:
        path: CSV file, see :func:`scripts.io.read_pairs_csv`; images are named as in the data set.
        frames: the frames that may be taken.
        unusable: names of images that cannot be used, whose pairs are left out.

    Raises:
        InputError: no pair is left, the file is at fault, or an image or frame is not among the frames.
    """
    known: dict[str, dict[int, Frame]] = defaultdict(dict)
    for one in frames:
        known[one.prepared.name][one.index] = one
    index = NameIndex(known)

    def find(image: str, frame: int, line: int) -> Frame:
        found = (index.find(image) or {}).get(frame)
        if found is None:
            raise InputError(
                f"{path}, line {line}: frame {frame} of {image} is not in the data set, or too small for a patch; "
                "name images by their paths relative to the data set's folder, and count frames from 0"
                f"{'' if index.find(image) else nearest_names(image, known)}"
            )
        return found

    bad = NameIndex({name: name for name in unusable})
    rows = read_pairs_csv(path)
    left = [row for row in rows if not (bad.find(row.source_image) or bad.find(row.target_image))]
    if len(left) < len(rows):
        text = f"{path}: {len(rows) - len(left)} of {len(rows)} pairs are of images that cannot be used"
        if not left:
            raise InputError(f"{text}; name others")
        logging.getLogger("CyclicMatching").warning("%s, and are left out", text)
    pairs = [
        (find(row.source_image, row.source_frame, row.line), find(row.target_image, row.target_frame, row.line))
        for row in left
    ]
    pairs.sort(key=lambda pair: (pair[0].prepared.name, pair[0].index))
    together = groupby(pairs, key=lambda pair: (pair[0].prepared.name, pair[0].index))
    return [_key_frame(list(group)) for _, group in together]


def _key_frame(pairs: list[tuple[Frame, Frame]]) -> KeyFrame:
    return KeyFrame(pairs[0][0], [target for _, target in pairs])
