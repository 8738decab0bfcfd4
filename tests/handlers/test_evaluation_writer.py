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
"""Tests of the evaluation's figures on textures that move by known shifts, with a network of known error."""

from __future__ import annotations

import json
import math
from pathlib import Path

import pytest
import torch
from monai.engines import SupervisedEvaluator
from torch.utils.data import DataLoader

from scripts.classical import NCCMatcher
from scripts.data.example_images import read_example_points
from scripts.data.frame_dataset import FrameDataset
from scripts.data.image_series import find_image_series
from scripts.engines import PatchCenterPrepareBatch
from scripts.handlers import EvaluationWriter
from scripts.io.input_error import InputError
from scripts.metrics import MeanEuclideanError, PairCyclicError
from scripts.transforms import RandPatchCenter

SHIFTS = [(0, 0), (4, -2), (-2, 6)]
POINTS = {"a": (40, 30), "b": (34, 28)}
OFF = 2.0  # px of the network's image along x; 4 px of the original, which is twice as large
NO_AUGMENTATION = {
    "image_rotate": 0.0,
    "image_scale": (1.0, 1.0),
    "crop_scale": (1.0, 1.0),
    "crop_ratio": (1.0, 1.0),
    "patch_rotate": 0.0,
    "patch_scale": (1.0, 1.0),
    "gamma": (1.0, 1.0),
}


class OffNCC(NCCMatcher):
    """Cross-correlation that errs by a known distance each time."""

    def match(self, image_code: torch.Tensor, patch_code: torch.Tensor) -> torch.Tensor:
        found = super().match(image_code, patch_code)
        return found + torch.tensor([2 * OFF / image_code.shape[2], 0, 0, 0])

    def forward(self, image: torch.Tensor, patch: torch.Tensor, heatmap: bool = False) -> torch.Tensor:
        assert not heatmap
        return self.match(image, patch)


def write_points(path: Path, rows: list[tuple]) -> Path:
    path.write_text("image,frame,label,x,y\n" + "".join(",".join(map(str, row)) + "\n" for row in rows))
    return path


def evaluate(data: Path, rows: list[tuple] | None, **options) -> tuple[dict, PairCyclicError]:
    dataset = FrameDataset(find_image_series(data), (40, 40))
    network = OffNCC()
    table = write_points(data.parent / "examples.csv", rows) if rows else None
    examples = read_example_points(table, dataset, data)
    pairs = PairCyclicError(dataset, 15, pairs=2, step=10, perturb=False)
    path = data.parent / "eval" / "metrics.json"
    evaluator = SupervisedEvaluator(
        device=torch.device("cpu"),
        val_data_loader=DataLoader(dataset, batch_size=2),
        network=network,
        prepare_batch=PatchCenterPrepareBatch(
            RandPatchCenter(15, patches_per_image=4, **NO_AUGMENTATION), seed=0, validation=True
        ),
        key_val_metric={"self_matching_error_px": MeanEuclideanError((40, 40))},
        val_handlers=[EvaluationWriter(path, network, pairs, examples, 15, **options)],
        decollate=False,
    )
    evaluator.run()
    return json.loads(path.read_text()), pairs


@pytest.fixture
def data(tmp_path, write_clip) -> Path:
    write_clip(tmp_path / "data" / "clip.nii", SHIFTS)
    return tmp_path / "data"


@pytest.fixture
def examples() -> list[tuple]:
    return [("clip.nii", 0, label, *POINTS[label]) for label in POINTS]


@pytest.fixture
def truth(tmp_path) -> Path:
    rows = [
        ("clip.nii", t, label, POINTS[label][0] + dx, POINTS[label][1] + dy)
        for label in POINTS
        for t, (dx, dy) in enumerate(SHIFTS)
    ]
    return write_points(tmp_path / "truth.csv", rows)


ALWAYS = {"self_matching_error_px", "pixel_cyclic_error_px", "ncc_pixel_cyclic_error_px"}
WITH_EXAMPLES = {"cyclic_error_px", "ncc_cyclic_error_px", "motion_px"}
WITH_TRUTH = {"error_px", "copy_first_px", "ncc_px", "error_px_by_landmark"}


