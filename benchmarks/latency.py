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

"""Milliseconds a frame to follow landmarks: the tracker, the naive way, ONNX Runtime, and trackers of OpenCV.

Run it with ``PYTHONPATH=bundle python benchmarks/latency.py``. It prints a table and writes
``benchmarks/latency.json``. All rows are of one run, with the same threads and on the same frames: 8 bits, of the
network's size, a smooth random texture that goes round in a circle, with noise. Weights are random: they do not change
the time of the network, and accuracy is not measured here. The ways (``--only``):

- *tracker*: ``LandmarkTracker.update``, float32, without a refinement and without asking the surroundings: what is
  measured is the whole call, from the frame to the answers;
- *full*: the same with a refinement and the surroundings asked;
- *bfloat16*: both with the encoders in that precision;
- *onnx*: ``track_frame`` in ONNX Runtime: frame prepared, encoded and matched, without fusion and answers; and the same
  three steps in torch beside it;
- *naive*: each pair of image and patch through the whole network, no code kept, as the paper's code path reads. A few
  pairs are timed, and the median is multiplied by the number of pairs, so it has no percentiles;
- *peers*: OpenCV's CSRT (one tracker a landmark), pyramidal Lucas-Kanade, DIS optical flow (medium; one dense flow for
  all landmarks) and template matching over the whole frame, for 1 and 20 landmarks;
- *gpu*: *tracker* on the first GPU, bfloat16 where it can, with and without a CUDA graph, and encoding and matching
  alone as a share of the roofline. The roofline's bytes are the least: the weights that are used, the frame, the codes
  and the answers, once each, in 2 bytes a value (the frame in 4).

What is not installed is left out, with a message. Run it on an idle machine.
"""

from __future__ import annotations

import argparse
import copy
import importlib
import itertools
import json
import math
import operator
import os
import platform
import tempfile
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

import cv2
import numpy as np
import torch
import torch.nn.functional as F
from torch.utils.flop_counter import FlopCounterMode

from scripts.baselines import CSRT, DISFlow, LucasKanade, PeerTracker
from scripts.export import TrackFrame, export_onnx
from scripts.inferers import Execution, FramePreparer, LandmarkTracker, LocalRefinement
from scripts.io import InputError
from scripts.networks import ENCODERS, CorrelationHead, RegressionHead, TemplateMatchingNetwork, build_encoder
from scripts.transforms import extract_patches

SIZES = ("192x176", "224x224", "352x352")
PAIRS = ("1x1", "1x20", "20x1", "20x20", "100x50")
WAYS = ("tracker", "full", "bfloat16", "onnx", "naive", "peers", "gpu")
NETWORKS = (*ENCODERS, *(f"{name}+regression" for name in ENCODERS))
TITLES = {"tracker": "tracker", "full": "tracker, refined, neighbours asked"}
PEER_LANDMARKS = (1, 20)
FRAMES = 32  # of one round
SHIFT_PX = 12
NOISE = 0.02
PATCH = 48
WARM_UP = 5
GOAL_SIZE, GOAL_MS, GOAL_COST, GOAL_SPEED_UP = "352x352", 25.0, 1.15, {1: 1.0, 20: 20.0}

Work = Callable[[int], object]  # what is timed, of the number of the frame


@dataclass(frozen=True)
class Scene:
    """Frames that move, and points that move with them.

    Attributes:
        size: spatial shape, px.
        frames: each (X, Y), 8 bits.
        places: (L, 2), points in px of the middle of the way.
        moves: (FRAMES, 2), how far each frame shows them from there, px.
    """

    size: tuple[int, ...]
    frames: list[np.ndarray]
    places: np.ndarray
    moves: np.ndarray

    def frame(self, number: int) -> np.ndarray:
        """A frame of the endless round."""
        return self.frames[number % len(self.frames)]

    def points(self, number: int, landmarks: int) -> np.ndarray:
        """Where landmarks lie in that frame, (landmarks, 2), px."""
        return self.places[:landmarks] + self.moves[number % len(self.frames)]


