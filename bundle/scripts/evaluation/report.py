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

"""The report of an evaluation: the paper's tables and figures with this run's numbers in them."""

from __future__ import annotations

import math
import os
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import Any

from scripts.evaluation.result import EvaluationResult
from scripts.visualize.report import Section, Table, write_report

__all__ = ["write_evaluation_report"]

_PAPER = "Frueh et al. 2022"
_TABLE_1 = [
    (f"{_PAPER}, MR-LINAC", "3.7 ± 5.4", "6.6 ± 8.7", "1.8 ± 1.7"),
    (f"{_PAPER}, abdominal MRI", "2.2 ± 2.8", "4.3 ± 4.2", "2.1 ± 0.94"),
    (f"{_PAPER}, chest X-ray", "2.2 ± 1.5", "4.4 ± 3.7", "5.8 ± 3.9"),
]
# what the text of sections III-D and IV-D gives; the table itself is an image
_TABLE_2 = [
    (f"{_PAPER}, template matching network", "20: not in its text", "5.8 ± 3.9", ""),
    (f"{_PAPER}, supervised ResNet-50", "50: 8.5", "not in its text", ""),
    (f"{_PAPER}, SimCLR patches", "5: 6.6", "not in its text", ""),
    (f"{_PAPER}, supervised, SimCLR pre-trained", "50: 6.3", "not in its text", ""),
]
_TABLE_3_NOTE = (
    f"{_PAPER}, section IV-E, 20 examples: no relevant difference between VGG16, ResNet50, DenseNet121 and "
    "ConvNext-Small, nor between the two distributions; one linear layer was not enough, the best were 3. Its figures "
    "are in an image. Variants, the patch sizes of Fig. 5 too, are trained and compared by the sweeps: docs/sweeps.md."
)
_OTHER = (
    "Self-matching is the training's own task, with its augmentation; the other errors are of points that were "
    "followed through series from one example, and of cross-correlation (NCC) on the same patches."
)
_SUBJECTS = {
    "within": "other frames of the same series at the far end of its motion,",
    "cross": "those of other patients drawn at random,",
    "given": "as the table of pairs tells,",
}
_MOST_PICTURES = 6


def write_evaluation_report(
    path: str | os.PathLike[str],
    results: Sequence[EvaluationResult],
    pictures: Mapping[str, Sequence[str]],
    metrics: Mapping[str, Any],
    about: Mapping[str, Sequence[tuple[str, str]]],
    notes: Sequence[str] = (),
) -> None:
    """Write the report as one HTML file that holds all its pictures.

    Args:
        path: the file.
        results: what was evaluated.
        pictures: name of a result to its pictures, relative to the file's folder.
        metrics: the figures that are not in a result.
        about: captions to rows of name and value: data, weights, versions; see :func:`describe_run`.
        notes: lines on what was left out of ``metrics``.

    Example:
        >>> write_evaluation_report("out/report.html", results, pictures, {}, {})  # doctest: +SKIP
    """
    by_name = {result.name: result for result in results}
    network = dict(about.get("Weights", [])).get("Network", "")
    sections = [_overview(by_name)]
    makers: dict[str, Callable[[EvaluationResult, Sequence[str], Mapping[str, EvaluationResult]], Section]] = {
        "pixel_matching": _pixel_matching,
        "cyclic_matching": _cyclic_matching,
        "landmark_matching": partial(_landmark_matching, network),
        "calibration": _calibration,
    }
    for name, make in makers.items():
        if name in by_name:
            sections.append(make(by_name[name], pictures.get(name, []), by_name))
    sections.append(Section("Training task and followed examples", _OTHER, metrics=metrics))
    sections.append(_missing(results, notes))
    sections.append(Section("Data, weights and versions", tables=[_pairs(*item) for item in about.items()]))
    write_report(
        path,
        title="Evaluation of landmark matching",
        intro="Lengths in px are those of the original images, unless said otherwise. ± is the standard deviation. The "
        "paper's px are those of its images at the network's size, and its data are others: its figures stand "
        "beside ours for orientation, not as a comparison.",
        sections=sections,
        embed=True,
    )


def _overview(results: Mapping[str, EvaluationResult]) -> Section:
    names = ("pixel_matching", "cyclic_matching", "landmark_matching")
    ours = [_spread(results[name].metrics) if name in results else "not evaluated" for name in names]
    table = Table(
        "As Table 1 of the paper: mean ± standard deviation of Euclidean errors",
        ("Data", "Template matching [px]", "Cross-image matching [px]", "Landmark, one example [px]"),
        [("This run", *ours), *_TABLE_1],
        emphasis=[0],
    )
    return Section("Overview", tables=[table])


def _pixel_matching(result: EvaluationResult, pictures: Sequence[str], _: Mapping) -> Section:
    metrics = result.metrics
    return Section(
        "Pixel-wise template matching (section III-A, Fig. 4)",
        f"Patches around every {_ordinal(metrics['step'])} pixel of {metrics['images']} images, found in the same image"
        f" (mean sigma: {_number(metrics['mean_sigma_px'])} px). Each picture shows the image, the error of the patch "
        f"around each pixel, and the sigma that the network gave with it.{_shown(result, pictures)}",
        tables=[_error_table(metrics)],
        pictures=_some(pictures),
    )


