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

"""A live stream for minutes on end: is each frame answered before the next one, and does the memory stay as it is?

Run it with ``PYTHONPATH=bundle python benchmarks/paced.py --weights model.pt``. Frames come 8 a second from a clip in
a loop, an ultrasound of the heart that pydicom brings along, grey, with the region and sizes of the demo. A
``LandmarkTracker`` follows its four landmarks (``bundle/docs/echo_demo_examples.csv``), with refinement, their
surroundings asked, and everything judged. It prints a table and writes ``benchmarks/paced.json``.

The latency of a frame is counted from when it was due, so it holds what a slower frame before it, or a sleep that was
too long, added. A frame is late if its answer comes after the next one was due. Memory is what the process holds
(VmRSS, Linux): at the start, after the clip was shown a few times to warm up, in the middle and at the end. The exit
code is 1 if a frame was late or the memory grew by more than 5 MB, else 0. Accuracy is not measured here.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import resource
import sys
import time
from pathlib import Path

import numpy as np
import torch
from pydicom.examples import get_path

from scripts.data import find_image_series, read_image_series
from scripts.inferers import Execution, LandmarkTracker, LocalRefinement
from scripts.io import read_examples_csv, report_input_errors
from scripts.networks import CorrelationHead, TemplateMatchingNetwork, build_encoder, load_weights

EXAMPLES = Path(__file__).parents[1] / "bundle" / "docs" / "echo_demo_examples.csv"
# as in bundle/configs/data/echo_demo.json
IMAGE_SIZE, REGION, PATCH, ZOOM = (128, 160), (80, 16, 240, 208), 96, 2
WARM_UP_LOOPS = 3
MOST_GROWTH_MB = 5.0


def read_clip() -> torch.Tensor:
    """The frames (T, 1, X, Y), grey."""
    return read_image_series(find_image_series(get_path("ybr_color"))[0]).frames


def make_tracker(clip: torch.Tensor, weights: Path | None, threads: int) -> LandmarkTracker:
    """A tracker of the demo's landmarks, with everything on."""
    torch.manual_seed(0)
    encoders = build_encoder(), build_encoder(zoom=ZOOM)
    network = TemplateMatchingNetwork(*encoders, CorrelationHead(*encoders), PATCH).eval()
    if weights is not None:
        load_weights(network, weights)
    execution = Execution(network, IMAGE_SIZE, precision="float32", threads=threads)
    tracker = LandmarkTracker(execution, PATCH, IMAGE_SIZE, region=REGION, refinement=LocalRefinement())
    examples = read_examples_csv(EXAMPLES)
    for frame in sorted({example.frame for example in examples}):
        there = [example for example in examples if example.frame == frame]
        tracker.add(clip[frame], [(one.x, one.y) for one in there], [one.label for one in there])
    return tracker


def resident_mb() -> float:
    """Memory that the process holds now; the most that it held so far where the system does not tell."""
    try:
        lines = Path("/proc/self/status").read_text().splitlines()
    except OSError:
        unit = 2**20 if sys.platform == "darwin" else 2**10
        return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / unit
    return next(int(line.split()[1]) for line in lines if line.startswith("VmRSS:")) / 2**10


def wait_until(due: float) -> None:
    """Sleep, if it is not due yet."""
    if (left := due - time.perf_counter()) > 0:
        time.sleep(left)


def play(tracker: LandmarkTracker, clip: torch.Tensor, number: int, rate: float) -> tuple[np.ndarray, dict]:
    """Show frames at a rate: latencies in ms, and memory in MB at the start, in the middle and at the end."""
    latencies = np.zeros(number)  # made before the memory is read
    memory = {"start": resident_mb()}
    begin = time.perf_counter()
    for i in range(number):
        due = begin + i / rate
        wait_until(due)
        tracker.update(clip[i % len(clip)])
        latencies[i] = 1000 * (time.perf_counter() - due)
        if i == number // 2:
            memory["mid"] = resident_mb()
    memory["end"] = resident_mb()
    return latencies, memory


def measure(options: argparse.Namespace) -> dict:
    """Warm up, play and count."""
    load_before = [round(load, 2) for load in os.getloadavg()]
    clip = read_clip()
    tracker = make_tracker(clip, options.weights, options.threads)
    for _ in range(WARM_UP_LOOPS):
        for frame in clip:
            tracker.update(frame)
    number = max(2, round(60 * options.minutes * options.rate))
    latencies, memory = play(tracker, clip, number, options.rate)
    names = ("median", "p95", "p99", "max")
    figures = np.percentile(latencies, (50, 95, 99, 100)).round(2).tolist()
    return {
        "minutes": options.minutes,
        "rate": options.rate,
        "threads": options.threads,
        "weights": "random" if options.weights is None else options.weights.name,
        "landmarks": tracker.labels,
        "versions": {"torch": torch.__version__, "python": platform.python_version()},
        "load_average": {"before": load_before, "after": [round(load, 2) for load in os.getloadavg()]},
        "frames": number,
        "late": int((latencies > 1000 / options.rate).sum()),
        "latency_ms": dict(zip(names, figures, strict=True)),
        "resident_mb": {name: round(value, 2) for name, value in memory.items()},
        "growth_mb": round(memory["end"] - memory["start"], 2),
    }


def read_options() -> argparse.Namespace:
    """The command line's."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--weights", type=Path, help="state dict of the default network (default: random weights)")
    parser.add_argument("--minutes", type=float, default=10.0, help="how long to play (default: 10)")
    parser.add_argument("--rate", type=float, default=8.0, help="frames a second (default: 8)")
    parser.add_argument("--threads", type=int, default=2, help="threads of torch (default: 2)")
    parser.add_argument("--output", type=Path, default=Path(__file__).with_suffix(".json"), help="JSON file to write")
    options = parser.parse_args()
    if min(options.minutes, options.rate, options.threads) <= 0:
        parser.error("minutes, rate and threads must be above 0")
    return options


def main() -> None:
    """Measure, print and write; tell by the exit code whether all is well."""
    report_input_errors()
    options = read_options()
    result = measure(options)
    options.output.write_text(json.dumps(result, indent=2) + "\n")
    for name, value in result.items():
        print(f"{name:>14}: {value}")
    well = result["late"] == 0 and result["growth_mb"] <= MOST_GROWTH_MB
    grew = f"the memory grew by {result['growth_mb']:.2f} MB (limit {MOST_GROWTH_MB:g})"
    print(f"{'well' if well else 'NOT WELL'}: {result['late']} of {result['frames']} frames were late, {grew}")
    sys.exit(0 if well else 1)


if __name__ == "__main__":
    main()
