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

"""What a sweep finds: a table, a figure and a page with a row or point a variant."""

from __future__ import annotations

import math
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from scripts.io.atomic import atomic_path
from scripts.io.csv_table import write_csv
from scripts.visualize.report import Section, Table, write_report
from scripts.visualize.sweep_curve import draw_sweep

__all__ = ["read_figures", "write_results"]

_QUESTIONS = {
    "Pixel matching": "pixel_matching",
    "Cyclic matching": "cyclic_matching",
    "Landmark, one example": "landmark_matching",
    "Landmark, several examples": "landmark_matching.few_shot",
}
_SINGLE = {
    "Self-matching [px]": "self_matching_error_px",
    "Cyclic error of pairs [px]": "pixel_cyclic_error_px",
    "Time an image [ms]": "inference_time.ms_per_image",
    "Training [s]": "train_seconds",
}
_COLUMNS = [f"{key}.{name}" for key in _QUESTIONS.values() for name in ("mean_px", "sd_px")] + list(_SINGLE.values())


def read_figures(metrics: Mapping[str, Any]) -> dict[str, float]:
    """The figures of an evaluation that a sweep compares.

    Args:
        metrics: content of a ``metrics.json``, see :class:`scripts.handlers.EvaluationWriter`.

    Returns:
        Column to value, px and seconds; NaN for what was not evaluated.

    Example:
        >>> read_figures({"pixel_matching": {"mean_px": 2.2}})["pixel_matching.mean_px"]
        2.2
    """
    return {column: _number(metrics, column) for column in _COLUMNS}


def _number(metrics: Mapping[str, Any], column: str) -> float:
    value: Any = metrics
    for key in column.split("."):
        value = value.get(key) if isinstance(value, Mapping) else None
    return float(value) if isinstance(value, int | float) else math.nan


def write_results(folder: Path, rows: Mapping[str, Mapping[str, float]], *, title: str, xlabel: str) -> list[Path]:
    """Write ``sweep.csv``, ``sweep.png`` and ``sweep.html``; older ones are replaced.

    Args:
        folder: where to write.
        rows: variant to the figures of :func:`read_figures`.
        title: the heading of the page.
        xlabel: what the variants are, for the figure's axis.

    Returns:
        The files; without the picture if no variant has anything to draw.

    Example:
        >>> write_results(Path("out"), {"32": read_figures({})}, title="T", xlabel="Patch size")  # doctest: +SKIP
    """
    _write_csv(folder / "sweep.csv", rows)
    names = ["sweep.csv"]
    if curves := _curves(rows):
        with atomic_path(folder / "sweep.png") as temporary:
            draw_sweep(list(rows), curves, xlabel=xlabel).savefig(temporary, format="png", dpi=120)
        names.append("sweep.png")
    write_report(
        folder / "sweep.html",
        title=title,
        intro="Each variant was trained and evaluated with the same images and settings but for what is compared. "
        "Errors are mean ± standard deviation, px of the original images; self-matching in px of the network's image.",
        sections=[Section(xlabel, pictures=names[1:], files=names[:1], tables=[_table(rows, xlabel)])],
        embed=True,
    )
    return [folder / name for name in [*names, "sweep.html"]]


def _write_csv(path: Path, rows: Mapping[str, Mapping[str, float]]) -> None:
    cells = ([row[column] if math.isfinite(row[column]) else "" for column in _COLUMNS] for row in rows.values())
    write_csv(path, ["variant", *_COLUMNS], ([name, *row] for name, row in zip(rows, cells, strict=True)))


def _curves(rows: Mapping[str, Mapping[str, float]]) -> dict[str, tuple[list[float], list[float]]]:
    """Means and standard deviations of each question that was evaluated for any variant."""
    curves = {
        title: ([row[f"{key}.mean_px"] for row in rows.values()], [row[f"{key}.sd_px"] for row in rows.values()])
        for title, key in _QUESTIONS.items()
    }
    return {title: curve for title, curve in curves.items() if any(map(math.isfinite, curve[0]))}


def _table(rows: Mapping[str, Mapping[str, float]], xlabel: str) -> Table:
    header = [xlabel, *(f"{title} [px]" for title in _QUESTIONS), *_SINGLE]
    cells = [
        [
            name,
            *(_spread(row[f"{key}.mean_px"], row[f"{key}.sd_px"]) for key in _QUESTIONS.values()),
            *(_text(row[column]) for column in _SINGLE.values()),
        ]
        for name, row in rows.items()
    ]
    note = "Errors of landmarks need known landmarks (--truth). Several examples are 20, or as many as there are."
    return Table("Errors of the variants", header, cells, note)


def _spread(mean: float, deviation: float) -> str:
    return f"{_text(mean)} ± {_text(deviation)}" if math.isfinite(deviation) else _text(mean)


def _text(value: float) -> str:
    return "" if not math.isfinite(value) else f"{value:.0f}" if value >= 100 else f"{value:.2f}"
