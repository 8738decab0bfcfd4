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

"""How long the label server takes to answer for an image that it sees for the first time.

Run it with ``PYTHONPATH=bundle:bundle/label_app .venv-label/bin/python benchmarks/label_server.py``. It prints a table
and writes ``benchmarks/label_server.json``. A server over a real socket has ``--examples`` labelled images with
``--labels`` landmarks each, and is asked for all landmarks of images that it has not been asked for:

- *server*: the time from the request's arrival in the task to its answer, as the answer itself tells it: the image is
  read, scaled and encoded, matched with all examples, and the examples of each landmark are fused;
- *client*: the time of the whole request, with HTTP and JSON;
- *again*: *server* for an image that was asked for before, whose code is kept.

Images are smooth random textures of 512 x 512 px as PNG, the network is the default one with random weights: neither
changes the time. Accuracy is not measured here.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import socket
import statistics
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import torch
import torch.nn.functional as F
from PIL import Image

from label_app.label_file import Label, LabelPoint, write_label
from scripts.networks import CorrelationHead, TemplateMatchingNetwork, build_encoder

BUNDLE = Path(__file__).resolve().parents[1] / "bundle"
SIDE = 512
WARM_UP = 3


def write_study(folder: Path, options: argparse.Namespace) -> list[str]:
    """Labelled images and images without labels, and weights; the names of the latter images."""
    random = np.random.default_rng(options.seed)
    number = options.examples + WARM_UP + options.repeats
    for i in range(number):
        coarse = torch.from_numpy(random.random((1, 1, 40, 40)))
        pixels = F.interpolate(coarse, size=(SIDE, SIDE), mode="bicubic")[0, 0].clamp(0, 1).numpy()
        Image.fromarray((255 * pixels).astype(np.uint8)).save(folder / f"{i:03d}.png")
    for i in range(options.examples):
        places = random.uniform(20, SIDE - 20, (options.labels, 2))
        points = tuple(LabelPoint(f"landmark {k}", None, x, y) for k, (x, y) in enumerate(places.tolist()))
        write_label(folder / ".landmarks" / "final" / f"{i:03d}.png.json", Label(points))
    torch.manual_seed(options.seed)
    encoders = build_encoder("residual"), build_encoder("residual", zoom=2)
    network = TemplateMatchingNetwork(*encoders, CorrelationHead(*encoders))
    torch.save(network.state_dict(), folder / "model.pt")
    return [f"{i:03d}.png" for i in range(options.examples, number)]


@contextmanager
def running(folder: Path, threads: int) -> Iterator[str]:
    """The server on a free port; its address."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    where = ["--studies", str(folder), "--ckpt_path", str(folder / "model.pt"), "--port", str(port)]
    command = [sys.executable, "-W", "ignore", "-m", "label_app", *where, "--set", "device", "$torch.device('cpu')"]
    environment = {**os.environ, "OMP_NUM_THREADS": str(threads)}
    process = subprocess.Popen(command, cwd=BUNDLE, env=environment, stdout=subprocess.DEVNULL)
    address = f"http://127.0.0.1:{port}"
    try:
        while True:
            try:
                urllib.request.urlopen(f"{address}/landmarks/api/images", timeout=60)
                break
            except urllib.error.URLError:
                if process.poll() is not None:
                    raise RuntimeError("the server did not start") from None
                time.sleep(0.2)
        yield address
    finally:
        process.terminate()
        process.wait()


def ask(address: str, image: str) -> dict[str, Any]:
    """All landmarks of an image, with what the server tells of its time."""
    request = urllib.request.Request(f"{address}/infer/landmarks?image={image}&output=json", b"", method="POST")
    with urllib.request.urlopen(request, timeout=600) as answer:
        return json.loads(answer.read())


def measure(options: argparse.Namespace) -> dict[str, Any]:
    """Medians in ms."""
    load_before = [round(load, 2) for load in os.getloadavg()]
    with tempfile.TemporaryDirectory() as name:
        images = write_study(Path(name), options)
        with running(Path(name), options.threads) as address:
            for image in images[:WARM_UP]:
                ask(address, image)
            server, client, again = [], [], []
            for image in images[WARM_UP:]:
                begin = time.perf_counter()
                answer = ask(address, image)
                client.append(1000 * (time.perf_counter() - begin))
                server.append(answer["latencies"]["total"])
                if len(answer["landmarks"]) != options.labels:
                    raise RuntimeError(f"{len(answer['landmarks'])} landmarks were found, not {options.labels}")
                again.append(ask(address, image)["latencies"]["total"])
    times = {"server": server, "client": client, "again": again}
    return {
        "settings": {name: value for name, value in vars(options).items() if name != "output"},
        "versions": {"torch": torch.__version__, "python": platform.python_version()},
        "load_average_before": load_before,
        "median_ms": {name: round(statistics.median(values), 1) for name, values in times.items()},
        "slowest_ms": {name: round(max(values), 1) for name, values in times.items()},
    }


def read_options() -> argparse.Namespace:
    """The command line's."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--labels", type=int, default=20, help="landmarks of each image (default: 20)")
    parser.add_argument("--examples", type=int, default=20, help="labelled images (default: 20)")
    parser.add_argument("--repeats", type=int, default=30, help="images that are asked for (default: 30)")
    parser.add_argument("--threads", type=int, default=2, help="threads of torch (default: 2)")
    parser.add_argument("--seed", type=int, default=0, help="seed of weights, images and places (default: 0)")
    parser.add_argument("--output", type=Path, default=Path(__file__).with_suffix(".json"), help="JSON file to write")
    return parser.parse_args()


def main() -> None:
    """Measure, print and write."""
    options = read_options()
    result = measure(options)
    print(f"{result['settings']}\n{result['versions']}, load average before: {result['load_average_before']}")
    for name, median in result["median_ms"].items():
        print(f"{name:>8}  median {median:>8} ms  slowest {result['slowest_ms'][name]:>8} ms")
    options.output.write_text(json.dumps(result, indent=2, default=str) + "\n")


if __name__ == "__main__":
    main()
