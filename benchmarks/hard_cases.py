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

"""The tracker on the phantom's hard cases: wrong answers that are not flagged, false alarms, how soon it is back.

``make hard-cases`` trains a network that knows swapped contrast and runs it; with another network it is
``PYTHONPATH=bundle python benchmarks/hard_cases.py --weights FILE``. It prints a table and writes
``benchmarks/hard_cases.json``. Limits of trust are learned on subjects that the table does not show, from their right
answers in all cases; the table's subjects were neither trained nor learned on. Terms:

- *wrong, not flagged*: more than 10 px off, whether the landmark can be seen or not, and valid;
- *unseen, not flagged*: valid although it cannot be seen: where its surroundings say that it is;
- *false alarms*: share of the visible landmarks found within 10 px that are flagged;
- *back after*: frames that show the landmark, from its jump or return on, before its first valid answer within 10 px.
"""

from __future__ import annotations

import argparse
import json
import statistics
from pathlib import Path

import numpy as np
import torch
from matplotlib.figure import Figure
from tqdm import tqdm

from scripts.data.phantom import PhantomSubject, breathing_phantom
from scripts.inferers import Execution, LandmarkTracker, LocalRefinement, TrackedLandmark
from scripts.io import report_input_errors
from scripts.networks import CorrelationHead, TemplateMatchingNetwork, build_encoder, load_weights

CASES: dict[str, tuple[str, ...]] = {
    "clean": (),
    "contrast": ("contrast",),
    "jump": ("jump",),
    "dropped": ("dropped",),
    "absence": ("absence",),
    "noise": ("noise",),
    "all": ("contrast", "jump", "dropped", "absence", "noise"),
}
WRONG_PX = 10.0
FIRST = 60  # of the subjects that are judged
COLUMNS = 6  # of the picture
SIZE, PATCH = (192, 176), 56


def make_tracker(weights: Path, threads: int) -> LandmarkTracker:
    """The tracker of a network trained with the phantom's settings."""
    encoders = build_encoder("residual"), build_encoder("residual")
    network = TemplateMatchingNetwork(*encoders, CorrelationHead(*encoders), patch_size=PATCH)
    execution = Execution(load_weights(network, weights), SIZE, precision="float32", threads=threads)
    return LandmarkTracker(execution, PATCH, SIZE, refinement=LocalRefinement())


def track(tracker: LandmarkTracker, subject: PhantomSubject) -> list[dict[str, TrackedLandmark]]:
    """Landmarks of all frames but the first, whose positions are the examples."""
    frames = subject.frames
    tracker.set_examples([(frames[0], points[0], label) for label, points in subject.tracks.items()])
    return [tracker.update(frame).landmarks for frame in frames[1:]]


def errors_of(found: list[dict[str, TrackedLandmark]], subject: PhantomSubject, label: str) -> torch.Tensor:
    """Euclidean errors (T - 1,), px; infinite where there is no answer."""
    truth = torch.as_tensor(subject.tracks[label][1:], dtype=torch.float32)
    return (torch.stack([one[label].point for one in found]) - truth).norm(dim=1).nan_to_num(nan=torch.inf)


def learn(tracker: LandmarkTracker, subjects: list[int], frames: int, false_alarm: float) -> None:
    """Limits from the right answers on visible landmarks in all cases."""
    measures = []
    for seed in tqdm(subjects, desc="learning", unit="subject", disable=None):
        for cases in CASES.values():
            subject = make_subject(seed, frames, cases)
            found = track(tracker, subject)
            for label in subject.tracks:
                right = errors_of(found, subject, label) <= WRONG_PX
                visible = torch.as_tensor(subject.visible[label][1:])
                answers = [one[label].measures for one in found]
                measures += [answer for answer, ok in zip(answers, (right & visible).tolist(), strict=True) if ok]
    tracker.learn_trust_from(torch.stack(measures), false_alarm)


def make_subject(seed: int, frames: int, cases: tuple[str, ...]) -> PhantomSubject:
    """A subject as ``make phantom`` makes it."""
    return breathing_phantom(seed, n_frames=frames, cases=cases)


def judge(tracker: LandmarkTracker, subject: PhantomSubject) -> dict[str, list[float]]:
    """What is counted in one series."""
    found = track(tracker, subject)
    counts: dict[str, list[float]] = {"wrong": [], "unseen": [], "alarms": [], "valid_px": [], "back": []}
    for label in subject.tracks:
        errors = errors_of(found, subject, label)
        visible = torch.as_tensor(subject.visible[label][1:])
        valid = torch.tensor([not one[label].is_doubtful for one in found])
        counts["wrong"] += (valid & (errors > WRONG_PX)).tolist()
        counts["unseen"] += valid[~visible].tolist()
        counts["alarms"] += (~valid)[visible & (errors <= WRONG_PX)].tolist()
        counts["valid_px"] += errors[valid & visible].tolist()
        good = valid & (errors <= WRONG_PX)
        counts["back"] += [frames_back(good, visible, start) for start in starts(visible, subject, label)]
    return counts


