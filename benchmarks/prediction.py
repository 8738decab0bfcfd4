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
"""RMS error, px, of predictors of motion on simulated breathing, 250 to 500 ms ahead, at 2, 4 and 8 frames a second.

Run it with ``PYTHONPATH=bundle python benchmarks/prediction.py``. It prints a table and writes
``benchmarks/prediction.json``. Traces are of the liver dome of the breathing phantom's subjects, about 10 px head-foot,
with noise added to each observed coordinate; errors are Euclidean and to the noise-free position at the later time,
from 20 s on, the median over subjects. Times of frames and breathing are of three kinds:

- *regular*: breaths vary as in the phantom (15 % in length, 10 % in depth), frames come on time;
- *lost*: the same, but each frame comes up to a fifth of the frame time early or late, and one in ten is lost;
- *irregular*: the phantom's breaths made less regular by this benchmark: their rate and depth go up and down at random
  by about 25 %, and the whole drifts by about 0.7 px; frames come on time.

*hold* is no prediction. A ratio is that of the medians to *hold*; *worst* is the largest ratio of one subject, for the
linear predictor. All simulated breathing is steadier than what patients do (they cough, sigh and hold their breath).
The defaults of the predictors were chosen on the phantom's population of seed 1; seed 0 is measured here.
"""

from __future__ import annotations

import argparse
import json
import platform
import statistics
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import torch
from scipy.interpolate import CubicSpline

from scripts.data.phantom import breathing_phantom
from scripts.inferers.kalman_predictor import KalmanPredictor
from scripts.inferers.linear_predictor import LinearPredictor
from scripts.inferers.motion_predictor import HoldPredictor, MotionPredictor

RATES = (2, 4, 8)  # frames a second
HORIZONS_MS = (250, 333, 500)
KINDS = ("regular", "lost", "irregular")
SECONDS, BURN_IN = 60.0, 20.0
NOISE_PX = 0.3
PHANTOM_FRAME_SECONDS = 0.3
PHANTOM_FRAMES = 320  # enough for SECONDS where irregular breathing is faster

Trace = Callable[[np.ndarray], np.ndarray]  # times (T,) in seconds to positions (T, 2) in px


def phantom_trace(subject: int) -> Trace:
    """The liver dome at any time.

    Images are not needed, so they are made small, with a fifth of the motion. Between its frames, 12 a breath, the
    dome is interpolated by a cubic spline, which is right to about 0.01 px.
    """
    made = breathing_phantom(subject, size=(20, 20), motion_px=2.0, n_frames=PHANTOM_FRAMES, noise=0.0)
    return CubicSpline(PHANTOM_FRAME_SECONDS * np.arange(PHANTOM_FRAMES), 5 * made.tracks["liver_dome"])


def irregular_trace(trace: Trace, seed: int) -> Trace:
    """The same with a rate, a depth and a baseline that wander smoothly at random."""
    generator = np.random.default_rng([seed, 1])

    def wander(knot_seconds: float, deviation: float) -> CubicSpline:
        knots = np.arange(0, SECONDS + 4 * knot_seconds, knot_seconds)
        return CubicSpline(knots, generator.normal(0, deviation, len(knots)))

    rate, depth, baseline = wander(4.0, 0.25), wander(4.0, 0.25), wander(10.0, 0.7)
    fine = np.arange(0, SECONDS + 2, 0.05)
    breathed = 0.05 * np.cumsum(np.exp(rate(fine)))
    start = trace(np.zeros(1))
    moved = (trace(breathed) - start) * np.exp(depth(fine))[:, None]
    return CubicSpline(fine, start + moved + baseline(fine)[:, None] * [0.2, 1.0])


def frame_times(kind: str, rate: int, generator: np.random.Generator) -> np.ndarray:
    """When frames come, in seconds."""
    times = np.arange(1, SECONDS * rate) / rate
    if kind == "lost":
        times = times + generator.uniform(-0.2, 0.2, len(times)) / rate
        times = times[generator.random(len(times)) >= 0.1]
    return times


def rms_errors(predictor: MotionPredictor, trace: Trace, times: np.ndarray, observed: np.ndarray) -> np.ndarray:
    """RMS Euclidean error for each horizon, px."""
    sigma, predicted = torch.full((2,), NOISE_PX), []
    for time_ms, point in zip(1000 * times, torch.from_numpy(observed), strict=True):
        predictor.update(time_ms, point, sigma)
        predicted.append(torch.stack([predictor.predict(time_ms + ahead) for ahead in HORIZONS_MS]).numpy())
    truth = np.stack([trace(times + ahead / 1000) for ahead in HORIZONS_MS], axis=1)
    return np.sqrt(np.square(np.stack(predicted) - truth)[times >= BURN_IN].sum(axis=-1).mean(axis=0))


def measure(subjects: int) -> list[dict]:
    """All kinds, rates and horizons."""
    regular = [phantom_trace(subject) for subject in range(subjects)]
    irregular = [irregular_trace(trace, subject) for subject, trace in enumerate(regular)]
    rows = []
    for kind in KINDS:
        for rate in RATES:
            errors: dict[str, list[np.ndarray]] = {"hold": [], "kalman": [], "linear": []}
            for subject, trace in enumerate(irregular if kind == "irregular" else regular):
                generator = np.random.default_rng([subject, 2])
                times = frame_times(kind, rate, generator)
                observed = trace(times) + generator.normal(0, NOISE_PX, (len(times), 2))
                linear = LinearPredictor(frame_ms=1000 / rate, horizon_ms=max(HORIZONS_MS))
                for name, predictor in (("hold", HoldPredictor()), ("kalman", KalmanPredictor()), ("linear", linear)):
                    errors[name].append(rms_errors(predictor, trace, times, observed))
            for index, ahead in enumerate(HORIZONS_MS):
                every = {name: np.stack(values)[:, index] for name, values in errors.items()}
                px = {name: statistics.median(values.tolist()) for name, values in every.items()}
                rows.append(
                    {
                        "kind": kind,
                        "frames/s": rate,
                        "ahead_ms": ahead,
                        **{f"{name}_px": round(value, 2) for name, value in px.items()},
                        "kalman/hold": round(px["kalman"] / px["hold"], 2),
                        "linear/hold": round(px["linear"] / px["hold"], 2),
                        "worst": round(float((every["linear"] / every["hold"]).max()), 2),
                    }
                )
    return rows


def main() -> None:
    """Measure, print and write."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--subjects", type=int, default=20, help="phantom subjects (default: 20)")
    parser.add_argument("--output", type=Path, default=Path(__file__).with_suffix(".json"), help="JSON file to write")
    arguments = parser.parse_args()
    torch.set_num_threads(1)
    start = time.perf_counter()
    rows = measure(arguments.subjects)
    result = {
        "subjects": arguments.subjects,
        "noise_px": NOISE_PX,
        "seconds": SECONDS,
        "burn_in_seconds": BURN_IN,
        "versions": {"torch": torch.__version__, "numpy": np.__version__, "python": platform.python_version()},
        "rows": rows,
    }
    columns = list(rows[0])
    print(f"{arguments.subjects} subjects, noise {NOISE_PX} px, took {time.perf_counter() - start:.0f} s")
    print("  ".join(f"{name:>11}" for name in columns))
    for row in rows:
        print("  ".join(f"{row[name]!s:>11}" for name in columns))
    arguments.output.write_text(json.dumps(result, indent=2) + "\n")


if __name__ == "__main__":
    main()
