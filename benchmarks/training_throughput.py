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

"""Training speed: our pipeline against the network alone, and against a plain pipeline of MONAI's transforms.

Run it with ``make bench``, or by hand (see ``--help``). It prints a table and writes
``benchmarks/training_throughput.json``. Three sides, measured in turns in one run with the same
threads, network and batch:

- *limit*: training steps on one fixed batch that is on the device already: no pipeline can be faster;
- *bundle*: the trainer of ``configs/train.json``, with loading and augmentation, without handlers;
- *plain*: what one would write with MONAI's dictionary transforms: files are cached as read by ``CacheDataset``, and
  cropped, rotated, scaled and made noisy one sample after the other in the workers of a ``DataLoader``.

Images are those of ``--dataset_dir``, by default of ``$TMN_DATA``; without either, textures are made. Accuracy is not
measured here.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import resource
import statistics
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import monai
import numpy as np
import torch
from ignite.engine import Events
from monai.bundle import ConfigParser
from monai.data import CacheDataset, DataLoader
from monai.transforms import (
    Compose,
    EnsureChannelFirstd,
    LoadImaged,
    MapTransform,
    RandAdjustContrast,
    RandAffine,
    RandAffined,
    RandGaussianNoise,
    Randomizable,
    Resized,
    ScaleIntensityRangePercentilesd,
    SpatialCrop,
)
from PIL import Image

from scripts.data import find_image_series
from scripts.transforms import index_to_normalized

BUNDLE = Path(__file__).parents[1] / "bundle"


class RandPatchesd(MapTransform, Randomizable):
    """Cut patches at random places and change their look, with MONAI's own transforms, one patch after the other."""

    def __init__(self, keys: str, patch_size: int, patches: int) -> None:
        super().__init__(keys)
        self.patch_size, self.patches = patch_size, patches
        self.change = Compose(
            [
                RandAffine(prob=1.0, rotate_range=np.deg2rad(5), scale_range=(-0.1, 0.3), padding_mode="zeros"),
                RandAdjustContrast(prob=1.0, gamma=(0.5, 2.0)),
                RandGaussianNoise(prob=1.0, std=0.05),
            ]
        )

    def __call__(self, data: dict) -> dict:
        """An image's dictionary: the image, its patches (K, C, p, p) and their centres (K, 2), normalised."""
        image = data["image"]
        size, half = np.array(image.shape[1:]), self.patch_size // 2
        centers = np.stack([self.R.uniform(half, size - half).round() for _ in range(self.patches)])
        cut = [SpatialCrop(roi_center=center.astype(int), roi_size=[self.patch_size] * 2)(image) for center in centers]
        patches = torch.stack([self.change(patch).as_tensor() for patch in cut])
        center = index_to_normalized(torch.from_numpy(centers).float(), image.shape[1:])
        return {"image": image.as_tensor(), "patch": patches, "center": center}


def make_textures(folder: Path, count: int = 64, size: int = 512) -> Path:
    """Smooth random textures as 8-bit PNG files."""
    random = np.random.default_rng(0)
    for i in range(count):
        coarse = Image.fromarray(random.integers(0, 255, (32, 32), dtype=np.uint8))
        coarse.resize((size, size), Image.Resampling.BICUBIC).save(folder / f"texture_{i:03d}.png")
    return folder


def read_train_config(options: argparse.Namespace, dataset_dir: Path) -> ConfigParser:
    """``train.json`` for the benchmark's images, without handlers."""
    parser = ConfigParser()
    parser.read_config([str(BUNDLE / "configs" / name) for name in ["train.json", *options.configs]])
    parser["dataset_dir"] = str(dataset_dir)
    parser["series"] = find_image_series(dataset_dir)[: options.images]
    parser["image_size"] = [options.image_size] * 2
    for name in ("patch_size", "patches_per_image", "batch_size", "amp"):
        parser[name] = getattr(options, name)
    parser["device"] = torch.device(options.device)
    parser["train#trainer#train_handlers"] = []
    parser["steps_per_epoch"] = options.steps
    parser["max_epochs"] = options.rounds + 1
    return parser


