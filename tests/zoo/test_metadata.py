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
"""What the Model Zoo asks of metadata.json; its own schema is checked too where ``--zoo_schema FILE`` tells it."""

from __future__ import annotations

import json
import re
import tomllib
from typing import Any

import jsonschema
import pytest
import torch
from monai.bundle import ConfigParser

from bundle_command import BUNDLE

ROOT = BUNDLE.parent
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
EXACT = {"type": "string", "pattern": r"^\d+(\.\d+)+$"}
TEXT = {"type": "string", "minLength": 1}
SHAPED = "type", "format", "num_channels", "spatial_shape", "dtype"
TENSOR = {
    "type": "object",
    "required": [*SHAPED, "value_range", "is_patch_data", "channel_def"],
    "properties": {
        "type": {"enum": ["image", "array"]},
        "num_channels": {"type": "integer", "minimum": 1},
        "dtype": {"const": "float32"},
        "channel_def": {"type": "object", "patternProperties": {r"^\d+$": TEXT}, "additionalProperties": False},
    },
}
RULES = {
    "type": "object",
    "required": [
        *("schema", "version", "changelog", "monai_version", "pytorch_version", "numpy_version"),
        *("required_packages_version", "supported_apps", "name", "task", "description", "authors", "copyright"),
        *("data_source", "data_type", "eval_metrics", "intended_use", "references", "network_data_format"),
    ],
    "properties": {
        "schema": {"type": "string", "pattern": r"^https://.*/meta_schema_\d+\.json$"},
        "version": EXACT,
        "monai_version": EXACT,
        "pytorch_version": EXACT,
        "numpy_version": EXACT,
        "required_packages_version": {"type": "object", "additionalProperties": EXACT, "minProperties": 1},
        "changelog": {"type": "object", "patternProperties": {r"^\d+(\.\d+)+$": TEXT}, "additionalProperties": False},
        "eval_metrics": {"type": "object", "additionalProperties": {"type": "number"}, "minProperties": 1},
        "references": {"type": "array", "items": TEXT, "minItems": 1},
        "network_data_format": {
            "type": "object",
            "required": ["inputs", "outputs"],
            "properties": {
                "inputs": {"type": "object", "required": ["image", "patch"], "additionalProperties": TENSOR},
                "outputs": {"type": "object", "required": ["pred"], "additionalProperties": TENSOR},
            },
        },
    },
}


@pytest.fixture(scope="module")
def metadata() -> dict[str, Any]:
    return json.loads((BUNDLE / "configs" / "metadata.json").read_text(encoding="utf-8"))


def test_it_is_complete(metadata):
    jsonschema.validate(metadata, RULES)
    assert metadata["version"] in metadata["changelog"]
    assert "not a medical device" in metadata["intended_use"].lower()


def test_it_follows_the_schema_of_the_zoo(metadata, request):
    schema = request.config.getoption("--zoo_schema")
    if schema is None:
        pytest.skip("no --zoo_schema FILE")
    with open(schema, encoding="utf-8") as file:
        jsonschema.validate(metadata, json.load(file))


def test_the_version_is_that_of_the_project(metadata):
    assert f'version = "{metadata["version"]}"' in (ROOT / "pyproject.toml").read_text(encoding="utf-8")


def test_required_packages_are_those_of_the_project_in_its_exact_versions(metadata):
    constraints = dict(line.split("==") for line in (ROOT / "constraints.txt").read_text().splitlines() if "==" in line)
    required = metadata["required_packages_version"]
    assert required == {name: constraints[name] for name in required}
    own = {"monai", "torch", "numpy", "pytest"}  # those that the zoo asks for by fields of their own, and the tests'
    assert set(required) == {re.split("[<>=]", one)[0] for one in PROJECT["dependencies"]} - own


def test_there_is_one_package_of_opencv():
    constraints = re.findall("^opencv.*(?===)", (ROOT / "constraints.txt").read_text(), re.MULTILINE)
    extras = [one for extra in PROJECT["optional-dependencies"].values() for one in extra]
    named = [one for one in PROJECT["dependencies"] + extras if "opencv" in one]
    assert constraints == named == ["opencv-contrib-python-headless"]


def test_channels_are_those_of_the_network(metadata):
    parser = ConfigParser()
    parser.read_config([BUNDLE / "configs" / "inference.json", BUNDLE / "configs" / "data" / "chest_xray.json"])
    network = parser.get_parsed_content("network_def").eval()
    inputs, pred = metadata["network_data_format"]["inputs"], metadata["network_data_format"]["outputs"]["pred"]
    image = torch.rand(1, inputs["image"]["num_channels"], *parser["image_size"])
    patch = torch.rand(3, inputs["patch"]["num_channels"], parser["patch_size"], parser["patch_size"])
    assert network(image, patch).shape == (3, pred["num_channels"])
    assert list(pred["channel_def"]) == [str(i) for i in range(pred["num_channels"])]
