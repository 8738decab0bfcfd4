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
"""Annotation over a real socket, from the first click to a restart."""

from __future__ import annotations

import json
import os
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import pytest

pytest.importorskip("monailabel")

BUNDLE = Path(__file__).parents[2] / "bundle"
STILLS = [f"{i}.png" for i in range(5)]


class Server:
    """Requests to a running server."""

    def __init__(self, port: int) -> None:
        self.root = f"http://127.0.0.1:{port}"

    def ask(self, method: str, path: str, content: Any = None) -> Any:
        body = None if content is None else json.dumps(content).encode()
        headers = {"content-type": "application/json"}
        request = urllib.request.Request(self.root + path, body, headers, method=method)
        with urllib.request.urlopen(request, timeout=60) as answer:
            return json.loads(answer.read())

    def find(self, image: str) -> dict[str, tuple[float, float]]:
        found = self.ask("POST", f"/landmarks/api/images/{image}/find", {})
        return {one["label"]: (one["x"], one["y"]) for one in found}

    def set(self, image: str, label: str, at: tuple[float, float]) -> None:
        point = {"label": label, "x": at[0], "y": at[1]}
        self.ask("POST", f"/landmarks/api/images/{image}/edit", {"points": [point]})


@contextmanager
def running(studies: Path, weights: Path, conf: dict[str, str], log: Path) -> Iterator[Server]:
    """The server as a user starts it, on a free port."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    settings = [word for name in ("image_size", "patch_size") for word in ("--set", name, conf[name])]
    where = ["--studies", str(studies), "--ckpt_path", str(weights), "--port", str(port)]
    command = [
        sys.executable,
        "-W",
        "ignore",
        "-m",
        "label_app",
        *where,
        "--config_file",
        conf["config_file"],
        *settings,
    ]
    environment = {**os.environ, "OMP_NUM_THREADS": "1"}
    environment.pop("PYTHONPATH", None)
    with log.open("ab") as output:
        process = subprocess.Popen(command, cwd=BUNDLE, env=environment, stdout=output, stderr=output)
    server = Server(port)
    try:
        for _ in range(600):
            assert process.poll() is None, log.read_text()
            try:
                server.ask("GET", "/info/")
                break
            except urllib.error.URLError:
                time.sleep(0.1)
        yield server
    finally:
        process.terminate()
        process.wait(30)


def error(server: Server, place: Callable, images: list[str]) -> float:
    """Mean distance of what is found from where it is, px."""
    found = [(server.find(image), int(image[0])) for image in images]
    return float(np.mean([np.hypot(*np.subtract(at, place(name, i))) for one, i in found for name, at in one.items()]))


def wait_for(server: Server, path: str) -> dict[str, Any]:
    for _ in range(600):
        status = server.ask("GET", path)
        if status["status"] not in ("SUBMITTED", "RUNNING"):
            return status
        time.sleep(0.2)
    raise TimeoutError(path)


def test_from_the_first_click_to_a_restart(studies, conf, place, tmp_path):
    weights = tmp_path / "unused.pt"  # cross-correlation has none, but the server asks for a file
    weights.touch()
    log = tmp_path / "server.log"
    with running(studies, weights, conf, log) as server:
        listed = server.ask("GET", "/landmarks/api/images")
        assert {one["id"] for one in listed} >= set(STILLS) and all(one["final"] == 0 for one in listed)

        # a click that is 6 px off is found 6 px off everywhere
        x, y = place("valve", 0)
        server.set("0.png", "valve", (x + 6, y))
        others = STILLS[1:]
        first = error(server, place, others)
        assert first == pytest.approx(6, abs=0.5)

        # corrections of two images become examples
        server.set("0.png", "valve", (x, y))
        server.set("1.png", "valve", place("valve", 1))
        second = error(server, place, STILLS[2:])
        assert second < 0.5

        # all the rest in one go, in the background
        server.ask("POST", "/batch/infer/landmarks?images=unlabeled", {})
        status = wait_for(server, "/batch/infer")
        assert status["status"] == "DONE", status
        listed = {one["id"]: one for one in server.ask("GET", "/landmarks/api/images")}
        assert [listed[one]["original"] for one in STILLS] == [0, 0, 1, 1, 1]
        before = {one: server.find(one) for one in STILLS}
        order = {name: server.ask("POST", "/landmarks/api/next", {"strategy": name}) for name in ("coverage", "sigma")}
        assert all(one["id"] not in ("0.png", "1.png") for one in order.values())

    with running(studies, weights, conf, log) as server:
        assert {one: server.find(one) for one in STILLS} == before
        again = {name: server.ask("POST", "/landmarks/api/next", {"strategy": name}) for name in order}
        assert {name: one["id"] for name, one in again.items()} == {name: one["id"] for name, one in order.items()}
        assert server.ask("POST", "/landmarks/api/next", {"strategy": "random"})["id"] not in ("0.png", "1.png")
