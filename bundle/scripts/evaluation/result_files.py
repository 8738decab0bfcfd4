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

"""The files of an evaluation: a table and its pictures."""

from __future__ import annotations

from pathlib import Path

from tqdm import tqdm

from scripts.evaluation.result import EvaluationResult
from scripts.io.atomic import atomic_path
from scripts.io.csv_table import write_csv

__all__ = ["write_result"]


def write_result(folder: Path, result: EvaluationResult) -> list[str]:
    """Write ``<name>.csv`` with a row an image, and a folder ``<name>`` of pictures.

    Args:
        folder: where to write.
        result: the result.

    Returns:
        The pictures' paths relative to the folder, in the order of ``result.figures``.

    Example:
        >>> write_result(Path("out"), result)  # doctest: +SKIP
        ['pixel_matching/map_001.png']
    """
    if result.rows:
        _write_rows(folder / f"{result.name}.csv", result.rows)
    pictures = []
    for name, draw in tqdm(result.figures.items(), desc=f"{result.name} figures", leave=False, disable=None):
        pictures.append(f"{result.name}/{name}.png")
        with atomic_path(folder / pictures[-1]) as temporary:
            draw().savefig(temporary, format="png", dpi=120)
    return pictures


def _write_rows(path: Path, rows: list[dict]) -> None:
    columns = list(dict.fromkeys(name for row in rows for name in row))
    write_csv(path, columns, ([_cell(row.get(name, "")) for name in columns] for row in rows))


def _cell(value: object) -> object:
    return f"{value:.4f}" if isinstance(value, float) else value
