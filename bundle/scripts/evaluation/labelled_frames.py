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

"""The frames of a data set whose landmarks are known."""

from __future__ import annotations

import math
import os
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch

from scripts.data.example_images import ExamplePoint
from scripts.data.frame_dataset import FrameDataset
from scripts.data.known_landmarks import read_known_landmarks
from scripts.evaluation.frames import Frame, draw_some, usable_frames
from scripts.evaluation.result import left_out
from scripts.io.input_error import InputError
from scripts.io.name_index import nearest_names
from scripts.io.unicode_form import composed_labels

__all__ = ["LabelledFrame", "LandmarkGroup", "given_groups", "read_labelled_frames", "split_groups"]


@dataclass(frozen=True)
class LabelledFrame:
    """A frame and where its landmarks are.

    Attributes:
        frame: the frame.
        points: label to position (2,), px of the original image; a landmark that is absent is not in it.
    """

    frame: Frame
    points: dict[str, torch.Tensor]


@dataclass(frozen=True)
class LandmarkGroup:
    """Frames that examples are drawn from, and other frames that the landmarks are looked for in."""

    candidates: list[LabelledFrame]
    targets: list[LabelledFrame]


def read_labelled_frames(
    path: str | os.PathLike[str],
    dataset: FrameDataset,
    patch_size: int,
    labels: Sequence[str] | None = None,
    *,
    strict: bool = False,
) -> tuple[list[LabelledFrame], list[str]]:
    """Read the landmarks that are known in the images of a data set.

    Args:
        path: file of known landmarks, see :func:`scripts.data.read_known_landmarks`.
        dataset: the data set; landmarks of other images are passed over.
        patch_size: side of the patches, px of the network's image; smaller images are left out.
        labels: the landmarks that are wanted, None for all.
        strict: refuse Markups, FCSV or a report with no landmark in any image of the data set.

    Returns:
        The frames with at least one landmark, and lines that name what was left out.

    Raises:
        InputError: the file is at fault, or marks a landmark of a frame twice; with ``strict``, see there.
    """
    frames, notes = usable_frames(dataset, patch_size)
    known = {(frame.prepared.name, frame.index): frame for frame in frames}
    points: dict[tuple[str, int], dict[str, torch.Tensor]] = defaultdict(dict)
    outside, nowhere = [], []
    lengths = {one.name: one.length for one in dataset.series}
    rows, labels = read_known_landmarks(path, dataset.series), composed_labels(labels)
    if strict and not rows:
        raise InputError(
            f"{path}: it has no landmark in any image of the data set. Name a Markups or FCSV file after the path of "
            f"its image there, such as {dataset.series[0].name}.mrk.json; give a report of images in the data set."
        )
    for row in rows:
        key = (row.image, row.frame or 0)
        if key[1] >= lengths.get(row.image, math.inf):
            nowhere.append(f"{row.label} in {row.image}, frame {row.frame}")
        if key not in known or (labels is not None and row.label not in labels):
            continue
        if row.label in points[key]:
            raise InputError(
                f"{path}, {row.unit} {row.line}: {row.label!r} is marked twice in {known[key].name}; keep one of them"
            )
        point = torch.tensor([row.x, row.y])
        if known[key].prepared.fit.contains(point):
            points[key][row.label] = point
        else:
            outside.append(f"{row.label} in {known[key].name}")
    labelled = [LabelledFrame(known[key], marks) for key, marks in points.items() if marks]
    bare = [frame.name for key, frame in known.items() if not points.get(key)]
    notes += left_out(nowhere, "landmarks left out, marked in frames that do not exist")
    notes += left_out(outside, "landmarks left out, marked outside of their images")
    notes += left_out(bare, "images without any landmark in the table")
    if rows and not any(row.image in lengths for row in rows):
        nearest = nearest_names(rows[0].image, lengths)
        notes.append(f"no image of {path} is in the data set, such as {rows[0].image!r} of its first row{nearest}")
    return labelled, notes