def _cyclic_matching(result: EvaluationResult, pictures: Sequence[str], _: Mapping) -> Section:
    metrics = result.metrics
    return Section(
        "Cross-image matching without labels (eq. 4, Figs. 2 and 4)",
        f"Patches around every {_ordinal(metrics['step'])} pixel of {metrics['key_images']} key images are found in "
        f"target images, {_SUBJECTS[metrics['subjects']]} and, from there, found again in the key image; "
        f"{metrics['pairs']} pairs. Each picture shows for each pixel how far from its start the way ends: the mean "
        f"over the targets and, where there are several, their standard deviation.{_shown(result, pictures)}",
        tables=[_error_table(metrics)],
        pictures=_some(pictures),
    )


def _landmark_matching(
    network: str, result: EvaluationResult, pictures: Sequence[str], results: Mapping[str, EvaluationResult]
) -> Section:
    metrics = result.metrics
    if not metrics:
        return Section("Landmarks from examples (section III-C)", "Not evaluated; why stands under what is missing.")
    main = ", ".join(metrics["labels"])
    apart = f" Reported apart: {', '.join(metrics['labels_apart'])}." if metrics["labels_apart"] else ""
    fewest, examples = (metrics[shot]["examples"] for shot in ("single_shot", "few_shot"))
    others = "frames of the same series" if metrics["subjects"] == "within" else "images"
    text = (
        f"Main figure: {main}.{apart} {metrics['target_images']} images of {metrics['target_patients']} patients were "
        f"judged with examples from {metrics['example_images']} other {others}; means are over repeated draws of the "
        "examples. The 95 % interval of the mean is over new draws of the examples and new patients (a two-way "
        "bootstrap)."
    )
    tables = [
        _landmark_table(metrics, "single_shot", "One example" if fewest == 1 else f"{fewest} examples"),
        *([_landmark_table(metrics, "few_shot", f"{examples} examples")] if examples > fewest else []),
        _examples_table(metrics),
        _methods_table(metrics, results),
        _choices_table(metrics, results, network),
    ]
    return Section("Landmarks from examples (section III-C, Figs. 6 and 7)", text, tables=tables, pictures=pictures)


def _landmark_table(metrics: Mapping[str, Any], shot: str, caption: str) -> Table:
    rows = [("All", metrics[shot])]
    rows += [("All reported apart", metrics["apart"][shot])] if "apart" in metrics else []
    rows += [(label, figures[shot]) for label, figures in metrics["by_label"].items()]
    columns = _success_columns(metrics[shot])
    header = ("Landmark", "Mean ± sd [px]", "95 % interval", "Min", "Max", *columns.values())
    header += ("Mean ± sd [mm]",) if "mean_mm" in metrics[shot] else ()
    cells = [
        (
            label,
            _spread(figures),
            _interval(figures),
            _number(figures["min_px"]),
            _number(figures["max_px"]),
            *(_percent(figures.get(key, math.nan)) for key in columns),
            *((_spread(figures, "mm"),) if "mean_mm" in metrics[shot] else ()),
        )
        for label, figures in rows
    ]
    return Table(caption, header, cells, emphasis=[0])


def _success_columns(figures: Mapping[str, Any]) -> dict[str, str]:
    """Key to heading of the success rates, px before mm."""
    keys = sorted((key for key in figures if key.startswith("within_")), key=lambda key: key.endswith("mm"))
    return {key: "≤ " + " ".join(key.split("_")[1:]) for key in keys}


def _examples_table(metrics: Mapping[str, Any]) -> Table:
    columns = _success_columns(metrics["single_shot"])
    rows = [
        (
            str(figures["examples"]),
            _spread(figures),
            _interval(figures),
            *(_percent(figures.get(key, math.nan)) for key in columns),
        )
        for figures in metrics["by_examples"]
    ]
    header = ("Examples", "Mean ± sd [px]", "95 % interval", *columns.values())
    return Table("Error against the number of examples, as Fig. 6 of the paper", header, rows)


def _methods_table(metrics: Mapping[str, Any], results: Mapping[str, EvaluationResult]) -> Table:
    def row(name: str, figures: Mapping[str, Any], time: str) -> tuple[str, ...]:
        few = figures["few_shot"]
        return name, f"{few['examples']}: {_spread(few)}", _spread(figures["single_shot"]), time

    time = _number(results["inference_time"].metrics["ms_per_image"]) if "inference_time" in results else ""
    ours = [row("This run", metrics, time)]
    ours += [row(f"{name}, this run", figures, "") for name, figures in metrics["baselines"].items()]
    header = ("Method", "Examples: error [px]", "One example [px]", "Time an image [ms]")
    caption = "As Table 2 of the paper: methods"
    return Table(caption, header, [*ours, *_TABLE_2], _time_note(results), emphasis=[0])


