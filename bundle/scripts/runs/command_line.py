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
"""The options of ``python -m monai.bundle run``, refused where the configs have no such key."""

from __future__ import annotations

import functools
import inspect
import json
import re
import sys
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from difflib import get_close_matches
from pathlib import Path
from pydoc import locate
from typing import Any

import fire
from monai.bundle import ConfigParser
from monai.bundle.config_item import ConfigComponent
from monai.bundle.scripts import run, update_kwargs
from monai.bundle.utils import DEFAULT_EXP_MGMT_SETTINGS

from scripts.io.input_error import InputError

__all__ = ["CommandLine", "check_options"]

_CONFIGS = Path(__file__).resolve().parents[2] / "configs"
_OWN = frozenset(inspect.signature(run).parameters) - {"override"}
_OF_TRACKING = {"tracking_uri", "experiment_name", "run_name", "save_execute_config", "is_not_rank0", "output_dir"}
_OF_EVERY_COMPONENT = {"_target_", "_disabled_", "_requires_", "_desc_", "_mode_"}
_FILES = {"examples", "truth", "validation_truth", "datalist", "pairs", "encoder_weights"}
_OF_EVERY_CONFIG = {"imports", "initialize", "run", "finalize", "_meta_"}


@dataclass(frozen=True)
class CommandLine:
    """What was given to ``python -m monai.bundle run``.

    Attributes:
        config_files: the configs, in the order in which they are merged.
        options: key of the configs, with ``#`` between its levels, to the value that it was given.
        named: all other arguments of MONAI's command, by name, such as ``run_id``.
    """

    config_files: tuple[str, ...]
    options: dict[str, Any]
    named: dict[str, Any]

    @classmethod
    def read(cls, arguments: Sequence[str] | None = None) -> CommandLine | None:
        """Read the command line as MONAI does, by Python Fire.

        Args:
            arguments: the program and what follows it; ``None`` takes ``sys.argv``.

        Returns:
            None where the program is another one.

        Example:
            >>> words = ["monai/bundle/__main__.py", "run", "training", "--config_file", "a.json", "--seed", "3"]
            >>> CommandLine.read(words).options
            {'seed': 3}
        """
        program, *words = list(sys.argv if arguments is None else arguments)
        if Path(program).parts[-3:] != ("monai", "bundle", "__main__.py") or words[:1] != ["run"]:
            return None
        given: dict[str, Any] = {}

        @functools.wraps(run)  # Fire takes the names of the arguments from it
        def take(*positional: Any, **by_name: Any) -> None:
            bound = inspect.signature(run).bind(*positional, **by_name).arguments
            options = bound.pop("override", {})
            given.update(options, **{name: value for name, value in bound.items() if value is not None})

        fire.Fire(take, command=list(words[1:]))
        merged = update_kwargs(given.pop("args_file", None), ignore_none=False, **given)
        files = merged.pop("config_file", ())
        options = {name.replace("::", "#"): merged.pop(name) for name in list(merged) if name not in _OWN}
        files = (files,) if isinstance(files, str) else tuple(files)
        return cls(files, options, merged)


def check_options(arguments: Sequence[str] | None = None) -> None:
    """Refuse options that the merged configs have no key for: MONAI would add them, and nothing would read them.

    Keys of config files that are no part of the bundle are checked too, and values of the wrong kind: ``False`` is a
    truth value, ``false`` a text, which counts as true.

    Args:
        arguments: see :meth:`CommandLine.read`; where another program than MONAI's runs, nothing is checked.

    Raises:
        InputError: there is no such key, with the nearest ones that there are; or a value is of the wrong kind.

    Example:
        >>> words = ["monai/bundle/__main__.py", "run", "inferring", "--config_file", "configs/inference.json"]
        >>> check_options([*words, "--within_subjet", "True"])  # doctest: +SKIP
        Traceback (most recent call last):
        ...
        scripts.io.input_error.InputError: there is no option --within_subjet; did you mean --within_subject?
    """
    line = CommandLine.read(arguments)
    if line is None or not line.config_files:
        return
    configs = ConfigParser.load_config_files(list(line.config_files))
    if "help" in line.options:
        raise InputError(f"every key of the configs is an option: {', '.join(f'--{name}' for name in sorted(configs))}")
    roles = {str(line.named[role]) for role in ("run_id", "init_id", "final_id") if role in line.named}
    _check_files(line, configs, roles)
    for name in roles:
        if name not in configs:
            runs = [key for key, value in configs.items() if key == "run" or value == "%run"]
            raise InputError(f"there is no run {name!r} in these configs; {_nearest(name, runs)}")
    tracked = _tracking_keys(line.named.get("tracking"))
    parser = ConfigParser(configs)
    for name, value in line.options.items():
        if name not in tracked:
            _check_value(name, _find(parser.get(), name, tracked), value)
            parser.set(value, name)  # an option may speak of what one before it has put in place


