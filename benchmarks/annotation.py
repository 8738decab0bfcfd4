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
"""Measure how the error falls with the number of images that somebody labels, by the strategy that chooses them.

Run it in the environment of the MONAI Label app, on images whose landmarks are known, with weights trained on others::

    PYTHONPATH=bundle:bundle/label_app python benchmarks/annotation.py --images DIR --datalist datalist.json \
        --truth landmarks.csv --ckpt_path model.pt --set image_size "[112,112]" --set patch_size 40 --set patch_zoom 1

It prints a table and writes ``benchmarks/annotation.json`` and a figure. With a data list, images are those of its part
``test``, one a patient. Three in five of them are offered to the annotator, the others never: they are *unseen*. The
annotator is asked for one image after the other and sets all of its landmarks where the truth has them; all others
are found from these. Errors are the mean Euclidean distance from the truth, px of the original images, of two kinds:

- of the images that are offered and *not yet labelled*: those that were chosen are gone, so that a strategy gains by
  choosing hard ones;
- of the unseen images, which are the same for all.

The first image is that of the strategy ``diversity``; ``random`` chooses it too, with several seeds, whose mean and
range are shown. The images themselves are not changed: the app works on links to them in a temporary folder.
"""

from __future__ import annotations

import argparse
import json
import math
import tempfile
import time
from collections import defaultdict
from collections.abc import Sequence
from pathlib import Path
from statistics import fmean

import torch
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from label_app.label_file import LabelPoint
from label_app.landmark_app import LandmarkApp
from label_app.landmark_datastore import LandmarkDatastore
from label_app.strategies.image_strategy import evenly_drawn
from scripts.data import find_image_series, read_datalist
from scripts.data.image_series import ImageSeries
from scripts.io.atomic import atomic_path
from scripts.io.examples_csv import read_examples_csv
from scripts.visualize.learning_curve import dress, series_style

STRATEGIES = ("coverage", "diversity", "sigma", "disagreement", "cyclic", "random")
OFFERED = 3  # of five images

Truth = dict[str, list[LabelPoint]]


class CachedApp(LandmarkApp):
    """The app, with all images kept in memory."""

    def init_datastore(self) -> LandmarkDatastore:
        """As of the app."""
        return LandmarkDatastore(self.studies, self.finder.prepare, cached_images=10_000)


def read_truth(path: Path, labels: Sequence[str]) -> Truth:
    """The landmarks of each image that has all that are wanted; without ``labels`` all that it has."""
    truth: Truth = defaultdict(list)
    for row in read_examples_csv(path):
        if not labels or row.label in labels:
            truth[row.image].append(LabelPoint(row.label, row.frame, row.x, row.y))
    return {image: points for image, points in truth.items() if set(labels) <= {one.label for one in points}}


def choose_images(options: argparse.Namespace, truth: Truth) -> list[ImageSeries]:
    """Images with a truth, one a patient where patients are told."""
    test = read_datalist(options.datalist, options.images, "test") if options.datalist else None
    series = [one for one in test or find_image_series(options.images) if one.name in truth]
    by_patient = {one.patient or one.name: one for one in reversed(series)}
    return evenly_drawn(sorted(by_patient.values(), key=lambda one: one.name), options.most_images)


def link(series: Sequence[ImageSeries], images: Path, folder: Path) -> None:
    """Put links to images into a folder, under their names."""
    for one in series:
        for file in one.files:
            place = folder / Path(file).resolve().relative_to(images.resolve())
            place.parent.mkdir(parents=True, exist_ok=True)
            place.symlink_to(Path(file).resolve())


def mean_error(app: LandmarkApp, store: LandmarkDatastore, images: Sequence[str], truth: Truth) -> float:
    """Mean distance from the truth, px of the original images; a landmark that is not found does not count."""
    bank, distances = app.memory.bank(), []
    for image_id in images:
        image = store.prepared(image_id)
        wanted = {(one.label, one.frame): one for one in truth[image.name]}
        for frame in {one.frame for one in wanted.values()}:
            for found in app.finder.find(image, frame or 0, bank):
                true = wanted.get((found.point.label, found.point.frame))
                if true is not None:
                    distances.append(math.hypot(found.point.x - true.x, found.point.y - true.y))
    return fmean(distances) if distances else math.nan


def annotate(
    app: LandmarkApp, unseen: LandmarkDatastore, truth: Truth, strategy: str, seed: int, rounds: int
) -> list[dict]:
    """The errors after each image that is labelled."""
    store, rows = app.datastore(), []
    for image_id in store.get_labeled_images():
        store.remove_label(image_id, "final")
    for count in range(1, rounds + 1):
        asked = strategy if count > 1 or strategy == "random" else "diversity"
        chosen = app.next_sample({"strategy": asked, "seed": 1000 * seed + count})
        if not chosen:
            break
        store.replace_label(chosen["id"], truth[store.series(chosen["id"]).name])
        rows.append(
            {
                "labelled": count,
                "image": chosen["id"],
                "by": chosen["strategy"],
                "not_yet_labelled_px": mean_error(app, store, store.get_unlabeled_images(), truth),
                "unseen_px": mean_error(app, unseen, unseen.list_images(), truth),
            }
        )
    return rows


