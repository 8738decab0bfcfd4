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
"""The Python of docs/tracking.md, as a reader types it in the bundle's folder."""

from __future__ import annotations

import os
import re
import subprocess
import sys

import pytest

from bundle_command import BUNDLE

GUIDE = BUNDLE / "docs" / "tracking.md"


@pytest.fixture(scope="module")
def printed() -> list[str]:
    blocks = re.findall(r"```python\n(.*?)```", GUIDE.read_text(), flags=re.DOTALL)
    environment = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"} | {"OMP_NUM_THREADS": "1"}
    command = [sys.executable, "-W", "ignore", "-"]
    how = {"input": "\n".join(blocks), "capture_output": True, "text": True, "timeout": 300}
    done = subprocess.run(command, cwd=BUNDLE, env=environment, **how)
    assert done.returncode == 0, done.stderr
    return done.stdout.splitlines()


def test_its_python_runs_and_its_answers_are_judged_by_learned_limits(printed):
    assert len(printed) == 5 * 4  # frames and landmarks; no example is doubtful
    words = [re.search(r"\] (valid|doubtful|unchecked) ", f"{line} ") for line in printed]
    assert all(words) and {word[1] for word in words if word} <= {"valid", "doubtful"}
    assert sum(word[1] == "valid" for word in words if word) >= 18


def test_it_says_how_many_answers_limits_are_learned_from():
    assert "needs 1 / share answers or more" in GUIDE.read_text()
