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

"""The variants of a sweep: which configs and settings each is trained and evaluated with."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from monai.bundle import ConfigParser
from monai.bundle.reference_resolver import ReferenceResolver

from scripts.io.input_error import InputError, first_line

__all__ = ["Stage", "Variant", "plan_variants"]

_WORKFLOWS = {"training": "configs/train.json", "evaluating": "configs/evaluate.json"}


@dataclass(frozen=True)
class Stage:
    """One run of a variant.

    Attributes:
        configs: config files, relative to the bundle's root or absolute, each merged on top of those before.
        settings: config ids to values, merged last.

    Example:
        >>> Stage(["configs/train.json"], {"patch_size": 32}).settings
        {'patch_size': 32}
    """

    configs: list[str]
    settings: dict[str, Any]

    def changes(self, before: Stage) -> str:
        """What is not as it was, for a message; empty where nothing changed.

        Example:
            >>> Stage([], {"patch_size": 40}).changes(Stage([], {"patch_size": 32}))
            'patch_size was 32 and is 40'
        """
        old, new = ({"configs": stage.configs} | stage.settings for stage in (before, self))
        names = [
            name for name in dict.fromkeys([*old, *new]) if (name in old, old.get(name)) != (name in new, new.get(name))
        ]
        told = [[repr(values[name]) if name in values else "not given" for values in (old, new)] for name in names]
        return "; ".join(f"{name} was {was} and is {now}" for name, (was, now) in zip(names, told, strict=True))


@dataclass(frozen=True)
class Variant:
    """One point of a sweep.

    Attributes:
        name: also the name of its folder.
        training: what it is trained with.
        evaluating: what it is evaluated with.

    Example:
        >>> stage = Stage([], {"patch_size": 32})
        >>> Variant("32", stage, stage).name
        '32'
    """

    name: str
    training: Stage
    evaluating: Stage


def plan_variants(
    variants: Mapping[str, Mapping[str, Any]],
    *,
    base: Sequence[str] = (),
    settings: Mapping[str, Any] | None = None,
    bundle_root: Path,
) -> list[Variant]:
    """Work out configs and settings of each variant, and find faults before anything is trained.

    The configs of a stage are the workflow's own, then ``base``, then the variant's. A variant's settings win over
    those of all. A setting goes to those stages whose configs know it: ``truth`` to the evaluation, ``loss#...``
    to the training, most to both.

    Args:
        variants: name to ``{"configs": [...], "settings": {...}}``, both optional.
        base: config files for all variants.
        settings: config ids (``patch_size``, ``head#layers``) to values, for all variants.
        bundle_root: the folder of the bundle, which relative config files start from.

    Returns:
        The variants, in the order given.

    Raises:
        InputError: there is no variant, a name is no name for a folder, a config file is missing or damaged, or a
            setting is known to no config.

    Example:
        >>> plan_variants({"32": {"settings": {"patch_size": 32}}}, bundle_root=Path("."))  # doctest: +SKIP
        [Variant(name='32', training=Stage(configs=['configs/train.json'], ...
    """
    if not isinstance(variants, Mapping) or not variants:
        raise InputError("a sweep needs variants: {'NAME': {'configs': [FILE, ...], 'settings': {ID: VALUE}}, ...}")
    return [
        _plan(str(name), given, base, _plain("settings", settings or {}), bundle_root)
        for name, given in variants.items()
    ]


def _plan(name: str, given: Mapping[str, Any], base: Sequence[str], settings: dict[str, Any], root: Path) -> Variant:
    if not re.fullmatch(r"\w[\w.-]*", name):
        raise InputError(f"variant {name!r}: its name is that of a folder; use letters, digits, '_', '-' and '.'")
    if not isinstance(given, Mapping) or not set(given) <= {"configs", "settings"}:
        raise InputError(f"variant {name}: give {{'configs': [FILE, ...], 'settings': {{ID: VALUE}}}}, not {given!r}")
    settings = settings | _plain(f"variant {name}: settings", given.get("settings", {}))
    more = [*_files("base", base), *_files(f"variant {name}: configs", given.get("configs", []))]
    stages, known = {}, set()
    for run_id, workflow in _WORKFLOWS.items():
        configs = [workflow, *more]
        merged = _merge(configs, root)
        stages[run_id] = Stage(configs, {id: value for id, value in settings.items() if _knows(merged, id)})
        known |= set(stages[run_id].settings)
    if unknown := [id for id in settings if id not in known]:
        raise InputError(f"variant {name}: no config knows the settings {', '.join(unknown)}; see configs/train.json")
    return Variant(name, **stages)


def _files(what: str, files: Any) -> list[str]:
    if isinstance(files, str) or not isinstance(files, Sequence):
        raise InputError(f"{what} must be a list of config files, not {files!r}")
    return [str(file) for file in files]


def _plain(what: str, settings: Any) -> dict[str, Any]:
    """As the settings come back from a JSON file, so that they compare equal to those of an earlier run."""
    if not isinstance(settings, Mapping):
        raise InputError(f"{what} must be a dict of config ids and values, not {settings!r}")
    try:
        return json.loads(json.dumps(dict(settings)))
    except TypeError as error:
        raise InputError(
            f"{what} must be numbers, texts, lists and dicts ({error}); name a config file instead"
        ) from error


def _merge(configs: Sequence[str], root: Path) -> ConfigParser:
    for config in configs:
        if not (root / config).is_file():
            raise InputError(f"there is no config file {root / config}")
    try:
        return ConfigParser(ConfigParser.load_config_files([root / config for config in configs]))
    except ValueError as error:
        raise InputError(f"{', '.join(configs)} cannot be merged: {first_line(error)}") from error


def _knows(merged: ConfigParser, id: str) -> bool:
    """Whether a setting has an effect, or a place: ``head#layers`` is an argument although no config gives it."""
    *parents, _ = ReferenceResolver.split_id(id.removeprefix("+"))
    return ReferenceResolver.sep.join(parents) in merged if parents else id.removeprefix("+") in merged
