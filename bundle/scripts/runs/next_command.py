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
"""How weights that were just trained are used."""

from __future__ import annotations

import json
import logging
import os
import shlex
from pathlib import Path

import ignite.distributed as idist
from monai.bundle import ConfigParser

from scripts.runs.command_line import CommandLine

__all__ = ["log_next_command"]

# what must be the same wherever the weights are used
_OF_IMAGES = {"image_size", "region", "stretch", "voi", "plane"}
_OF_NETWORK = {"encoder", "image_encoder", "patch_encoder", "head", "stride", "patch_size", "patch_zoom"}
_OF_ANSWERS = {"sigma_per_scale", "fusion", "second_look"}
_CARRIED = _OF_IMAGES | _OF_NETWORK | _OF_ANSWERS


def log_next_command(weights: str | os.PathLike[str], bundle_root: str | os.PathLike[str] = ".") -> None:
    """Log where the weights of a training are, and the command that finds landmarks with them.

    Args:
        weights: the file.
        bundle_root: the bundle's folder.

    Example:
        >>> log_next_command("output/models/model.pt")
    """
    if idist.get_rank() > 0:
        return
    logger = logging.getLogger("training")
    file = Path(weights)
    if not file.is_file():
        logger.warning("there is no %s: no validation was the best so far", file)
        return
    line = CommandLine.read()
    command = "" if line is None else _command(line, file, Path(bundle_root))
    logger.info("the weights are in %s%s", file, command and f"; to find landmarks with them:\n{command}")


def _command(line: CommandLine, weights: Path, bundle_root: Path) -> str:
    if any("network_def" in ConfigParser.load_config_file(file) for file in line.config_files[1:]):
        return ""  # another kind of network, which need not find landmarks from examples
    files = [file for file in line.config_files[1:] if _carries_over(file)]
    configs = [str(Path(line.config_files[0]).with_name("inference.json")), *files]
    options = {name: value for name, value in line.options.items() if name.split("#")[0] in _CARRIED}
    if "bundle_root" in line.options:
        options["bundle_root"] = str(bundle_root)
    options["ckpt_path"] = _short(weights)
    given = " ".join(f"--{name} {shlex.quote(_text(value))}" for name, value in options.items())
    return (
        f'python -m monai.bundle run inferring --config_file "{configs}" {given} \\\n'
        "    --dataset_dir /path/to/images --examples /path/to/examples.csv --output_dir /path/to/results"
    )


def _carries_over(file: str) -> bool:
    """Whether a config speaks of the network or its images, and does not say what is run."""
    keys = {key.removeprefix("+").split("#")[0] for key in ConfigParser.load_config_file(file)}
    return bool(keys & _CARRIED) and not keys & {"run", "initialize"}


def _short(path: Path) -> str:
    """From the working folder on if it lies below it."""
    here = Path.cwd()
    return str(path.absolute().relative_to(here) if path.absolute().is_relative_to(here) else path.absolute())


def _text(value: object) -> str:
    return value if isinstance(value, str) else json.dumps(value) if isinstance(value, list | tuple) else str(value)