def _tracking_keys(tracking: Any) -> set[str]:
    if tracking is None:
        return set()
    known = isinstance(tracking, str) and tracking in DEFAULT_EXP_MGMT_SETTINGS
    settings = DEFAULT_EXP_MGMT_SETTINGS[tracking] if known else ConfigParser.load_config_files(tracking)
    return _OF_TRACKING | set(dict(settings).get("configs", {}))


def _check_files(line: CommandLine, configs: Mapping[str, Any], roles: set[str]) -> None:
    """Refuse keys of the user's own config files that no config reads."""
    files = line.config_files
    own = [file for file in files if not Path(file).resolve().is_relative_to(_CONFIGS)]
    if not own:
        return
    shipped = [path for path in _CONFIGS.rglob("*.json") if path.name != "metadata.json"]
    known = {key for path in shipped for key in json.loads(path.read_text(encoding="utf-8")) if key.isidentifier()}
    known |= {key for file in set(files) - set(own) for key in ConfigParser.load_config_file(file)} | _OF_EVERY_CONFIG
    text = json.dumps([configs, list(line.options.values())], default=str)
    read = {key[1:] for key in re.findall(r"[@%]\w+", text)} | roles
    for file in own:
        number = files.index(file)
        before = ConfigParser.load_config_files(list(files[:number])) if number else {}
        for key, value in ConfigParser.load_config_file(file).items():
            name, *parts = key.removeprefix("+").replace("::", "#").split("#")
            if name not in known | read and value != "%run":
                raise InputError(f"{file}: nothing reads its key {name!r}; {_nearest(name, known)}")
            within = value if key.startswith("+") and isinstance(value, Mapping) else {}
            for part in ["#".join(parts)] if parts else within:
                if name in before:
                    _find(before, f"{name}#{part}", subject=f"{file}: there is no key ")


def _find(configs: Any, name: str, others: Iterable[str] = (), subject: str = "there is no option --") -> Any:
    """The value of the merged configs that an option replaces; None for an argument that they leave at its default."""
    node, *parts = configs, *name.removeprefix("+").split("#")
    for depth, part in enumerate(parts):
        keys = _keys(node, top=depth == 0)
        if keys is not None and part not in keys:
            prefix = "#".join(parts[:depth])
            choices = (
                [f"--{prefix}#{key}" for key in keys] if prefix else [f"--{key}" for key in (*keys, *_OWN, *others)]
            )
            raise InputError(f"{subject}{name}; {_nearest('--' + '#'.join(parts[: depth + 1]), choices)}")
        if isinstance(node, list):
            node = node[int(part)]
        elif isinstance(node, Mapping):
            node = node.get(part)
        else:
            return None
    return node


def _keys(node: Any, top: bool) -> list[str] | None:
    """What may be set of a value of the configs; None for everything."""
    if isinstance(node, list):
        return [str(number) for number in range(len(node))]
    if not isinstance(node, Mapping):
        return []
    if top:
        return [*node, *(_OF_EVERY_CONFIG - set(node))]
    if "_target_" not in node:
        return list(node)
    target = locate(str(ConfigComponent(dict(node)).resolve_module_name()))
    try:
        parameters = inspect.signature(target).parameters.values()  # type: ignore[arg-type]  # the next line
    except (TypeError, ValueError):  # nothing to call, or nothing that says how
        return None
    if any(one.kind is one.VAR_KEYWORD for one in parameters):
        return None
    return [*dict.fromkeys([*node, *(one.name for one in parameters), *_OF_EVERY_COMPONENT])]


def _check_value(name: str, default: Any, value: Any) -> None:
    if isinstance(value, str) and value.startswith(("$", "@", "%")):
        return
    if value is None and default is not None:  # MONAI leaves the option out then, and the config's value stays
        raise InputError(f"--{name} None would leave it as it is; give '$None'")
    if isinstance(default, bool) and not isinstance(value, bool):
        raise InputError(f"--{name} {value}: give True or False")
    is_number = isinstance(value, int | float) and not isinstance(value, bool)
    if isinstance(default, int | float) and not isinstance(default, bool) and not is_number:
        raise InputError(f"--{name} {value}: give a number, such as {default}")
    if is_number and (name.endswith(("_dir", "_path")) or name in _FILES):
        raise InputError(f"--{name} {value} is taken for a number; give ./{value}")
    if isinstance(default, list) and not isinstance(value, list | tuple):
        raise InputError(f"--{name} {value}: give a list, such as {json.dumps(default)}")


def _nearest(name: str, choices: Iterable[str]) -> str:
    choices = sorted(one for one in choices if not one.rpartition("#")[2].strip("-").startswith("_"))
    close = get_close_matches(name, choices, n=3)
    if close:
        return f"did you mean {' or '.join(close)}?"
    return f"there are {', '.join(choices)}" if choices else "it has no parts"