def _time_note(results: Mapping[str, EvaluationResult]) -> str:
    if "inference_time" not in results:
        return ""
    time = results["inference_time"].metrics
    threads = f", torch threads: {time['threads']}" if "threads" in time else ""
    return f"Time: one image against {time['examples']} encoded patches, on {time['device']}{threads}."


def _choices_table(metrics: Mapping[str, Any], results: Mapping[str, EvaluationResult], network: str) -> Table:
    distribution = results["calibration"].metrics["distribution"] if "calibration" in results else ""
    few = metrics["few_shot"]
    row = ("This run", network, distribution, f"{few['examples']}: {_spread(few)}")
    header = ("", "Network", "Distribution", "Examples: error [px]")
    return Table("As Table 3 of the paper: choices", header, [row], _TABLE_3_NOTE, emphasis=[0])


def _calibration(result: EvaluationResult, pictures: Sequence[str], _: Mapping) -> Section:
    rows = []
    for name, stages in result.metrics.items():
        if isinstance(stages, Mapping) and "before" in stages:
            rows += [(name, stage, *_calibration_cells(figures)) for stage, figures in stages.items()]
    held = [key for row in result.rows for key in row if key.startswith("coverage_")]
    ellipses = [_heading(key) for key in dict.fromkeys(held)]
    header = ("Answers", "Sigmas", *ellipses, "Calibration error", "Sharpness [px]")
    text = (
        "An ellipse that should hold a share of the truths, and the share it holds. The calibration error is the mean "
        "distance between the two over levels from 5 to 95 %; sharpness is the mean radius of the one-sigma ellipses. "
        "After: all sigmas times a temperature that was fitted without labels on the validation split. Conformal: "
        "ellipses scaled so that they hold the landmarks of the validation split. Landmarks are all there are, those "
        "reported apart too."
    )
    temperatures = [f"{name}: {value:.2f}" for name, value in result.metrics["temperature"].items()]
    note = f"Temperatures: {', '.join(temperatures)}. " if temperatures else "No temperature. "
    note += "Inference takes them as a factor on --sigma_per_scale."
    table = Table("Coverage", header, rows, note)
    return Section("Calibration of the uncertainty", text, tables=[table], pictures=pictures)


def _calibration_cells(figures: Mapping[str, Any]) -> list[str]:
    held = [f"{value:.1f} %" for key, value in figures.items() if key.startswith("coverage_")]
    if "sharpness_px" not in figures:
        return [*held, "", ""]
    return [*held, f"{figures['expected_calibration_error_percent']:.1f} %", _number(figures["sharpness_px"])]


def _heading(key: str) -> str:
    return f"{key.split('_')[1]} % ellipse"


def _missing(results: Sequence[EvaluationResult], notes: Sequence[str]) -> Section:
    lines = [f"{result.name.replace('_', ' ').capitalize()}: {note}" for result in results for note in result.notes]
    lines += [f"Followed examples: {note}" for note in notes]
    return Section("Left out or missing", "" if lines else "Nothing.", notes=lines)


def _error_table(metrics: Mapping[str, Any]) -> Table:
    units = [unit for unit in ("px", "mm") if f"mean_{unit}" in metrics]
    rows = [
        (unit, _spread(metrics, unit), *(_number(metrics[f"{name}_{unit}"]) for name in ("median", "min", "max")))
        for unit in units
    ]
    note = f"{metrics['number']:,} patches."
    return Table("Euclidean error", ("Unit", "Mean ± sd", "Median", "Min", "Max"), rows, note)


def _some(pictures: Sequence[str]) -> list[str]:
    """A few pictures, evenly spread, so that the page stays small."""
    step = max(1, math.ceil(len(pictures) / _MOST_PICTURES))
    return list(pictures[::step])


def _shown(result: EvaluationResult, pictures: Sequence[str]) -> str:
    shown = len(_some(pictures))
    if shown == len(pictures):
        return ""
    return f" Shown are {shown} of {len(pictures)}; all are in the folder {result.name}, beside this page."


def _ordinal(step: int) -> str:
    suffix = "th" if step % 100 in (11, 12, 13) else {1: "st", 2: "nd", 3: "rd"}.get(step % 10, "th")
    return {1: "single", 2: "second", 3: "third"}.get(step, f"{step}{suffix}")


def _pairs(caption: str, rows: Sequence[Sequence[str]]) -> Table:
    return Table(caption, ("", ""), rows)


def _spread(figures: Mapping[str, Any], unit: str = "px") -> str:
    if f"mean_{unit}" not in figures:
        return "not evaluated"
    return f"{_number(figures[f'mean_{unit}'])} ± {_number(figures[f'sd_{unit}'])}"


def _interval(figures: Mapping[str, Any]) -> str:
    low, high = figures["interval_95_px"]
    return f"{_number(low)} to {_number(high)}"


def _percent(share: float) -> str:
    return f"{100 * share:.0f} %" if math.isfinite(share) else "none"


def _number(value: float) -> str:
    if not math.isfinite(value):
        return "none"
    return f"{value:.1f}" if abs(value) >= 10 else f"{value:.2f}"
