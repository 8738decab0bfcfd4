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
"""The three workflows as a user runs them: the real command line, real files, tiny sizes."""

from __future__ import annotations

import csv
import json
import subprocess
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from bundle_command import assert_ran, run_bundle

# the smallest run that still goes through everything
TINY = ["--image_size", "[48,44]", "--patch_size", "16", "--patch_zoom", "1", "--batch_size", "2"]
SHORT = ["--max_epochs", "2", "--steps_per_epoch", "2", "--val_interval", "1", "--patches_per_image", "2"]


@pytest.fixture(scope="module")
def trained(phantom: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder of weights, trained through the command line."""
    folder = tmp_path_factory.mktemp("models")
    where = ["--dataset_dir", str(phantom), "--ckpt_dir", str(folder), "--output_dir", str(folder)]
    assert_ran(run_bundle("training", ["train.json"], *where, *TINY, *SHORT))
    return folder


def evaluate(phantom: Path, trained: Path, output: Path, *options: str) -> subprocess.CompletedProcess[str]:
    where = ["--dataset_dir", str(phantom), "--ckpt_path", str(trained / "model.pt"), "--output_dir", str(output)]
    return run_bundle("evaluating", ["evaluate.json", "data/phantom.json"], *where, *TINY, *options)


def infer(images: Path, trained: Path, output: Path, *options: str) -> subprocess.CompletedProcess[str]:
    where = ["--dataset_dir", str(images), "--ckpt_path", str(trained / "model.pt"), "--output_dir", str(output)]
    return run_bundle("inferring", ["inference.json"], *where, *TINY, *options)


def write_csv(path: Path, *rows: str) -> str:
    path.write_text("\n".join(["image,frame,label,x,y", *rows]) + "\n")
    return str(path)


def test_training_keeps_the_best_and_the_last_weights(trained: Path) -> None:
    best = torch.load(trained / "model.pt", weights_only=True)
    checkpoint = torch.load(trained / "checkpoint.pt", weights_only=True)
    assert checkpoint["epoch"] == 2
    assert set(best) == set(checkpoint["objects"]["network"])
    summary = json.loads((trained / "model.json").read_text())
    assert summary["iterations"] == 4
    assert summary["train_seconds"] > 0
    metrics = summary["last_validation"]
    mean = (metrics["val_self_matching_error_px"] + metrics["val_cyclic_error_px"]) / 2
    assert metrics["val_error_px"] == pytest.approx(mean, abs=1e-3)


def test_evaluating_writes_the_metrics(phantom: Path, trained: Path, tmp_path: Path) -> None:
    assert_ran(evaluate(phantom, trained, tmp_path))
    metrics = json.loads((tmp_path / "metrics.json").read_text())
    single = ["self_matching_error_px", "cyclic_error_px", "ncc_cyclic_error_px", "pixel_cyclic_error_px", "error_px"]
    assert all(np.isfinite(metrics[name]) for name in [*single, "copy_first_px", "ncc_px", "train_seconds"])
    assert len(metrics["motion_px"]) == 5
    # independent truth: the phantom's own tables
    rows = list(csv.DictReader((phantom / "tracks.csv").open()))
    first = {(row["image"], row["label"]): (float(row["x"]), float(row["y"])) for row in rows if row["frame"] == "0"}
    moved = [
        np.hypot(
            float(row["x"]) - first[row["image"], row["label"]][0],
            float(row["y"]) - first[row["image"], row["label"]][1],
        )
        for row in rows
        if row["frame"] != "0"
    ]
    assert metrics["copy_first_px"] == pytest.approx(np.mean(moved), abs=2e-3)


def write_stills(folder: Path, landmarks: Path) -> dict[str, list[dict]]:
    """Six patients with a bright spot that is their landmark, a strip that no patch fits into, and their data list."""
    folder.mkdir()
    rng = np.random.default_rng(0)
    rows, images = [], []
    for i in range(6):
        x, y = 20 + 3 * i, 30 - 2 * i
        pixels = rng.integers(0, 60, (44, 48), dtype=np.uint8)
        pixels[y - 3 : y + 4, x - 3 : x + 4] = 250
        Image.fromarray(pixels).save(folder / f"p{i}.png")
        images.append({"image": f"p{i}.png", "patient": i})
        # one landmark is marked in all images, the other is absent from the last
        rows += [f"p{i}.png,,spot,{x},{y}"] + ([f"p{i}.png,,corner,5,6"] if i < 5 else [])
    Image.fromarray(rng.integers(0, 255, (4, 60), dtype=np.uint8)).save(folder / "strip.png")
    write_csv(landmarks, *rows)
    return {"training": images[:1], "validation": images[:2], "test": [*images[2:], {"image": "strip.png"}]}


def test_the_evaluations_of_stills_and_their_report(trained: Path, tmp_path: Path) -> None:
    datalist, truth = tmp_path / "datalist.json", tmp_path / "truth.csv"
    datalist.write_text(json.dumps(write_stills(tmp_path / "images", truth)))
    where = ["--dataset_dir", str(tmp_path / "images"), "--ckpt_path", str(trained / "model.pt")]
    where += ["--output_dir", str(tmp_path / "out"), "--datalist", str(datalist), "--truth", str(truth)]
    options = [*where, *TINY, "--labels_apart", "['corner']", "--cyclic_matching#step", "8"]
    assert_ran(run_bundle("evaluating", ["evaluate.json"], *options))
    metrics = json.loads((tmp_path / "out" / "metrics.json").read_text())
    assert metrics["pixel_matching"]["images"] == 4
    assert metrics["cyclic_matching"]["pairs"] == 4 * 3
    assert metrics["landmark_matching"]["labels"] == ["spot"]
    assert "temperature" in metrics["calibration"]["self-matching"]["after"]
    assert "conformal" in metrics["calibration"]["landmarks, 1 example"]
    report = (tmp_path / "out" / "report.html").read_text()
    for note in (
        "smaller than a patch of 16 px at the network&#x27;s size: strip.png (60 x 4 px)",
        "images without corner",
    ):
        assert note in report
    for name in ("pixel_matching", "cyclic_matching", "landmark_matching", "calibration"):
        assert list(csv.DictReader((tmp_path / "out" / f"{name}.csv").open()))
        assert list((tmp_path / "out" / name).glob("*.png"))


def test_inferring_writes_tables_markups_and_pictures(phantom: Path, trained: Path, tmp_path: Path) -> None:
    assert_ran(
        infer(phantom, trained, tmp_path, "--examples", str(phantom / "examples.csv"), "--within_subject", "True")
    )
    rows = list(csv.DictReader((tmp_path / "landmarks.csv").open()))
    columns = "image,frame,label,x,y,sigma_x,sigma_y,n_examples,is_example,status,reason,lps_x,lps_y,lps_z"
    assert ",".join(rows[0]) == columns
    with (phantom / "examples.csv").open() as file:
        given = {(row["image"], row["frame"], row["label"]) for row in csv.DictReader(file)}
    assert {(row["image"], row["frame"], row["label"]) for row in rows if row["is_example"] == "1"} == given
    assert {row["status"] for row in rows} <= {"doubtful", "unchecked"}
    assert all(bool(row["reason"]) == (row["status"] == "doubtful") for row in rows)
    assert len(rows) == 2 * 6 * 5
    assert {row["n_examples"] for row in rows} == {"1"}
    for image in ("subject_00.nii.gz", "subject_01.nii.gz"):
        assert (tmp_path / "markups" / f"{image}.mrk.json").exists()
        assert (tmp_path / "pictures" / f"{image}.gif").exists()
    assert (tmp_path / "index.html").exists()


def test_several_rows_of_a_label_are_several_examples(phantom: Path, trained: Path, tmp_path: Path) -> None:
    assert_ran(infer(phantom, trained, tmp_path, "--examples", str(phantom / "examples.csv"), "--max_pictures", "0"))
    rows = list(csv.DictReader((tmp_path / "landmarks.csv").open()))
    assert {row["n_examples"] for row in rows} == {"2"}


def test_still_images_of_any_size_and_colour(trained: Path, tmp_path: Path) -> None:
    images = tmp_path / "images"
    (images / "sub").mkdir(parents=True)
    rng = np.random.default_rng(0)
    Image.fromarray(rng.integers(0, 255, (50, 70, 3), dtype=np.uint8)).save(images / "a.png")
    Image.fromarray(rng.integers(0, 255, (90, 40), dtype=np.uint8)).save(images / "sub" / "b.jpg")
    examples = write_csv(tmp_path / "examples.csv", "a.png,,tip,69,49")
    assert_ran(infer(images, trained, tmp_path / "out", "--examples", examples))
    rows = list(csv.DictReader((tmp_path / "out" / "landmarks.csv").open()))
    assert [(row["image"], row["frame"]) for row in rows] == [("a.png", ""), ("sub/b.jpg", "")]
    assert (tmp_path / "out" / "pictures" / "sub" / "b.jpg.png").exists()


@pytest.fixture(scope="module")
def refused(
    phantom: Path, trained: Path, tmp_path_factory: pytest.TempPathFactory
) -> dict[str, subprocess.CompletedProcess[str]]:
    """Runs that stop, two at a time, as each takes seconds to begin; each is told to write to a folder of its own."""
    folder = tmp_path_factory.mktemp("refused")
    (folder / "images").mkdir()
    (folder / "images" / "broken.png").write_bytes(b"no picture")
    bad = ["--examples", write_csv(folder / "examples.csv", "subject_00.nii.gz,0,tip,60,10")]
    good = ["--examples", str(phantom / "examples.csv")]
    broken = ["--dataset_dir", str(folder / "images"), "--output_dir", str(folder / "out_4")]
    other = ["--ckpt_path", str(trained / "model.pt"), "--dataset_dir", str(phantom), *good]
    other += ["--output_dir", str(folder / "out_5")]
    with ThreadPoolExecutor(2) as pool:
        runs = {
            "bad examples": pool.submit(infer, phantom, trained, folder / "out_1", *bad),
            "no examples": pool.submit(infer, phantom, trained, folder / "out_2"),
            "no weights": pool.submit(infer, phantom, folder, folder / "out_3", *good),
            "broken image": pool.submit(run_bundle, "training", ["train.json"], *broken, *TINY, *SHORT),
            "other head": pool.submit(
                run_bundle, "inferring", ["inference.json", "head/regression.json"], *other, *TINY
            ),
        }
    assert not list(folder.glob("out_*"))
    return {name: run.result() for name, run in runs.items()}


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("bad examples", "lies outside subject_00.nii.gz"),
        ("no examples", "give --examples FILE.csv"),
        ("no weights", "train first, or give --ckpt_path"),
        ("broken image", "broken.png cannot be read"),
        ("other head", "do not fit the network"),
    ],
)
def test_one_clear_message_ends_the_program(refused, name: str, message: str) -> None:
    """Each message is tested where it is made; here, that it alone ends the program, before anything is written."""
    assert_stopped(refused[name], message)
    if name == "bad examples":
        assert "examples.csv" in refused[name].stderr


def assert_stopped(result: subprocess.CompletedProcess[str], message: str) -> None:
    assert result.returncode == 1
    errors = [line for line in result.stderr.splitlines() if line.startswith("error: ")]
    assert len(errors) == 1, result.stderr[-3000:]
    assert message in errors[0]
    assert "Traceback" not in result.stderr


def test_another_encoder_head_and_loss_train_and_infer(phantom: Path, tmp_path: Path) -> None:
    variants = ["encoder/resnet18.json", "head/regression.json", "loss/laplace.json"]
    where = ["--dataset_dir", str(phantom), "--ckpt_dir", str(tmp_path), "--output_dir", str(tmp_path)]
    assert_ran(run_bundle("training", ["train.json", *variants], *where, *TINY, *SHORT))
    options = ["--ckpt_path", str(tmp_path / "model.pt"), "--examples", str(phantom / "examples.csv")]
    options += ["--dataset_dir", str(phantom), "--output_dir", str(tmp_path / "out"), "--max_pictures", "0"]
    assert_ran(run_bundle("inferring", ["inference.json", *variants], *options, *TINY))
    assert (tmp_path / "out" / "landmarks.csv").exists()


def test_tracking_with_mlflow(phantom: Path, tmp_path: Path) -> None:
    where = ["--dataset_dir", str(phantom), "--ckpt_dir", str(tmp_path / "models"), "--output_dir", f"$'{tmp_path}'"]
    assert_ran(run_bundle("training", ["train.json"], *where, *TINY, *SHORT, "--tracking", "mlflow"))
    from mlflow.tracking import MlflowClient

    client = MlflowClient(f"sqlite:///{tmp_path}/mlruns.db")
    [run] = client.search_runs([experiment.experiment_id for experiment in client.search_experiments()])
    assert run.info.status == "FINISHED"
    assert {"val_error_px", "val_cyclic_error_px", "train_loss", "train_mean_loss", "lr_group_0"} <= set(
        run.data.metrics
    )
    history = list(csv.DictReader((tmp_path / "training" / "history.csv").open()))
    for name in ("train_mean_loss", "val_error_px"):
        logged = [point.value for point in client.get_metric_history(run.info.run_id, name)]
        assert logged == pytest.approx([float(row[name.replace("_mean", "")]) for row in history])
    assert len(client.get_metric_history(run.info.run_id, "lr_group_0")) == 4
    files = {file.path for file in client.list_artifacts(run.info.run_id)}
    assert {"validation_matches.png", "curves.png", "history.csv", "model.pt", "checkpoint.pt"} <= files
    [config] = [name for name in files if name.startswith("config_")]
    executed = json.loads(Path(client.download_artifacts(run.info.run_id, config)).read_text())
    assert executed["image_size"] == [48, 44]
    with Image.open(client.download_artifacts(run.info.run_id, "validation_matches.png")) as picture:
        assert min(picture.size) > 200


def test_the_papers_schedule(phantom: Path, tmp_path: Path) -> None:
    """With another encoder, as the paper's needs timm and a download, and narrower layers."""
    where = ["--dataset_dir", str(phantom), "--ckpt_dir", str(tmp_path), "--output_dir", str(tmp_path)]
    small = ["--encoder", "residual", "--pretrained", "False", "--head#hidden_channels", "16"]
    epochs = ["--max_epochs", "81", "--val_interval", "81"]
    assert_ran(
        run_bundle("training", ["train.json", "paper.json"], *where, *TINY, *small, *epochs, "--batch_size", "24")
    )
    history = list(csv.DictReader((tmp_path / "training" / "history.csv").open()))
    rates = [float(row["learning_rate"]) for row in history]
    # 10 frames are trained on: one step an epoch; the rate is that after the epoch
    assert rates == pytest.approx([1e-4] * 79 + [0.85e-4] * 2)
    checkpoint = torch.load(tmp_path / "checkpoint.pt", weights_only=True)
    assert checkpoint["iteration"] == 81
    assert checkpoint["objects"]["optimizer"]["param_groups"][0]["betas"] == (0.9, 0.999)


def test_data_lists_a_cache_on_disk_and_mixed_precision(phantom: Path, tmp_path: Path) -> None:
    """On a CPU mixed precision is switched off, with a warning: the settings must still go through."""
    datalist = tmp_path / "datalist.json"
    parts = {"training": "subject_00.nii.gz", "validation": "subject_01.nii.gz"}
    datalist.write_text(json.dumps({part: [{"image": name}] for part, name in parts.items()}))
    where = ["--dataset_dir", str(phantom), "--output_dir", str(tmp_path), "--ckpt_dir", str(tmp_path / "models")]
    options = [*where, *TINY, *SHORT, "--cache_dir", str(tmp_path / "cache"), "--amp", "True"]
    assert_ran(run_bundle("training", ["train.json"], *options, "--datalist", str(datalist)))
    assert len(list((tmp_path / "cache").iterdir())) == 2
    assert (tmp_path / "models" / "model.pt").exists()
    missing = run_bundle("training", ["train.json"], *options, "--datalist", str(tmp_path / "none.json"))
    assert_stopped(missing, "none.json")