@dataclass
class Run:
    """What is measured, and what was found so far."""

    options: argparse.Namespace
    rows: list[dict] = field(default_factory=list)
    left_out: list[str] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)

    def wants(self, *ways: str) -> bool:
        """Whether one of the ways is asked for."""
        return any(way in self.options.only for way in ways)

    def add(self, scene: Scene, network: str, way: str, pair: tuple[int, int], work: Work, **more: object) -> dict:
        """Measure a row, print it and keep it."""
        times = np.array(timed(work, self.options.repeats))
        figures = dict(zip(("median_ms", "p95_ms", "p99_ms"), np.percentile(times, (50, 95, 99)).tolist(), strict=True))
        return self.keep(scene, network, way, pair, figures, **more)

    def keep(self, scene: Scene, network: str, way: str, pair: tuple[int, int], figures: dict, **more: object) -> dict:
        """Print and keep a row of figures in ms."""
        row = {"network": network, "way": way, "size": name_size(scene.size), "landmarks": pair[0], "examples": pair[1]}
        row |= {name: round(value, 3) for name, value in figures.items()} | more
        self.rows.append(row)
        print_row(row)
        return row

    def leave_out(self, what: str, why: object) -> None:
        """Tell what is not measured."""
        lines = str(why).strip().splitlines() or [type(why).__name__]
        self.left_out.append(f"{what}: {lines[0]}")
        print(f"left out: {self.left_out[-1]}", flush=True)


def name_size(size: tuple[int, ...]) -> str:
    """As on the command line."""
    return "x".join(map(str, size))


def print_row(row: dict) -> None:
    """One line of the table."""
    cells = [f"{row['network']:>22}", f"{row['way']:>34}", f"{row['size']:>8}"]
    cells += [f"{row['landmarks']:>9}", f"{row['examples']:>8}"]
    cells += [f"{row[name]:>10.2f}" if name in row else f"{'-':>10}" for name in ("median_ms", "p95_ms", "p99_ms")]
    print(" ".join(cells), flush=True)


def print_head() -> None:
    """The table's first line."""
    names = (
        f"{'network':>22} {'way':>34} {'size':>8} {'landmarks':>9} {'examples':>8}",
        "median_ms",
        "p95_ms",
        "p99_ms",
    )
    print(" ".join(f"{name:>10}" for name in names))


def timed(work: Work, repeats: int) -> list[float]:
    """Wall times in ms, after some frames to warm up."""
    times = []
    for number in range(WARM_UP + repeats):
        start = time.perf_counter()
        work(number)
        times.append(1000 * (time.perf_counter() - start))
    return times[WARM_UP:]


def make_scene(size: tuple[int, ...], landmarks: int) -> Scene:
    """A texture of three octaves that moves on a circle; noise makes each frame another one."""
    whole = [side + 2 * SHIFT_PX for side in size]
    texture = sum(
        F.interpolate(torch.rand(1, 1, cells, cells), size=whole, mode="bicubic", align_corners=False) / weight
        for weight, cells in enumerate((8, 24, 64), start=1)
    )[0, 0]
    texture = (texture - texture.min()) / (texture.max() - texture.min())
    angles = 2 * np.pi * np.arange(FRAMES) / FRAMES
    moves = (SHIFT_PX * np.stack([np.cos(angles), np.sin(angles)], axis=1)).round().astype(int)
    frames = []
    for left, top in (SHIFT_PX - moves).tolist():
        shown = texture[left : left + size[0], top : top + size[1]]
        noisy = (shown + NOISE * torch.randn(*size)).clamp(0, 1)
        frames.append((255 * noisy).round().to(torch.uint8).numpy())
    margin = PATCH / 2 + SHIFT_PX
    places = margin + torch.rand(landmarks, 2).numpy() * (np.array(size) - 1 - 2 * margin)
    return Scene(size, frames, places.round(), moves)


def make_network(name: str) -> TemplateMatchingNetwork:
    """A network of random weights, in evaluation mode; the seed is the same for each."""
    encoder, _, head = name.partition("+")
    torch.manual_seed(0)
    encoders = build_encoder(encoder), build_encoder(encoder)
    head_type = RegressionHead if head else CorrelationHead
    return TemplateMatchingNetwork(*encoders, head_type(*encoders), PATCH).eval()