class Side:
    """One side of the comparison: it can be run for some steps, and remembers how long each run took."""

    def __init__(self, run: Callable[[int], float]) -> None:
        self.run = run
        self.seconds_a_step: list[float] = []

    def measure(self, steps: int) -> None:
        """Run for some steps, and note the seconds."""
        self.seconds_a_step.append(self.run(steps) / steps)


def synchronize(device: torch.device) -> float:
    """The time when the device has done all its work."""
    if device.type == "cuda":
        torch.cuda.synchronize(device)
    return time.perf_counter()


def training_step(parser: ConfigParser) -> Callable[[torch.Tensor, torch.Tensor, torch.Tensor], None]:
    """Forward, backward and update with the config's network, loss and optimizer, as the trainer does."""
    network, loss, optimizer, amp, device = (
        parser.get_parsed_content(name) for name in ("network", "loss", "optimizer", "amp", "device")
    )
    scaler = torch.GradScaler(device.type, enabled=amp)

    def step(image: torch.Tensor, patch: torch.Tensor, center: torch.Tensor) -> None:
        optimizer.zero_grad()
        with torch.autocast(device.type, torch.bfloat16, enabled=amp):
            value = loss(network(image, patch=patch, heatmap=True), center)
        scaler.scale(value).backward()
        scaler.step(optimizer)
        scaler.update()

    network.train()
    return step


def limit_side(parser: ConfigParser, step: Callable) -> Side:
    """Steps on one batch of the bundle's own."""
    device = parser.get_parsed_content("device")
    batch = next(iter(parser.get_parsed_content("train#dataloader")))
    image, center, _, inputs = parser.get_parsed_content("train#prepare_batch")(batch, device)

    def run(steps: int) -> float:
        start = synchronize(device)
        for _ in range(steps):
            step(image, inputs["patch"], center)
        return synchronize(device) - start

    return Side(run)


def bundle_side(parser: ConfigParser) -> Side:
    """Steps of the bundle's trainer."""
    trainer = parser.get_parsed_content("train#trainer")
    ends: list[float] = []

    def run(steps: int) -> float:
        # one epoch more each time; the clock starts after the first step, when the loader's threads run
        ends.clear()
        trainer.state.max_epochs = trainer.state.epoch + 1
        trainer.run()
        return (ends[-1] - ends[0]) / (len(ends) - 1) * steps

    @trainer.on(Events.ITERATION_COMPLETED)
    def _note() -> None:
        if len(ends) == 0 or trainer.state.iteration % trainer.state.epoch_length == 0:
            ends.append(synchronize(trainer.state.device))
        else:
            ends.append(time.perf_counter())

    return Side(run)


def plain_side(parser: ConfigParser, step: Callable, options: argparse.Namespace) -> Side:
    """Steps on batches of a pipeline of MONAI's dictionary transforms."""
    device = parser.get_parsed_content("device")
    transforms = Compose(
        [
            LoadImaged("image", reader="PILReader", converter=lambda picture: picture.convert("L")),
            EnsureChannelFirstd("image"),
            ScaleIntensityRangePercentilesd("image", 0.5, 99.5, 0, 1, clip=True),
            Resized("image", [options.image_size] * 2),
            RandAffined("image", prob=1.0, rotate_range=np.deg2rad(10), scale_range=(-0.2, 0.2), padding_mode="zeros"),
            RandPatchesd("image", options.patch_size, options.patches_per_image),
        ]
    )
    files = [{"image": str(series.files[0])} for series in parser.get_parsed_content("series")]
    dataset = CacheDataset(files, transforms, num_workers=4, progress=False)
    loader = DataLoader(
        dataset, batch_size=options.batch_size, shuffle=True, drop_last=True, num_workers=options.workers
    )

    def endless() -> Iterator[dict]:
        while True:
            yield from loader

    def run(steps: int) -> float:
        # workers of this turn only: they would go on to prefetch in the turns of the others
        batches = endless()
        next(batches)
        start = synchronize(device)
        for _ in range(steps):
            batch = next(batches)
            image, patch, center = (batch[name].to(device) for name in ("image", "patch", "center"))
            step(image, patch.flatten(0, 1), center.flatten(0, 1))
        seconds = synchronize(device) - start
        batches.close()
        return seconds

    return Side(run)


