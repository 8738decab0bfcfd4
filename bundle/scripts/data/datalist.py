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

"""The command line of data lists: divide a data set by patient and write a MONAI data list.

In ``bundle/``:

    python -m scripts.data.datalist --dataset_dir /path/to/images --output datalist.json
"""

from __future__ import annotations

import argparse
import warnings
from collections.abc import Sequence
from pathlib import Path

from scripts.data.datalist_file import write_datalist
from scripts.data.datalist_maker import MadeDatalist, make_datalist
from scripts.data.datalist_presets import PRESETS
from scripts.data.patient_split import PARTS
from scripts.io.input_error import InputError, report_input_errors

__all__ = ["main"]


def _parse_fractions(text: str) -> tuple[float, ...]:
    try:
        return tuple(float(part) for part in text.split(","))
    except ValueError:
        raise argparse.ArgumentTypeError(f"'{text}' is not a list of numbers such as 0.6,0.2,0.2") from None


def _describe_presets() -> str:
    lines = ["presets (sources, terms and layouts are in docs/data.md):"]
    for name, preset in PRESETS.items():
        lines += [f"  {name}: {preset.title}", f"    layout    {preset.layout}", f"    patients  {preset.rule}"]
    return "\n".join(lines)


def _build_parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m scripts.data.datalist",
        description="Divide a data set into training, validation and test so that no patient is in two of them, and "
        "write a MONAI data list. Patients are numbered; their identifiers are neither written nor printed, but "
        "the paths of files are.",
        epilog=_describe_presets(),
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    add = parser.add_argument
    add("--dataset_dir", type=Path, required=True, help="folder of the images")
    add("--output", type=Path, default=Path("datalist.json"), help="file to write (default: datalist.json)")
    add("--preset", choices=list(PRESETS), default="any_folder", help="data set, see below (default: any_folder)")
    add("--patient_pattern", metavar="REGEX", help="any_folder: what in the images' paths names the patient")
    add("--table", type=Path, metavar="FILE.csv", help="table that names the patient of each image")
    add("--image_column", metavar="NAME", help="its column of images: paths below the folder, or their ends")
    add("--patient_column", metavar="NAME", help="its column of patients")
    add(
        "--fractions",
        type=_parse_fractions,
        default=(0.6, 0.2, 0.2),
        metavar="A,B,C",
        help="share of the patients for training, validation and test (default: 0.6,0.2,0.2)",
    )
    add("--seed", type=int, default=0, help="another seed gives another split (default: 0)")
    return parser


def _summary(made: MadeDatalist) -> str:
    """A table of the parts, and below it the rule and what was left out."""
    counted = []
    for part in PARTS:
        patients = {item["patient"] for item in made.content[part]}
        counted.append((part, len(patients), len(made.content[part])))
    counted.append(("all", sum(row[1] for row in counted), sum(row[2] for row in counted)))
    lines = [f"{made.content['name']}, preset {made.content['preset']}, seed {made.content['seed']}"]
    lines += [f"{'part':<12}{'patients':>10}{'images':>10}"]
    lines += [f"{part:<12}{patients:>10}{images:>10}" for part, patients, images in counted]
    return "\n".join([*lines, f"patients: {made.rule}", *made.notes])


def main(arguments: Sequence[str] | None = None) -> None:
    """Make a data list as the command line says.

    Args:
        arguments: what follows the command; ``None`` takes it from ``sys.argv``.

    Raises:
        InputError: see :func:`scripts.data.make_datalist`.

    Example:
        >>> main(["--dataset_dir", "clips", "--output", "datalist.json"])  # doctest: +SKIP
    """
    options = vars(_build_parser().parse_args(arguments))
    output = options.pop("output")
    if output.is_dir():
        raise InputError(f"{output} is a folder; --output must be a file such as datalist.json")
    with warnings.catch_warnings():
        # what pydicom says of odd headers prints their values, which may be identifiers
        warnings.filterwarnings("ignore", message="Invalid value for VR")
        made = make_datalist(**options)
        print(_summary(made))
    write_datalist(output, made.content)
    print(f"wrote {output}")


if __name__ == "__main__":
    report_input_errors()
    main()
