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

"""Which images the weights saw in training: a list of hashes beside them, and a warning where they are judged."""

from __future__ import annotations

import argparse
import hashlib
import logging
import os
from collections.abc import Iterable, Sequence
from pathlib import Path

import torch
from tqdm import tqdm

from scripts.data.datalist_file import read_datalist
from scripts.data.image_series import ImageSeries, find_image_series
from scripts.evaluation.result import EvaluationResult, left_out
from scripts.io.atomic import atomic_path
from scripts.io.input_error import InputError, report_input_errors

__all__ = ["SeenImages", "hash_images"]


def hash_images(series: Iterable[ImageSeries]) -> dict[str, str]:
    """SHA-256 of each file's bytes, to the name of its image: the same file is known again under any name.

    Example:
        >>> hash_images(find_image_series("clips"))  # doctest: +SKIP
        {'9f86d081884c7d65...': 'patient_1/cine.nii.gz'}
    """
    return {hashlib.sha256(file.read_bytes()).hexdigest(): one.name for one in series for file in one.files}


class SeenImages:
    """Count the images to judge that are in a list of training images, and warn.

    Args:
        series: the images to judge.
        path: the list, a hash a line, as ``python -m scripts.evaluation.seen_images`` writes it; where there is no such
            file, nothing is known and nothing is told.

    Raises:
        InputError: the list cannot be read.

    Example:
        >>> SeenImages(series, "models/model.images.txt")(network).metrics  # doctest: +SKIP
        {'images': 941, 'seen_in_training': 0}
    """

    def __init__(self, series: Sequence[ImageSeries], path: str | os.PathLike[str]) -> None:
        self.total = len(series)
        self.seen: list[str] = []
        self.known = Path(path).is_file()
        if not self.known:
            return
        try:
            listed = set(Path(path).read_text(encoding="utf-8").split())
        except (OSError, UnicodeDecodeError) as error:
            raise InputError(f"the list of training images {path} cannot be read: {error}") from error
        by_hash = hash_images(series)
        self.seen = sorted({name for digest, name in by_hash.items() if digest in listed})
        for line in self.notes:
            logging.getLogger(type(self).__name__).warning(line)

    @property
    def notes(self) -> list[str]:
        """The warning, if there is one."""
        return left_out(
            self.seen, f"of {self.total} images were trained on, so the figures are better than on new ones"
        )

    def __call__(self, network: object, device: torch.device | str = "cpu") -> EvaluationResult:
        """What ``metrics.json`` and the report tell."""
        metrics = {"images": self.total, "seen_in_training": len(self.seen)} if self.known else {}
        return EvaluationResult("seen_images", metrics, notes=self.notes)


def main(arguments: Sequence[str] | None = None) -> None:
    """Write the list of the images that weights are trained on.

    Args:
        arguments: what follows the command; ``None`` takes it from ``sys.argv``.

    Raises:
        InputError: there are no such images, or the data list is at fault.
    """
    parser = argparse.ArgumentParser(
        prog="python -m scripts.evaluation.seen_images",
        description="Write a list of hashes of the images that weights are trained on. Put it beside the weights, as "
        "NAME.images.txt beside NAME.pt, and an evaluation warns of images that are in it.",
    )
    parser.add_argument("--dataset_dir", type=Path, action="append", required=True, help="images; may be given again")
    parser.add_argument("--datalist", type=Path, help="take its parts training and validation alone")
    parser.add_argument("--output", type=Path, required=True, help="such as output/models/model.images.txt")
    options = parser.parse_args(arguments)
    series: list[ImageSeries] = []
    for folder in options.dataset_dir:
        if options.datalist:
            series += [
                one for part in ("training", "validation") for one in read_datalist(options.datalist, folder, part)
            ]
        else:
            series += find_image_series(folder)
    hashes = sorted(hash_images(tqdm(series, desc="hashing", unit="image", disable=None)))
    with atomic_path(options.output) as temporary:
        temporary.write_text("\n".join(hashes) + "\n", encoding="utf-8")
    print(f"wrote {len(hashes)} hashes to {options.output}")


if __name__ == "__main__":
    report_input_errors()
    main()