def starts(visible: torch.Tensor, subject: PhantomSubject, label: str) -> list[int]:
    """Frames (from the second on) in which a landmark is back, or has just jumped by more than 10 px."""
    truth = torch.as_tensor(subject.tracks[label], dtype=torch.float32)
    step = (truth[1:] - truth[:-1]).norm(dim=1)
    before = torch.cat([torch.tensor([True]), visible[:-1]])
    return ((visible & ~before) | (visible & (step > WRONG_PX))).nonzero().flatten().tolist()


def frames_back(good: torch.Tensor, visible: torch.Tensor, start: int) -> float:
    """Frames that show it before the first good one: 0 for the frame itself; infinite for never."""
    later = good[start:].nonzero()
    return float(visible[start : start + int(later[0])].sum()) if len(later) else float("inf")


def draw(tracker: LandmarkTracker, seed: int, frames: int) -> Figure:
    """One subject, a row a case: the truth, valid answers and flagged ones in some of its frames."""
    numbers = [round(i * (frames - 1) / (COLUMNS - 1)) for i in range(COLUMNS)]
    figure = Figure(figsize=(2 * COLUMNS, 2 * len(CASES)), layout="constrained")
    axes = figure.subplots(len(CASES), COLUMNS)
    for row, (case, cases) in zip(axes, CASES.items(), strict=True):
        subject = make_subject(seed, frames, cases)
        found = [{}, *track(tracker, subject)]
        for axis, number in zip(row, numbers, strict=True):
            axis.imshow(subject.frames[number].T, cmap="gray", vmin=0, vmax=1)
            truth = np.array(
                [track[number] for label, track in subject.tracks.items() if subject.visible[label][number]]
            )
            axis.plot(*truth.reshape(-1, 2).T, "+", color="yellow", markersize=10)
            for valid, style in ((True, "o"), (False, "x")):
                points = [one.point.tolist() for one in found[number].values() if one.is_doubtful != valid]
                color = "limegreen" if valid else "tomato"
                axis.plot(*np.array(points).reshape(-1, 2).T, style, color=color, markersize=5, fillstyle="none")
            axis.set(xticks=[], yticks=[], xlim=(-0.5, SIZE[0] - 0.5), ylim=(SIZE[1] - 0.5, -0.5))
            axis.set_title(f"{case}, frame {number}", fontsize=8)
    return figure


def summary(case: str, counts: dict[str, list[float]]) -> dict[str, object]:
    """A row of the table."""
    return {
        "case": case,
        "answers": len(counts["wrong"]),
        "wrong, not flagged": int(sum(counts["wrong"])),
        "unseen, not flagged": f"{int(sum(counts['unseen']))} of {len(counts['unseen'])}",
        "false alarms %": round(100 * statistics.fmean(counts["alarms"]), 2),
        "valid: mean px": round(statistics.fmean(counts["valid_px"]), 2),
        "valid: max px": round(max(counts["valid_px"]), 2),
        "back after, worst": max(counts["back"], default=0),
        "events": len(counts["back"]),
    }


def main() -> None:
    """Learn, judge, print and write."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument(
        "--weights", type=Path, default=Path("phantom_output/hard_cases/model.pt"), help="of make hard-cases"
    )
    parser.add_argument("--subjects", type=int, default=16, help="subjects that are judged, from 60 on (default: 16)")
    parser.add_argument("--learn", type=int, default=8, help="subjects that are learned on, from 100 on (default: 8)")
    parser.add_argument("--frames", type=int, default=40, help="frames a series (default: 40)")
    parser.add_argument(
        "--false_alarm", type=float, default=0.01, help="share that the limits may flag (default: 0.01)"
    )
    parser.add_argument("--threads", type=int, default=2, help="threads of torch (default: 2)")
    parser.add_argument("--output", type=Path, default=Path(__file__).with_suffix(".json"), help="JSON file to write")
    parser.add_argument("--picture", type=Path, help="PNG or JPEG file to write: the first judged subject")
    options = parser.parse_args()
    tracker = make_tracker(options.weights, options.threads)
    learn(tracker, list(range(100, 100 + options.learn)), options.frames, options.false_alarm)
    rows = []
    for case, cases in tqdm(CASES.items(), desc="judging", unit="case", disable=None):
        counts: dict[str, list[float]] = {}
        for seed in range(FIRST, FIRST + options.subjects):
            for name, values in judge(tracker, make_subject(seed, options.frames, cases)).items():
                counts.setdefault(name, []).extend(values)
        rows.append(summary(case, counts))
    limits = {name: round(limit, 3) for name, limit in tracker.trust.limits.items()}
    print(f"limits {limits}, learned at {tracker.trust.false_alarm:.4f} false alarms")
    print("  ".join(f"{name:>20}" for name in rows[0]))
    for row in rows:
        print("  ".join(f"{value!s:>20}" for value in row.values()))
    if options.picture:
        draw(tracker, FIRST, options.frames).savefig(options.picture, dpi=70)
    options.output.write_text(json.dumps({"limits": limits, "rows": rows}, indent=2) + "\n")


if __name__ == "__main__":
    report_input_errors()
    main()