def make_execution(network: torch.nn.Module, scene: Scene, **options: object) -> Execution:
    """A copy of the network: an execution changes its memory format and device."""
    return Execution(copy.deepcopy(network), scene.size, **options)


def make_tracker(execution: Execution, scene: Scene, pair: tuple[int, int], way: str = "tracker") -> LandmarkTracker:
    """A tracker of some landmarks, each with an example on each of some frames; see the ways above.

    Biases are taken off in each frame whether they are zero or not, so they are not measured first.
    """
    landmarks, examples = pair
    device = execution.device
    more = {"refinement": LocalRefinement()} if way == "full" else {"neighbors": None}
    tracker = LandmarkTracker(execution, PATCH, scene.size, correct_bias=False, device=device, **more)
    labels = [f"landmark {i}" for i in range(landmarks)]
    for number in range(examples):
        tracker.add(scene.frame(number), scene.points(number, landmarks), labels)
    return tracker


def tracker_work(tracker: LandmarkTracker, scene: Scene) -> Work:
    """One frame from the camera to the answers; on a GPU too, as these are on the CPU."""
    return lambda number: tracker.update(scene.frame(number))


def torch_steps(execution: Execution, tracker: LandmarkTracker, scene: Scene) -> Work:
    """What ONNX Runtime does, in torch."""
    prepare, codes = FramePreparer(scene.size), tracker.bank.codes
    return lambda number: execution.match(execution.encode_image(prepare(scene.frame(number))), codes)


def onnx_steps(session: object, tracker: LandmarkTracker, scene: Scene) -> Work:
    """A frame prepared, and encoded and matched by ONNX Runtime."""
    prepare, codes = FramePreparer(scene.size), tracker.bank.codes.numpy()
    return lambda number: session.run(None, {"image": prepare(scene.frame(number)).numpy(), "codes": codes})


def make_session(network: torch.nn.Module, scene: Scene, threads: int) -> object:
    """The exported graph of one size, in ONNX Runtime on the CPU.

    Raises:
        InputError: a package is missing, or the network cannot be exported.
    """
    with tempfile.TemporaryDirectory() as folder, torch.no_grad():
        path = Path(folder) / "track_frame.onnx"
        codes = torch.zeros_like(network.encode_patch(torch.zeros(2, 1, PATCH, PATCH)))
        inputs = {"image": torch.zeros(1, 1, *scene.size), "codes": codes}
        free = {"codes": "examples", "prediction": "examples"}
        export_onnx(TrackFrame(network), path, inputs, "prediction", free=free)
        import onnxruntime

        settings = onnxruntime.SessionOptions()
        settings.intra_op_num_threads, settings.inter_op_num_threads = threads, 1
        return onnxruntime.InferenceSession(path.read_bytes(), settings, providers=["CPUExecutionProvider"])


def naive_pair_ms(network: torch.nn.Module, scene: Scene, pairs: int) -> float:
    """Median time of one pair of image and patch through the whole network."""
    prepare = FramePreparer(scene.size)
    images = [prepare(frame) for frame in scene.frames]
    points = torch.as_tensor(scene.points(0, 1), dtype=torch.float32)
    patch = extract_patches(images[0], points, PATCH)
    with torch.no_grad():
        return float(np.median(timed(lambda number: network(images[number % FRAMES], patch), pairs)))


def measure_cpu(run: Run, name: str, network: torch.nn.Module, scene: Scene) -> None:
    """One network at one size, all ways on the CPU."""
    if run.wants("tracker", "full", "onnx", "naive"):
        execution = make_execution(network, scene, precision="float32")
        run.notes.append(f"{name} {name_size(scene.size)} float32: channels_last={execution.channels_last}")
        session = None
        if run.wants("onnx"):
            try:
                session = make_session(network, scene, run.options.threads)
            except InputError as error:
                run.leave_out(f"onnx, {name}, {name_size(scene.size)}", error)
        for pair in run.options.pairs:
            measure_float32(run, name, execution, scene, pair, session)
        if run.wants("naive"):
            measure_naive(run, name, execution.network, scene)
    if run.wants("bfloat16"):
        execution = make_execution(network, scene, precision="bfloat16")
        run.notes.append(f"{name} {name_size(scene.size)} bfloat16: channels_last={execution.channels_last}")
        for pair, way in itertools.product(run.options.pairs, ("tracker", "full")):
            work = tracker_work(make_tracker(execution, scene, pair, way), scene)
            run.add(scene, name, f"{TITLES[way]}, bfloat16", pair, work)


