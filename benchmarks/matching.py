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
"""Milliseconds a frame to find 1 and 20 landmarks: the network, and cross-correlation by OpenCV and by this bundle.

Run it with ``make bench``. It prints a table and writes ``benchmarks/matching.json``. All rows are measured in one run
with the same threads, on the same random images; accuracy is not measured here, see ``make phantom``.
"""

from __future__ import annotations

import argparse
import json
import platform
import statistics
import time
from collections.abc import Callable
from pathlib import Path

import cv2
import torch

from scripts.classical import NCCMatcher
from scripts.metrics import Matcher, match_points
from scripts.networks import CorrelationHead, ResidualEncoder, TemplateMatchingNetwork

SIZES = [(128, 160), (192, 176), (224, 224), (352, 352)]
PATCH = 48


def median_ms(work: Callable[[], object], repeats: int) -> float:
    """Median of the wall time, after three calls to warm up."""
    for _ in range(3):
        work()
    times = []
    for _ in range(repeats):
        start = time.perf_counter()
        work()
        times.append(time.perf_counter() - start)
    return 1000 * statistics.median(times)


def matcher_work(matcher: Matcher, image: torch.Tensor, patches: torch.Tensor) -> Callable[[], object]:
    """One frame: encode it and match patches whose codes are known."""
    codes = matcher.encode_patch(patches)
    return lambda: match_points(matcher, matcher.encode_image(image), codes, image.shape[2:])


def opencv_work(image: torch.Tensor, patches: torch.Tensor) -> Callable[[], object]:
    """``cv2.matchTemplate`` over the whole frame, one patch after the other, with no sub-pixel step."""
    frame = image[0, 0].numpy()
    templates = [patch[0].numpy() for patch in patches]
    return lambda: [cv2.minMaxLoc(cv2.matchTemplate(frame, one, cv2.TM_CCOEFF_NORMED)) for one in templates]


def measure(threads: int, repeats: int) -> dict:
    """All sizes and methods."""
    torch.set_num_threads(threads)
    cv2.setNumThreads(threads)
    encoders = ResidualEncoder(), ResidualEncoder()
    network = TemplateMatchingNetwork(*encoders, CorrelationHead(*encoders)).eval()
    network = network.to(memory_format=torch.channels_last)
    rows = []
    for size in SIZES:
        image = torch.rand(1, 1, *size)
        for landmarks in (1, 20):
            patches = torch.rand(landmarks, 1, PATCH, PATCH)
            methods = {
                "network": matcher_work(network, image, patches),
                "ncc": matcher_work(NCCMatcher(), image, patches),
                "opencv": opencv_work(image, patches),
            }
            times = {f"{name}_ms": round(median_ms(work, repeats), 2) for name, work in methods.items()}
            ratio = round(times["opencv_ms"] / times["network_ms"], 2)
            rows.append({"size": f"{size[0]}x{size[1]}", "landmarks": landmarks, **times, "opencv/network": ratio})
    versions = {"torch": torch.__version__, "opencv": cv2.__version__, "python": platform.python_version()}
    return {"threads": threads, "repeats": repeats, "patch_px": PATCH, "versions": versions, "rows": rows}


def main() -> None:
    """Measure, print and write."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--threads", type=int, default=2, help="threads of torch and OpenCV (default: 2)")
    parser.add_argument("--repeats", type=int, default=50, help="timed calls a figure (default: 50)")
    parser.add_argument("--output", type=Path, default=Path(__file__).with_suffix(".json"), help="JSON file to write")
    arguments = parser.parse_args()
    with torch.inference_mode():
        result = measure(arguments.threads, arguments.repeats)
    columns = list(result["rows"][0])
    print(f"patch {PATCH} px, {result['threads']} threads, {result['versions']}")
    print("  ".join(f"{name:>14}" for name in columns))
    for row in result["rows"]:
        print("  ".join(f"{row[name]!s:>14}" for name in columns))
    arguments.output.write_text(json.dumps(result, indent=2) + "\n")


if __name__ == "__main__":
    main()
