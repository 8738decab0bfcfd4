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

"""The frames of a data set that have landmarks, to train and to validate with."""

from __future__ import annotations

import logging
import os
from collections.abc import Sequence
from typing import Any

import numpy as np
import torch

from scripts.data.example_files import is_examples_csv
from scripts.data.frame_dataset import FrameDataset
from scripts.data.image_series import ImageSeries
from scripts.evaluation.labelled_frames import LabelledFrame, read_labelled_frames
from scripts.io.examples_csv import read_examples_csv
from scripts.io.input_error import InputError
from scripts.io.name_index import NameIndex, nearest_names
from scripts.io.unicode_form import composed_labels

__all__ = ["LandmarkDataset"]


class LandmarkDataset(FrameDataset):
    """Frames with known landmarks: an item has ``landmarks`` (L, 2) too, see :class:`scripts.data.FrameDataset`.

    Where a CSV file tells the landmarks, only the images that it names are read.

    Args:
        data: the series.
        image_size: spatial shape that the network takes, px.
        truth: file of known landmarks, see :func:`scripts.data.read_known_landmarks`.
        labels: the landmarks that are wanted, in this order; None for all that these frames have, by name.
        labelled_images: how many frames to take, drawn from those that have all landmarks; more frames of the same seed
            are the same ones and others. None takes every frame that has any landmark.
        seed: seed of the draw.
        options: as :class:`scripts.data.FrameDataset` takes them. Of a part that is not ``held_out`` each label must
            have a frame.

    Attributes:
        labels: the landmarks, in the order of the items' points.
        landmarks: (frames, L, 2), px of the network's image, index order; NaN where a landmark is not known.

    Raises:
        InputError: there is no truth, it is at fault, it has none of the landmarks, or too few frames have all of them.

    Example:
        >>> dataset = LandmarkDataset(series, (224, 224), truth="landmarks.csv", labelled_images=5)  # doctest: +SKIP
        >>> len(dataset), dataset.labels, tuple(dataset[0]["landmarks"].shape)  # doctest: +SKIP
        (5, ['carina', 'left apex'], (2, 2))
    """

    def __init__(
        self,
        data: Sequence[ImageSeries],
        image_size: Sequence[int],
        *,
        truth: str | os.PathLike[str] | None,
        labels: Sequence[str] | None = None,
        labelled_images: int | None = None,
        seed: int = 0,
        **options: Any,
    ) -> None:
        if truth is None:
            raise InputError("supervised training needs known landmarks; give --truth FILE")
        super().__init__(_named_series(data, truth), image_size, **options)
        labels = composed_labels(labels)
        labelled, notes = read_labelled_frames(truth, self, 1, labels, strict=True)
        for note in notes:
            logging.getLogger(type(self).__name__).info(note)
        found = {label for one in labelled for label in one.points}
        self.labels = sorted(found) if labels is None else labels
        missing = [label for label in self.labels if label not in found]
        if not found or (missing and not options.get("held_out")):
            part = "held-out images" if options.get("held_out") else "training images"
            raise InputError(
                f"{truth}: no landmark {', '.join(map(repr, missing)) or 'at all'} in the {part}; "
                f"{'they have ' + ', '.join(sorted(found)) if found else 'mark some, or give other images'}"
            )
        if labelled_images is not None:
            labelled = _draw(labelled, self.labels, labelled_images, seed, truth)
        points = {(one.frame.prepared.source, one.frame.index): one.points for one in labelled}
        kept = [(s, t) for s, t in self.items if (self.series[s].source, t) in points]
        self.items = kept
        self.landmarks = torch.stack([self._landmarks(s, points[self.series[s].source, t]) for s, t in kept])

    def __getitem__(self, index: int) -> dict[str, Any]:
        return {**super().__getitem__(index), "landmarks": self.landmarks[index]}

    def _landmarks(self, series: int, points: dict[str, torch.Tensor]) -> torch.Tensor:
        absent = torch.full((2,), torch.nan)
        return self.series[series].fit.to_network(torch.stack([points.get(label, absent) for label in self.labels]))


def _named_series(data: Sequence[ImageSeries], truth: str | os.PathLike[str]) -> Sequence[ImageSeries]:
    """The series that a file of landmarks may mean."""
    if not is_examples_csv(truth):
        return data
    names = {row.image: row.image for row in read_examples_csv(truth)}
    index = NameIndex(names)
    named = [one for one in data if any(index.find(name) for name in one.file_names)]
    if not named:
        first = next(iter(names))
        raise InputError(
            f"{truth}: it names no image of this part of the data set; it has {first} and must name images "
            f"by their paths in the data set's folder{nearest_names(first, [one.name for one in data])}"
        )
    return named


def _draw(
    labelled: list[LabelledFrame], labels: Sequence[str], number: int, seed: int, truth: str | os.PathLike[str]
) -> list[LabelledFrame]:
    whole = [one for one in labelled if all(label in one.points for label in labels)]
    if not 1 <= number <= len(whole):
        raise InputError(
            f"{truth}: {len(whole)} training images have all of the landmarks {', '.join(labels)}, and "
            f"{number} are wanted; set --labelled_images to 1 to {len(whole)}, or name fewer --labels"
        )
    # by name, so that the draw does not depend on the order of the file's rows
    whole.sort(key=lambda one: (one.frame.prepared.name, one.frame.index))
    order = np.random.default_rng(seed).permutation(len(whole))
    return [whole[i] for i in order[:number]]
