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

"""The cyclic error of every second pixel of an image: in batches, as the bundle does it, against a plain loop.

Run it with ``PYTHONPATH=bundle python benchmarks/cyclic.py``. It prints a table and writes ``benchmarks/cyclic.json``.
A round trip is one pixel's patch, matched in one target and back (Frueh et al. 2022, eq. 4). All sides have the same
threads, network and images, in float32 (no TF32 on a GPU):

- *naive*: the definition, word for word: each patch is sent with its image through the whole network, out and back,
  one pair at a time. It is far too slow for all pixels, so it is run on a random sample of them, with 2 targets;
- *batched, sample*: ``scripts.metrics.cyclic_error`` on the same sample and targets. The benchmark fails if it differs
  from *naive* by more than 0.0001 px;
- *batched, all*: ``cyclic_error`` on all pixels and all targets, once: the full evaluation of one image.

Images are smooth random textures, targets are the source moved and made noisy. Run it on an idle machine: a busy one
slows the many small steps of the naive loop most, and flatters the ratio. Accuracy is not measured here.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import resource
import statistics
import time
from collections.abc import Callable
from pathlib import Path

import torch
import torch.nn.functional as F

from scripts.io import report_input_errors
from scripts.metrics import cyclic_error, grid_points
from scripts.networks import CorrelationHead, TemplateMatchingNetwork, build_encoder, load_weights
from scripts.transforms import extract_patches, normalized_to_index

SAMPLE_TARGETS = 2
TOLERANCE_PX = 1e-4
SHIFT_PX = 12
NOISE = 0.02


def make_images(size: int, targets: int) -> tuple[torch.Tensor, torch.Tensor]:
    """A source (1, 1, size, size) in [0, 1], and targets (targets, 1, size, size): moved by some px, with noise."""
    whole = size + 2 * SHIFT_PX
    octaves = [
        F.interpolate(torch.rand(1, 1, cells, cells), size=(whole, whole), mode="bicubic", align_corners=False) / weight
        for weight, cells in enumerate((8, 24, 64), start=1)
    ]
    texture = sum(octaves)
    texture = (texture - texture.min()) / (texture.max() - texture.min())

    def crop(top: int, left: int) -> torch.Tensor:
        return texture[..., top : top + size, left : left + size]

    corners = torch.randint(0, 2 * SHIFT_PX + 1, (targets, 2)).tolist()
    moved = torch.cat([crop(*corner) for corner in corners])
    return crop(SHIFT_PX, SHIFT_PX).clone(), (moved + NOISE * torch.randn_like(moved)).clamp(0, 1)


def make_network(weights: Path | None) -> TemplateMatchingNetwork:
    """The default network, in evaluation mode."""
    encoders = build_encoder("residual"), build_encoder("residual", zoom=2)
    network = TemplateMatchingNetwork(*encoders, CorrelationHead(*encoders)).eval()
    if weights is not None:
        load_weights(network, weights)
    return network.to(memory_format=torch.channels_last)


def naive_match(
    network: torch.nn.Module, cut_from: torch.Tensor, point: torch.Tensor, image: torch.Tensor, patch_size: int
) -> torch.Tensor:
    """Where the patch around one point (1, 2) of an image lies in another one, (1, 2), px."""
    patch = extract_patches(cut_from, point, patch_size)
    mean, _ = network(image, patch).chunk(2, dim=1)
    return normalized_to_index(mean, image.shape[2:])


def naive_cyclic_error(
    network: torch.nn.Module, source: torch.Tensor, targets: torch.Tensor, points: torch.Tensor, patch_size: int
) -> torch.Tensor:
    """Equation 4 as it reads, (targets, points), px: nothing is kept from one pair for the next."""
    errors = torch.zeros(len(targets), len(points), device=points.device)
    for i, target in enumerate(targets.split(1)):
        for j, point in enumerate(points.split(1)):
            found = naive_match(network, source, point, target, patch_size)
            returned = naive_match(network, target, found, source, patch_size)
            errors[i, j] = (returned - point).norm()
    return errors


def synchronize(device: torch.device) -> None:
    """Wait until the device has done all its work."""
    if device.type == "cuda":
        torch.cuda.synchronize(device)


def timed(work: Callable[[], torch.Tensor], device: torch.device) -> tuple[torch.Tensor, float]:
    """What the work returns, and its wall time in seconds."""
    synchronize(device)
    start = time.perf_counter()
    result = work()
    synchronize(device)
    return result, time.perf_counter() - start


def median_timed(work: Callable[[], torch.Tensor], device: torch.device, repeats: int) -> tuple[torch.Tensor, float]:
    """What the work returns, and the median of its wall time, after one call to warm up."""
    result, _ = timed(work, device)
    return result, statistics.median(timed(work, device)[1] for _ in range(repeats))


def process_peak_mb() -> int:
    """The most memory that this process has held so far."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024


def row(method: str, points: int, targets: int, seconds: float) -> dict:
    """One line of the table."""
    trips = points * targets
    return {
        "method": method,
        "points": points,
        "targets": targets,
        "seconds": round(seconds, 3),
        "round_trips_a_second": round(trips / seconds, 1),
    }


def compare(naive: torch.Tensor, batched: torch.Tensor) -> float:
    """Largest difference of the two sides, px.

    Raises:
        SystemExit: it is too large.
    """
    difference = float((naive - batched).abs().max())
    if not difference <= TOLERANCE_PX:  # NaN fails too
        raise SystemExit(f"batched and naive differ by {difference:.3g} px, more than {TOLERANCE_PX:g} px")
    return difference


