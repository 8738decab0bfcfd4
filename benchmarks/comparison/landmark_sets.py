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
"""Labelled images of many subjects, divided by patient, to find the landmarks of some in others."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np

from comparison.training_runs import BUNDLE
from scripts.data import FrameDataset, read_datalist
from scripts.data.datalist_file import write_datalist
from scripts.data.datalist_maker import make_datalist
from scripts.data.landmark_table import main as convert_table
from scripts.data.phantom import LANDMARKS, write_phantom
from scripts.evaluation.labelled_frames import LabelledFrame, LandmarkGroup, read_labelled_frames
from scripts.io.examples_csv import read_examples_csv

CHEST_LABELS = ("right_apex", "left_apex", "right_costophrenic_recess", "left_costophrenic_recess")
PATCH_OF_BORDER = 8  # px: images that are smaller than this are of no use


@dataclass(frozen=True)
class LandmarkSet:
    """Images, their landmarks and a data list.

    Attributes:
        name: what the table calls it.
        folder: where files that are made for it are kept.
        images: folder of the images.
        truth: landmarks, CSV.
        datalist: which patients train, validate and test.
        labels: landmarks that are judged.
        image_size: spatial shape that all methods get, px.
        most_candidates: images that examples are drawn from, of the training part.
        most_targets: images that landmarks are looked for in, of the test part.
        most_validation: images of the validation part, which settings are chosen by.
        seed: seed of the draws of images.
        config: of the bundle, for the network that the bundle's weights are of; None where there are no weights for it.
    """

    name: str
    folder: Path
    images: Path
    truth: Path
    datalist: Path
    labels: Sequence[str]
    image_size: tuple[int, int]
    most_candidates: int = 50
    most_targets: int = 150
    most_validation: int = 60
    seed: int = 0
    config: Path | None = None

    @property
    def training_settings(self) -> dict[str, Any]:
        """What each training on these images is told, as values of its config."""
        return {
            "dataset_dir": str(self.images),
            "datalist": str(self.datalist),
            "image_size": list(self.image_size),
        }

    @cached_property
    def group(self) -> LandmarkGroup:
        """Frames that give examples, and frames of the test part."""
        return LandmarkGroup(self.labelled("training", self.most_candidates), self.labelled("test", self.most_targets))

    @cached_property
    def validation_group(self) -> LandmarkGroup:
        """The same examples, and frames of the validation part: to choose settings by."""
        return LandmarkGroup(self.group.candidates, self.labelled("validation", self.most_validation))

    def labelled(self, part: str, most: int) -> list[LabelledFrame]:
        """Frames of a part that have all landmarks, one a patient, in the order of the draw."""
        random = np.random.RandomState(self.seed)
        series = read_datalist(self.datalist, self.images, part)
        with_truth = {row.image for row in read_examples_csv(self.truth)}
        known = [one for one in series if one.name in with_truth]
        by_patient = {one.patient or one.name: one for one in reversed(known)}
        patients = sorted(by_patient)
        drawn = [by_patient[patients[i]] for i in random.permutation(len(patients))]
        dataset = FrameDataset(drawn[: 2 * most], self.image_size)
        frames, _ = read_labelled_frames(self.truth, dataset, PATCH_OF_BORDER, self.labels)
        order = {one.name: i for i, one in enumerate(drawn)}
        frames.sort(key=lambda one: order[one.frame.prepared.name])
        return [one for one in frames if set(self.labels) <= set(one.points)][:most]

    def write_examples_list(self, candidates: Sequence[LabelledFrame]) -> Path:
        """A data list to train with these images alone, and to validate with those of :attr:`validation_group`."""
        content = json.loads(self.datalist.read_text(encoding="utf-8"))
        parts = {"training": candidates, "validation": self.validation_group.targets}
        for part, frames in parts.items():
            names = {one.frame.prepared.name for one in frames}
            content[part] = [one for one in content[part] if one["image"] in names]
        key = hashlib.sha256(json.dumps(content).encode()).hexdigest()[:12]
        path = self.folder / "lists" / f"{key}.json"
        write_datalist(path, content)
        return path


def phantom_set(folder: Path, subjects: tuple[int, int, int], image_size: tuple[int, int]) -> LandmarkSet:
    """One frame of each of many simulated subjects: so many to train, to validate and to test."""
    folder = folder.with_name(f"{folder.name}-{'-'.join(map(str, subjects))}")
    images, datalist = folder / "images", folder / "datalist.json"
    if not datalist.is_file():
        write_phantom(images, subjects=range(sum(subjects)), n_frames=1, progress=True)
        content = make_datalist(images, fractions=[one / sum(subjects) for one in subjects]).content
        write_datalist(datalist, content)
    return LandmarkSet("phantom subjects", folder, images, images / "tracks.csv", datalist, LANDMARKS, image_size)


def chest_set(folder: Path, data: Path, image_size: tuple[int, int]) -> LandmarkSet:
    """X-rays of children, with the data list's split of the bundle's preset."""
    images, truth, datalist = data / "images", folder / "landmarks.csv", folder / "datalist.json"
    folder.mkdir(parents=True, exist_ok=True)
    convert_table(["--table", str(data / "landmarks.csv"), "--image_column", "file", "--output", str(truth)])
    if not datalist.is_file():
        write_datalist(datalist, make_datalist(images, preset="kermany_pediatric").content)
    config = BUNDLE / "configs" / "data" / "chest_xray.json"
    return LandmarkSet("chest X-rays", folder, images, truth, datalist, CHEST_LABELS, image_size, config=config)
