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

"""Side by side: the template matching network and what people would use instead, on the same images.

In a few minutes, on images that the command makes itself, with small networks that are trained for a short time::

    PYTHONPATH=bundle python benchmarks/landmarks.py --small --output_dir comparison

Without ``--small`` more subjects are judged, and real images are taken too: from the folder that the environment
variable ``TMN_DATA`` names (``cxr_pediatric/`` with ``images/`` and ``landmarks.csv``, ``cardiac_cine/dicom/``), and
MOLLI from ``pip install --no-deps mdreg==0.4.4``. What is not there is left out, which is said. What was trained is
kept in the output folder and found again.

Two questions are asked, in px of the original images:

- *tracking*: landmarks of a series' first frame in all others: simulated subjects with exact tracks, clean and with
  hard cases; real frames under known smooth fields; and, where nothing is known, there and back (the cyclic error);
- *other subjects*: landmarks of 1, 5, 20 and (X-rays) 50 images in those of other patients. Learning rates are chosen
  by the validation part of the patients; errors are of the test part.

It writes ``landmarks.json``, ``landmarks.md`` and figures to the output folder.
"""

from __future__ import annotations

import argparse
import os
import platform
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import cv2
import monai
import torch
from comparison.landmark_sets import chest_set, phantom_set
from comparison.report import write_report
from comparison.settings import FULL, SMALL, ComparisonSettings
from comparison.subject_comparison import SubjectComparison
from comparison.tracking_cases import write_molli
from comparison.tracking_comparison import HARD_CASES, compare_on_phantom, compare_on_real
from comparison.training_runs import TrainingRuns

from scripts.io import InputError, report_input_errors


class Comparison:
    """All that is compared, in one folder.

    Args:
        options: of the command line.
    """

    def __init__(self, options: argparse.Namespace) -> None:
        self.options = options
        self.settings: ComparisonSettings = SMALL if options.small else FULL
        self.folder: Path = options.output_dir
        self.runs = TrainingRuns(self.folder / "trained")
        self.rows: list[dict[str, Any]] = []
        self.curves: dict[str, Any] = {}
        self.tried: dict[str, Any] = {}
        self.seconds: dict[str, float] = {}

    def run(self) -> None:
        """Compare on all that is wanted and there, and write after each."""
        parts: dict[str, Callable[[], None]] = {
            "phantom": self._phantom,
            "hard": self._hard_cases,
            "molli": self._molli,
            "cine": self._cine,
            "subjects": self._phantom_subjects,
            "chest": self._chest,
        }
        for name in self.options.data or self.settings.data:
            begin = time.perf_counter()
            try:
                parts[name]()
            except InputError as error:
                print(f"{name} is left out: {error}", flush=True)
                continue
            self.seconds[name] = round(time.perf_counter() - begin)
            write_report(self.folder, self.rows, self._about(), self.curves)

    def _phantom(self) -> None:
        self._track(["clean"])

    def _hard_cases(self) -> None:
        self._track(HARD_CASES)

    def _track(self, cases: Sequence[str]) -> None:
        settings = self.settings.phantom
        untrained = self.options.untrained
        self.rows += compare_on_phantom(
            self.folder, self.runs, settings, self.options.threads, cases, untrained=untrained
        )

    def _molli(self) -> None:
        images = self.folder / "molli"
        if not images.is_dir():
            write_molli(images)
        self._track_real("MOLLI", images)

    def _cine(self) -> None:
        self._track_real("cardiac cine", data_folder() / "cardiac_cine" / "dicom")

    def _track_real(self, name: str, images: Path) -> None:
        options = self.options
        self.rows += compare_on_real(name, images, self.runs, self.settings.real, options.threads, options.seed)

    def _phantom_subjects(self) -> None:
        data = phantom_set(self.folder / "phantom", self.settings.phantom_subjects, self.settings.phantom_size)
        self._find_in_others(SubjectComparison(data, self.runs, self.settings.subjects, *self._threads_and_seed()))

    def _chest(self) -> None:
        data = chest_set(self.folder / "chest", data_folder() / "cxr_pediatric", self.settings.chest_size)
        self._find_in_others(SubjectComparison(data, self.runs, self.settings.chest, *self._threads_and_seed()))

    def _find_in_others(self, comparison: SubjectComparison) -> None:
        if self.options.untrained:
            comparison.run_untrained()
        else:
            comparison.run()
        name = comparison.data.name
        self.rows += comparison.rows
        self.curves[name] = comparison.curves
        self.tried[name] = comparison.baselines.tried

    def _threads_and_seed(self) -> tuple[int, int]:
        return self.options.threads, self.options.seed

    def _about(self) -> dict[str, Any]:
        versions = {"python": platform.python_version(), "torch": torch.__version__, "monai": monai.__version__}
        return {
            "threads": self.options.threads,
            "seed": self.options.seed,
            "versions": versions,
            "seconds": self.seconds,
            "learning_rates_tried": self.tried,
            "settings": self.settings,
        }


def data_folder() -> Path:
    """The folder of the real images.

    Raises:
        InputError: there is none.
    """
    folder = os.environ.get("TMN_DATA")
    if not folder or not Path(folder).is_dir():
        raise InputError("the environment variable TMN_DATA names no folder of real images")
    return Path(folder)


def parse_arguments(arguments: Sequence[str] | None = None) -> argparse.Namespace:
    """The command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--small", action="store_true", help="simulated subjects only, 13 minutes on 2 cores")
    parser.add_argument("--data", nargs="*", choices=FULL.data, help="what to compare on (default: all; see --small)")
    parser.add_argument(
        "--untrained", action="store_true", help="only what needs no training, and shipped weights; not for real series"
    )
    parser.add_argument("--output_dir", type=Path, default=Path("comparison"), help="folder for all that is written")
    parser.add_argument("--threads", type=int, default=2, help="threads of each method (default: 2)")
    parser.add_argument("--seed", type=int, default=0, help="seed of drawn frames, fields and examples (default: 0)")
    return parser.parse_args(arguments)


def main(arguments: Sequence[str] | None = None) -> None:
    """Compare, print and write."""
    options = parse_arguments(arguments)
    torch.set_num_threads(options.threads)
    cv2.setNumThreads(options.threads)
    options.output_dir.mkdir(parents=True, exist_ok=True)
    comparison = Comparison(options)
    comparison.run()
    if not comparison.rows:
        raise InputError("there was nothing to compare on; see what was left out above")
    print((options.output_dir / "landmarks.md").read_text())


if __name__ == "__main__":
    report_input_errors()
    main()