def measure_device(
    device: torch.device, options: argparse.Namespace, network: torch.nn.Module, images: tuple[torch.Tensor, ...]
) -> dict:
    """All sides on one device."""
    network = network.to(device)
    source, targets, points, sample = (one.to(device) for one in images)
    few = targets[:SAMPLE_TARGETS]
    size, chunk = options.patch_size, options.chunk_size

    def batched(some_targets: torch.Tensor, some_points: torch.Tensor) -> torch.Tensor:
        return cyclic_error(network, source, some_targets, some_points, size, chunk_size=chunk)

    def naive() -> torch.Tensor:
        return naive_cyclic_error(network, source, few, sample, size)

    naive_errors, naive_seconds = median_timed(naive, device, options.repeats)
    errors, sample_seconds = median_timed(lambda: batched(few, sample), device, options.repeats)
    difference = compare(naive_errors, errors)
    memory = {"process_before_all": process_peak_mb()}
    batched(targets[:1], points[: 2 * chunk])  # warms up full chunks
    if device.type == "cuda":
        torch.cuda.reset_peak_memory_stats(device)
    _, all_seconds = timed(lambda: batched(targets, points), device)
    memory["process_after_all"] = process_peak_mb()
    if device.type == "cuda":
        memory["device"] = torch.cuda.max_memory_allocated(device) // 2**20
    rows = [
        row("naive", len(sample), len(few), naive_seconds),
        row("batched, sample", len(sample), len(few), sample_seconds),
        row("batched, all", len(points), len(targets), all_seconds),
    ]
    ratio = (naive_seconds / (len(sample) * len(few))) / (all_seconds / (len(points) * len(targets)))
    name = torch.cuda.get_device_name(device) if device.type == "cuda" else f"CPU, {options.threads} threads"
    return {
        "device": name,
        "rows": rows,
        "batched/naive": round(ratio, 1),
        "largest_difference_px": difference,
        "peak_memory_mb": memory,
    }


def measure(options: argparse.Namespace) -> dict:
    """All devices, with the same network, images and points."""
    load_before = [round(load, 2) for load in os.getloadavg()]
    torch.set_num_threads(options.threads)
    torch.backends.cudnn.allow_tf32 = torch.backends.cuda.matmul.allow_tf32 = False
    torch.manual_seed(options.seed)
    network = make_network(options.weights)
    source, targets = make_images(options.image_size, options.targets)
    points = grid_points(source.shape[2:], options.step)
    sample = points[torch.randperm(len(points))[: options.sample]]
    images = source, targets, points, sample
    with torch.inference_mode():
        results = [measure_device(torch.device(name), options, network, images) for name in device_names(options)]
    settings = {name: value for name, value in vars(options).items() if name not in ("output", "device", "weights")}
    return {
        "settings": settings | {"weights": "random" if options.weights is None else options.weights.name},
        "versions": {"torch": torch.__version__, "python": platform.python_version()},
        "load_average_before": load_before,
        "devices": results,
    }


def device_names(options: argparse.Namespace) -> list[str]:
    """What to measure on: ``auto`` is the CPU, and the first GPU if there is one."""
    if options.device != "auto":
        return [options.device]
    return ["cpu", "cuda:0"] if torch.cuda.is_available() else ["cpu"]


def read_options() -> argparse.Namespace:
    """The command line's."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--weights", type=Path, help="state dict of the default network (default: random weights)")
    parser.add_argument("--device", default="auto", help="cpu, cuda:0, ...; auto: CPU, and GPU if there (default)")
    parser.add_argument("--image_size", type=int, default=224, help="side of the images, px (default: 224)")
    parser.add_argument("--patch_size", type=int, default=96, help="side of the patches, px (default: 96)")
    parser.add_argument("--targets", type=int, default=10, help="target images (default: 10)")
    parser.add_argument("--step", type=int, default=2, help="distance of the pixels, px (default: 2)")
    parser.add_argument("--sample", type=int, default=64, help="pixels of the naive loop (default: 64)")
    parser.add_argument("--chunk_size", type=int, default=256, help="patches at once (default: 256)")
    parser.add_argument("--threads", type=int, default=2, help="threads of torch (default: 2)")
    parser.add_argument("--repeats", type=int, default=5, help="timed calls on the sample (default: 5)")
    parser.add_argument("--seed", type=int, default=0, help="seed of weights, images and sample (default: 0)")
    parser.add_argument("--output", type=Path, default=Path(__file__).with_suffix(".json"), help="JSON file to write")
    options = parser.parse_args()
    counts = ("image_size", "patch_size", "targets", "step", "sample", "chunk_size", "threads", "repeats")
    if min(getattr(options, name) for name in counts) < 1:
        parser.error(f"all of {', '.join(counts)} must be at least 1")
    return options


def main() -> None:
    """Measure, print and write."""
    report_input_errors()
    options = read_options()
    result = measure(options)
    print(f"{result['settings']}\n{result['versions']}, load average before: {result['load_average_before']}")
    for one in result["devices"]:
        columns = list(one["rows"][0])
        print(one["device"])
        print("  ".join(f"{name:>20}" for name in columns))
        for line in one["rows"]:
            print("  ".join(f"{value!s:>20}" for value in line.values()))
        print(
            f"batched, all / naive: {one['batched/naive']}; largest difference: {one['largest_difference_px']:.1e} px"
        )
        print(f"peak memory, MB: {one['peak_memory_mb']}")
    options.output.write_text(json.dumps(result, indent=2) + "\n")


if __name__ == "__main__":
    main()