def measure_float32(
    run: Run, name: str, execution: Execution, scene: Scene, pair: tuple[int, int], session: object | None
) -> None:
    """One network at one size for one number of landmarks and examples, in float32."""
    if not run.wants("tracker", "full", "onnx"):
        return
    for way in ("full", "tracker"):
        if run.wants(way):
            run.add(scene, name, TITLES[way], pair, tracker_work(make_tracker(execution, scene, pair, way), scene))
    tracker = make_tracker(execution, scene, pair)
    if session is not None:
        run.add(scene, name, "ONNX Runtime: up to the match", pair, onnx_steps(session, tracker, scene))
        run.add(scene, name, "torch: up to the match", pair, torch_steps(execution, tracker, scene))


def measure_naive(run: Run, name: str, network: torch.nn.Module, scene: Scene) -> None:
    """All pairs of image and patch, from the time of one."""
    pair_ms = naive_pair_ms(network, scene, run.options.naive_pairs)
    for pair in run.options.pairs:
        figures = {"median_ms": pair_ms * math.prod(pair)}
        more = {"extrapolated_from_pairs": run.options.naive_pairs, "pair_ms": round(pair_ms, 3)}
        run.keep(scene, name, "naive (one pair, multiplied)", pair, figures, **more)


def measure_gpu(run: Run, name: str, network: torch.nn.Module, scene: Scene) -> None:
    """One network at one size on the first GPU."""
    for graph in (False, True):
        execution = make_execution(network, scene, device="cuda:0", precision="auto", cuda_graph=graph)
        suffix = f"GPU, {execution.precision}{', CUDA graph' if graph else ''}"
        for pair in run.options.pairs:
            tracker = make_tracker(execution, scene, pair)
            run.add(scene, name, f"tracker, {suffix}", pair, synchronised(tracker_work(tracker, scene)))
            network_work = synchronised(network_only(execution, tracker, scene))
            row = run.add(scene, name, f"network, {suffix}", pair, network_work)
            row["roofline"] = roofline(execution, tracker, scene, run.options)
            row["roofline"]["share"] = round(row["roofline"]["least_ms"] / row["median_ms"], 4)
            print(f"{'':>22} roofline: {row['roofline']}", flush=True)


def synchronised(work: Work) -> Work:
    """The same, until the GPU has done all of it."""

    def whole(number: int) -> None:
        work(number)
        torch.cuda.synchronize()

    return whole


def network_only(execution: Execution, tracker: LandmarkTracker, scene: Scene) -> Work:
    """Encoding and matching, of frames that lie on the device."""
    prepare, codes = FramePreparer(scene.size, device=execution.device), tracker.bank.codes
    images = [prepare(frame) for frame in scene.frames]
    return lambda number: execution.match(execution.encode_image(images[number % FRAMES]), codes)


def roofline(execution: Execution, tracker: LandmarkTracker, scene: Scene, options: argparse.Namespace) -> dict:
    """The least time in which a device of these peaks could encode and match a frame."""
    network, codes = execution.network, tracker.bank.codes.float()
    image = FramePreparer(scene.size, device=execution.device)(scene.frame(0))
    with torch.no_grad(), FlopCounterMode(display=False) as counter:
        image_code = network.encode_image(image)
        answers = network.match(image_code, codes)
    used = [*network.image_encoder.parameters()]
    used += [value for key, value in network.head.named_parameters() if not key.startswith("patch")]
    values = sum(one.numel() for one in (*used, image_code, codes, answers))
    size = 2 * values + 4 * image.numel()
    flops = counter.get_total_flops()
    compute, memory = flops / (1e12 * options.peak_tflops), size / (1e9 * options.peak_gbs)
    return {
        "gflop": round(flops / 1e9, 3),
        "megabytes": round(size / 1e6, 3),
        "least_ms": round(1000 * max(compute, memory), 5),
        "bound": "compute" if compute > memory else "memory",
    }