def test_figures_are_those_of_the_known_motion_and_error(data, examples, truth):
    metrics, pairs = evaluate(data, examples, truth=str(truth))
    assert metrics.keys() == ALWAYS | WITH_EXAMPLES | WITH_TRUTH
    px = 2 * OFF  # of the original
    assert metrics["self_matching_error_px"] == pytest.approx(OFF, abs=0.3)  # of the network's image
    assert metrics["error_px"] == pytest.approx(px, abs=0.3)
    assert metrics["error_px_by_landmark"] == {"a": pytest.approx(px, abs=0.3), "b": pytest.approx(px, abs=0.3)}
    assert metrics["ncc_px"] == pytest.approx(0, abs=0.3)
    assert metrics["copy_first_px"] == pytest.approx((math.hypot(4, 2) + math.hypot(2, 6)) / 2, abs=1e-3)
    assert metrics["cyclic_error_px"] == pytest.approx(2 * px, abs=0.5)  # out and back
    assert metrics["ncc_cyclic_error_px"] == pytest.approx(0, abs=0.3)
    largest = max(math.hypot(dx + px, dy) for dx, dy in SHIFTS)
    assert metrics["motion_px"] == {"a": pytest.approx(largest, abs=0.4), "b": pytest.approx(largest, abs=0.4)}
    # 40 px of the network's image are 80 of the original
    assert metrics["pixel_cyclic_error_px"] == pytest.approx(2 * pairs.mean(OffNCC()), abs=2e-3)
    assert metrics["ncc_pixel_cyclic_error_px"] == pytest.approx(2 * pairs.mean(NCCMatcher()), abs=2e-3)
    assert abs(metrics["pixel_cyclic_error_px"] - metrics["ncc_pixel_cyclic_error_px"]) > 1


def test_frames_with_no_true_position_are_left_out_and_told(data, examples, truth, caplog):
    truth.write_text("".join(line for line in truth.open() if not line.startswith("clip.nii,1,b")))
    metrics, _ = evaluate(data, examples, truth=str(truth))
    assert metrics["error_px"] == pytest.approx(2 * OFF, abs=0.3)
    assert "b of clip.nii: no true position in 1 of 3 frames" in caplog.text


def test_without_a_truth_there_is_no_error(data, examples):
    metrics, _ = evaluate(data, examples)
    assert metrics.keys() == ALWAYS | WITH_EXAMPLES


def test_stills_and_no_examples_give_no_tracking(tmp_path, write_clip):
    for seed, name in enumerate(["a.nii", "b.nii"]):
        write_clip(tmp_path / "data" / name, [(0, 0)], seed=seed)
    for rows in (None, [("a.nii", "", "a", 40, 30)]):
        metrics, _ = evaluate(tmp_path / "data", rows)
        assert metrics.keys() == ALWAYS


def test_the_trainings_seconds_are_taken_over_where_it_left_them(data, tmp_path):
    summary = tmp_path / "model.json"
    assert "train_seconds" not in evaluate(data, None, training_summary=summary)[0]
    summary.write_text(json.dumps({"train_seconds": 123.4, "iterations": 7}))
    assert evaluate(data, None, training_summary=summary)[0]["train_seconds"] == 123.4
    summary.write_text(json.dumps({"settings": {"image_size": [112, 112]}}))  # as beside the weights as shipped
    assert "train_seconds" not in evaluate(data, None, training_summary=summary)[0]


def test_a_damaged_summary_of_the_training_is_named_before_anything_is_measured(data, tmp_path):
    summary = tmp_path / "model.json"
    for damaged in ("{", "[]", '{"train_seconds": "long"}'):
        summary.write_text(damaged)
        with pytest.raises(InputError, match=r"model\.json cannot be read"):
            evaluate(data, None, training_summary=summary)


def test_figures_are_numbers_of_three_decimals(data, examples, truth):
    metrics, _ = evaluate(data, examples, truth=str(truth))
    numbers = [value for value in metrics.values() if not isinstance(value, dict)]
    numbers += [*metrics["motion_px"].values(), *metrics["error_px_by_landmark"].values()]
    assert all(isinstance(number, float) and number == round(number, 3) for number in numbers)


def test_a_fault_leaves_the_figures_that_were_there(data, examples, truth):
    folder = data.parent / "eval"
    folder.mkdir()
    (folder / "metrics.json").write_text("old")
    truth.write_text(truth.read_text().replace("clip.nii,1,b,", "clip.nii,1,b,left"))
    with pytest.raises(InputError, match=r"truth\.csv, line 6: x is 'left"):
        evaluate(data, examples, truth=str(truth))
    assert (folder / "metrics.json").read_text() == "old"
    assert [path.name for path in folder.iterdir()] == ["metrics.json"]


def test_files_that_could_not_be_used_are_counted(data, examples, truth):
    (data / "empty.png").touch()
    assert evaluate(data, examples, truth=truth)[0]["images_not_used"] == 1
