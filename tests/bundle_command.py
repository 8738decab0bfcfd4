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
"""The bundle's command line, for the tests of its workflows."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

BUNDLE = Path(__file__).parents[1] / "bundle"


def start_bundle(run_id: str, configs: list[str], *options: str, processes: int = 1) -> subprocess.Popen[str]:
    """``python -m monai.bundle run`` in the bundle's folder, with several processes by ``torchrun``."""
    files = str([f"configs/{name}" for name in configs])
    launch = ["-m", "torch.distributed.run", "--standalone", f"--nproc_per_node={processes}"] if processes > 1 else []
    command = [sys.executable, *launch, "-m", "monai.bundle", "run", run_id, "--config_file", files]
    command += ["--logging_file", "configs/logging.conf", *options]
    environment = {**os.environ, "OMP_NUM_THREADS": "1"}
    pipes = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, "text": True}
    return subprocess.Popen(command, cwd=BUNDLE, env=environment, **pipes)


def run_bundle(run_id: str, configs: list[str], *options: str, processes: int = 1) -> subprocess.CompletedProcess[str]:
    """The same, to its end."""
    process = start_bundle(run_id, configs, *options, processes=processes)
    output, errors = process.communicate()
    return subprocess.CompletedProcess(process.args, process.returncode, output, errors)


def assert_ran(result: subprocess.CompletedProcess[str]) -> None:
    """The last lines of the log, if it did not."""
    assert result.returncode == 0, result.stdout[-2000:] + result.stderr[-4000:]


def of_a_stranger() -> dict[str, str]:
    """The environment of somebody who has the bundle's folder and no other: nothing on Python's path, one thread."""
    return {name: value for name, value in os.environ.items() if name != "PYTHONPATH"} | {"OMP_NUM_THREADS": "1"}


def package(path: Path) -> Path:
    """The zip of ``make zoo-package``."""
    subprocess.run(["make", "-s", "zoo-package", f"ZIP={path}"], cwd=BUNDLE.parent, check=True)
    return path
