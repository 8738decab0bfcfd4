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
"""The comparison as a table, figures and JSON."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from matplotlib.colors import LogNorm
from matplotlib.figure import Figure

from scripts.io.atomic import atomic_path
from scripts.visualize.learning_curve import LearningCurve, draw_learning_curve

Row = dict[str, Any]


def write_report(
    folder: Path, rows: Sequence[Row], about: Mapping[str, Any], curves: Mapping[str, Mapping[str, LearningCurve]]
) -> None:
    """Write ``landmarks.json``, ``landmarks.md`` and the figures.

    Args:
        folder: where.
        rows: one a data set, method and number of examples.
        about: versions and settings.
        curves: data set to method to its error against the number of examples.
    """
    with atomic_path(folder / "landmarks.json") as temporary:
        temporary.write_text(json.dumps({"about": about, "rows": rows}, indent=1, default=str) + "\n")
    with atomic_path(folder / "landmarks.md") as temporary:
        temporary.write_text(as_markdown(rows))
    tracking = [row for row in rows if row["data"] not in curves]
    if tracking:
        _save(draw_errors(tracking), folder / "tracking.png")
    for data, lines in curves.items():
        _save(draw_learning_curve(lines), folder / f"{data.replace(' ', '_')}.png")


def as_markdown(rows: Sequence[Row]) -> str:
    """A table a data set; a star for methods that are judged on fewer frames, as they are slow."""
    parts = []
    for data in dict.fromkeys(row["data"] for row in rows):
        own = [row for row in rows if row["data"] == data]
        within = [key for key in own[0] if key.startswith("within_") and key.endswith("_px")]
        titles = ["method", "examples", "error, px", *(f"within {key.split('_')[1]} px" for key in within)]
        titles += ["lost", "ms", "training, s", "n"]
        lines = [f"### {data}", "", f"| {' | '.join(titles)} |", "|---" * len(titles) + "|"]
        lines += [f"| {' | '.join(_cells(row, within))} |" for row in own]
        parts.append("\n".join(lines))
    return "\n\n".join(parts) + "\n"


def _cells(row: Row, within: Sequence[str]) -> list[str]:
    name = row["method"] + (f" ({row['package']})" if row["package"] else "") + (" *" if row["fewer"] else "")
    error = f"{row['mean_px']:.2f} ± {row['sd_px']:.2f}"
    shares = [f"{100 * row[key]:.0f} %" for key in (*within, "lost")]
    ms = "" if row["ms"] is None else f"{row['ms']:.2g}" if row["ms"] < 10 else f"{row['ms']:.0f}"
    trained = f"{row['trained_s']:.0f}" if row.get("trained_s") is not None else ""
    return [name, str(row["examples"]), error, *shares, ms, trained, str(row["number"])]


def draw_errors(rows: Sequence[Row]) -> Figure:
    """Mean errors of each method on each data set; the smallest of those on all frames is bold."""
    methods = list(dict.fromkeys(row["method"] for row in rows))
    data = list(dict.fromkeys(row["data"] for row in rows))
    errors = np.full((len(methods), len(data)), math.nan)
    fewer = np.zeros(errors.shape, dtype=bool)
    for row in rows:
        at = methods.index(row["method"]), data.index(row["data"])
        errors[at], fewer[at] = row["mean_px"], row["fewer"]
    smallest = np.nanmin(np.where(fewer, math.nan, errors), axis=0)
    figure = Figure(figsize=(2.6 + 0.95 * len(data), 1.5 + 0.36 * len(methods)), layout="constrained")
    axes = figure.subplots()
    axes.imshow(np.maximum(errors, 1e-3), norm=LogNorm(0.05, 20), cmap="RdYlGn_r", aspect="auto", alpha=0.75)
    for (m, d), error in np.ndenumerate(errors):
        if math.isnan(error):
            continue
        text = f"{error:.2f}" if error < 10 else f"{error:.0f}"
        weight = "bold" if error == smallest[d] and not fewer[m, d] else "normal"
        axes.text(d, m, text + "*" * int(fewer[m, d]), ha="center", va="center", fontsize=8, fontweight=weight)
    axes.set_xticks(range(len(data)), [one.replace(", ", "\n") for one in data], fontsize=7)
    axes.set_yticks(range(len(methods)), methods, fontsize=8)
    axes.set_title("mean error, px; the smallest is bold; * on fewer frames", fontsize=9)
    return figure


def _save(figure: Figure, path: Path) -> None:
    with atomic_path(path) as temporary:
        figure.savefig(temporary, dpi=110)
