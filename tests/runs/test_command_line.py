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
"""Options that no config reads, and values of the wrong kind, are refused before anything is made of the configs."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest

from bundle_command import BUNDLE
from scripts.io import InputError
from scripts.runs import CommandLine, check_options

CONFIGS = BUNDLE / "configs"
RUNS = {
    "training": ["train.json"],
    "evaluating": ["evaluate.json"],
    "inferring": ["inference.json"],
    "live": ["inference.json", "live.json"],
    "exporting": ["inference.json", "export.json"],
    "sweeping": ["sweep/layers.json"],
}


def words(run_id: str, *options: str, files: list[str] | None = None) -> list[str]:
    paths = [str(CONFIGS / name) for name in RUNS.get(run_id, ["inference.json"])] + (files or [])
    return ["monai/bundle/__main__.py", "run", run_id, "--config_file", str(paths), *options]


@pytest.mark.parametrize("run_id", RUNS)
def test_every_run_refuses_a_mistyped_option_with_the_nearest_name(run_id: str) -> None:
    check_options(words(run_id, "--output_dir", "x"))
    with pytest.raises(InputError, match="no option --ouput_dir; did you mean --output_dir"):
        check_options(words(run_id, "--ouput_dir", "x"))


@pytest.mark.parametrize(
    ("option", "near"),
    [
        ("--within_subjet", "--within_subject"),
        ("--dataset-dri", "--dataset_dir"),  # Fire takes a hyphen for an underscore
        ("--fusion#shard", "--fusion#shared"),  # an argument that the config leaves at its default
        ("--fusion::shard", "--fusion#shared"),
        ("--handlers#1#max_picture", "--handlers#1#max_pictures"),
        ("--meta_fil", "--meta_file"),
        ("--outptu_dir", "--output_dir"),
    ],
)
def test_names_at_all_depths(option: str, near: str) -> None:
    with pytest.raises(InputError, match=f"did you mean {near}"):
        check_options(words("inferring", option, "1"))


@pytest.mark.parametrize(
    "options",
    [
        ["--fusion#shared", "0.3"],
        ["--handlers#1#max_fps", "3"],
        ["--dataset-dir", "x"],
        ["--image_size#0", "128"],
        ["--region", "[0,0,9,9]"],
        ["--sigma_per_scale", "2"],
        ["--batch_size", "$2*3"],
        ["--examples=x.csv"],
        ["--tracking", "mlflow", "--experiment_name", "mine", "--tracking_uri", "sqlite:///x.db"],
    ],
)
def test_what_the_configs_have_is_taken(options: list[str]) -> None:
    check_options(words("inferring", *options))


@pytest.mark.parametrize(
    ("option", "value", "remedy"),
    [
        ("--within_subject", "false", "give True or False"),  # a text, which counts as true
        ("--dicom_sr", "yes", "give True or False"),
        ("--batch_size", "many", "give a number, such as 16"),
        ("--image_size", "128", "give a list"),
        ("--batch_size", "None", r"give '\$None'"),  # MONAI leaves it out without a word
    ],
)
def test_values_of_another_kind_are_refused(option: str, value: str, remedy: str) -> None:
    with pytest.raises(InputError, match=f"{option} {value}.*{remedy}"):
        check_options(words("inferring", option, value))


def test_a_mistyped_run_is_refused() -> None:
    with pytest.raises(InputError, match="no run 'infering' in these configs; did you mean inferring"):
        check_options(words("infering"))
    with pytest.raises(InputError, match="no run 'extra'"):  # Fire would take it for the name of what initializes
        check_options(["monai/bundle/__main__.py", "run", "inferring", "extra", *words("inferring")[3:]])


def test_keys_of_own_config_files_are_checked(tmp_path: Path) -> None:
    own = tmp_path / "own.json"
    own.write_text(json.dumps({"patch_size": 32, "mine": 4, "batch_size": "$@mine * 2"}))
    check_options(words("training", files=[str(own)]))
    own.write_text(json.dumps({"patchsize": 32}))
    with pytest.raises(InputError, match=r"own.json: nothing reads its key 'patchsize'; did you mean patch_size"):
        check_options(words("training", files=[str(own)]))


@pytest.mark.parametrize(
    ("config", "options"),
    [
        ({"mysize": [64, 64], "image_size": "%mysize"}, []),
        ({"mysize": [64, 64]}, ["--image_size", "@mysize"]),
        ({"my_initialize": ["$print(1)"]}, ["--init_id", "my_initialize"]),
        ({"+augment": {"remap": 0.3}, "train#trainer#amp": True}, []),
    ],
)
def test_keys_that_something_reads_are_taken(config: dict, options: list[str], tmp_path: Path) -> None:
    own = tmp_path / "own.json"
    own.write_text(json.dumps(config))
    check_options(words("training", *options, files=[str(own)]))


def test_mistyped_keys_within_own_config_files_are_refused(tmp_path: Path) -> None:
    own = tmp_path / "own.json"
    own.write_text(json.dumps({"+augment": {"remapp": 0.3}}))
    with pytest.raises(InputError, match=r"own.json: there is no key augment#remapp; did you mean --augment#remap"):
        check_options(words("training", files=[str(own)]))


def test_an_option_may_speak_of_what_one_before_it_has_put_in_place() -> None:
    check_options(words("training", "--optimizer#_target_", "torch.optim.SGD", "--optimizer#momentum", "0.9"))
    check_options(words("inferring", "--trust", "{'_target_': 'scripts.inferers.Trust'}", "--trust#limits", "{}"))


def test_a_number_for_a_folder_is_told_how_to_be_given() -> None:
    with pytest.raises(InputError, match=r"--output_dir 2024 is taken for a number; give \./2024"):
        check_options(words("inferring", "--output_dir", "2024"))


def test_options_of_an_arguments_file_are_checked(tmp_path: Path) -> None:
    arguments = tmp_path / "arguments.json"
    arguments.write_text(json.dumps({"config_file": str(CONFIGS / "inference.json"), "within_subjet": True}))
    with pytest.raises(InputError, match="did you mean --within_subject"):
        check_options(["monai/bundle/__main__.py", "run", "inferring", "--args_file", str(arguments)])


def test_other_programs_are_left_alone() -> None:
    check_options([os.path.join("bin", "pytest"), "--no_such_option", "1"])
    assert CommandLine.read(["monai/bundle/__main__.py", "download", "--name", "x"]) is None


def test_names_of_tracking_are_known_where_a_run_is_tracked() -> None:
    with pytest.raises(InputError, match="did you mean --experiment_name"):
        check_options(words("inferring", "--tracking", "mlflow", "--experimnt_name", "mine"))


def test_all_configs_find_the_components_alike() -> None:
    found = {json.loads(path.read_text()).get("scripts") for path in CONFIGS.rglob("*.json")} - {None}
    assert len(found) == 1