def measure(options: argparse.Namespace, dataset_dir: Path) -> dict:
    """All sides, in turns."""
    torch.set_num_threads(options.threads)
    parser = read_train_config(options, dataset_dir)
    if len(parser["series"]) < options.batch_size or options.steps < 2:
        raise SystemExit(f"give at least {options.batch_size} images (one batch), and at least 2 --steps")
    step = training_step(parser)
    sides = {
        "limit": limit_side(parser, step),
        "bundle": bundle_side(parser),
        "plain": plain_side(parser, step, options),
    }
    for number in range(options.rounds + 1):
        for side in sides.values():
            side.measure(options.steps)
            if number == 0:
                side.seconds_a_step.clear()  # the first round warms up
    medians = {name: statistics.median(side.seconds_a_step) for name, side in sides.items()}
    rows = {
        name: {
            "ms_a_step": round(1000 * seconds, 1),
            "images_a_second": round(options.batch_size / seconds, 1),
            "patches_a_second": round(options.batch_size * options.patches_per_image / seconds, 1),
        }
        for name, seconds in medians.items()
    }
    device = torch.device(options.device)
    cuda = device.type == "cuda"
    return {
        "settings": {name: value for name, value in vars(options).items() if name not in ("output", "dataset_dir")},
        "device": torch.cuda.get_device_name(device) if cuda else f"CPU, {options.threads} threads",
        "versions": {"torch": torch.__version__, "monai": monai.__version__, "python": platform.python_version()},
        "rows": rows,
        "bundle/limit": round(medians["limit"] / medians["bundle"], 3),
        "bundle/plain": round(medians["plain"] / medians["bundle"], 2),
        "peak_memory_mb": {
            "process": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024,
            "largest_worker_of_plain": resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss // 1024,
            **({"device": torch.cuda.max_memory_allocated(device) // 2**20} if cuda else {}),
        },
    }


def read_options() -> argparse.Namespace:
    """The command line's."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    data = os.environ.get("TMN_DATA")
    parser.add_argument("--dataset_dir", type=Path, default=data, help="images (default: $TMN_DATA, else textures)")
    parser.add_argument("--images", type=int, default=256, help="use so many of them at most (default: 256)")
    parser.add_argument("--configs", nargs="*", default=[], help="configs to merge, such as encoder/resnet50.json")
    parser.add_argument("--device", default="cuda:0" if torch.cuda.is_available() else "cpu")
    parser.add_argument("--amp", action="store_true", help="bfloat16 (GPU)")
    parser.add_argument("--image_size", type=int, default=224)
    parser.add_argument("--patch_size", type=int, default=96)
    parser.add_argument("--patches_per_image", type=int, default=12)
    parser.add_argument("--batch_size", type=int, default=12)
    parser.add_argument("--steps", type=int, default=10, help="steps a turn (default: 10)")
    parser.add_argument("--rounds", type=int, default=7, help="turns of each side; the medians count (default: 7)")
    parser.add_argument("--threads", type=int, default=2, help="threads of torch (default: 2)")
    parser.add_argument("--workers", type=int, default=os.cpu_count(), help="workers of the plain pipeline")
    parser.add_argument("--output", type=Path, default=Path(__file__).with_suffix(".json"), help="JSON file to write")
    return parser.parse_args()


def main() -> None:
    """Measure, print and write."""
    options = read_options()
    with tempfile.TemporaryDirectory() as folder:
        result = measure(options, options.dataset_dir or make_textures(Path(folder)))
    print(f"{result['device']}, {result['versions']}")
    columns = list(next(iter(result["rows"].values())))
    print("  ".join(f"{name:>18}" for name in ["", *columns]))
    for name, row in result["rows"].items():
        print("  ".join(f"{value!s:>18}" for value in [name, *row.values()]))
    print(f"bundle / limit: {result['bundle/limit']}; bundle / plain: {result['bundle/plain']}")
    print(f"peak memory, MB: {result['peak_memory_mb']}")
    options.output.write_text(json.dumps(result, indent=2) + "\n")


if __name__ == "__main__":
    main()
