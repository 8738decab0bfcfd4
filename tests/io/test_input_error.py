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
"""Tests of how a program ends: with one sentence for the user's faults, with a traceback for ours."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from scripts.io.input_error import InputError, first_line, refuse_unreadable

# importlib by path: the package imports all of the bundle, which takes seconds
HEAD = """
import importlib.util
spec = importlib.util.spec_from_file_location("input_error", {path!r})
module = importlib.util.module_from_spec(spec)
spec.loader.exec_module(module)
InputError = module.InputError
module.report_input_errors()
"""
SOURCE = Path(sys.modules[InputError.__module__].__file__)


def run(body: str) -> subprocess.CompletedProcess[str]:
    code = HEAD.format(path=os.fspath(SOURCE)) + body
    return subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60, check=False)


@pytest.mark.parametrize(
    "body",
    [
        "raise InputError('a.png cannot be read; remove it')",
        # as MONAI's config parser wraps it, several times
        """
try:
    try:
        raise InputError('a.png cannot be read; remove it')
    except InputError as error:
        raise RuntimeError('failed to instantiate') from error
except RuntimeError as error:
    raise RuntimeError('once more') from error
""",
        # raised while another is handled
        """
try:
    raise InputError('a.png cannot be read; remove it')
except InputError:
    raise KeyError('cleaning up failed')
""",
        # the library's own error is the cause of ours
        """
try:
    1 / 0
except ZeroDivisionError as error:
    raise InputError('a.png cannot be read; remove it') from error
""",
    ],
    ids=["plain", "wrapped", "context", "cause"],
)
def test_an_input_error_ends_the_program_with_one_line(body):
    ended = run(body)
    assert ended.returncode == 1
    assert ended.stderr.splitlines() == ["error: a.png cannot be read; remove it"]
    assert ended.stdout == ""


def test_other_errors_keep_their_traceback():
    ended = run("raise ValueError('a fault of the program')")
    assert ended.returncode == 1
    assert ended.stderr.startswith("Traceback (most recent call last)")
    assert ended.stderr.rstrip().endswith("ValueError: a fault of the program")
    assert "error: " not in [line[:7] for line in ended.stderr.splitlines()]


def test_no_error_no_output():
    ended = run("print('done')")
    assert (ended.returncode, ended.stdout, ended.stderr) == (0, "done\n", "")


def test_is_a_value_error():
    with pytest.raises(ValueError, match="sentence"):
        raise InputError("a sentence")


@pytest.mark.parametrize(
    ("text", "told"),
    [("one\ntwo", "one"), ("all failed:\n  first: why\n  second: why", "all failed: first: why"), ("", "OSError")],
)
def test_the_first_line_tells_something(text, told):
    assert first_line(OSError(text)) == told


@pytest.mark.parametrize("error", [EOFError("no more"), MemoryError("no more"), RecursionError("no more")])
def test_any_error_of_a_library_names_the_file(error):
    with (
        pytest.raises(InputError, match=r"^a\.png cannot be read \(no more\); remove or repair it$"),
        refuse_unreadable("a.png"),
    ):
        raise error


def test_an_input_error_stays_itself():
    with pytest.raises(InputError, match=r"^told already$"), refuse_unreadable("a.png"):
        raise InputError("told already")