def split_groups(
    labelled: list[LabelledFrame], subjects: str, images: int, examples: int, random: np.random.RandomState
) -> tuple[list[LandmarkGroup], str, list[str]]:
    """Divide frames into those that give examples and those that are judged.

    Within a subject, each series gives examples for its own other frames. Across subjects one half of the patients
    gives examples for the other half, so no patient is looked for with their own example.

    Args:
        labelled: the frames.
        subjects: ``within``, ``cross``, or ``auto`` for ``within`` where a series has two labelled frames or more.
        images: most target frames, of each series or of all patients.
        examples: most frames to draw examples from, likewise.
        random: what draws.

    Returns:
        The groups, the choice of subjects, and lines that name what was left out.
    """
    by_series: dict[str, list[LabelledFrame]] = defaultdict(list)
    by_patient: dict[str, list[LabelledFrame]] = defaultdict(list)
    for one in labelled:
        by_series[one.frame.prepared.source].append(one)
        by_patient[one.frame.patient].append(one)
    if subjects == "auto":
        subjects = "within" if any(len(group) > 1 for group in by_series.values()) else "cross"
    if subjects == "within":
        alone = [group[0].frame.prepared.name for group in by_series.values() if len(group) == 1]
        notes = left_out(alone, "series with one labelled frame, which leaves no other frame to judge")
        halves = [_halves([[one] for one in group], random) for group in by_series.values() if len(group) > 1]
    else:
        notes = []
        halves = [_halves(list(by_patient.values()), random)] if len(by_patient) > 1 else []
        if len(by_patient) == 1:
            notes.append("landmarks of one patient only, so no other patient to find them in")
    groups = [LandmarkGroup(draw_some(a, examples, random), draw_some(b, images, random)) for a, b in halves]
    return groups, subjects, notes


def given_groups(
    labelled: list[LabelledFrame],
    examples: Sequence[ExamplePoint],
    subjects: str,
    images: int,
    random: np.random.RandomState,
) -> tuple[list[LandmarkGroup], str, list[str]]:
    """The frames of given examples, and those that are judged with them.

    Args:
        labelled: the frames with known landmarks.
        examples: the examples; they need not lie in the data set.
        subjects: ``within`` for a series' own other frames, ``cross`` for frames of other patients, ``auto`` for
            ``within`` where an example's series has another labelled frame.
        images: most target frames, of each series or of all patients.
        random: what draws.

    Returns:
        As :func:`split_groups`.
    """
    points: dict[tuple[str, int, int], dict[str, torch.Tensor]] = defaultdict(dict)
    frames: dict[tuple[str, int], Frame] = {}
    for example in examples:
        key = (example.prepared.source, example.frame)
        frames[key] = Frame(example.prepared, example.frame)
        # a second mark of a landmark on a frame is an example of its own
        times = 0
        while example.label in points[*key, times]:
            times += 1
        points[*key, times][example.label] = example.point
    candidates = [LabelledFrame(frames[key[:2]], marks) for key, marks in points.items()]
    others = [one for one in labelled if (one.frame.prepared.source, one.frame.index) not in frames]
    sources = list(dict.fromkeys(source for source, _ in frames))
    own = {source: [one for one in others if one.frame.prepared.source == source] for source in sources}
    if subjects == "auto":
        subjects = "within" if any(own.values()) else "cross"
    if subjects == "within":
        alone = list(dict.fromkeys(frames[key].prepared.name for key in frames if not own[key[0]]))
        notes = left_out(alone, "series with examples but no other labelled frame to judge")
        groups = [
            LandmarkGroup([one for one in candidates if one.frame.prepared.source == source], targets)
            for source, targets in own.items()
            if targets
        ]
    else:
        patients = {one.frame.patient for one in candidates}
        targets = [one for one in others if one.frame.patient not in patients]
        notes = [] if targets else ["no labelled image of a patient without an example"]
        groups = [LandmarkGroup(candidates, targets)] if targets else []
    return [LandmarkGroup(one.candidates, draw_some(one.targets, images, random)) for one in groups], subjects, notes


def _halves(
    parts: list[list[LabelledFrame]], random: np.random.RandomState
) -> tuple[list[LabelledFrame], list[LabelledFrame]]:
    order = random.permutation(len(parts))
    middle = len(parts) // 2
    first, second = ([one for i in half for one in parts[i]] for half in (order[:middle], order[middle:]))
    return first, second