def measure_peers(run: Run, scene: Scene) -> None:
    """OpenCV's trackers."""
    cv2.setNumThreads(run.options.threads)
    makers = {
        "DIS optical flow, medium": lambda landmarks: peer_work(DISFlow(), scene, landmarks),
        "Lucas-Kanade, pyramidal": lambda landmarks: peer_work(LucasKanade(), scene, landmarks),
        "template matching": lambda landmarks: template_work(scene, landmarks),
        "CSRT": lambda landmarks: peer_work(CSRT(PATCH), scene, landmarks),
    }
    for landmarks, (name, make) in itertools.product(PEER_LANDMARKS, makers.items()):
        run.add(scene, "OpenCV", name, (landmarks, 1), make(landmarks))


def rows_first(scene: Scene) -> list[np.ndarray]:
    """The frames as OpenCV has them."""
    return [np.ascontiguousarray(frame.T) for frame in scene.frames]


def peer_work(peer: PeerTracker, scene: Scene, landmarks: int) -> Work:
    """The method alone, on frames that are prepared already, with the frame before the first one as the example's."""
    images = rows_first(scene)
    kept = peer.begin(images[-1], scene.points(-1, landmarks).astype(np.float32))
    return lambda number: peer.locate(kept, images[number % FRAMES])


def template_work(scene: Scene, landmarks: int) -> Work:
    """``cv2.matchTemplate`` over the whole frame, one landmark after the other, with no sub-pixel step.

    This is the least that template matching takes: ``TemplateMatching`` searches beyond the margin too.
    """
    images = rows_first(scene)
    corners = (scene.points(-1, landmarks) - PATCH // 2).astype(int).tolist()
    templates = [images[-1][top : top + PATCH, left : left + PATCH].copy() for left, top in corners]

    def work(number: int) -> list:
        image = images[number % FRAMES]
        return [cv2.minMaxLoc(cv2.matchTemplate(image, one, cv2.TM_CCOEFF_NORMED)) for one in templates]

    return work


def measure_profile(run: Run) -> list[dict]:
    """Share of each step of a frame, for the default encoders and head, 352x352, on the CPU."""
    scene = make_scene(parse_pair(GOAL_SIZE), 20)
    profiles = []
    for precision in ("float32", "bfloat16"):
        execution = make_execution(make_network("residual"), scene, precision=precision)
        for pair, way in itertools.product(((1, 1), (20, 20)), TITLES):
            what = {"pair": name_size(pair), "way": TITLES[way], "precision": precision}
            profiles.append(what | profile(make_tracker(execution, scene, pair, way), scene, run.options.repeats))
            print(f"profile, {GOAL_SIZE}: {profiles[-1]}", flush=True)
    return profiles


def profile(tracker: LandmarkTracker, scene: Scene, repeats: int) -> dict:
    """Medians of the steps in ms, and their shares of the sum of these; what is left of the total are the answers."""
    timings: list[dict[str, float]] = []
    timed(lambda number: timings.append(tracker.update(scene.frame(number)).timings_ms), repeats)
    frames = timings[WARM_UP:]
    steps = {name: np.array([frame[name] for frame in frames]) for name in ("prepare", "encode", "match", "check")}
    steps["answers"] = np.array([frame["total"] for frame in frames]) - sum(steps.values())
    medians = {name: float(np.median(times)) for name, times in steps.items()}
    whole = sum(medians.values())
    return {
        "ms": {name: round(value, 3) for name, value in medians.items()},
        "share": {name: round(value / whole, 3) for name, value in medians.items()},
    }


def find(rows: list[dict], network: str, way: str, size: str, pair: tuple[int, int]) -> float | None:
    """The median of a row, ms."""
    wanted = {"network": network, "way": way, "size": size, "landmarks": pair[0], "examples": pair[1]}
    return next((row["median_ms"] for row in rows if wanted.items() <= row.items()), None)


def goal(text: str, value: float | None, unit: str, meets: Callable[[float, float], bool], limit: float) -> dict:
    """A goal: whether it is met, and by what figure; None where it was not measured."""
    met = None if value is None else meets(value, limit)
    figure = None if value is None else round(value, 3)
    return {"goal": text, "figure": figure, "unit": unit, "limit": limit, "met": met}


def ratio(above: float | None, below: float | None) -> float | None:
    """None where a part was not measured."""
    return None if above is None or below is None else above / below


def goals(rows: list[dict], sizes: list[str]) -> list[dict]:
    """The goals on the CPU, for the tracker alone and with everything on, in both precisions."""
    found = []
    for way in (*TITLES.values(), *(f"{title}, bfloat16" for title in TITLES.values())):
        many, one = (find(rows, "residual", way, GOAL_SIZE, pair) for pair in ((20, 20), (1, 1)))
        found.append(goal(f"{way}, {GOAL_SIZE}, 20x20: under {GOAL_MS:g} ms", many, "ms", operator.lt, GOAL_MS))
        text = f"{way}, {GOAL_SIZE}, 20x20 / 1x1: at most {GOAL_COST:g}"
        found.append(goal(text, ratio(many, one), "times", operator.le, GOAL_COST))
        for size in sizes:
            found += [csrt_goal(rows, way, size, pair) for pair in ((1, 1), (20, 1), (20, 20))]
    return found


def csrt_goal(rows: list[dict], way: str, size: str, pair: tuple[int, int]) -> dict:
    """How many times faster than CSRT, which has one example a landmark."""
    peer = find(rows, "OpenCV", "CSRT", size, (pair[0], 1))
    speed_up, limit = ratio(peer, find(rows, "residual", way, size, pair)), GOAL_SPEED_UP[pair[0]]
    text = f"{way}, {size}, {name_size(pair)}: more than {limit:g} x faster than CSRT"
    return goal(text, speed_up, "times", operator.gt, limit)


def print_goals(found: list[dict]) -> None:
    """One line a goal."""
    for one in found:
        state = {None: "not measured", True: "met", False: "NOT MET"}[one["met"]]
        figure = "" if one["figure"] is None else f" ({one['figure']:.2f} {one['unit']})"
        print(f"goal: {one['goal']}: {state}{figure}")


def load_average() -> list[float]:
    """Of 1, 5 and 15 minutes."""
    return [round(load, 2) for load in os.getloadavg()]


def versions() -> dict[str, str]:
    """Of what is measured; only what can be imported."""
    found = {"python": platform.python_version(), "machine": machine()}
    for name in ("torch", "monai", "numpy", "cv2", "onnxruntime", "timm"):
        try:
            found[name] = importlib.import_module(name).__version__
        except Exception:  # a package that does not fit torch fails in its own way
            found[name] = "not there"
    return found


def machine() -> str:
    """The processor's name, as Linux tells it, and the number of cores."""
    try:
        lines = Path("/proc/cpuinfo").read_text().splitlines()
    except OSError:
        lines = []
    names = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")]
    return f"{names[0] if names else platform.machine()}, {os.cpu_count()} cores"


def make_networks(run: Run) -> Iterator[tuple[str, torch.nn.Module]]:
    """The networks that can be built here."""
    for name in run.options.networks:
        try:
            network = make_network(name)
        except Exception as error:  # timm, or a torchvision that does not fit torch, fail in their own ways
            run.leave_out(name, error)
        else:
            yield name, network


def measure(run: Run) -> None:
    """All sizes and ways."""
    torch.set_num_threads(run.options.threads)
    torch.manual_seed(0)
    landmarks = max(*PEER_LANDMARKS, *(pair[0] for pair in run.options.pairs))
    scenes = [make_scene(size, landmarks) for size in run.options.sizes]
    on_gpu = run.wants("gpu") and torch.cuda.is_available()
    if run.wants("gpu") and not on_gpu:
        run.leave_out("gpu", "torch sees no GPU")
    if run.wants(*WAYS[:5]) or on_gpu:
        for name, network in make_networks(run):
            for scene in scenes:
                measure_cpu(run, name, network, scene)
                if on_gpu:
                    measure_gpu(run, name, network, scene)
    if run.wants("peers"):
        try:
            for scene in scenes:
                measure_peers(run, scene)
        except InputError as error:
            run.leave_out("peers", error)


def parse_pair(text: str) -> tuple[int, int]:
    """Two whole numbers, of 1 and more.

    Raises:
        ArgumentTypeError: these are none.
    """
    parts = text.split("x")
    if len(parts) != 2 or not all(part.isdecimal() and int(part) for part in parts):
        raise argparse.ArgumentTypeError(f"{text!r} is not of the form 20x1, with numbers of 1 and more")
    return int(parts[0]), int(parts[1])


def read_options() -> argparse.Namespace:
    """The command line's."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    add = parser.add_argument
    sizes, pairs = ([parse_pair(one) for one in some] for some in (SIZES, PAIRS))
    add("--sizes", nargs="+", type=parse_pair, default=sizes, help=f"frames, px (default: {' '.join(SIZES)})")
    add("--pairs", nargs="+", type=parse_pair, default=pairs, help=f"landmarks x examples (default: {' '.join(PAIRS)})")
    networks = "encoders, with +regression for the paper's head, such as resnet50 timm_vgg16 residual+regression"
    add("--networks", nargs="+", choices=NETWORKS, default=["residual"], metavar="NAME", help=f"{networks} (residual)")
    add("--only", nargs="+", choices=WAYS, default=list(WAYS), help="ways to measure (default: all)")
    add("--profile", action="store_true", help=f"the steps' share of a frame, default encoders and head, {GOAL_SIZE}")
    add("--repeats", type=int, default=50, help="timed frames a figure (default: 50)")
    add("--naive_pairs", type=int, default=10, help="timed pairs of the naive way (default: 10)")
    add("--threads", type=int, default=2, help="threads of torch, ONNX Runtime and OpenCV (default: 2)")
    add("--peak_tflops", type=float, default=989.0, help="the GPU's peak, TFLOP/s (default: 989, H100 SXM, bfloat16)")
    add("--peak_gbs", type=float, default=3350.0, help="the GPU's memory, GB/s (default: 3350, H100 SXM)")
    add("--output", type=Path, default=Path(__file__).with_suffix(".json"), help="JSON file to write")
    options = parser.parse_args()
    if min(options.repeats, options.naive_pairs, options.threads, options.peak_tflops, options.peak_gbs) <= 0:
        parser.error("repeats, naive_pairs, threads and peaks must be above 0")
    if min(min(size) for size in options.sizes) < PATCH + 4 * SHIFT_PX:
        parser.error(f"sizes must be {PATCH + 4 * SHIFT_PX} px or more")
    return options


def main() -> None:
    """Measure, print and write."""
    run = Run(read_options())
    before, found = load_average(), versions()
    threads = run.options.threads
    print(f"{found}\n{threads} threads, patch {PATCH} px, random weights, load average before: {before}", flush=True)
    print_head()
    measure(run)
    profiles = measure_profile(run) if run.options.profile else []
    reached = goals(run.rows, [name_size(size) for size in run.options.sizes])
    print_goals(reached)
    after = load_average()
    print(f"{'; '.join(run.notes)}\nload average after: {after}")
    result = {
        "settings": {name: value for name, value in vars(run.options).items() if name != "output"}
        | {"patch_px": PATCH, "weights": "random", "warm_up": WARM_UP},
        "versions": found,
        "gpu": torch.cuda.get_device_name(0) if torch.cuda.is_available() else None,
        "load_average": {"before": before, "after": after},
        "goals": reached,
        "rows": run.rows,
        "profile": profiles,
        "notes": run.notes,
        "left_out": run.left_out,
    }
    run.options.output.write_text(json.dumps(result, indent=2) + "\n")


if __name__ == "__main__":
    main()