def summarize(runs: Sequence[Sequence[dict]], key: str) -> list[tuple[float, float, float]]:
    """Mean, smallest and largest of some runs, for each number of labelled images."""
    return [
        (fmean(values), min(values), max(values))
        for values in (tuple(row[key] for row in step) for step in zip(*runs, strict=False))
    ]


def draw(runs: dict[str, list[list[dict]]], path: Path) -> None:
    """Both errors against the number of labelled images."""
    figure = Figure(figsize=(9, 3.8), layout="constrained")
    axes = figure.subplots(1, 2, sharey=True)
    panels = (("not_yet_labelled_px", "images not yet labelled"), ("unseen_px", "images that are never offered"))
    for axis, (key, title) in zip(axes, panels, strict=True):
        for i, (name, group) in enumerate(runs.items()):
            mean, low, high = zip(*summarize(group, key), strict=True)
            counts = range(1, len(mean) + 1)
            style = {**series_style(i), "markersize": 3.5, "linewidth": 1.2}
            axis.plot(counts, mean, label=name, **style)
            if len(group) > 1:
                axis.fill_between(counts, low, high, color=style["color"], alpha=0.16, linewidth=0)
        axis.set(title=title, xlabel="labelled images", ylim=(0, None))
        axis.xaxis.set_major_locator(MaxNLocator(integer=True))
        dress(axis, "")
    axes[0].set_ylabel("mean error (px)")
    axes[1].legend(frameon=False, ncols=2)
    with atomic_path(path) as temporary:
        figure.savefig(temporary, dpi=110)


def parse_arguments() -> argparse.Namespace:
    """The command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--images", type=Path, required=True, help="folder of images")
    parser.add_argument("--truth", type=Path, required=True, help="CSV file image,frame,label,x,y")
    parser.add_argument("--ckpt_path", type=Path, required=True, help="weights that were trained on other images")
    parser.add_argument("--datalist", type=Path, help="data list whose part 'test' is used")
    parser.add_argument("--config_file", action="append", default=[], help="config that was merged in training; repeat")
    parser.add_argument("--set", nargs=2, action="append", default=[], metavar=("NAME", "VALUE"), help="config value")
    parser.add_argument("--labels", nargs="*", default=[], help="landmarks that are used (default: all)")
    parser.add_argument("--strategies", nargs="*", default=STRATEGIES, help="which are measured (default: all)")
    parser.add_argument("--most_images", type=int, default=200, help="images that are used (default: 200)")
    parser.add_argument("--rounds", type=int, default=15, help="images that are labelled (default: 15)")
    parser.add_argument("--seeds", type=int, default=5, help="runs of 'random' (default: 5)")
    parser.add_argument("--output", type=Path, default=Path(__file__).with_suffix(".json"), help="JSON file to write")
    parser.add_argument("--figure", type=Path, default=Path(__file__).with_suffix(".png"), help="PNG file to write")
    return parser.parse_args()


def main() -> None:
    """Measure, print, write and draw."""
    options = parse_arguments()
    torch.set_num_threads(1)
    truth = read_truth(options.truth, options.labels)
    series = choose_images(options, truth)
    conf = {"ckpt_path": str(options.ckpt_path), "config_file": ",".join(options.config_file), **dict(options.set)}
    begin = time.perf_counter()
    with tempfile.TemporaryDirectory() as folder:
        offered, unseen = Path(folder) / "offered", Path(folder) / "unseen"
        link([one for i, one in enumerate(series) if i % 5 < OFFERED], options.images, offered)
        link([one for i, one in enumerate(series) if i % 5 >= OFFERED], options.images, unseen)
        app = CachedApp("label_app", str(offered), conf)
        app.finder.cached_codes = 10_000
        store = LandmarkDatastore(unseen, app.finder.prepare, cached_images=10_000)
        counts = len(app.datastore().list_images()), len(store.list_images())
        runs = {
            name: [
                annotate(app, store, truth, name, seed, options.rounds)
                for seed in range(options.seeds if name == "random" else 1)
            ]
            for name in options.strategies
        }
    print(f"{counts[0]} images offered, {counts[1]} unseen, took {time.perf_counter() - begin:.0f} s")
    for key in ("not_yet_labelled_px", "unseen_px"):
        print(f"\n{key:>20}" + "".join(f"{name:>14}" for name in runs))
        columns = [[mean for mean, _, _ in summarize(group, key)] for group in runs.values()]
        for count, row in enumerate(zip(*columns, strict=False), start=1):
            print(f"{count:>20}" + "".join(f"{value:>14.1f}" for value in row))
    settings = {"labels": options.labels, "set": dict(options.set), "offered": counts[0], "unseen": counts[1]}
    with atomic_path(options.output) as temporary:
        temporary.write_text(json.dumps({**settings, "runs": runs}, indent=1) + "\n")
    draw(runs, options.figure)


if __name__ == "__main__":
    main()
