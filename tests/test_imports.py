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
"""Imports point one way: a package knows those of the layers below its own, and no other."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

BUNDLE = Path(__file__).parents[1] / "bundle"
LAYERS = [
    ["transforms"],
    ["io"],
    ["classical", "data", "losses", "networks", "visualize"],
    ["engines", "export", "metrics", "sweeps"],
    ["inferers"],
    ["evaluation"],
    ["baselines", "handlers", "live", "runs"],
]
HEIGHT = {package: height for height, layer in enumerate(LAYERS) for package in layer}


def imported(path: Path) -> Iterator[str]:
    """Dotted names of the modules that a file imports, wherever in it."""
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module:
            assert node.level == 0, f"{path} imports relative to itself"
            yield node.module


def test_every_package_has_a_layer():
    assert set(HEIGHT) == {path.parent.name for path in (BUNDLE / "scripts").glob("*/__init__.py")}


@pytest.mark.parametrize("package", HEIGHT)
def test_a_package_knows_those_below_it_only(package):
    known = {
        (path.name, name)
        for path in (BUNDLE / "scripts" / package).rglob("*.py")
        for name in imported(path)
        if name.startswith("scripts.") and name.split(".")[1] != package
    }
    assert {(file, name) for file, name in known if HEIGHT[name.split(".")[1]] >= HEIGHT[package]} == set()


def test_the_components_know_nothing_of_the_annotation_app():
    names = {name.split(".")[0] for path in (BUNDLE / "scripts").rglob("*.py") for name in imported(path)}
    assert not names & {"label_app", "monailabel"}
